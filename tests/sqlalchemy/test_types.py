"""Each type in each position: as a literal, in casts, compared, grouped, NULL."""

from __future__ import annotations

import enum
import math
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import func, literal, select

from sqlalchemy_micromegas.types import DOUBLE, TIMESTAMP, TINYINT, UBIGINT, UINTEGER
from tests.sqlalchemy.answers import DEMO, check, each_way, in_turn

UTC = timezone.utc


class Level(enum.Enum):
    DEBUG = 1
    ERROR = 2
    INFO = 3


NOON = datetime(2026, 11, 1, 12, 0, 0, 123456)

# type -> three values in ascending order, and the middle one as text that can be cast to it.
KINDS: dict[str, tuple[Any, list[Any], str | None]] = {
    "tinyint": (TINYINT(), [-128, 5, 127], "5"),
    "smallint": (sa.SmallInteger(), [-32768, 0, 32767], "0"),
    "integer": (sa.Integer(), [-(2**31), 7, 2**31 - 1], "7"),
    "bigint": (sa.BigInteger(), [-(2**63), 2**53 + 1, 2**63 - 1], "9007199254740993"),
    "uinteger": (UINTEGER(), [0, 1, 2**32 - 1], "1"),
    "ubigint": (UBIGINT(), [0, 2**63, 2**64 - 1], "9223372036854775808"),
    "float": (sa.Float(), [-math.inf, 0.1, 1.5e300], "0.1"),
    "double": (DOUBLE(), [-1e-300, 0.5, math.inf], "0.5"),
    "numeric": (
        sa.Numeric(20, 2),
        [Decimal("-1.50"), Decimal("0.10"), Decimal("123456789012345678.99")],
        "0.10",
    ),
    "numeric as float": (sa.Numeric(10, 2, asdecimal=False), [-1.5, 0.25, 9.75], "0.25"),
    "string": (sa.String(), ["", "it's ?, :x, %s", "é\\"], "it's ?, :x, %s"),
    "string of a length": (sa.String(2), ["a", "longer", "z"], "longer"),
    "text": (sa.Text(), ["\n", "a\tb", "😀"], "a\tb"),
    "unicode": (sa.Unicode(), ["A", "a", "ä"], "a"),
    "enum": (sa.Enum(Level), [Level.DEBUG, Level.ERROR, Level.INFO], None),
    "date": (sa.Date(), [date(1, 1, 1), date(2026, 2, 28), date(9999, 12, 31)], "2026-02-28"),
    "time": (
        sa.Time(),
        [time(0), time(1, 2, 3, 4), time(23, 59, 59, 999999)],
        "01:02:03.000004",
    ),
    "datetime": (
        sa.DateTime(),
        [datetime(1700, 1, 1), NOON, datetime(2262, 1, 1)],
        "2026-11-01T12:00:00.123456",
    ),
    "aware datetime": (
        TIMESTAMP(timezone=True),
        [
            datetime(1970, 1, 1, tzinfo=UTC),
            NOON.replace(tzinfo=UTC),
            datetime.max.replace(year=2261, tzinfo=UTC),
        ],
        "2026-11-01T13:00:00.123456+01:00",
    ),
    "interval": (
        sa.Interval(),
        [timedelta(microseconds=-1), timedelta(hours=25, microseconds=7), timedelta(days=9999)],
        None,
    ),
    "binary": (sa.LargeBinary(), [b"", b"it's", b"\xff\x00"], None),
}
if hasattr(sa, "Uuid"):
    KINDS["uuid"] = (sa.Uuid(), [uuid.UUID(int=i) for i in (0, 5, 2**127)], str(uuid.UUID(int=5)))
    KINDS["uuid as text"] = (
        sa.Uuid(as_uuid=False),
        [str(uuid.UUID(int=i)) for i in (1, 2, 3)],
        str(uuid.UUID(int=2)),
    )

#: What the engine does not put in an order: intervals of months have no length.
UNORDERED = {"interval"}

Shape = Callable[[Any, Any, Any, list[Any]], tuple[Any, list[Any]]]


def one(values: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(values)]


# place -> (type, table of the three values in n and v, values) -> statement, answer
PLACES: dict[str, Shape] = {
    "literals": lambda type_, t, v, values: (
        select(*[literal(each, type_).label(f"c{i}") for i, each in enumerate(values)]),
        one(values),
    ),
    "cast": lambda type_, t, v, values: (
        select(sa.cast(literal(values[1], type_), type_)),
        one([values[1]]),
    ),
    "cast of NULL": lambda type_, t, v, values: (select(sa.cast(None, type_)), one([None])),
    "coalesce": lambda type_, t, v, values: (
        select(func.coalesce(sa.cast(None, type_), literal(values[2], type_))),
        one([values[2]]),
    ),
    "case": lambda type_, t, v, values: (
        select(sa.case((t.c.n == 1, literal(values[2], type_)), else_=v)).order_by(t.c.n),
        [(values[0],), (values[2],), (values[2],)],
    ),
    "equal": lambda type_, t, v, values: (select(t.c.n).where(v == values[1]), one([1])),
    "unequal": lambda type_, t, v, values: (
        select(t.c.n).where(v != values[1]).order_by(t.c.n),
        [(0,), (2,)],
    ),
    "in": lambda type_, t, v, values: (
        select(v).where(v.in_([values[0], values[2]])).order_by(t.c.n),
        [(values[0],), (values[2],)],
    ),
    "not in": lambda type_, t, v, values: (
        select(v).where(v.not_in([values[0], values[2]])),
        one([values[1]]),
    ),
    "is distinct from": lambda type_, t, v, values: (
        select(t.c.n).where(v.is_distinct_from(values[0])).order_by(t.c.n),
        [(1,), (2,)],
    ),
    "is null": lambda type_, t, v, values: (select(func.count()).where(v.is_(None)), one([0])),
    "subquery": lambda type_, t, v, values: (
        select(select(v).where(t.c.n == 2).scalar_subquery()),
        one([values[2]]),
    ),
    "union": lambda type_, t, v, values: (
        select(v).where(t.c.n == 0).union_all(select(literal(values[0], type_))),
        [(values[0],), (values[0],)],
    ),
    "distinct": lambda type_, t, v, values: (
        select(func.count(v.distinct())),
        one([3]),
    ),
    "array": lambda type_, t, v, values: (
        select(literal(values, sa.ARRAY(type_)).label("a")),
        one([values]),
    ),
}
ORDERED: dict[str, Shape] = {
    "less": lambda type_, t, v, values: (select(t.c.n).where(v < values[1]), one([0])),
    "not less": lambda type_, t, v, values: (
        select(v).where(v >= values[1]).order_by(v),
        [(values[1],), (values[2],)],
    ),
    "between": lambda type_, t, v, values: (
        select(v).where(v.between(values[0], values[1])).order_by(v.desc()),
        [(values[1],), (values[0],)],
    ),
    "order": lambda type_, t, v, values: (
        select(v).order_by(v.desc().nulls_last()),
        [(each,) for each in reversed(values)],
    ),
    "extremes": lambda type_, t, v, values: (
        select(func.min(v), func.max(v)),
        one([values[0], values[2]]),
    ),
    "group": lambda type_, t, v, values: (
        select(v, func.count()).group_by(v).order_by(v),
        [(each, 1) for each in values],
    ),
    "greatest": lambda type_, t, v, values: (
        select(func.greatest(v, literal(values[1], type_), type_=type_)).order_by(t.c.n),
        [(values[1],), (values[1],), (values[2],)],
    ),
}


def table(type_: Any, values: list[Any]) -> Any:
    columns = (sa.column("n", sa.Integer), sa.column("v", type_))
    return sa.values(*columns, name="t").data(list(enumerate(values)))


CASES = [
    (kind, place, shape)
    for kind in KINDS
    for place, shape in {**PLACES, **({} if kind in UNORDERED else ORDERED)}.items()
]

# Services have no intervals over HTTP, so that statements with these differ from engine to engine.
OF_EACH_ENGINE = {"interval"}


def combinations() -> Iterator[tuple[tuple[str, Shape], str, str, bool]]:
    """Each type in each place, bound and literal; on two engines, which change with both.

    So each type meets each engine in both ways, and so does each place.
    """
    kinds, places = list(KINDS), [*PLACES, *ORDERED]
    for kind, place, shape in CASES:
        turn = kinds.index(kind) + places.index(place)
        for literal_binds in (False, True):
            engines = DEMO if kind in OF_EACH_ENGINE else [DEMO[(turn + literal_binds) % 3]]
            for engine in engines:
                yield (kind, shape), f"{kind}-{place}", engine, literal_binds


@in_turn(combinations())
def test_type_in_place(demo: Any, case: tuple[str, Shape], literal_binds: bool) -> None:
    kind, shape = case
    type_, values, _ = KINDS[kind]
    t = table(type_, values)
    check(demo, *shape(type_, t, t.c.v, values), literal_binds)


@each_way
@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind][2] is not None])
def test_cast_from_text(demo: Any, kind: str, literal_binds: bool) -> None:
    type_, values, text = KINDS[kind]
    check(demo, select(sa.cast(literal(text), type_)), [(values[1],)], literal_binds)
