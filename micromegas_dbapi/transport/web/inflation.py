"""The size of compressed Arrow messages after decompression, read before anything is allocated.

Each compressed buffer begins with its size after decompression. pyarrow allocates what it says. The
sizes are found through the metadata of the message, a flatbuffer.
"""

from __future__ import annotations

import struct

__all__ = ["inflated_size"]

_CONTINUATION = -1  # precedes the length of the metadata, except in messages of old writers
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
# Numbers of the fields of Message, DictionaryBatch and RecordBatch.
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3
_DATA = 1
_BUFFERS, _COMPRESSION = 2, 3


def inflated_size(payload: bytes) -> int:
    """Return the sum of the sizes that the compressed buffers of messages claim to have.

    Parameters
    ----------
    payload : bytes
        Messages of an IPC stream.

    Returns
    -------
    int
        In bytes; 0 if nothing is compressed.

    Raises
    ------
    ValueError
        If the messages are damaged.
    """
    total = start = 0
    try:
        while start < len(payload):
            (length,) = struct.unpack_from("<i", payload, start)
            start += 4
            if length == _CONTINUATION:
                (length,) = struct.unpack_from("<i", payload, start)
                start += 4
            if length <= 0:  # the end of a stream
                break
            message = _Table(payload, _follow(payload, start))
            body = start + length
            total += _inflated(message, payload, body)
            start = body + max(0, message.number(_BODY_LENGTH, "<q"))
    except struct.error as error:
        raise ValueError("the metadata of a message points outside of it") from error
    return total


def _inflated(message: _Table, payload: bytes, body: int) -> int:
    kind = message.number(_HEADER_TYPE, "<B")
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return 0
    batch = message.table(_HEADER)
    if batch is not None and kind == _DICTIONARY_BATCH:
        batch = batch.table(_DATA)
    if batch is None or batch.table(_COMPRESSION) is None:
        return 0
    total = 0
    for offset, length in batch.pairs(_BUFFERS):
        if length > 8:
            (size,) = struct.unpack_from("<q", payload, _inside(body + offset))
            total += max(size, 0)  # -1: not compressed
    return total


class _Table:
    """A table of a flatbuffer. Its fields may be missing."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self._place = place
        (back,) = struct.unpack_from("<i", data, place)
        self._fields = _inside(place - back)
        (self._size,) = struct.unpack_from("<H", data, self._fields)

    def _field(self, number: int) -> int | None:
        at = 4 + 2 * number
        if at + 2 > self._size:
            return None
        (offset,) = struct.unpack_from("<H", self._data, self._fields + at)
        return self._place + offset if offset else None

    def number(self, number: int, kind: str) -> int:
        place = self._field(number)
        return 0 if place is None else int(struct.unpack_from(kind, self._data, place)[0])

    def table(self, number: int) -> _Table | None:
        place = self._field(number)
        return None if place is None else _Table(self._data, _follow(self._data, place))

    def pairs(self, number: int) -> list[tuple[int, int]]:
        """Return a vector of structs of two integers."""
        place = self._field(number)
        if place is None:
            return []
        start = _follow(self._data, place)
        (count,) = struct.unpack_from("<I", self._data, start)
        if count > len(self._data) // 16:
            raise struct.error
        flat = struct.unpack_from(f"<{2 * count}q", self._data, start + 4)
        return list(zip(flat[::2], flat[1::2], strict=True))


def _follow(data: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", data, place)[0])


def _inside(place: int) -> int:
    if place < 0:  # which Python would count from the end
        raise struct.error
    return place
