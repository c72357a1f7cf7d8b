"""Print log entries, one line each, in the colours of their levels."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.cli.render.line_folding import INDENT, fold
from micromegas_dbapi.cli.render.log_levels import LEVEL_COLOURS, level_label
from micromegas_dbapi.cli.render.table import cell_text

__all__ = ["print_log"]


def print_log(result: pa.RecordBatchReader, console: Console) -> None:
    """Print log entries as they arrive, and on a terminal their number.

    Parameters
    ----------
    result : pyarrow.RecordBatchReader
        With the columns time, level, target and msg.
    console : rich.console.Console
        Where to print.

    Raises
    ------
    DatabaseError
        If reading the result fails.
    """
    count = 0
    for entry in _entries(result):
        _print_entry(console, *entry)
        count += 1
    if console.is_terminal:
        console.print(f"({count} {'entry' if count == 1 else 'entries'})", style="dim")


def _entries(result: pa.RecordBatchReader) -> Iterator[tuple[str, int, str, str]]:
    time_type, _, target_type, msg_type = result.schema.types
    for batch in result:
        for time, level, target, msg in zip(*rows.columns(batch, "ns"), strict=True):
            stamp = cell_text(time, time_type)
            if "." not in stamp:  # so that the columns line up
                stamp = stamp.replace("Z", ".000000000Z")
            yield stamp, level, cell_text(target, target_type), cell_text(msg, msg_type)


def _print_entry(console: Console, time: str, level: int, target: str, message: str) -> None:
    label = level_label(level)
    source = f"{target}: " if target else ""
    first, *others = message.split("\n")
    if not console.is_terminal:
        others = [f"{INDENT}{line}" for line in others]
        print(f"{time} {label} {source}{first}", *others, sep="\n", file=console.file)
        return
    colour = LEVEL_COLOURS.get(level, "")
    head = Text.assemble((time, "dim"), " ", (label, colour), " ", (source, "cyan"), first)
    for line in (head, *(Text(INDENT + line) for line in others)):
        console.print(fold(line, console))
