"""The titles that errors have in harlequin."""

from __future__ import annotations

from micromegas_dbapi.errors import (
    DataError,
    Error,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)

__all__ = ["title_of"]

_TITLES: tuple[tuple[type[Error], str], ...] = (
    (ProgrammingError, "The statement has an error:"),
    (NotSupportedError, "Not supported:"),
    (DataError, "A value cannot be computed or shown:"),
    (OperationalError, "The service did not complete the query:"),
)


def title_of(error: Error) -> str:
    """Return the title of the window that shows an error.

    Parameters
    ----------
    error : Error
        Of the driver.

    Returns
    -------
    str
        A few words.
    """
    found = (title for kind, title in _TITLES if isinstance(error, kind))
    return next(found, "Micromegas reported an error:")
