"""Iterate over the engine's record batches in a blocking way that another thread can stop.

The binding has two iterators. Only a signal can interrupt the blocking one. The asynchronous one
needs an event loop, which costs several thread switches per batch. However, the binding uses little
of a loop: it creates a future, and sets the future's result from one of the engine's threads.

If the future is cancelled, the engine drops the work behind it the next time that the work yields
to other tasks. That takes a few milliseconds, except in a join that produces very many rows from
few: it continues with the rows that it has read (apache/datafusion#19358). The waiting thread is
released immediately in any case.
"""

from __future__ import annotations

import threading
from asyncio import _get_running_loop, _set_running_loop  # exported for custom event loops
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from datafusion import DataFrame

from micromegas_dbapi.transport.cancellation import Cancellation

__all__ = ["BatchIterator", "StoppedError"]

# Ctrl-C on Windows does not interrupt a wait without a timeout.
_POLL_SECONDS = 0.5


class StoppedError(Exception):
    """The work was stopped before its end."""


class BatchIterator(Iterator[pa.RecordBatch]):
    """The record batches of a DataFrame, each computed on demand.

    Parameters
    ----------
    frame : datafusion.DataFrame
        Its physical plan is created immediately.
    cancellation : Cancellation
        Stops the work. A thread that waits for a batch gets `StoppedError`. An exception that
        interrupts the wait, such as KeyboardInterrupt, also stops the work, and is raised
        unchanged.
    """

    def __init__(self, frame: DataFrame, cancellation: Cancellation) -> None:
        # Not the C stream: it runs partitions one after another, and hangs if a join waits for
        # all of them (engine 55, dynamic filters).
        self._stream = frame.execute_stream().rbs
        self._lock = threading.Lock()
        self._future: _Future | None = None
        cancellation.on_cancel(self.stop)

    def __next__(self) -> pa.RecordBatch:
        with self._lock:
            if self._stream is None:
                raise StoppedError
            future = self._future = _request_next(self._stream)
        try:
            return future.wait().to_pyarrow()
        except StopAsyncIteration:
            self.stop()
            raise StopIteration from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the work. Safe to call from any thread, and repeatedly."""
        with self._lock:
            future, self._future = self._future, None
            self._stream = None
            if future is not None:
                future.cancel()


class _Future:
    """The part of asyncio.Future that the engine's binding uses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending = threading.Lock()  # held until there is a result; faster than an Event
        self._pending.acquire()
        self._done = self._cancelled = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[_Future], None]] = []

    def add_done_callback(self, callback: Callable[[_Future], None]) -> None:
        self._callbacks.append(callback)

    def cancelled(self) -> bool:
        return self._cancelled

    def set_result(self, value: Any) -> None:
        self._finish(value, None)

    def set_exception(self, error: BaseException) -> None:
        self._finish(None, error)

    def cancel(self) -> None:
        self._finish(None, StoppedError(), cancelled=True)

    def _finish(self, value: Any, error: BaseException | None, cancelled: bool = False) -> None:
        with self._lock:
            if self._done:
                return
            self._done, self._cancelled = True, cancelled
            self._value, self._error = value, error
        for callback in self._callbacks:
            callback(self)
        self._pending.release()  # last, because the waiting thread needs the GIL next

    def wait(self) -> Any:
        """Wait for the result and return it. Can be called once."""
        while not self._pending.acquire(timeout=_POLL_SECONDS):
            pass
        # The references are dropped because the binding and the future refer to each other: until
        # the garbage collector runs, hundreds of batches would stay in memory.
        value, error = self._value, self._error
        self._value = self._error = None
        if error is not None:
            raise error
        return value


class _Loop:
    """The part of an event loop that the engine's binding uses."""

    def create_future(self) -> _Future:
        return _Future()

    def call_soon_threadsafe(
        self, callback: Callable[..., None], *arguments: Any, context: Any = None
    ) -> None:
        callback(*arguments)


_LOOP: Any = _Loop()


def _request_next(stream: Any) -> _Future:
    """Start the computation of the next batch."""
    running = _get_running_loop()  # the user's, for example in a notebook
    _set_running_loop(_LOOP)
    try:
        future: _Future = stream.__anext__()
    finally:
        _set_running_loop(running)
    return future
