"""Errors of the driver as errors of harlequin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harlequin.exception import HarlequinQueryError

from micromegas_dbapi.errors import Error
from micromegas_dbapi.harlequin.error_titles import title_of

__all__ = ["query_errors"]


@contextmanager
def query_errors() -> Iterator[None]:
    """Convert errors of the driver to HarlequinQueryError.

    Yields
    ------
    None
        For the block of the ``with`` statement.

    Raises
    ------
    HarlequinQueryError
        With a title, and the error of the driver as its cause.
    """
    try:
        yield
    except Error as error:
        raise HarlequinQueryError(str(error), title=title_of(error)) from error
