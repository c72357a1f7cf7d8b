"""What pyarrow.flight raises -> the error of ours that it means."""

from __future__ import annotations

import re

import pyarrow.flight as fl

from micromegas_dbapi.errors import DatabaseError, OperationalError
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.status import from_status

__all__ = ["NothingSentError", "from_flight"]

# How pyarrow (16 to 26) begins the text of each gRPC status.
_CODES = {
    "Flight cancelled call, with message: ": "CANCELLED",
    "Flight RPC failed with message: ": "UNKNOWN",
    "Flight returned invalid argument error, with message: ": "INVALID_ARGUMENT",
    "Flight returned timeout error, with message: ": "DEADLINE_EXCEEDED",
    "Flight returned not found error, with message: ": "NOT_FOUND",
    "Flight returned already exists error, with message: ": "ALREADY_EXISTS",
    "Flight returned unauthorized error, with message: ": "PERMISSION_DENIED",
    "gRPC returned resource exhausted error, with message: ": "RESOURCE_EXHAUSTED",
    "gRPC returned precondition failed error, with message: ": "FAILED_PRECONDITION",
    "gRPC returned aborted error, with message: ": "ABORTED",
    "gRPC returned out-of-range error, with message: ": "OUT_OF_RANGE",
    "Flight returned unimplemented error, with message: ": "UNIMPLEMENTED",
    "Flight returned internal error, with message: ": "INTERNAL",
    "Flight returned unavailable error, with message: ": "UNAVAILABLE",
    "gRPC returned data loss error, with message: ": "DATA_LOSS",
    "Flight returned unauthenticated error, with message: ": "UNAUTHENTICATED",
}
_BEGIN = re.compile("(?:Unknown: )?(" + "|".join(map(re.escape, _CODES)) + ")")
_KINDS: dict[type[BaseException], str] = {
    fl.FlightUnauthenticatedError: "UNAUTHENTICATED",
    fl.FlightUnauthorizedError: "PERMISSION_DENIED",
    fl.FlightUnavailableError: "UNAVAILABLE",
    fl.FlightTimedOutError: "DEADLINE_EXCEEDED",
    fl.FlightCancelledError: "CANCELLED",
    fl.FlightServerError: "UNKNOWN",
    fl.FlightInternalError: "INTERNAL",
}
# What it appends: the same text once more, as gRPC logs it.
_CONTEXT = ". gRPC client debug context: "

# What a connection that cannot be made means; the first sign that is found counts.
_HANDSHAKES = [
    (
        "wrong version number",
        "{host} does not speak TLS: is it the port of a plain service (grpc://)?",
    ),
    (
        "certificate verify failed",
        "the certificate of {host} is of no authority that is trusted here (verify=PATH names a "
        "file with the right one)",
    ),
    (
        "is not in peer certificate",
        "the certificate of {host} is another host's (server_name=NAME tells which name it has)",
    ),
    (
        "empty address list",
        "the certificates given cannot be used: verify and cert must name files with "
        "certificates in PEM form",
    ),
    ("Name or service not known", "the name of {host} is not known"),
    ("DNS resolution failed", "the name of {host} is not known"),
    ("errors resolving", "the name of {host} is not known"),
    ("timed out before receiving SETTINGS", "no connection to {host} within {connect:g} s"),
    ("Timeout occurred", "no connection to {host} within {connect:g} s"),
    (
        "Socket closed",
        "{host} closed the connection: does it ask for TLS (grpc+tls://), or for a client "
        "certificate (cert=)?",
    ),
    ("", "{host} cannot be reached"),
]


class NothingSentError(Exception):
    """An answer had no message at all, which older services send where there are no rows."""


def from_flight(error: BaseException, request: Request, host: str, connect: float) -> DatabaseError:
    """Turn what pyarrow raised into the error to raise; not yet raised.

    Parameters
    ----------
    error : BaseException
        Its text has the gRPC status.
    request : Request
    host : str
        For the sentence.
    connect : float
        How long a connection was waited for, in seconds.

    Returns
    -------
    DatabaseError
        Its cause is the service's text, where it has one, and that one's cause what pyarrow raised.

    Raises
    ------
    NothingSentError
        If it is no error. Where an error comes without a message, its text ends with the same
        words: only all of it counts.
    """
    if str(error) == "Server never sent a data message":
        raise NothingSentError
    code, text = _status(error)
    if code is None:
        failure: DatabaseError = OperationalError(
            f"the answer of {host} cannot be read: {error}",
            sql=request.sql,
            query_id=request.query_id,
        )
        failure.__cause__ = error
        return failure
    failure = from_status(code, text, sql=request.sql, query_id=request.query_id)
    if code == "UNAVAILABLE":
        sentence = next(words for sign, words in _HANDSHAKES if sign in text)
        failure.args = (f"{sentence.format(host=host, connect=connect)}: {text}",)
    if failure.__cause__ is not None:
        failure.__cause__.__cause__ = error
    return failure


def _status(error: BaseException) -> tuple[str | None, str]:
    """Split pyarrow's text into the status and the service's words."""
    text = str(error)
    begin = _BEGIN.match(text)
    if begin is None:  # a server of pyarrow's own sends along which error to raise
        return _KINDS.get(type(error)), text.partition(_CONTEXT)[0]
    words = text[begin.end() :]
    # The service's words may have anything in them; they are the most that comes again in the
    # context.
    at = words.rfind(_CONTEXT)
    while at >= 0:
        context = words[at + len(_CONTEXT) :]
        if words[:at] in context or _escaped(words[:at]) in context:
            return _CODES[begin[1]], words[:at]
        at = words.rfind(_CONTEXT, 0, at)
    return _CODES[begin[1]], words.partition(_CONTEXT)[0]


def _escaped(text: str) -> str:
    """Escape a text as older gRPC does in its log."""
    return "".join(
        _SHORT.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")
        for byte in text.encode()
    )


_SHORT = {ord(raw): f"\\{letter}" for raw, letter in zip("\n\r\t\"'\\", "nrt\"'\\", strict=True)}
