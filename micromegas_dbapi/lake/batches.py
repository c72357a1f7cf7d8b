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
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
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
        self._stopped = False
        self._future: _Future | None = None
        cancellation.on_cancel(self.stop)

    def __next__(self) -> pa.RecordBatch:
        try:
            # Either `stop` sees the future, or this sees that it was stopped: no lock is needed,
            # which a signal handler or a finalizer in this thread could not take again.
            future = self._future = self._next_future()
            if self._is_stopped():
                future.cancel()
            return future.wait().to_pyarrow()
        except StopAsyncIteration:
            self.stop()
            raise StopIteration from None
        except BaseException:
            self.stop()
            raise

    def _next_future(self) -> _Future:
        # The stream is in no frame that waits: an error's traceback would keep the engine working.
        stream = self._stream
        if self._is_stopped() or stream is None:
            raise StoppedError
        return _request_next(stream)

    def _is_stopped(self) -> bool:
        return self._stopped  # asked anew: another thread sets it

    def stop(self) -> None:
        """Stop the work. Any thread, signal handler or finalizer may call it, repeatedly."""
        self._stopped = True
        future, self._future, self._stream = self._future, None, None
        if future is not None:
            future.cancel()


class _Future:
    """The part of asyncio.Future that the engine's binding uses."""

    def __init__(self) -> None:
        self._pending = threading.Lock()  # held until there is a result; faster than an Event
        self._pending.acquire()
        self._outcomes: deque[tuple[Any, BaseException | None]] = deque()  # the first one counts
        self._cancelled = False
        self._callbacks: list[Callable[[_Future], None]] = []

    def add_done_callback(self, callback: Callable[[_Future], None]) -> None:
        self._callbacks.append(callback)

    def cancelled(self) -> bool:
        return self._cancelled

    def set_result(self, value: Any) -> None:
        if not self._cancelled:  # else nobody would take it
            self._finish(value, None)

    def set_exception(self, error: BaseException) -> None:
        self._finish(None, error)

    def cancel(self) -> None:
        self._cancelled = True
        self._finish(None, StoppedError())

    def _finish(self, value: Any, error: BaseException | None) -> None:
        self._outcomes.append((value, error))
        while self._callbacks:
            with suppress(IndexError):  # another thread has taken the last one
                self._callbacks.pop()(self)  # once each: the engine's panics at a second call
        with suppress(RuntimeError):  # it was settled before
            self._pending.release()  # last, because the waiting thread needs the GIL next

    def wait(self) -> Any:
        """Wait for the result and return it. Can be called once."""
        while not self._pending.acquire(timeout=_POLL_SECONDS):
            pass
        # The references are dropped because the binding and the future refer to each other: until
        # the garbage collector runs, hundreds of batches would stay in memory.
        value, error = self._outcomes[0]
        self._outcomes.clear()
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback refers to this frame
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
