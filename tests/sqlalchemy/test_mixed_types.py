"""Branches of a CASE and parts of a union of types that differ: what comes is what was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import case, func, literal, select

from sqlalchemy_micromegas.types import DOUBLE, TIMESTAMP, TINYINT, UBIGINT, UINTEGER
from tests.sqlalchemy.answers import DIALECT, each_way, rows, told_otherwise, untyped

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


@each_way
@pytest.mark.parametrize(("words", "statement", "answer"), CASES, ids=[c[0] for c in CASES])
def test_mixed_types(
    demo_lake: Any, words: str, statement: Any, answer: Any, literal_binds: bool
) -> None:
    found = rows(demo_lake, statement, literal_binds)
    assert untyped(found) == untyped(answer) if literal_binds else found == answer
    assert told_otherwise(statement) == []
