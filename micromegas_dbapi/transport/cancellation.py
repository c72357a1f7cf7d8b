"""Cancellation of a running request by another thread or by a timeout."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Cancellation"]


class Cancellation:
    """Cancels one request. Thread-safe.

    Attributes
    ----------
    why : str or None
        The text of the error once the request is cancelled; None before.
    """

    def __init__(self) -> None:
        self.why: str | None = None
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._timer: threading.Timer | None = None

    def cancel(self, why: str) -> None:
        """Cancel the request. Calling it again has no effect.

        Parameters
        ----------
        why : str
            The text of the error that readers of the result raise.
        """
        with self._lock:  # held during the callbacks: after settled() none is running
            if self.why is not None:
                return
            self.why = why
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()

    def cancel_after(self, seconds: float | None) -> None:
        """Cancel the request after a timeout, unless it is settled before.

        Parameters
        ----------
        seconds : float or None
            None sets no timeout.
        """
        if seconds is None:
            return
        why = f"the response was not complete within {seconds:g} s (timeout=Timeout(total=...))"
        self._timer = threading.Timer(seconds, self.cancel, (why,))
        self._timer.daemon = True
        self._timer.start()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Register a callback, which is called immediately if the request is cancelled already.

        Parameters
        ----------
        callback : callable
            Called once. Must not block, raise, or use this object.
        """
        with self._lock:
            if self.why is None:
                self._callbacks.append(callback)
                return
        callback()

    def forget(self) -> None:
        """Remove all callbacks, at the end of one step of the request; the timeout continues."""
        with self._lock:
            self._callbacks = []

    def settled(self) -> None:
        """Remove all callbacks and stop the timeout, at the end of the request."""
        with self._lock:
            self._callbacks = []
            if self._timer is not None:
                self._timer.cancel()
