"""Run ``micromegas-sql processes``: list processes, newest first."""

from __future__ import annotations

import argparse
import time

import numpy as np
import pyarrow as pa

from micromegas_dbapi.cli.output import is_terminal, open_console, write_result
from micromegas_dbapi.cli.render.process_list import print_processes
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.timerange import to_ns

__all__ = ["run"]

_ALL = "SELECT * FROM processes ORDER BY start_time DESC NULLS LAST"
_SINCE = "SELECT * FROM processes WHERE start_time >= ? ORDER BY start_time DESC NULLS LAST"

# The columns to show, where the service has them: last_update_time only in newer versions.
_COLUMNS = (
    *("process_id", "start_time", "last_update_time", "exe", "username", "computer", "distro"),
    "parent_process_id",
)


def run(connection: Connection, options: argparse.Namespace) -> None:
    """List processes, newest first.

    Parameters
    ----------
    connection : Connection
        To the service.
    options : argparse.Namespace
        With ``since``, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If ``since`` is not a time.
    DatabaseError
        If the query or the output fails.

    Notes
    -----
    ``since`` is compared with ``start_time``, a time of the process's own clock. It is not sent as
    a time range: a range refers to the service's clock, when it received data of the process, and
    could hide processes.
    """
    if options.since is None:
        cursor = connection.execute(_ALL)
    else:
        cursor = connection.execute(_SINCE, [_parse_since(options.since)])
    result = _with_columns(cursor.fetch_record_batch())
    if is_terminal(options):
        with open_console(options) as console:
            print_processes(result, console)
    else:
        write_result(result, options)


def _with_columns(result: pa.RecordBatchReader) -> pa.RecordBatchReader:
    names = [name for name in _COLUMNS if name in result.schema.names]
    schema = pa.schema([result.schema.field(name) for name in names])
    batches = (batch.select(names) for batch in result)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _parse_since(since: str) -> np.datetime64:
    """Parse ``1h`` as one hour ago, everything else like `--begin`."""
    now = time.time_ns()
    relative = f"-{since}" if since[:1].isdigit() and since[-1:].isalpha() else since
    try:
        bound = to_ns(relative, now, "since")
    except ProgrammingError:
        bound = to_ns(since, now, "since")
    return np.datetime64(bound, "ns")
