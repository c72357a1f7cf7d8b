"""``spans``: the slowest calls of a thread, each with the calls inside of it."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from micromegas_dbapi.cli.commands.instance_queries import identifier
from micromegas_dbapi.cli.output import console, text, write
from micromegas_dbapi.cli.render import flame
from micromegas_dbapi.cli.render.flame import duration
from micromegas_dbapi.cli.render.line_folding import fold
from micromegas_dbapi.cli.render.table import cell
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.errors import DatabaseError, ProgrammingError
from micromegas_dbapi.time_units import DAY
from micromegas_dbapi.timerange import ALL_TIME, MAX_NS, MIN_NS, format_ns

__all__ = ["duration", "run"]

_COLUMNS = 'id, parent, depth, begin, "end", duration, name, target, filename, line'
_ALL = f"SELECT {_COLUMNS} FROM view_instance('thread_spans', ?) ORDER BY begin, depth, id"
# The thread as a whole is a span too, with the id -1: those below it are the calls. These are
# counted alone, since DataFusion 43 plans a window function beside a subquery wrongly.
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

# Spans are timed by ticks, blocks by the system's clock, which can be set: a day is wide enough,
# and narrow enough for a service to skip the partitions of other days.
_DRIFT = DAY
_SHARE, _NARROW, _WIDE = 0.3, 10, 60


def run(connection: Connection, options: argparse.Namespace) -> None:
    """Draw the slowest calls of a thread, or give all of its spans as rows.

    Parameters
    ----------
    connection : Connection
    options : argparse.Namespace
        ``stream_id``, ``top``, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If there is no such stream, or ``top`` is no count.

    Notes
    -----
    Where no time range is given, it is that of the stream's blocks and a day around it.

    As a table a line is a call: how long it took, when in the call that is drawn, and its name.
    What is left out is said: calls of less than a hundredth are counted, and places in the source
    that a terminal has no room for. Other formats get all spans by their begin, times exact.
    """
    if options.top < 1:
        raise ProgrammingError(f"--top is {options.top}; accepted: 1 and more")
    stream = identifier(options.stream_id, "STREAM_ID")
    begin, end = _range(connection, stream)
    cursor = connection.cursor(begin=begin, end=end, timestamps="ns")
    if not text(options):
        write(cursor.execute(_ALL, [stream]).fetch_record_batch(), options)
        return
    counted = cursor.execute(_CALLS, [stream]).fetchone()
    with console(options) as out:
        if counted is None:
            out.print(fold(Text(f"(stream {stream} has no spans in the time range)", "dim"), out))
            return
        depth, calls = counted
        roots = cursor.execute(_SLOWEST, [stream, depth, options.top]).fetchall()
        head = f"the slowest {len(roots)} of {calls}" if calls > len(roots) else f"all {calls}"
        out.print(Text(f"{head} call{'' if calls == 1 else 's'}", "bold"))
        hidden = sum(_draw(cursor, stream, depth, root, out) for root in roots)
        if hidden:
            places = "1 place" if hidden == 1 else f"{hidden} places"
            note = f"(no room for {places} in the source: a wider terminal, or a pipe, has it)"
            out.print(fold(Text(note, "dim"), out))


def _draw(cursor: Cursor, stream: str, depth: int, root: tuple[Any, ...], out: Console) -> int:
    """Draw a call; gives the number of places in the source that had no room."""
    id_, begin, end = root
    found = cursor.execute(_INSIDE, [stream, _time(begin), _time(end), depth, id_])
    types = [column.type_code.arrow_type for column in found.description or ()]
    calls = (
        (row[0], row[1], row[3], row[4], row[5], cell(row[6], types[6]), _place(row[7:], types[7:]))
        for row in found
    )
    call, astray = flame.tree(id_, calls)
    out.print()
    out.print(Text(format_ns(begin), "dim"))
    if call is None:  # the service has rebuilt its view since
        out.print(Text("(gone from the service's answers)", "dim"))
        return 0
    width = _WIDE
    if out.is_terminal:
        width = max(_NARROW, min(_WIDE, int(out.width * _SHARE)))
    hidden = 0
    for line in flame.lines(call, width):
        figures = f"{line.duration:>8} {line.share:4.0%} "
        shown = Text.assemble(figures, (line.bar, "yellow"), " ", "  " * line.depth)
        shown.append(line.name, "" if line.place else "dim")
        place = Text(f"  {line.place}", "dim")
        if line.place and (not out.is_terminal or shown.cell_len + place.cell_len <= out.width):
            shown.append_text(place)
        elif line.place:
            hidden += 1
        out.print(fold(shown, out))
    if astray:
        spans = "1 span" if astray == 1 else f"{astray} spans"
        note = f"({spans} more in this time: not drawn, since the caller is missing)"
        out.print(fold(Text(note, "dim"), out))
    return hidden


def _place(values: tuple[Any, ...], types: list[Any]) -> str:
    target, filename, line = map(cell, values, types)
    return f"{target} {filename}:{line}".strip() if filename else target


def _time(ns: int) -> np.datetime64:
    return np.datetime64(ns, "ns")


def _range(connection: Connection, stream: str) -> tuple[Any, Any]:
    """Give the time range to ask for where none is given: a service refuses to guess it."""
    if connection.explicit_range() is not None:
        _require(connection, stream)
        return None, None
    try:
        cursor = connection.cursor(begin=ALL_TIME, timestamps="ns")
        found = cursor.execute(_BLOCKS, [stream]).fetchone()
    except ProgrammingError:  # a lake may have no blocks
        found = None
    begin, end = found or (None, None)
    if begin is None or end is None:
        _require(connection, stream)
        return _time(MIN_NS), _time(MAX_NS)
    return _time(max(MIN_NS, begin - _DRIFT)), _time(min(MAX_NS, end + _DRIFT))


def _require(connection: Connection, stream: str) -> None:
    """Check that there is such a stream; of a process, tell its threads."""
    cursor = connection.cursor(begin=ALL_TIME)
    try:
        if cursor.execute(_STREAM, [stream]).fetchone() is not None:
            return
        threads = [found for (found,) in cursor.execute(_THREADS, [stream])]
    except DatabaseError:  # a lake may have no streams: then the spans themselves have to tell
        return
    message = f"no stream has the id {stream}"
    if threads:
        message += f", but a process: its threads are {', '.join(threads)}"
    else:
        message += "; streams with the tag 'cpu' are threads, see 'SELECT * FROM streams'"
    raise ProgrammingError(message, query_id=cursor.query_id)
