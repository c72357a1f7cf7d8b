"""WSGI types, and the responses of WSGI endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO, Any

__all__ = ["Application", "Environ", "StartResponse", "file", "text"]

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
_Headers = list[tuple[str, str]]

_CHUNK_BYTES = 2**18

_REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
}


def text(
    start: StartResponse, status: int, body: str, headers: _Headers | None = None
) -> Iterable[bytes]:
    """Respond with a short text.

    Parameters
    ----------
    start : callable
        WSGI's ``start_response``.
    status : int
        The HTTP status.
    body : str
        The text.
    headers : list of (str, str), optional
        In addition to the content length.

    Returns
    -------
    iterable of bytes
        The body.
    """
    encoded = body.encode()
    size = ("content-length", str(len(encoded)))
    start(f"{status} {_REASONS[status]}", [*(headers or []), size])
    return [encoded] if encoded else []


def file(
    environ: Environ, start: StartResponse, opened: IO[bytes], size: int, headers: _Headers
) -> Iterable[bytes]:
    """Respond with a file.

    Parameters
    ----------
    environ : dict
        Of the request.
    start : callable
        WSGI's ``start_response``.
    opened : binary file
        At its start. It is closed after it is sent.
    size : int
        Its size in bytes.
    headers : list of (str, str)
        In addition to the content length.

    Returns
    -------
    iterable of bytes
        The body.
    """
    start("200 OK", [("content-length", str(size)), *headers])
    if size <= _CHUNK_BYTES:  # a single write, by the thread that has it
        with opened:
            return [opened.read()]
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](opened, _CHUNK_BYTES)
    return wrapped
