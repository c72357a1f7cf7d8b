"""What interrupts a statement: signals, other threads, and the garbage collector."""

from __future__ import annotations

import gc
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import micromegas_dbapi as mm
from tests.interruptions.instructions import interrupt, strike_at
from tests.interruptions.statements import SMALL

CANCELLED = (mm.OperationalError,)
CLOSED = (mm.OperationalError, mm.InterfaceError)


class Striker:
    """A thread that acts after a delay."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[float, Callable[[], object]] | None] = (
            queue.SimpleQueue()
        )
        self._ends: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True, name="striker")
        self._thread.start()

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            delay, action = order
            time.sleep(delay)
            try:
                action()
            except BaseException as error:
                self._ends.put(error)
            else:
                self._ends.put(None)
            del order, action

    @contextmanager
    def strike(self, delay: float, action: Callable[[], object]) -> Iterator[None]:
        """Act during the block, or at its end. Raises what the action has raised."""
        self._orders.put((delay, action))
        try:
            yield
        finally:
            error = self._ends.get()
        if error is not None:
            raise AssertionError(f"the action in the other thread failed: {error!r}") from error

    def stop(self) -> None:
        """End the thread."""
        self._orders.put(None)
        self._thread.join()


@contextmanager
def signalled(delay: float, handler: Callable[[int, Any], object]) -> Iterator[None]:
    """Send one SIGALRM during the block, unless it ends before."""
    previous = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(delay, 1e-6))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def leave_garbage(url: str, connection: mm.Connection) -> None:
    """Forget cursors of this connection and of another one, in cycles, with rows left to read."""
    for owner in (connection, mm.connect(url)):
        cursor = owner.execute(SMALL.sql)
        cycle: list[Any] = [cursor, iter(cursor), next(cursor)]
        cycle.append(cycle)


@dataclass(frozen=True)
class Event:
    """Something that strikes while a statement runs.

    Attributes
    ----------
    start : callable
        Returns a context manager in whose block the event strikes, from the delay, the URL, the
        connection, the cursor, and two threads.
    allowed : tuple of type
        What the statement may raise.
    closes : str
        What is closed afterwards: ``"cursor"``, ``"connection"`` or nothing.
    """

    start: Callable[..., Any]
    allowed: tuple[type[BaseException], ...] = ()
    closes: str = ""


@contextmanager
def _nothing(*_: Any) -> Iterator[None]:
    yield


@contextmanager
def _two_cancels(
    delay: float, _url: str, _connection: Any, cursor: mm.Cursor, one: Striker, two: Striker
) -> Iterator[None]:
    with one.strike(delay, cursor.cancel), two.strike(delay, cursor.cancel):
        yield


@contextmanager
def _collected_by_thread(
    delay: float, url: str, connection: mm.Connection, _cursor: Any, one: Striker, _two: Any
) -> Iterator[None]:
    def collect() -> None:
        leave_garbage(url, connection)
        gc.collect()

    with one.strike(delay, collect):
        yield


@contextmanager
def _collected_by_handler(
    delay: float, url: str, connection: mm.Connection, *_: Any
) -> Iterator[None]:
    leave_garbage(url, connection)
    with signalled(delay, lambda *_: gc.collect()):
        yield


EVENTS = {
    "none": Event(_nothing),
    "interrupt": Event(
        lambda delay, *_: signalled(delay, signal.default_int_handler), (KeyboardInterrupt,)
    ),
    "cancel by handler": Event(
        lambda delay, url, connection, cursor, *_: signalled(delay, lambda *_: cursor.cancel()),
        CANCELLED,
    ),
    "cancel by thread": Event(
        lambda delay, url, connection, cursor, one, two: one.strike(delay, cursor.cancel),
        CANCELLED,
    ),
    "two cancels": Event(_two_cancels, CANCELLED),
    "close cursor": Event(
        lambda delay, url, connection, cursor, one, two: one.strike(delay, cursor.close),
        CLOSED,
        "cursor",
    ),
    "close connection": Event(
        lambda delay, url, connection, cursor, one, two: one.strike(delay, connection.close),
        CLOSED,
        "connection",
    ),
    "collect by thread": Event(_collected_by_thread),
    "collect by handler": Event(_collected_by_handler),
}
# These strike at the n-th moment rather than after a delay.
FORCED = {
    "interrupt at each moment": Event(
        lambda number, *_: strike_at(number, interrupt), (KeyboardInterrupt,)
    ),
    "cancel at each moment": Event(
        lambda number, url, connection, cursor, *_: strike_at(number, cursor.cancel), CANCELLED
    ),
}
