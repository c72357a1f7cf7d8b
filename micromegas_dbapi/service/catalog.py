"""The views of Micromegas services: columns, keys, time columns and lookups, as data.

Code that must know a view before it has queried a service reads this module: range inference, the
generator of demo data, the lake, reflection and the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Final, NamedTuple

import pyarrow as pa

from micromegas_dbapi.service.descriptions import (
    COLUMN_COMMENTS,
    INSTANCE_IDS,
    LEVELS,
    VIEW_COMMENTS,
)

__all__ = [
    "COLUMN_COMMENTS",
    "FOREIGN_KEYS",
    "INSTANCE_IDS",
    "INSTANCE_SCHEMAS",
    "LEVELS",
    "LOOKUPS",
    "PRIMARY_KEYS",
    "SCHEMAS",
    "UNFILTERED",
    "VIEW_COMMENTS",
    "TimeColumns",
    "storage_of",
    "time_columns",
    "time_columns_of",
]

_TIME = pa.timestamp("ns", tz="+00:00")
_WORD = pa.dictionary(pa.int16(), pa.string())
_TAGS = pa.list_(pa.field("tag", pa.string(), nullable=False))
_PROPERTIES = pa.list_(
    pa.field(
        "Property",
        pa.struct(
            [
                pa.field("key", pa.string(), nullable=False),
                pa.field("value", pa.string(), nullable=False),
            ]
        ),
        nullable=False,
    )
)


def _schema(columns: dict[str, pa.DataType], nullable: Collection[str] = ()) -> pa.Schema:
    # Lists of tags are the only nullable columns of a 0.2.3 service.
    return pa.schema(
        [
            pa.field(name, type_, nullable=type_ is _TAGS or name in nullable)
            for name, type_ in columns.items()
        ]
    )


#: The columns of each view of a 0.2.3 service, in its order. ``thread_spans`` is a view set; all of
#: its instances have these columns.
SCHEMAS: dict[str, pa.Schema] = {
    "log_entries": _schema(
        {
            "process_id": _WORD,
            "exe": _WORD,
            "username": _WORD,
            "computer": _WORD,
            "time": _TIME,
            "target": _WORD,
            "level": pa.int32(),
            "msg": pa.string(),
            "properties": _PROPERTIES,
        }
    ),
    "measures": _schema(
        {
            "process_id": _WORD,
            "exe": _WORD,
            "username": _WORD,
            "computer": _WORD,
            "time": _TIME,
            "target": _WORD,
            "name": _WORD,
            "unit": _WORD,
            "value": pa.float64(),
            "properties": _PROPERTIES,
        }
    ),
    "processes": _schema(
        {
            "process_id": pa.string(),
            "exe": pa.string(),
            "username": pa.string(),
            "realname": pa.string(),
            "computer": pa.string(),
            "distro": pa.string(),
            "cpu_brand": pa.string(),
            "tsc_frequency": pa.int64(),
            "start_time": _TIME,
            "start_ticks": pa.int64(),
            "insert_time": _TIME,
            "parent_process_id": pa.string(),
            "properties": _PROPERTIES,
        }
    ),
    "streams": _schema(
        {
            "stream_id": pa.string(),
            "process_id": pa.string(),
            "dependencies_metadata": pa.binary(),
            "objects_metadata": pa.binary(),
            "tags": _TAGS,
            "properties": _PROPERTIES,
            "insert_time": _TIME,
        }
    ),
    "blocks": _schema(
        {
            "block_id": pa.string(),
            "stream_id": pa.string(),
            "process_id": pa.string(),
            "begin_time": _TIME,
            "begin_ticks": pa.int64(),
            "end_time": _TIME,
            "end_ticks": pa.int64(),
            "nb_objects": pa.int32(),
            "object_offset": pa.int64(),
            "payload_size": pa.int64(),
            "insert_time": _TIME,
            "streams.dependencies_metadata": pa.binary(),
            "streams.objects_metadata": pa.binary(),
            "streams.tags": _TAGS,
            "streams.properties": _PROPERTIES,
            "processes.start_time": _TIME,
            "processes.start_ticks": pa.int64(),
            "processes.tsc_frequency": pa.int64(),
            "processes.exe": pa.string(),
            "processes.username": pa.string(),
            "processes.realname": pa.string(),
            "processes.computer": pa.string(),
            "processes.distro": pa.string(),
            "processes.cpu_brand": pa.string(),
            "processes.insert_time": _TIME,
            "processes.parent_process_id": pa.string(),
            "processes.properties": _PROPERTIES,
        }
    ),
    "thread_spans": _schema(
        {
            "id": pa.int64(),
            "parent": pa.int64(),
            "depth": pa.uint32(),
            "hash": pa.uint32(),
            "begin": _TIME,
            "end": _TIME,
            "duration": pa.int64(),
            "name": _WORD,
            "target": _WORD,
            "filename": _WORD,
            "line": pa.uint32(),
        }
    ),
}


_ENCODED = pa.dictionary(pa.int32(), pa.string())
_JSONB = pa.dictionary(pa.int32(), pa.binary())
_OF_BLOCK: dict[str, pa.DataType] = {
    "process_id": _ENCODED,
    "stream_id": _ENCODED,
    "block_id": _ENCODED,
    "insert_time": _TIME,
    "exe": _ENCODED,
    "username": _ENCODED,
    "computer": _ENCODED,
}

#: The columns of the instances of each view set, by its name. The three view sets of 0.2.3 have the
#: columns of 0.2.3, which newer services have as well; the others those of 0.30.
INSTANCE_SCHEMAS: dict[str, pa.Schema] = {
    **{name: SCHEMAS[name] for name in ("log_entries", "measures", "thread_spans")},
    "async_events": _schema(
        {
            "stream_id": _ENCODED,
            "block_id": _ENCODED,
            "time": _TIME,
            "event_type": _ENCODED,
            "span_id": pa.int64(),
            "parent_span_id": pa.int64(),
            "depth": pa.uint32(),
            "hash": pa.uint32(),
            "name": _ENCODED,
            "filename": _ENCODED,
            "target": _ENCODED,
            "line": pa.uint32(),
        }
    ),
    "net_spans": _schema(
        {
            "process_id": _ENCODED,
            "stream_id": _ENCODED,
            "span_id": pa.int64(),
            "parent_span_id": pa.int64(),
            "depth": pa.uint32(),
            "kind": _ENCODED,
            "name": _ENCODED,
            "connection_name": _ENCODED,
            "is_outgoing": pa.bool_(),
            "begin_bits": pa.int64(),
            "end_bits": pa.int64(),
            "bit_size": pa.int64(),
            "begin_time": _TIME,
            "end_time": _TIME,
        }
    ),
    "otel_spans": _schema(
        {
            **_OF_BLOCK,
            "process_properties": _JSONB,
            "trace_id": pa.binary(16),
            "span_id": pa.binary(8),
            "parent_span_id": pa.binary(8),
            "start_time": _TIME,
            "end_time": _TIME,
            "duration": pa.int64(),
            "name": _ENCODED,
            "kind": _ENCODED,
            "status": _ENCODED,
            "status_message": pa.string(),
            "properties": _JSONB,
            "events": _JSONB,
            "links": _JSONB,
        },
        nullable=("parent_span_id", "status_message"),
    ),
    "images": _schema(
        {
            **_OF_BLOCK,
            "time": _TIME,
            "name": _ENCODED,
            "format": _ENCODED,
            "payload_size": pa.int64(),
            "data": pa.binary(),
        }
    ),
}

#: The columns that identify a row of each view. No service enforces them.
PRIMARY_KEYS: dict[str, list[str]] = {
    "processes": ["process_id"],
    "streams": ["stream_id"],
    "blocks": ["block_id"],
}

#: The foreign keys of each view: (column, referred view, referred column). No service enforces
#: them: a process without a parent has an empty parent_process_id, and the referred row may have
#: been retired.
FOREIGN_KEYS: dict[str, list[tuple[str, str, str]]] = {
    "log_entries": [("process_id", "processes", "process_id")],
    "measures": [("process_id", "processes", "process_id")],
    "processes": [("parent_process_id", "processes", "process_id")],
    "streams": [("process_id", "processes", "process_id")],
    "blocks": [
        ("stream_id", "streams", "stream_id"),
        ("process_id", "processes", "process_id"),
    ],
}


def storage_of(table: str) -> str | None:
    """Return the view whose rows are stored in `table`, or None if it is not a storage table.

    The information_schema of 0.30 services lists storage tables such as ``__streams__partitions``
    beside the views (recorded). Their FlightSQL list of tables omits them.

    Parameters
    ----------
    table : str
        The name of a table.

    Returns
    -------
    str or None
        The name of the view.
    """
    found = re.fullmatch("__(.+)__partitions", table)
    return None if found is None else found[1]


def _chosen(view: str, *columns: str) -> pa.Schema:
    return pa.schema([SCHEMAS[view].field(column).with_nullable(True) for column in columns])


#: The result columns of the official client's lookup calls, by name of the call. A 0.2.3 service
#: sends no columns if it finds no rows.
LOOKUPS: dict[str, pa.Schema] = {
    "find_process": _chosen("processes", *SCHEMAS["processes"].names),
    "find_stream": _chosen("streams", *SCHEMAS["streams"].names[:-1]),
    "query_streams": _chosen("streams", "stream_id", "process_id", "tags", "properties"),
    "query_blocks": _chosen("blocks", *SCHEMAS["blocks"].names[:10]),
    "query_partitions": pa.schema(
        [
            ("view_set_name", pa.string()),
            ("view_instance_id", pa.string()),
            ("begin_insert_time", _TIME),
            ("end_insert_time", _TIME),
            ("min_event_time", _TIME),
            ("max_event_time", _TIME),
            ("updated", _TIME),
            ("file_path", pa.string()),
            ("file_size", pa.int64()),
            ("file_schema_hash", pa.binary()),
            ("source_data_hash", pa.binary()),
            ("file_metadata", pa.binary()),
        ]
    ),
}


class TimeColumns(NamedTuple):
    """The columns of a view that a query's time range filters by.

    A row is in a range if ``upto <= end`` and ``since >= begin``.

    Attributes
    ----------
    upto, since : str
        Columns of the view. They are the same column if its rows have a single time.
    ordered : bool
        Whether every row has ``upto <= since`` by construction, so that a bound on either column
        bounds both.
    aggregated : bool
        Whether the service aggregates the view after it has filtered by the range, so that a range
        may change the values of rows inside it.
    nullable : bool
        Whether one of the two columns may be NULL in a row. No range keeps such a row.
    """

    upto: str
    since: str
    ordered: bool = True
    aggregated: bool = False
    nullable: bool = False


#: The time columns of a table that no range filters, such as a static one.
UNFILTERED: Final = TimeColumns("", "")

_BY_TIME = TimeColumns("time", "time")
_BY_INSERT_TIME = TimeColumns("insert_time", "insert_time")
_BY_UPDATES = TimeColumns("insert_time", "last_update_time", aggregated=True)
# Read from plans of running services (EXPLAIN). Where versions differ, a column that only the newer
# one has tells them apart. Spans are ordered, because their times are ticks. OpenTelemetry
# spans are not, because their sender sets both times. Blocks are not, because begin_time comes from
# the client's clock and insert_time from the service's.
_TIME_COLUMNS: dict[str, list[tuple[str | None, TimeColumns]]] = {
    "log_entries": [(None, _BY_TIME)],
    "measures": [(None, _BY_TIME)],
    "processes": [("last_update_time", _BY_UPDATES), (None, _BY_INSERT_TIME)],
    "streams": [("last_update_time", _BY_UPDATES), (None, _BY_INSERT_TIME)],
    "blocks": [
        ("streams.insert_time", TimeColumns("begin_time", "insert_time", ordered=False)),
        (None, _BY_INSERT_TIME),
    ],
    "thread_spans": [(None, TimeColumns("begin", "end"))],
    "log_stats": [(None, TimeColumns("time_bin", "time_bin"))],
    "async_events": [(None, _BY_TIME)],
    "images": [(None, _BY_TIME)],
    "net_spans": [(None, TimeColumns("begin_time", "end_time"))],
    "otel_spans": [(None, TimeColumns("start_time", "end_time", ordered=False))],
}


def time_columns(view: str, columns: Collection[str]) -> TimeColumns:
    """Return the columns of a view that a query's time range filters by.

    Parameters
    ----------
    view : str
        A view of the catalog, or the view set of an instance.
    columns : collection of str
        The names of its columns, which depend on the version of the service.

    Returns
    -------
    TimeColumns
        Those of the version with these columns.
    """
    return next(found for newer, found in _TIME_COLUMNS[view] if newer is None or newer in columns)


@cache
def time_columns_of(generation: str) -> Mapping[str, TimeColumns]:
    """Return the time columns of all views that have the same ones in each version of a service.

    Parameters
    ----------
    generation : str
        The oldest version that the service may have, as in `micromegas_dbapi.service.Service`.

    Returns
    -------
    mapping of str to TimeColumns
        By the name of the view, or of the view set of an instance.
    """
    if generation == "0.1":
        return {view: _TIME_COLUMNS[view][-1][1] for view in SCHEMAS}
    recent = generation == "0.13"
    return {view: found[0][1] for view, found in _TIME_COLUMNS.items() if recent or len(found) == 1}
