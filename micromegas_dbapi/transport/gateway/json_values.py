"""Values of JSON as arrow-json writes it -> Arrow values of a type that is known."""

from __future__ import annotations

import binascii
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

import numpy as np
import pyarrow as pa

from micromegas_dbapi.time_units import NANOSECONDS
from micromegas_dbapi.transport.gateway.json_objects import Number, UnfitError, aligned
from micromegas_dbapi.transport.gateway.time_strings import (
    date,
    duration,
    in_zone,
    interval,
    naive,
    time_of_day,
)

__all__ = ["array"]


def array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Make an array of a type.

    Parameters
    ----------
    values : sequence
        As parsed; None is null.
    kind : pyarrow.DataType

    Returns
    -------
    pyarrow.Array or pyarrow.ChunkedArray
        The latter for more than two gigabytes of texts.

    Raises
    ------
    UnfitError
        If a value is not of the type.
    """
    accepted = _AS_THEY_ARE.get(kind)
    try:
        if accepted is not None and set(map(type, values)) <= {accepted, type(None)}:
            return pa.array(values, kind)
        convert = _converter(kind)
        return pa.array([None if v is None else convert(v) for v in values], kind)
    except UnfitError:
        raise
    except (pa.ArrowException, ValueError, TypeError, ArithmeticError) as error:
        raise UnfitError(f"{kind} cannot hold it: {error}") from error


_Convert: TypeAlias = Callable[[Any], Any]


def _converter(kind: pa.DataType) -> _Convert:
    """Give what makes a value that pyarrow accepts for the type of one that is not null."""
    types = pa.types
    if types.is_struct(kind):
        return _structs(kind)
    if types.is_map(kind):
        return _maps(kind)
    if types.is_decimal(kind):
        return _decimal
    if types.is_timestamp(kind):
        return _counted(kind.unit, naive if kind.tz is None else in_zone(kind.tz))
    if types.is_time(kind):
        return _counted(kind.unit, time_of_day)
    if types.is_duration(kind):
        return _counted(kind.unit, duration)
    if types.is_fixed_size_binary(kind):
        return _bytes
    if kind.id in _LISTS:
        return _lists(kind)
    found = _CONVERTERS.get(kind)
    if found is None:
        raise UnfitError(f"no JSON is known for {kind}")
    return found


def _unfit(value: Any) -> UnfitError:
    shown = repr(value)
    return UnfitError(f"it sent {shown if len(shown) <= 80 else shown[:77] + '...'}")


# -- plain values ----------------------------------------------------------------------------------


def _exactly(accepted: type) -> _Convert:
    def convert(value: Any) -> Any:
        if type(value) is accepted:
            return value
        raise _unfit(value)

    return convert


def _double(value: Any) -> float:
    if type(value) not in (int, Number):
        raise _unfit(value)
    number = float(value)
    if math.isinf(number) or (type(value) is int and number != value):
        raise _unfit(value)
    return number


def _single(value: Any) -> float:
    # By way of 64 bits it would be rounded twice.
    _double(value)
    number: float = pa.scalar(str(value)).cast(pa.float32()).as_py()
    if math.isinf(number):
        raise _unfit(value)
    return number


def _half(value: Any) -> Any:
    with np.errstate(over="ignore"):
        number = np.float16(_double(value))
    if np.isinf(number):
        raise _unfit(value)
    return number


def _decimal(value: Any) -> Decimal:
    if type(value) not in (int, Number):
        raise _unfit(value)
    return Decimal(value)


def _bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise _unfit(value)
    try:
        return binascii.unhexlify(value)
    except ValueError:
        raise _unfit(value) from None


def _null(value: Any) -> NoReturn:
    raise _unfit(value)


# -- time ------------------------------------------------------------------------------------------


def _texts(read: Callable[[str], Any]) -> _Convert:
    def convert(value: Any) -> Any:
        if type(value) is not str:
            raise _unfit(value)
        try:
            return read(value)
        except ValueError as error:
            raise _unfit(value) from error

    return convert


def _counted(unit: str, read: Callable[[str], int]) -> _Convert:
    """Convert nanoseconds to a number of units, where it is a whole one."""
    size = NANOSECONDS[unit]

    def count(text: str) -> int:
        units, rest = divmod(read(text), size)
        if rest:
            raise ValueError(f"{text} is no whole number of {unit}")
        return units

    return _texts(count)


# -- values in values ------------------------------------------------------------------------------


def _lists(kind: pa.DataType) -> _Convert:
    convert_item = _converter(kind.value_type)

    def convert(value: Any) -> list[Any]:
        if type(value) is not list:
            raise _unfit(value)
        return [None if item is None else convert_item(item) for item in value]

    return convert


def _structs(kind: pa.DataType) -> _Convert:
    fields = [kind.field(place) for place in range(kind.num_fields)]
    names = [field.name for field in fields]
    converters = [_converter(field.type) for field in fields]

    def convert(value: Any) -> tuple[Any, ...]:
        if type(value) is not tuple:
            raise _unfit(value)
        parts = zip(aligned(value, names), converters, strict=True)
        return tuple(None if part is None else convert_part(part) for part, convert_part in parts)

    return convert


def _maps(kind: pa.DataType) -> _Convert:
    convert_key, convert_item = _converter(kind.key_type), _converter(kind.item_type)

    def convert(value: Any) -> list[Any]:
        if type(value) is not tuple:
            raise _unfit(value)
        return [(convert_key(k), None if v is None else convert_item(v)) for k, v in value]

    return convert


_LISTS = {
    getattr(pa.lib, f"Type_{name}")
    for name in ["LIST", "LARGE_LIST", "FIXED_SIZE_LIST", "LIST_VIEW", "LARGE_LIST_VIEW"]
    if hasattr(pa.lib, f"Type_{name}")
}
_INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
_INTEGERS += [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
_AS_THEY_ARE: dict[pa.DataType, type] = {
    pa.bool_(): bool,
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys([pa.string(), pa.large_string(), pa.string_view()], str),
}
_CONVERTERS: dict[pa.DataType, _Convert] = {
    pa.null(): _null,
    **{kind: _exactly(accepted) for kind, accepted in _AS_THEY_ARE.items()},
    pa.float16(): _half,
    pa.float32(): _single,
    pa.float64(): _double,
    **dict.fromkeys([pa.binary(), pa.large_binary(), pa.binary_view()], _bytes),
    pa.date32(): _texts(date),
    pa.date64(): _counted("ms", naive),
    pa.month_day_nano_interval(): _texts(interval),
}
