"""The processes of the demo lake: their table, and what each event repeats of its process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from micromegas_dbapi.demo.generate.seeded_lake import Lake
from micromegas_dbapi.demo.scenario.fleet import HOSTS, PROCESSES, USERS, Process
from micromegas_dbapi.demo.scenario.timeline import LENGTH, ticks
from micromegas_dbapi.time_units import SECOND

__all__ = ["origin", "process_table"]


def origin(lake: Lake, process: Process) -> dict[str, Any]:
    """Give the columns that the events of a process repeat."""
    return process._asdict() | {"process_id": lake.uuid("process", process.key)}


def process_table(lake: Lake) -> pa.Table:
    """Make the processes, which the cast has in order of their start."""
    rows = []
    for process in PROCESSES:
        host = HOSTS[process.computer]
        start, _ = process.life
        booted = -LENGTH - host.uptime * SECOND
        rows.append(
            origin(lake, process)
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
