"""``processes``: the processes that a service knows, the newest first."""

from __future__ import annotations

import argparse
import time

import numpy as np
import pyarrow as pa

from micromegas_dbapi.cli.output import write
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.timerange import to_ns

__all__ = ["run"]

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
    sql, parameters = "SELECT * FROM processes", ()
    if options.since is not None:
        sql, parameters = f"{sql} WHERE start_time >= ?", (_instant(options.since),)
    cursor = connection.execute(f"{sql} ORDER BY start_time DESC NULLS LAST", parameters)
    result = cursor.fetch_record_batch()
    names = [name for name in _COLUMNS if name in result.schema.names]
    schema = pa.schema([result.schema.field(name) for name in names])
    batches = (batch.select(names) for batch in result)
    write(pa.RecordBatchReader.from_batches(schema, batches), options)


def _instant(since: str) -> np.datetime64:
    """Read ``1h`` as one hour ago; all else as `--begin` is read."""
    now = time.time_ns()
    relative = f"-{since}" if since[:1].isdigit() and since[-1:].isalpha() else since
    try:
        bound = to_ns(relative, now, "since")
    except ProgrammingError:
        bound = to_ns(since, now, "since")
    return np.datetime64(bound, "ns")
