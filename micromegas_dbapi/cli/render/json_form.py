"""Arrow values -> what JSON has: text, numbers, true, false, null, lists and objects."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import date, time
from typing import Any, TypeAlias

import pyarrow as pa

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.errors import NotSupportedError
from micromegas_dbapi.time_units import NANOSECONDS, SECOND
from micromegas_dbapi.timerange import format_ns

__all__ = ["plain"]

_Encoder: TypeAlias = Callable[[Any], Any]


def plain(array: pa.Array) -> list[Any]:
    """Convert an array, exactly.

    Parameters
    ----------
    array : pyarrow.Array

    Returns
    -------
    list
        For each element None or: int, bool, str as they are; finite floats, others as ``"NaN"``,
        ``"Infinity"``, ``"-Infinity"``; decimals as text; timestamps in RFC 3339 with nine digits
        where they are not whole seconds, with ``Z`` where the type has a zone; dates and times in
        ISO 8601; durations as int nanoseconds; intervals as an object of months, days and
        nanoseconds; binary in Base64; lists; structs and maps as objects.

    Raises
    ------
    DataError, NotSupportedError
        As `micromegas_dbapi.arrow.rows.column`.
    """
    kind = array.type
    if pa.types.is_interval(kind):
        parts = ("months", "days", "nanoseconds")
        moved = array.to_pylist()
        return [None if v is None else dict(zip(parts, v, strict=True)) for v in moved]
    counted = _counted(kind)
    encode = _encoder(kind)
    values = rows.column(array if counted == kind else array.cast(counted), "ns")
    return values if encode is None else [None if v is None else encode(v) for v in values]


def _counted(kind: pa.DataType) -> pa.DataType:
    """Give the type with integers for what Python has only to the microsecond."""
    types = pa.types
    if types.is_duration(kind) or kind == pa.time64("ns"):
        return pa.int64()
    if types.is_dictionary(kind):
        return _counted(kind.value_type) if _counted(kind.value_type) != kind.value_type else kind
    if types.is_struct(kind):
        return pa.struct([field.with_type(_counted(field.type)) for field in kind])
    for is_kind, make in ((types.is_list, pa.list_), (types.is_large_list, pa.large_list)):
        if is_kind(kind):
            return make(kind.value_field.with_type(_counted(kind.value_type)))
    return kind


def _encoder(kind: pa.DataType) -> _Encoder | None:
    """Give the function that turns a value of `rows`, not None, into a plain one; None for none."""
    types = pa.types
    if types.is_dictionary(kind):
        return _encoder(kind.value_type)
    if types.is_timestamp(kind):
        return _instant if kind.tz else lambda ns: _instant(ns).removesuffix("Z")
    if types.is_floating(kind):
        return _number
    if types.is_date(kind) or types.is_time(kind):
        return _clock if kind == pa.time64("ns") else _iso
    if types.is_duration(kind):
        factor = NANOSECONDS[kind.unit]
        return lambda count: count * factor
    if types.is_decimal(kind):
        return lambda value: format(value, "f")
    if isinstance(kind, pa.BaseExtensionType):
        return _encoder(kind.storage_type)
    if types.is_interval(kind):
        raise NotSupportedError("intervals within lists and structs have no text: cast them")
    if types.is_map(kind):
        return _object(_encoder(kind.item_type), _encoder(kind.key_type))
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


def _instant(ns: int) -> str:
    try:
        return format_ns(ns)
    except OverflowError:  # a year that no calendar here has
        return f"{ns} ns"


def _clock(ns: int) -> str:
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


def _object(encode: _Encoder | None, key: _Encoder | None) -> _Encoder:
    def encoded(mapping: dict[Any, Any]) -> dict[str, Any]:
        names = (_encoded(name, key) for name in mapping)
        texts = [name if isinstance(name, str) else json.dumps(name) for name in names]
        values = (_encoded(value, encode) for value in mapping.values())
        return dict(zip(texts, values, strict=True))

    return encoded
