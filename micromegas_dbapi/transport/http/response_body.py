"""The body of an HTTP answer -> bytes or a spool, whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import IncompleteRead
from typing import Any

import requests
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.options import HttpSettings, Progress
from micromegas_dbapi.transport.http.spool import Spool

__all__ = ["causes", "read", "reading", "reason"]

_CHUNK = 2**20


def read(
    response: requests.Response,
    settings: HttpSettings,
    report: Progress | None,
    about: dict[str, Any],
) -> bytes | Spool:
    """Read a whole body: in memory up to the limit of the settings, else into a temporary file.

    Parameters
    ----------
    response : requests.Response
        Not read yet.
    settings : HttpSettings
    report : callable or None
        Told of the bytes as they arrive.
    about : dict
        ``sql`` and ``query_id``, for errors.

    Raises
    ------
    OperationalError
        If it stalls, is cut or damaged, or the disk is full.
    """
    limit = settings.spool_bytes
    length = _content_length(response)
    raw = response.raw
    with reading(raw, settings.timeout.read, length, about):
        if length is not None and length <= limit and report is None:
            # One read, one bytes object that Arrow uses as it is.
            body: bytes | Spool = raw.read(decode_content=True)
        else:
            body = _in_pieces(raw, limit, length, report)
    if length is not None and raw.tell() < length:
        message = f"the answer was cut after {raw.tell()} of {length} bytes"
        raise OperationalError(message, status=200, retryable=None, **about)
    return body


def _in_pieces(raw: Any, limit: int, length: int | None, report: Progress | None) -> bytes | Spool:
    """Read to the end, moving to a file once there are more bytes than the limit."""
    if length is not None and length > limit:
        limit = 0
    pieces: list[bytes] = []
    spool: Spool | None = None
    size = 0
    try:
        while piece := raw.read(_CHUNK, decode_content=True):
            size += len(piece)
            if report is not None:
                report(size, length)
            if spool is not None:
                spool.write(piece)
                continue
            pieces.append(piece)
            if size > limit:
                spool = Spool()
                for early in pieces:
                    spool.write(early)
                pieces.clear()
    except BaseException:
        if spool is not None:
            spool.close()
        raise
    return b"".join(pieces) if spool is None else spool


@contextmanager
def reading(raw: Any, patience: float, length: int | None, about: dict[str, Any]) -> Iterator[None]:
    """Turn what goes wrong while a body is read into errors of ours.

    Parameters
    ----------
    raw : urllib3.response.HTTPResponse
    patience : float
        The timeout, in seconds, for the error that tells of it.
    length : int or None
        How many bytes were announced.
    about : dict
        ``sql`` and ``query_id``, for errors.

    Raises
    ------
    OperationalError
    """
    try:
        yield
    except ReadTimeoutError as error:
        message = (
            f"the answer stalled: nothing came for {patience:g} s, after "
            f"{raw.tell()} bytes (timeout=Timeout(read=...) waits longer)"
        )
        raise OperationalError(message, status=200, retryable=False, **about) from error
    except DecodeError as error:
        message = f"the answer's content-encoding is damaged: {reason(error)}"
        raise OperationalError(message, status=200, retryable=None, **about) from error
    except HTTPError as error:
        message = (
            f"the answer was cut after {_received(raw, error)} of "
            f"{'?' if length is None else length} bytes: {reason(error)}"
        )
        raise OperationalError(message, status=200, retryable=None, **about) from error
    except OSError as error:  # of the disk: urllib3 wraps those of the network
        message = f"the answer cannot be kept in a temporary file: {error}"
        raise OperationalError(message, status=200, retryable=False, **about) from error


def _content_length(response: requests.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _received(raw: Any, error: HTTPError) -> int:
    """Count the bytes of a body that was cut: what the last read got is only in its error."""
    partial = next((a.partial for a in error.args if isinstance(a, IncompleteRead)), b"")
    return int(raw.tell()) + (len(partial) if isinstance(partial, bytes) else 0)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Go from an error of requests inwards, to what happened: it may lie in several wrappers."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        deeper = getattr(inner, "reason", None)
        if not isinstance(deeper, BaseException):
            deeper = next((a for a in reversed(inner.args) if isinstance(a, BaseException)), None)
        inner = deeper


def reason(error: BaseException) -> str:
    """Give the innermost text of a chain of network errors, which says most in the fewest words."""
    *_, inner = causes(error)
    # urllib3 begins some of its texts with the repr of a connection.
    text = re.sub(r"^(<.*?object at 0x.*?>|HTTPS?Connection\(.*?\)): ", "", str(inner))
    return text or type(inner).__name__
