"""Generate the table of processes, and the columns that events repeat of their process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from micromegas_dbapi.demo.generate.seeded_lake import SeededLake
from micromegas_dbapi.demo.scenario.fleet import HOSTS, PROCESSES, USERS, Process
from micromegas_dbapi.demo.scenario.timeline import LENGTH, ticks
from micromegas_dbapi.time_units import SECOND

__all__ = ["event_columns", "process_table"]


def event_columns(lake: SeededLake, process: Process) -> dict[str, Any]:
    """Return the columns that each event repeats of its process.

    Parameters
    ----------
    lake : SeededLake
        The lake to generate.
    process : Process
        The process that sends the events.

    Returns
    -------
    dict
        By the names of the columns. It also contains other attributes of the process.
    """
    return process._asdict() | {"process_id": lake.uuid("process", process.key)}


def process_table(lake: SeededLake) -> pa.Table:
    """Generate the processes, in the order of their start.

    Parameters
    ----------
    lake : SeededLake
        The lake to generate.

    Returns
    -------
    pyarrow.Table
        With the schema of the view.
    """
    rows = []
    for process in PROCESSES:
        host = HOSTS[process.computer]
        start, _ = process.lifetime
        booted = -LENGTH - host.uptime * SECOND
        rows.append(
            event_columns(lake, process)
            | host._asdict()
            | {
                "realname": USERS[process.username],
                "start_time": start,
                "start_ticks": ticks(start - booted, host.tsc_frequency),
                "insert_time": start + 22_018_000,
                "parent_process_id": lake.uuid("process", process.parent) if process.parent else "",
            }
        )
    return lake.table("processes", {}, rows, np.arange(len(rows)))
