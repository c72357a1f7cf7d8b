"""Compare FlightSQL clients on one server, and measure stalls, long streams and cancellation.

    python benchmarks/flight.py OFFICIAL FLIGHTSQL

The arguments are the Python interpreters of two environments: one with the official client (``pip
install micromegas``), one with flightsql-dbapi (``pip install flightsql-dbapi pandas
'sqlalchemy<2'``). adbc-driver-flightsql must be installed in the environment of this script.
Clients that are not installed are left out. Memory is read from /proc (Linux).

Each client is a process that runs all the time; rounds are interleaved, and medians compared. Each
client uses its defaults: ours requests dictionaries, the others plain columns. "ours, plain"
requests plain columns too, and has no targets. "ours, unchecked" does not check the layout of
results. Returns 1 if a target is missed.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.flight as fl
from flight_server import LARGE, PAUSE, STREAMED
from measurement import Targets, interleaved, scaled

import micromegas_dbapi as mm
from micromegas_dbapi.transport.flight.messages import TicketStatementQuery

HERE = Path(__file__).parent
ROUNDS, CALLS = scaled(5), scaled(20)
TASKS = {"arrow": LARGE, "frame": LARGE, "rows": LARGE, "ten": 10, "tenframe": 10}
# Task, numerator, denominator, and the target of their ratio.
TARGETS = [
    ("rows", "adbc", "ours", ">=", 15.0),
    ("rows", "flightsql-dbapi", "ours", ">=", 3.0),
    ("arrow", "ours", "adbc", "<=", 1.0),
    ("ten", "ours", "official", "<=", 0.6),
    ("tenframe", "ours", "official", "<=", 1.0),
    ("arrow", "ours", "ours, unchecked", "<=", 1.03),
]
# Ratios without a target.
RATIOS = [
    ("rows", "adbc", "ours, plain"),
    ("rows", "flightsql-dbapi", "ours, plain"),
    ("arrow", "ours, plain", "adbc"),
    ("ten", "ours, plain", "official"),
    ("tenframe", "ours, plain", "official"),
]


# ---- Processes ----------------------------------------------------------------------------------


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script that prints a line when it is ready, and kill it at the end."""
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
        raise RuntimeError(f"{started.args} ended; see its error above")
    return found


# ---- Clients on one server ----------------------------------------------------------------------


def compare(port: int, interpreters: dict[str, str], targets: Targets) -> None:
    """Measure every task with every client."""
    print("\nclients on one server; ours requests dictionaries, the others plain columns")
    with ExitStack() as stack:
        clients = {}
        for name, interpreter in interpreters.items():
            if shutil.which(interpreter) is None:
                print(f"  {name}: left out: {interpreter} not found")
                continue
            script = str(HERE / "flight_clients.py")
            started = stack.enter_context(process(interpreter, script, name, str(port)))
            ready, _, versions = line(started).partition(" ")
            if ready == "ready":
                clients[name] = started
                print(f"  {name}: {versions}")
            else:
                print(f"  {name}: left out: {ready} {versions}")
        variants = {
            (task, name): partial(run, client, task)
            for task in TASKS
            for name, client in clients.items()
        }
        for key, warm_up in variants.items():
            if key != ("rows", "adbc"):  # takes long
                warm_up()
        medians = interleaved(variants, ROUNDS)
    print(f"\n{'ms':18}" + "".join(f"{task:>12}" for task in TASKS))
    for name in clients:
        columns = "".join(f"{medians[task, name] * 1000:12.2f}" for task in TASKS)
        print(f"{name:18}{columns}")
    print()
    for task, above, below, sign, limit in TARGETS:
        if {above, below} <= clients.keys():
            ratio = medians[task, above] / medians[task, below]
            targets.check(f"{task}: {above} / {below}", ratio, sign, limit)
    for task, above, below in RATIOS:
        if {above, below} <= clients.keys():
            ratio = medians[task, above] / medians[task, below]
            print(f"{task}: {above} / {below}: {ratio:.2f}x")


def run(client: subprocess.Popen[str], task: str) -> float:
    """Let a client run a task; return the seconds it took."""
    assert client.stdin is not None
    client.stdin.write(f"{task}\n")
    client.stdin.flush()
    seconds, rows = line(client).split()
    assert int(rows) == TASKS[task], (task, rows)
    return float(seconds)


# ---- A small result that stalls -----------------------------------------------------------------


def stall(port: int, targets: Targets) -> None:
    """Measure a small result whose second half is sent after an acknowledgement of the first."""
    address = f"grpc://127.0.0.1:{port}"
    ticket = fl.Ticket(TicketStatementQuery(statement_handle=b"SELECT 1").SerializeToString())

    def seconds(task: Callable[[], pa.Table]) -> float:
        times = []
        for _ in range(2 * CALLS):
            start = time.perf_counter()
            assert len(task()) == 10
            times.append(time.perf_counter() - start)
        # After a pause, kernels acknowledge the first exchanges without delay.
        return statistics.median(times[CALLS:])

    with (
        fl.FlightClient(address) as client,
        mm.connect(address) as ours,
        mm.connect(address, keepalive_ms=0) as without_pings,
    ):
        medians = interleaved(
            {
                "pyarrow.flight": lambda: seconds(lambda: client.do_get(ticket).read_all()),
                "ours": lambda: seconds(lambda: ours.execute("SELECT 1").fetch_arrow_table()),
                "ours, keepalive_ms=0": lambda: seconds(
                    lambda: without_pings.execute("SELECT 1").fetch_arrow_table()
                ),
            },
            ROUNDS,
        )
    print("\nsmall result in two writes, the second after an acknowledgement of the first; ms")
    for name, median in medians.items():
        print(f"{name:22}{median * 1000:8.2f}")
    if medians["pyarrow.flight"] < 0.035:
        print("this kernel does not delay acknowledgements by 40 ms: the stall is not reproduced")
    ratio = medians["ours"] / medians["pyarrow.flight"]
    targets.check("small result that stalls: ours / pyarrow.flight", ratio, "<=", 0.3)


# ---- A long stream ------------------------------------------------------------------------------


def memory(field: str) -> float:
    """Return a field of this process's memory status in MB.

    Not ru_maxrss, which a new process inherits from its parent.
    """
    with open("/proc/self/status") as status:
        return next(int(each.split()[1]) / 1024 for each in status if each.startswith(field))


def stream(port: int, targets: Targets) -> None:
    """Read a long stream while it arrives, as tuples and as Arrow."""

    def report(kind: str, count: int, first: float, total: float) -> None:
        assert count == STREAMED, count
        print(f"\n{count:,} rows as {kind}: {total:.2f} s, the first after {first * 1000:.1f} ms")
        targets.check(f"{kind}: time to the first / to all", first / total, "<=", 0.1)

    with mm.connect(f"grpc://127.0.0.1:{port}") as connection:
        connection.execute("SELECT * FROM log_entries AS ten").fetchall()
        connection.execute("SELECT * FROM log_entries AS ten").fetch_record_batch().read_all()
        before = memory("VmRSS")
        start = time.perf_counter()
        cursor = connection.execute("SELECT * FROM log_entries AS stream")
        cursor.fetchone()
        first = time.perf_counter() - start
        count = 1 + sum(1 for _ in cursor)
        report("tuples", count, first, time.perf_counter() - start)
        start = time.perf_counter()
        reader = connection.execute("SELECT * FROM log_entries AS stream").fetch_record_batch()
        count = len(reader.read_next_batch())
        first = time.perf_counter() - start
        count += sum(len(batch) for batch in reader)
        report("batches", count, first, time.perf_counter() - start)
        targets.check("peak memory above start", memory("VmHWM") - before, "<=", 150, " MB")


def cancel(port: int, targets: Targets) -> None:
    """Cancel a query that another thread reads, and measure when the server stops."""
    address = f"grpc://127.0.0.1:{port}"
    ended: list[tuple[float, int, object]] = []

    def read(cursor: mm.Cursor) -> None:
        count = 0
        try:
            for _ in cursor:
                count += 1
        except mm.OperationalError as error:
            ended.append((time.perf_counter(), count, error))

    with fl.FlightClient(address) as control, mm.connect(address) as connection:

        def progress() -> tuple[int, int]:
            rows, streams = next(iter(control.do_action("progress"))).body.to_pybytes().split()
            return int(rows), int(streams)

        cursor = connection.execute("SELECT * FROM log_entries AS slow")
        reading = threading.Thread(target=read, args=(cursor,))
        reading.start()
        while progress()[0] < STREAMED / 6:
            time.sleep(PAUSE)
        assert progress()[1] == 1
        start = time.perf_counter()
        cursor.cancel()
        returned = time.perf_counter() - start
        while progress()[1] and time.perf_counter() < start + 3:
            time.sleep(PAUSE)
        stopped = time.perf_counter() - start
        reading.join(10)
        at_once = progress()[0]
        time.sleep(30 * PAUSE)
        rows, streams = progress()
    print(f"\ncancelled after a sixth: {rows:,} of {STREAMED:,} rows were produced", end=", ")
    if ended:
        print(f"{ended[0][1]:,} read until {ended[0][2]}")
    else:
        print("and all were read without an error")
    targets.check("cancel() returned after", returned, "<=", 1, " s")
    targets.check("reading ended after", ended[0][0] - start if ended else 99, "<=", 1, " s")
    targets.check("server stopped after", stopped, "<=", 1, " s")
    later = STREAMED if streams else rows - at_once
    targets.check("rows produced after that", later, "<=", 0, "")


def main(official: str = "", flightsql: str = "") -> int:
    """Run all measurements; return 1 if a target is missed."""
    own = ("ours", "ours, plain", "ours, unchecked", "adbc")
    interpreters = dict.fromkeys(own, sys.executable)
    if official:
        interpreters["official"] = official
    if flightsql:
        interpreters["flightsql-dbapi"] = flightsql
    targets = Targets()
    print(f"Python {sys.version.split()[0]}, pyarrow {pa.__version__}, {os.cpu_count()} cores")
    with process(sys.executable, str(HERE / "flight_server.py")) as server:
        port = int(line(server))
        stream(port, targets)
        cancel(port, targets)
        compare(port, interpreters, targets)
    with process(sys.executable, str(HERE / "flight_stalling_server.py")) as server:
        stall(int(line(server)), targets)
    return targets.exit_code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
