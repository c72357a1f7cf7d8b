"""Conversion of JSON values, as arrow-json writes them, to Arrow arrays of a known type."""

from __future__ import annotations

import binascii
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

import numpy as np
import pyarrow as pa

from micromegas_dbapi.arrow.types import find_type
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
    entry = find_type(kind)
    accepted = None if entry is None else _UNCHANGED.get(entry.name)
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
    entry = find_type(kind)
    create = None if entry is None else _CONVERTERS.get(entry.name)
    if create is None:
        raise MismatchError(f"the JSON form of {kind} is not known")
    return create(kind)


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


# -- the types -------------------------------------------------------------------------------------


def _always(convert: _Convert) -> Callable[[pa.DataType], _Convert]:
    return lambda kind: convert


def _floats(kind: pa.DataType) -> _Convert:
    return _half if kind.bit_width == 16 else _single


def _dates(kind: pa.DataType) -> _Convert:
    return _parsed(parse_date) if kind.bit_width == 32 else _units("ms", parse_naive)


def _timestamps(kind: pa.DataType) -> _Convert:
    return _units(kind.unit, parse_naive if kind.tz is None else instant_parser(kind.tz))


_INTEGERS = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"]
# Types whose values pyarrow accepts as they are parsed.
_UNCHANGED: dict[str, type] = {
    "BOOLEAN": bool,
    **dict.fromkeys(_INTEGERS, int),
    **{f"{name} UNSIGNED": int for name in _INTEGERS},
    "VARCHAR": str,
}
# By the SQL name of the type. Each creates the function that converts its values.
_CONVERTERS: dict[str, Callable[[pa.DataType], _Convert]] = {
    "NULL": _always(_null),
    **{name: _always(_exactly(accepted)) for name, accepted in _UNCHANGED.items()},
    "FLOAT": _floats,
    "DOUBLE": _always(_double),
    "DECIMAL": _always(_decimal),
    "BINARY": _always(_bytes),
    "DATE": _dates,
    "TIME": lambda kind: _units(kind.unit, parse_time_of_day),
    "TIMESTAMP": _timestamps,
    "DURATION": lambda kind: _units(kind.unit, parse_duration),
    "INTERVAL": _always(_parsed(parse_interval)),
    "ARRAY": _lists,
    "STRUCT": _structs,
    "MAP": _maps,
}
