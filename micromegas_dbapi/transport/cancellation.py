"""Cancellation of a query by another thread, a signal handler, a finalizer or a timeout.

Nothing here holds a lock while it calls Python code: each step is a single operation of a built-in
container, so a signal handler or the garbage collector may interrupt any step and call any method
again, in the same thread.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Cancellation"]


class Cancellation:
    """Cancels one request. Thread-safe.

    Attributes
    ----------
    why : str or None
        The text of the error once the query is cancelled; None before.
    """

    def __init__(self) -> None:
        self._reasons: deque[str] = deque()  # the first one is used; appending is atomic
        self._callbacks: dict[object, Callable[[], None]] = {}
        self._deadline: _Deadline | None = None
        self._pid = os.getpid()

    @property
    def why(self) -> str | None:
        """The text of the error, or None."""
        return self._reasons[0] if self._reasons else None

    def cancel(self, why: str) -> None:
        """Cancel the query. Calling it again has no effect.

        Parameters
        ----------
        why : str
            The text of the error that readers of the result raise.
        """
        self._reasons.append(why)
        self._call()

    def cancel_after(self, seconds: float | None) -> None:
        """Cancel the query after a timeout, unless it is settled before.

        Parameters
        ----------
        seconds : float or None
            None sets no timeout.
        """
        if seconds is None:
            return
        why = f"the response was not complete within {seconds:g} s (timeout=Timeout(total=...))"
        reference = weakref.ref(self)  # a query that is forgotten needs no timeout

        def expire() -> None:
            cancellation = reference()
            if cancellation is not None:
                cancellation.cancel(why)

        self._deadline = _Deadline(seconds, expire)

    def on_cancel(self, callback: Callable[[], None]) -> object:
        """Register a callback, which is called immediately if the query is cancelled already.

        Parameters
        ----------
        callback : callable
            Must not block or raise. May be called more than once, and by several threads at the
            same time.

        Returns
        -------
        object
            A token for `release`.
        """
        token = object()
        self._callbacks[token] = callback
        if self._reasons:
            self._call()
        return token

    def release(self, token: object) -> bool:
        """Remove a callback, because the resource that it stops is about to be reused.

        Parameters
        ----------
        token : object
            The token that `on_cancel` returned.

        Returns
        -------
        bool
            True if the callback was not called and never will be. If False, it may be running: do
            not reuse the resource.
        """
        self._callbacks.pop(token, None)
        return not self._reasons

    def settled(self) -> None:
        """Remove all callbacks and stop the timeout, at the end of the query."""
        self._callbacks.clear()
        if self._deadline is not None:
            self._deadline.end()

    def _call(self) -> None:
        if self._pid != os.getpid():
            return  # a forked child must not shut down the sockets of its parent
        # A callback stays registered while it is called, so that an interrupt loses none. The loop
        # uses a copy, because finalizers may change the dictionary at any step.
        for token, callback in self._callbacks.copy().items():
            callback()
            self._callbacks.pop(token, None)


class _Deadline:
    """Calls a function after a timeout, in its own thread, unless it is ended or collected."""

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self._ended = threading.Lock()
        self._ended.acquire()
        thread = threading.Thread(
            target=_wait, args=(self._ended, seconds, call), name="micromegas-deadline", daemon=True
        )
        thread.start()

    def end(self) -> None:
        with suppress(RuntimeError):  # it has ended already
            self._ended.release()

    __del__ = end


def _wait(ended: threading.Lock, seconds: float, call: Callable[[], None]) -> None:
    if not ended.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
        call()
