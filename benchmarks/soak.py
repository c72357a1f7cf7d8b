"""Run eight clients against the local service, and look for errors and growth of the server.

    python benchmarks/soak.py [SECONDS]

Each client is a thread with its own connection. It repeats a mix of calls for a minute by default,
and compares every result with the first result of the same call. Half of the clients open a new
connection for each call. The server is a separate process; its threads, open files and memory are
read from /proc (Linux). Returns 1 if a call fails or returns something else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from measurement import SCALE

import micromegas_dbapi as mm
from micromegas_dbapi.client import Client

CLIENTS = 8 if SCALE >= 1 else 2
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
    """Return the mix of calls, by name, for the data that is served."""
    stream = client.query(
        "SELECT stream_id FROM streams WHERE array_has(tags, 'cpu') ORDER BY stream_id LIMIT 1",
        arrow=True,
    )["stream_id"][0].as_py()
    process = client.find_stream(stream, arrow=True)["process_id"][0].as_py()

    def statement(sql: str) -> Callable[[Client], object]:
        return lambda one: one.query(
            sql, "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z", arrow=True
        )

    def unknown_column(one: Client) -> object:
        try:
            return one.query("SELECT nope FROM log_entries", arrow=True)
        except mm.ProgrammingError as error:
            return type(error)

    def materialize(one: Client) -> object:
        lines: list[str] = []
        day = "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z"
        one.materialize_partitions("log_entries", "global", *day, 60, lines.append)
        return lines

    return {
        **{sql: statement(sql.format(stream=stream)) for sql in STATEMENTS},
        "find_process": lambda one: one.find_process(process, arrow=True),
        "query_streams": lambda one: one.query_streams(None, None, 100, process, arrow=True),
        "query_partitions": lambda one: one.query_partitions(arrow=True),
        "materialize_partitions": materialize,
        "an error": unknown_column,
    }


def equal(a: object, b: object) -> bool:
    """Compare two results by their values. The order of values in dictionaries may differ."""
    if isinstance(a, pa.Table) and isinstance(b, pa.Table):
        return a.schema == b.schema and a.to_pylist() == b.to_pylist()
    return a == b


def server(pid: int) -> tuple[int, int, float]:
    """Return the number of threads, the number of open files and the MB of memory of a process."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    files = len(os.listdir(f"/proc/{pid}/fd"))
    return int(fields["Threads"]), files, int(fields["VmRSS"].split()[0]) / 1024


def main(seconds: float = 60 * SCALE) -> int:
    """Start the service, run the clients, and return 1 if a call went wrong."""
    command = [sys.executable, "-m", "micromegas_dbapi.cli", "serve", "--demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as service:
        assert service.stdout is not None
        try:
            url = next(word for word in service.stdout.readline().split() if "http:" in word)
            counts, wrong = run(url, service.pid, seconds)
        finally:
            service.terminate()
    print(
        f"{counts.total()} calls by {CLIENTS} clients, {len(wrong)} errors; the service ended "
        f"with exit code {service.returncode}"
    )
    print(*wrong[:10], sep="\n")
    return 1 if wrong else 0


def run(url: str, pid: int, seconds: float) -> tuple[Counter[str], list[str]]:
    """Run all clients, and print the state of the service every five seconds.

    Returns
    -------
    counts : Counter
        How often each call was made.
    wrong : list of str
        Calls that failed or returned another result.
    """
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with Client(url) as first:
        mix = calls(first)
        expected = {name: call(first) for name, call in mix.items()}
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        client = Client(url)
        while True:
            for name, call in mix.items():
                try:
                    if not equal(call(client), expected[name]):
                        wrong.append(f"{name}: another result")
                except Exception as error:
                    wrong.append(f"{name}: {error!r}")
                counts[name] += 1
                if number % 2:
                    client.close()
                    client = Client(url)
            if wrong or time.monotonic() > end:
                break
        client.close()

    def state(label: str) -> None:
        print("{:>7}  {:5d}  {:7d}  {:5d}  {:.0f}".format(label, counts.total(), *server(pid)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    print("after s  calls  threads  files  MB")
    began = time.monotonic()
    for thread in threads:
        while thread.is_alive():
            thread.join(5)
            state(f"{time.monotonic() - began:.0f}")
    time.sleep(min(2, seconds))
    state("idle")
    return counts, wrong


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
