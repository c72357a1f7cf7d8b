"""SQLAlchemy types of Arrow types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sqltypes

from sqlalchemy_micromegas.types.numeric import (
    DOUBLE,
    TINYINT,
    UBIGINT,
    UINTEGER,
    USMALLINT,
    UTINYINT,
)
from sqlalchemy_micromegas.types.properties import Properties
from sqlalchemy_micromegas.types.temporal import TIMESTAMP, Interval

__all__ = ["from_arrow"]

_SIMPLE: list[tuple[Callable[[pa.DataType], bool], Callable[[], Any]]] = [
    (pa.types.is_boolean, sqltypes.BOOLEAN),
    (pa.types.is_int8, TINYINT),
    (pa.types.is_int16, sqltypes.SMALLINT),
    (pa.types.is_int32, sqltypes.INTEGER),
    (pa.types.is_int64, sqltypes.BIGINT),
    (pa.types.is_uint8, UTINYINT),
    (pa.types.is_uint16, USMALLINT),
    (pa.types.is_uint32, UINTEGER),
    (pa.types.is_uint64, UBIGINT),
    (pa.types.is_float64, DOUBLE),
    (pa.types.is_floating, sqltypes.REAL),
    (pa.types.is_date, sqltypes.DATE),
    (pa.types.is_time, sqltypes.TIME),
    (pa.types.is_duration, Interval),
    (pa.types.is_interval, Interval),
]
_STRINGS = ("string", "large_string", "string_view")
_BINARIES = ("binary", "large_binary", "binary_view")


def from_arrow(arrow_type: pa.DataType, name: str = "") -> Any:
    """Return the SQLAlchemy type of a column.

    Parameters
    ----------
    arrow_type : pyarrow.DataType
        Dictionaries are treated as their values.
    name : str
        The name of the column. It is the only sign of JSONB that a service sent as plain binary.

    Returns
    -------
    sqlalchemy.types.TypeEngine
        NullType for types without a SQL name, such as structs. Their values are not converted.
    """
    if isinstance(arrow_type, pa.BaseExtensionType):
        return from_arrow(arrow_type.storage_type, name)
    encoded = pa.types.is_dictionary(arrow_type)
    if encoded or pa.types.is_run_end_encoded(arrow_type):
        arrow_type = arrow_type.value_type
    for matches, create in _SIMPLE:
        if matches(arrow_type):
            return create()
    if str(arrow_type) in _STRINGS:
        return sqltypes.VARCHAR()
    if str(arrow_type) in _BINARIES or pa.types.is_fixed_size_binary(arrow_type):
        return Properties() if encoded or _is_jsonb(name) else sqltypes.LargeBinary()
    if pa.types.is_timestamp(arrow_type):
        return TIMESTAMP(timezone=arrow_type.tz is not None, unit=arrow_type.unit)
    if pa.types.is_decimal(arrow_type):
        return sqltypes.NUMERIC(arrow_type.precision, arrow_type.scale)
    if pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type):
        return _list(arrow_type)
    return sqltypes.NullType()


def _is_jsonb(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last in ("properties", "process_properties", "events", "links")


def _list(arrow_type: pa.DataType) -> Any:
    values = arrow_type.value_type
    if pa.types.is_struct(values) and {field.name for field in values} == {"key", "value"}:
        return Properties()
    item: Any = from_arrow(values)
    dimensions = 1
    if isinstance(item, sqltypes.ARRAY):
        item, dimensions = item.item_type, (item.dimensions or 1) + 1
    return sqltypes.ARRAY(item, dimensions=dimensions if dimensions > 1 else None)
