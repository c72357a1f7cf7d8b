"""How the engine stores values of a type, and the common type of several."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import types as sqltypes

from sqlalchemy_micromegas.sqlalchemy_version import SQLALCHEMY_2
from sqlalchemy_micromegas.types import (
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
    "arrow_type_of",
    "cast_result_type",
    "common_kind",
    "common_type",
    "family",
    "has_variants",
    "unique_kind",
]


class Kind(NamedTuple):
    """The Arrow type of an expression, and how its values are stored.

    A type can be stored in several ways: strings are dictionaries in some columns and plain in
    others, and the digits of a bound Decimal depend on its value. Such a kind has a `storage` that
    equals no other. Without one, values are stored like the result of a CAST to the type.

    Attributes
    ----------
    arrow : pyarrow.DataType
        The type.
    storage : hashable
        What identifies the form of storage, if it can differ.
    """

    arrow: pa.DataType
    storage: Hashable = None


NULL = Kind(pa.null())


def unique_kind(arrow: pa.DataType | None) -> Kind | None:
    """Return a kind that equals no other.

    Parameters
    ----------
    arrow : pyarrow.DataType or None
        The type, if known.

    Returns
    -------
    Kind or None
        None if the type is unknown.
    """
    return None if arrow is None else Kind(arrow, object())


# -- types -------------------------------------------------------------------------------------

# The first match takes precedence: subclasses are listed before their bases.
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

_WITH_VARIANTS = (
    pa.types.is_string,
    pa.types.is_binary,
    pa.types.is_interval,
    pa.types.is_list,
)


def arrow_type_of(type_: Any) -> pa.DataType | None:
    """Return the Arrow type of a SQLAlchemy type.

    Parameters
    ----------
    type_ : sqlalchemy.types.TypeEngine
        Type decorators are treated as the type that they decorate.

    Returns
    -------
    pyarrow.DataType or None
        None if the SQLAlchemy type does not determine it.
    """
    while isinstance(type_, sqltypes.TypeDecorator):
        if isinstance(type_, sqltypes.Interval):  # decorates a datetime: 1970 plus the difference
            return pa.month_day_nano_interval()
        type_ = type_.impl
    if isinstance(type_, sqltypes.DateTime):
        zone = "+00:00" if type_.timezone else None
        return pa.timestamp(getattr(type_, "unit", "ns"), zone)
    if isinstance(type_, sqltypes.ARRAY):
        item = arrow_type_of(type_.item_type)
        for _ in range(type_.dimensions or 1):
            item = None if item is None else pa.list_(item)
        return item
    for kind, arrow in _ARROW:
        if isinstance(type_, kind):
            return arrow
    if isinstance(type_, sqltypes.Numeric) and type_.precision and type_.precision <= 38:
        return pa.decimal128(type_.precision, type_.scale or 0)
    return None


def has_variants(arrow: pa.DataType) -> bool:
    """Return whether the engine stores values of a type in more than one form.

    Parameters
    ----------
    arrow : pyarrow.DataType
        The type.

    Returns
    -------
    bool
        True for strings, binary, intervals and lists.
    """
    return any(matches(arrow) for matches in _WITH_VARIANTS)


def family(arrow: pa.DataType) -> str:
    """Return the family of types whose values have one type in Python.

    Parameters
    ----------
    arrow : pyarrow.DataType
        The type.

    Returns
    -------
    str
        ``"integer"``, ``"fraction"`` or the name of the Arrow type without its parameters.
    """
    integral = pa.types.is_decimal(arrow) and arrow.scale == 0
    if integral or pa.types.is_integer(arrow):
        return "integer"
    if pa.types.is_decimal(arrow) or pa.types.is_floating(arrow):
        return "fraction"
    return str(arrow).partition("[")[0].partition("<")[0]


# Precision and scale of numbers that the engine converts to decimals.
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


def common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the common type that DataFusion chooses for two branches of a CASE.

    Parameters
    ----------
    one : pyarrow.DataType
        The type of a branch.
    other : pyarrow.DataType
        The type of another branch.

    Returns
    -------
    pyarrow.DataType or None
        None if there is none, or if versions of DataFusion differ.
    """
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    both = (one, other)
    if all(map(pa.types.is_integer, both)):
        return _common_integer(one, other)
    digits = [_digits(each) for each in both]
    if None not in digits and any(map(pa.types.is_decimal, both)):
        scale = max(s for _, s in digits)  # type: ignore[misc]
        whole = max(p - s for p, s in digits)  # type: ignore[misc]
        return pa.decimal128(min(whole + scale, 38), scale)
    if None not in digits:  # at least one is a float
        return pa.float64() if pa.float64() in both else pa.float32()
    if pa.string() in both:
        number = other if one == pa.string() else one
        return pa.string() if _digits(number) else None
    if all(pa.types.is_timestamp(each) or pa.types.is_date(each) for each in both):
        has_date = any(map(pa.types.is_date, both))  # the result has no time zone then
        zones = [each.tz for each in both if not pa.types.is_date(each) and each.tz]
        return pa.timestamp("ns", zones[0] if zones and not has_date else None)
    if all(map(pa.types.is_list, both)):
        item = common_type(one.value_type, other.value_type)
        return None if item is None else pa.list_(item)
    return None


def _common_integer(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    signed = {pa.types.is_signed_integer(each) for each in (one, other)}
    if len(signed) == 1:
        return max(one, other, key=lambda each: each.bit_width)
    # The common type of int64 and uint64 in older engines cannot hold half of the uint64 values.
    return pa.decimal128(20, 0) if pa.uint64() in (one, other) else pa.int64()


def common_kind(
    kinds: Sequence[Kind | None], *, null_has_type: bool
) -> tuple[Kind | None, list[bool]]:
    """Return the common kind of the branches of a CASE or the queries of a union.

    Parameters
    ----------
    kinds : sequence of Kind or None
        None for an unknown type. The common kind is unknown then.
    null_has_type : bool
        Whether NULL has a type of its own, as in a union.

    Returns
    -------
    tuple of (Kind or None, list of bool)
        The common kind, and for each of the kinds whether it must be cast to the common one.
    """
    no_casts = [False] * len(kinds)
    known = [kind for kind in kinds if kind is not None]
    if len(known) < len(kinds):
        return None, no_casts
    typed = [i for i, kind in enumerate(known) if kind != NULL or null_has_type]
    if not typed:
        return NULL, no_casts
    first = known[typed[0]]
    if all(known[i] == first for i in typed):
        return first, no_casts
    arrow = reduce(_common_type_or_none, (known[i].arrow for i in typed))
    if arrow is None:
        return None, no_casts
    kind = Kind(cast_result_type(arrow))
    return kind, [
        i in typed and each != kind and (i == typed[0] or not _is_coerced(each, kind))
        for i, each in enumerate(known)
    ]


def _common_type_or_none(one: pa.DataType | None, other: pa.DataType) -> pa.DataType | None:
    return None if one is None else common_type(one, other)


def cast_result_type(arrow: pa.DataType) -> pa.DataType:
    """Return the type of a CAST to a type. CAST gives only timestamps of nanoseconds.

    Parameters
    ----------
    arrow : pyarrow.DataType
        The target of the cast.

    Returns
    -------
    pyarrow.DataType
        The type of the result.
    """
    return pa.timestamp("ns", arrow.tz) if pa.types.is_timestamp(arrow) else arrow


def _is_coerced(kind: Kind, target: Kind) -> bool:
    """Return whether every engine converts a value to the target that the first is cast to."""
    if kind == NULL:
        return not has_variants(target.arrow)
    if pa.types.is_floating(target.arrow):
        return True
    return kind.storage is None and pa.types.is_integer(target.arrow)
