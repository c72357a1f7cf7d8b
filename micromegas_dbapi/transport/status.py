"""Errors from gRPC statuses, on every transport."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from micromegas_dbapi.auth import Auth
from micromegas_dbapi.errors import (
    DatabaseError,
    Error,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    ServiceMessage,
    from_service,
)
from micromegas_dbapi.rust_strings import unescaped
from micromegas_dbapi.transport.protocol import Request

__all__ = ["from_status", "from_tonic", "is_unauthenticated", "retry_with_fresh_token"]

# Statuses that the statement does not cause: a message of ours, and whether a retry may help.
_OPERATIONAL: dict[str, tuple[str, bool | None]] = {
    "UNAUTHENTICATED": ("credentials are missing or refused", False),
    "PERMISSION_DENIED": ("the credentials do not allow this", False),
    "UNAVAILABLE": ("the service cannot be reached", True),
    "DEADLINE_EXCEEDED": (
        "the response was not complete in the time allowed (timeout=Timeout(total=...))",
        False,
    ),
    "CANCELLED": ("the query was cancelled", None),
    "RESOURCE_EXHAUSTED": ("the service does not have the resources for this query", None),
    "ABORTED": ("the service aborted the query", None),
    "DATA_LOSS": ("the response was damaged in transit", None),
    "UNKNOWN": ("the service failed for an unknown reason", None),
}
# Used if the engine's message, which is more specific, is not recognised.
_BY_CODE: dict[str, type[DatabaseError]] = {
    "INVALID_ARGUMENT": ProgrammingError,
    "UNIMPLEMENTED": NotSupportedError,
    "NOT_FOUND": ProgrammingError,
    "OUT_OF_RANGE": ProgrammingError,
    "FAILED_PRECONDITION": OperationalError,
}


def from_status(code: str, text: str, request: Request) -> DatabaseError:
    """Create the error of a gRPC status.

    Parameters
    ----------
    code : str
        The name of the status, such as ``"INVALID_ARGUMENT"``.
    text : str
        Its details, as the service sent them.
    request : Request
        The query. A query id in the text takes precedence.

    Returns
    -------
    DatabaseError
        Its cause is the whole text.
    """
    error = from_service(text, status=code, **request.context)
    detail = str(error).removeprefix("the query failed: ")
    if code in _OPERATIONAL:
        sentence, retryable = _OPERATIONAL[code]
        kind: type[DatabaseError] = OperationalError
        if code == "UNKNOWN" and type(error) is not DatabaseError:  # the message was recognised
            kind, sentence, retryable = type(error), "the query failed", False
        found = kind(f"{sentence}: {detail}" if detail else sentence, retryable=retryable)
    elif type(error) is DatabaseError and code in _BY_CODE:
        found = _BY_CODE[code](str(error), retryable=False)
    else:
        return error
    for name in ("sql", "query_id", "status", "line", "column"):
        setattr(found, name, getattr(error, name))
    found.__cause__ = error.__cause__
    return found


# How tonic, the service's gRPC library, describes each code (its source, `Code`).
_TONIC = {
    "The operation completed successfully": "OK",
    "The operation was cancelled": "CANCELLED",
    "Unknown error": "UNKNOWN",
    "Client specified an invalid argument": "INVALID_ARGUMENT",
    "Deadline expired before operation could complete": "DEADLINE_EXCEEDED",
    "Some requested entity was not found": "NOT_FOUND",
    "Some entity that we attempted to create already exists": "ALREADY_EXISTS",
    "The caller does not have permission to execute the specified operation": "PERMISSION_DENIED",
    "Some resource has been exhausted": "RESOURCE_EXHAUSTED",
    "The system is not in a state required for the operation's execution": "FAILED_PRECONDITION",
    "The operation was aborted": "ABORTED",
    "Operation was attempted past the valid range": "OUT_OF_RANGE",
    "Operation is not implemented or not supported": "UNIMPLEMENTED",
    "Internal error": "INTERNAL",
    "The service is currently unavailable": "UNAVAILABLE",
    "Unrecoverable data loss or corruption": "DATA_LOSS",
    "The request does not have valid authentication credentials": "UNAUTHENTICATED",
}
_TONIC_ERROR = re.compile(
    r"Tonic error: code: '(?P<code>(?:[^']|'s )*)'(?:, message: \"(?P<text>(?:[^\"\\]|\\.)*)\")?",
    re.DOTALL,
)


def from_tonic(text: str, request: Request) -> DatabaseError | None:
    """Create the error of a gRPC status inside an error text of the gateway or the web app.

    Parameters
    ----------
    text : str
        The whole error text.
    request : Request
        The query.

    Returns
    -------
    DatabaseError or None
        As from `from_status`, with the whole text as its cause. None if the text has no status.
    """
    match = _TONIC_ERROR.search(text)
    if match is None or match["code"] not in _TONIC:
        return None
    error = from_status(_TONIC[match["code"]], unescaped(match["text"] or ""), request)
    error.__cause__ = ServiceMessage(text)
    return error


def is_unauthenticated(error: BaseException) -> bool:
    """Return whether a service rejected the credentials.

    Parameters
    ----------
    error : BaseException
        The error of a request.

    Returns
    -------
    bool
        Whether a fresh token may help.
    """
    return isinstance(error, Error) and error.status in (401, "UNAUTHENTICATED")


_T = TypeVar("_T")


def retry_with_fresh_token(auth: Auth | None, send: Callable[[], _T]) -> _T:
    """Send a request, and send it again if the service rejects a token that can be refreshed.

    Parameters
    ----------
    auth : Auth or None
        The credentials of the connection.
    send : callable
        Sends the request with the current token.

    Returns
    -------
    object
        What ``send`` returns.

    Raises
    ------
    Error
        Of the last attempt.
    """
    try:
        return send()
    except Error as error:
        if auth is None or not auth.refreshes or not is_unauthenticated(error):
            raise
    return send()
