"""Stacks that are large enough for the engine to plan long statements.

The engine calls itself for each operator in a row of operators, both in the calling thread and in
threads of its own. If one of their stacks overflows, the process ends.
"""

from __future__ import annotations

import os
import threading
from functools import cache

from datafusion import SessionContext

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.lake import ENGINE_WAS_IMPORTED
from micromegas_dbapi.large_stack import STACK_BYTES
from micromegas_dbapi.sql.nesting import Nesting, nesting
from micromegas_dbapi.sql.statement import Statement

__all__ = ["is_deep", "start_engine"]

_VARIABLE = "RUST_MIN_STACK"
_lock = threading.Lock()

# More is planned with a large stack: threads may have only half a MiB, as on macOS.
_SHALLOW = Nesting(100, 25)
# What the engine's usual stacks of 2 MiB are enough for: it plans twice as much with them.
_USUAL = Nesting(400, 100)
# The engine's time grows with the square of the number: 5,000 operators take up to half a minute.
_MOST = Nesting(5000, 2000)


@cache
def start_engine() -> Nesting:
    """Start the engine's threads with large stacks, once in a process.

    Returns
    -------
    Nesting
        The deepest statement that they can plan. If other code has imported the engine before this
        package, its threads may have been started with small stacks.
    """
    if ENGINE_WAS_IMPORTED:
        return _USUAL
    with _lock:
        previous = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = str(STACK_BYTES)
        try:
            SessionContext().from_pydict({"x": [1]}).collect()
        finally:
            if previous is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = previous
    return _MOST


def is_deep(statement: Statement) -> bool:
    """Return whether a statement must be planned with a large stack.

    Parameters
    ----------
    statement : Statement
        The statement.

    Returns
    -------
    bool
        False for most.

    Raises
    ------
    ProgrammingError
        If it is too deep for any.
    """
    found, most = nesting(statement), start_engine()
    for count, limit, what in (
        (found.operators, most.operators, "operators in a row, or in nested expressions"),
        (found.queries, most.queries, "queries, joins and windows"),
    ):
        if count > limit:
            hint = "" if most is _MOST else "; more if other code does not import datafusion first"
            raise ProgrammingError(
                f"the statement has {count:,} {what}; accepted: at most {limit:,}{hint}",
                sql=statement.text,
                retryable=False,
            )
    return found.operators > _SHALLOW.operators or found.queries > _SHALLOW.queries
