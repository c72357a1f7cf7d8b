"""A datetime names a whole microsecond, as rows show times: for every operator and all rows."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

UTC = timezone.utc
START = datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
START_NS = 1_778_051_289_123_456_000


@pytest.fixture(scope="module")
def connection() -> Iterator[sa.engine.Connection]:
    engine = sa.create_engine("micromegas+demo://")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def view(rows: list[int | None]) -> Any:
    """Return a table of a column of nanoseconds, each given by its distance from START."""
    values = ", ".join("(NULL)" if ns is None else f"({START_NS + ns})" for ns in rows)
    text = sa.text(
        f"SELECT arrow_cast(CAST(n AS BIGINT), 'Timestamp(Nanosecond, Some(\"UTC\"))') AS t "
        f"FROM (VALUES {values}) AS v(n)".replace(":", r"\:")
    )
    return text.columns(sa.column("t", sa.TIMESTAMP(timezone=True))).subquery()


def floored(ns: int) -> datetime:
    return START + timedelta(microseconds=ns // 1000)


def found(connection: Any, rows: list[int | None], condition: Callable[[Any], Any]) -> list[int]:
    """Return the rows, as distances from START, that meet a condition."""
    table = view(rows)
    nanoseconds = sa.cast(table.c.t, sa.BigInteger)
    statement = sa.select(nanoseconds).where(condition(table.c.t))
    return sorted(
        ns - START_NS if ns is not None else ns for (ns,) in connection.execute(statement)
    )


#: SQL, and the same in Python on floored times. NULL meets none of them.
BINARY: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], bool]]] = {
    **{
        name: (getattr(operator, name), getattr(operator, name))
        for name in ("eq", "ne", "lt", "le", "gt", "ge")
    },
    **{
        f"reversed {name}": (
            lambda t, v, name=name: getattr(operator, name)(sa.literal(v), t),
            lambda t, v, name=name: getattr(operator, name)(v, t),
        )
        for name in ("eq", "ne", "lt", "le", "gt", "ge")
    },
    "not eq": (lambda t, v: ~(t == v), operator.ne),
    "not le": (lambda t, v: sa.not_(t <= v), operator.gt),
    "in": (lambda t, v: t.in_([v]), operator.eq),
    "not in": (lambda t, v: t.not_in([v]), operator.ne),
    "in two": (
        lambda t, v: t.in_([v, v + timedelta(microseconds=2)]),
        lambda t, v: t in (v, v + timedelta(microseconds=2)),
    ),
    "in with an expression": (lambda t, v: t.in_([v, sa.func.to_timestamp(0)]), operator.eq),
    "is not distinct": (lambda t, v: t.is_not_distinct_from(v), operator.eq),
    "between": (
        lambda t, v: t.between(v - timedelta(microseconds=1), v),
        lambda t, v: v - timedelta(microseconds=1) <= t <= v,
    ),
    "not between": (
        lambda t, v: ~t.between(v, v),
        lambda t, v: not v <= t <= v,
    ),
    "symmetric": (
        lambda t, v: t.between(v, v - timedelta(microseconds=1), symmetric=True),
        lambda t, v: v - timedelta(microseconds=1) <= t <= v,
    ),
    "value between": (
        lambda t, v: sa.literal(v).between(t, t + timedelta(microseconds=1)),
        lambda t, v: t <= v <= t + timedelta(microseconds=1),
    ),
    "case": (lambda t, v: sa.case({v: 1}, value=t, else_=2) == 1, operator.eq),
    "case of two": (
        lambda t, v: sa.case((t == v, 1), (t > v, 2), else_=3) == 2,
        operator.gt,
    ),
    "row": (lambda t, v: sa.tuple_(t, sa.literal(1)) == sa.tuple_(v, 1), operator.eq),
    "row le": (lambda t, v: sa.tuple_(t, sa.literal(1)) <= sa.tuple_(v, 1), operator.le),
    "row gt": (lambda t, v: sa.tuple_(t, sa.literal(1)) > sa.tuple_(v, 2), operator.gt),
    "named twice": (
        lambda t, v: (t <= sa.bindparam("v", v)) & (t >= sa.bindparam("v", v)),
        operator.eq,
    ),
}
ROWS = st.lists(st.none() | st.integers(-3500, 3500), min_size=1, max_size=12)


@pytest.mark.parametrize("name", BINARY)
@given(rows=ROWS, offset=st.integers(-3, 3))
@settings(max_examples=15, deadline=None)
def test_the_law(connection: Any, name: str, rows: list[int | None], offset: int) -> None:
    sql, python = BINARY[name]
    value = START + timedelta(microseconds=offset)
    expected = sorted(ns for ns in rows if ns is not None and python(floored(ns), value))
    assert found(connection, rows, lambda t: sql(t, value)) == expected


EDGES: list[int | None] = [-1001, -1000, -1, 0, 1, 999, 1000, 1001]


@pytest.mark.parametrize(
    "value",
    [
        START,
        START.astimezone(timezone(timedelta(hours=2))),
        START.replace(tzinfo=None),  # read as UTC
        type("Subclass", (datetime,), {}).fromtimestamp(START.timestamp(), UTC),
        pd.Timestamp(START).as_unit("us"),
        np.datetime64(START_NS // 1000, "us"),
    ],
    ids=["utc", "zone", "naive", "subclass", "pandas", "numpy"],
)
def test_kinds_of_times(connection: Any, value: Any) -> None:
    assert found(connection, EDGES, lambda t: t == value) == [0, 1, 999]


EXACT = [
    pd.Timestamp(START).as_unit("ns"),
    np.datetime64(START_NS, "ns"),
    START_NS,
    "2026-05-06T07:08:09.123456Z",
]


@pytest.mark.parametrize("value", EXACT, ids=["pandas", "numpy", "int", "str"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eq", [0]),
        ("ne", [-1001, -1000, -1, 1, 999, 1000, 1001]),
        ("le", [-1001, -1000, -1, 0]),
        ("gt", [1, 999, 1000, 1001]),
        ("in", [0]),
        ("is not distinct", [0]),
    ],
)
def test_exact_values(connection: Any, value: Any, name: str, expected: list[int]) -> None:
    assert found(connection, EDGES, lambda t: BINARY[name][0](t, value)) == expected


def test_one_cached_statement_serves_both(connection: Any) -> None:
    table = view(EDGES)
    statement = sa.select(sa.func.count()).where(table.c.t <= sa.bindparam("v"))
    counts = [
        connection.scalar(statement, {"v": value})
        for value in (START, *EXACT, START, pd.Timestamp(START).as_unit("us"))
    ]
    assert counts == [6, 4, 4, 4, 4, 6, 6]


def test_null(connection: Any) -> None:
    assert found(connection, [0, None], lambda t: t <= sa.bindparam("v", None)) == []
    distinct = view([0, 1500, None])
    for condition, count in [
        (distinct.c.t.is_distinct_from(START), 2),
        (distinct.c.t.is_not_distinct_from(START), 1),
        (distinct.c.t.is_distinct_from(sa.bindparam("v", None, sa.DateTime)), 2),
    ]:
        assert connection.scalar(sa.select(sa.func.count()).where(condition)) == count


def test_empty_lists(connection: Any) -> None:
    assert found(connection, [0, 1], lambda t: t.in_([])) == []
    assert found(connection, [0, 1], lambda t: t.not_in([])) == [0, 1]


@pytest.mark.parametrize(
    "value",
    [datetime.max.replace(tzinfo=UTC), datetime.min, datetime(2262, 4, 11, 23, 47, 16, 854775)],
)
def test_times_that_nanoseconds_cannot_express(connection: Any, value: datetime) -> None:
    later = value.replace(tzinfo=None) > START.replace(tzinfo=None)
    assert found(connection, [0], lambda t: t <= value) == ([0] if later else [])
    assert found(connection, [0], lambda t: t == value) == []


def test_coarser_columns_are_compared_as_they_are() -> None:
    from sqlalchemy_micromegas import TIMESTAMP

    engine = sa.create_engine("micromegas+demo://")
    column = sa.column("t", TIMESTAMP(unit="us"))
    assert str((column <= START).compile(engine)) == "t <= ?"


def test_functions_with_parameters(connection: Any) -> None:
    """Their text cannot be repeated for each value of an IN."""
    whole = [START, START + timedelta(microseconds=1)]
    shifted = lambda t: sa.func.date_trunc("microsecond", t)  # noqa: E731
    assert found(connection, EDGES, lambda t: shifted(t).in_(whole)) == [0, 1, 999, 1000, 1001]
    assert found(connection, EDGES, lambda t: shifted(t) == START) == [0, 1, 999]


def test_the_inferred_range_follows(connection: Any) -> None:
    log = sa.Table("log_entries", sa.MetaData(), autoload_with=connection)
    newest = connection.scalar(sa.select(sa.func.max(log.c.time)))
    assert isinstance(newest, datetime)
    statement = sa.select(sa.func.count())
    every = connection.scalar(statement.select_from(log))
    for condition, count in [(log.c.time <= newest, every), (log.c.time > newest, 0)]:
        result = connection.execute(statement.where(condition))
        assert result.context.cursor.time_range.source == "inferred"
        assert result.scalar() == count
