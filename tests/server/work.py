"""Statements that take long, and whether the query engine works.

A thread that waits for a processor is running too. So nothing here depends on how many others want
one, as a measurement of CPU time would.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="the states of threads are read from /proc"
)

# None returns a batch for a long time.
SLOW = {
    "cross join": "SELECT sum(a.value * b.value) FROM generate_series(1, 100000) a, "
    "generate_series(1, 10000000) b",
    "aggregate": "SELECT count(*) FROM (SELECT value % 10000019 AS g, count(*) "
    "FROM generate_series(1, 3000000000) GROUP BY 1)",
    "sort": "SELECT * FROM (SELECT (value * 7919) % 100003 AS v, value "
    "FROM generate_series(1, 500000000)) ORDER BY v LIMIT 5 OFFSET 49999990",
    "filter": "SELECT value FROM generate_series(1, 300000000000) WHERE value % 7 = 9",
}


# Threads of gRPC, which wake up now and then, whatever there is to do.
_TIMERS = ("event_engine", "lifeguard", "grpc_global_tim")


def works(process: int | None = None, within: float = 60) -> bool:
    """Whether the engine of a process (default: this one) comes to work for a while."""
    return _stays(True, process, lambda name: name.startswith("tokio"), within)


def rests(process: int | None = None, within: float = 60) -> bool:
    """Whether all threads of a process (default: all other threads of this one) come to rest."""
    return _stays(False, process, lambda name: name not in _TIMERS, within)


def _stays(
    running: bool, process: int | None, counts: Callable[[str], bool], within: float
) -> bool:
    end = time.monotonic() + within
    found_so = 0
    while found_so < 20:
        if time.monotonic() > end:
            return False
        found_so = found_so + 1 if _runs(process, counts) == running else 0
        time.sleep(0.005)
    return True


def _runs(process: int | None, counts: Callable[[str], bool]) -> bool:
    """Whether a thread runs whose name counts."""
    this = str(threading.get_native_id())
    for task in Path(f"/proc/{process or 'self'}/task").iterdir():
        try:
            name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        if task.name != this and counts(name) and rest.split()[0] == "R":
            return True
    return False
