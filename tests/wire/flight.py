"""The recorded FlightSQL queries, and what they answered."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.wire.recordings import index


@cache
def queries(name: str) -> dict[str, dict[str, Any]]:
    """Return the entries of an archive's queries that went to the service without faults."""
    return {
        entry["name"]: entry
        for entry in index(name)
        if entry["method"] == "DoGet" and "begin" in entry and not entry["name"].startswith("auth")
    }


def table(folder: Path, name: str) -> pa.Table:
    """Decode a recorded answer."""
    return decode(messages(folder, name))


def messages(folder: Path, name: str) -> list[bytes]:
    """Return the messages of a recorded answer."""
    raw = (folder / "bodies" / f"{name}.messages").read_bytes()
    found = []
    while raw:
        size = 4 + int.from_bytes(raw[:4], "big")
        found.append(raw[4:size])
        raw = raw[size:]
    return found


def decode(messages: list[bytes]) -> pa.Table:
    """Decode an answer: its FlightData messages, written as an Arrow IPC stream."""
    stream = b""
    for message in messages:
        fields = _fields(message)
        header, body = fields.get(2, b""), fields.get(1000, b"")
        header += bytes(-len(header) % 8)
        stream += b"\xff\xff\xff\xff" + len(header).to_bytes(4, "little") + header
        stream += body + bytes(-len(body) % 8)
    return pa.ipc.open_stream(stream).read_all()


def _fields(message: bytes) -> dict[int, bytes]:
    """Split a protobuf message whose fields are bytes (FlightData: 2 header, 1000 body)."""
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        assert key & 7 == 2, "a field of another kind"
        size, at = varint(message, at)
        fields[key >> 3] = message[at : at + size]
        at += size
    return fields


def varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
