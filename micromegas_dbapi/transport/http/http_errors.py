"""Errors of HTTP requests: error responses, and requests without a response."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from micromegas_dbapi.errors import (
    DatabaseError,
    OperationalError,
    ProgrammingError,
    ServiceMessage,
)
from micromegas_dbapi.options.settings import Timeout
from micromegas_dbapi.transport.protocol import Request

__all__ = ["ErrorParser", "error_of_request", "error_of_response", "reason"]

#: Turns the status and the text of an error response into an error. Returns None if the service
#: does not send such errors, but perhaps a proxy.
ErrorParser: TypeAlias = Callable[[int, str, Request], DatabaseError | None]

_ERROR_TEXT_BYTES = 4 * 2**20
_HINTS = {
    401: " (unauthorized): credentials are missing or refused",
    403: " (forbidden): the credentials do not allow this",
    404: ": is this a Micromegas HTTP service, and is the path prefix correct?",
    405: ": is this a Micromegas HTTP service, and is the path prefix correct?",
    408: ": the query took longer than the service allows (5 minutes); narrow the time range",
    413: ": the statement is larger than the service, or a proxy in front of it, accepts",
    429: " (too many requests)",
    502: " (bad gateway): the service behind the proxy is down",
    503: " (unavailable): the service is down or overloaded",
    504: " (gateway timeout): the proxy gave up before the service responded",
}
# What the beginnings of OpenSSL's messages mean, up to their end.
_TLS_ERRORS = [
    ("certificate has expired", "the certificate has expired: "),
    ("not yet valid", "the certificate is not valid yet (is the clock of this machine right?): "),
    (
        "certificate is not valid for|doesn't match",
        "the certificate is for another host: ",
    ),
    (
        "certificate verify failed",
        "the certificate is not from a trusted authority (set verify=PATH to a file with the "
        "authority's certificate): ",
    ),
    (
        "(?i)wrong[ _]version[ _]number|record layer failure|http request",
        "the service does not support TLS at this port (is it unencrypted, http://?): ",
    ),
    (
        "(?i)certificate required|handshake failure|EOF occurred",
        "the service ended the handshake (does it require a client certificate, cert=?): ",
    ),
]


def error_of_response(
    response: requests.Response, host: str, request: Request, parse: ErrorParser
) -> DatabaseError:
    """Create the error of a response whose status is not 200.

    Parameters
    ----------
    response : requests.Response
        Its body must not have been read.
    host : str
        Host and port, for the message.
    request : Request
        The query.
    parse : ErrorParser
        Not called for HTML, which no service sends.

    Returns
    -------
    DatabaseError
        Its cause is the whole text of the response.
    """
    status = response.status_code
    try:
        body = response.raw.read(_ERROR_TEXT_BYTES, decode_content=True)
    except (HTTPError, OSError):
        body = b""
    text = body.decode(errors="replace").strip()
    is_html = "html" in response.headers.get("content-type", "") or _is_html(body)
    if text and not is_html and (parsed := parse(status, text, request)) is not None:
        return parsed
    message = f"{host} returned status {status}{_HINTS.get(status, '')}"
    if 300 <= status < 400:
        location = response.headers.get("location", "?")
        message += f": it redirects to {location}; connect to that URL if you trust it"
    elif is_html:
        message += ", with an HTML page: a proxy or a login page?"
    elif text:
        message += f": {text[:500]}"
    retryable = status in (429, 502, 503, 504)
    error = OperationalError(message, status=status, retryable=retryable, **request.context)
    if text:
        error.__cause__ = ServiceMessage(text)
    return error


def error_of_request(
    error: Exception, host: str, timeout: Timeout, request: Request, *, sent: bool
) -> DatabaseError:
    """Create the error of a request that got no response.

    Parameters
    ----------
    error : Exception
        The error that requests raised.
    host : str
        Host and port, for the message.
    timeout : Timeout
        The timeouts that were used.
    request : Request
        The query.
    sent : bool
        Whether a part of the request may have been sent.

    Returns
    -------
    DatabaseError
        Retryable if the request was certainly not sent.
    """
    failures = requests.exceptions
    kind: type[DatabaseError] = OperationalError
    retryable: bool | None = False
    if isinstance(error, failures.ConnectTimeout):
        message = f"no connection to {host} within {timeout.connect:g} s"
        retryable = True
    elif isinstance(error, failures.ReadTimeout) and not sent:
        message = (
            f"no connection to {host} within {timeout.connect:g} s: the TLS handshake, or a proxy, "
            "did not end; the statement was not sent"
        )
        retryable = True
    elif isinstance(error, failures.ReadTimeout):
        message = (
            f"no response from {host} within {timeout.read:g} s; the query may still be running "
            "there (timeout=Timeout(read=...) waits longer)"
        )
    elif isinstance(error, failures.SSLError):
        why = reason(error)
        sentence = next((words for sign, words in _TLS_ERRORS if re.search(sign, why)), "")
        message = f"the TLS connection to {host} failed: {sentence}{why}"
    elif isinstance(error, failures.ConnectionError):
        message = f"no response from {host}: {reason(error)}"
        unsent = any(isinstance(cause, NewConnectionError) for cause in _causes(error))
        retryable = unsent or (not sent and not isinstance(error, failures.ProxyError)) or None
    else:
        kind, message = ProgrammingError, f"cannot send the request to {host}: {reason(error)}"
    return kind(message, retryable=retryable, **request.context)


# urllib3 begins some messages with the repr of a connection or a pool.
_REPR = re.compile(r"(<.*?object at 0x.*?>|\w+\(host=.*?, port=.*?\)): ")


def reason(error: BaseException) -> str:
    """Return the innermost message of a chain of network errors, which is the most specific one.

    Parameters
    ----------
    error : BaseException
        An error of requests or urllib3.

    Returns
    -------
    str
        The name of the error's class if it has no message.
    """
    *_, inner = _causes(error)
    text = str(inner)
    if match := _REPR.match(text):
        text = text[match.end() :]
    return text or type(inner).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error of requests and those that it wraps, outermost first."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        deeper = getattr(inner, "reason", None)
        if not isinstance(deeper, BaseException):
            deeper = next((a for a in reversed(inner.args) if isinstance(a, BaseException)), None)
        inner = deeper


def _is_html(body: bytes) -> bool:
    return body[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml"))
