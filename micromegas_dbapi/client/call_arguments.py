"""The arguments of the official client's calls, as the service takes them."""

from __future__ import annotations

import time
import uuid

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, Bound, format_ns, to_ns

__all__ = ["identifier", "integer", "moment", "text"]


def text(value: object, name: str) -> str:
    """Check a text."""
    if isinstance(value, str):
        return value
    raise ProgrammingError(f"{name}={value!r} is of type {type(value).__name__}; accepted: str")


def identifier(value: str | uuid.UUID, name: str) -> str:
    """Read a UUID, and write it as views have it."""
    if isinstance(value, uuid.UUID):
        return str(value)
    try:
        return str(uuid.UUID(text(value, name)))
    except ValueError as error:
        raise ProgrammingError(f"{name}={value!r} is no UUID") from error


def integer(value: object, name: str) -> int:
    """Read an integer, of numpy too."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        kind = type(value).__name__
        raise ProgrammingError(f"{name}={value!r} is of type {kind}; accepted: int")
    return int(value)


def moment(bound: Bound, name: str, *, optional: bool = False) -> str | None:
    """Write an instant as RFC 3339 text, within what services can hold."""
    if bound is None and optional:
        return None
    return format_ns(min(max(to_ns(bound, time.time_ns(), name), MIN_NS), MAX_NS))
