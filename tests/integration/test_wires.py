"""One table of statements, one answer: in process, and over every wire of the local service.

The statements are those recorded of both generations, on their data, with their ranges, and some
of our own for types. What they answer is judged elsewhere (`tests/lake`): here, that no wire
changes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.rows import column
from tests.integration.serving import WIRES, served, warm
from tests.lake import test_equals_service as recorded
from tests.server.work import SLOW, needs_proc, rests, works
from tests.waiting import once

Wire = Callable[[str], Path]
OLD, NEW = recorded.OLD, recorded.NEW

TYPES = [
    "CAST({} AS TINYINT)",
    "CAST({} AS SMALLINT)",
    "CAST({} AS INT UNSIGNED)",
    "CAST({} AS BIGINT UNSIGNED)",
    "arrow_cast({}, 'Float16')",
    "CAST({} AS FLOAT)",
    "CAST({} AS DECIMAL(20, 3))",
    "CAST({} AS VARCHAR)",
    "arrow_cast(CAST({} AS VARCHAR), 'LargeUtf8')",
    "arrow_cast(CAST({} AS VARCHAR), 'Dictionary(Int8, Utf8)')",
    "arrow_cast(CAST({} AS VARCHAR), 'Binary')",
    "arrow_cast({}, 'Timestamp(Nanosecond, Some(\"+00:00\"))')",
    "arrow_cast({}, 'Timestamp(Nanosecond, None)')",
    "arrow_cast({}, 'Timestamp(Microsecond, None)')",
    "arrow_cast({}, 'Timestamp(Millisecond, Some(\"+02:00\"))')",
    "arrow_cast({}, 'Timestamp(Second, None)')",
    "CAST(CAST({} AS INT) AS DATE)",
    "arrow_cast({}, 'Time64(Nanosecond)')",
    "make_array({}, NULL)",
    "named_struct('a', {}, 'b', 'x')",
    "make_array(named_struct('a', make_array({})))",
    "{} > 1",
]
OWN = {
    f"own {shape}": f"SELECT {shape.format('n')} AS v FROM (VALUES (0), (1), (NULL), (100)) AS t(n)"
    for shape in TYPES
}
OWN |= {
    "own no columns": "SELECT FROM (VALUES (1), (2), (3)) AS t(n)",
    "own no rows": "SELECT 1 AS one, 'a' AS two, NULL AS three, now() AS four WHERE false",
    "own nulls": "SELECT NULL AS a, CAST(NULL AS INT) AS b, CAST(NULL AS VARCHAR) AS c",
    "own texts": "SELECT '2024-01-01T00:00:00Z' AS a, '1.5' AS b, 'ff' AS c, 'null' AS d",
    "own many": "SELECT value AS n, CAST(value AS VARCHAR) AS s FROM generate_series(1, 30000)"
    " ORDER BY n",
    "own awkward names": 'SELECT 1 AS "a b", 2 AS "é", 3 AS "a""b", 4 AS "A", 5 AS "end"',
    "own awkward texts": "SELECT 'a''b\"c\\d' AS a, 'née 🚀' AS b, E'\\n\\t' AS c, '' AS d",
}

# -- what a wire cannot carry: the one place that lists it -----------------------------------------

UNCARRIED: dict[str, Callable[[pa.DataType], bool]] = {
    # Parquet has neither: the service refuses them.
    "http": lambda kind: pa.types.is_duration(kind) or pa.types.is_interval(kind),
    "grpc": lambda kind: False,
    "web": lambda kind: False,
    "gateway": lambda kind: False,
}


# What a service refuses, although the engine answers.
REFUSED: dict[tuple[str, str, str], type[mm.Error]] = {
    # The web app forbids this function.
    (NEW, "web", "retire"): mm.NotSupportedError,
    # 0.2.3 has no information_schema.
    (OLD, "http", "error_show_tables"): mm.ProgrammingError,
    (OLD, "http", "error_show_columns"): mm.ProgrammingError,
    (OLD, "http", "error_information_schema"): mm.ProgrammingError,
}


def carried(wire: str, value: Any) -> Any:
    """What comes of a value; JSON has no NaN and no infinities."""
    if wire != "gateway":
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [carried(wire, each) for each in value]
    if isinstance(value, dict):
        return {key: carried(wire, each) for key, each in value.items()}
    return value


def statements() -> Iterator[tuple[str, str]]:
    for generation in (OLD, NEW):
        yield from ((generation, name) for name in recorded.statements(generation))
    yield from ((OLD, name) for name in OWN)


@pytest.fixture(scope="module")
def connections(wire: Wire) -> Iterator[dict[tuple[str, str], mm.Connection]]:
    """(generation, wire) -> a connection to its data; "lake" is in process."""
    with served(wire(OLD) / "data") as old, served(wire(NEW) / "data") as new:
        urls = {OLD: old, NEW: new}
        found = {(g, w): mm.connect(urls[g][w]) for g in urls for w in WIRES}
        for connection in found.values():
            warm(connection)
        yield found
        for connection in found.values():
            connection.close()


def decoded(kind: pa.DataType) -> pa.DataType:
    """Leave out dictionaries, and what older pyarrow makes of views."""
    if pa.types.is_dictionary(kind):
        return decoded(kind.value_type)
    return pa.string() if str(kind) == "string_view" else kind


def columns(table: pa.Table) -> list[tuple[str, pa.DataType]]:
    return [(field.name, decoded(field.type)) for field in table.schema]


def rows(wire: str, table: pa.Table) -> list[str]:
    """Write rows as text, which tells NaN from NULL, 1 from 1.0 and 0.0 from -0.0."""
    return [
        repr([carried(wire, value) for value in row])
        for batch in table.to_batches()
        for row in zip(*(column(c, "ns") for c in batch.columns), strict=True)
    ]


@pytest.mark.parametrize(("generation", "name"), list(statements()))
def test_the_answer_is_the_same(
    connections: dict[tuple[str, str], mm.Connection], wire: Wire, generation: str, name: str
) -> None:
    if name in OWN:
        sql, begin, end = OWN[name], None, None
    else:
        sql, begin, end, *_ = recorded.recorded(wire, generation, name)

    def ask(where: str) -> pa.Table | mm.Error:
        try:
            cursor = connections[generation, where].execute(sql, begin=begin, end=end)
            return cursor.fetch_arrow_table()
        except mm.Error as error:
            return error

    expected = ask("lake")
    for where in WIRES[1:]:
        found = ask(where)
        if isinstance(expected, mm.Error):
            assert type(found) is type(expected), where
            continue
        if (refused := REFUSED.get((generation, where, name))) is not None:
            assert type(found) is refused, where
            continue
        if any(map(UNCARRIED[where], expected.schema.types)):
            assert type(found) is mm.NotSupportedError, where
            continue
        assert isinstance(found, pa.Table), (where, found)
        assert columns(found) == columns(expected), where
        # Plans name tables in memory at random, lines of progress tell when they were written;
        # LIMIT takes any of what is in no order.
        if sql.upper().startswith("EXPLAIN") or name in ("schema_views", "materialize"):
            assert found.num_rows == expected.num_rows, where
            continue
        ours, theirs = rows(where, found), rows(where, expected)
        # Then any order is right; that of information_schema is random among equal names, too.
        if "ORDER BY" not in sql.upper() or "information_schema" in sql:
            ours, theirs = sorted(ours), sorted(theirs)
        assert ours == theirs, where


def test_there_are_many_statements(connections: dict[tuple[str, str], mm.Connection]) -> None:
    assert len(list(statements())) > 400


@pytest.mark.parametrize("generation", [OLD, NEW])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM log_entries",
        "SELECT level, count(*) AS n, max(time) AS t FROM log_entries GROUP BY level; -- all",
        "WITH x AS (SELECT 1 AS a, 'b' AS b) SELECT a, b FROM x ORDER BY a LIMIT 1",
        "SELECT * FROM view_instance('thread_spans', 'global')",
        "DESCRIBE measures",
        "SELECT nope FROM log_entries",
    ],
)
def test_the_columns_are_the_same(
    connections: dict[tuple[str, str], mm.Connection], generation: str, sql: str
) -> None:
    """`Cursor.describe` says on every wire what `description` of the result would."""

    def ask(where: str) -> Any:
        try:
            described = connections[generation, where].cursor().describe(sql)
        except mm.Error as error:
            return type(error)
        return [(c.name, decoded(c.type_code.arrow_type)) for c in described]

    assert {where: ask(where) for where in WIRES} == dict.fromkeys(WIRES, ask("lake"))


@pytest.mark.parametrize("generation", [OLD, NEW])
def test_the_service_is_known(
    connections: dict[tuple[str, str], mm.Connection], generation: str
) -> None:
    found = {where: connections[generation, where].service for where in WIRES}
    assert {where: service.wire for where, service in found.items()} == {w: w for w in WIRES}
    recent = {where for where, service in found.items() if service.generation == "0.13"}
    assert recent == (set() if generation == OLD else set(WIRES) - {"http"})
    assert found["grpc"].views is not None
    assert found["lake"].views is not None
    assert set(found["grpc"].views) == set(found["lake"].views)


@needs_proc
@pytest.mark.parametrize("where", WIRES)
def test_cancel(connections: dict[tuple[str, str], mm.Connection], where: str) -> None:
    """A long-running statement ends soon after it is cancelled, with each protocol."""
    cursor = connections[OLD, where].cursor()
    with once(works, cursor.cancel):
        with pytest.raises(mm.OperationalError, match="the query was cancelled"):
            cursor.execute(SLOW["filter"]).fetchall()
    assert rests()
    assert cursor.execute("SELECT 1 AS one").fetchall() == [(1,)]
