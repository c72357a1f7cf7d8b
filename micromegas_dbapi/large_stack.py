"""Call a function with a stack that is large enough for deep recursion in native code."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["STACK_BYTES", "run_with_large_stack"]

_T = TypeVar("_T")

#: Twice of what the deepest statements that are accepted need (measured). Only what is used takes
#: memory.
STACK_BYTES = 128 * 2**20

_lock = threading.Lock()


def run_with_large_stack(function: Callable[[], _T]) -> _T:
    """Call a function in a thread of its own.

    Parameters
    ----------
    function : callable
        Without parameters.

    Returns
    -------
    object
        What the function returns. Raises what the function raises.
    """
    from concurrent.futures import Future  # not at the top: few statements need it

    outcome: Future[_T] = Future()

    def _run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:
            outcome.set_exception(error)

    with _lock:
        previous = threading.stack_size(STACK_BYTES)
        try:
            threading.Thread(target=_run, name="micromegas-stack", daemon=True).start()
        finally:
            threading.stack_size(previous)
    return outcome.result()
