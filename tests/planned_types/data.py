"""Small views with the columns of a current service, and an engine that has them."""

from __future__ import annotations

import pyarrow as pa
from datafusion import SessionConfig, SessionContext

_TIME = pa.timestamp("ns", "+00:00")
_WORD = pa.dictionary(pa.int32(), pa.string())
_JSONB = pa.dictionary(pa.int32(), pa.binary())
_TAGS = pa.list_(pa.field("tag", pa.string(), nullable=False))

#: The columns of each view.
VIEWS = {
    "log_entries": {
        "process_id": _WORD,
        "exe": _WORD,
        "time": _TIME,
        "target": _WORD,
        "level": pa.int32(),
        "msg": pa.string(),
        "properties": _JSONB,
    },
    "measures": {
        "process_id": _WORD,
        "time": _TIME,
        "name": _WORD,
        "unit": _WORD,
        "value": pa.float64(),
    },
    "streams": {
        "stream_id": pa.string(),
        "process_id": pa.string(),
        "tags": _TAGS,
        "objects_metadata": pa.binary(),
        "insert_time": _TIME,
    },
    "thread_spans": {
        "id": pa.int64(),
        "parent": pa.int64(),
        "depth": pa.uint32(),
        "begin": _TIME,
        "duration": pa.int64(),
        "name": _WORD,
        "line": pa.uint32(),
    },
    "log_stats": {"time_bin": _TIME, "level": pa.int32(), "count": pa.int64()},
}

_ROWS = 5
_MADE = {
    "number": lambda at: None if at == 3 else at,
    "text": lambda at: ["a", "b", "1", None, "game-server"][at],
    "bytes": lambda at: b"" if at == 2 else b"ab",
    "list": lambda at: ["log"] * at,
}


def _column(kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return _column(kind.value_type).dictionary_encode()
    if pa.types.is_timestamp(kind):
        return pa.array([at * 10**9 for at in range(_ROWS)], pa.int64()).cast(kind)
    if kind == pa.string():
        return pa.array(map(_MADE["text"], range(_ROWS)), kind)
    if kind == pa.binary():
        return pa.array(map(_MADE["bytes"], range(_ROWS)), kind)
    if pa.types.is_list(kind):
        return pa.array(map(_MADE["list"], range(_ROWS)), kind)
    return pa.array(map(_MADE["number"], range(_ROWS)), kind)


def tables() -> dict[str, pa.Table]:
    """Create the views."""
    return {
        view: pa.table({name: _column(kind) for name, kind in columns.items()})
        for view, columns in VIEWS.items()
    }


def engine() -> SessionContext:
    """Create an engine with the views, configured as a service's is."""
    config = SessionConfig(
        {
            "datafusion.catalog.information_schema": "true",
            "datafusion.execution.parquet.schema_force_view_types": "false",
        }
    ).with_target_partitions(1)
    context = SessionContext(config)
    for view, table in tables().items():
        context.register_record_batches(view, [table.to_batches()])
    return context
