"""Descriptions of the views and columns of services, one line each.

They cover the columns of all versions; a service itself reports which of them it has. All times are
UTC.
"""

from __future__ import annotations

__all__ = ["COLUMN_COMMENTS", "INSTANCE_IDS", "LEVELS", "VIEW_COMMENTS"]

#: The values of ``level``, the most severe first.
LEVELS: dict[int, str] = {1: "Fatal", 2: "Error", 3: "Warn", 4: "Info", 5: "Debug", 6: "Trace"}

#: The column whose value identifies an instance: ``view_instance('<view set>', '<id>')``.
INSTANCE_IDS: dict[str, str] = {
    "log_entries": "process_id",
    "measures": "process_id",
    "thread_spans": "stream_id",
    "async_events": "process_id",
    "net_spans": "process_id",
    "otel_spans": "process_id",
    "images": "process_id",
}

#: What a row of each view or view set is.
VIEW_COMMENTS: dict[str, str] = {
    "log_entries": "log entries, one a row",
    "measures": "measurements of metrics, one a row",
    "processes": "the processes that sent telemetry",
    "streams": "the streams of each process: its log, its metrics, and one for each traced thread",
    "blocks": "the blocks of events received, with columns of their streams and processes",
    "log_stats": "number of log entries by minute, process, level and target",
    "thread_spans": "calls in one thread, one a row, with their position in the call tree",
    "async_events": "begin and end events of asynchronous spans of one process",
    "net_spans": "network traffic of one process, in bits, as a tree",
    "otel_spans": "OpenTelemetry spans of one process",
    "images": "screenshots and other images of one process",
}

_OF_ITS_PROCESS = {
    "process_id": "id of the process",
    "exe": "executable of the process",
    "username": "user who ran the process",
    "computer": "name of the computer",
}
_OF_ITS_BLOCK = {
    "stream_id": "id of the stream",
    "block_id": "id of the block that contained it",
    "insert_time": "when the service received the block, UTC",
}
_PROPERTIES = "keys and values; property_get(properties, 'key') reads one"
_PROCESS_PROPERTIES = "keys and values of the process; see property_get"

_PROCESS = {
    "process_id": "id of the process",
    "exe": "its executable",
    "username": "user who ran it",
    "realname": "full name of that user; may be empty",
    "computer": "name of the computer",
    "distro": "operating system",
    "cpu_brand": "model of the processor",
    "tsc_frequency": "ticks per second of its clock; 0 if unknown",
    "start_time": "when it started, UTC, by its own clock",
    "start_ticks": "its tick counter at start_time",
    "insert_time": "when the service registered it, UTC",
    "parent_process_id": "id of the process that started it; empty if there is none",
    "properties": _PROPERTIES,
    "last_update_time": "when the service last received a block of it, UTC",
    "last_block_end_ticks": "end of its newest block, in ticks since start_ticks",
    "last_block_end_time": "end of its newest block, UTC, by its own clock",
}
_STREAM = {
    "stream_id": "id of the stream",
    "process_id": "id of the process that it belongs to",
    "dependencies_metadata": "CBOR: types of the objects that the events refer to",
    "objects_metadata": "CBOR: types of the events",
    "tags": "kinds of events: log, metrics or cpu (a thread's spans), among others",
    "properties": "keys and values, thread-name for one; see property_get",
    "insert_time": "when the service registered it, UTC",
    "format": "how its blocks are encoded",
    "last_update_time": "when the service last received a block of it, UTC",
}
_EVENT = {
    **_OF_ITS_PROCESS,
    **_OF_ITS_BLOCK,
    "target": "module or other part of the program that it comes from",
    "process_properties": _PROCESS_PROPERTIES,
}
_CALL = {
    "hash": "the same number for all calls of one span",
    "target": "module or other part of the program that it comes from",
    "filename": "source file",
    "line": "line in the source file",
}

#: The content of each column with its unit, by view or view set.
COLUMN_COMMENTS: dict[str, dict[str, str]] = {
    "log_entries": {
        **_EVENT,
        "time": "when it was logged, UTC",
        "level": ", ".join(f"{number} {name}" for number, name in LEVELS.items()),
        "msg": "the message",
        "properties": _PROPERTIES,
    },
    "measures": {
        **_EVENT,
        "time": "when it was measured, UTC",
        "name": "name of the metric",
        "unit": "unit of value, as the program gave it; may be empty",
        "value": "the value, in unit",
        "properties": _PROPERTIES,
    },
    "processes": _PROCESS,
    "streams": _STREAM,
    "blocks": {
        "block_id": "id of the block",
        "stream_id": "id of its stream",
        "process_id": "id of its process",
        "begin_time": "begin of the block, UTC, by the clock of the process",
        "begin_ticks": "begin of the block, in ticks since processes.start_ticks",
        "end_time": "end of the block, UTC, by the clock of the process",
        "end_ticks": "end of the block, in ticks since processes.start_ticks",
        "nb_objects": "number of events in it",
        "object_offset": "number of events in the earlier blocks of its stream",
        "payload_size": "size of its payload in bytes",
        "insert_time": "when the service received it, UTC",
        **{
            f"streams.{name}": f"of its stream: {_STREAM[name]}"
            for name in (
                *("dependencies_metadata", "objects_metadata", "tags", "properties"),
                *("insert_time", "format"),
            )
        },
        **{
            f"processes.{name}": f"of its process: {_PROCESS[name]}"
            for name in (
                *("start_time", "start_ticks", "tsc_frequency", "exe", "username", "realname"),
                *("computer", "distro", "cpu_brand", "insert_time", "parent_process_id"),
                "properties",
            )
        },
    },
    "log_stats": {
        "time_bin": "begin of the minute, UTC",
        "process_id": "id of the process",
        "level": ", ".join(f"{number} {name}" for number, name in LEVELS.items()),
        "target": _CALL["target"],
        "count": "number of log entries",
    },
    "thread_spans": {
        **_CALL,
        "id": "number of the call in its stream; -1 is the thread as a whole",
        "parent": "id of the calling call",
        "depth": "number of enclosing calls; 0 is the thread as a whole",
        "begin": "when it began, UTC",
        "end": 'when it ended, UTC; reserved word: write "end"',
        "duration": "end minus begin, in ns",
        "name": "name of the span; the thread's name for the thread as a whole",
    },
    "async_events": {
        **_CALL,
        "stream_id": "id of the thread's stream",
        "block_id": _OF_ITS_BLOCK["block_id"],
        "time": "when it happened, UTC",
        "event_type": "begin or end",
        "span_id": "id of the span that begins or ends",
        "parent_span_id": "id of the enclosing span",
        "depth": "number of enclosing spans",
        "name": "name of the span",
    },
    "net_spans": {
        "process_id": "id of the process",
        "stream_id": "id of the stream",
        "span_id": "id of the span in its stream",
        "parent_span_id": "id of the enclosing span; -1 for a connection",
        "depth": "number of enclosing spans; 0 for a connection",
        "kind": "connection, object, property or rpc",
        "name": "of the connection, object, property or function",
        "connection_name": "name of the connection",
        "is_outgoing": "true if sent, false if received",
        "begin_bits": "offset in the enclosing span, in bits",
        "end_bits": "begin_bits plus bit_size",
        "bit_size": "its size with all spans inside it, in bits",
        "begin_time": "when it began, UTC",
        "end_time": "when it ended, UTC",
    },
    "otel_spans": {
        **_OF_ITS_PROCESS,
        **_OF_ITS_BLOCK,
        "process_properties": _PROCESS_PROPERTIES,
        "trace_id": "id of the trace: 16 bytes",
        "span_id": "id of the span: 8 bytes",
        "parent_span_id": "id of the enclosing span; NULL if there is none",
        "start_time": "when it began, UTC",
        "end_time": "when it ended, UTC",
        "duration": "end_time minus start_time, in ns",
        "name": "name of the span",
        "kind": "INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER or UNSPECIFIED",
        "status": "OK, ERROR or UNSET",
        "status_message": "error message; may be NULL",
        "properties": "attributes of the span; see property_get",
        "events": "JSONB: events of the span, a list of objects",
        "links": "JSONB: links to other spans, a list of objects",
    },
    "images": {
        **_OF_ITS_PROCESS,
        **_OF_ITS_BLOCK,
        "time": "when it was taken, UTC",
        "name": "name of the image",
        "format": "png, for example",
        "payload_size": "its size in bytes",
        "data": "the image",
    },
}
