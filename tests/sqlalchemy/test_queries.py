"""Complete queries: joins, sets, windows, CTEs, names, functions of strings, numbers and times."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from sqlalchemy_micromegas import approx_percentile_cont, array_has, date_bin, date_trunc
from tests.sqlalchemy.answers import check, each_way, on_each_engine

UTC = timezone.utc


def values(name: str, columns: dict[str, Any], *data: tuple[Any, ...]) -> Any:
    return sa.values(*[sa.column(c, t) for c, t in columns.items()], name=name).data(list(data))


NUMBER = {"i": sa.Integer, "s": sa.String, "x": sa.Float}
T = values("t", NUMBER, (1, "a", 1.5), (2, "b", 2.5), (3, "a", 4.0), (4, "c", -1.0))
U = values("u", {"i": sa.Integer, "name": sa.String}, (1, "one"), (3, "three"), (9, "nine"))
P = values("p", {"id": sa.Integer, "up": sa.String}, (1, ""), (2, "1"), (3, "2"), (4, "2"))
HOLES = values("h", {"n": sa.Integer, "m": sa.Integer}, (1, None), (2, 5), (3, None), (4, 1))
N, S, X = T.c.i, T.c.s, T.c.x
WHEN = datetime(2026, 2, 28, 23, 59, 58, 123456)
W = literal(WHEN)
NONE = sa.cast(None, sa.Integer)

Q = select(P).subquery("q")

over = {"partition_by": S, "order_by": N}


def column(*expressions: Any) -> Any:
    return select(*expressions).order_by(N)


def scalar(expression: Any) -> Any:
    return select(expression)


JOINS = [
    (select(N, U.c.name).join(U, U.c.i == N).order_by(N), [(1, "one"), (3, "three")]),
    (
        select(N, U.c.name).select_from(T.outerjoin(U, U.c.i == N)).order_by(N),
        [(1, "one"), (2, None), (3, "three"), (4, None)],
    ),
    (
        select(N, U.c.i).select_from(T.outerjoin(U, U.c.i == N, full=True)).order_by(U.c.i, N),
        [(1, 1), (3, 3), (None, 9), (2, None), (4, None)],
    ),
    (select(func.count()).select_from(T.join(U, sa.true())), [(12,)]),
    (select(func.count()).select_from(sa.select(N, U.c.name).where(U.c.i > N).subquery()), [(6,)]),
    (select(N).join(U, (U.c.i == N) & (U.c.name != "one")), [(3,)]),
    (select(N).where(N.in_(select(U.c.i))).order_by(N), [(1,), (3,)]),
    (select(N).where(N.not_in(select(U.c.i))).order_by(N), [(2,), (4,)]),
    (select(N).where(sa.exists().where(U.c.i == N)).order_by(N), [(1,), (3,)]),
    (select(N).where(~sa.exists().where(U.c.i == N)).order_by(N), [(2,), (4,)]),
    (
        column(N, select(func.max(U.c.name)).where(U.c.i == N).scalar_subquery().label("m")),
        [(1, "one"), (2, None), (3, "three"), (4, None)],
    ),
    (select(N).where(select(func.avg(U.c.i)).scalar_subquery() < X), []),
    (
        select(P.c.id, Q.c.id).join(Q, sa.cast(Q.c.id, sa.String) == P.c.up).order_by(P.c.id),
        [(2, 1), (3, 2), (4, 2)],
    ),
]
SETS = [
    (select(N).union(select(U.c.i)).order_by("i"), [(1,), (2,), (3,), (4,), (9,)]),
    (select(N).intersect(select(U.c.i)).order_by("i"), [(1,), (3,)]),
    (select(N).except_(select(U.c.i)).order_by("i"), [(2,), (4,)]),
    (select(S).union_all(select(S)).order_by("s").limit(5), [("a",)] * 4 + [("b",)]),
    (
        sa.union_all(
            select(N).order_by(N.desc()).limit(1).subquery().select(),
            select(N).order_by(N).limit(1).subquery().select(),
        ).order_by("i"),
        [(1,), (4,)],
    ),
    (
        select(func.count()).select_from(select(N).union(select(U.c.i)).subquery()),
        [(5,)],
    ),
    (sa.union(select(literal(1)), select(literal(1))), [(1,)]),
]
WINDOWS = [
    (column(func.row_number().over(order_by=X)), [(2,), (3,), (4,), (1,)]),
    (column(func.rank().over(order_by=S)), [(1,), (3,), (1,), (4,)]),
    (column(func.dense_rank().over(order_by=S)), [(1,), (2,), (1,), (3,)]),
    (column(func.sum(N).over(**over)), [(1,), (2,), (4,), (4,)]),
    (column(func.lag(N).over(**over)), [(None,), (None,), (1,), (None,)]),
    (column(func.lead(N, 1, 0).over(order_by=N)), [(2,), (3,), (4,), (0,)]),
    (column(func.first_value(N).over(order_by=N)), [(1,), (1,), (1,), (1,)]),
    (column(func.ntile(2).over(order_by=N)), [(1,), (1,), (2,), (2,)]),
    (column(func.sum(N).over(order_by=N, rows=(-1, 0))), [(1,), (3,), (5,), (7,)]),
    (column(func.sum(N).over(order_by=N, rows=(None, 0))), [(1,), (3,), (6,), (10,)]),
    (column(func.sum(N).over(order_by=N, rows=(0, None))), [(10,), (9,), (7,), (4,)]),
    (column(func.sum(N).over(order_by=N, rows=(1, 2))), [(5,), (7,), (4,), (None,)]),
    (column(func.sum(N).over(order_by=N, range_=(-2, -1))), [(None,), (1,), (3,), (5,)]),
    (select(func.count().over()).select_from(T), [(4,), (4,), (4,), (4,)]),
    (column(N - func.min(N).over()), [(0,), (1,), (2,), (3,)]),
    (
        select(
            select(N, func.row_number().over(partition_by=S, order_by=N.desc()).label("r"))
            .subquery("w")
            .c.i
        ).order_by("i"),
        [(1,), (2,), (3,), (4,)],
    ),
]
# On 1.4 the rows themselves cannot be a CTE.
UNNAMED = sa.values(sa.column("i", sa.Integer)).data([(7,), (8,)])
UNNAMED = UNNAMED.cte("from_values") if hasattr(UNNAMED, "cte") else UNNAMED
ranked = select(N, func.row_number().over(partition_by=S, order_by=N.desc()).label("r")).cte("w")
numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < 5))
first, second = select(N).where(N > 1).cte("first"), select(U.c.i).where(U.c.i < 9).cte("second")
CTES = [
    (select(ranked.c.i).where(ranked.c.r == 1).order_by(ranked.c.i), [(2,), (3,), (4,)]),
    (select(func.sum(numbers.c.n)), [(15,)]),
    (select(func.max(UNNAMED.c.i)), [(8,)]),
    (select(numbers.c.n).order_by(numbers.c.n.desc()).limit(2), [(5,), (4,)]),
    (select(first.c.i).join(second, first.c.i == second.c.i), [(3,)]),
    (select(select(first.c.i).where(first.c.i > 2).cte("nested").c.i).order_by("i"), [(3,), (4,)]),
    (
        select(func.count()).select_from(first.alias("f1").join(first.alias("f2"), sa.true())),
        [(9,)],
    ),
]
GROUPS = [
    (select(S, func.sum(N)).group_by(S).order_by(S), [("a", 4), ("b", 2), ("c", 4)]),
    (
        select(S.label("key"), func.count()).group_by("key").order_by("key"),
        [("a", 2), ("b", 1), ("c", 1)],
    ),
    (select(N % 2, func.count()).group_by(N % 2).order_by(N % 2), [(0, 2), (1, 2)]),
    (select(S).group_by(S).having(func.count() > 1), [("a",)]),
    (select(S).group_by(S).order_by(func.sum(X).desc()), [("a",), ("b",), ("c",)]),
    (
        select(S, func.count()).group_by(func.rollup(S)).order_by(S.nulls_last()),
        [("a", 2), ("b", 1), ("c", 1), (None, 4)],
    ),
    (select(func.count(N)).group_by(func.cube(S)).order_by(sa.text("1")), [(1,), (1,), (2,), (4,)]),
    (
        select(func.count(), func.grouping(S))
        .group_by(func.grouping_sets(sa.tuple_(S), sa.tuple_()))
        .order_by(sa.text("2, 1")),
        [(1, 0), (1, 0), (2, 0), (4, 1)],
    ),
    (
        select(sa.case((N < 3, "low"), else_="high").label("c"), func.count())
        .group_by("c")
        .order_by("c"),
        [("high", 2), ("low", 2)],
    ),
    (select(func.sum(sa.case((S == "a", N), else_=0))), [(4,)]),
    (select(func.count(HOLES.c.m), func.sum(HOLES.c.m), func.avg(HOLES.c.m)), [(2, 6, 3.0)]),
    (select(func.count()).where(sa.false()).select_from(T), [(0,)]),
    (select(func.max(N)).where(sa.false()), [(None,)]),
    (select(func.percentile_cont(0.5).within_group(N)).where(N > 9), [(None,)]),
    (select(func.percentile_disc(0.5).within_group(N)).where(N > 9), [(None,)]),
    (select(func.sum(N).filter(N.in_([]))), [(None,)]),
    (select(func.sum(N).filter(sa.true()), func.count(N).filter(sa.false())), [(10, 0)]),
    (column(sa.case((literal("a") == "a", N))), [(1,), (2,), (3,), (4,)]),
    # Where a condition is NULL, as DataFusion 43 would not have it.
    (select(func.sum(HOLES.c.n).filter(HOLES.c.m > 2)), [(2,)]),
    (select(func.count(HOLES.c.n).filter(HOLES.c.m > 2, HOLES.c.n < 9)), [(1,)]),
    (select(func.count(HOLES.c.n.distinct()).filter(HOLES.c.m > 2)), [(1,)]),
    (
        select(sa.funcfilter(func.percentile_cont(0.5).within_group(HOLES.c.n), HOLES.c.m > 0)),
        [(3.0,)],
    ),
    (
        select(sa.case((HOLES.c.m > 2, HOLES.c.n))).order_by(HOLES.c.n),
        [(None,), (2,), (None,), (None,)],
    ),
    (
        select(sa.case((HOLES.c.m > 2, HOLES.c.n), else_=sa.null())).order_by(HOLES.c.n),
        [(None,), (2,), (None,), (None,)],
    ),
    (
        select(sa.case((~(HOLES.c.m > 2), HOLES.c.n), else_=None)).order_by(HOLES.c.n),
        [(None,), (None,), (None,), (4,)],
    ),
    (
        select(sa.case((HOLES.c.m.in_([5, 6]), HOLES.c.n.label("k")))).order_by(HOLES.c.n),
        [(None,), (2,), (None,), (None,)],
    ),
    (
        select(sa.case((HOLES.c.m > 2, HOLES.c.n), else_=literal(None, sa.Integer))).order_by(
            HOLES.c.n
        ),
        [(None,), (2,), (None,), (None,)],
    ),
    (
        select(sa.case(((HOLES.c.m > 2) | (HOLES.c.n == 1), HOLES.c.n), else_=-1)).order_by(
            HOLES.c.n
        ),
        [(1,), (2,), (-1,), (-1,)],
    ),
    (
        select(sa.case({5: HOLES.c.n}, value=HOLES.c.m)).order_by(HOLES.c.n),
        [(None,), (2,), (None,), (None,)],
    ),
    (select(func.array_agg(N)).where(N < 3), [([1, 2],)]),
    (select(func.stddev(X), func.var_pop(N)).where(N < 3), [(math.sqrt(0.5), 0.25)]),
    (select(func.bool_or(N > 3), func.bool_and(N > 3)), [(True, False)]),
    (select(func.median(X)), [(2.0,)]),
    (select(approx_percentile_cont(X, 0.5)).where(N == 1), [(1.5,)]),
    (select(func.string_agg(S, "-")).where(N == 1), [("a",)]),
    (select(func.min(S), func.max(S)), [("a", "c")]),
    (select(S).distinct().order_by(S.desc()), [("c",), ("b",), ("a",)]),
]
if sa.__version__ >= "2.1":
    GROUPS += [
        (select(func.array_agg(N).aggregate_order_by(N.desc())), [([4, 3, 2, 1],)]),
        (select(func.array_agg(S).aggregate_order_by(X)), [(["c", "a", "b", "a"],)]),
        (select(func.array_agg(S).aggregate_order_by(S.desc(), N)), [(["c", "b", "a", "a"],)]),
        (select(func.array_agg(S.distinct()).aggregate_order_by(S)), [(["a", "b", "c"],)]),
        (select(func.array_agg(S.distinct()).aggregate_order_by(S.desc())), [(["c", "b", "a"],)]),
        (
            select(func.array_agg(HOLES.c.m.distinct()).aggregate_order_by(HOLES.c.m.desc())),
            [([None, 5, 1],)],
        ),
        (
            select(
                func.array_agg(HOLES.c.m.distinct()).aggregate_order_by(
                    HOLES.c.m.desc().nulls_last()
                )
            ),
            [([5, 1, None],)],
        ),
        (select(func.array_agg(HOLES.c.m).aggregate_order_by(HOLES.c.n)), [([None, 5, None, 1],)]),
        (select(func.aggregate_strings(S, "-").aggregate_order_by(X)), [("c-a-b-a",)]),
        (
            select(S, func.array_agg(N).aggregate_order_by(N.desc())).group_by(S).order_by(S),
            [("a", [3, 1]), ("b", [2]), ("c", [4])],
        ),
    ]
GROUPS += [
    (select(func.array_agg(aggregate_order_by(N, N.desc()))), [([4, 3, 2, 1],)]),
    (select(func.string_agg(S, aggregate_order_by(literal("-"), X.desc()))), [("a-b-a-c",)]),
    (
        select(
            func.array_agg(aggregate_order_by(S, S.desc(), N.desc()), type_=sa.ARRAY(sa.String))
        ),
        [(["c", "b", "a", "a"],)],
    ),
]
ORDERS = [
    (select(HOLES.c.n).order_by(HOLES.c.m.nulls_first(), HOLES.c.n), [(1,), (3,), (4,), (2,)]),
    (select(HOLES.c.n).order_by(HOLES.c.m.nulls_last(), HOLES.c.n), [(4,), (2,), (1,), (3,)]),
    (
        select(HOLES.c.n).order_by(HOLES.c.m.desc().nulls_last(), HOLES.c.n.desc()),
        [(2,), (4,), (3,), (1,)],
    ),
    (select(N.label("k")).order_by(sa.desc("k")), [(4,), (3,), (2,), (1,)]),
    (select((N * -1).label("k")).order_by("k"), [(-4,), (-3,), (-2,), (-1,)]),
    (select(S).order_by(X), [("c",), ("a",), ("b",), ("a",)]),
    (select(N).order_by(sa.text("1 DESC")).limit(1), [(4,)]),
    (select(N).order_by(func.abs(N - 3), N), [(3,), (2,), (4,), (1,)]),
    (select(N).order_by(N).offset(literal(1) + 2), [(4,)]),
]
AWKWARD = [
    "select", "end", "begin", "time", "value", "level", "name", "date", "timestamp", "view",
    "values", "with", "interval", "key", "index", "unnest", "top", "struct", "lateral", "order",
    "streams.tags", "count(*)", "a b", 'q"uote', "Capital", "100%", "x:y", "ü", "?", "1st",
]  # fmt: skip


def named(name: str) -> Any:
    """Use a name for a column, a label, a table and a CTE."""
    inner = values(name, {name: sa.Integer}, (7,), (8,))
    cte = select(inner.c[name].label(name)).where(inner.c[name] > 7).cte(name + "_")
    return select(cte.c[name]).group_by(cte.c[name]).order_by(cte.c[name])


NAMES = [(named(name), [(8,)]) for name in AWKWARD]
LOGIC = [
    (select(N).where(sa.or_(N == 1, sa.and_(N > 2, S == "c"))).order_by(N), [(1,), (4,)]),
    (select(N).where(sa.not_(sa.or_(N == 1, N == 2))).order_by(N), [(3,), (4,)]),
    (select(HOLES.c.n).where(HOLES.c.m.is_(None)).order_by("n"), [(1,), (3,)]),
    (select(HOLES.c.n).where(HOLES.c.m.is_not(None)).order_by("n"), [(2,), (4,)]),
    (select(HOLES.c.n).where(HOLES.c.m.is_not_distinct_from(None)).order_by("n"), [(1,), (3,)]),
    (select(N).where((N > 2).is_(True)).order_by(N), [(3,), (4,)]),
    (select(N).where(sa.true()).order_by(N).limit(1), [(1,)]),
    (select(N).where(~N.between(2, 3)).order_by(N), [(1,), (4,)]),
    (select(literal(True) & literal(False), literal(True) | literal(False)), [(False, True)]),
    (select(~literal(True)), [(False,)]),
    (select(HOLES.c.n).where(HOLES.c.m.in_([5, None])), [(2,)]),
    (select(N.bool_op("=")(2)).where(N == 2), [(True,)]),
]
NUMBERS = [
    (column(N + 1, N - 1, N * 2), [(2, 0, 2), (3, 1, 4), (4, 2, 6), (5, 3, 8)]),
    (column(X / 2), [(0.75,), (1.25,), (2.0,), (-0.5,)]),
    (column(-N), [(-1,), (-2,), (-3,), (-4,)]),
    (column(N.op("&")(1), N.op("|")(8)), [(1, 9), (0, 10), (1, 11), (0, 12)]),
    (column(N.op("<<")(2), N.op(">>")(1)), [(4, 0), (8, 1), (12, 1), (16, 2)]),
    (scalar(func.abs(-5)), [(5,)]),
    (scalar(func.round(2.567, 1)), [(2.6,)]),
    (scalar(func.floor(2.5) + func.ceil(2.5)), [(5.0,)]),
    (scalar(func.power(literal(2.0), 3)), [(8.0,)]),
    (scalar(func.coalesce(NONE, 3)), [(3,)]),
    (scalar(func.nullif(literal(3), 3)), [(None,)]),
    (scalar(func.sqrt(16.0)), [(4.0,)]),
    (scalar((literal(1) + 2) * 3), [(9,)]),
    (scalar(literal(7) - (literal(5) - 3)), [(5,)]),
    (scalar(literal(2**62)), [(2**62,)]),
    (scalar(sa.type_coerce(literal(1.0) / literal(8.0), sa.Float)), [(0.125,)]),
    (scalar(sa.cast(literal(2.9), sa.Integer)), [(2,)]),
    (scalar(sa.cast(True, sa.Integer)), [(1,)]),
    (scalar(sa.cast(literal("t"), sa.Boolean)), [(True,)]),
]
if sa.__version__ >= "2":
    NUMBERS += [
        (column(N.bitwise_and(1), N.bitwise_xor(1)), [(1, 0), (0, 3), (1, 2), (0, 5)]),
        (column(N // 2), [(0,), (1,), (1,), (2,)]),
        (column(N.bitwise_not()), [(-2,), (-3,), (-4,), (-5,)]),
        (scalar(sa.try_cast(literal("no"), sa.Integer)), [(None,)]),
        (scalar(sa.try_cast(literal("9"), sa.Integer)), [(9,)]),
        (scalar(sa.try_cast(literal("no"), sa.DateTime(timezone=True))), [(None,)]),
    ]
TEXTS = [
    (column(S + "!"), [("a!",), ("b!",), ("a!",), ("c!",)]),
    (scalar(literal("a").concat("b") + "c"), [("abc",)]),
    (scalar(func.concat("a", NONE, "b")), [("ab",)]),
    (scalar(func.lower("ÀB").concat(func.upper("ç"))), [("àbÇ",)]),
    (scalar(func.substr("telemetry", 5, 2)), [("me",)]),
    (scalar(func.char_length("éa")), [(2,)]),
    (scalar(func.trim("  x ")), [("x",)]),
    (scalar(func.replace("a.b.c", ".", "-")), [("a-b-c",)]),
    (scalar(func.split_part("a.b.c", ".", 2)), [("b",)]),
    (scalar(func.strpos("telemetry", "met")), [(5,)]),
    (scalar(func.starts_with("telemetry", "tele")), [(True,)]),
    (scalar(func.lpad("7", 3, "0")), [("007",)]),
    (scalar(func.left("telemetry", 4)), [("tele",)]),
    (scalar(func.reverse("abc")), [("cba",)]),
    (scalar(sa.cast(literal(1.5), sa.String)), [("1.5",)]),
    (scalar(sa.cast(literal(True), sa.String)), [("true",)]),
    (scalar(sa.cast(literal(date(2026, 1, 2)), sa.String)), [("2026-01-02",)]),
    (scalar(literal("it's 100% ?:x \\ \n")), [("it's 100% ?:x \\ \n",)]),
    (select(S).where(S.in_(["a", "it's", "?", ":x"])).distinct(), [("a",)]),
    (scalar(func.encode(literal(b"\x01\xff", sa.LargeBinary), "hex")), [("01ff",)]),
    (scalar(sa.func.md5("a")), [("0cc175b9c0f1b6a831c399e269772661",)]),
]
FIELDS = {
    "year": 2026, "quarter": 1, "month": 2, "week": 9, "day": 28, "hour": 23, "minute": 59,
    "second": 58, "dow": 6, "doy": 59, "millisecond": 58123, "microsecond": 58123456,
}  # fmt: skip
BINS = {
    "second": datetime(2026, 2, 28, 23, 59, 58), "minute": datetime(2026, 2, 28, 23, 59),
    "hour": datetime(2026, 2, 28, 23), "day": datetime(2026, 2, 28),
    "week": datetime(2026, 2, 23), "month": datetime(2026, 2, 1),
    "quarter": datetime(2026, 1, 1), "year": datetime(2026, 1, 1),
}  # fmt: skip
MINUTE = timedelta(minutes=1)
TIMES = [
    *[(select(sa.extract(field, W)), [(answer,)]) for field, answer in FIELDS.items()],
    *[(select(date_trunc(unit, W)), [(answer,)]) for unit, answer in BINS.items()],
    (scalar(date_bin(timedelta(hours=6), W)), [(datetime(2026, 2, 28, 18),)]),
    (
        scalar(date_bin(timedelta(days=1), W, datetime(2026, 1, 1, 6))),
        [(datetime(2026, 2, 28, 6),)],
    ),
    (scalar(W + MINUTE), [(WHEN + MINUTE,)]),
    (scalar(W - MINUTE), [(WHEN - MINUTE,)]),
    (scalar(W - literal(datetime(2026, 1, 1))), [(WHEN - datetime(2026, 1, 1),)]),
    (scalar(literal(MINUTE) + literal(MINUTE)), [(2 * MINUTE,)]),
    (scalar(W > WHEN - MINUTE), [(True,)]),
    (scalar(sa.cast(W, sa.Date)), [(date(2026, 2, 28),)]),
    (scalar(sa.cast(W, sa.Time)), [(WHEN.time(),)]),
    (scalar(sa.cast(W, sa.DateTime(timezone=True))), [(WHEN.replace(tzinfo=UTC),)]),
    (scalar(sa.cast(literal(date(2026, 2, 28)), sa.DateTime)), [(datetime(2026, 2, 28),)]),
    (
        scalar(func.to_timestamp(literal(0), type_=sa.DateTime(timezone=True))),
        [(datetime(1970, 1, 1, tzinfo=UTC),)],
    ),
    (scalar(func.now() - func.now() < MINUTE), [(True,)]),
    (scalar(func.current_timestamp() - timedelta(days=1) < func.now()), [(True,)]),
    (scalar(func.current_date() == sa.cast(func.now(), sa.Date)), [(True,)]),
    (scalar(func.localtimestamp() <= func.now() + MINUTE), [(True,)]),
    (scalar(func.date_part("epoch", literal(datetime(1970, 1, 1, 0, 1)))), [(60.0,)]),
    (scalar(func.to_char(W, "%Y/%m")), [("2026/02",)]),
]
LISTS = select(literal(["x", "y"], sa.ARRAY(sa.String)).label("tags"), literal(1).label("n"))
L = LISTS.subquery("l")
ARRAYS = [
    (select(L.c.tags), [(["x", "y"],)]),
    (select(L.c.tags[2]), [("y",)]),
    (select(L.c.tags[L.c.n]), [("x",)]),
    (select(L.c.tags[1:1]), [(["x"],)]),
    (select(array_has(L.c.tags, "x"), array_has(L.c.tags, "no")), [(True, False)]),
    (select(func.array_length(L.c.tags)), [(2,)]),
    (select(func.unnest(L.c.tags)).order_by(sa.text("1")), [("x",), ("y",)]),
    (select(func.array_to_string(L.c.tags, "/")), [("x/y",)]),
    (select(func.array_position(L.c.tags, "y")), [(2,)]),
    (select(func.count()).select_from(L).where(sa.any_(L.c.tags) == "x"), [(1,)]),
    (select(literal([[1, 2], [3]], sa.ARRAY(sa.Integer, dimensions=2))), [([[1, 2], [3]],)]),
    (select(literal([None, "it's"], sa.ARRAY(sa.String))), [([None, "it's"],)]),
]
CASES = [
    *JOINS, *SETS, *WINDOWS, *CTES, *GROUPS, *ORDERS, *NAMES, *LOGIC, *NUMBERS, *TEXTS, *TIMES,
    *ARRAYS,
]  # fmt: skip


@on_each_engine(CASES)
def test_query(demo: Any, case: tuple[Any, Any], literal_binds: bool) -> None:
    check(demo, *case, literal_binds)


@each_way
@pytest.mark.skipif(sa.__version__ < "2.1", reason="older RANGE takes whole numbers alone")
def test_range_of_times(demo: Any, literal_binds: bool) -> None:
    """Each number of elements is checked, also of a statement compiled for another."""
    from sqlalchemy import FrameClause, FrameClauseType

    start = datetime(2026, 1, 1)
    moments = [literal(start + timedelta(days=day)).label("day") for day in (0, 1, 5, 6)]
    days = sa.union_all(*map(select, moments)).subquery("d")
    for width, counts in [(1, [1, 2, 1, 2]), (5, [1, 2, 3, 3]), (6, [1, 2, 3, 4])]:
        frame = FrameClause(
            timedelta(days=width), None, FrameClauseType.PRECEDING, FrameClauseType.CURRENT
        )
        counted = func.count().over(order_by=days.c.day, range_=frame)
        answer = [(count,) for count in counts]
        check(demo, select(counted).select_from(days).order_by(days.c.day), answer, literal_binds)
