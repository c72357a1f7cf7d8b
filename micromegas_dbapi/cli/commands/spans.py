"""Run ``micromegas-sql spans``: show the slowest calls of a thread."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.text import Text

from micromegas_dbapi.cli.commands.instance_queries import THREADS_HINT, parse_stream_id
from micromegas_dbapi.cli.output import is_text, open_console, write_result
from micromegas_dbapi.cli.render.call_tree import Call, build_tree
from micromegas_dbapi.cli.render.flame_graph import print_flame_graph
from micromegas_dbapi.cli.render.line_folding import fold
from micromegas_dbapi.cli.render.table import cell_text
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.errors import DatabaseError, ProgrammingError
from micromegas_dbapi.time_units import DAY
from micromegas_dbapi.timerange import ALL_TIME, MAX_NS, MIN_NS, format_ns

__all__ = ["run"]

_COLUMNS = 'id, parent, depth, begin, "end", duration, name, target, filename, line'
_ALL = f"SELECT {_COLUMNS} FROM view_instance('thread_spans', ?) ORDER BY begin, depth, id"
# The thread as a whole is a span too, with the id -1. The spans directly below it are the calls.
# They are counted in a statement of its own, because DataFusion 43 plans a window function beside a
# subquery wrongly.
_CALLS = """\
SELECT depth, count(*) AS calls FROM view_instance('thread_spans', ?)
WHERE id <> -1 GROUP BY depth ORDER BY depth LIMIT 1"""
_SLOWEST = """\
SELECT id, begin, "end" FROM view_instance('thread_spans', ?)
WHERE id <> -1 AND depth = ? ORDER BY duration DESC, begin, id LIMIT ?"""
_INSIDE = f"""\
SELECT {_COLUMNS} FROM view_instance('thread_spans', ?)
WHERE begin >= ? AND begin <= ? AND (depth > ? OR id = ?) ORDER BY begin, depth, id"""

_BLOCKS = "SELECT min(begin_time), max(end_time) FROM blocks WHERE stream_id = ?"
_STREAM = "SELECT stream_id FROM streams WHERE stream_id = ? LIMIT 1"
_THREADS = "SELECT stream_id FROM streams WHERE process_id = ? AND array_has(tags, 'cpu')"

# Spans are timed by ticks, blocks by the system's clock, which can be set. A day is wide enough for
# the difference, and narrow enough for a service to skip the partitions of other days.
_DRIFT = DAY


def run(connection: Connection, options: argparse.Namespace) -> None:
    """Show the slowest calls of a thread, or write all of its spans as rows.

    Parameters
    ----------
    connection : Connection
        To the service.
    options : argparse.Namespace
        With ``stream_id``, ``top``, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If there is no such stream, or ``top`` is less than 1.
    DatabaseError
        If the query or the output fails.

    Notes
    -----
    The default time range is that of the stream's blocks, and a day before and after it.

    As text, a line is a call: how long it took, when during the root call it ran, and its name.
    What is left out is mentioned: calls shorter than 1 % of the root, and source locations if the
    terminal is too narrow. Other formats have all spans ordered by begin, with exact times.
    """
    if options.top < 1:
        raise ProgrammingError(f"invalid --top {options.top}: expected 1 or more")
    stream_id = parse_stream_id(options.stream_id)
    begin, end = _time_range(connection, stream_id)
    cursor = connection.cursor(begin=begin, end=end, timestamps="ns")
    if is_text(options):
        with open_console(options) as console:
            _print_slowest(cursor, stream_id, options.top, console)
    else:
        write_result(cursor.execute(_ALL, [stream_id]).fetch_record_batch(), options)


def _print_slowest(cursor: Cursor, stream_id: str, top: int, console: Console) -> None:
    first = cursor.execute(_CALLS, [stream_id]).fetchone()
    if first is None:
        _print_note(f"(stream {stream_id} has no spans in the time range)", console)
        return
    depth, calls = first
    roots = cursor.execute(_SLOWEST, [stream_id, depth, top]).fetchall()
    head = f"the slowest {len(roots)} of {calls}" if calls > len(roots) else f"all {calls}"
    console.print(Text(f"{head} call{'' if calls == 1 else 's'}", "bold"))
    hidden = 0
    for id_, begin, end in roots:
        root, orphans = _call_tree(cursor, stream_id, depth, id_, begin, end)
        console.print()
        console.print(Text(format_ns(begin), "dim"))
        if root is None:  # the service has rebuilt its view in the meantime
            console.print(Text("(no longer returned by the service)", "dim"))
            continue
        hidden += print_flame_graph(root, console)
        if orphans:
            spans = "1 span" if orphans == 1 else f"{orphans} spans"
            _print_note(f"({spans} of this time not shown: the caller is missing)", console)
    if hidden:
        locations = "1 source location" if hidden == 1 else f"{hidden} source locations"
        _print_note(f"({locations} hidden: the terminal is too narrow)", console)


def _print_note(text: str, console: Console) -> None:
    console.print(fold(Text(text, "dim"), console))


def _call_tree(
    cursor: Cursor, stream_id: str, depth: int, root_id: int, begin: int, end: int
) -> tuple[Call | None, int]:
    """Query a call and the calls below it; return as `build_tree` does."""
    parameters = [stream_id, _datetime(begin), _datetime(end), depth, root_id]
    rows = cursor.execute(_INSIDE, parameters)
    types = [column.type_code.arrow_type for column in rows.description or ()]
    calls = (
        (
            *(row[0], row[1], row[3], row[4], row[5]),
            cell_text(row[6], types[6]),
            _location(row[7:], types[7:]),
        )
        for row in rows
    )
    return build_tree(root_id, calls)


def _location(values: tuple[Any, ...], types: list[pa.DataType]) -> str:
    target, filename, line = map(cell_text, values, types)
    return f"{target} {filename}:{line}".strip() if filename else target


def _datetime(ns: int) -> np.datetime64:
    return np.datetime64(ns, "ns")


def _time_range(
    connection: Connection, stream_id: str
) -> tuple[np.datetime64 | None, np.datetime64 | None]:
    """Return the time range of a stream, or None and None if the user set one.

    Services require a range for thread_spans.
    """
    if connection.explicit_range() is not None:
        _require_stream(connection, stream_id)
        return None, None
    try:
        cursor = connection.cursor(begin=ALL_TIME, timestamps="ns")
        found = cursor.execute(_BLOCKS, [stream_id]).fetchone()
    except ProgrammingError:  # a lake may have no blocks
        found = None
    begin, end = found or (None, None)
    if begin is None or end is None:
        _require_stream(connection, stream_id)
        return _datetime(MIN_NS), _datetime(MAX_NS)
    return _datetime(max(MIN_NS, begin - _DRIFT)), _datetime(min(MAX_NS, end + _DRIFT))


def _require_stream(connection: Connection, stream_id: str) -> None:
    """Raise an error if there is no such stream; list the threads if it is a process."""
    cursor = connection.cursor(begin=ALL_TIME)
    try:
        if cursor.execute(_STREAM, [stream_id]).fetchone() is not None:
            return
        threads = [found for (found,) in cursor.execute(_THREADS, [stream_id])]
    except DatabaseError:  # a lake may have no streams: then the query for spans decides
        return
    if threads:
        message = f"{stream_id} is a process id, not a stream id. Its threads: {', '.join(threads)}"
    else:
        message = f"there is no stream {stream_id}; {THREADS_HINT}"
    raise ProgrammingError(message, query_id=cursor.query_id)
