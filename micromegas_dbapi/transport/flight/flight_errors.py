"""Errors of this driver for those that pyarrow.flight raises."""

from __future__ import annotations

import re

import pyarrow.flight as fl

from micromegas_dbapi.errors import DatabaseError, OperationalError
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.status import from_status

__all__ = ["NoMessageError", "from_flight"]

# How the messages of pyarrow (16 to 26) begin for each gRPC status.
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
_PREFIX = re.compile("(?:Unknown: )?(" + "|".join(map(re.escape, _CODES)) + ")")
_KINDS: dict[type[BaseException], str] = {
    fl.FlightUnauthenticatedError: "UNAUTHENTICATED",
    fl.FlightUnauthorizedError: "PERMISSION_DENIED",
    fl.FlightUnavailableError: "UNAVAILABLE",
    fl.FlightTimedOutError: "DEADLINE_EXCEEDED",
    fl.FlightCancelledError: "CANCELLED",
    fl.FlightServerError: "UNKNOWN",
    fl.FlightInternalError: "INTERNAL",
}
# pyarrow appends this, and the same text as gRPC logs it.
_CONTEXT = ". gRPC client debug context: "

# Messages for connections that fail, and whether a retry may help. The first whose pattern is in
# the text is used.
_CONNECTION_ERRORS = [
    (
        "wrong version number",
        "{host} does not support TLS: is the service unencrypted (grpc://)?",
        False,
    ),
    ("certificate has expired", "the certificate of {host} has expired", False),
    (
        "certificate is not yet valid",
        "the certificate of {host} is not valid yet (is the clock of this machine right?)",
        False,
    ),
    (
        "certificate verify failed: ",
        "the certificate of {host} is not from a trusted authority (set verify=PATH to a file with "
        "the authority's certificate)",
        False,
    ),
    (  # gRPC of older pyarrow does not say why
        "certificate verify failed",
        "the certificate of {host} has expired, or is not from a trusted authority (set verify="
        "PATH to a file with the authority's certificate)",
        False,
    ),
    (
        "is not in peer certificate",
        "the certificate of {host} is for another host (set server_name=NAME to the name in it)",
        False,
    ),
    (
        "empty address list",
        "the certificates cannot be used: verify and cert must be paths of files with certificates "
        "in PEM format",
        False,
    ),
    ("Name or service not known", "the host name of {host} cannot be resolved", True),
    ("DNS resolution failed", "the host name of {host} cannot be resolved", True),
    ("errors resolving", "the host name of {host} cannot be resolved", True),
    ("timed out before receiving SETTINGS", "no connection to {host} within {connect:g} s", True),
    ("Timeout occurred", "no connection to {host} within {connect:g} s", True),
    ("Endpoint closing", "no connection to {host} within {connect:g} s (TLS handshake)", True),
    (
        "Socket closed",
        "{host} closed the connection: does it require TLS (grpc+tls://), or a client certificate "
        "(cert=)?",
        True,
    ),
    ("", "{host} cannot be reached", True),
]
# How gRPC begins its messages for connections that were never open, and what it says of others.
_NOT_CONNECTED = "failed to connect"
_LOST = re.compile("Socket closed|Connection reset|Broken pipe|Stream removed|Endpoint closing")


class NoMessageError(Exception):
    """A response had no messages, which older services send for empty results."""


def from_flight(
    error: BaseException, request: Request, host: str, connect: float, *, answered: bool = False
) -> DatabaseError:
    """Create the error for one that pyarrow raised.

    Parameters
    ----------
    error : BaseException
        Its message contains the gRPC status.
    request : Request
        The query.
    host : str
        Host and port, for the message.
    connect : float
        The connect timeout in seconds, for the message.
    answered : bool
        Whether a part of the response has arrived.

    Returns
    -------
    DatabaseError
        Its cause is the service's message if it has one, whose cause is the error of pyarrow.

    Raises
    ------
    NoMessageError
        If the response has no messages, which is not an error.
    """
    # Compared as a whole: the message of an error without details ends with the same words.
    if str(error) == "Server never sent a data message":
        raise NoMessageError
    code, text = _split_status(error)
    if code is None:
        failure: DatabaseError = OperationalError(
            f"cannot read the response of {host}: {error}", **request.context
        )
        failure.__cause__ = error
        return failure
    failure = from_status(code, text, request)
    if code == "UNAVAILABLE":
        sentence, retryable = _meaning(text)
        failure.args = (f"{sentence.format(host=host, connect=connect)}: {text}",)
        failure.retryable = None if answered else retryable
    if failure.__cause__ is not None:
        failure.__cause__.__cause__ = error
    return failure


def _meaning(text: str) -> tuple[str, bool]:
    """Return what a message about a connection means, and whether a retry may help."""
    if _LOST.search(text) and _NOT_CONNECTED not in text:
        return "the connection to {host} was lost before the end of the result", True
    found = (each[1:] for each in _CONNECTION_ERRORS if each[0] in text)
    return next(found)


def _split_status(error: BaseException) -> tuple[str | None, str]:
    """Split pyarrow's message into the status and the service's message."""
    text = str(error)
    prefix = _PREFIX.match(text)
    if prefix is None:  # a pyarrow server sends the class of the error to raise
        return _KINDS.get(type(error)), text.partition(_CONTEXT)[0]
    message = text[prefix.end() :]
    # The service's message may contain the separator. The longest part that the context repeats is
    # the message.
    at = message.rfind(_CONTEXT)
    while at >= 0:
        context = message[at + len(_CONTEXT) :]
        if message[:at] in context or _escape(message[:at]) in context:
            return _CODES[prefix[1]], message[:at]
        at = message.rfind(_CONTEXT, 0, at)
    return _CODES[prefix[1]], message.partition(_CONTEXT)[0]


def _escape(text: str) -> str:
    """Escape a string as older gRPC does in its log."""
    return "".join(
        _SHORT.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")
        for byte in text.encode()
    )


_SHORT = {ord(raw): f"\\{letter}" for raw, letter in zip("\n\r\t\"'\\", "nrt\"'\\", strict=True)}
