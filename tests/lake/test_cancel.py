"""Cancelled queries: the waiting thread is released immediately, and the engine stops."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import cbor2
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.server import LocalService
from tests.server.recent_services import serving
from tests.server.work import SLOW, needs_proc, rests, works
from tests.waiting import once

pytestmark = needs_proc

Wire = Callable[[str], Path]


@pytest.fixture(scope="module")
def service(wire: Wire) -> Iterator[LocalService]:
    with serving(wire("flight-0.30") / "data") as made:
        yield made


@pytest.fixture(scope="module", params=["lake", "grpc"])
def connection(
    request: pytest.FixtureRequest, service: LocalService, wire: Wire
) -> Iterator[mm.Connection]:
    lake = f"lake:{wire('flight-0.30') / 'data'}"
    with mm.connect(lake if request.param == "lake" else service.flight_url) as opened:
        opened.execute("SELECT 1")
        yield opened


@pytest.fixture(scope="module")
def lake(wire: Wire) -> Iterator[mm.Connection]:
    with mm.connect(f"lake:{wire('flight-0.30') / 'data'}") as opened:
        yield opened


@contextmanager
def waiting(cursor: mm.Cursor, sql: str) -> Iterator[list[object]]:
    """Run a statement in another thread until the engine is at work; gives what it ends with."""
    ends: list[object] = []

    def run() -> None:
        try:
            ends.append(cursor.execute(sql).fetchall())
        except mm.Error as error:
            ends.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert works(), ends
    yield ends
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("name", SLOW)
def test_cancelled_by_another_thread(connection: mm.Connection, name: str) -> None:
    cursor = connection.cursor()
    with waiting(cursor, SLOW[name]) as ends:
        cursor.cancel()
    assert [type(end) for end in ends] == [mm.OperationalError]
    assert str(ends[0]) == "the query was cancelled"
    assert rests(), "the engine goes on"
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_cancelled_while_rows_are_read(connection: mm.Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT value FROM generate_series(1, 300000000000)")
    assert cursor.fetchone() == (1,)
    cursor.cancel()
    with pytest.raises(mm.OperationalError, match="the query was cancelled"):
        while cursor.fetchmany(100_000):
            pass
    with pytest.raises(mm.OperationalError, match="the query was cancelled"):  # again
        cursor.fetchone()
    assert rests()


def test_left_unread(connection: mm.Connection) -> None:
    """The cursor is closed, or garbage-collected."""
    sql = "SELECT value, sum(value) OVER (ORDER BY value) AS s FROM generate_series(1, 30000000000)"
    cursor = connection.cursor()
    cursor.execute(sql)
    cursor.close()
    assert rests()
    cursor = connection.cursor()
    assert cursor.execute(sql).fetchone() is not None
    del cursor
    assert rests()


def test_interrupted(lake: mm.Connection) -> None:
    """Ctrl-C while the thread waits for a batch."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    sent: list[float] = []

    def send() -> None:
        sent.append(time.monotonic())
        signal.pthread_kill(main, signal.SIGUSR1)

    main = threading.get_ident()
    previous = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with once(works, send), pytest.raises(KeyboardInterrupt):
            lake.execute(SLOW["filter"]).fetchall()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert time.monotonic() - sent[0] < 30  # its first batch takes hours
    assert rests()
    assert lake.execute("SELECT 1").fetchall() == [(1,)]


def test_in_a_running_event_loop(lake: mm.Connection) -> None:
    """As in a notebook: the running loop is unchanged afterwards, even if a query fails."""

    async def cell() -> list[object]:
        loop = asyncio.get_running_loop()
        rows = lake.execute("SELECT value FROM generate_series(1, 20000)").fetchall()
        with pytest.raises(mm.DataError, match="Divide by zero"):
            lake.execute("SELECT 1 / (value - 9000) FROM generate_series(1, 20000)").fetchall()
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
        return [len(rows), rows[-1]]

    assert asyncio.run(cell()) == [20000, (20000,)]


def test_many_at_once_some_cancelled(lake: mm.Connection) -> None:
    """No thread gets the rows or the error of another one."""
    wrong: list[object] = []

    def ask(number: int) -> None:
        for step in range(30):
            cursor = lake.cursor()
            if (number + step) % 3:
                end = number * 1000 + step + 10_000
                rows = cursor.execute(f"SELECT value FROM generate_series(1, {end})").fetchall()
                if len(rows) != end:
                    wrong.append((end, len(rows)))
                continue
            ended = threading.Event()
            canceller = threading.Thread(target=cancel, args=(cursor, 0.001 * step, ended))
            canceller.start()
            with suppress(mm.OperationalError):
                wrong.append(cursor.execute(SLOW["filter"]).fetchall())
            ended.set()
            canceller.join()

    def cancel(cursor: mm.Cursor, after: float, ended: threading.Event) -> None:
        while not ended.wait(after):  # again, if there was nothing to cancel yet
            cursor.cancel()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
        assert not thread.is_alive()
    assert wrong == []
    assert rests()


@pytest.mark.parametrize("path", ["/analytics/query", "/gateway/query", "/api/query-stream"])
def test_http_clients_that_go_away(service: LocalService, path: str) -> None:
    asked = {"sql": SLOW["aggregate"], "begin": None, "end": None, "data_source": "main"}
    body = cbor2.dumps(asked) if "analytics" in path else json.dumps(asked).encode()
    netloc = urlsplit(service.url).netloc
    with closing(http.client.HTTPConnection(netloc, timeout=60)) as connection:
        connection.request("POST", path, body, {"content-type": "application/json"})
        assert works(), "nobody works for it"
    assert rests(), "the engine goes on"
