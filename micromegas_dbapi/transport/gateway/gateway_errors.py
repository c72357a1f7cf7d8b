"""Errors of the gateway: error responses, and bodies that are not rows."""

from __future__ import annotations

from collections.abc import Sequence

from micromegas_dbapi.errors import (
    DatabaseError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    ServiceMessage,
    from_service,
)
from micromegas_dbapi.transport.gateway.json_objects import Pairs, parse
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.status import from_tonic, is_unauthenticated

__all__ = ["is_transient", "parse_error", "parse_rows"]

_OVERLOADED = ("CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "DATA_LOSS", 408)
_FAILED = "Query failed: "
_NOT_IN_JSON = "Failed to serialize results: "


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
        None if the gateway does not send such errors.
    """
    error: DatabaseError
    if (wrapped := from_tonic(text, request)) is not None:
        return wrapped
    if text.startswith(_NOT_IN_JSON):
        detail = text.removeprefix(_NOT_IN_JSON)
        error = NotSupportedError(
            f"the gateway responds in JSON, which cannot represent the result: {detail}",
            status=status,
            retryable=False,
            **request.context,
        )
        error.__cause__ = ServiceMessage(text)
        return error
    if status == 400:  # a message of the gateway or of the engine
        error = from_service(text, status=status, **request.context)
        if type(error) is not DatabaseError:
            return error
        rejection = ProgrammingError(
            f"the gateway rejected the request: {text}",
            status=status,
            retryable=False,
            **request.context,
        )
        rejection.__cause__ = error.__cause__
        return rejection
    if status == 500 and text.startswith(_FAILED):
        error = from_service(text.removeprefix(_FAILED), status=status, **request.context)
        error.__cause__ = ServiceMessage(text)
        return error
    return None


def is_transient(error: DatabaseError) -> bool:
    """Return True for transient failures, which must not change the types of a result.

    These are failures of the connection or of an overloaded service, and rejected credentials.

    Parameters
    ----------
    error : DatabaseError
        The error of a ``DESCRIBE``.

    Returns
    -------
    bool
        False if the service or the gateway rejects the statement.
    """
    if error.status in (None, 200) or error.retryable or is_unauthenticated(error):
        return True
    return error.status in _OVERLOADED


def parse_rows(body: bytes, request: Request) -> Sequence[Pairs]:
    """Parse a response.

    Parameters
    ----------
    body : bytes
        The complete body of a response of status 200.
    request : Request
        The query.

    Returns
    -------
    sequence of Pairs
        The rows.

    Raises
    ------
    OperationalError
        If the body is not a JSON array of objects.
    """
    try:
        rows = parse(body.decode())
        if type(rows) is not list or not all(type(row) is tuple for row in rows):
            raise ValueError("it is not an array of objects")
    except (ValueError, RecursionError) as error:
        if body.lstrip().startswith(b"["):
            message = f"the response, of {len(body)} bytes, is damaged: {error}"
        else:
            message = (
                f"the response is not a JSON array of rows but begins with {body[:60]!r}: is this "
                "a Micromegas gateway, and is the path prefix correct?"
            )
        raise OperationalError(message, status=200, retryable=None, **request.context) from error
    return rows
