"""Threads, sockets, files and open connections, to compare before and after a test."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter
from functools import wraps
from pathlib import Path
from typing import Any
from weakref import WeakSet

from micromegas_dbapi.connection import Connection
from micromegas_dbapi.transport.flight.prefetch import _IdleThreads

_DESCRIPTORS = Path("/proc/self/fd")

#: Why descriptors cannot be compared, or None if they can.
UNKNOWN_DESCRIPTORS = (
    None if _DESCRIPTORS.is_dir() else f"sockets and files are not compared: no {_DESCRIPTORS}"
)
# The other end of a socket may be in this process, and its thread may not have run yet.
_SECONDS = 5.0

Held = Counter[object]

# A connection that is forgotten in a cycle would else be reported by whichever test the garbage
# collector runs in.
_connections: WeakSet[Connection] = WeakSet()
_init = Connection.__init__


@wraps(_init)
def _registered(self: Connection, *args: Any, **kwargs: Any) -> None:
    _init(self, *args, **kwargs)
    _connections.add(self)


Connection.__init__ = _registered  # type: ignore[method-assign]


def held() -> Held:
    """Return threads by object, files by path, and numbers of sockets, pipes and connections."""
    found: Held = Counter(thread for thread in threading.enumerate() if not _is_kept(thread))
    is_open = [each for each in _connections if each._state._transport is not None]
    found["open connection"] = len(is_open)
    if UNKNOWN_DESCRIPTORS is None:
        found.update(filter(None, map(_target, os.listdir(_DESCRIPTORS))))
    return found


def left_since(before: Held) -> list[str]:
    """Describe what is held now and was not before, once everything had the time to end."""
    end = time.monotonic() + _SECONDS
    collected = False
    while left := held() - before:
        now = time.monotonic()
        if now > end:
            break
        if not collected and now > end - _SECONDS + 0.01:
            gc.collect()  # after what ends by itself
            collected = True
        time.sleep(0.001)
    return sorted(f"{count} x {what}" for what, count in left.items())


def _is_kept(thread: threading.Thread) -> bool:
    # Threads of gRPC and the engine, which Python knows since they called a function of Python.
    # They remain for the next call.
    if isinstance(thread, threading._DummyThread):
        return True
    # Workers that a FlightSQL connection or service keeps for its next call until it is closed.
    # Which of them are open is compared itself: connections, and the socket of a service.
    owner = next(iter(getattr(thread, "_args", ())), None)
    return isinstance(owner, _IdleThreads) and not owner.closed


def _target(descriptor: str) -> str | None:
    try:
        target = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # the descriptor of the list itself
        return None
    kind, colon, _ = target.partition(":[")
    # gRPC and the engine wait for their sockets with these, and keep them for the next one.
    if kind == "anon_inode":
        return None
    return kind if colon else target
