"""Statements: their SQL and their results, with parameters and with ``literal_binds``."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, literal, select
from sqlalchemy.exc import CompileError

from sqlalchemy_micromegas import Properties, date_bin, date_trunc, property_get
from sqlalchemy_micromegas.types import PropertyValue
from tests.sqlalchemy.answers import check, on_each_engine, rows

UTC = timezone.utc
T = sa.values(
    sa.column("i", sa.Integer), sa.column("s", sa.String), sa.column("x", sa.Float), name="t"
).data([(1, "a_b", 1.5), (2, "A%B", 2.5), (3, "a/b\\", 4.0), (4, "zzz", -1.0)])
N, S, X = T.c.i, T.c.s, T.c.x
LISTS = select(
    literal([5, 6, 7], sa.ARRAY(sa.Integer)).label("a"),
    literal([], sa.ARRAY(sa.Integer)).label("e"),
).subquery("l")
A = LISTS.c.a
WHEN = datetime(2026, 11, 1, 12, 34, 56, 789012)
AWARE = WHEN.replace(tzinfo=UTC)
NINE = [(9,)]


def where(condition: Any) -> Any:
    return select(N).where(condition).order_by(N)


# (statement, what it answers)
ANSWERS: list[tuple[Any, Any]] = [
    # paging
    (select(N).order_by(N).limit(2), [(1,), (2,)]),
    (select(N).order_by(N).offset(2), [(3,), (4,)]),
    (select(N).order_by(N).limit(1).offset(2), [(3,)]),
    (select(N).order_by(N).fetch(2), [(1,), (2,)]),
    (select(N).order_by(N).fetch(2).offset(1), [(2,), (3,)]),
    (select(func.length(S)).distinct().order_by(sa.text("1")), [(3,), (4,)]),
    # a property's text as another type
    (
        select(
            literal("-5", PropertyValue()).as_integer(),
            literal("1e3", PropertyValue()).as_float(),
            literal("true", PropertyValue()).as_boolean(),
            literal("1.255", PropertyValue()).as_numeric(10, 2),
        ),
        [(-5, 1000.0, True, Decimal("1.26"))],
    ),
    # patterns
    (where(S.like("a%")), [(1,), (3,)]),
    (where(S.not_like("a%")), [(2,), (4,)]),
    (where(S.ilike("a%")), [(1,), (2,), (3,)]),
    (where(S.not_ilike("a%")), [(4,)]),
    (where(S.like("a/_b", escape="/")), [(1,)]),
    (where(S.like("a!_b", escape="!")), [(1,)]),
    (where(S.like("a//%", escape="/")), [(3,)]),
    (where(S.like("/a%", escape="/")), [(1,), (3,)]),
    (where(S.like("A%%%", escape="%")), []),
    (where(S.like("A%%B", escape="%")), [(2,)]),
    (where(S.like("a__b", escape="_")), [(1,)]),
    (where(S.not_like("%/_%", escape="/")), [(2,), (3,), (4,)]),
    (where(S.ilike("A/_B", escape="/")), [(1,)]),
    (where(S.not_ilike("A/_B", escape="/")), [(2,), (3,), (4,)]),
    (where(S.istartswith("A") if hasattr(S, "istartswith") else S.ilike("A%")), [(1,), (2,), (3,)]),
    (where(S.like("a\\_b", escape="\\")), [(1,)]),
    (where(S.contains("_", autoescape=True)), [(1,)]),
    (where(S.contains("%", autoescape=True)), [(2,)]),
    (where(S.contains("/", autoescape=True)), [(3,)]),
    (where(S.contains("\\", autoescape=True)), [(3,)]),
    (where(S.startswith("a_", autoescape=True)), [(1,)]),
    (where(S.endswith("%B", autoescape=True)), [(2,)]),
    (where(~S.contains("_", autoescape=True)), [(2,), (3,), (4,)]),
    (where(S.regexp_match("^a")), [(1,), (3,)]),
    (where(S.regexp_match("^a", flags="i")), [(1,), (2,), (3,)]),
    (where(S.regexp_match("^a.b$", flags="is")), [(1,), (2,)]),
    (where(~S.regexp_match("^a")), [(2,), (4,)]),
    (where(~S.regexp_match("^a", flags="i")), [(4,)]),
    (select(func.max(S.regexp_replace("z", "y"))), [("yzz",)]),
    (select(func.max(S.regexp_replace("z", "y", flags="g"))), [("yyy",)]),
    # sets and row values
    (where(N.in_([1, 3])), [(1,), (3,)]),
    (where(N.not_in([1, 3])), [(2,), (4,)]),
    (where(N.in_([])), []),
    (where(N.not_in([])), [(1,), (2,), (3,), (4,)]),
    (where(sa.tuple_(N, S).in_([(1, "a_b"), (2, "x")])), [(1,)]),
    (where(sa.tuple_(N, S).not_in([(1, "a_b"), (2, "x")])), [(2,), (3,), (4,)]),
    (where(sa.tuple_(N, S).in_([])), []),
    (where(sa.tuple_(N, S).not_in([])), [(1,), (2,), (3,), (4,)]),
    (where(sa.tuple_(N, S) == (1, "a_b")), [(1,)]),
    (where(sa.tuple_(N, S) != (1, "a_b")), [(2,), (3,), (4,)]),
    (where(sa.tuple_(N, S) > (2, "A%B")), [(3,), (4,)]),
    (where(sa.tuple_(N, S) >= (2, "A%B")), [(2,), (3,), (4,)]),
    (where(sa.tuple_(N, S) < (2, "B")), [(1,), (2,)]),
    (where(sa.tuple_(N, S) <= (2, "A%B")), [(1,), (2,)]),
    (where(N.between(2, 3)), [(2,), (3,)]),
    (where(N.between(3, 2)), []),
    (where(N.between(3, 2, symmetric=True)), [(2,), (3,)]),
    (where(N.between(2, 3, symmetric=True)), [(2,), (3,)]),
    (where(~N.between(3, 2, symmetric=True)), [(1,), (4,)]),
    (where(N.is_distinct_from(2)), [(1,), (3,), (4,)]),
    (where((N > 1).is_distinct_from(N > 2) & (N < 4)), [(2,)]),
    (where((N > 1).is_not_distinct_from(N > 2) | (N == 2)), [(1,), (2,), (3,), (4,)]),
    (where((N > 1).is_not_distinct_from(N > 2) & (N < 4)), [(1,), (3,)]),
    # arithmetic
    (select(literal(5).op("+")(4)), NINE),
    (select(sa.cast(literal(7) / literal(2), sa.Float)), [(3.5,)]),
    (select(sa.type_coerce(literal(1.5) / literal(3), sa.Float)), [(0.5,)]),
    (select(literal(-9) * literal(-1)), NINE),
    (select(literal(10) - literal(1)), NINE),
    (select(literal(29) % literal(20)), NINE),
    # aggregates
    (select(func.count()).select_from(T), [(4,)]),
    (select(func.count().filter(N > 1)).select_from(T), [(3,)]),
    (select(func.sum(N).filter(N > 1, S != "zzz")), [(5,)]),
    (select(func.count(S.distinct()).filter(N > 2)), [(2,)]),
    (select(func.percentile_cont(0.5).within_group(X)), [(2.0,)]),
    (select(func.percentile_cont(0.25).within_group(X)), [(0.875,)]),
    (select(func.percentile_cont(0.25).within_group(X.desc())), [(2.875,)]),
    (
        select(func.percentile_cont(0).within_group(X), func.percentile_cont(1).within_group(X)),
        [(-1.0, 4.0)],
    ),
    (select(func.percentile_disc(0.5).within_group(X)), [(1.5,)]),
    (select(func.percentile_disc(0).within_group(X)), [(-1.0,)]),
    (select(sa.funcfilter(func.percentile_cont(0.5).within_group(X), N < 3)), [(2.0,)]),
    (select(func.string_agg(S, ",").filter(N == 4)), [("zzz",)]),
    (select(func.greatest(N, 2)).order_by(N), [(2,), (2,), (3,), (4,)]),
    (select(func.least(N, 2, 3)).order_by(N), [(1,), (2,), (2,), (2,)]),
    (select(func.greatest(sa.cast(None, sa.Integer), 9, 3)), NINE),
    (select(func.row_number().over(order_by=X.desc())).order_by(N), [(3,), (2,), (1,), (4,)]),
    # values and casts
    (select(literal(True), literal(False)), [(True, False)]),
    (select(literal("it's ?, :x, %s and \\")), [("it's ?, :x, %s and \\",)]),
    (select(literal(b"\x00\xff", sa.LargeBinary)), [(b"\x00\xff",)]),
    (select(literal(Decimal("1.50"), sa.Numeric(10, 2))), [(Decimal("1.50"),)]),
    (select(literal(math.inf)), [(math.inf,)]),
    (select(literal(date(2026, 1, 2))), [(date(2026, 1, 2),)]),
    (select(literal(time(1, 2, 3, 4))), [(time(1, 2, 3, 4),)]),
    (select(literal(WHEN)), [(WHEN,)]),
    (select(literal(AWARE, sa.DateTime(timezone=True))), [(AWARE,)]),
    (select(literal(timedelta(days=2, microseconds=3))), [(timedelta(days=2, microseconds=3),)]),
    (select(literal(WHEN) + timedelta(hours=1)), [(WHEN + timedelta(hours=1),)]),
    (select(literal(WHEN) - literal(WHEN - timedelta(seconds=9))), [(timedelta(seconds=9),)]),
    (select(sa.cast(literal("9"), sa.Integer)), NINE),
    (select(sa.cast(literal("2.5"), sa.Float)), [(2.5,)]),
    (select(sa.cast(literal(9), sa.String(1))), [("9",)]),
    (select(sa.cast(literal("1.255"), sa.Numeric(10, 2))), [(Decimal("1.26"),)]),
    (select(sa.cast(literal("2026-01-02"), sa.Date)), [(date(2026, 1, 2),)]),
    (
        select(sa.cast(literal("2026-01-02T03:04:05+01:00"), sa.DateTime)),
        [(datetime(2026, 1, 2, 2, 4, 5),)],
    ),
    (
        select(sa.cast(literal("2026-01-02T03:04:05+01:00"), sa.DateTime(timezone=True))),
        [(datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC),)],
    ),
    (select(sa.cast(literal("abc"), sa.LargeBinary)), [(b"abc",)]),
    (select(sa.extract("hour", literal(WHEN))), [(12,)]),
    (select(date_trunc("hour", literal(WHEN))), [(datetime(2026, 11, 1, 12),)]),
    (select(date_bin(timedelta(minutes=5), literal(WHEN))), [(datetime(2026, 11, 1, 12, 30),)]),
    # arrays
    (select(A, LISTS.c.e), [([5, 6, 7], [])]),
    (select(A[1], A[9]), [(5, None)]),
    (select(A[2:3]), [([6, 7],)]),
    (select(func.count()).where(sa.any_(A) == 6).select_from(LISTS), [(1,)]),
    (select(func.count()).where(literal(8) == sa.any_(A)).select_from(LISTS), [(0,)]),
    (select(func.count()).where(literal(8) != sa.all_(A)).select_from(LISTS), [(1,)]),
    # where rows come from
    (select(sa.values(sa.column("a", sa.Integer)).data([(9,)])), NINE),
    (where(sa.exists().where(T.alias("u").c.i == 1)), [(1,), (2,), (3,), (4,)]),
    (select(N).where(N == 1).union_all(select(N).where(N == 1)), [(1,), (1,)]),
    (select(N).where(N > 1).except_(select(N).where(N > 2)), [(2,)]),
    (select(select(func.max(N)).scalar_subquery() + 5), NINE),
    (select(select(N).where(N == 3).cte("c").c.i), [(3,)]),
]


@on_each_engine(ANSWERS)
def test_answer(demo: Any, case: tuple[Any, Any], literal_binds: bool) -> None:
    check(demo, *case, literal_binds)


def test_distinct_on(demo: Any) -> None:
    statement = select(func.length(S), N).order_by(func.length(S), N)
    if sa.__version__ >= "2.1":
        from sqlalchemy.dialects.postgresql import distinct_on

        statement = statement.ext(distinct_on(func.length(S)))
    else:
        statement = statement.distinct(func.length(S))
    with demo.connect() as connection:
        assert [tuple(row) for row in connection.execute(statement)] == [(3, 1), (4, 3)]


def matches(pattern: str, text: str, escape: str) -> bool:
    """Evaluate LIKE character by character."""
    parts, at = "", 0
    while at < len(pattern):
        if pattern[at] == escape:
            at += 1
            parts += re.escape(pattern[at : at + 1])
        else:
            parts += {"%": ".*", "_": "."}.get(pattern[at], re.escape(pattern[at]))
        at += 1
    return re.fullmatch(parts, text, re.DOTALL) is not None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.text("/\\%_<>()a", max_size=6), min_size=8, max_size=8),
    st.sampled_from("/!\\%_<>()a"),
)
def test_escapes_of_like(demo: Any, drawn: list[str], escape: str) -> None:
    drawn = [each + "a" for each in drawn]  # what ends within an escape is not a pattern
    pairs = [(text, pattern) for text in drawn[:4] for pattern in drawn]
    pairs += [(pattern.replace(escape, ""), pattern) for pattern in drawn]
    columns = (sa.column("t", sa.String), sa.column("p", sa.String))
    given_ = sa.values(*columns, name="g").data(pairs)
    found = rows(
        demo, select(given_.c.t, given_.c.p, given_.c.t.like(given_.c.p, escape=escape)), False
    )
    assert sorted(found) == sorted((t, p, matches(p, t, escape)) for t, p in pairs)


REFUSED = [
    (select(N).with_for_update(), "FOR UPDATE"),
    (select(sa.exists().where(N == 1)), "EXISTS as a column"),
    (select(S.collate("C")), "COLLATE"),
    (select(sa.cast(S, Properties())), "a cast to Properties"),
    (select(N).where(S.match("a")), "MATCH"),
    (select(N).fetch(1, with_ties=True), "WITH TIES"),
    (select(N).fetch(10, percent=True), "PERCENT"),
    (where(sa.literal(1) == sa.any_(select(N).scalar_subquery())), "ANY and ALL of a subquery"),
    (where(sa.tuple_(N, S).in_(select(N, S))), "IN of row values with a subquery"),
    (select(func.array_agg(N).filter(N > 1)), "FILTER with array_agg"),
    (select(func.mode().within_group(N)), "mode"),
    (select(sa.tablesample(sa.table("log_entries", sa.column("level")), 10)), "TABLESAMPLE"),
    (select(sa.func.unnest(A).column_valued()), "column_valued"),
    (select(N).join(select(S).lateral(), sa.true()), "LATERAL"),
    (select(func.unnest(A).table_valued("v", with_ordinality="n")), "WITH ORDINALITY"),
    (sa.insert(sa.table("log_entries", sa.column("level"))).values(level=1), "INSERT"),
    (sa.update(sa.table("log_entries", sa.column("level"))).values(level=1), "UPDATE"),
    (sa.delete(sa.table("log_entries", sa.column("level"))), "DELETE"),
]


@pytest.mark.parametrize(("statement", "what"), REFUSED)
def test_refused(demo: Any, statement: Any, what: str) -> None:
    with demo.connect() as connection, pytest.raises(CompileError, match=what):
        connection.execute(statement)


def test_property_get(recorded: Any) -> None:
    processes = sa.Table("processes", sa.MetaData(), autoload_with=recorded)
    column = processes.c.properties
    with recorded.connect() as connection:
        rows = connection.execute(
            select(column, column["VERSION"], property_get(column, "no"))
        ).all()
    assert rows
    for properties, version, nothing in rows:
        assert isinstance(properties, dict)
        folded = {key.lower(): value for key, value in properties.items()}
        assert (version, nothing) == (folded.get("version"), None)
