"""Detect clients that disconnect while their response is computed, and cancel the work for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from micromegas_dbapi.transport.cancellation import Cancellation

__all__ = ["DISCONNECTED", "DisconnectMonitor"]

#: The reason of a cancellation.
DISCONNECTED = "the client disconnected"
_POLL_SECONDS = 0.2


class DisconnectMonitor:
    """A thread that checks, a few times per second, whether clients are still connected."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[int, tuple[Cancellation, Callable[[], bool]]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._poll, name="micromegas-disconnects", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, and cancel the work for all requests."""
        self._stopped.set()
        with self._lock:
            requests = list(self._requests.values())
        for cancellation, _ in requests:
            cancellation.cancel("the service is stopping")
        if self._thread.is_alive():
            self._thread.join()

    @contextmanager
    def watching(self, environ: dict[str, Any]) -> Iterator[Cancellation]:
        """Cancel the work for a request if the client disconnects, or when the block is left.

        Parameters
        ----------
        environ : dict
            Of the request, as WSGI has it.

        Yields
        ------
        Cancellation
            To pass on to the work.
        """
        cancellation = Cancellation()
        disconnected: Callable[[], bool] = environ["waitress.client_disconnected"]
        with self._lock:
            self._requests[id(cancellation)] = cancellation, disconnected
        try:
            yield cancellation
        finally:
            with self._lock:
                del self._requests[id(cancellation)]
            cancellation.cancel("the response has ended")

    def _poll(self) -> None:
        while not self._stopped.wait(_POLL_SECONDS):
            with self._lock:
                requests = list(self._requests.values())
            for cancellation, disconnected in requests:
                if disconnected():
                    cancellation.cancel(DISCONNECTED)
