"""FlightSQL against its other clients, on one server; a small answer that stalls; a long stream.

Run ``python benchmarks/flight.py OFFICIAL FLIGHTSQL``: the Python of an environment with the
official client (``pip install micromegas``), and of one with flightsql-dbapi (``pip install
flightsql-dbapi pandas 'sqlalchemy<2'``); adbc-driver-flightsql must be in this one. A client whose
environment is not given is left out.

Each client is a process of its own that stays up; rounds are interleaved, and medians compared.
Each asks as it does by default: ours for dictionaries, the others for plain columns.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parent]

import pyarrow.flight as fl  # noqa: E402

import micromegas_dbapi as mm  # noqa: E402
from micromegas_dbapi.transport.flightsql import TicketStatementQuery  # noqa: E402

HERE = Path(__file__).parent
ROUNDS = 3
TASKS = ("arrow", "frame", "rows", "ten")
# task, client, how many times as long as ours it must take at least.
TARGETS = [
    ("rows", "adbc", 15.0),
    ("rows", "flightsql-dbapi", 3.0),
    ("arrow", "adbc", 1.0),
    ("ten", "official", 1 / 0.6),
]


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script that tells that it is ready by its first line."""
    with subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def first_line(started: subprocess.Popen[str]) -> str:
    """Wait for a script's first line."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


def compare(port: int, pythons: dict[str, str]) -> None:
    """Measure every client at every task, in turn."""
    times: dict[tuple[str, str], list[float]] = {}
    with ExitStack() as stack:
        clients = {}
        for client, python in pythons.items():
            script = str(HERE / "flight_peers.py")
            started = stack.enter_context(process(python, script, client, str(port)))
            if first_line(started) != "ready":
                print(f"{client}: left out, since it does not run in {python}")
                continue
            clients[client] = started
        for turn in range(ROUNDS + 1):  # the first one warms up
            for task in TASKS:
                order = list(clients) if turn % 2 else list(reversed(clients))
                for client in order:
                    if turn == 0 and (client, task) == ("adbc", "rows"):
                        continue
                    seconds = ask(clients[client], task)
                    if turn:
                        times.setdefault((task, client), []).append(seconds)
    medians = {key: statistics.median(each) for key, each in times.items()}
    print(f"\n{'ms':18}" + "".join(f"{task:>12}" for task in TASKS))
    for client in clients:
        shown = "".join(f"{medians[task, client] * 1000:12.2f}" for task in TASKS)
        print(f"{client:18}{shown}")
    print()
    for task, client, least in TARGETS:
        if client in clients:
            ratio = medians[task, client] / medians[task, "ours"]
            target(f"{task}: {client} takes {ratio:.2f}x of ours", ratio, least)


def ask(client: subprocess.Popen[str], task: str) -> float:
    """Have a client do something; gives the seconds it took."""
    assert client.stdin is not None
    client.stdin.write(f"{task}\n")
    client.stdin.flush()
    seconds, rows = first_line(client).split()
    assert int(rows) == (10 if task == "ten" else 1_000_000)
    return float(seconds)


def target(says: str, found: float, least: float) -> None:
    """Print a figure beside what it should be."""
    print(f"{says}; target at least {least:.2f}x: {'met' if found >= least else 'MISSED'}")


def median(task: Callable[[], object], repeats: int) -> float:
    """Give the median of the times that a task takes, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def stall(port: int) -> None:
    """Measure a small answer whose second half waits for an acknowledgement of the first."""
    address = f"grpc://127.0.0.1:{port}"
    plain = fl.FlightClient(address)
    ticket = fl.Ticket(TicketStatementQuery(statement_handle=b"SELECT 1").SerializeToString())
    with mm.connect(address) as ours, mm.connect(address, keepalive_ms=0) as silent:
        tasks: dict[str, Callable[[], object]] = {
            "pyarrow.flight": lambda: plain.do_get(ticket).read_all(),
            "ours": lambda: ours.execute("SELECT 1").fetch_arrow_table(),
            "ours, keepalive_ms=0": lambda: silent.execute("SELECT 1").fetch_arrow_table(),
        }
        for task in tasks.values():
            median(task, 40)  # until kernels delay acknowledgements
        found = {name: [median(task, 20) for _ in range(5)] for name, task in tasks.items()}
    print("\na small answer of two writes, ms")
    for name, times in found.items():
        print(f"{name:22}{statistics.median(times):8.2f}")
    ratio = statistics.median(found["pyarrow.flight"]) / statistics.median(found["ours"])
    target(f"pyarrow.flight takes {ratio:.2f}x of ours", ratio, 1 / 0.3)


def stream(port: int) -> None:
    """Measure 5 million rows as they come: the first one, memory, and a cancelled query."""
    address = f"grpc://127.0.0.1:{port}"
    with mm.connect(address) as connection:
        connection.execute("SELECT * FROM ten").fetchall()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        cursor = connection.execute("SELECT * FROM stream")
        cursor.fetchone()
        first = time.perf_counter() - start
        count = 1 + sum(1 for _ in cursor)
        total = time.perf_counter() - start
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"\n{count} rows as tuples: {total:.2f} s, the first after {first * 1000:.1f} ms")
        target(f"all take {total / first:.0f}x of the first", total / first, 10)
        met = "met" if grown < 150 else "MISSED"
        print(f"peak memory over start {grown:.0f} MB; target under 150 MB: {met}")
        cursor.execute("SELECT * FROM stream").fetchone()
        start = time.perf_counter()
        cursor.cancel()
        cancelled = time.perf_counter() - start
        counter = fl.FlightClient(address)
        time.sleep(0.5)
        made = [int(made_of(counter)) for _ in range(2) if time.sleep(0.5) is None]
        stopped = made[0] == made[1] < 5_000_000 // 8192
        print(
            f"cancel() returned after {cancelled * 1000:.2f} ms; the server made {made[0]} of 610 "
            f"batches and {'stopped: met' if stopped else 'GOES ON: MISSED'}"
        )


def made_of(client: fl.FlightClient) -> bytes:
    """Ask the server how many batches of the stream it made."""
    found: bytes = next(iter(client.do_action("made"))).body.to_pybytes()
    return found


def main(official: str = "", flightsql: str = "") -> None:
    """Run all of it."""
    given = {"official": official, "flightsql-dbapi": flightsql}
    pythons = {"ours": sys.executable, "ours, plain": sys.executable, "adbc": sys.executable}
    pythons |= {client: python for client, python in given.items() if python}
    with process(sys.executable, str(HERE / "flight_server.py")) as server:
        port = int(first_line(server))
        stream(port)
        compare(port, pythons)
    with process(sys.executable, str(HERE / "flight_stall.py")) as server:
        stall(int(first_line(server)))


if __name__ == "__main__":
    main(*sys.argv[1:])
