"""Notices clients that went away while their answer is being computed, and stops the work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from micromegas_dbapi.transport.cancellation import Cancellation

__all__ = ["Watch"]

_GLANCE = 0.2
_GONE = "the client went away"


class Watch:
    """Looks, a few times a second, whether those that wait are still there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[Cancellation, Callable[[], bool]]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="micromegas-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and stop the work for all."""
        self._over.set()
        with self._lock:
            waiting = list(self._waiting.values())
        for cancellation, _ in waiting:
            cancellation.cancel("the service ends")
        if self._thread.is_alive():
            self._thread.join()

    def waits(self, environ: dict[str, Any]) -> Cancellation:
        """Give what stops the work for a request; `served` ends it."""
        cancellation = Cancellation()
        gone: Callable[[], bool] = environ["waitress.client_disconnected"]
        with self._lock:
            self._waiting[id(cancellation)] = cancellation, gone
        return cancellation

    def served(self, cancellation: Cancellation) -> None:
        """Look no more for a request."""
        with self._lock:
            self._waiting.pop(id(cancellation), None)

    def _look(self) -> None:
        while not self._over.wait(_GLANCE):
            with self._lock:
                waiting = list(self._waiting.values())
            for cancellation, gone in waiting:
                if gone():
                    cancellation.cancel(_GONE)
