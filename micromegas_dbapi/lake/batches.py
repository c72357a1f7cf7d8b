"""The engine's batches, waited for one at a time by a thread that another one can release.

The engine's own blocking iterator cannot be left but by a signal, and its asynchronous one wants an
event loop, which costs several switches between threads for each batch. What it asks of a loop is
little, though: to make a future, and to be told the future's outcome from a thread of the engine.
When the future is cancelled, the engine drops the work behind it: at the next point at which that
gives way to other work. That is a few milliseconds away, except in a join that makes very many rows
of few, which goes on with what it has read so far (apache/datafusion#19358). Whoever waits is
released at once in any case.
"""

from __future__ import annotations

import threading
from asyncio import events
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa
from datafusion import DataFrame

from micromegas_dbapi.transport.cancellation import Cancellation

__all__ = ["Batches", "StoppedError"]

# Waiting for ever would not be interrupted by Ctrl-C on Windows.
_GLANCE = 0.5


class StoppedError(Exception):
    """The work was stopped before its end."""


class Batches(Iterator[pa.RecordBatch]):
    """What a statement computes, one batch after another, each when it is asked for.

    Parameters
    ----------
    frame : datafusion.DataFrame
        Its physical plan is made at once.
    cancellation : Cancellation
        Stops the work, also while it is waited for, which raises `StoppedError` then. So does
        whatever interrupts the waiting thread, Ctrl-C say, which goes on as it is.
    """

    def __init__(self, frame: DataFrame, cancellation: Cancellation) -> None:
        # Not the C stream: it drives partitions one after another, and hangs for ever where a join
        # waits for all of them (engine 55, dynamic filters).
        self._stream = frame.execute_stream().rbs
        self._stopped = False
        self._future: _Future | None = None
        cancellation.on_cancel(self.stop)

    def __next__(self) -> pa.RecordBatch:
        stream = self._stream
        if self._is_stopped() or stream is None:
            raise StoppedError
        try:
            # Either `stop` sees the future, or this sees that it was stopped: no lock is needed,
            # which a signal handler or a finalizer in this thread could not take again.
            future = self._future = _asked(stream)
            if self._is_stopped():
                future.cancel()
            return future.outcome().to_pyarrow()
        except StopAsyncIteration:
            self.stop()
            raise StopIteration from None
        except BaseException:
            self.stop()
            raise

    def _is_stopped(self) -> bool:
        return self._stopped  # asked anew: another thread sets it

    def stop(self) -> None:
        """Stop the work; from any thread, and more than once."""
        self._stopped = True
        future, self._future, self._stream = self._future, None, None
        if future is not None:
            future.cancel()


class _Future:
    """What the engine's binding uses of an asyncio.Future."""

    def __init__(self) -> None:
        self._open = threading.Lock()  # held until the outcome is known; an Event takes longer
        self._open.acquire()
        self._outcomes: deque[tuple[Any, BaseException | None]] = deque()  # the first one counts
        self._cancelled = False
        self._callbacks: list[Callable[[_Future], None]] = []

    def add_done_callback(self, callback: Callable[[_Future], None]) -> None:
        self._callbacks.append(callback)

    def cancelled(self) -> bool:
        return self._cancelled

    def set_result(self, value: Any) -> None:
        if not self._cancelled:  # else nobody would take it
            self._settle(value, None)

    def set_exception(self, error: BaseException) -> None:
        self._settle(None, error)

    def cancel(self) -> None:
        self._cancelled = True
        self._settle(None, StoppedError())

    def _settle(self, value: Any, error: BaseException | None) -> None:
        self._outcomes.append((value, error))
        while self._callbacks:
            with suppress(IndexError):  # another thread has taken the last one
                self._callbacks.pop()(self)  # once each: the engine's does not bear a second call
        with suppress(RuntimeError):  # it was settled before
            self._open.release()  # last: whoever waits for it wants the interpreter's lock next

    def outcome(self) -> Any:
        while not self._open.acquire(timeout=_GLANCE):
            pass
        # Taken once, and let go of: the engine's binding and a future hold each other, and a batch
        # that lived until these are collected as garbage would be one of hundreds.
        value, error = self._outcomes[0]
        self._outcomes.clear()
        if error is not None:
            raise error
        return value


class _Loop:
    """What the engine's binding uses of an event loop."""

    def create_future(self) -> _Future:
        return _Future()

    def call_soon_threadsafe(
        self, callback: Callable[..., None], *arguments: Any, context: Any = None
    ) -> None:
        callback(*arguments)


_LOOP: Any = _Loop()


def _asked(stream: Any) -> _Future:
    """Have the engine compute the next batch."""
    running = events._get_running_loop()  # of the user's, in a notebook
    events._set_running_loop(_LOOP)
    try:
        future: _Future = stream.__anext__()
    finally:
        events._set_running_loop(running)
    return future
