"""What takes long, done by another thread a little ahead of who waits for it.

So that whoever waits can give up: when time is over, when the query is cancelled, at Ctrl-C. The
calls of gRPC themselves wait for ever, and hear nothing.
"""

from __future__ import annotations

import queue
import threading
import time
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
    """Threads that are kept for the next task: making one costs as much as half a small query.

    They are daemons, since one that waits for a service must not keep the interpreter from ending.
    """

    def __init__(self) -> None:
        self._idle: list[queue.SimpleQueue[Callable[[], None] | None]] = []
        self._closed = False

    def start(self, task: Callable[[], None]) -> None:
        """Run a task, which raises nothing, in a thread."""
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = queue.SimpleQueue()
            serve = threading.Thread(target=self._serve, args=(inbox,), daemon=True)
            serve.name = "micromegas"
            serve.start()
        inbox.put(task)

    def close(self) -> None:
        """Let the threads end, those that work when they have done so."""
        self._closed = True
        while self._idle:
            self._idle.pop().put(None)

    def _serve(self, inbox: queue.SimpleQueue[Callable[[], None] | None]) -> None:
        while (task := inbox.get()) is not None:
            task()
            del task  # and what it holds, while waiting for the next
            if self._closed:
                return
            self._idle.append(inbox)


class _Shared(Generic[_T]):
    """What both threads see."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self.stop = stop
        self.ready: deque[_T | BaseException] = deque()
        self.room = threading.Semaphore(_WAITING)
        self.left = threading.Event()
        self.wake = threading.Lock()  # released when there is something to take
        self.wake.acquire()

    def fill(self, items: Iterator[_T]) -> None:
        try:
            for count, item in enumerate(items):
                self.ready.append(item)
                del item
                if count >= _QUIET:
                    self.signal()
                self.room.acquire()
                if self.left.is_set():
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
        self.left.set()
        self.stop()
        self.room.release()
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
        self._shared.room.release()
        return item

    def __del__(self) -> None:
        if hasattr(self, "leave"):
            self.leave()
