"""Pause the garbage collector while SQLAlchemy builds a list of rows.

SQLAlchemy creates an object for each row. These allocations trigger Python's garbage collector,
which traverses all rows again and again and frees nothing: for a million rows, half of the time.
The collector is paused only while rows are built, not while waiting for the service.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any

from sqlalchemy.engine.cursor import CursorFetchStrategy

__all__ = ["pause_collection"]


class _Arrived(CursorFetchStrategy):
    """Fetch strategy for rows that have all arrived."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def fetchall(self, result: Any, dbapi_cursor: Any) -> Any:
        return self._rows


def _fetch_all(result: Any, build_rows: Callable[[], Any]) -> Any:
    arrived = result._fetchall_impl()
    final_strategy = result.cursor_strategy
    result.cursor_strategy = _Arrived(arrived)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return build_rows()
    finally:
        if was_enabled:
            gc.enable()
        result.cursor_strategy = final_strategy


@functools.cache
def _subclass(base: Any) -> Any:
    class Result(base):  # type: ignore[misc]
        __slots__ = ()

        def fetchall(self) -> Any:
            return _fetch_all(self, super().fetchall)

        def all(self) -> Any:
            return _fetch_all(self, super().all)

    Result.__name__, Result.__qualname__ = base.__name__, base.__qualname__
    return Result


def pause_collection(result: Any) -> Any:
    """Make ``all()`` and ``fetchall()`` of a result pause the garbage collector.

    Parameters
    ----------
    result : sqlalchemy.engine.CursorResult
        Its class is replaced by a subclass, because no version of SQLAlchemy lets a dialect
        choose the class of results.

    Returns
    -------
    sqlalchemy.engine.CursorResult
        The same object.
    """
    base: Any = type(result)
    result.__class__ = _subclass(base)
    return result
