"""What a Micromegas service holds: facts about its views, as data.

Everything that has to know a view before it has asked a service reads it here: the generator of
demo data, the lake, reflection and the documentation.
"""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from micromegas_dbapi.comments import COLUMN_COMMENTS, INSTANCE_IDS, LEVELS, VIEW_COMMENTS

__all__ = [
    "COLUMN_COMMENTS",
    "INSTANCE_IDS",
    "LEVELS",
    "LOOKUPS",
    "SCHEMAS",
    "VIEW_COMMENTS",
    "time_columns",
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


def _schema(columns: dict[str, pa.DataType]) -> pa.Schema:
    # A list of tags is the only thing a service of this generation may leave out.
    return pa.schema(
        [pa.field(name, type_, nullable=type_ is _TAGS) for name, type_ in columns.items()]
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

# A query's range filters a view by two of its columns, read in the plans of running services
# (EXPLAIN): rows with the first at or before the range's end, and the second at or after its
# begin. Where services differ by age, a column that only the newer have tells which.
_TIME_COLUMNS: dict[str, list[tuple[str | None, str, str]]] = {
    "log_entries": [(None, "time", "time")],
    "measures": [(None, "time", "time")],
    "processes": [
        ("last_update_time", "insert_time", "last_update_time"),
        (None, "insert_time", "insert_time"),
    ],
    "streams": [
        ("last_update_time", "insert_time", "last_update_time"),
        (None, "insert_time", "insert_time"),
    ],
    "blocks": [
        ("streams.insert_time", "begin_time", "insert_time"),
        (None, "insert_time", "insert_time"),
    ],
    "thread_spans": [(None, "begin", "end")],
    "log_stats": [(None, "time_bin", "time_bin")],
}


def time_columns(view: str, columns: Collection[str]) -> tuple[str, str]:
    """Tell which columns of a view a query's time range means.

    Parameters
    ----------
    view : str
        A view, or the view set of an instance.
    columns : collection of str
        The columns it has, which tell the generation of its service.

    Returns
    -------
    (upto, since) : (str, str)
        A row is within a range if ``upto <= end`` and ``since >= begin``.
    """
    return next(
        (upto, since)
        for sign, upto, since in _TIME_COLUMNS[view]
        if sign is None or sign in columns
    )
