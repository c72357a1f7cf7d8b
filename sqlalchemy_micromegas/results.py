"""Results that become a list of rows without the garbage collector in between.

SQLAlchemy makes an object of each row, and Python's collector, which such objects set off, goes
through all that are there again and again, never to find anything: of a million rows that is half
of the time. The collector rests while the rows are made, which nothing but the processor waits
for; while they are awaited from the service it works as ever.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any

from sqlalchemy.engine.cursor import CursorFetchStrategy

__all__ = ["without_collections"]


class _Fetched(CursorFetchStrategy):
    """Gives the rows of a cursor that have all arrived."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def fetchall(self, result: Any, dbapi_cursor: Any) -> Any:
        return self._rows


def _all(result: Any, fetch: Callable[[], Any]) -> Any:
    arrived = result._fetchall_impl()
    after = result.cursor_strategy
    result.cursor_strategy = _Fetched(arrived)
    collecting = gc.isenabled()
    gc.disable()
    try:
        return fetch()
    finally:
        if collecting:
            gc.enable()
        result.cursor_strategy = after


@functools.cache
def _subclass(base: Any) -> Any:
    class Result(base):  # type: ignore[misc]
        __slots__ = ()

        def fetchall(self) -> Any:
            return _all(self, super().fetchall)

        def all(self) -> Any:
            return _all(self, super().all)

    Result.__name__, Result.__qualname__ = base.__name__, base.__qualname__
    return Result


def without_collections(result: Any) -> Any:
    """Let a result's ``all()`` and ``fetchall()`` keep the collector from running.

    Parameters
    ----------
    result : sqlalchemy.engine.CursorResult
        Of any line of SQLAlchemy; its class becomes a subclass, since SQLAlchemy makes results
        of its own class and has no place to name another.

    Returns
    -------
    sqlalchemy.engine.CursorResult
        The same.
    """
    base: Any = type(result)
    result.__class__ = _subclass(base)
    return result
