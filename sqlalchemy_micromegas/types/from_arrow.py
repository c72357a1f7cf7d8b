"""SQLAlchemy types of Arrow types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sqltypes

from micromegas_dbapi.arrow.nested import values_type
from micromegas_dbapi.arrow.types import find_type, sql_name
from sqlalchemy_micromegas.types.arrays import ARRAY
from sqlalchemy_micromegas.types.named import BYTEA, Nested
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

# By the driver's SQL name.
_SIMPLE: dict[str, Callable[[], Any]] = {
    "BOOLEAN": sqltypes.BOOLEAN,
    "TINYINT": TINYINT,
    "SMALLINT": sqltypes.SMALLINT,
    "INTEGER": sqltypes.INTEGER,
    "BIGINT": sqltypes.BIGINT,
    "TINYINT UNSIGNED": UTINYINT,
    "SMALLINT UNSIGNED": USMALLINT,
    "INTEGER UNSIGNED": UINTEGER,
    "BIGINT UNSIGNED": UBIGINT,
    "FLOAT": sqltypes.REAL,
    "DOUBLE": DOUBLE,
    "VARCHAR": sqltypes.VARCHAR,
    "DATE": sqltypes.DATE,
    "TIME": sqltypes.TIME,
    "DURATION": Interval,
    "INTERVAL": Interval,
}


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
        `Nested` for types that SQLAlchemy has no class for, such as structs. Their values are not
        converted.
    """
    values = values_type(arrow_type)
    entry = find_type(values)
    family = "OTHER" if entry is None else entry.name
    if family in _SIMPLE:
        return _SIMPLE[family]()
    if family == "BINARY":
        encoded = values != arrow_type and not isinstance(arrow_type, pa.BaseExtensionType)
        return Properties() if encoded or _is_jsonb(name) else BYTEA()
    if family == "TIMESTAMP":
        return TIMESTAMP(timezone=values.tz is not None, unit=values.unit)
    if family == "DECIMAL":
        return sqltypes.DECIMAL(values.precision, values.scale)
    if family == "ARRAY":
        return _list(values)
    return sqltypes.NullType() if family == "NULL" else Nested(sql_name(values))


def _is_jsonb(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last in ("properties", "process_properties", "events", "links")


def _list(arrow_type: pa.DataType) -> Any:
    values = arrow_type.value_type
    if pa.types.is_struct(values) and {field.name for field in values} == {"key", "value"}:
        return Properties()
    item: Any = from_arrow(values)
    dimensions = 1
    if isinstance(item, ARRAY):
        item, dimensions = item.item_type, (item.dimensions or 1) + 1
    return ARRAY(item, dimensions=dimensions if dimensions > 1 else None)
