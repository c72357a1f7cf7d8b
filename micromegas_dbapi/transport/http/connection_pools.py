"""Connection pools of urllib3 whose sockets another thread can shut down.

A request waits in a system call. Shutting its socket down is what ends that wait, and what shows
the service that the client is gone. The request leases the socket until the connection returns to
its pool.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from micromegas_dbapi.transport.cancellation import Cancellation

__all__ = ["Sending", "cancellable", "create_adapter"]

_current = threading.local()


def create_adapter() -> HTTPAdapter:
    """Create an adapter of requests with its own pools.

    Returns
    -------
    requests.adapters.HTTPAdapter
        Keeps up to 32 connections open. Use it within `cancellable`.
    """
    adapter = HTTPAdapter(pool_maxsize=32)
    adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return adapter


class Sending:
    """One request, from before its connection is open.

    Parameters
    ----------
    cancellation : Cancellation
        Of the request.

    Attributes
    ----------
    cancellation : Cancellation
        Of the request.
    started : bool
        Whether a part of the request may have been sent. False while a proxy or the TLS handshake
        is waited for.
    """

    def __init__(self, cancellation: Cancellation) -> None:
        self.cancellation = cancellation
        self.started = False


@contextmanager
def cancellable(sending: Sending) -> Iterator[None]:
    """Let a cancellation shut down the socket that this thread uses in the block.

    The socket stays leased after the block, until the response is read or closed.

    Parameters
    ----------
    sending : Sending
        The request.

    Yields
    ------
    None
    """
    _current.sending = sending
    try:
        yield
    finally:
        _current.sending = None


class _Cancellable:
    """Mixin of connections whose socket the cancellation of a request shuts down."""

    sock: socket.socket | None
    _lease: tuple[Cancellation, object] | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        sending: Sending | None = getattr(_current, "sending", None)
        if sending is not None:
            sending.started = True
        super().request(*args, **kwargs)  # type: ignore[misc]
        if sending is not None and self.sock is not None:
            cancellation = sending.cancellation
            # The socket, not the connection, which drops it if the response ends the connection.
            token = cancellation.on_cancel(partial(_shut_down, self.sock))
            self._lease = cancellation, token

    def end_lease(self) -> bool:
        """Return whether another request can use the socket: no cancellation shuts it down."""
        lease, self._lease = self._lease, None
        return lease is None or lease[0].release(lease[1])


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):  # closed in the meantime
        sock.shutdown(socket.SHUT_RDWR)


class _Connection(_Cancellable, HTTPConnection):
    pass


class _SecureConnection(_Cancellable, HTTPSConnection):
    pass


class _Stack:
    """The idle connections of a pool, the last one first, with the methods of `queue.LifoQueue`.

    That one holds a lock, in which the garbage collector may run. If it finalizes a response whose
    connection returns to the pool, the same thread would wait for the lock.
    """

    def __init__(self, maxsize: int) -> None:
        self._items: deque[Any] = deque()
        self._maxsize = maxsize

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if len(self._items) >= self._maxsize:
            raise queue.Full
        self._items.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return self._items.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        return len(self._items)


class _Leasing:
    """Mixin of pools that ends the lease of a returned connection, or closes the connection."""

    QueueCls: Any = _Stack

    def _put_conn(self, conn: Any) -> None:
        if conn is not None and not conn.end_lease():
            conn.close()
        super()._put_conn(conn)  # type: ignore[misc]


class _Pool(_Leasing, HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(_Leasing, HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
