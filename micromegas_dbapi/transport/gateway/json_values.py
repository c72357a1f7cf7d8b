"""Conversion of JSON values, as arrow-json writes them, to Arrow arrays of a known type."""

from __future__ import annotations

import binascii
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

import numpy as np
import pyarrow as pa

from micromegas_dbapi.time_units import NANOSECONDS
from micromegas_dbapi.transport.gateway.json_objects import MismatchError, Number, align
from micromegas_dbapi.transport.gateway.time_strings import (
    instant_parser,
    parse_date,
    parse_duration,
    parse_interval,
    parse_naive,
    parse_time_of_day,
)

__all__ = ["to_array"]


def to_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Convert values to an array.

    Parameters
    ----------
    values : sequence
        As returned by the parser; None is null.
    kind : pyarrow.DataType
        The type of the array.

    Returns
    -------
    pyarrow.Array or pyarrow.ChunkedArray
        Chunked for more than two gigabytes of strings.

    Raises
    ------
    MismatchError
        If a value does not have the type.
    """
    accepted = _UNCHANGED.get(kind)
    try:
        if accepted is not None and set(map(type, values)) <= {accepted, type(None)}:
            return pa.array(values, kind)
        convert = _converter(kind)
        return pa.array([None if v is None else convert(v) for v in values], kind)
    except MismatchError:
        raise
    except (pa.ArrowException, ValueError, TypeError, ArithmeticError) as error:
        raise MismatchError(f"a value does not fit into {kind}: {error}") from error


_Convert: TypeAlias = Callable[[Any], Any]


def _converter(kind: pa.DataType) -> _Convert:
    """Return the function that converts a non-null value to one that pyarrow accepts."""
    types = pa.types
    if types.is_struct(kind):
        return _structs(kind)
    if types.is_map(kind):
        return _maps(kind)
    if types.is_decimal(kind):
        return _decimal
    if types.is_timestamp(kind):
        return _units(kind.unit, parse_naive if kind.tz is None else instant_parser(kind.tz))
    if types.is_time(kind):
        return _units(kind.unit, parse_time_of_day)
    if types.is_duration(kind):
        return _units(kind.unit, parse_duration)
    if types.is_fixed_size_binary(kind):
        return _bytes
    if kind.id in _LISTS:
        return _lists(kind)
    found = _CONVERTERS.get(kind)
    if found is None:
        raise MismatchError(f"the JSON form of {kind} is not known")
    return found


def _mismatch(value: Any) -> MismatchError:
    shown = repr(value)
    return MismatchError(f"unexpected value {shown if len(shown) <= 80 else shown[:77] + '...'}")


# -- plain values ----------------------------------------------------------------------------------


def _exactly(accepted: type) -> _Convert:
    def convert(value: Any) -> Any:
        if type(value) is accepted:
            return value
        raise _mismatch(value)

    return convert


def _double(value: Any) -> float:
    if type(value) not in (int, Number):
        raise _mismatch(value)
    number = float(value)
    if math.isinf(number) or (type(value) is int and number != value):
        raise _mismatch(value)
    return number


def _single(value: Any) -> float:
    # Not via 64 bits, which would round twice.
    _double(value)
    number: float = pa.scalar(str(value)).cast(pa.float32()).as_py()
    if math.isinf(number):
        raise _mismatch(value)
    return number


def _half(value: Any) -> Any:
    with np.errstate(over="ignore"):
        number = np.float16(_double(value))
    if np.isinf(number):
        raise _mismatch(value)
    return number


def _decimal(value: Any) -> Decimal:
    if type(value) not in (int, Number):
        raise _mismatch(value)
    return Decimal(value)


def _bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise _mismatch(value)
    try:
        return binascii.unhexlify(value)
    except ValueError:
        raise _mismatch(value) from None


def _null(value: Any) -> NoReturn:
    raise _mismatch(value)


# -- times -----------------------------------------------------------------------------------------


def _parsed(parse: Callable[[str], Any]) -> _Convert:
    def convert(value: Any) -> Any:
        if type(value) is not str:
            raise _mismatch(value)
        try:
            return parse(value)
        except ValueError as error:
            raise _mismatch(value) from error

    return convert


def _units(unit: str, parse: Callable[[str], int]) -> _Convert:
    """Convert strings to an integer number of units, from a parser that returns nanoseconds."""
    size = NANOSECONDS[unit]

    def count(text: str) -> int:
        units, rest = divmod(parse(text), size)
        if rest:
            raise ValueError(f"{text} is not an integer number of {unit}")
        return units

    return _parsed(count)


# -- nested values ---------------------------------------------------------------------------------


def _lists(kind: pa.DataType) -> _Convert:
    convert_item = _converter(kind.value_type)

    def convert(value: Any) -> list[Any]:
        if type(value) is not list:
            raise _mismatch(value)
        return [None if item is None else convert_item(item) for item in value]

    return convert


def _structs(kind: pa.DataType) -> _Convert:
    fields = [kind.field(place) for place in range(kind.num_fields)]
    names = [field.name for field in fields]
    converters = [_converter(field.type) for field in fields]

    def convert(value: Any) -> tuple[Any, ...]:
        if type(value) is not tuple:
            raise _mismatch(value)
        parts = zip(align(value, names), converters, strict=True)
        return tuple(None if part is None else convert_part(part) for part, convert_part in parts)

    return convert


def _maps(kind: pa.DataType) -> _Convert:
    convert_key, convert_item = _converter(kind.key_type), _converter(kind.item_type)

    def convert(value: Any) -> list[Any]:
        if type(value) is not tuple:
            raise _mismatch(value)
        return [(convert_key(k), None if v is None else convert_item(v)) for k, v in value]

    return convert


_LISTS = {
    getattr(pa.lib, f"Type_{name}")
    for name in ["LIST", "LARGE_LIST", "FIXED_SIZE_LIST", "LIST_VIEW", "LARGE_LIST_VIEW"]
    if hasattr(pa.lib, f"Type_{name}")
}
_INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
_INTEGERS += [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
_UNCHANGED: dict[pa.DataType, type] = {
    pa.bool_(): bool,
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys([pa.string(), pa.large_string(), pa.string_view()], str),
}
_CONVERTERS: dict[pa.DataType, _Convert] = {
    pa.null(): _null,
    **{kind: _exactly(accepted) for kind, accepted in _UNCHANGED.items()},
    pa.float16(): _half,
    pa.float32(): _single,
    pa.float64(): _double,
    **dict.fromkeys([pa.binary(), pa.large_binary(), pa.binary_view()], _bytes),
    pa.date32(): _parsed(parse_date),
    pa.date64(): _units("ms", parse_naive),
    pa.month_day_nano_interval(): _parsed(parse_interval),
}
