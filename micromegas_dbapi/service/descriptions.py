"""What the views and columns of a service mean, a line each, for people.

Of all columns that any service has, the newest included: what a service really has is always
asked of the service. All times are UTC.
"""

from __future__ import annotations

__all__ = ["COLUMN_COMMENTS", "INSTANCE_IDS", "LEVELS", "VIEW_COMMENTS"]

#: The values of ``level``, the worst first.
LEVELS: dict[int, str] = {1: "Fatal", 2: "Error", 3: "Warn", 4: "Info", 5: "Debug", 6: "Trace"}

#: View set -> whose id ``view_instance('<view set>', '<id>')`` takes.
INSTANCE_IDS: dict[str, str] = {
    "log_entries": "process_id",
    "measures": "process_id",
    "thread_spans": "stream_id",
    "async_events": "process_id",
    "net_spans": "process_id",
    "otel_spans": "process_id",
    "images": "process_id",
}

#: View, or view set -> what its rows are.
VIEW_COMMENTS: dict[str, str] = {
    "log_entries": "log messages: an entry each",
    "measures": "values of metrics: a measurement each",
    "processes": "the processes that sent telemetry",
    "streams": "the streams of each process: its log, its metrics, and one for each traced thread",
    "blocks": "the blocks that the streams arrived in, with columns of stream and process",
    "log_stats": "how many log entries there were, by minute, process, level and target",
    "thread_spans": "calls in one thread: a call each, with its place in the call tree",
    "async_events": "begins and ends of asynchronous spans of one process",
    "net_spans": "what one process sent and received, in bits, as a tree",
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
    "block_id": "id of the block that it arrived in",
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
    "tsc_frequency": "ticks per second of its clock; 0 if it could not tell",
    "start_time": "when it started, UTC, by its own clock",
    "start_ticks": "its tick counter at start_time",
    "insert_time": "when the service first heard of it, UTC",
    "parent_process_id": "id of the process that started it; empty if there is none",
    "properties": _PROPERTIES,
    "last_update_time": "when the service last received a block of it, UTC",
    "last_block_end_ticks": "end of its newest block, in ticks since start_ticks",
    "last_block_end_time": "end of its newest block, UTC, by its own clock",
}
_STREAM = {
    "stream_id": "id of the stream",
    "process_id": "id of the process that it belongs to",
    "dependencies_metadata": "CBOR: types of what the events refer to",
    "objects_metadata": "CBOR: types of the events",
    "tags": "what it carries: log, metrics or cpu (a thread's spans), among others",
    "properties": "keys and values, thread-name for one; see property_get",
    "insert_time": "when the service first heard of it, UTC",
    "format": "how its blocks are encoded",
    "last_update_time": "when the service last received a block of it, UTC",
}
_EVENT = {
    **_OF_ITS_PROCESS,
    **_OF_ITS_BLOCK,
    "target": "module, or other part of the program, that it comes from",
    "process_properties": _PROCESS_PROPERTIES,
}
_CALL = {
    "hash": "the same number for all calls of one span",
    "target": "module, or other part of the program, that it comes from",
    "filename": "source file",
    "line": "line in the source file",
}

#: View, or view set -> column -> what it holds, with its unit.
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
        "begin_time": "its first moment, UTC, by the clock of the process",
        "begin_ticks": "its first moment, in ticks since processes.start_ticks",
        "end_time": "its last moment, UTC, by the clock of the process",
        "end_ticks": "its last moment, in ticks since processes.start_ticks",
        "nb_objects": "how many events it holds",
        "object_offset": "how many events earlier blocks of its stream hold",
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
        "parent": "id of the call that it happened in",
        "depth": "how many calls it is inside of; 0 is the thread as a whole",
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
        "parent_span_id": "id of the span that it happened in",
        "depth": "how many spans it is inside of",
        "name": "name of the span",
    },
    "net_spans": {
        "process_id": "id of the process",
        "stream_id": "id of the stream",
        "span_id": "id of the span in its stream",
        "parent_span_id": "id of the span around it; -1 for a connection",
        "depth": "how many spans it is inside of; 0 for a connection",
        "kind": "connection, object, property or rpc",
        "name": "of the connection, object, property or function",
        "connection_name": "name of the connection",
        "is_outgoing": "whether it was sent, not received",
        "begin_bits": "where it begins in the span around it, in bits",
        "end_bits": "begin_bits plus bit_size",
        "bit_size": "its size with all inside of it, in bits",
        "begin_time": "when it began, UTC",
        "end_time": "when it ended, UTC",
    },
    "otel_spans": {
        **_OF_ITS_PROCESS,
        **_OF_ITS_BLOCK,
        "process_properties": _PROCESS_PROPERTIES,
        "trace_id": "id of the trace: 16 bytes",
        "span_id": "id of the span: 8 bytes",
        "parent_span_id": "id of the span around it; NULL if there is none",
        "start_time": "when it began, UTC",
        "end_time": "when it ended, UTC",
        "duration": "end_time minus start_time, in ns",
        "name": "name of the span",
        "kind": "INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER or UNSPECIFIED",
        "status": "OK, ERROR or UNSET",
        "status_message": "what went wrong; may be NULL",
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
