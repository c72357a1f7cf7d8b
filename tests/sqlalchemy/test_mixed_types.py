"""Branches of a CASE and queries of a union with different types: reported and actual types."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
import sqlalchemy.orm
from sqlalchemy import case, func, literal, select

from sqlalchemy_micromegas.types import DOUBLE, TIMESTAMP, TINYINT, UBIGINT, UINTEGER
from tests.sqlalchemy.answers import DIALECT, check, each_way, rows, told_otherwise, untyped

UTC = timezone.utc
WHEN = datetime(2026, 11, 1, 12, 34, 56, 789012)
_ZONE = 'Timestamp(Nanosecond, Some("+00:00"))'
_DURATION = "TIMESTAMP '2026-01-01T00:00:09' - TIMESTAMP '2026-01-01T00:00:00'"

#: name -> the type that introspection tells, the column in SQL, and its value.
COLUMNS: dict[str, tuple[Any, str, Any]] = {
    "tiny": (TINYINT(), "arrow_cast(3, 'Int8')", 3),
    "level": (sa.INTEGER(), "arrow_cast(4, 'Int32')", 4),
    "big": (sa.BIGINT(), "CAST(9007199254740993 AS BIGINT)", 2**53 + 1),
    "depth": (UINTEGER(), "arrow_cast(7, 'UInt32')", 7),
    "hash": (UBIGINT(), "arrow_cast('18446744073709551615', 'UInt64')", 2**64 - 1),
    "real": (sa.REAL(), "arrow_cast(1.5, 'Float32')", 1.5),
    "value": (DOUBLE(), "2.25", 2.25),
    "price": (sa.NUMERIC(10, 2), "arrow_cast('1.25', 'Decimal128(10, 2)')", Decimal("1.25")),
    "rate": (sa.NUMERIC(20, 5), "arrow_cast('7.12345', 'Decimal128(20, 5)')", Decimal("7.12345")),
    "msg": (sa.VARCHAR(), "'plain'", "plain"),
    "target": (sa.VARCHAR(), "arrow_cast('coded', 'Dictionary(Int32, Utf8)')", "coded"),
    "exe": (sa.VARCHAR(), "arrow_cast('short', 'Dictionary(Int16, Utf8)')", "short"),
    "ok": (sa.BOOLEAN(), "true", True),
    "day": (sa.DATE(), "DATE '2026-01-02'", date(2026, 1, 2)),
    "naive": (TIMESTAMP(), f"TIMESTAMP '{WHEN.isoformat()}'", WHEN),
    "time": (
        TIMESTAMP(timezone=True),
        f"arrow_cast(TIMESTAMP '{WHEN.isoformat()}', '{_ZONE}')",
        WHEN.replace(tzinfo=UTC),
    ),
    "took": (sa.Interval(), _DURATION, timedelta(seconds=9)),
    "blob": (sa.LargeBinary(), "arrow_cast(X'00ff', 'LargeBinary')", b"\x00\xff"),
    "ids": (sa.ARRAY(sa.INTEGER), "make_array(arrow_cast(4, 'Int32'))", [4]),
}
_SQL = "SELECT n, " + ", ".join(f"{sql} AS {name}" for name, (_, sql, _) in COLUMNS.items())
_TYPED = [sa.column(name, type_) for name, (type_, _, _) in COLUMNS.items()]
#: Two rows, of n = 0 and n = 1, which are the same otherwise.
TABLE = (
    sa.text(f"{_SQL} FROM (VALUES (0), (1)) AS two(n)")
    .columns(sa.column("n", sa.BIGINT), *_TYPED)
    .cte("t")
)
C = TABLE.c
FAR = datetime(2261, 1, 1)

# Two expressions that differ, and what their values are as values of one type.
PAIRS: list[tuple[Any, Any, Any, Any]] = [
    (C.level, 9, 4, 9),
    (C.level, 70_000_000_000, 4, 70_000_000_000),
    (C.level, 0.5, 4.0, 0.5),
    (C.level, Decimal("0.125"), Decimal(4), Decimal("0.125")),
    (C.level, "none", "4", "none"),
    (C.level, C.big, 4, 2**53 + 1),
    (C.level, C.tiny, 4, 3),
    (C.level, C.depth, 4, 7),
    (C.level, C.value, 4.0, 2.25),
    (C.level, C.target, "4", "coded"),
    (C.level + 1, 0.5, 5.0, 0.5),
    (C.level + C.level, 9, 8, 9),
    (C.level * 2.5, 1, 10.0, 1.0),
    (-C.level, 70_000_000_000, -4, 70_000_000_000),
    (C.level / 8, 1, 0.5, 1.0),
    (C.level % 3, C.value, 1.0, 2.25),
    (sa.cast(C.msg == "x", sa.INTEGER), 70_000_000_000, 0, 70_000_000_000),
    (sa.cast(C.value, sa.Integer), 0.5, 2.0, 0.5),
    (C.tiny, 1000, 3, 1000),
    (C.tiny, C.tiny + C.level, 3, 7),
    (C.depth, -1, 7, -1),
    (C.depth, C.hash, 7, 2**64 - 1),
    (C.hash, -1, 2**64 - 1, -1),
    (C.hash, literal(5, UBIGINT()), 2**64 - 1, 5),
    (C.hash, literal(2**63, UBIGINT()), 2**64 - 1, 2**63),
    (C.hash, C.price, Decimal(2**64 - 1), Decimal("1.25")),
    (C.real, C.value, 1.5, 2.25),
    (C.real, 3, 1.5, 3.0),
    (C.value, 3, 2.25, 3.0),
    (C.value, literal(3, sa.Float), 2.25, 3.0),
    (C.value, "none", "2.25", "none"),
    (C.price, 3, Decimal("1.25"), Decimal(3)),
    (C.price, C.rate, Decimal("1.25"), Decimal("7.12345")),
    (C.price, C.value, Decimal("1.25"), Decimal("2.25")),
    (C.price, Decimal("12345678901.5"), Decimal("1.25"), Decimal("12345678901.5")),
    (C.price, C.msg, "1.25", "plain"),
    (literal(Decimal("1.5")), literal(Decimal("2.25")), Decimal("1.5"), Decimal("2.25")),
    (literal(1), literal(2.5), 1.0, 2.5),
    (literal(0, sa.Float), literal(2.5), 0.0, 2.5),
    (literal("a"), C.target, "a", "coded"),
    (C.target, C.msg, "coded", "plain"),
    (C.target, C.exe, "coded", "short"),
    (C.exe + "!", C.target, "short!", "coded"),
    (func.upper(C.target), C.target, "CODED", "coded"),
    (C.day, C.naive, datetime(2026, 1, 2), WHEN),
    (C.naive, FAR, WHEN, FAR),
    (C.time, FAR, WHEN.replace(tzinfo=UTC), FAR.replace(tzinfo=UTC)),
    (C.naive, C.time, WHEN.replace(tzinfo=UTC), WHEN.replace(tzinfo=UTC)),
    (C.took, timedelta(days=2), timedelta(seconds=9), timedelta(days=2)),
    (C.naive - literal(WHEN), C.took, timedelta(0), timedelta(seconds=9)),
    (C.ids, literal([5, 6], sa.ARRAY(sa.BIGINT)), [4], [5, 6]),
    (C.blob, b"x", b"\x00\xff", b"x"),
    (C.ok, False, True, False),
    (func.count().over(partition_by=C.n), 0.5, 1.0, 0.5),
    (func.rank().over(order_by=C.level), 0.5, 1.0, 0.5),
    (func.rank().over(order_by=C.level), -5, 1, -5),
    (func.sum(C.level).over(partition_by=C.n), C.value, 4.0, 2.25),
    (func.avg(C.level).over(partition_by=C.n), 1, 4.0, 1.0),
    (func.length(C.msg, type_=sa.Integer), 70_000_000_000, 5, 70_000_000_000),
    (func.coalesce(C.level, 2.5), 0, 4.0, 0.0),
    (func.coalesce(C.level, 9), 0.5, 4.0, 0.5),
    (func.nullif(C.level, 9, type_=sa.Integer), 70_000_000_000, 4, 70_000_000_000),
    (func.greatest(C.level, 2.5), 0, 4.0, 0.0),
    (case((C.ok, C.level), else_=0.5), 9, 4.0, 9.0),
    (sa.extract("year", C.naive), 0.5, 2026.0, 0.5),
    (select(func.max(C.level)).scalar_subquery(), 0.5, 4.0, 0.5),
]


Shape = Callable[[Any, Any, Any, Any], tuple[Any, list[Any]]]


def _sorted(union: Any) -> Any:
    inner = union.subquery("u")
    return select(*inner.c).order_by(inner.c[0])


#: construct -> two expressions and their values -> statement, answer
SHAPES: dict[str, Shape] = {
    "case": lambda a, b, x, y: (
        select(C.n, case((C.n == 0, a), else_=b)).order_by(C.n),
        [(0, x), (1, y)],
    ),
    "case, the other way round": lambda a, b, x, y: (
        select(C.n, case((C.n == 0, b), else_=a)).order_by(C.n),
        [(0, y), (1, x)],
    ),
    "case of values": lambda a, b, x, y: (
        select(C.n, case({0: sa.null(), 1: a, 2: b}, value=C.n)).order_by(C.n),
        [(0, None), (1, x)],
    ),
    "case of a case": lambda a, b, x, y: (
        select(C.n, case((C.n == 0, case((C.n == 0, a), else_=None)), else_=b)).order_by(C.n),
        [(0, x), (1, y)],
    ),
    "union all": lambda a, b, x, y: (
        _sorted(select(C.n, a).where(C.n == 0).union_all(select(literal(1), b).where(C.n == 0))),
        [(0, x), (1, y)],
    ),
    "union all, the other way round": lambda a, b, x, y: (
        _sorted(select(literal(0), b).where(C.n == 0).union_all(select(C.n, a).where(C.n == 1))),
        [(0, y), (1, x)],
    ),
    "union of a NULL": lambda a, b, x, y: (
        _sorted(
            sa.union(
                select(literal(0), sa.null()),
                select(C.n, b).where(C.n == 1),
                select(C.n + 2, a).where(C.n == 0),
            )
        ),
        [(0, None), (1, y), (2, x)],
    ),
    "subquery of a union": lambda a, b, x, y: (
        _sorted(select(C.n, a.label("v")).union_all(select(C.n + 2, b.label("w")))),
        [(0, x), (1, x), (2, y), (3, y)],
    ),
}


def _value(given: Any) -> Any:
    return given if isinstance(given, sa.sql.ClauseElement) else literal(given)


def _words(expression: Any) -> str:
    options = {"literal_binds": True}
    text = str(expression.compile(dialect=DIALECT, compile_kwargs=options))
    return " ".join(text.rpartition("\n")[2].replace("t.", "").split())[:40]


def _cases() -> Iterator[tuple[str, Any, Any]]:
    for a, b, x, y in PAIRS:
        a, b = _value(a), _value(b)
        for place, shape in SHAPES.items():
            yield (f"{place}: {_words(a)}, {_words(b)}", *shape(a, b, x, y))


CASES = list(_cases())


@pytest.mark.parametrize(("words", "statement", "answer"), CASES, ids=[c[0] for c in CASES])
def test_mixed_types(demo_lake: Any, words: str, statement: Any, answer: Any) -> None:
    assert rows(demo_lake, statement, literal_binds=False) == answer
    assert untyped(rows(demo_lake, statement, literal_binds=True)) == untyped(answer)
    assert told_otherwise(statement) == []


# -- statements as they are written ------------------------------------------------------------

_ZONED = f"arrow_cast(?, '{_ZONE}')"

# (expression, what is written): nothing where nothing differs.
WRITTEN: list[tuple[Any, str]] = [
    (case((C.n == 0, C.level)), "CASE (t.n = ?) WHEN true THEN t.level END"),
    (case((C.n == 0, C.level), else_=None), "CASE (t.n = ?) WHEN true THEN t.level END"),
    (case((C.n == 0, C.n), else_=0), "CASE (t.n = ?) WHEN true THEN t.n ELSE ? END"),
    (case((C.n == 0, 1), else_=0), "CASE (t.n = ?) WHEN true THEN ? ELSE ? END"),
    (case((C.n == 0, "a"), else_="b"), "CASE (t.n = ?) WHEN true THEN ? ELSE ? END"),
    (case((C.n == 0, 0.5), else_=1.5), "CASE (t.n = ?) WHEN true THEN ? ELSE ? END"),
    (
        case((C.n == 0, C.target), else_=C.target),
        "CASE (t.n = ?) WHEN true THEN t.target ELSE t.target END",
    ),
    (case((C.n == 0, C.value), else_=0), "CASE (t.n = ?) WHEN true THEN t.value ELSE ? END"),
    (case((C.n == 0, C.ok), else_=False), "CASE (t.n = ?) WHEN true THEN t.ok ELSE ? END"),
    (
        case((C.n == 0, C.level), else_=C.level + C.level),
        "CASE (t.n = ?) WHEN true THEN t.level ELSE t.level + t.level END",
    ),
    (
        case((C.n == 0, C.level), else_=9),
        "CASE (t.n = ?) WHEN true THEN CAST(t.level AS BIGINT) ELSE ? END",
    ),
    (
        case((C.n == 0, 9), else_=C.level),
        "CASE (t.n = ?) WHEN true THEN ? ELSE t.level END",
    ),
    (
        case((C.n == 0, 1), (C.n == 1, C.level), else_=0.5),
        "CASE WHEN (t.n = ?) THEN CAST(? AS DOUBLE) WHEN (t.n = ?) THEN t.level ELSE ? END",
    ),
    (
        case((C.n == 0, "bad"), else_=C.target),
        "CASE (t.n = ?) WHEN true THEN CAST(? AS VARCHAR) ELSE CAST(t.target AS VARCHAR) END",
    ),
    (
        case((C.n == 0, C.time), else_=WHEN),
        f"CASE (t.n = ?) WHEN true THEN t.time ELSE {_ZONED} END",
    ),
    (
        case((C.n == 0, C.price), else_=1),
        "CASE (t.n = ?) WHEN true THEN CAST(t.price AS DECIMAL(22, 2)) "
        "ELSE CAST(? AS DECIMAL(22, 2)) END",
    ),
    # what is not known is left as it is
    (
        case((C.n == 0, func.own(C.level)), else_=0.5),
        "CASE (t.n = ?) WHEN true THEN own(t.level) ELSE ? END",
    ),
    (
        case((C.n == 0, sa.literal_column("level")), else_=0.5),
        "CASE (t.n = ?) WHEN true THEN level ELSE ? END",
    ),
    (case((C.n == 0, sa.text("level")), else_=9), "CASE (t.n = ?) WHEN true THEN level ELSE ? END"),
    (
        case((C.n == 0, sa.column("own")), else_=9),
        "CASE (t.n = ?) WHEN true THEN own ELSE ? END",
    ),
    # what is said to be of a type is
    (
        case((C.n == 0, func.own(C.level, type_=sa.BigInteger)), else_=0.5),
        "CASE (t.n = ?) WHEN true THEN CAST(own(t.level) AS DOUBLE) ELSE ? END",
    ),
    (
        case((C.n == 0, sa.literal_column("level", sa.Integer)), else_=9),
        "CASE (t.n = ?) WHEN true THEN CAST(level AS BIGINT) ELSE ? END",
    ),
    (
        case((C.n == 0, sa.type_coerce(C.level, sa.Float)), else_=9),
        "CASE (t.n = ?) WHEN true THEN CAST(t.level AS BIGINT) ELSE ? END",
    ),
    (
        func.sum(C.level).filter(C.n == 0),
        "sum(CASE (t.n = ?) WHEN true THEN t.level ELSE NULL END)",
    ),
    (
        func.greatest(C.level, C.level),
        "CASE WHEN t.level IS NOT NULL AND (t.level IS NULL OR t.level >= t.level) "
        "THEN t.level ELSE t.level END",
    ),
    (
        func.least(C.level, 9),
        "CASE WHEN CAST(t.level AS BIGINT) IS NOT NULL AND (? IS NULL OR "
        "CAST(t.level AS BIGINT) <= ?) THEN CAST(t.level AS BIGINT) ELSE ? END",
    ),
]


@pytest.mark.parametrize(("expression", "text"), WRITTEN)
def test_written(expression: Any, text: str) -> None:
    assert str(expression.compile(dialect=DIALECT)) == text


A, B = sa.table("a", sa.column("i", sa.INTEGER), sa.column("s", sa.VARCHAR)).c, C
UNIONS: list[tuple[Any, str]] = [
    (
        select(A.i, A.s).union(select(A.i, A.s)),
        "SELECT a.i, a.s FROM a UNION SELECT a.i, a.s FROM a",
    ),
    (
        select(A.i).union_all(select(literal(9))),
        "SELECT CAST(a.i AS BIGINT) AS i FROM a UNION ALL SELECT ? AS anon_1",
    ),
    (
        select(literal(9)).union_all(select(A.i)),
        "SELECT CAST(? AS BIGINT) AS anon_1 UNION ALL SELECT a.i FROM a",
    ),
    (
        select(A.i.label("x"), A.s).union(select(A.i * 0.5, A.s)),
        "SELECT CAST(a.i AS DOUBLE) AS x, a.s FROM a UNION SELECT a.i * ? AS anon_1, a.s FROM a",
    ),
    (
        select(sa.null().label("x")).union_all(select(A.i)),
        "SELECT CAST(NULL AS INTEGER) AS x UNION ALL SELECT a.i FROM a",
    ),
    (
        select(A.i).union_all(select(sa.null())),
        "SELECT a.i FROM a UNION ALL SELECT NULL AS anon_1",
    ),
    (
        select(A.s).union_all(select(sa.null())),
        "SELECT CAST(a.s AS VARCHAR) AS s FROM a UNION ALL SELECT CAST(NULL AS VARCHAR) AS anon_1",
    ),
    # EXCEPT and INTERSECT give the rows of the first query as they are
    (
        select(A.i).except_(select(literal(9.5))),
        "SELECT a.i FROM a EXCEPT SELECT ? AS anon_1",
    ),
    (
        sa.union(select(A.i).intersect(select(literal(9))), select(literal(0.5))),
        "(SELECT CAST(a.i AS DOUBLE) AS i FROM a INTERSECT SELECT CAST(? AS DOUBLE) AS anon_1) "
        "UNION SELECT ? AS anon_2",
    ),
    (
        sa.union(select(A.i).union_all(select(literal(9))), select(literal(0.5))),
        "(SELECT CAST(a.i AS DOUBLE) AS i FROM a UNION ALL SELECT CAST(? AS DOUBLE) AS anon_1) "
        "UNION SELECT ? AS anon_2",
    ),
    # the order and the rows of a part are those of its own values
    (
        sa.union(select(A.i).order_by(A.i).limit(2), select(literal(0.5))),
        "(SELECT CAST(a.i AS DOUBLE) AS i FROM a ORDER BY a.i LIMIT ?) UNION SELECT ? AS anon_1",
    ),
    (
        sa.union(select(A.i.label("x")).order_by("x").limit(2), select(A.s)),
        "(SELECT CAST(a.i AS VARCHAR) AS x FROM a ORDER BY a.i LIMIT ?) "
        "UNION SELECT CAST(a.s AS VARCHAR) AS s FROM a",
    ),
    (
        select(select(A.i).union(select(literal(0.5))).subquery("u").c.i),
        "SELECT u.i FROM (SELECT CAST(a.i AS DOUBLE) AS i FROM a UNION SELECT ? AS anon_1) AS u",
    ),
    (
        sa.union(select(sa.text("i")).select_from(sa.text("a")), select(literal(0.5))),
        "SELECT i FROM a UNION SELECT ? AS anon_1",
    ),
]


@pytest.mark.parametrize(("statement", "text"), UNIONS)
def test_unions(statement: Any, text: str) -> None:
    assert " ".join(str(statement.compile(dialect=DIALECT)).split()) == text


# -- what SQLAlchemy makes of it ---------------------------------------------------------------

COUNTED = select(sa.cast(literal(1), sa.Integer).label("n")).cte("counted", recursive=True)
COUNTED = COUNTED.union_all(select(COUNTED.c.n + 1.5).where(COUNTED.c.n < 5))

ANSWERS: list[tuple[Any, list[Any]]] = [
    (select(func.sum(case((C.n == 0, 1), else_=0.5))), [(1.5,)]),
    (select(func.max(case((C.n == 0, C.level), else_=4.5))), [(4.5,)]),
    (select(func.max(case((C.n == 0, C.day), else_=C.naive))), [(WHEN,)]),
    (select(func.sum(C.level).filter(C.n == 0)), [(4,)]),
    (select(func.greatest(C.level, 2.5, C.n)).order_by(C.n), [(4.0,), (4.0,)]),
    (select(func.least(C.level, 70_000_000_000, C.big)).order_by(C.n), [(4,), (4,)]),
    (select(func.greatest(70_000_000_000, C.level)).order_by(C.n), [(70_000_000_000,)] * 2),
    (select(func.greatest(C.target, "d", C.msg)).order_by(C.n), [("plain",), ("plain",)]),
    (select(func.least(C.day, C.naive)).order_by(C.n), [(datetime(2026, 1, 2),)] * 2),
    (select(func.greatest(C.price, C.value)).order_by(C.n), [(Decimal("2.25"),)] * 2),
    (select(func.greatest(C.hash, -1)).order_by(C.n), [(2**64 - 1,)] * 2),
    (select(func.coalesce(sa.cast(None, sa.Integer), 2.5)), [(2.5,)]),
    (select(func.coalesce(sa.cast(None, sa.Date), C.naive)).limit(1), [(WHEN,)]),
    (select(COUNTED.c.n).order_by(COUNTED.c.n), [(1.0,), (2.5,), (4.0,), (5.5,)]),
    (
        select(case((C.n == 0, C.level), else_=0.5).label("v"), func.count())
        .group_by("v")
        .order_by("v"),
        [(0.5, 1), (4.0, 1)],
    ),
    (
        sa.union(
            select((C.n * 9 + 2).label("v")).order_by("v").limit(1), select(C.msg).limit(1)
        ).order_by("v"),
        [("2",), ("plain",)],
    ),
    (
        sa.union_all(
            select((11 - C.n * 9).label("v")).order_by(sa.desc("v")).limit(1),
            select(C.msg).limit(1),
        ).order_by("v"),
        [("11",), ("plain",)],
    ),
    (
        sa.union(
            select(C.level.label("v")).distinct().order_by("v").limit(1), select(literal(0.5))
        ).order_by("v"),
        [(0.5,), (4.0,)],
    ),
    (
        select(C.n).where(C.level.in_(select(literal(4.0)).union(select(C.tiny)))).order_by(C.n),
        [(0,), (1,)],
    ),
    (
        select(case((C.n == 0, literal(None, sa.Integer)), else_=0.5)).order_by(C.n),
        [(None,), (0.5,)],
    ),
    (
        sa.union_all(select(literal(None, sa.Integer).label("v")), select(C.level)).order_by("v"),
        [(4,), (4,), (None,)],
    ),
    (
        sa.union_all(select(sa.null().label("v")), select(C.time)).limit(1).order_by("v"),
        [(WHEN.replace(tzinfo=UTC),)],
    ),
]


DAYS = timedelta(days=2)
ANSWERS += [
    (
        sa.union_all(select(C.n, C.took), select(C.n + 2, literal(DAYS))).order_by("n"),
        [(0, timedelta(seconds=9)), (1, timedelta(seconds=9)), (2, DAYS), (3, DAYS)],
    ),
    (
        select(case((C.n == 0, DAYS), else_=C.took)).order_by(C.n),
        [(DAYS,), (timedelta(seconds=9),)],
    ),
]


@each_way
@pytest.mark.parametrize(("statement", "answer"), ANSWERS)
def test_answers(demo: Any, statement: Any, answer: Any, literal_binds: bool) -> None:
    check(demo, statement, answer, literal_binds)
    assert told_otherwise(statement) == []


def test_a_cached_statement_has_values_of_its_own(demo_lake: Any) -> None:
    with demo_lake.connect() as connection:
        for other in (9, 70_000_000_000, 0.5, "a", Decimal("0.125"), Decimal("3.5"), None, 7):
            found = connection.execute(
                select(case((C.n == 0, C.level), else_=other)).order_by(C.n)
            ).scalars()
            assert found.all() == ["4" if other == "a" else 4, other], other


TOO_FINE = [
    case((C.n == 0, C.level), else_=Decimal("0.1234567890123456")),
    case((C.n == 0, C.level), else_=Decimal("1E-20")),
    case(
        (C.n == 0, literal(Decimal("1.5"), sa.Numeric(10, 2))),
        else_=literal(Decimal("0.125"), sa.Numeric(10, 2)),
    ),
    case((C.n == 0, C.price), else_=literal(0.125, sa.Numeric(10, 2, asdecimal=False))),
]


@each_way
@pytest.mark.parametrize("expression", TOO_FINE)
def test_no_decimal_is_rounded(demo_lake: Any, expression: Any, literal_binds: bool) -> None:
    with pytest.raises(
        (sa.exc.StatementError, sa.exc.CompileError),
        match="digits after the decimal point, the scale",
    ):
        rows(demo_lake, select(expression), literal_binds)


def test_a_decimal_that_is_cast_has_its_digits(demo_lake: Any) -> None:
    fine = sa.cast(Decimal("0.12345678901234567890"), sa.Numeric(38, 20))
    statement = select(case((C.n == 1, C.level), else_=fine)).order_by(C.n)
    assert rows(demo_lake, statement, False) == [(Decimal("0.12345678901234567890"),), (4,)]


@each_way
def test_a_time_too_far_away_for_nanoseconds_is_no_other_time(
    demo_lake: Any, literal_binds: bool
) -> None:
    statement = select(case((C.n == 0, C.time), else_=datetime(9999, 12, 31)))
    with pytest.raises(sa.exc.DBAPIError, match=r"(?i)overflow|exceeds"):
        rows(demo_lake, statement, literal_binds)


def test_columns_are_found_by_those_of_the_statement(demo_lake: Any) -> None:
    parts = select(C.level, C.n.label("m")).where(C.n == 0), select(literal(0.5), C.n + 1)
    union = sa.union_all(*parts).order_by("m")
    with demo_lake.connect() as connection:
        found = connection.execute(union)
        assert list(found.keys()) == ["level", "m"]
        row = found.first()
    assert row is not None
    assert (row.level, row._mapping["m"], row._mapping[C.level]) == (4.0, 0, 4.0)
    # What is shared by statements is not changed.
    assert C.level.type.compile(DIALECT) == "INTEGER"
    select(sa.null()).union(select(C.target)).compile(dialect=DIALECT)
    assert isinstance(sa.null().type, sa.types.NullType)


def test_entities_of_the_orm(demo_lake: Any) -> None:
    base = sa.orm.declarative_base()

    class Two(base):  # type: ignore[misc, valid-type]
        __table__ = TABLE
        __mapper_args__ = {"primary_key": [TABLE.c.n]}  # noqa: RUF012

    with sa.orm.Session(demo_lake) as session:
        union = select(Two.n, Two.level).union_all(select(Two.n + 2, literal(0.5)))
        assert sorted(session.execute(union).all()) == [(0, 4.0), (1, 4.0), (2, 0.5), (3, 0.5)]
        whole = sa.union_all(select(Two), select(Two).where(Two.n < 0)).subquery()
        aliased = sa.orm.aliased(Two, whole)
        found = session.execute(select(aliased).order_by(aliased.n)).scalars().all()
        assert [(each.n, each.level, each.target) for each in found] == [
            (0, 4, "coded"),
            (1, 4, "coded"),
        ]
        stated = select(Two).from_statement(select(Two).union_all(select(Two).where(Two.n < 0)))
        assert sorted(each.n for each in session.execute(stated).scalars()) == [0, 1]


def test_subqueries_of_subqueries_take_no_time() -> None:
    query = select(C.level.label("v"), C.value.label("w")).cte()
    for _ in range(40):
        v, w = query.c.v, query.c.w
        mixed = case((v > 1, v), (w > 1, w), else_=func.coalesce(v, w, v + w))
        query = select(mixed.label("v"), func.greatest(v, w, v * w).label("w")).cte()
    before = time.process_time()
    text = str(select(query).compile(dialect=DIALECT))
    assert time.process_time() - before < 10
    assert text.count("CAST(") > 40
