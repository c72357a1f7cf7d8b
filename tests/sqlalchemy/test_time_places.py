"""A time of microseconds names a whole microsecond wherever a statement compares it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy import func, lambda_stmt, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Session, aliased, declarative_base

from tests.sqlalchemy.answers import check, each_way

START = datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=timezone.utc)
NS = 1_778_051_289_123_456_000
EDGES = [-1001, -1000, -1, 0, 1, 999, 1000, 1001]
EQUAL, OTHER, UP_TO = [0, 1, 999], [-1001, -1000, -1, 1000, 1001], [-1001, -1000, -1, 0, 1, 999]
EXACTLY_UP_TO = [-1001, -1000, -1, 0]
MICROSECOND = timedelta(microseconds=1)


def rows(*types: Any) -> Any:
    """Return a table of the edges: their times and their nanoseconds."""
    values = ", ".join(f"({NS + edge})" for edge in EDGES)
    text = (
        "SELECT arrow_cast(CAST(n AS BIGINT), 'Timestamp(Nanosecond, Some(\"UTC\"))') AS t, "
        f"CAST(n AS BIGINT) AS n FROM (VALUES {values}) AS v(n)"
    )
    columns = [sa.column(name, type_) for name, type_ in zip("tn", types, strict=True)]
    return sa.text(text.replace(":", r"\:")).columns(*columns).subquery("v")


class Later(sa.types.TypeDecorator):  # type: ignore[type-arg, unused-ignore]
    """A datetime, stored as the next one."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value and value + MICROSECOND


V = rows(sa.TIMESTAMP(timezone=True), sa.BigInteger)
t, n = V.c.t, V.c.n
U = rows(sa.types.NullType(), sa.BigInteger)  # of unknown type
C = select(t, n).where(t <= START).cte("c")
M = select(n, func.max(t).over(partition_by=n).label("m")).subquery("m")
STAMPS = sa.ARRAY(sa.DateTime)


def where(condition: Any) -> Any:
    return select(n).where(condition).order_by(n)


#: What is compared -> statement, the edges in its result.
PLACES: dict[str, tuple[Any, list[int]]] = {
    # parameters of a type that was given
    "type_coerce": (where(t <= sa.type_coerce(START, sa.DateTime)), UP_TO),
    "cast": (where(t <= sa.cast(START, sa.DateTime)), UP_TO),
    "cast to a zone": (where(t <= sa.cast(START, sa.DateTime(timezone=True))), UP_TO),
    "a labelled parameter": (where(t <= sa.literal(START).label("x")), UP_TO),
    "a type decorator": (where(sa.type_coerce(t, Later()) == START - MICROSECOND), EQUAL),
    # values
    "pandas": (where(t <= pd.Timestamp(START).as_unit("us")), UP_TO),
    "pandas, nanoseconds": (where(t <= pd.Timestamp(START).as_unit("ns")), EXACTLY_UP_TO),
    "numpy": (where(t <= np.datetime64(NS // 1000, "us")), UP_TO),
    "numpy, nanoseconds": (where(t <= np.datetime64(NS, "ns")), EXACTLY_UP_TO),
    "nanoseconds": (where(t <= NS), EXACTLY_UP_TO),
    "nanoseconds, in": (where(t.in_([NS, NS + 999])), [0, 999]),
    "in of each kind": (where(t.in_([START, pd.Timestamp(NS + 1001), None])), [*EQUAL, 1001]),
    "NaT": (where(t <= pd.NaT), []),
    "None": (where(t <= sa.bindparam("v", None, sa.DateTime)), []),
    # columns of unknown type
    "untyped": (select(U.c.n).where(U.c.t <= START).order_by("n"), UP_TO),
    "both untyped": (select(U.c.n).where(U.c.t <= sa.bindparam("v", START)).order_by("n"), UP_TO),
    "untyped, pandas": (
        select(U.c.n).where(U.c.t > pd.Timestamp(START).as_unit("us")).order_by("n"),
        [1000, 1001],
    ),
    # expressions
    "label": (where(t.label("x") <= START), UP_TO),
    "coalesce": (where(func.coalesce(t, START) <= START), UP_TO),
    "greatest": (where(func.greatest(t, START) <= START), UP_TO),
    "nullif": (where(func.nullif(t, START).is_(None)), EQUAL),
    "nullif of numbers": (where(func.nullif(n, NS + 1).is_(None)), [1]),
    "arithmetic": (where(t - timedelta(seconds=1) <= START - timedelta(seconds=1)), UP_TO),
    "date_trunc in": (where(func.date_trunc("microsecond", t).in_([START])), EQUAL),
    "arithmetic in": (
        where((t + MICROSECOND).in_([START + MICROSECOND, pd.Timestamp(NS - 1 + 1000)])),
        [-1, *EQUAL],
    ),
    "arithmetic not in": (where((t + MICROSECOND).not_in([START + MICROSECOND])), OTHER),
    # places
    "cte": (select(C.c.n).where(C.c.t >= START).order_by(C.c.n), EQUAL),
    "subquery": (where(n.in_(select(C.c.n).where(C.c.t == START))), EQUAL),
    "having": (select(n).group_by(n).having(func.max(t) <= START).order_by(n), UP_TO),
    "window": (select(M.c.n).where(M.c.m <= START).order_by(M.c.n), UP_TO),
    "join": (select(n).join(C, (C.c.n == n) & (C.c.t == START)).order_by(n), EQUAL),
    "union": (
        select(sa.union_all(select(n).where(t == START), select(C.c.n)).subquery("u").c.n).order_by(
            sa.text("1")
        ),
        sorted([*EQUAL, *UP_TO]),
    ),
    "order": (select(n).order_by(t <= START, n), [1000, 1001, *UP_TO]),
    "any": (where(t == sa.any_(sa.literal([START], STAMPS))), EQUAL),
    "all": (where(t != sa.all_(sa.literal([START], STAMPS))), OTHER),
    "row": (where(sa.tuple_(t, n).in_([(START, NS), (START, NS + 1), (START, 5)])), [0, 1]),
    "expanding": (where(t.in_(sa.bindparam("x", [START], expanding=True))), EQUAL),
}
VALUES: list[tuple[Any, list[tuple[Any, ...]]]] = [
    (select(func.count(n).filter(t <= START)), [(6,)]),
    (select(sa.case((t <= START, 1), else_=0)).order_by(n), [(1,)] * 6 + [(0,)] * 2),
    (select(t <= START).order_by(n), [(True,)] * 6 + [(False,)] * 2),
    (select(func.count()).select_from(V).group_by(t <= START).order_by(sa.text("1")), [(2,), (6,)]),
    (select(func.count()).select_from(V).where(t >= START.date()), [(8,)]),
]
CASES = [
    *(
        pytest.param(statement, [(NS + edge,) for edge in edges], id=name)
        for name, (statement, edges) in PLACES.items()
    ),
    *(pytest.param(*case, id=f"values {i}") for i, case in enumerate(VALUES)),
]


@each_way
@pytest.mark.parametrize(("statement", "answer"), CASES)
def test_places(demo_lake: Any, statement: Any, answer: Any, literal_binds: bool) -> None:
    check(demo_lake, statement, answer, literal_binds)


Base: Any = declarative_base()


class Log(Base):
    """A view, mapped."""

    __tablename__ = "log_entries"
    time = sa.Column(sa.DateTime(timezone=True), primary_key=True)
    process_id = sa.Column(sa.String, primary_key=True)
    msg = sa.Column(sa.String)
    level = sa.Column(sa.Integer)

    @hybrid_property
    def when(self) -> Any:
        return self.time


COUNT = select(func.count()).select_from(Log)
LATEST = sa.bindparam("latest")


def test_orm(demo: Any) -> None:
    """The newest time that was read finds all rows, also through the ORM."""
    with Session(demo, future=True) as session:
        total, newest = session.execute(select(func.count(), func.max(Log.time))).one()
        other = aliased(Log)
        counts = [
            session.query(Log).filter(Log.time <= newest).count(),
            session.execute(COUNT.where(Log.when <= newest)).scalar(),
            session.execute(select(func.count(other.msg)).where(other.time <= newest)).scalar(),
            session.execute(COUNT.where(Log.time <= LATEST), {"latest": newest}).scalar(),
            total - session.execute(COUNT.where(Log.time > newest)).scalar(),
        ]
        assert counts == [total] * 5
        last = session.query(Log).filter_by(time=newest).first()
        assert last is not None
        key = (last.time, last.process_id)
        session.expunge_all()
        assert session.get(Log, key).msg == last.msg


def test_cached_statements(demo: Any) -> None:
    """Each execution has values of its own; also of statements in lambdas."""
    with demo.connect() as connection:
        total, newest = connection.execute(select(func.count(), func.max(Log.time))).one()

        def up_to(bound: Any) -> Any:
            return connection.execute(lambda_stmt(lambda: COUNT.where(Log.time <= bound))).scalar()

        def among(bounds: Any) -> Any:
            return connection.execute(
                lambda_stmt(lambda: COUNT.where(Log.time.in_(bounds)))
            ).scalar()

        ancient = newest - timedelta(days=999)
        assert [up_to(bound) for bound in (newest, ancient, newest)] == [total, 0, total]
        found = [among(bounds) for bounds in ([newest], [newest, ancient], [ancient], [])]
        assert found[0] == found[1] > 0
        assert found[2:] == [0, 0]
        some = sa.bindparam("some", expanding=True)
        found = [
            connection.execute(COUNT.where(Log.time.in_(some)), {"some": bounds}).scalar()
            for bounds in ([newest], [], [newest, newest], [ancient])
        ]
        assert found[0] == found[2] > 0 == found[1] == found[3]
        twice = COUNT.where(Log.time <= LATEST, func.coalesce(Log.time, LATEST) >= LATEST)
        assert connection.execute(twice, {"latest": newest}).scalar() > 0


def test_integers_of_a_result(demo: Any) -> None:
    """What timestamps="ns" returns is compared exactly, by all operators."""
    with demo.connect() as connection:
        exact = connection.execution_options(timestamps="ns")
        total, newest = exact.execute(select(func.count(), func.max(Log.time))).one()
        assert type(newest) is int
        for condition, count in [(Log.time <= newest, total), (Log.time > newest, 0)]:
            assert exact.execute(COUNT.where(condition)).scalar() == count
        assert exact.execute(COUNT.where(Log.time == newest)).scalar() > 0


@pytest.mark.parametrize(("name", "value"), [("level", 99), ("msg", "nothing")])
def test_columns_of_unknown_type_that_are_no_times(demo: Any, name: str, value: Any) -> None:
    column = sa.literal_column(name)
    statement = select(func.count()).select_from(sa.text("log_entries"))
    with demo.connect() as connection:
        for condition in (column == LATEST, func.coalesce(column, LATEST) == LATEST):
            assert connection.execute(statement.where(condition), {"latest": value}).scalar() == 0
        some = sa.bindparam("some", expanding=True)
        for left in (column, func.nullif(column, LATEST), sa.func.concat(column, "?")):
            statement = statement.where(left.in_(some))
        values = [str(value)] if name == "msg" else [value]
        count = connection.execute(statement, {"some": values, "latest": value}).scalar()
        assert count == 0


def test_what_is_shown(demo_lake: Any, caplog: Any) -> None:
    """Without values, the operator is part of a name. Logs show what is sent."""
    table = Log.__table__
    statement = select(table.c.msg).where(table.c.time <= START)
    compiled = statement.compile(demo_lake)
    assert str(compiled).endswith("WHERE (log_entries.time __[POSTCOMPILE_time_1_le_1])")
    assert list(compiled.params.values()) == [START]
    sent = "WHERE (log_entries.time < TIMESTAMP '2026-05-06T07:08:09.123457000Z')"
    for option in ("render_postcompile", "literal_binds"):
        assert str(statement.compile(demo_lake, compile_kwargs={option: True})).endswith(sent)
    assert str(statement).endswith("WHERE log_entries.time <= :time_1")  # of no dialect
    with caplog.at_level(logging.INFO, "sqlalchemy.engine"), demo_lake.connect() as connection:
        connection.execute(statement)
        assert len(pd.read_sql(statement, connection)) == 0
    logged = [record.getMessage() for record in caplog.records]
    assert any(sent in message for message in logged) or not logged


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (object(), sa.exc.StatementError, "is of type object; accepted: None"),
        ("no time", sa.exc.DBAPIError, "no time"),
        (2**63, sa.exc.DBAPIError, "9223372036854775808"),
    ],
)
def test_values_that_are_no_times(demo_lake: Any, value: Any, error: Any, words: str) -> None:
    with demo_lake.connect() as connection, pytest.raises(error, match=words):
        connection.execute(COUNT.where(Log.time <= LATEST), {"latest": value})


def test_a_missing_value(demo_lake: Any) -> None:
    statement = COUNT.where(Log.time <= LATEST)
    with demo_lake.connect() as connection:
        with pytest.raises(sa.exc.StatementError, match="A value is required"):
            connection.execute(statement)
    shown = str(statement.compile(demo_lake, compile_kwargs={"literal_binds": True}))
    assert shown.endswith("(log_entries.time <= NULL)")  # as SQLAlchemy writes it
