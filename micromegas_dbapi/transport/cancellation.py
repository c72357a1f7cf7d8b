"""How one thread stops what another one has asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Cancellation"]


class Cancellation:
    """Travels with a request to whatever works for it; safe in several threads at once.

    Attributes
    ----------
    why : str or None
        None until it is cancelled; then the sentence for the error.
    """

    def __init__(self) -> None:
        self.why: str | None = None
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._timer: threading.Timer | None = None

    def cancel(self, why: str) -> None:
        """Stop the work; the first reason counts."""
        with self._lock:  # also while they are called: what is settled is not called any more
            if self.why is not None:
                return
            self.why = why
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()

    def cancel_after(self, seconds: float | None) -> None:
        """Stop the work, unless it is settled by then; None sets no limit."""
        if seconds is None:
            return
        why = f"the answer was not whole within {seconds:g} s (timeout=Timeout(total=...))"
        self._timer = threading.Timer(seconds, self.cancel, (why,))
        self._timer.daemon = True
        self._timer.start()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Have something called once when it is cancelled: at once, if it is already.

        Parameters
        ----------
        callback : callable
            Must return at once, raise nothing, and use nothing of this object.
        """
        with self._lock:
            if self.why is None:
                self._callbacks.append(callback)
                return
        callback()

    def forget(self) -> None:
        """Forget what is to be called, since that part of the work is done; the time goes on."""
        with self._lock:
            self._callbacks = []

    def settled(self) -> None:
        """Forget what is to be called, since the work is done."""
        with self._lock:
            self._callbacks = []
            if self._timer is not None:
                self._timer.cancel()
