"""Rows as tuples, named tuples and dicts; sizes of fetches; copies of connections and cursors."""

from __future__ import annotations

import copy
import pickle
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

import micromegas_dbapi as mm

SQL = "SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL ORDER BY a"
TUPLES: list[Any] = [(1, "x"), (2, None)]
DICTS: list[Any] = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


@pytest.fixture
def connection() -> Iterator[mm.Connection]:
    with mm.connect("demo:") as connection:
        yield connection


FETCHES: list[Callable[[mm.Cursor], list[Any]]] = [
    lambda cursor: cursor.fetchall(),
    lambda cursor: [cursor.fetchone(), *cursor.fetchmany(5)],
    list,
    lambda cursor: [next(cursor), next(cursor)],
]


@pytest.mark.parametrize("fetch", FETCHES)
@pytest.mark.parametrize("factory", ["tuple", tuple, "namedtuple", namedtuple, "dict", dict])
def test_rows_of_each_factory(factory: Any, fetch: Any, connection: mm.Connection) -> None:
    """The connection, the cursor and the attribute set it alike."""
    expected = DICTS if factory in ("dict", dict) else TUPLES
    found = [fetch(connection.cursor(row_factory=factory).execute(SQL))]
    with mm.connect("demo:", row_factory=factory) as other:
        found.append(fetch(other.execute(SQL)))
    cursor = connection.cursor()
    cursor.row_factory = factory
    found.append(fetch(cursor.execute(SQL)))
    assert cursor.rownumber == 2
    connection.row_factory = factory
    found.append(fetch(connection.execute(SQL)))
    assert found == [expected] * 4
    kinds = {type(row).__name__ for rows in found for row in rows}
    assert kinds == {{"namedtuple": "Row"}.get(connection.row_factory, connection.row_factory)}


def test_the_fields_of_a_named_tuple(connection: mm.Connection) -> None:
    cursor = connection.cursor(row_factory="namedtuple")
    row = cursor.execute(SQL).fetchone()
    assert (row.a, row.b, row._fields) == (1, "x", ("a", "b"))
    cursor.execute('SELECT 1 AS a, 2 AS "count(*)", 3 AS "class", 4 AS _b')
    assert cursor.fetchone()._fields == ("a", "_1", "_2", "_3")
    assert cursor.description is not None
    assert [column.name for column in cursor.description] == ["a", "count(*)", "class", "_b"]


def test_a_dict_loses_no_column(connection: mm.Connection) -> None:
    two = "SELECT p.process_id, q.process_id FROM processes p, processes q LIMIT 3"
    assert len(connection.execute(two).fetchone()) == 2
    cursor = connection.cursor(row_factory="dict").execute(two)
    for _ in range(2):
        with pytest.raises(mm.ProgrammingError, match="several columns are named 'process_id'"):
            cursor.fetchone()


@pytest.mark.parametrize("factory", ["list", list, 1, lambda cursor, row: row, ""])
def test_other_factories_are_refused(factory: Any, connection: mm.Connection) -> None:
    for action in (
        lambda: mm.connect("demo:", row_factory=factory),
        lambda: connection.cursor(row_factory=factory),
        lambda: setattr(connection, "row_factory", factory),
    ):
        with pytest.raises(mm.ProgrammingError, match="accepted: 'tuple', 'namedtuple', 'dict'"):
            action()


def test_sqlalchemy_creates_its_own_rows() -> None:
    engine = sa.create_engine("micromegas+demo://", connect_args={"row_factory": "dict"})
    with pytest.raises(sa.exc.ArgumentError, match=r"use result\.mappings\(\)"):
        engine.connect()


# -- sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["3", 2.5, True, -1, b"1", [1], np.bool_(True), 1j])
def test_sizes_that_are_wrong(size: Any, connection: mm.Connection) -> None:
    cursor = connection.execute(SQL)
    with pytest.raises(mm.ProgrammingError, match=r"^size=.* accepted: an integer, 0 and more"):
        cursor.fetchmany(size)
    cursor.arraysize = size
    with pytest.raises(mm.ProgrammingError, match=r"^arraysize=.* accepted: an integer, 0 and"):
        cursor.fetchmany()
    assert cursor.fetchall() == TUPLES


@pytest.mark.parametrize("size", [2, np.int8(2), 10**30])
def test_sizes_that_are_right(size: Any, connection: mm.Connection) -> None:
    assert connection.execute(SQL).fetchmany(size) == TUPLES


# -- copies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_connections_and_cursors_cannot_be_copied(
    copied: Callable[[object], object], connection: mm.Connection
) -> None:
    with pytest.raises(mm.InterfaceError, match=r"a connection cannot .* and call connect\(\)"):
        copied(connection)
    with pytest.raises(mm.InterfaceError, match="a cursor cannot be copied or pickled"):
        copied(connection.execute(SQL))
