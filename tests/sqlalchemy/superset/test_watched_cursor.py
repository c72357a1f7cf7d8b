"""A statement that nobody waits for any more is cancelled, over every protocol."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from types import FrameType

import pytest

import micromegas_dbapi as mm
from sqlalchemy_micromegas.superset.watched_cursor import WatchedCursor
from tests.integration.serving import WIRES, served

ENDLESS = "SELECT count(*) FROM generate_series(1, 100000000000) AS t WHERE value % 7 = 9"
#: Within a second on an idle machine; the tests run beside others.
SOON = 5


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with mm.connect("demo:") as connection, served(connection.transport.path) as wires:
        yield wires


class Check:
    """Counts its calls, and raises an error after some of them."""

    def __init__(self, calls: int | None) -> None:
        self.calls = 0
        self._last = calls

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self._last:
            raise StoppedError


@pytest.mark.parametrize("wire", WIRES)
def test_stopped(urls: dict[str, str], wire: str) -> None:
    with mm.connect(urls[wire]) as connection:
        cursor, check = connection.cursor(), Check(6)
        watched = WatchedCursor(cursor, check, 0.1)
        begun = time.monotonic()
        with pytest.raises(StoppedError):
            watched.execute(ENDLESS)
            watched.fetchall()
        assert time.monotonic() - begun < SOON
        assert check.calls == 6
        cursor.close()  # the thread ends of itself
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize("wire", WIRES)
def test_rows(urls: dict[str, str], wire: str) -> None:
    with mm.connect(urls[wire]) as connection:
        cursor = connection.cursor()
        watched = WatchedCursor(cursor, Check(None), 0.1)
        sql = "SELECT level, count(*) AS n FROM log_entries GROUP BY 1 ORDER BY 1"
        watched.execute(sql)
        assert [column[0] for column in watched.description] == ["level", "n"]
        assert watched.fetchall() == connection.execute(sql).fetchall()


def test_errors_of_the_statement(urls: dict[str, str]) -> None:
    with mm.connect(urls["grpc"]) as connection:
        watched = WatchedCursor(connection.cursor(), Check(None), 0.1)
        with pytest.raises(mm.ProgrammingError, match="nosuch"):
            watched.execute("SELECT * FROM nosuch")


def test_signal_handler(urls: dict[str, str]) -> None:
    """Superset's limit in a synchronous worker, and Celery's, are signals."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise StoppedError

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with mm.connect(urls["http"]) as connection:
            watched = WatchedCursor(connection.cursor(), Check(None), 0.1)
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            begun = time.monotonic()
            with pytest.raises(StoppedError):
                watched.execute(ENDLESS)
            assert time.monotonic() - begun < SOON
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
