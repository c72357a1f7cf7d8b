"""A gRPC status -> the error to raise, however the wire wraps it."""

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

__all__ = ["asked_once_more", "from_status", "from_tonic", "refused"]

# What is not the statement's fault: a sentence of ours, and whether to send it again may help.
_OF_THE_WAY: dict[str, tuple[str, bool | None]] = {
    "UNAUTHENTICATED": ("credentials are missing or refused", False),
    "PERMISSION_DENIED": ("the credentials do not allow this", False),
    "UNAVAILABLE": ("the service cannot be reached", True),
    "DEADLINE_EXCEEDED": (
        "the answer was not whole in the time allowed (timeout=Timeout(total=...))",
        False,
    ),
    "CANCELLED": ("the query was cancelled", None),
    "RESOURCE_EXHAUSTED": ("the service has not the means for this query", None),
    "ABORTED": ("the service broke the query off", None),
    "DATA_LOSS": ("the answer was damaged on its way", None),
    "UNKNOWN": ("the service failed in a way of its own", None),
}
# Where the engine's words, which say most, mean nothing to us.
_BY_CODE: dict[str, type[DatabaseError]] = {
    "INVALID_ARGUMENT": ProgrammingError,
    "UNIMPLEMENTED": NotSupportedError,
    "NOT_FOUND": ProgrammingError,
    "OUT_OF_RANGE": ProgrammingError,
    "FAILED_PRECONDITION": OperationalError,
}


def from_status(code: str, text: str, *, sql: str | None, query_id: str | None) -> DatabaseError:
    """Turn a gRPC status into the error to raise.

    Parameters
    ----------
    code : str
        The name of the status, ``"INVALID_ARGUMENT"`` say.
    text : str
        Its details, as the service sent them.
    sql, query_id
        Passed on to the error; a query_id in the text counts more.

    Returns
    -------
    DatabaseError
        With the whole text as its cause. Not yet raised.
    """
    error = from_service(text, sql=sql, query_id=query_id, status=code)
    said = str(error).removeprefix("the query failed: ")
    if code in _OF_THE_WAY:
        sentence, retryable = _OF_THE_WAY[code]
        kind: type[DatabaseError] = OperationalError
        if code == "UNKNOWN" and type(error) is not DatabaseError:  # the engine's words say more
            kind, sentence, retryable = type(error), "the query failed", False
        found = kind(f"{sentence}: {said}" if said else sentence, retryable=retryable)
    elif type(error) is DatabaseError and code in _BY_CODE:
        found = _BY_CODE[code](str(error), retryable=False)
    else:
        return error
    for name in ("sql", "query_id", "status", "line", "column"):
        setattr(found, name, getattr(error, name))
    found.__cause__ = error.__cause__
    return found


# The words by which tonic, the service's gRPC library, shows a code (its source, `Code`).
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
_WRAPPED = re.compile(
    r"Tonic error: code: '(?P<code>(?:[^']|'s )*)'(?:, message: \"(?P<text>(?:[^\"\\]|\\.)*)\")?",
    re.DOTALL,
)


def from_tonic(text: str, *, sql: str | None, query_id: str | None) -> DatabaseError | None:
    """Find the gRPC status in a text that wraps it, as the gateway and the web app write it.

    Returns
    -------
    DatabaseError or None
        As of `from_status`, with the whole text as its cause; None if there is no status in it.
    """
    match = _WRAPPED.search(text)
    if match is None or match["code"] not in _TONIC:
        return None
    inner = unescaped(match["text"] or "")
    error = from_status(_TONIC[match["code"]], inner, sql=sql, query_id=query_id)
    error.__cause__ = ServiceMessage(text)
    return error


def refused(error: BaseException) -> bool:
    """Tell whether a service refused the credentials."""
    return isinstance(error, Error) and error.status in (401, "UNAUTHENTICATED")


_T = TypeVar("_T")


def asked_once_more(auth: Auth | None, ask: Callable[[], _T]) -> _T:
    """Ask a service, and once more if it refuses a token that a provider may give anew.

    Parameters
    ----------
    auth : Auth or None
    ask : callable
        Sends the request, with the token that the provider gives then.
    """
    try:
        return ask()
    except Error as error:
        if auth is None or not auth.refreshes or not refused(error):
            raise
    return ask()
