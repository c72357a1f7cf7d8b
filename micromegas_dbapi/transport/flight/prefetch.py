"""Prefetching of a blocking generator's items in a background thread.

A call of gRPC waits without a limit, and Ctrl-C does not interrupt it. The thread that waits for an
item instead can stop: after a timeout, if the query is cancelled, and at Ctrl-C.
"""

from __future__ import annotations

import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

__all__ = ["DaemonThreads", "Prefetcher"]

_T = TypeVar("_T")
# Items in the queue. More would only use more memory: the background thread works on another one.
_QUEUE_SIZE = 2
# Waking a thread for each item of a small result would take half as long as everything else. So the
# background thread does not signal the first items, which are the schema and a batch. The waiting
# thread sees them together with the end of the result, or at the latest when it polls: after the
# first interval in seconds, which doubles up to the last one.
_UNSIGNALLED = 2
_FIRST_POLL, _LAST_POLL = 0.004, 0.032


class DaemonThreads:
    """A pool of daemon threads.

    Creating a thread takes half as long as a small query. The threads are daemons, because one that
    waits for a service must not keep the interpreter from exiting. They do not reference this
    object, and end when it is closed or garbage-collected.
    """

    def __init__(self) -> None:
        self._idle: deque[_Thread] | None = deque()
        self._pid = os.getpid()

    def start(self, task: Callable[[], None]) -> None:
        """Run a task in an idle or a new thread.

        Parameters
        ----------
        task : callable
            Must not raise.
        """
        idle = self._idle
        if idle is not None and self._pid != os.getpid():
            # A forked child does not have its parent's threads.
            self._pid, self._idle = os.getpid(), (idle := deque())
        try:
            thread = _Thread() if idle is None else idle.pop()
        except IndexError:
            thread = _Thread()
        thread.inbox.put((thread, task, idle))

    def close(self) -> None:
        """End the idle threads, and the others after their current task."""
        self._idle = None


class _Thread:
    """A thread that ends when this object is not referenced any more.

    It is referenced while the thread runs a task, and by the idle threads afterwards. So no thread
    is left if Ctrl-C interrupts what moves it between the two.
    """

    __slots__ = ("__weakref__", "inbox")

    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # A method of a finalizer could be interrupted. This callback is not written in Python.
        ended = weakref.ref(self, self.inbox.put)
        threading.Thread(
            target=_run_tasks, args=(self.inbox, ended), name="micromegas", daemon=True
        ).start()


def _run_tasks(inbox: queue.SimpleQueue[Any], ended: weakref.ref[_Thread]) -> None:
    while (order := inbox.get()) is not ended:
        thread, task, idle = order
        task()
        del order, task  # and their references, while the thread is idle
        if idle is not None:
            idle.append(thread)
        del thread, idle


class _Shared(Generic[_T]):
    """The state that both threads use, without locks: a finalizer may close it at any step."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self.stop = stop
        self.ready: deque[_T | BaseException] = deque()
        self.room: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(_QUEUE_SIZE):
            self.room.put(None)
        self.closed = False
        self.wake = threading.Lock()  # released when there is an item
        self.wake.acquire()

    def fill(self, items: Iterator[_T]) -> None:
        try:
            for count, item in enumerate(items):
                self.ready.append(item)
                del item
                if count >= _UNSIGNALLED:
                    self.signal()
                self.room.get()
                if self.closed:
                    return
        except BaseException as error:
            self.ready.append(error)
        else:
            self.ready.append(StopIteration())
        finally:
            self.signal()
            items.close()  # type: ignore[attr-defined]  # a generator
            del items

    def signal(self) -> None:
        with suppress(RuntimeError):  # it is already released
            self.wake.release()

    def close(self) -> None:
        self.closed = True
        self.stop()
        self.room.put(None)
        self.ready.append(StopIteration())  # wakes the waiting thread
        self.signal()


class Prefetcher(Generic[_T]):
    """Runs a blocking generator in a background thread and prefetches its items.

    Parameters
    ----------
    threads : DaemonThreads
        Provides the background thread.
    items : generator
        Runs, and is closed, in the background thread.
    stop : callable
        Unblocks the generator. `close` calls it, in any thread.

    Attributes
    ----------
    close : callable
        Stops the generator and discards the remaining items. Thread-safe. Does not reference the
        Prefetcher, which is closed when it is garbage-collected.
    """

    def __init__(
        self, threads: DaemonThreads, items: Iterator[_T], stop: Callable[[], None] = lambda: None
    ) -> None:
        shared: _Shared[_T] = _Shared(stop)
        self._shared = shared
        self._unsignalled = _UNSIGNALLED  # items to come without a signal
        self.close = shared.close
        threads.start(lambda: shared.fill(items))

    def get(self, timeout: float) -> _T:
        """Wait for the next item.

        Parameters
        ----------
        timeout : float
            In seconds.

        Returns
        -------
        object
            The item.

        Raises
        ------
        StopIteration
            After the last item, and after `close`.
        TimeoutError
            If the item does not arrive in time.
        BaseException
            The exception of the generator.
        """
        ready, until, interval = self._shared.ready, None, _FIRST_POLL
        while not ready:
            now = time.monotonic()
            until = now + timeout if until is None else until
            if now >= until:
                raise TimeoutError
            left = until - now
            wait = min(interval, left) if self._unsignalled > 0 else left
            self._shared.wake.acquire(timeout=wait)
            interval = min(2 * interval, _LAST_POLL)
        item = ready.popleft()
        if isinstance(item, BaseException):
            try:
                raise item
            finally:
                del item  # its traceback refers to this frame, and so to the complete result
        self._unsignalled -= 1
        self._shared.room.put(None)
        return item

    def __del__(self) -> None:
        if hasattr(self, "close"):  # __init__ succeeded
            self.close()
