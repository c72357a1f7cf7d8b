"""Detect that this process was forked from one that has used a library with threads."""

from __future__ import annotations

import os

from micromegas_dbapi.errors import InterfaceError, NotSupportedError

__all__ = ["OneProcess", "check_process"]


class OneProcess:
    """A library that works only in the process that has used it first.

    Its threads do not exist in a forked child, where its calls would never return.

    Parameters
    ----------
    library : str
        Its name, for the error.
    used_by : str
        What uses it, for the error.
    """

    def __init__(self, library: str, used_by: str) -> None:
        self._library = library
        self._used_by = used_by
        self._pid: int | None = None

    def check(self) -> None:
        """Check that this process can use the library, before it is used.

        Raises
        ------
        NotSupportedError
            In a forked child of a process that has used it.
        """
        if self._pid is None:
            self._pid = os.getpid()
        elif self._pid != os.getpid():
            raise NotSupportedError(
                f"{self._library} does not work in this process, which was forked from a process "
                f"that has used {self._used_by}: use multiprocessing's 'spawn' or 'forkserver', or "
                "execute statements only after the fork",
                retryable=False,
            )


def check_process(pid: int) -> None:
    """Check that a result is read by the process that has executed its statement.

    Parameters
    ----------
    pid : int
        The process that has executed the statement.

    Raises
    ------
    InterfaceError
        If this is another process: a forked child has neither the threads that the rest of the
        result comes from, nor a connection of its own.
    """
    if pid != os.getpid():
        raise InterfaceError(
            "the result belongs to the process that has executed the statement, and this process "
            "was forked from it: execute the statement on a new connection",
            retryable=False,
        )
