"""``processes``: the processes that a service knows, the newest first."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.text import Text

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.cli.output import console, to_terminal, write
from micromegas_dbapi.cli.render.line_folding import INDENT, fold, pack
from micromegas_dbapi.cli.render.table import cell
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.timerange import to_ns

__all__ = ["run"]

_ALL = "SELECT * FROM processes ORDER BY start_time DESC NULLS LAST"
_SINCE = "SELECT * FROM processes WHERE start_time >= ? ORDER BY start_time DESC NULLS LAST"

# Those that the service has; last_update_time is one that only newer services have.
_COLUMNS = (
    *("process_id", "start_time", "last_update_time", "exe", "username", "computer", "distro"),
    "parent_process_id",
)


def run(connection: Connection, options: argparse.Namespace) -> None:
    """List processes, the newest first.

    Parameters
    ----------
    connection : Connection
    options : argparse.Namespace
        ``since``, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If ``since`` is no time.

    Notes
    -----
    ``since`` asks for those with a ``start_time`` since then, which is a time of the process's
    own clock. It sets no time range: that would mean when the service heard of a process, by
    another clock, and could hide some.
    """
    if options.since is None:
        cursor = connection.execute(_ALL)
    else:
        cursor = connection.execute(_SINCE, [_instant(options.since)])
    result = cursor.fetch_record_batch()
    names = [name for name in _COLUMNS if name in result.schema.names]
    schema = pa.schema([result.schema.field(name) for name in names])
    batches = (batch.select(names) for batch in result)
    shown = pa.RecordBatchReader.from_batches(schema, batches)
    if to_terminal(options):
        with console(options) as out:
            _print(shown, out)
    else:
        write(shown, options)


def _print(result: pa.RecordBatchReader, out: Console) -> None:
    """Print each process with its id whole, to be copied: a table would break it."""
    types = dict(zip(result.schema.names, result.schema.types, strict=True))
    count = 0
    for batch in result:
        for row in zip(*rows.columns(batch, "ns"), strict=True):
            of = {name: cell(v, types[name]) for name, v in zip(types, row, strict=True) if v != ""}
            head = Text.assemble((of["process_id"], "bold"), "  ", (of.get("exe", ""), "cyan"))
            out.print(fold(head, out))
            for line in pack(_pieces(of), out.width - len(INDENT)):
                out.print(fold(Text(INDENT).append_text(line), out))
            count += 1
    out.print(f"({count} {'process' if count == 1 else 'processes'})", style="dim")


def _pieces(of: dict[str, str]) -> Iterator[Text]:
    yield Text(f"{of.get('username', '')}@{of.get('computer', '')}")
    for name, says in (
        ("start_time", "started "),
        ("last_update_time", "last heard of "),
        ("distro", ""),
        ("parent_process_id", "child of "),
    ):
        if name in of:
            yield Text.assemble((says, "dim"), of[name])


def _instant(since: str) -> np.datetime64:
    """Read ``1h`` as one hour ago; all else as `--begin` is read."""
    now = time.time_ns()
    relative = f"-{since}" if since[:1].isdigit() and since[-1:].isalpha() else since
    try:
        bound = to_ns(relative, now, "since")
    except ProgrammingError:
        bound = to_ns(since, now, "since")
    return np.datetime64(bound, "ns")
