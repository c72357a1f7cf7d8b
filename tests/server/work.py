"""Statements that run for minutes, and checks whether this process works for them."""

from __future__ import annotations

import time

# None of them returns a batch for a long time.
SLOW = {
    "cross join": "SELECT sum(a.value * b.value) FROM generate_series(1, 100000) a, "
    "generate_series(1, 10000000) b",
    "aggregate": "SELECT count(*) FROM (SELECT value % 10000019 AS g, count(*) "
    "FROM generate_series(1, 3000000000) GROUP BY 1)",
    "sort": "SELECT * FROM (SELECT (value * 7919) % 100003 AS v, value "
    "FROM generate_series(1, 500000000)) ORDER BY v LIMIT 5 OFFSET 49999990",
    "filter": "SELECT value FROM generate_series(1, 300000000000) WHERE value % 7 = 9",
}


def works(within: float = 20) -> bool:
    """Return whether this process uses some CPU time, independent of the machine's load."""
    until, begin = time.monotonic() + within, time.process_time()
    while time.monotonic() < until:
        time.sleep(0.05)
        if time.process_time() - begin > 0.2:
            return True
    return False


def rests(within: float = 10) -> bool:
    """Return whether the threads of this process come to rest."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        begin = time.process_time()
        time.sleep(0.1)
        if time.process_time() - begin < 0.02:
            return True
    return False
