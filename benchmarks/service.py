"""A query of ten rows against the local service: this driver, and the official client.

    python benchmarks/service.py .venv-official/bin/python

The argument is an interpreter that has micromegas==0.2.3 (see CONTRIBUTING.md). Both clients run in
it, in turn in one process; the service is a process of its own. What the service needs is the same
for both, and is printed beside: a bare keep-alive connection that decodes nothing.
"""

# ruff: noqa: E402
from __future__ import annotations

import sys

# A script's folder comes first in the path, and a file in it would stand in for the library's http.
sys.path[:] = [entry for entry in sys.path if not entry.endswith("benchmarks")]

import gc
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
SQL = "SELECT time, level, target, msg FROM log_entries LIMIT 10"
WIDE = "SELECT * FROM log_entries LIMIT 10"
ROUNDS, CALLS = 31, 20
TARGET = 0.4


def measure(url: str) -> None:
    """Print, as JSON, the medians in seconds per call of each way to run each statement."""
    import http.client

    import cbor2
    import micromegas  # type: ignore[import-not-found]

    import micromegas_dbapi as mm
    from micromegas_dbapi.client import Client

    official = micromegas.client.Client(f"{url}/")
    connection, ours = mm.connect(url), Client(url)
    socket = http.client.HTTPConnection(url.partition("//")[2])

    def bare(sql: str) -> bytes:
        body = cbor2.dumps({"sql": sql, "begin": None, "end": None})
        socket.request("POST", "/analytics/query", body)
        return socket.getresponse().read()

    ways: dict[str, Callable[[str], object]] = {
        "official": official.query,
        "rows": lambda sql: connection.execute(sql).fetchall(),
        "frame": ours.query,
        "bare": bare,
    }
    found = {}
    for sql in (SQL, WIDE):
        assert official.query(sql).shape == ours.query(sql).shape
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(ROUNDS):
            for name in list(ways) if number % 2 else reversed(ways):
                ways[name](sql)
                gc.collect()
                start = time.perf_counter()
                for _ in range(CALLS):
                    ways[name](sql)
                taken[name].append((time.perf_counter() - start) / CALLS)
        found[sql] = {name: statistics.median(times) for name, times in taken.items()}
    print(json.dumps(found))


def main(python: str) -> None:
    command = [sys.executable, "-m", "micromegas_dbapi.cli", "serve", "--demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as service:
        assert service.stdout is not None
        try:
            url = next(word for word in service.stdout.readline().split() if "http:" in word)
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            client = [python, __file__, "--measure", url]
            done = subprocess.run(client, env=environment, stdout=subprocess.PIPE, check=True)
        finally:
            service.terminate()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; ms per call")
    for sql, taken in json.loads(done.stdout).items():
        official, bare = taken["official"], taken["bare"]
        print(f"{sql}: official {official * 1e3:.2f}, bare connection {bare * 1e3:.2f}")
        for name in ("rows", "frame"):
            ratio = taken[name] / official
            beside = (taken[name] - bare) / (official - bare)
            verdict = "ok" if ratio <= TARGET else "MISSED"
            print(
                f"  ours, {name}: {taken[name] * 1e3:.2f}, {ratio:.2f}x (target <= {TARGET}x) "
                f"{verdict}; beside the service's time {beside:.2f}x"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
    elif len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        sys.exit(__doc__)
