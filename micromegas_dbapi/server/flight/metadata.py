"""What FlightSQL's metadata commands answer: the views of the lake, and a little of the server."""

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
    """Tell the columns of what a ``CommandGetTables`` answers."""
    return pa.schema([*_TABLES, _TABLE_SCHEMA] if command.include_schema else _TABLES)


def tables(lake: LakeTransport, command: Any) -> pa.RecordBatch:
    """List the views that a ``CommandGetTables`` asks for.

    They are of no catalog and no schema, and of the type ``table``.
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
    """Compare with a pattern of LIKE; none matches everything."""
    if not command.HasField(field):
        return True
    wild = {"%": ".*", "_": "."}
    pattern = "".join(wild.get(sign) or re.escape(sign) for sign in getattr(command, field))
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
#: The columns of what ``CommandGetSqlInfo`` answers.
SQL_INFO = pa.schema(
    [
        pa.field("info_name", pa.uint32(), nullable=False),
        pa.field("value", pa.dense_union(_VALUES), nullable=False),
    ]
)
# FLIGHT_SQL_SERVER_NAME, _VERSION, _ARROW_VERSION and _READ_ONLY.
_TEXTS = {0: "micromegas-dbapi local service", 1: version("micromegas-dbapi"), 2: pa.__version__}
_FLAGS = {3: True}


def sql_info(command: Any) -> pa.RecordBatch:
    """Tell of the server what a ``CommandGetSqlInfo`` asks for, as far as it is known."""
    wanted = list(command.info) or [*_TEXTS, *_FLAGS]
    found = [name for name in wanted if name in _TEXTS or name in _FLAGS]
    texts = [_TEXTS[name] for name in found if name in _TEXTS]
    flags = [_FLAGS[name] for name in found if name in _FLAGS]
    kinds = [0 if name in _TEXTS else 1 for name in found]
    offsets = [kinds[:at].count(kind) for at, kind in enumerate(kinds)]
    children = [pa.array(texts, pa.string()), pa.array(flags, pa.bool_())]
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
# Name -> what it does, request, response: those of FlightSQL, known to a service or not.
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
    name: f"{does}{_INDENT}Request Message: {request}{_INDENT}Response Message: {response}"
    for name, (does, request, response) in _ACTIONS.items()
}
