"""The results of FlightSQL's metadata commands: the views of the lake, and the server's version."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from micromegas_dbapi.lake.transport import LakeTransport

__all__ = ["ACTIONS", "SQL_INFO", "sql_info", "tables", "tables_schema"]

_TABLES = [
    pa.field("catalog_name", pa.string()),
    pa.field("db_schema_name", pa.string()),
    pa.field("table_name", pa.string(), nullable=False),
    pa.field("table_type", pa.string(), nullable=False),
]
_TABLE_SCHEMA = pa.field("table_schema", pa.binary(), nullable=False)


def tables_schema(command: Any) -> pa.Schema:
    """Return the columns of the result of a ``CommandGetTables``.

    Parameters
    ----------
    command : CommandGetTables
        The request.

    Returns
    -------
    pyarrow.Schema
        With the tables' schemas if the request includes them.
    """
    return pa.schema([*_TABLES, _TABLE_SCHEMA] if command.include_schema else _TABLES)


def tables(lake: LakeTransport, command: Any) -> pa.RecordBatch:
    """List the views that match a ``CommandGetTables``.

    Views have no catalog and no schema, and the type ``table``.

    Parameters
    ----------
    lake : LakeTransport
        The lake with the views.
    command : CommandGetTables
        The request.

    Returns
    -------
    pyarrow.RecordBatch
        One row per view; see `tables_schema`.
    """
    views = lake.views()
    kinds = list(command.table_types)
    if (kinds and "table" not in kinds) or not _matches(command, "db_schema_filter_pattern", ""):
        views = {}
    if command.HasField("catalog") and command.catalog:
        views = {}
    names = sorted(name for name in views if _matches(command, "table_name_filter_pattern", name))
    columns: list[list[Any]] = [[""] * len(names), [""] * len(names), names, ["table"] * len(names)]
    if command.include_schema:
        columns.append([views[name].serialize().to_pybytes() for name in names])
    schema = tables_schema(command)
    arrays = [pa.array(c, kind) for c, kind in zip(columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _matches(command: Any, field: str, text: str) -> bool:
    """Match a text with a LIKE pattern. A missing pattern matches everything."""
    if not command.HasField(field):
        return True
    wildcards = {"%": ".*", "_": "."}
    pattern = "".join(wildcards.get(char) or re.escape(char) for char in getattr(command, field))
    return re.fullmatch(pattern, text, re.DOTALL) is not None


_ENTRIES = pa.map_(pa.int32(), pa.list_(pa.int32()))
_VALUES = [
    pa.field("string_value", pa.string()),
    pa.field("bool_value", pa.bool_()),
    pa.field("bigint_value", pa.int64()),
    pa.field("int32_bitmask", pa.int32()),
    pa.field("string_list", pa.list_(pa.string())),
    pa.field("int32_to_int32_list_map", _ENTRIES),
]
#: The columns of the result of ``CommandGetSqlInfo``.
SQL_INFO = pa.schema(
    [
        pa.field("info_name", pa.uint32(), nullable=False),
        pa.field("value", pa.dense_union(_VALUES), nullable=False),
    ]
)
# FLIGHT_SQL_SERVER_NAME, _VERSION, _ARROW_VERSION and _READ_ONLY.
_STRINGS = {0: "micromegas-dbapi local service", 1: version("micromegas-dbapi"), 2: pa.__version__}
_FLAGS = {3: True}


def sql_info(command: Any) -> pa.RecordBatch:
    """Return the properties of the server that match a ``CommandGetSqlInfo``.

    Parameters
    ----------
    command : CommandGetSqlInfo
        The request.

    Returns
    -------
    pyarrow.RecordBatch
        One row per known property; see `SQL_INFO`.
    """
    requested = list(command.info) or [*_STRINGS, *_FLAGS]
    found = [name for name in requested if name in _STRINGS or name in _FLAGS]
    strings = [_STRINGS[name] for name in found if name in _STRINGS]
    flags = [_FLAGS[name] for name in found if name in _FLAGS]
    kinds = [0 if name in _STRINGS else 1 for name in found]
    offsets = [kinds[:at].count(kind) for at, kind in enumerate(kinds)]
    children = [pa.array(strings, pa.string()), pa.array(flags, pa.bool_())]
    children += [pa.array([], field.type) for field in _VALUES[2:]]
    values = pa.UnionArray.from_dense(
        pa.array(kinds, pa.int8()),
        pa.array(offsets, pa.int32()),
        children,
        [field.name for field in _VALUES],
    )
    columns = [pa.array(found, pa.uint32()), values]
    return pa.RecordBatch.from_arrays(columns, schema=SQL_INFO)


_PREPARE, _CLOSE, _SUBSTRAIT, _NONE = (
    "ActionCreatePreparedStatement",
    "ActionClosePreparedStatement",
    "ActionCreatePreparedSubstraitPlan",
    "N/A",
)
# Description, request and response of each action of FlightSQL, supported by services or not.
_ACTIONS = {
    "CreatePreparedStatement": (
        "Creates a reusable prepared statement resource on the server.",
        f"{_PREPARE}Request",
        f"{_PREPARE}Result",
    ),
    "ClosePreparedStatement": (
        "Closes a reusable prepared statement resource on the server.",
        f"{_CLOSE}Request",
        _NONE,
    ),
    "CreatePreparedSubstraitPlan": (
        "Creates a reusable prepared substrait plan resource on the server.",
        f"{_SUBSTRAIT}Request",
        f"{_PREPARE}Result",
    ),
    "BeginTransaction": (
        "Begins a transaction.",
        "ActionBeginTransactionRequest",
        "ActionBeginTransactionResult",
    ),
    "EndTransaction": ("Ends a transaction", "ActionEndTransactionRequest", _NONE),
    "BeginSavepoint": (
        "Begins a savepoint.",
        "ActionBeginSavepointRequest",
        "ActionBeginSavepointResult",
    ),
    "EndSavepoint": ("Ends a savepoint", "ActionEndSavepointRequest", _NONE),
    "CancelQuery": ("Cancels a query", "ActionCancelQueryRequest", "ActionCancelQueryResult"),
}
_INDENT = "\n\n" + " " * 16
#: Each action that a service lists, with its description.
ACTIONS = {
    name: f"{description}{_INDENT}Request Message: {request}{_INDENT}Response Message: {response}"
    for name, (description, request, response) in _ACTIONS.items()
}
