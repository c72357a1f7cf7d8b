"""What a Micromegas service holds: facts about its views, as data.

Everything that has to know a view before it has asked a service reads it here: the generator of
demo data, the lake, reflection and the documentation.
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
    # A list of tags is the only thing a service of the first generation may leave out.
    return pa.schema(
        [
            pa.field(name, type_, nullable=type_ is _TAGS or name in nullable)
            for name, type_ in columns.items()
        ]
    )


#: The columns of each view of the 0.2.3 service, in its order; ``thread_spans`` is what every
#: instance of that view set looks like.
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

#: The columns of the instances of each view set, by its name: those of the 0.2.3 service for the
#: three it has, which newer services have as well; those of 0.30 for the rest.
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

#: View -> the columns that tell its rows apart. Nothing enforces them.
PRIMARY_KEYS: dict[str, list[str]] = {
    "processes": ["process_id"],
    "streams": ["stream_id"],
    "blocks": ["block_id"],
}

#: View -> (column, view and column it refers to). Nothing enforces them: a process without a
#: parent has an empty parent_process_id, and what is referred to may have been retired.
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
    """Give the view whose rows a service keeps in a table; None of a table that is none such.

    Services of 0.30 have ``__streams__partitions`` and others like it beside their views in
    information_schema (recorded); their own list of tables, of FlightSQL, leaves them out.
    """
    found = re.fullmatch("__(.+)__partitions", table)
    return None if found is None else found[1]


def _chosen(view: str, *columns: str) -> pa.Schema:
    return pa.schema([SCHEMAS[view].field(column).with_nullable(True) for column in columns])


#: The columns of what a service looks up beside SQL, by the name of the call. A 0.2.3 service
#: sends none of them where it finds nothing.
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
    """By which columns of a view a query's time range filters its rows.

    A row is within a range if ``upto <= end`` and ``since >= begin``.

    Attributes
    ----------
    upto, since : str
        Columns of the view; one and the same for what has a single time.
    ordered : bool
        Whether every row has ``upto <= since``, by the way it is made, so that a bound on either
        column bounds both.
    nullable : bool
        Whether one of two columns may be NULL in a row, which no range keeps then.
    aggregated : bool
        Whether the view is computed from the rows that are left, so that a range may change what
        it says of a row that lies within.
    """

    upto: str
    since: str
    ordered: bool = True
    aggregated: bool = False
    nullable: bool = False


#: Stands for a table that no range filters, such as a static one.
UNFILTERED: Final = TimeColumns("", "")

_BY_TIME = TimeColumns("time", "time")
_BY_INSERT_TIME = TimeColumns("insert_time", "insert_time")
_BY_UPDATES = TimeColumns("insert_time", "last_update_time", aggregated=True)
# Read in the plans of running services (EXPLAIN). Where services differ by age, a column that only
# the newer have tells which. A span begins before it ends, as its makers count ticks; one of
# OpenTelemetry is as its sender says. A block's begin is a client's clock, its insert_time the
# service's.
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
    """Tell which columns of a view a query's time range means.

    Parameters
    ----------
    view : str
        A view, or the view set of an instance.
    columns : collection of str
        The columns it has, which tell the generation of its service.
    """
    return next(found for sign, found in _TIME_COLUMNS[view] if sign is None or sign in columns)


@cache
def time_columns_of(generation: str) -> Mapping[str, TimeColumns]:
    """Tell the views whose time columns are known for services of a generation.

    Parameters
    ----------
    generation : str
        As in `micromegas_dbapi.service.Service`: what is not the same in all the services it may
        be is left out.

    Returns
    -------
    mapping of str to TimeColumns
        By the name of the view, or the view set of an instance.
    """
    if generation == "0.1":
        return {view: _TIME_COLUMNS[view][-1][1] for view in SCHEMAS}
    recent = generation == "0.13"
    return {view: found[0][1] for view, found in _TIME_COLUMNS.items() if recent or len(found) == 1}
