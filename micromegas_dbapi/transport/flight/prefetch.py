"""What takes long, done by another thread a little ahead of who waits for it.

So that whoever waits can give up: when time is over, when the query is cancelled, at Ctrl-C. The
calls of gRPC themselves wait for ever, and hear nothing.
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
from typing import Generic, TypeVar

__all__ = ["Ahead", "Workers"]

_T = TypeVar("_T")
# More would only hold more memory: one is being worked on, these wait.
_WAITING = 2
# A small answer is handed over whole: to wake a thread each time would take as long as half of all
# the rest. So the first items, the columns and a batch, wake nobody; in case that no end follows
# soon, they are looked for after so many seconds, and again in ever longer steps.
_QUIET = 2
_FIRST_LOOK, _LAST_LOOK = 0.004, 0.032


class Workers:
    """Threads that are reused for the next task: starting one costs half a small query.

    They are daemon threads, because one that waits for a service must not keep the interpreter from
    ending. They hold no reference to this object, and end when it is closed or collected.
    """

    def __init__(self) -> None:
        self._idle = _Idle()
        weakref.finalize(self, _Idle.end, self._idle).atexit = False

    def start(self, task: Callable[[], None]) -> None:
        """Run a task in a thread.

        Parameters
        ----------
        task : callable
            Must raise nothing.
        """
        if self._idle.pid != os.getpid():  # a forked child has none of its parent's threads
            self._idle.renew()
        try:
            inbox = self._idle.inboxes.pop()
        except IndexError:
            inbox = queue.SimpleQueue()
            thread = threading.Thread(
                target=_serve, args=(self._idle, inbox), name="micromegas", daemon=True
            )
            thread.start()
        inbox.put(task)

    def close(self) -> None:
        """End the idle threads now, and busy ones after their task."""
        self._idle.end()


_Inbox = queue.SimpleQueue[Callable[[], None] | None]


class _Idle:
    """The inboxes of the threads that wait for a task."""

    def __init__(self) -> None:
        self.inboxes: deque[_Inbox] = deque()
        self.closed = False
        self.pid = os.getpid()

    def renew(self) -> None:
        self.inboxes.clear()
        self.pid = os.getpid()

    def end(self) -> None:
        """End the threads; takes no lock, since finalizers call it."""
        self.closed = True
        while self.inboxes:
            with suppress(IndexError):  # another thread took the last one
                self.inboxes.pop().put(None)


def _serve(idle: _Idle, inbox: _Inbox) -> None:
    while (task := inbox.get()) is not None:
        task()
        del task  # and what it holds, while waiting for the next
        idle.inboxes.append(inbox)
        if idle.closed:
            idle.end()


class _Shared(Generic[_T]):
    """What both threads see; without a lock, since a finalizer may leave at any moment."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self.stop = stop
        self.ready: deque[_T | BaseException] = deque()
        self.room: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(_WAITING):
            self.room.put(None)
        self.left = False
        self.wake = threading.Lock()  # released when there is something to take
        self.wake.acquire()

    def fill(self, items: Iterator[_T]) -> None:
        try:
            for count, item in enumerate(items):
                self.ready.append(item)
                del item
                if count >= _QUIET:
                    self.signal()
                self.room.get()
                if self.left:
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
        with suppress(RuntimeError):  # it is released already
            self.wake.release()

    def leave(self) -> None:
        self.left = True
        self.stop()
        self.room.put(None)
        self.ready.append(StopIteration())  # who waits is woken
        self.signal()


class Ahead(Generic[_T]):
    """The items of a generator, made by another thread.

    Parameters
    ----------
    workers : Workers
    items : generator
        Run, and closed, in that thread.
    stop : callable
        Ends what the generator waits for; called when it is left, from any thread.
    """

    def __init__(
        self, workers: Workers, items: Iterator[_T], stop: Callable[[], None] = lambda: None
    ) -> None:
        shared: _Shared[_T] = _Shared(stop)
        self._shared = shared
        self._quiet = _QUIET  # items to come that wake nobody
        #: Lets go of what is not taken yet; holds nothing but what both threads share.
        self.leave = shared.leave
        workers.start(lambda: shared.fill(items))

    def take(self, patience: float) -> _T:
        """Take the next item.

        Raises
        ------
        StopIteration
            After the last, and when it was left.
        TimeoutError
            After so many seconds.
        BaseException
            What making it raised.
        """
        ready, until, step = self._shared.ready, None, _FIRST_LOOK
        while not ready:
            now = time.monotonic()
            until = now + patience if until is None else until
            if now >= until:
                raise TimeoutError
            left = until - now
            self._shared.wake.acquire(timeout=min(step, left) if self._quiet > 0 else left)
            step = min(2 * step, _LAST_LOOK)
        item = ready.popleft()
        if isinstance(item, BaseException):
            raise item
        self._quiet -= 1
        self._shared.room.put(None)
        return item

    def __del__(self) -> None:
        if hasattr(self, "leave"):
            self.leave()
