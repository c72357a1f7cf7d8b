"""What the endpoints have in common as parts of a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO, Any

__all__ = ["Environ", "StartResponse", "file", "text"]

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Headers = list[tuple[str, str]]

_CHUNK = 2**18

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
    start: StartResponse, status: int, body: str, headers: Headers | None = None
) -> Iterable[bytes]:
    """Answer with a short text."""
    encoded = body.encode()
    size = ("content-length", str(len(encoded)))
    start(f"{status} {_REASONS[status]}", [*(headers or []), size])
    return [encoded] if encoded else []


def file(
    environ: Environ, start: StartResponse, opened: IO[bytes], size: int, headers: Headers
) -> Iterable[bytes]:
    """Answer with a file of known size, which is closed then."""
    start("200 OK", [("content-length", str(size)), *headers])
    if size <= _CHUNK:  # one write, by the thread that has it
        with opened:
            return [opened.read()]
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](opened, _CHUNK)
    return wrapped
