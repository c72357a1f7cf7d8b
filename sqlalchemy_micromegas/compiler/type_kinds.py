"""What the engine keeps values of a type as, and what several kinds of them become together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import types as sqltypes

from sqlalchemy_micromegas.types import (
    SQLALCHEMY_2,
    TINYINT,
    UBIGINT,
    UINTEGER,
    USMALLINT,
    UTINYINT,
    Interval,
)

__all__ = [
    "NULL",
    "Kind",
    "arrow_of",
    "as_cast",
    "common",
    "family",
    "made_alike",
    "unsure",
    "varied",
]


class Kind(NamedTuple):
    """What an expression is kept as: a type, and what it may be kept as besides.

    Text, for one, is a dictionary in some columns and plain in others, and a bound Decimal has
    the digits of its value. Such kinds are equal to themselves alone, by `storage`; without one
    the type is just what a CAST to it gives.
    """

    arrow: pa.DataType
    storage: Hashable = None


NULL = Kind(pa.null())


def unsure(arrow: pa.DataType | None) -> Kind | None:
    """Give a kind that is equal to itself alone."""
    return None if arrow is None else Kind(arrow, object())


# -- types -------------------------------------------------------------------------------------

# The first that fits counts: subclasses stand before what they derive from.
_ARROW: list[tuple[Any, pa.DataType]] = [
    (TINYINT, pa.int8()),
    (UTINYINT, pa.uint8()),
    (USMALLINT, pa.uint16()),
    (UINTEGER, pa.uint32()),
    (UBIGINT, pa.uint64()),
    (sqltypes.SmallInteger, pa.int16()),
    (sqltypes.BigInteger, pa.int64()),
    (sqltypes.Integer, pa.int32()),
    (sqltypes.Boolean, pa.bool_()),
    (sqltypes.REAL, pa.float32()),
    (sqltypes.Float, pa.float64()),
    (sqltypes.String, pa.string()),
    (sqltypes.LargeBinary, pa.binary()),
    (sqltypes.Date, pa.date32()),
    (sqltypes.Time, pa.time64("ns")),
    (Interval, pa.month_day_nano_interval()),
]
if SQLALCHEMY_2:
    _ARROW.append((sqltypes.Uuid, pa.string()))

_VARIED = (
    pa.types.is_string,
    pa.types.is_binary,
    pa.types.is_interval,
    pa.types.is_list,
)


def arrow_of(type_: Any) -> pa.DataType | None:
    """Give the Arrow type of a SQLAlchemy type, or None where it does not tell."""
    while isinstance(type_, sqltypes.TypeDecorator):
        if isinstance(type_, sqltypes.Interval):  # a decorator of 1970 plus the difference
            return pa.month_day_nano_interval()
        type_ = type_.impl
    if isinstance(type_, sqltypes.DateTime):
        zone = "+00:00" if type_.timezone else None
        return pa.timestamp(getattr(type_, "unit", "ns"), zone)
    if isinstance(type_, sqltypes.ARRAY):
        item = arrow_of(type_.item_type)
        for _ in range(type_.dimensions or 1):
            item = None if item is None else pa.list_(item)
        return item
    for kind, arrow in _ARROW:
        if isinstance(type_, kind):
            return arrow
    if isinstance(type_, sqltypes.Numeric) and type_.precision and type_.precision <= 38:
        return pa.decimal128(type_.precision, type_.scale or 0)
    return None


def varied(arrow: pa.DataType) -> bool:
    """Tell whether values of a type are kept in more than one way."""
    return any(is_kind(arrow) for is_kind in _VARIED)


def family(arrow: pa.DataType) -> str:
    """Name what values of a type are to Python."""
    integral = pa.types.is_decimal(arrow) and arrow.scale == 0
    if integral or pa.types.is_integer(arrow):
        return "integer"
    if pa.types.is_decimal(arrow) or pa.types.is_floating(arrow):
        return "fraction"
    return str(arrow).partition("[")[0].partition("<")[0]


# What a number is as a decimal, to the engine.
_AS_DECIMAL = {
    pa.int8(): (3, 0),
    pa.uint8(): (3, 0),
    pa.int16(): (5, 0),
    pa.uint16(): (5, 0),
    pa.int32(): (10, 0),
    pa.uint32(): (10, 0),
    pa.int64(): (20, 0),
    pa.uint64(): (20, 0),
    pa.float32(): (14, 7),
    pa.float64(): (30, 15),
}


def _digits(arrow: pa.DataType) -> tuple[int, int] | None:
    if pa.types.is_decimal(arrow):
        return arrow.precision, arrow.scale
    return _AS_DECIMAL.get(arrow)


def common(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Give the type that the branches of a CASE have together, as DataFusion decides it.

    None where it does not, or where its releases differ.
    """
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    given = (one, other)
    if all(map(pa.types.is_integer, given)):
        return _common_integer(one, other)
    digits = [_digits(each) for each in given]
    if None not in digits and any(map(pa.types.is_decimal, given)):
        scale = max(s for _, s in digits)  # type: ignore[misc]
        whole = max(p - s for p, s in digits)  # type: ignore[misc]
        return pa.decimal128(min(whole + scale, 38), scale)
    if None not in digits:  # one has a fraction at least
        return pa.float64() if pa.float64() in given else pa.float32()
    if pa.string() in given:
        number = other if one == pa.string() else one
        return pa.string() if _digits(number) else None
    if all(pa.types.is_timestamp(each) or pa.types.is_date(each) for each in given):
        days = any(map(pa.types.is_date, given))  # which take the zone away
        zones = [each.tz for each in given if not pa.types.is_date(each) and each.tz]
        return pa.timestamp("ns", zones[0] if zones and not days else None)
    if all(map(pa.types.is_list, given)):
        item = common(one.value_type, other.value_type)
        return None if item is None else pa.list_(item)
    return None


def _common_integer(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    signed = {pa.types.is_signed_integer(each) for each in (one, other)}
    if len(signed) == 1:
        return max(one, other, key=lambda each: each.bit_width)
    # What older engines make of 64 bits without sign and a sign cuts off half of them.
    return pa.decimal128(20, 0) if pa.uint64() in (one, other) else pa.int64()


def made_alike(
    kinds: Sequence[Kind | None], *, null_counts: bool
) -> tuple[Kind | None, list[bool]]:
    """Decide the common kind of the branches of a CASE or the parts of a union.

    Parameters
    ----------
    kinds : sequence of Kind or None
        None where a type is not known: nothing can be said about all of them then.
    null_counts : bool
        Whether a NULL is of a type of its own, as in a union.

    Returns
    -------
    tuple
        The kind, and for each whether it has to be cast to it.
    """
    as_they_are = [False] * len(kinds)
    known = [kind for kind in kinds if kind is not None]
    if len(known) < len(kinds):
        return None, as_they_are
    counts = [i for i, kind in enumerate(known) if kind != NULL or null_counts]
    if not counts:
        return NULL, as_they_are
    first = known[counts[0]]
    if all(known[i] == first for i in counts):
        return first, as_they_are
    arrow = reduce(_both, (known[i].arrow for i in counts))
    if arrow is None:
        return None, as_they_are
    kind = Kind(as_cast(arrow))
    return kind, [
        i in counts and each != kind and (i == counts[0] or not _follows(each, kind))
        for i, each in enumerate(known)
    ]


def _both(one: pa.DataType | None, other: pa.DataType) -> pa.DataType | None:
    return None if one is None else common(one, other)


def as_cast(arrow: pa.DataType) -> pa.DataType:
    """Give what a CAST to a type gives, which knows timestamps of nanoseconds alone."""
    return pa.timestamp("ns", arrow.tz) if pa.types.is_timestamp(arrow) else arrow


def _follows(kind: Kind, told: Kind) -> bool:
    """Tell whether every engine by itself makes a value what the first is cast to."""
    if kind == NULL:
        return not varied(told.arrow)
    if pa.types.is_floating(told.arrow):
        return True
    return kind.storage is None and pa.types.is_integer(told.arrow)
