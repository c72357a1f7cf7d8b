"""How a query is stopped: by another thread, a signal handler, a finalizer or its deadline.

Nothing here holds a lock while it calls Python code: each step is a single operation of a built-in
container, so a signal handler or the garbage collector may interrupt any step and call any method
again, in the same thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Cancellation"]


class Cancellation:
    """Travels with a request to whatever works for it; all methods are safe in any thread.

    Attributes
    ----------
    why : str or None
        None until the query is cancelled; then the sentence for the error.
    """

    def __init__(self) -> None:
        self._reasons: deque[str] = deque()  # the first one counts; appending is atomic
        self._callbacks: dict[object, Callable[[], None]] = {}
        self._deadline: _Deadline | None = None

    @property
    def why(self) -> str | None:
        """The reason given first, or None."""
        return self._reasons[0] if self._reasons else None

    def cancel(self, why: str) -> None:
        """Stop the query; only the first reason is kept.

        Parameters
        ----------
        why : str
            The sentence for the error.
        """
        self._reasons.append(why)
        self._call()

    def cancel_after(self, seconds: float | None) -> None:
        """Stop the query unless it is settled by then.

        Parameters
        ----------
        seconds : float or None
            None sets no limit.
        """
        if seconds is None:
            return
        why = f"the answer was not whole within {seconds:g} s (timeout=Timeout(total=...))"
        self._deadline = _Deadline(seconds, lambda: self.cancel(why))

    def on_cancel(self, callback: Callable[[], None]) -> object:
        """Register a function that is called when the query is cancelled, or now if it has been.

        Parameters
        ----------
        callback : callable
            Must return at once and raise nothing. May be called more than once, and in several
            threads at once.

        Returns
        -------
        object
            For `release`.
        """
        token = object()
        self._callbacks[token] = callback
        if self._reasons:
            self._call()
        return token

    def release(self, token: object) -> bool:
        """Unregister a function, because what it stops is about to serve something else.

        Parameters
        ----------
        token : object
            What `on_cancel` returned.

        Returns
        -------
        bool
            Whether it has not been called and never will be. If False, it may be running now: what
            it stops must not be used again.
        """
        self._callbacks.pop(token, None)
        return not self._reasons

    def settled(self) -> None:
        """Forget the functions and the deadline, because the query has ended."""
        self._callbacks.clear()
        if self._deadline is not None:
            self._deadline.end()

    def _call(self) -> None:
        # A function stays registered while it is called: an interrupt in between loses none. Of a
        # copy, which nobody else changes: a collection may run other finalizers in between.
        for token, callback in self._callbacks.copy().items():
            callback()
            self._callbacks.pop(token, None)


class _Deadline:
    """Calls a function after a time, in a thread of its own, unless it is ended first."""

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self._ended = threading.Lock()
        self._ended.acquire()
        thread = threading.Thread(
            target=_wait, args=(self._ended, seconds, call), name="micromegas-deadline", daemon=True
        )
        thread.start()

    def end(self) -> None:
        with suppress(RuntimeError):  # ended already
            self._ended.release()


def _wait(ended: threading.Lock, seconds: float, call: Callable[[], None]) -> None:
    if not ended.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
        call()
