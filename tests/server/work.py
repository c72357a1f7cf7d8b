"""Statements that take long, and how to see that nobody works for them any more."""

from __future__ import annotations

import time

# None gives a batch for a long time.
SLOW = {
    "cross join": "SELECT sum(a.value * b.value) FROM generate_series(1, 100000) a, "
    "generate_series(1, 10000000) b",
    "aggregate": "SELECT count(*) FROM (SELECT value % 10000019 AS g, count(*) "
    "FROM generate_series(1, 3000000000) GROUP BY 1)",
    "sort": "SELECT * FROM (SELECT (value * 7919) % 100003 AS v, value "
    "FROM generate_series(1, 500000000)) ORDER BY v LIMIT 5 OFFSET 49999990",
    "filter": "SELECT value FROM generate_series(1, 300000000000) WHERE value % 7 = 9",
}


def rests(within: float = 10) -> bool:
    """Whether this process, all its threads, comes to rest."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        begin = time.process_time()
        time.sleep(0.1)
        if time.process_time() - begin < 0.02:
            return True
    return False
