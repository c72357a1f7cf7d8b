"""Decoder of a stream of CBOR strings, which yields each string once it is complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cbor2

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.transport.protocol import Request

__all__ = ["decode_strings"]

_TEXT = 3  # the major type of text strings
_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}  # of a length that does not fit into the first byte


def decode_strings(chunks: Iterable[bytes], request: Request) -> Iterator[str]:
    """Decode strings from a body that arrives in chunks.

    cbor2 can read streams too, but some of its versions read ahead: they wait for the next string
    before they return a complete one.

    Parameters
    ----------
    chunks : iterable of bytes
        Their boundaries may be anywhere.
    request : Request
        The query.

    Yields
    ------
    str

    Raises
    ------
    OperationalError
        If an item is not a string, or the last one is incomplete.
    """
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        while pending and 0 < (size := _size(pending, request)) <= len(pending):
            item = bytes(pending[:size])
            del pending[:size]
            try:
                yield str(cbor2.loads(item))
            except (cbor2.CBORDecodeError, ValueError) as error:
                # Without its traceback: cbor2 5.6 never frees the error, and so the response.
                raise _not_a_string(item, request) from error.with_traceback(None)
    if pending:
        raise OperationalError(
            f"the response was truncated inside a string, after {bytes(pending[-40:])!r}",
            status=200,
            retryable=None,
            **request.context,
        )


def _size(pending: bytearray, request: Request) -> int:
    """Return the size of the first string in bytes; 0 if its length has not arrived yet."""
    major, short = pending[0] >> 5, pending[0] & 31
    if major != _TEXT or not (short < 24 or short in _WIDTHS):
        raise _not_a_string(bytes(pending), request)
    if short < 24:
        return 1 + short
    head = 1 + _WIDTHS[short]
    return head + int.from_bytes(pending[1:head], "big") if len(pending) >= head else 0


def _not_a_string(item: bytes, request: Request) -> OperationalError:
    return OperationalError(
        f"the response is not a stream of CBOR strings: {item[:40]!r}; is this a Micromegas HTTP "
        "service?",
        status=200,
        retryable=False,
        **request.context,
    )
