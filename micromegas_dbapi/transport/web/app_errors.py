"""Errors that the web app reports, in error responses and in error frames."""

from __future__ import annotations

import json

from micromegas_dbapi.errors import (
    DatabaseError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    ServiceMessage,
    from_service,
)
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.status import from_tonic

__all__ = ["error_of_code", "is_unknown_source", "parse_error"]

_UNKNOWN_SOURCE = "unknown data source"

# The meaning of codes that are not the service's own status, which the app passes on.
_BY_CODE: dict[str, tuple[type[DatabaseError], str, bool | None]] = {
    "FORBIDDEN": (NotSupportedError, "the web app does not allow this", False),
    "DATA_SOURCE_NOT_FOUND": (ProgrammingError, _UNKNOWN_SOURCE, False),
    "CONNECTION_FAILED": (OperationalError, "the web app cannot reach the service", True),
    "INVALID_SQL": (ProgrammingError, "the query failed", False),
}


def parse_error(status: int, text: str, request: Request) -> DatabaseError | None:
    """Create the error of an error response.

    Parameters
    ----------
    status : int
        The HTTP status.
    text : str
        The body.
    request : Request
        The query.

    Returns
    -------
    DatabaseError or None
        None if the app does not send such errors.
    """
    try:
        error = json.loads(text)
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return error_of_code(code, message, status, request)


def error_of_code(code: str, message: str, status: int, request: Request) -> DatabaseError:
    """Create the error of a code.

    Parameters
    ----------
    code : str
        The app's code, such as ``"INVALID_SQL"``.
    message : str
        The app's message.
    status : int
        The HTTP status.
    request : Request
        The query.

    Returns
    -------
    DatabaseError
        Its cause is the whole message.
    """
    if (wrapped := from_tonic(message, request)) is not None:
        return wrapped
    parsed = from_service(message, status=status, **request.context)
    if type(parsed) is not DatabaseError and code in ("INVALID_SQL", "INTERNAL"):
        return parsed
    if status == 401:
        code = "UNAUTHENTICATED"
    kind, sentence, retryable = _BY_CODE.get(
        code, (OperationalError, f"the web app reports {code}", None)
    )
    error = kind(f"{sentence}: {message}", status=status, retryable=retryable, **request.context)
    error.__cause__ = ServiceMessage(message)
    return error


def is_unknown_source(error: DatabaseError) -> bool:
    """Return whether the app does not know the data source of a request.

    Parameters
    ----------
    error : DatabaseError
        Of the request, from `parse_error`.

    Returns
    -------
    bool
        False for all other errors.
    """
    return str(error).startswith(f"{_UNKNOWN_SOURCE}: ")
