"""Convert Arrow arrays to values that JSON can represent."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import date, time
from functools import partial
from typing import Any, TypeAlias

import pyarrow as pa

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.cli.render.timestamps import timestamp_text
from micromegas_dbapi.errors import NotSupportedError
from micromegas_dbapi.time_units import NANOSECONDS, SECOND

__all__ = ["json_values"]

_Encoder: TypeAlias = Callable[[Any], Any]


def json_values(array: pa.Array) -> list[Any]:
    """Convert an array to JSON values, without loss.

    Parameters
    ----------
    array : pyarrow.Array
        Of any type; nulls become None.

    Returns
    -------
    list
        Integers, booleans and strings are unchanged. Floats that are not finite are ``"NaN"``,
        ``"Infinity"`` or ``"-Infinity"``. Decimals are strings. Timestamps are strings as
        `timestamp_text` returns them. Dates and times are ISO 8601 strings. Durations are integer
        nanoseconds. Intervals are objects of months, days and nanoseconds. Binary is Base64.
        Structs and maps are objects.

    Raises
    ------
    DataError
        If a value is outside the range of its Python type.
    NotSupportedError
        If the type has no Python values, or is an interval inside a list or struct.
    """
    kind = array.type
    if pa.types.is_interval(kind):
        parts = ("months", "days", "nanoseconds")
        intervals = array.to_pylist()
        return [None if v is None else dict(zip(parts, v, strict=True)) for v in intervals]
    exact = _exact_type(kind)
    encode = _encoder(kind)
    values = rows.column(array if exact == kind else array.cast(exact), "ns")
    return values if encode is None else [None if v is None else encode(v) for v in values]


def _exact_type(kind: pa.DataType) -> pa.DataType:
    """Return the type with integers for types that Python rounds to microseconds."""
    types = pa.types
    if types.is_duration(kind) or kind == pa.time64("ns"):
        return pa.int64()
    if types.is_dictionary(kind):
        exact = _exact_type(kind.value_type)
        return kind if exact == kind.value_type else exact
    if types.is_struct(kind):
        return pa.struct([field.with_type(_exact_type(field.type)) for field in kind])
    for is_kind, make in ((types.is_list, pa.list_), (types.is_large_list, pa.large_list)):
        if is_kind(kind):
            return make(kind.value_field.with_type(_exact_type(kind.value_type)))
    return kind


def _encoder(kind: pa.DataType) -> _Encoder | None:
    """Return the function that converts a value of `rows` to JSON; None if it needs none."""
    types = pa.types
    if types.is_dictionary(kind):
        return _encoder(kind.value_type)
    if types.is_timestamp(kind):
        return partial(timestamp_text, has_zone=bool(kind.tz))
    if types.is_floating(kind):
        return _number
    if types.is_date(kind) or types.is_time(kind):
        return _time_text if kind == pa.time64("ns") else _iso
    if types.is_duration(kind):
        factor = NANOSECONDS[kind.unit]
        return lambda count: count * factor
    if types.is_decimal(kind):
        return lambda value: format(value, "f")
    if isinstance(kind, pa.BaseExtensionType):
        return _encoder(kind.storage_type)
    if types.is_interval(kind):
        raise NotSupportedError(
            "intervals inside lists and structs cannot be written as text: CAST them"
        )
    if types.is_map(kind):
        return _map(_encoder(kind.item_type), _encoder(kind.key_type))
    if types.is_struct(kind):
        return _struct({field.name: _encoder(field.type) for field in kind})
    if types.is_nested(kind):
        return _list(_encoder(kind.value_type))
    return _binary


def _binary(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _time_text(ns: int) -> str:
    seconds, fraction = divmod(ns, SECOND)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction:09d}" if fraction else text


def _iso(value: date | time) -> str:
    return value.isoformat()


def _encoded(value: Any, encode: _Encoder | None) -> Any:
    return value if value is None or encode is None else encode(value)


def _list(encode: _Encoder | None) -> _Encoder:
    return lambda values: [_encoded(value, encode) for value in values]


def _struct(encoders: dict[str, _Encoder | None]) -> _Encoder:
    return lambda fields: {name: _encoded(v, encoders[name]) for name, v in fields.items()}


def _map(encode: _Encoder | None, key: _Encoder | None) -> _Encoder:
    def encode_map(mapping: dict[Any, Any]) -> dict[str, Any]:
        keys = (_encoded(name, key) for name in mapping)
        names = [name if isinstance(name, str) else json.dumps(name) for name in keys]
        values = (_encoded(value, encode) for value in mapping.values())
        return dict(zip(names, values, strict=True))

    return encode_map
