"""Threads, sockets, files and open connections, to compare before and after a test."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any
from weakref import WeakSet, ref

from micromegas_dbapi.connection import Connection
from micromegas_dbapi.transport.flight.prefetch import DaemonThreads

_DESCRIPTORS = Path("/proc/self/fd")

#: Why descriptors cannot be compared, or None if they can.
UNKNOWN_DESCRIPTORS = (
    None if _DESCRIPTORS.is_dir() else f"sockets and files are not compared: no {_DESCRIPTORS}"
)
# The other end of a socket may be in this process, and its thread may not have run yet.
_SECONDS = 5.0
_COLLECT_AFTER_SECONDS = 0.002  # most of what ends by itself does so before that

#: What is held, each with its kind.
Held = dict[Hashable, str]

# A connection that is forgotten in a cycle would else be reported by whichever test the garbage
# collector runs in.
_connections: WeakSet[Connection] = WeakSet()
_init = Connection.__init__


@wraps(_init)
def _registered(self: Connection, *args: Any, **kwargs: Any) -> None:
    _init(self, *args, **kwargs)
    _connections.add(self)


Connection.__init__ = _registered  # type: ignore[method-assign]

_pools: WeakSet[DaemonThreads] = WeakSet()
_init_pool = DaemonThreads.__init__


@wraps(_init_pool)
def _registered_pool(self: DaemonThreads) -> None:
    _init_pool(self)
    _pools.add(self)


DaemonThreads.__init__ = _registered_pool  # type: ignore[method-assign]

# To look up each of them every time would cost more than most tests.
_known_descriptors: dict[str, str] = {}


def held() -> Held:
    """Return threads, descriptors and open connections."""
    found: Held = {each: str(each) for each in threading.enumerate() if not _is_kept(each)}
    for connection in _connections:
        if not connection._state.closed:
            found[ref(connection)] = "open connection"
    if UNKNOWN_DESCRIPTORS is None:
        found.update(_descriptors())
    return found


def left_since(before: Held) -> list[str]:
    """Describe what is held now and was not before, once everything had the time to end."""
    start = time.monotonic()
    collect_after = _COLLECT_AFTER_SECONDS
    while left := _left(before):
        passed = time.monotonic() - start
        if passed > _SECONDS:
            break
        if passed > collect_after:
            gc.collect()
            collect_after = 4 * passed  # what a finalizer has used remains for the next collection
        time.sleep(0.001)
    return sorted(f"{count} x {what}" for what, count in left.items())


def _left(before: Held) -> Counter[str]:
    now = held()
    new = {each: what for each, what in now.items() if each not in before}
    if "socket" in new.values():
        pooled = _pooled_ports()
        sockets = [each for each, what in new.items() if what == "socket"]
        for each in sockets:
            if _is_of(each, pooled) or _is_late(each):
                del new[each]
    opened = Counter(new.values())
    # What is shared may have been replaced, such as a socket that the service closed.
    opened -= Counter(what for each, what in before.items() if each not in now)
    # gRPC and the engine wait for their sockets with these, and keep them for the next ones.
    return Counter({what: n for what, n in opened.items() if not what.startswith("anon_inode:")})


def _pooled_ports() -> set[int]:
    """Return the ports of sockets that open HTTP connections keep for their next request.

    They open and close them as they need them; tests may share such a connection.
    """
    found: set[int] = set()
    for connection in _connections:
        client = getattr(connection._state._transport, "_client", None)
        adapter = getattr(client, "_adapter", None)
        pools = adapter.poolmanager.pools if adapter is not None else {}
        for key in pools.keys():  # noqa: SIM118  (it cannot be iterated)
            for idle in [*pools[key].pool._items]:
                if idle is not None and idle.sock is not None:
                    found.add(idle.sock.getsockname()[1])
    return found


def _is_of(descriptor: Hashable, ports: set[int]) -> bool:
    """Whether a descriptor is a socket of one of these ports, or the service's end of it."""
    with suppress(OSError), socket.socket(fileno=os.dup(int(str(descriptor)))) as opened:
        ends = opened.getsockname(), opened.getpeername()
        return any(end[1] in ports for end in ends if isinstance(end, tuple))
    return False


def _is_late(descriptor: Hashable) -> bool:
    """Whether a descriptor is a connection to a gRPC server here whose client has gone.

    Older versions of grpcio close it with the next one.
    """
    with suppress(OSError), socket.socket(fileno=os.dup(int(str(descriptor)))) as opened:
        if opened.family == socket.AF_INET6 and not opened.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            try:
                opened.getpeername()
            except OSError:
                return True
    return False


def _is_kept(thread: threading.Thread) -> bool:
    # Threads of gRPC and the engine, which Python knows since they called a function of Python.
    # They remain for the next call.
    if isinstance(thread, threading._DummyThread):
        return True
    arguments = getattr(thread, "_args", ())
    owner = next(iter(arguments), None)
    # Idle workers that a FlightSQL connection keeps for its next call until it is closed. Which
    # connections are open is compared itself.
    if thread.name == "micromegas" and arguments:
        worker = arguments[1]()
        return worker is not None and any(worker in (pool._idle or ()) for pool in _pools)
    # Those of the gRPC servers that replay recordings, which have a socket as well.
    if isinstance(owner, ref) and isinstance(executor := owner(), ThreadPoolExecutor):
        return not executor._shutdown
    return False


def _descriptors() -> dict[str, str]:
    own = os.dup(0)  # the lowest free one, which the list will have itself
    os.close(own)
    listed = set(os.listdir(_DESCRIPTORS)) - {str(own)}
    for closed in _known_descriptors.keys() - listed:
        del _known_descriptors[closed]
    for opened in listed - _known_descriptors.keys():
        try:
            target = os.readlink(_DESCRIPTORS / opened)
        except OSError:  # closed by another thread
            continue
        kind, colon, _ = target.partition(":[")
        _known_descriptors[opened] = kind if colon and kind != "anon_inode" else target
    return _known_descriptors.copy()
