"""The messages of Arrow Flight that carry much or are simple, written by hand.

Flight's own protobuf classes are hidden in pyarrow. These are a few fields of bytes, and the data
of a message is copied once this way.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

__all__ = ["action_type", "flight_data", "flight_info"]

_BODY = 1000


def flight_data(messages: bytes) -> Iterator[bytes]:
    """Turn messages of an Arrow IPC stream into ``FlightData``, one each."""
    source = pa.BufferReader(messages)
    while source.tell() < len(messages):
        message = pa.ipc.read_message(source)
        yield _fields((2, message.metadata), (_BODY, message.body))


def action_type(name: str, description: str) -> bytes:
    """Write an ``ActionType``."""
    return _fields((1, name.encode()), (2, description.encode()))


def flight_info(schema: pa.Schema, descriptor: bytes, ticket: bytes) -> bytes:
    """Write a ``FlightInfo`` of one endpoint, nobody knows of how many rows and bytes.

    Parameters
    ----------
    schema : pyarrow.Schema
    descriptor : bytes
        As it came; empty tells none.
    ticket : bytes
        What DoGet takes.
    """
    endpoint = _fields((1, _fields((1, ticket))))
    known = _fields((1, schema.serialize()), (2, descriptor), (3, endpoint))
    unknown = _varint(2**64 - 1)
    return b"".join((known, _varint(4 << 3), unknown, _varint(5 << 3), unknown))


def _fields(*fields: tuple[int, bytes | pa.Buffer | None]) -> bytes:
    parts: list[bytes | pa.Buffer] = []
    for number, value in fields:
        if value is not None and len(value):
            parts += [_varint(number << 3 | 2), _varint(len(value)), value]
    return b"".join(parts)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
