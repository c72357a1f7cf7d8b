"""A stream of CBOR texts -> its texts, each as soon as it is whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cbor2

from micromegas_dbapi.errors import OperationalError

__all__ = ["texts"]

_TEXT = 3  # the major type
_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}  # of a length that does not fit into the first byte


def texts(pieces: Iterable[bytes], about: dict[str, Any]) -> Iterator[str]:
    """Read texts from a body that arrives in pieces.

    cbor2 reads streams too, but some of its versions read ahead, and wait for the next text
    before they give the one that is there.

    Parameters
    ----------
    pieces : iterable of bytes
        Cut anywhere.
    about : dict
        ``sql`` and ``query_id``, for errors.

    Raises
    ------
    OperationalError
        If there is something else than texts, or the last one is cut.
    """
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while waiting and 0 < (size := _size(waiting, about)) <= len(waiting):
            item = bytes(waiting[:size])
            del waiting[:size]
            try:
                yield str(cbor2.loads(item))
            except (cbor2.CBORDecodeError, ValueError) as error:
                raise _no_text(item, about) from error
    if waiting:
        raise OperationalError(
            f"the answer was cut inside a text, after {bytes(waiting[-40:])!r}",
            status=200,
            retryable=None,
            **about,
        )


def _size(waiting: bytearray, about: dict[str, Any]) -> int:
    """Tell how many bytes the text at the begin takes; 0 where that has not arrived yet."""
    major, short = waiting[0] >> 5, waiting[0] & 31
    if major != _TEXT or not (short < 24 or short in _WIDTHS):
        raise _no_text(bytes(waiting), about)
    if short < 24:
        return 1 + short
    head = 1 + _WIDTHS[short]
    return head + int.from_bytes(waiting[1:head], "big") if len(waiting) >= head else 0


def _no_text(item: bytes, about: dict[str, Any]) -> OperationalError:
    return OperationalError(
        f"the answer is not a stream of CBOR texts: {item[:40]!r}; is this a Micromegas HTTP "
        "service?",
        status=200,
        retryable=False,
        **about,
    )
