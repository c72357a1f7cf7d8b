"""``micromegas-sql spans``: the slowest calls of a thread, drawn as a flame."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from micromegas_dbapi import rows
from micromegas_dbapi.cli.output import console, text, write
from micromegas_dbapi.cli.table import cell
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.timerange import ALL_TIME, resolve

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["duration", "run"]

_SPANS = """\
SELECT id, parent, depth, begin, "end", duration, name, target, filename, line
FROM view_instance('thread_spans', ?) ORDER BY begin, depth"""
_RANGE = "SELECT min(begin_time), max(end_time) FROM blocks WHERE stream_id = ?"

# What is shorter than this share of the call drawn is counted rather than drawn.
_SHORT = 0.01
_BAR = 24


@dataclass
class _Call:
    """A call, or several in a row of one name below one parent."""

    begin: int
    end: int
    duration: int
    name: str
    where: str
    count: int = 1
    children: list[_Call] = field(default_factory=list)


def run(connection: Connection, options: argparse.Namespace) -> None:
    """Draw the slowest calls that the thread itself made, or give all spans as rows.

    Without a time range the whole of the stream is read: from the begin of its first block to the
    end of its last one.

    Raises
    ------
    ProgrammingError
        If there is no such stream, or it has no blocks.
    """
    if options.top < 1:
        raise ProgrammingError(f"--top {options.top}: accepted are 1 and more")
    result = _spans(connection, options.stream_id)
    if not text(options):
        write(result, options)
        return
    table = result.read_all()
    with console(options) as opened:
        _draw(table, options.top, opened)


def _spans(connection: Connection, stream: str) -> pa.RecordBatchReader:
    if resolve(connection._ranges, time.time_ns()) is not None:
        return connection.execute(_SPANS, [stream]).fetch_record_batch()
    found = connection.execute(_RANGE, [stream], begin=ALL_TIME).fetch_arrow_table()
    begin, end = (column[0].cast(pa.int64()).as_py() for column in found.columns)
    if begin is None:
        raise ProgrammingError(
            f"no blocks of a stream {stream!r}: `SELECT stream_id, properties FROM streams WHERE "
            "array_has(tags, 'cpu')` lists the threads"
        )
    import numpy as np

    # Blocks know their times to the microsecond.
    bounds = np.datetime64(begin, "ns"), np.datetime64(end + 999, "ns")
    cursor = connection.execute(_SPANS, [stream], begin=bounds[0], end=bounds[1])
    return cursor.fetch_record_batch()


def _draw(table: pa.Table, top: int, console: Console) -> None:
    from rich.text import Text

    roots = _calls(table)
    slowest = sorted(roots, key=lambda call: -call.duration)[:top]
    count = f"{table.num_rows} spans, {len(roots)} calls by the thread itself"
    console.print(Text(f"{count}; the slowest {len(slowest)}:", style="bold"))
    for root in slowest:
        console.print()
        console.print(Text(cell(root.begin, table.schema.field("begin").type), style="dim"))
        for line in _lines(root, root, 0):
            # Cut on a terminal, where the place in the source stands last; whole in a pipe.
            console.print(line, no_wrap=True, overflow="ellipsis", soft_wrap=False)


def _calls(table: pa.Table) -> list[_Call]:
    """Build the trees of calls; gives those that no other call of the answer made.

    The thread itself, which is a span of depth 0, is no call; calls that were open before the
    range are missing, and what they made stands alone.
    """
    roots: list[_Call] = []
    known: dict[tuple[int, int], _Call] = {}  # by id and depth: the thread's parent is span 0 too
    spans: list[tuple[int, int, int, _Call]] = []
    for batch in table.to_batches():
        for id_, parent, depth, begin, end, took, name, target, file, line in zip(
            *rows.columns(batch, "ns"), strict=True
        ):
            place = f"{target} {file}:{line}" if file else target
            call = _Call(begin, end, took, name, place)
            known[id_, depth] = call
            spans.append((depth, parent, id_, call))
    for depth, parent, _, call in spans:
        if depth == 0:
            continue
        above = known.get((parent, depth - 1)) if depth > 1 else None
        (roots if above is None else above.children).append(call)
    return roots or [call for _, _, _, call in spans]


def _lines(call: _Call, root: _Call, depth: int) -> list[Text]:
    from rich.text import Text

    share = call.duration / root.duration if root.duration else 1.0
    before = (call.begin - root.begin) / root.duration if root.duration else 0.0
    start = min(_BAR - 1, max(0, round(before * _BAR)))
    cells = min(_BAR - start, max(1, round(share * _BAR)))
    bar = " " * start + "█" * cells + " " * (_BAR - start - cells)
    times = f" x {call.count}" if call.count > 1 else ""
    line = Text(f"{duration(call.duration):>9} {share:4.0%} ")
    line.append(bar, style="yellow").append(f" {'  ' * depth}{call.name}{times}")
    line.append(f"  {call.where}", style="dim")
    lines = [line]
    short: list[_Call] = []
    for child in _merged(call.children):
        if child.duration < _SHORT * root.duration:
            short.append(child)
        else:
            lines += _lines(child, root, depth + 1)
    if short:
        count, total = sum(c.count for c in short), sum(c.duration for c in short)
        text = f"{duration(total):>9} {'':4} {'':{_BAR}} {'  ' * (depth + 1)}"
        lines.append(Text(f"{text}({count} shorter than 1 %)", style="dim"))
    return lines


def _merged(calls: list[_Call]) -> list[_Call]:
    """Join calls of one name in a row, with what they made."""
    merged: list[_Call] = []
    for call in calls:
        last = merged[-1] if merged else None
        if last is None or (last.name, last.where) != (call.name, call.where):
            merged.append(_Call(**{**vars(call), "children": list(call.children)}))
        else:
            last.end = call.end
            last.duration += call.duration
            last.count += call.count
            last.children += call.children
    return merged


def duration(ns: int) -> str:
    """Write a duration for people, in the largest unit of which it has one or more.

    >>> duration(725_422)
    '725 us'
    """
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 1000 * size else f"{ns / size:.0f} {unit}"
    return f"{ns} ns"
