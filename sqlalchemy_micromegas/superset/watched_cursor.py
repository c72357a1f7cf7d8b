"""Run a statement in a thread, and cancel it when nobody waits for it any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from micromegas_dbapi.cursor import Cursor

__all__ = ["WatchedCursor"]

_T = TypeVar("_T")
_FIRST_WAIT = 0.02


class WatchedCursor:
    """A cursor that calls a function again and again while it waits for the service.

    Over some protocols execute() waits for the service, over others the fetch does. Both end when
    the function raises an error, or a signal handler does: the statement is cancelled.

    Parameters
    ----------
    cursor : Cursor
        Runs the statements.
    check : callable
        Raises an error if the statement is not wanted any more.
    interval : float
        The longest time between two calls of it, in seconds.
    """

    def __init__(self, cursor: Cursor, check: Callable[[], None], interval: float) -> None:
        self._cursor = cursor
        self._check = check
        self._interval = interval

    @property
    def description(self) -> Any:
        """As the cursor's."""
        return self._watch(lambda: self._cursor.description)

    def execute(self, sql: str) -> None:
        """Run a statement.

        Parameters
        ----------
        sql : str
            The statement.

        Raises
        ------
        Error
            As `Cursor.execute`, or what `check` raises.
        """
        self._watch(lambda: self._cursor.execute(sql))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Fetch all rows.

        Returns
        -------
        list of tuple
            The rows.

        Raises
        ------
        Error
            As `Cursor.fetchall`, or what `check` raises.
        """
        return self._watch(self._cursor.fetchall)

    def _watch(self, work: Callable[[], _T]) -> _T:
        future: Future[_T] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, name="micromegas-query", daemon=True).start()
        pause = _FIRST_WAIT
        try:
            while not wait([future], pause).done:
                self._check()
                pause = min(2 * pause, self._interval)
        except BaseException:
            self._cursor.cancel()
            raise
        return future.result()
