"""FlightSQL against its other clients, on one server; a small answer that stalls; a long stream.

Run ``python benchmarks/flight.py OFFICIAL FLIGHTSQL``: the Python of an environment with the
official client (``pip install micromegas``), and of one with flightsql-dbapi (``pip install
flightsql-dbapi pandas 'sqlalchemy<2'``); adbc-driver-flightsql must be in this one. A client whose
environment is not given is left out. Needs Linux, which tells a process's memory in /proc.

Each client is a process of its own that stays up; rounds are interleaved, and medians compared.
Each asks as it does by default: ours for dictionaries, the others for plain columns. "ours, plain"
asks as they do, and has no targets; "ours, unchecked" does not look at the layout of what comes.
Returns 1 if a target is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parent]

import pyarrow as pa  # noqa: E402
import pyarrow.flight as fl  # noqa: E402

import micromegas_dbapi as mm  # noqa: E402
from micromegas_dbapi.transport.flight.messages import TicketStatementQuery  # noqa: E402

HERE = Path(__file__).parent
ROUNDS, CALLS = 5, 20
STREAMED = 5_000_000
# As the columns of the table are called.
TASKS = {"arrow": 10**6, "frame": 10**6, "rows": 10**6, "ten": 10, "tenframe": 10}
# Task, numerator, denominator, and what their ratio should be at least or at most.
TARGETS = [
    ("rows", "adbc", "ours", ">=", 15.0),
    ("rows", "flightsql-dbapi", "ours", ">=", 3.0),
    ("arrow", "ours", "adbc", "<=", 1.0),
    ("ten", "ours", "official", "<=", 0.6),
    ("arrow", "ours", "ours, unchecked", "<=", 1.03),
]
# What is of interest beside them.
BESIDE = [
    ("rows", "adbc", "ours, plain"),
    ("rows", "flightsql-dbapi", "ours, plain"),
    ("arrow", "ours, plain", "adbc"),
    ("ten", "ours, plain", "official"),
    ("tenframe", "ours", "official"),
]
missed: list[str] = []


def judge(what: str, found: float, sign: str, target: float, unit: str = "x") -> None:
    """Print a figure beside what it should be."""
    met = found >= target if sign == ">=" else found <= target
    if not met:
        missed.append(what)
    verdict = "met" if met else "MISSED"
    print(f"{what}: {found:.2f}{unit}, target {sign} {target:g}{unit}: {verdict}")


# ---- Processes ----------------------------------------------------------------------------------


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script that tells that it is ready by its first line."""
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def line(started: subprocess.Popen[str]) -> str:
    """Wait for a script's next line."""
    assert started.stdout is not None
    found = started.stdout.readline().strip()
    if not found:
        raise RuntimeError(f"{started.args} ended; see above")
    return found


# ---- Clients on one server ----------------------------------------------------------------------


def compare(port: int, pythons: dict[str, str]) -> None:
    """Measure every client at every task, in turn."""
    times: dict[tuple[str, str], list[float]] = {}
    print("\nclients of one server; ours asks for dictionaries, the others have plain columns")
    with ExitStack() as stack:
        clients = {}
        for client, python in pythons.items():
            script = str(HERE / "flight_peers.py")
            started = stack.enter_context(process(python, script, client, str(port)))
            ready, _, versions = line(started).partition(" ")
            if ready == "ready":
                clients[client] = started
                print(f"  {client}: {versions}")
            else:
                print(f"  {client}: left out: {ready} {versions}")
        for turn in range(ROUNDS + 1):  # the first one warms up
            for task in TASKS:
                for client in clients if turn % 2 else reversed(clients):
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
    for task, above, below, sign, target in TARGETS:
        if {above, below} <= clients.keys():
            ratio = medians[task, above] / medians[task, below]
            judge(f"{task}: {above} / {below}", ratio, sign, target)
    for task, above, below in BESIDE:
        if {above, below} <= clients.keys():
            ratio = medians[task, above] / medians[task, below]
            print(f"{task}: {above} / {below}: {ratio:.2f}x")


def ask(client: subprocess.Popen[str], task: str) -> float:
    """Have a client do something; gives the seconds it took."""
    assert client.stdin is not None
    client.stdin.write(f"{task}\n")
    client.stdin.flush()
    seconds, rows = line(client).split()
    assert int(rows) == TASKS[task], (task, rows)
    return float(seconds)


# ---- A small answer that stalls -----------------------------------------------------------------


def stall(port: int) -> None:
    """Measure a small answer whose second half waits for an acknowledgement of the first."""
    address = f"grpc://127.0.0.1:{port}"
    plain = fl.FlightClient(address)
    ticket = fl.Ticket(TicketStatementQuery(statement_handle=b"SELECT 1").SerializeToString())
    with mm.connect(address) as ours, mm.connect(address, keepalive_ms=0) as silent:
        tasks: dict[str, Callable[[], pa.Table]] = {
            "pyarrow.flight": lambda: plain.do_get(ticket).read_all(),
            "ours": lambda: ours.execute("SELECT 1").fetch_arrow_table(),
            "ours, keepalive_ms=0": lambda: silent.execute("SELECT 1").fetch_arrow_table(),
        }
        times: dict[str, list[float]] = {name: [] for name in tasks}
        for turn in range(ROUNDS):
            for name in tasks if turn % 2 else reversed(tasks):
                # After a pause, a kernel acknowledges the first exchanges at once.
                for call in range(2 * CALLS):
                    start = time.perf_counter()
                    assert len(tasks[name]()) == 10
                    if call >= CALLS:
                        times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(each) * 1000 for name, each in times.items()}
    print(
        "\na small answer of two writes, the second held back until the first is acknowledged; ms"
    )
    for name, taken in medians.items():
        print(f"{name:22}{taken:8.2f}")
    if medians["pyarrow.flight"] < 35:
        print("this kernel does not delay acknowledgements by 40 ms: the stall is not reproduced")
    ratio = medians["ours"] / medians["pyarrow.flight"]
    judge("a small answer that stalls: ours / pyarrow.flight", ratio, "<=", 0.3)


# ---- A long stream ------------------------------------------------------------------------------


def memory(field: str) -> float:
    """Read a field of this process's memory status, in MB, since ru_maxrss tells a parent's."""
    with open("/proc/self/status") as status:
        return next(int(each.split()[1]) / 1024 for each in status if each.startswith(field))


def stream(port: int) -> None:
    """Read 5 million rows as they come, as tuples and as Arrow."""
    with mm.connect(f"grpc://127.0.0.1:{port}") as connection:
        connection.execute("SELECT * FROM log_entries AS ten").fetchall()
        connection.execute("SELECT * FROM log_entries AS ten").fetch_record_batch().read_all()
        before = memory("VmRSS")
        start = time.perf_counter()
        cursor = connection.execute("SELECT * FROM log_entries AS stream")
        cursor.fetchone()
        first = time.perf_counter() - start
        count = 1 + sum(1 for _ in cursor)
        shown("tuples", count, first, time.perf_counter() - start)
        start = time.perf_counter()
        reader = connection.execute("SELECT * FROM log_entries AS stream").fetch_record_batch()
        count = len(reader.read_next_batch())
        first = time.perf_counter() - start
        count += sum(len(batch) for batch in reader)
        shown("batches", count, first, time.perf_counter() - start)
        judge("peak memory over start", memory("VmHWM") - before, "<=", 150, " MB")


def shown(what: str, count: int, first: float, total: float) -> None:
    assert count == STREAMED, count
    print(f"\n{count:,} rows as {what}: {total:.2f} s, the first after {first * 1000:.1f} ms")
    judge(f"the first of the {what} / all", first / total, "<=", 0.1)


def cancel(port: int) -> None:
    """Cancel a query that one thread reads as fast as rows are made; look whether making ends."""
    address = f"grpc://127.0.0.1:{port}"
    control = fl.FlightClient(address)

    def made() -> tuple[int, int]:
        rows, running = next(iter(control.do_action("made"))).body.to_pybytes().split()
        return int(rows), int(running)

    ended: list[tuple[float, int, object]] = []

    def read(cursor: mm.Cursor) -> None:
        count = 0
        try:
            for _ in cursor:
                count += 1
        except mm.OperationalError as error:
            ended.append((time.perf_counter(), count, error))

    with mm.connect(address) as connection:
        cursor = connection.execute("SELECT * FROM log_entries AS slow")
        reading = threading.Thread(target=read, args=(cursor,))
        reading.start()
        time.sleep(1)
        assert made()[1] == 1
        start = time.perf_counter()
        cursor.cancel()
        returned = time.perf_counter() - start
        while made()[1] and time.perf_counter() < start + 3:
            time.sleep(0.01)
        stopped = time.perf_counter() - start
        reading.join(10)
        at_once = made()[0]
        time.sleep(1)
        rows, running = made()
    print(f"\ncancelled after 1 s of 6: {rows:,} of {STREAMED:,} rows were made", end=", ")
    if ended:
        print(f"{ended[0][1]:,} read until {ended[0][2]}")
    else:
        print("and all were read without an error")
    judge("cancel() returned after", returned, "<=", 1, " s")
    judge("the reading ended after", ended[0][0] - start if ended else 99, "<=", 1, " s")
    judge("the server stopped after", stopped, "<=", 1, " s")
    judge("rows made from then on", rows - at_once if not running else STREAMED, "<=", 0, "")


def main(official: str = "", flightsql: str = "") -> int:
    """Run all of it; give 1 if a target is missed."""
    given = {"official": official, "flightsql-dbapi": flightsql}
    own = ("ours", "ours, plain", "ours, unchecked", "adbc")
    pythons = dict.fromkeys(own, sys.executable)
    pythons |= {client: python for client, python in given.items() if python}
    print(f"Python {sys.version.split()[0]}, pyarrow {pa.__version__}, {os.cpu_count()} cores")
    with process(sys.executable, str(HERE / "flight_server.py")) as server:
        port = int(line(server))
        stream(port)
        cancel(port)
        compare(port, pythons)
    with process(sys.executable, str(HERE / "flight_stall.py")) as server:
        stall(int(line(server)))
    print(f"\nmissed: {'; '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
