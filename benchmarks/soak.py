"""Eight clients at once against the local service for a minute: errors, and growth of the server.

    python benchmarks/soak.py [seconds]

Each client is a thread with a connection of its own that repeats a mix of calls, and compares every
answer with the first of its kind. Half of them open a new connection for each call. The server is
a process of its own, whose threads, open files and memory are read from /proc (Linux).
"""

# ruff: noqa: E402
from __future__ import annotations

import sys

# A script's folder comes first in the path, and a file in it would stand in for the library's http.
sys.path[:] = [entry for entry in sys.path if not entry.endswith("benchmarks")]

import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

import micromegas_dbapi as mm
from micromegas_dbapi.client import Client

CLIENTS = 8
ROOT = Path(__file__).parents[1]

STATEMENTS = [
    "SELECT time, level, target, msg FROM log_entries ORDER BY time, msg LIMIT 10",
    "SELECT * FROM measures ORDER BY time, name, value",
    "SELECT target, count(*) AS n FROM log_entries GROUP BY target ORDER BY target",
    "SELECT p.exe, count(*) AS n FROM log_entries l JOIN processes p USING (process_id) "
    "GROUP BY p.exe ORDER BY p.exe",
    "SELECT * FROM view_instance('thread_spans', '{stream}') ORDER BY id",
]


def calls(client: Client) -> dict[str, Callable[[Client], object]]:
    """List the calls of the mix, for the lake that is served."""
    stream = client.query(
        "SELECT stream_id FROM streams WHERE array_has(tags, 'cpu') ORDER BY stream_id LIMIT 1",
        arrow=True,
    )["stream_id"][0].as_py()
    process = client.find_stream(stream, arrow=True)["process_id"][0].as_py()

    def statement(sql: str) -> Callable[[Client], object]:
        return lambda one: one.query(
            sql, "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z", arrow=True
        )

    def refused(one: Client) -> object:
        try:
            return one.query("SELECT nope FROM log_entries", arrow=True)
        except mm.ProgrammingError as error:
            return type(error)

    def materialized(one: Client) -> object:
        lines: list[str] = []
        day = "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z"
        one.materialize_partitions("log_entries", "global", *day, 60, lines.append)
        return lines

    return {
        **{sql: statement(sql.format(stream=stream)) for sql in STATEMENTS},
        "find_process": lambda one: one.find_process(process, arrow=True),
        "query_streams": lambda one: one.query_streams(None, None, 100, process, arrow=True),
        "query_partitions": lambda one: one.query_partitions(arrow=True),
        "materialize_partitions": materialized,
        "an error": refused,
    }


def equal(a: object, b: object) -> bool:
    """Compare two answers by their values: the order inside of dictionaries is the engine's."""
    if isinstance(a, pa.Table) and isinstance(b, pa.Table):
        return a.schema == b.schema and a.to_pylist() == b.to_pylist()
    return a == b


def server(pid: int) -> tuple[int, int, float]:
    """Give the threads, open files and MB of memory of a process."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    files = len(os.listdir(f"/proc/{pid}/fd"))
    return int(fields["Threads"]), files, int(fields["VmRSS"].split()[0]) / 1024


def main(seconds: float) -> int:
    command = [sys.executable, "-m", "micromegas_dbapi.cli", "serve", "--demo", "--port", "0"]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert service.stdout is not None
    url = next(word for word in service.stdout.readline().split() if "http:" in word)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with Client(url) as first:
        mix = calls(first)
        expected = {name: call(first) for name, call in mix.items()}
    over = time.monotonic() + seconds

    def work(number: int) -> None:
        one = Client(url)
        while time.monotonic() < over and not wrong:
            for name, call in mix.items():
                try:
                    if not equal(call(one), expected[name]):
                        wrong.append(f"{name}: another answer")
                except Exception as error:
                    wrong.append(f"{name}: {error!r}")
                counts[name] += 1
                if number % 2:
                    one.close()
                    one = Client(url)
        one.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    print("after s  calls  threads  files  MB")
    began = time.monotonic()
    while any(thread.is_alive() for thread in threads):
        time.sleep(min(5, seconds))
        now = time.monotonic() - began
        print(
            "{:7.0f}  {:5d}  {:7d}  {:5d}  {:.0f}".format(now, counts.total(), *server(service.pid))
        )
    time.sleep(2)
    print("   idle  {:5d}  {:7d}  {:5d}  {:.0f}".format(counts.total(), *server(service.pid)))
    service.terminate()
    print(
        f"{counts.total()} calls by {CLIENTS} clients, {len(wrong)} errors; the service ended "
        f"with exit code {service.wait(20)}"
    )
    print(*wrong[:10], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60))
