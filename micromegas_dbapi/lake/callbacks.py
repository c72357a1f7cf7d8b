"""Functions that the engine calls: their exceptions, and the thread that they run in."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from datafusion import DataFrame

__all__ = ["CallbackErrors", "run_in_thread"]


class CallbackErrors:
    """Keeps the last exception of a callback, because the engine reduces it to a string.

    Attributes
    ----------
    last : Exception or None
        None if no callback has failed.
    """

    def __init__(self) -> None:
        self.last: Exception | None = None

    def captured(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a callback.

        Parameters
        ----------
        function : callable
            Called by the engine.

        Returns
        -------
        callable
            Calls `function`, keeps its exception in `last` and raises it again.
        """

        def _call(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except Exception as error:
                self.last = error
                raise

        return _call


def run_in_thread(create: Callable[..., DataFrame]) -> Callable[..., Any]:
    """Wrap a table function so that it runs in another thread.

    The engine cannot be called in a blocking way from a thread in which it calls a function.

    Parameters
    ----------
    create : callable
        Returns a DataFrame.

    Returns
    -------
    callable
        With the same parameters; returns a table for the engine.
    """

    def _table(*arguments: Any) -> Any:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: create(*arguments).into_view()).result()

    return _table
