"""What takes long, done by another thread a little ahead of who waits for it.

So that whoever waits can give up: when time is over, when the query is cancelled, at Ctrl-C. The
calls of gRPC themselves wait for ever, and hear nothing.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

__all__ = ["Ahead", "Workers"]

_T = TypeVar("_T")
# More would only hold more memory: one is being worked on, these wait.
_WAITING = 2


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
        self.ready: queue.SimpleQueue[_T | BaseException] = queue.SimpleQueue()
        self.room = threading.Semaphore(_WAITING)
        self.left = threading.Event()

    def fill(self, items: Iterator[_T]) -> None:
        try:
            for item in items:
                self.ready.put(item)
                del item
                self.room.acquire()
                if self.left.is_set():
                    return
        except BaseException as error:
            self.ready.put(error)
        else:
            self.ready.put(StopIteration())
        finally:
            items.close()  # type: ignore[attr-defined]  # a generator
            del items

    def leave(self) -> None:
        self.left.set()
        self.stop()
        self.room.release()
        self.ready.put(StopIteration())  # who waits is woken


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
        try:
            item = self._shared.ready.get(timeout=patience)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(item, BaseException):
            raise item
        self._shared.room.release()
        return item

    def __del__(self) -> None:
        if hasattr(self, "leave"):
            self.leave()
