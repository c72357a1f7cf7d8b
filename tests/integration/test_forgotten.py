"""Connections that are forgotten unclosed: a warning, and nothing of them remains."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.transport.flight.prefetch import DaemonThreads
from tests.integration.serving import WIRES, served

COUNT = 40
SQL = "SELECT process_id, time, msg FROM log_entries LIMIT 100"
LONG = "SELECT a.value FROM range(100000) a CROSS JOIN range(100) b"  # more than any buffer has
# Its timer is a thread of the driver, which must end with the query that it is for.
TIMEOUT = mm.Timeout(total=600)


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    lake = LakeTransport.demo(seed=7)
    with served(lake.path) as found:
        yield {**found, "demo": "demo:"}
    lake.close()


@pytest.fixture(params=[*WIRES, "demo"])
def url(request: pytest.FixtureRequest, urls: dict[str, str]) -> str:
    return urls[request.param]


def connect(url: str) -> mm.Connection:
    local = url.startswith(("lake:", "demo:"))
    return mm.connect(url, **({} if local else {"timeout": TIMEOUT}))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes have temporary files, too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@contextmanager
def nothing_remains(count: int) -> Iterator[None]:
    """Check that as many connections are forgotten in the block, and that nothing remains."""
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always")
        yield
        gc.collect()
        texts = [(each.category, str(each.message)[:45]) for each in issued]
    assert Counter(texts) == {
        (ResourceWarning, "unclosed <micromegas_dbapi.connection.Connect"): count
    }
    del issued  # each has the connection as its source
    gc.collect()
    assert os.listdir(tempfile.gettempdir()) == []


def unused(connection: mm.Connection) -> object:
    return connection


def read(connection: mm.Connection) -> object:
    assert connection.execute(SQL).fetchall()
    return connection


def partly_read(connection: mm.Connection) -> object:
    cursor = connection.execute(SQL)
    assert cursor.fetchone()
    return cursor


def in_a_cycle(connection: mm.Connection) -> object:
    cycle = [connection, connection.execute(SQL)]
    cycle.append(cycle)  # type: ignore[arg-type]
    return None


def failed(connection: mm.Connection) -> object:
    with pytest.raises(mm.ProgrammingError):
        connection.execute("SELECT nothing FROM log_entries")
    return connection


def failed_midway(connection: mm.Connection) -> object:
    with pytest.raises(mm.DataError, match="ivide by zero"):
        connection.execute("SELECT 1 / (value - 90000) FROM range(100000)").fetchall()
    return connection


def handed_over(connection: mm.Connection) -> object:
    reader = connection.execute(SQL).fetch_record_batch()
    assert reader.read_next_batch().num_rows
    return reader


USES = [unused, read, partly_read, in_a_cycle, failed, failed_midway, handed_over]


@pytest.mark.parametrize("use", USES)
def test_nothing_remains(url: str, use: Callable[[mm.Connection], object]) -> None:
    with connect(url) as connection:  # what a process starts once
        use(connection)
    count = COUNT if url != "demo:" else 4  # each one is generated
    with nothing_remains(count):
        for _ in range(count):
            use(connect(url))


def test_a_result_that_is_still_sent(urls: dict[str, str], url: str) -> None:
    """The service would go on for minutes."""
    if url == urls["gateway"] or url == urls["http"]:
        pytest.skip("the service sends the response when it is complete")
    with connect(url) as connection:
        connection.execute(LONG).fetchone()
    with nothing_remains(4):
        for _ in range(4):
            cursor = connect(url).execute(LONG)
            assert cursor.fetchone()
            del cursor


def test_a_reader_goes_on(url: str) -> None:
    """Whoever got it owns it, and its connection is forgotten."""
    every = SQL.replace("LIMIT 100", "ORDER BY time")
    with connect(url) as connection:
        expected = connection.execute(every).fetch_arrow_table().num_rows
    with nothing_remains(1):
        reader = connect(url).execute(every).fetch_record_batch()
        gc.collect()
        assert reader.read_all().num_rows == expected
        del reader


def test_a_reader_keeps_the_files_of_a_demo() -> None:
    with nothing_remains(1):
        reader = mm.connect("demo:").execute(SQL).fetch_record_batch()
        gc.collect()
        [folder] = os.listdir(tempfile.gettempdir())
        assert os.listdir(os.path.join(tempfile.gettempdir(), folder))
        del reader


def test_closed_or_never_opened(urls: dict[str, str]) -> None:
    """Neither warns, nor does a connection that could not be created."""
    connection = mm.connect(urls["lake"])
    connection.close()
    del connection
    with mm.connect(urls["lake"]) as plain:
        with pytest.raises(mm.ProgrammingError, match="timestamps='s'"):
            mm.Connection(plain.transport, plain._state.ranges, "s")  # type: ignore[arg-type]
    gc.collect()


AT_THE_END = """
import sys
import micromegas_dbapi as mm
connection = mm.connect(sys.argv[1])
cursor = connection.execute("SELECT * FROM log_entries")
cursor.fetchone()
"""
OF_PANDAS = """
import sys
import pandas as pd
import sqlalchemy as sa
engine = sa.create_engine(sys.argv[1])
assert len(pd.read_sql("SELECT 1 AS one", engine)) == 1
"""


def run(script: str, address: str, folder: Path, *options: str) -> None:
    """Check that a script prints nothing and leaves no temporary file."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, *options, "-c", script, address]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(folder.iterdir()) == []


def test_the_end_of_the_interpreter(url: str, tmp_path: Path) -> None:
    """Nothing is said of what the process ends with, even where warnings are errors."""
    run(AT_THE_END, url, tmp_path, "-W", "error::ResourceWarning")


def test_a_script_that_does_not_dispose_of_its_engine(tmp_path: Path) -> None:
    run(OF_PANDAS, "micromegas+demo://", tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_child_leaves_the_files_of_a_demo(tmp_path: Path) -> None:
    forks = (
        "import os, sys, micromegas_dbapi as mm\n"
        "connection = mm.connect(sys.argv[1])\n"
        "if os.fork() == 0:\n"
        "    del connection\n"
        "    sys.exit()\n"
        "assert os.wait()[1] == 0\n"
        "assert connection.execute('SELECT count(*) FROM log_entries').fetchone()[0] > 0\n"
        "connection.close()\n"
    )
    run(forks, "demo:", tmp_path, "-W", "ignore::DeprecationWarning")  # of threads, from 3.12 on


# -- wherever the garbage collector runs -----------------------------------------------------------


def in_a_worker(collect: Callable[[], object]) -> None:
    """In the thread that reads the messages of a FlightSQL call."""
    threads, done = DaemonThreads(), threading.Event()
    threads.start(lambda: collect() and done.set())
    assert done.wait(60)
    threads.close()


def in_a_grpc_thread(collect: Callable[[], object]) -> None:
    class Collecting(fl.FlightServerBase):
        def do_get(self, context: Any, ticket: fl.Ticket) -> fl.RecordBatchStream:
            collect()
            return fl.RecordBatchStream(pa.table({"a": [1]}))

    with Collecting("grpc://127.0.0.1:0") as server:
        with mm.connect(f"grpc://127.0.0.1:{server.port}") as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize("run", [in_a_worker, in_a_grpc_thread])
def test_collected_in_another_thread(url: str, run: Callable[[Callable[[], object]], None]) -> None:
    def collect() -> bool:
        ran.append(threading.current_thread())
        gc.collect()
        return True

    run(lambda: True)  # starts what a process starts once
    ran: list[threading.Thread] = []
    with nothing_remains(3):
        gc.disable()
        try:
            for _ in range(3):
                in_a_cycle(connect(url))
            run(collect)
        finally:
            gc.enable()
    assert ran
    assert threading.main_thread() not in ran


# Where locks are taken: by the driver, and in what it uses of others.
OWN = ("micromegas_dbapi/transport/", "micromegas_dbapi/lake/", "micromegas_dbapi/connection")
OTHERS = ("urllib3/", "threading.py", "queue.py", "weakref.py")


@pytest.mark.parametrize("wire", WIRES)
def test_finalized_at_every_step(urls: dict[str, str], wire: str) -> None:
    """Wherever a thread is, a connection is finalized there, and needs no lock of that thread.

    The garbage collector may run at each of these steps, but rarely does.
    """
    url, spare = urls[wire], list[mm.Connection]()
    locking = OWN if wire in ("gateway", "web") else OWN + OTHERS  # the others are those of http
    seen: set[tuple[str, int, str]] = set()
    busy = threading.local()

    def finalize(frame: FrameType, event: str, argument: object) -> None:
        step = frame.f_code.co_filename, frame.f_lineno, event
        if step in seen or hasattr(busy, "now") or not any(part in step[0] for part in locking):
            return
        busy.now = True
        with suppress(IndexError):
            spare.pop()
            seen.add(step)
        del busy.now

    def use() -> None:
        with connect(url) as connection:
            cursor = connection.execute(SQL)
            assert cursor.fetchone()
            cursor.cancel()

    use()  # what is imported once
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        while not spare:
            spare += [connect(url) for _ in range(100)]
            for connection in spare:
                connection.execute("SELECT 1").fetchall()
            del connection
            threading.setprofile(finalize)
            sys.setprofile(finalize)
            try:
                use()
            finally:
                sys.setprofile(None)
                threading.setprofile(None)  # type: ignore[arg-type]
        spare.clear()
    assert len(seen) > 200
