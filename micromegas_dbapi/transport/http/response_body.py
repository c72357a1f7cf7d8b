"""Complete HTTP response bodies, in memory or in a temporary file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import IncompleteRead
from typing import Any

import requests
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.options.settings import HttpSettings, Progress
from micromegas_dbapi.redaction import redact
from micromegas_dbapi.transport.http.http_errors import reason
from micromegas_dbapi.transport.http.spool import Spool
from micromegas_dbapi.transport.limits import check_bytes, check_inflation
from micromegas_dbapi.transport.protocol import Request

__all__ = ["read", "read_spooled", "translate_errors"]

_CHUNK = 2**20
_ENCODED_CHUNK = 2**16  # may inflate to a thousand times its size
_ONE_READ = 64 * 2**20  # the memory of one read is allocated before the bytes arrive


def read(response: requests.Response, settings: HttpSettings, request: Request) -> bytes:
    """Read a complete body into memory.

    Parameters
    ----------
    response : requests.Response
        Must not have been read.
    settings : HttpSettings
        Its read timeout appears in errors.
    request : Request
        The query.

    Returns
    -------
    bytes
        The body.

    Raises
    ------
    OperationalError
        If the body stalls, is truncated or damaged.
    """
    length = _announced(response, request)
    raw = response.raw
    with translate_errors(raw, settings.timeout.read, length, request):
        if length is not None and length <= _ONE_READ and not _encoded(response):
            # One read creates one bytes object, which Arrow uses without a copy.
            body: bytes = raw.read(decode_content=True)
        else:
            body = _joined(_chunks(response, length, None, request))
    _check_length(raw, length, request)
    return body


def read_spooled(
    response: requests.Response,
    settings: HttpSettings,
    report: Progress | None,
    request: Request,
) -> bytes | Spool:
    """Read a complete body.

    Bodies up to ``settings.spool_bytes`` stay in memory; larger ones go to a temporary file.

    Parameters
    ----------
    response : requests.Response
        Must not have been read.
    settings : HttpSettings
        Its read timeout appears in errors.
    report : callable or None
        Called with the number of bytes after each chunk.
    request : Request
        The query.

    Returns
    -------
    bytes or Spool
        The body.

    Raises
    ------
    OperationalError
        If the body stalls, is truncated or damaged, or if the disk is full.
    """
    limit = settings.spool_bytes
    length = _announced(response, request)
    if length is not None and length <= limit and report is None:
        return read(response, settings, request)
    if length is not None and length > limit:
        limit = 0
    raw = response.raw
    with translate_errors(raw, settings.timeout.read, length, request):
        body = _spooled(_chunks(response, length, report, request), limit)
    _check_length(raw, length, request)
    return body


def _announced(response: requests.Response, request: Request) -> int | None:
    """Return the number of bytes that a response announces, if the request allows so many."""
    text = response.headers.get("content-length", "")
    length = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    if length is not None:
        check_bytes(length, request, "the response has")
    return length


def _encoded(response: requests.Response) -> bool:
    return response.headers.get("content-encoding", "identity") != "identity"


def _chunks(
    response: requests.Response, length: int | None, report: Progress | None, request: Request
) -> Iterator[bytes]:
    raw, size = response.raw, 0
    encoded = _encoded(response)
    while chunk := raw.read(_ENCODED_CHUNK if encoded else _CHUNK, decode_content=True):
        size += len(chunk)
        if encoded:
            check_inflation(size, raw.tell(), request)
        check_bytes(size, request, "the response has")
        if report is not None:
            report(size, length)
        yield chunk


def _joined(chunks: Iterator[bytes]) -> bytes:
    file = io.BytesIO()  # getvalue() does not copy
    for chunk in chunks:
        file.write(chunk)
    return file.getvalue()


def _spooled(chunks: Iterator[bytes], limit: int) -> bytes | Spool:
    """Collect chunks, in a file from the first byte above the limit."""
    early: list[bytes] = []
    spool: Spool | None = None
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            if spool is not None:
                spool.write(chunk)
                continue
            early.append(chunk)
            if size > limit:
                spool = Spool()
                for each in early:
                    spool.write(each)
                early.clear()
    except BaseException:
        if spool is not None:
            spool.close()
        raise
    return b"".join(early) if spool is None else spool


def _check_length(raw: Any, length: int | None, request: Request) -> None:
    # urllib3 1.26 does not check this.
    if length is not None and raw.tell() < length:
        message = f"the response was truncated after {raw.tell()} of {length} bytes"
        raise OperationalError(message, status=200, retryable=None, **request.context)


@contextmanager
def translate_errors(
    raw: Any, timeout: float, length: int | None, request: Request
) -> Iterator[None]:
    """Raise errors that occur while a body is read as errors of this driver.

    Parameters
    ----------
    raw : urllib3.response.HTTPResponse
        The body.
    timeout : float
        The read timeout in seconds, for the message.
    length : int or None
        The number of bytes that the response announced.
    request : Request
        The query.

    Yields
    ------
    None

    Raises
    ------
    OperationalError
        If the body stalls, is truncated or damaged, or if the disk is full.
    """
    try:
        yield
    except (HTTPError, OSError) as error:
        redact(error)
        raise _error_of_body(error, raw, timeout, length, request) from error


def _error_of_body(
    error: Exception, raw: Any, timeout: float, length: int | None, request: Request
) -> OperationalError:
    retryable: bool | None = None
    if isinstance(error, ReadTimeoutError):
        retryable = False
        message = (
            f"the response stalled: no data for {timeout:g} s, after {raw.tell()} bytes "
            "(timeout=Timeout(read=...) waits longer)"
        )
    elif isinstance(error, DecodeError):
        message = f"the response's content-encoding is damaged: {reason(error)}"
    elif isinstance(error, HTTPError):
        message = (
            f"the response was truncated after {_received(raw, error)} of "
            f"{'?' if length is None else length} bytes: {reason(error)}"
        )
    else:  # of the disk: urllib3 wraps those of the network
        retryable = False
        message = f"cannot write the response to a temporary file: {error}"
    return OperationalError(message, status=200, retryable=retryable, **request.context)


def _received(raw: Any, error: HTTPError) -> int:
    """Count the bytes of a truncated body; those of the last read are only in the error."""
    partial = next((a.partial for a in error.args if isinstance(a, IncompleteRead)), b"")
    return int(raw.tell()) + (len(partial) if isinstance(partial, bytes) else 0)
