"""Decode JSONB, the format of properties on newer services.

It is the binary format of the Rust crate ``jsonb`` (0.5, feature "databend"), not that of
PostgreSQL or SQLite. All integers are big-endian. A value consists of a header, one entry for each
item, and the payloads in the order of the entries::

    header  0x20...... scalar (1 entry) | 0x80...... array | 0x40...... object (keys, then values)
            the low 29 bits count the items
    entry   0x0....... null | 0x1.. string | 0x2.. number | 0x3.. false | 0x4.. true
            0x5....... a nested value | 0x6.. extension; the low 28 bits are the payload's length
"""

from __future__ import annotations

import math
import struct
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal
from typing import Any

__all__ = ["decode"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EXACT = Context(prec=80)
_MAX_DEPTH = 200


def decode(data: bytes) -> Any:
    """Decode a JSONB value.

    Parameters
    ----------
    data : bytes
        Exactly one value.

    Returns
    -------
    dict, list, str, int, float, Decimal, bool, bytes, datetime, date or None
        Objects as dict, arrays as list.

    Raises
    ------
    ValueError
        If the bytes are not JSONB, are truncated, or contain an unknown extension.
    """
    try:
        return _value(memoryview(data), 0)
    except (struct.error, IndexError, KeyError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"not a JSONB value: {error}") from error


def _value(data: memoryview, depth: int) -> Any:
    """Decode a value that fills `data`, so that no byte is read twice."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"a JSONB value is nested more than {_MAX_DEPTH} levels deep")
    (header,) = struct.unpack_from(">I", data)
    kind, count = header & 0xE000_0000, header & 0x1FFF_FFFF
    entries_by_kind = {0x2000_0000: 1, 0x8000_0000: count, 0x4000_0000: 2 * count}
    if kind not in entries_by_kind:
        raise ValueError(f"not a JSONB value: header {header:#010x}")
    size = entries_by_kind[kind]
    entries = struct.unpack_from(f">{size}I", data, 4)
    at = 4 + 4 * size
    items = []
    for entry in entries:
        end = at + (entry & 0x0FFF_FFFF)
        if end > len(data):
            raise ValueError("not a JSONB value: it is truncated")
        items.append(_item(entry & 0x7000_0000, data[at:end], depth))
        at = end
    if at != len(data):
        raise ValueError(f"not a JSONB value: it ends after {at} of {len(data)} bytes")
    if kind == 0x2000_0000:
        return items[0]
    if kind == 0x8000_0000:
        return items
    if not all(isinstance(key, str) for key in items[:count]):
        raise ValueError("not a JSONB value: a key is not a string")
    return dict(zip(items[:count], items[count:], strict=True))


def _item(kind: int, payload: memoryview, depth: int) -> Any:
    if kind == 0x0000_0000:
        return None
    if kind == 0x1000_0000:
        return str(payload, "utf-8")
    if kind == 0x2000_0000:
        return _number(bytes(payload))
    if kind in (0x3000_0000, 0x4000_0000):
        return kind == 0x4000_0000
    if kind == 0x5000_0000:
        return _value(payload, depth + 1)
    if kind == 0x6000_0000:
        return _extension(bytes(payload))
    raise ValueError(f"not a JSONB value: entry {kind:#010x}")


def _number(payload: bytes) -> Any:
    tag, body = payload[0], payload[1:]
    constants = {0x00: 0, 0x10: math.nan, 0x20: math.inf, 0x30: -math.inf}
    if tag in constants:
        return constants[tag]
    if tag in (0x40, 0x50):
        return int.from_bytes(body, "big", signed=tag == 0x40)
    if tag == 0x60:
        return struct.unpack(">d", body)[0]
    if tag == 0x70:  # the value, a precision byte (in older files only), the scale
        width = {9: 8, 17: 16, 18: 16, 33: 32, 34: 32}[len(body)]
        digits = Decimal(int.from_bytes(body[:width], "big", signed=True))
        return digits.scaleb(-body[-1], _EXACT)
    raise ValueError(f"not a JSONB value: number {tag:#04x}")


def _extension(payload: bytes) -> Any:
    tag, body = payload[0], payload[1:]
    if tag == 0x00:
        return body
    if tag == 0x10:
        return (_EPOCH + timedelta(days=int.from_bytes(body, "big", signed=True))).date()
    if tag in (0x20, 0x30):
        return _EPOCH + timedelta(microseconds=int.from_bytes(body[:8], "big", signed=True))
    raise ValueError(f"a JSONB value has the unknown extension {tag:#04x}")
