"""The type that a column has in a view whose files have different types for it.

It is the narrowest type that represents the values of all files. Where a file's type has values
that it does not represent, `may_lose` says so, and the values decide.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.types as pt

from micromegas_dbapi.arrow.nested import child_types
from micromegas_dbapi.time_units import NANOSECONDS

__all__ = ["may_lose", "unified_type"]

_SIGNED = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_FLOATS = {16: pa.float16(), 32: pa.float32(), 64: pa.float64()}
_MANTISSA_BITS = {16: 11, 32: 24, 64: 53}
_UTC = ("UTC", "Etc/UTC", "Z", "+00:00", "+0000", "+00", "GMT", "Etc/GMT", "Zulu")
_STRING_VIEW = getattr(pa, "string_view", pa.string)()
_BINARY_VIEW = getattr(pa, "binary_view", pa.binary)()


def unified_type(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    """Return the narrowest type that represents the values of two types.

    Parameters
    ----------
    a, b : pyarrow.DataType
        Of the same column in two files.

    Returns
    -------
    pyarrow.DataType or None
        None if there is no such type. A time without a zone is taken for one in UTC if the other
        is in UTC. Of several fitting names (of a zone, of the values of a list), the first wins.

    Examples
    --------
    >>> unified_type(pa.int32(), pa.int64())
    DataType(int64)
    >>> unified_type(pa.dictionary(pa.int8(), pa.string()), pa.large_string())
    DataType(large_string)
    >>> unified_type(pa.int32(), pa.string())
    """
    if a == b or pt.is_null(b):
        return a
    if pt.is_null(a):
        return b
    if pt.is_dictionary(a) or pt.is_dictionary(b):
        return _dictionary(a, b)
    for unify in (_text, _number, _temporal, _list, _struct):
        if (found := unify(a, b)) is not None:
            return found
    return None


def may_lose(kind: pa.DataType, unified: pa.DataType) -> bool:
    """Return whether a type has values that its unified type does not represent.

    Parameters
    ----------
    kind : pyarrow.DataType
        Of a column in a file.
    unified : pyarrow.DataType
        Of the column in the view.

    Returns
    -------
    bool
        True for times to a finer unit, large integers to floats, and uint64 to int64.

    Examples
    --------
    >>> may_lose(pa.timestamp("s"), pa.timestamp("ns"))
    True
    >>> may_lose(pa.int32(), pa.int64())
    False
    """
    if kind == unified or pt.is_null(kind):
        return False
    if pt.is_dictionary(kind):
        target = unified.value_type if pt.is_dictionary(unified) else unified
        return may_lose(kind.value_type, target)
    if pt.is_timestamp(kind) or pt.is_duration(kind):
        return bool(kind.unit != unified.unit)
    if pt.is_integer(kind) and pt.is_floating(unified):
        return bool(kind.bit_width > _MANTISSA_BITS[unified.bit_width])
    if pt.is_uint64(kind):
        return bool(pt.is_int64(unified))
    return any(map(may_lose, child_types(kind), child_types(unified)))


def _dictionary(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    """Unify the values. The result is a dictionary if both are: plain values may be many."""
    values = unified_type(*(t.value_type if pt.is_dictionary(t) else t for t in (a, b)))
    if values is None or not (pt.is_dictionary(a) and pt.is_dictionary(b)):
        return values
    return pa.dictionary(_integer(a.index_type, b.index_type), values, a.ordered and b.ordered)


def _text(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    for plain, large, view in (
        (pa.string(), pa.large_string(), _STRING_VIEW),
        (pa.binary(), pa.large_binary(), _BINARY_VIEW),
    ):
        kinds = [plain if pt.is_fixed_size_binary(t) else t for t in (a, b)]
        if plain == pa.string() and kinds != [a, b]:
            continue
        if all(kind in (plain, large, view) for kind in kinds):
            return large if large in kinds else plain
    return None


def _number(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    if pt.is_decimal(a) and pt.is_decimal(b):
        scale = max(a.scale, b.scale)
        precision = scale + max(a.precision - a.scale, b.precision - b.scale)
        if precision > 76:
            return None
        return (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale)
    if pt.is_integer(a) and pt.is_integer(b):
        return _integer(a, b)
    if not all(pt.is_integer(t) or pt.is_floating(t) for t in (a, b)):
        return None
    bits = max(_MANTISSA_BITS[t.bit_width] if pt.is_floating(t) else t.bit_width for t in (a, b))
    return next((_FLOATS[w] for w, most in _MANTISSA_BITS.items() if bits <= most), pa.float64())


def _integer(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    if pt.is_signed_integer(a) == pt.is_signed_integer(b):
        return a if a.bit_width >= b.bit_width else b
    signed, unsigned = (a, b) if pt.is_signed_integer(a) else (b, a)
    return _SIGNED[min(64, max(signed.bit_width, 2 * unsigned.bit_width))]


def _temporal(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    if pt.is_date(a) and pt.is_date(b):
        return pa.date64()
    kinds = (pt.is_timestamp, pt.is_duration, pt.is_time)
    if not any(kind(a) and kind(b) for kind in kinds):
        return None
    unit = min(a.unit, b.unit, key=lambda name: int(NANOSECONDS[name]))
    if pt.is_duration(a):
        return pa.duration(unit)
    if pt.is_time(a):
        return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    if (a.tz is None) != (b.tz is None) and (a.tz or b.tz) not in _UTC:
        return None
    return pa.timestamp(unit, a.tz or b.tz)


def _list(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    kinds = (pt.is_list, pt.is_large_list, pt.is_fixed_size_list)
    if not all(any(kind(t) for kind in kinds) for t in (a, b)):
        return None
    values = _field(a.value_field, b.value_field)
    if values is None:
        return None
    if pt.is_fixed_size_list(a) and pt.is_fixed_size_list(b) and a.list_size == b.list_size:
        return pa.list_(values, a.list_size)
    return (pa.large_list if any(map(pt.is_large_list, (a, b))) else pa.list_)(values)


def _struct(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    if not (pt.is_struct(a) and pt.is_struct(b)):
        return None
    left, right = list(a), list(b)
    if [field.name for field in left] != [field.name for field in right]:
        return None
    fields = [_field(*pair) for pair in zip(left, right, strict=True)]
    return None if any(field is None for field in fields) else pa.struct(fields)


def _field(a: pa.Field, b: pa.Field) -> pa.Field | None:
    kind = unified_type(a.type, b.type)
    return None if kind is None else pa.field(a.name, kind, a.nullable or b.nullable)
