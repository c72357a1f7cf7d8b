"""``log``: the log of a process, a line an entry, the oldest first."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.cli.commands.instance_queries import identifier, of_process
from micromegas_dbapi.cli.output import console, text, write
from micromegas_dbapi.cli.render import log_levels
from micromegas_dbapi.cli.render.line_folding import INDENT, fold
from micromegas_dbapi.cli.render.table import cell
from micromegas_dbapi.connection import Connection

__all__ = ["run"]

_ALL = "SELECT time, level, target, msg FROM view_instance('log_entries', ?) ORDER BY time"
_OF_LEVEL = """\
SELECT time, level, target, msg FROM view_instance('log_entries', ?)
WHERE level <= ? ORDER BY time"""


def run(connection: Connection, options: argparse.Namespace) -> None:
    """Print the log of a process.

    Parameters
    ----------
    connection : Connection
    options : argparse.Namespace
        ``process_id``, ``level``, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If there is no such process or level.

    Notes
    -----
    As a table an entry is a line: time in UTC with nanoseconds, level, target, message; the other
    lines of a message follow indented. Other formats get the columns time, level (the number),
    target and msg. Entries are printed as they arrive.
    """
    process = identifier(options.process_id, "PROCESS_ID")
    if options.level is None:
        result, _ = of_process(connection, process, _ALL, [process])
    else:
        worst = log_levels.number(options.level)
        result, _ = of_process(connection, process, _OF_LEVEL, [process, worst])
    if not text(options):
        write(result, options)
        return
    with console(options) as out:
        count = 0
        for entry in _entries(result):
            _print(out, *entry)
            count += 1
        if out.is_terminal:
            out.print(f"({count} {'entry' if count == 1 else 'entries'})", style="dim")


def _entries(result: pa.RecordBatchReader) -> Iterator[tuple[str, int, str, str]]:
    time, _, target, msg = result.schema.types
    for batch in result:
        for when, level, module, message in zip(*rows.columns(batch, "ns"), strict=True):
            stamp = cell(when, time)
            if "." not in stamp:  # so that columns line up
                stamp = stamp.replace("Z", ".000000000Z")
            yield stamp, level, cell(module, target), cell(message, msg)


def _print(out: Console, time: str, level: int, target: str, message: str) -> None:
    label = log_levels.label(level)
    module = f"{target}: " if target else ""
    first, *others = message.split("\n")
    if not out.is_terminal:
        others = [f"{INDENT}{line}" for line in others]
        print(f"{time} {label} {module}{first}", *others, sep="\n", file=out.file)
        return
    head = Text.assemble(
        (time, "dim"), " ", (label, log_levels.COLOURS.get(level, "")), " ", (module, "cyan"), first
    )
    for line in (head, *(Text(INDENT + line) for line in others)):
        out.print(fold(line, out))
