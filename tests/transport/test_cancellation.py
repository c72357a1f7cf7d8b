"""Cancelling: at any step, from a callback, a signal handler or another thread."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.lake import batches
from micromegas_dbapi.transport import cancellation
from micromegas_dbapi.transport.cancellation import Cancellation
from tests.waiting import until


def test_the_first_reason_is_kept() -> None:
    asked = Cancellation()
    assert asked.why is None
    asked.cancel("first")
    asked.cancel("second")
    assert asked.why == "first"


def test_callbacks() -> None:
    called: list[str] = []
    asked = Cancellation()
    asked.on_cancel(lambda: called.append("before"))
    released = asked.on_cancel(lambda: called.append("released"))
    assert asked.release(released)
    asked.cancel("enough")
    assert called == ["before"]
    late = asked.on_cancel(lambda: called.append("late"))
    assert called == ["before", "late"]
    assert not asked.release(late)


def test_settled() -> None:
    called: list[str] = []
    asked = Cancellation()
    asked.on_cancel(lambda: called.append("stopped"))
    asked.settled()
    asked.settled()
    asked.cancel("too late")
    assert called == []


def test_a_callback_that_settles() -> None:
    """As a finalizer may, which runs within the loop over the callbacks."""
    called: list[str] = []
    asked = Cancellation()
    asked.on_cancel(lambda: (called.append("one"), asked.settled()))
    asked.on_cancel(lambda: called.append("two"))
    asked.cancel("enough")
    assert set(called) == {"one", "two"}


def test_an_interrupt_loses_no_callback() -> None:
    called: list[str] = []
    asked = Cancellation()

    def interrupted() -> None:
        called.append("interrupted")
        if len(called) == 1:
            raise KeyboardInterrupt

    asked.on_cancel(interrupted)
    asked.on_cancel(lambda: called.append("second"))
    with pytest.raises(KeyboardInterrupt):
        asked.cancel("enough")
    asked.cancel("enough")
    assert called == ["interrupted", "interrupted", "second"]


@pytest.mark.parametrize("seconds", [0, 0.01])
def test_a_deadline(seconds: float) -> None:
    asked = Cancellation()
    asked.cancel_after(seconds)
    until(lambda: asked.why is not None)
    assert asked.why == (
        f"the response was not complete within {seconds:g} s (timeout=Timeout(total=...))"
    )


def test_a_deadline_that_is_settled_leaves_no_thread() -> None:
    asked = Cancellation()
    asked.cancel_after(3600)
    asked.settled()
    until(lambda: all(t.name != "micromegas-deadline" for t in threading.enumerate()))
    assert asked.why is None


# -- a signal at every line ------------------------------------------------------------------------

WATCHED = {module.__file__ for module in (batches, cancellation)}


@contextmanager
def signal_at_line(number: int) -> Iterator[list[int]]:
    """Send SIGUSR1 to this thread before the n-th line of the modules that stop a query."""
    count = [0]

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            count[0] += 1
            if count[0] == number:
                signal.raise_signal(signal.SIGUSR1)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)


def outcome(cursor: mm.Cursor) -> str:
    try:
        return str(cursor.execute("SELECT 1").fetchall())
    except mm.OperationalError as error:
        return str(error)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has no SIGUSR1")
def test_cancelled_by_a_signal_handler_at_every_line() -> None:
    """A handler interrupts the very thread that runs the query, wherever that is."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signal handlers run in the main thread only")
    with mm.connect("demo:") as connection:
        cursor = connection.cursor()
        assert cursor.execute("SELECT 1").fetchall() == [(1,)]
        previous = signal.signal(signal.SIGUSR1, lambda *_: cursor.cancel())
        try:
            ends: list[str] = []
            for number in range(1, 1000):
                with signal_at_line(number) as count:
                    ends.append(outcome(cursor))
                if count[0] < number:  # it has run to its end without a signal
                    break
            else:
                pytest.fail("the query has no end")
        finally:
            signal.signal(signal.SIGUSR1, previous)
        assert set(ends) == {"[(1,)]", "the query was cancelled"}
        assert ends.count("the query was cancelled") > 20
        assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_nothing_is_read_after_a_cancel() -> None:
    with mm.connect("demo:") as connection:
        cursor = connection.execute("SELECT value FROM generate_series(1, 100000)")
        reader = cursor.fetch_record_batch()
        assert isinstance(reader.read_next_batch(), pa.RecordBatch)
        cursor.cancel()
        for _ in range(2):
            with pytest.raises(mm.OperationalError, match="the query was cancelled"):
                reader.read_all()
