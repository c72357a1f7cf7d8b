"""The registry of Arrow types: row converter, JSON form, SQL name and PEP 249 type object of each.

A new type is a new entry of the table. Entries are found by pyarrow's number of the type. Extension
types have no entry; they are treated as their storage.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from micromegas_dbapi.arrow import json_form
from micromegas_dbapi.arrow.conversion import Convert
from micromegas_dbapi.arrow.nested import values_type
from micromegas_dbapi.arrow.nested_rows import (
    convert_dictionary,
    convert_lists,
    convert_maps,
    convert_maps_to_objects,
    convert_run_ends,
    convert_structs,
)
from micromegas_dbapi.arrow.scalar_rows import (
    convert_booleans,
    convert_by_pyarrow,
    convert_numbers,
    convert_strings,
)
from micromegas_dbapi.arrow.temporal_rows import (
    convert_dates,
    convert_durations,
    convert_intervals,
    convert_times,
    convert_timestamps,
    convert_to_nanoseconds,
)

__all__ = ["ArrowType", "Converter", "all_types", "find_type", "sql_name"]

#: Converts an array with at least one value that is not null. The second argument converts the
#: arrays inside.
Converter: TypeAlias = Callable[[pa.Array, Convert], list[Any]]


class ArrowType(NamedTuple):
    """What the driver knows of an Arrow type.

    Attributes
    ----------
    name : str
        The SQL name of the type, or of the family of a nested type.
    type_object : str or None
        The name of the PEP 249 type object that represents the type.
    rows : Converter
        Converts an array to Python values.
    json : Converter
        Converts an array to values that JSON can represent, without loss.
    nanoseconds : Converter or None
        Replaces `rows` if timestamps are to be nanoseconds.
    full_name : callable or None
        Returns the SQL name with all that it depends on. By default, it is `name`.
    """

    name: str
    type_object: str | None
    rows: Converter
    json: Converter
    nanoseconds: Converter | None = None
    full_name: Callable[[pa.DataType], str] | None = None


def find_type(kind: pa.DataType) -> ArrowType | None:
    """Return the entry of a type.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type.

    Returns
    -------
    ArrowType or None
        None if the type is unknown, for example a union, or an extension type.
    """
    return _BY_ID.get(kind.id)


def all_types() -> dict[int, ArrowType]:
    """Return all entries by pyarrow's number of the type.

    Returns
    -------
    dict of int to ArrowType
        A copy.
    """
    return dict(_BY_ID)


def sql_name(kind: pa.DataType) -> str:
    """Return the SQL name of a type, with time zone, element types and fields.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type. Dictionaries and run-end encoded types have the name of their values, extension
        types that of their storage.

    Returns
    -------
    str
        ``"OTHER"`` if SQL has no name for the type, for example for a union.

    Examples
    --------
    >>> sql_name(pa.list_(pa.struct({"key": pa.string(), "at": pa.timestamp("ns", "UTC")})))
    'STRUCT(key VARCHAR, at TIMESTAMP WITH TIME ZONE)[]'
    """
    values = values_type(kind)
    entry = find_type(values)
    if entry is None:
        return "OTHER"
    return entry.name if entry.full_name is None else entry.full_name(values)


# ---- Names --------------------------------------------------------------------------------------


_PLAIN_NAME = re.compile(r"[a-z_][a-z_0-9]*")


def _timestamp_name(kind: pa.DataType) -> str:
    return "TIMESTAMP" if kind.tz is None else "TIMESTAMP WITH TIME ZONE"


def _list_name(kind: pa.DataType) -> str:
    return f"{sql_name(kind.value_type)}[]"


def _map_name(kind: pa.DataType) -> str:
    return f"MAP({sql_name(kind.key_type)}, {sql_name(kind.item_type)})"


def _struct_name(kind: pa.DataType) -> str:
    fields = (f"{_identifier(field.name)} {sql_name(field.type)}" for field in kind)
    return f"STRUCT({', '.join(fields)})"


def _identifier(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return name
    quoted = name.replace('"', '""')
    return f'"{quoted}"'


# ---- The table ----------------------------------------------------------------------------------


def _number(name: str) -> ArrowType:
    return ArrowType(name, "NUMBER", convert_numbers, convert_numbers)


_FLOAT = ArrowType("FLOAT", "NUMBER", convert_numbers, json_form.floats_to_json)
_DECIMAL = ArrowType("DECIMAL", "NUMBER", convert_by_pyarrow, json_form.decimals_to_json)
_STRING = ArrowType("VARCHAR", "STRING", convert_strings, convert_strings)
_BINARY = ArrowType("BINARY", "BINARY", convert_strings, json_form.binary_to_json)
_DATE = ArrowType("DATE", "DATETIME", convert_dates, json_form.dates_to_json)
_TIME = ArrowType("TIME", "DATETIME", convert_times, json_form.times_to_json)
_LIST = ArrowType("ARRAY", None, convert_lists, convert_lists, full_name=_list_name)

_TABLE: dict[str, ArrowType] = {
    "NA": ArrowType("NULL", None, convert_by_pyarrow, convert_by_pyarrow),
    "BOOL": ArrowType("BOOLEAN", "NUMBER", convert_booleans, convert_booleans),
    "INT8": _number("TINYINT"),
    "INT16": _number("SMALLINT"),
    "INT32": _number("INTEGER"),
    "INT64": _number("BIGINT"),
    "UINT8": _number("TINYINT UNSIGNED"),
    "UINT16": _number("SMALLINT UNSIGNED"),
    "UINT32": _number("INTEGER UNSIGNED"),
    "UINT64": _number("BIGINT UNSIGNED"),
    "HALF_FLOAT": _FLOAT,
    "FLOAT": _FLOAT,
    "DOUBLE": ArrowType("DOUBLE", "NUMBER", convert_numbers, json_form.floats_to_json),
    "DECIMAL32": _DECIMAL,
    "DECIMAL64": _DECIMAL,
    "DECIMAL128": _DECIMAL,
    "DECIMAL256": _DECIMAL,
    "STRING": _STRING,
    "LARGE_STRING": _STRING,
    "STRING_VIEW": _STRING,
    "BINARY": _BINARY,
    "LARGE_BINARY": _BINARY,
    "BINARY_VIEW": _BINARY,
    "FIXED_SIZE_BINARY": _BINARY,
    "DATE32": _DATE,
    "DATE64": _DATE,
    "TIME32": _TIME,
    "TIME64": _TIME,
    "TIMESTAMP": ArrowType(
        "TIMESTAMP",
        "DATETIME",
        convert_timestamps,
        json_form.timestamps_to_json,
        nanoseconds=convert_to_nanoseconds,
        full_name=_timestamp_name,
    ),
    "DURATION": ArrowType("DURATION", "DATETIME", convert_durations, json_form.durations_to_json),
    "INTERVAL_MONTH_DAY_NANO": ArrowType(
        "INTERVAL", "DATETIME", convert_intervals, json_form.intervals_to_json
    ),
    "LIST": _LIST,
    "LARGE_LIST": _LIST,
    "LIST_VIEW": _LIST,
    "LARGE_LIST_VIEW": _LIST,
    "FIXED_SIZE_LIST": _LIST,
    "STRUCT": ArrowType("STRUCT", None, convert_structs, convert_structs, full_name=_struct_name),
    "MAP": ArrowType("MAP", None, convert_maps, convert_maps_to_objects, full_name=_map_name),
    # Encodings have no names of their own: see values_type().
    "DICTIONARY": ArrowType("", None, convert_dictionary, convert_dictionary),
    "RUN_END_ENCODED": ArrowType("", None, convert_run_ends, convert_run_ends),
}

_BY_ID = {
    getattr(pa.lib, f"Type_{name}"): entry
    for name, entry in _TABLE.items()
    if hasattr(pa.lib, f"Type_{name}")  # older pyarrow has no decimals of 32 and 64 bits
}
