"""JSONB: recorded values, hand-written values of every kind, and invalid bytes."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromegas_dbapi.arrow.jsonb import decode

Wire = Callable[[str], Path]
UTC = timezone.utc


# ---- What a service wrote -----------------------------------------------------------------------


def column(wire: Wire, view: str, name: str) -> list[bytes]:
    """The distinct values of a column in the files of the recorded 0.30 service."""
    file = pq.ParquetFile(wire("flight-0.30") / "data" / f"{view}.parquet")
    table = file.read([name])
    file.close()
    kind = table.schema.field(name).type
    assert pa.binary() in (kind, getattr(kind, "value_type", None))
    return sorted(set(table.column(name).to_pylist()))


THREADS = {"main", "render", *(f"worker {i}" for i in range(10))}


@pytest.mark.parametrize(
    ("view", "name"),
    [
        ("processes", "properties"),
        ("blocks", "processes.properties"),
        ("log_entries", "process_properties"),
        ("measures", "process_properties"),
    ],
)
def test_the_properties_of_the_processes(wire: Wire, view: str, name: str) -> None:
    first = {"Build-Version": "1.4.2", "empty": "", "region": "eu-west"}
    second = {"BUILD-VERSION": "1.4.1", "quote": 'it\'s "ok"', "region": "us-east"}
    found = [decode(value) for value in column(wire, view, name)]
    assert sorted(found, key=repr) == sorted([first, second, {}], key=repr)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (
            "log_entries",
            [
                {},
                {"Build Kind": "retail 'gold'", "region": "ap-south"},
                {"Build Kind": "retail 'gold'", "region": "eu-west"},
                {"Build Kind": "retail 'gold'", "region": "us-east"},
            ],
        ),
        ("measures", [{}, {"cache": "cold"}, {"cache": "hot"}]),
    ],
)
def test_the_properties_of_the_events(wire: Wire, view: str, expected: list[Any]) -> None:
    found = [decode(value) for value in column(wire, view, "properties")]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize(
    ("view", "name"), [("streams", "properties"), ("blocks", "streams.properties")]
)
def test_the_properties_of_the_threads(wire: Wire, view: str, name: str) -> None:
    found = [decode(value) for value in column(wire, view, name)]
    assert len(found) == 11
    assert {} in found
    for properties in filter(None, found):
        assert list(properties) == ["thread-id", "thread-name"]
        assert properties["thread-id"].isdecimal()
        assert properties["thread-name"] in THREADS


@pytest.mark.parametrize("name", ["dependencies_metadata", "objects_metadata"])
def test_the_metadata_of_the_streams_is_cbor(wire: Wire, name: str) -> None:
    """Binary, but not JSONB: as JSONB it would have hundreds of millions of items."""
    values = column(wire, "streams", name)
    assert values
    for value in values:
        with pytest.raises(ValueError, match="not a JSONB value"):
            decode(value)


# ---- By hand ------------------------------------------------------------------------------------

ARRAY, OBJECT, SCALAR = 0x8000_0000, 0x4000_0000, 0x2000_0000
NULL, STRING, NUMBER, FALSE, TRUE, NESTED, EXTENSION = (i << 28 for i in range(7))


def words(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def scalar(kind: int, payload: bytes = b"") -> bytes:
    return words(SCALAR, kind | len(payload)) + payload


def number(tag: int, body: bytes = b"") -> bytes:
    return scalar(NUMBER, bytes([tag]) + body)


def decimal(value: int, width: int, tail: bytes) -> bytes:
    return number(0x70, value.to_bytes(width, "big", signed=True) + tail)


NAME_VALUE = words(OBJECT | 1, STRING | 4, STRING | 5) + b"namevalue"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (scalar(NULL), None),
        (scalar(TRUE), True),
        (scalar(FALSE), False),
        (scalar(STRING), ""),
        (scalar(STRING, "é 🎉\0".encode()), "é 🎉\0"),
        # Numbers: constants, integers of 1, 2, 4 and 8 bytes, floats, decimals.
        (number(0x00), 0),
        (number(0x20), math.inf),
        (number(0x30), -math.inf),
        (number(0x40, b"\xff"), -1),
        (number(0x40, b"\x7f"), 127),
        (number(0x40, b"\x80\x00"), -(2**15)),
        (number(0x40, b"\x80" + bytes(3)), -(2**31)),
        (number(0x40, b"\x80" + bytes(7)), -(2**63)),
        (number(0x50, b"\xff"), 255),
        (number(0x50, b"\xff\xff"), 2**16 - 1),
        (number(0x50, b"\xff" * 4), 2**32 - 1),
        (number(0x50, b"\xff" * 8), 2**64 - 1),
        (number(0x60, struct.pack(">d", 0.1)), 0.1),
        (number(0x60, struct.pack(">d", -0.0)), -0.0),
        (number(0x60, struct.pack(">d", 5e-324)), 5e-324),
        (decimal(12345, 8, b"\x02"), Decimal("123.45")),
        (decimal(-12345, 8, b"\x00"), Decimal("-12345")),
        (decimal(10**37, 16, b"\x25"), Decimal("1.0000000000000000000000000000000000000")),
        (decimal(-(10**38), 16, b"\x26\x01"), Decimal("-1" + "0" * 37 + ".0")),
        (decimal(10**76 - 1, 32, b"\x4c"), Decimal("0." + "9" * 76)),
        (decimal(1 - 10**76, 32, b"\x4c\x00"), Decimal("-" + "9" * 76)),
        # Extensions.
        (scalar(EXTENSION, b"\x00\x01\xff"), b"\x01\xff"),
        (scalar(EXTENSION, b"\x10" + struct.pack(">i", 0)), date(1970, 1, 1)),
        (scalar(EXTENSION, b"\x10" + struct.pack(">i", -719162)), date(1, 1, 1)),
        (
            scalar(EXTENSION, b"\x20" + struct.pack(">q", -1)),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        ),
        (
            scalar(EXTENSION, b"\x30" + struct.pack(">qi", 1_000_000, 7200)),
            datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
        ),
        # Arrays and objects: all keys, then all values.
        (words(ARRAY), []),
        (words(OBJECT), {}),
        (words(ARRAY | 3, NULL, TRUE, STRING | 1) + b"x", [None, True, "x"]),
        (bytes.fromhex("40000001 10000004 10000005") + b"namevalue", {"name": "value"}),
        (
            words(OBJECT | 2, STRING | 1, STRING | 2, NUMBER | 2, FALSE) + b"abb\x40\x05",
            {"a": 5, "bb": False},
        ),
        (words(OBJECT | 1, STRING, STRING), {"": ""}),
        (words(ARRAY | 1, NESTED | 4) + words(ARRAY), [[]]),
        (
            words(ARRAY | 2, NESTED | len(NAME_VALUE), STRING | 1) + NAME_VALUE + b"z",
            [{"name": "value"}, "z"],
        ),
        (
            words(OBJECT | 1, STRING | 1, NESTED | len(NAME_VALUE)) + b"k" + NAME_VALUE,
            {"k": {"name": "value"}},
        ),
        (words(SCALAR, NESTED | len(NAME_VALUE)) + NAME_VALUE, {"name": "value"}),
    ],
)
def test_a_value_by_hand(data: bytes, expected: Any) -> None:
    found = decode(data)
    assert found == expected
    assert repr(found) == repr(expected)  # 0 is not 0.0, nor -0.0, nor False
    assert decode(memoryview(data)) == expected  # type: ignore[arg-type]


def test_not_a_number() -> None:
    assert math.isnan(decode(number(0x10)))
    assert math.isnan(decode(number(0x60, struct.pack(">d", math.nan))))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a JSONB value"),
        (b"\x80\x00\x00", "not a JSONB value"),
        (words(0), "header 0x00000000"),
        (words(ARRAY | OBJECT), "header 0xc0000000"),
        (b'{"name":"value"}', "header 0x7b226e61"),
        (words(SCALAR), "not a JSONB value"),
        (words(SCALAR, STRING | 2) + b"x", "it is truncated"),
        (words(SCALAR, STRING | 1) + b"xy", "it ends after 9 of 10 bytes"),
        (words(SCALAR, STRING | 1) + b"\xff", "not a JSONB value: 'utf-8' codec"),
        (words(SCALAR, 7 << 28), "entry 0x70000000"),
        (NAME_VALUE[:-1], "it is truncated"),
        (NAME_VALUE + b"\0", "it ends after 21 of 22 bytes"),
        (words(OBJECT | 1, TRUE, TRUE), "a key is not a string"),
        (words(OBJECT | 1, NESTED | 4, TRUE) + words(ARRAY), "a key is not a string"),
        (scalar(NUMBER), "not a JSONB value"),
        (number(0x80), "number 0x80"),
        (number(0x60, bytes(4)), "not a JSONB value"),
        (number(0x70, bytes(5)), "not a JSONB value"),
        (scalar(EXTENSION), "not a JSONB value"),
        (scalar(EXTENSION, b"\x40" + bytes(16)), "the unknown extension 0x40"),
        (scalar(EXTENSION, b"\x10" + struct.pack(">i", 2**31 - 1)), "not a JSONB value"),
        (scalar(EXTENSION, b"\x20" + struct.pack(">q", 2**63 - 1)), "not a JSONB value"),
        # A nested value has neither less nor more than what it is given.
        (words(ARRAY | 1, NESTED | 5) + words(ARRAY) + b"\0", "it ends after 4 of 5 bytes"),
        (words(ARRAY | 1, NESTED) + words(ARRAY), "not a JSONB value"),
        (words(ARRAY | 1, NESTED | 4) + words(ARRAY | 1, NULL), "not a JSONB value"),
    ],
)
def test_what_is_no_jsonb(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        decode(data)
    assert reason in str(caught.value)


# ---- Anything at all ----------------------------------------------------------------------------


def encode(value: Any) -> bytes:
    """Encode values of the kinds that JSON has."""
    if not isinstance(value, (list, dict)):
        entry, payload = item(value)
        return words(SCALAR, entry) + payload
    items = value if isinstance(value, list) else [*value, *value.values()]
    head = (ARRAY if isinstance(value, list) else OBJECT) | len(value)
    pieces = [item(each) for each in items]
    return words(head, *(entry for entry, _ in pieces)) + b"".join(data for _, data in pieces)


def item(value: Any) -> tuple[int, bytes]:
    if value is None or isinstance(value, bool):
        return {None: NULL, True: TRUE, False: FALSE}[value], b""
    if isinstance(value, str):
        kind, payload = STRING, value.encode()
    elif isinstance(value, int):
        kind, payload = NUMBER, b"\x40" + value.to_bytes(8, "big", signed=True)
    elif isinstance(value, float):
        kind, payload = NUMBER, b"\x60" + struct.pack(">d", value)
    else:
        kind, payload = NESTED, encode(value)
    return kind | len(payload), payload


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def decodes_or_raises(data: bytes) -> None:
    """Any exception other than ValueError fails the test."""
    try:
        decode(data)
    except ValueError as error:
        assert "JSONB value" in str(error)  # noqa: PT017


@given(value=VALUES)
def test_what_is_encoded_is_decoded(value: Any) -> None:
    assert decode(encode(value)) == value


@given(data=st.binary(max_size=80))
def test_random_bytes(data: bytes) -> None:
    decodes_or_raises(data)
    for head in (ARRAY, OBJECT, SCALAR):
        decodes_or_raises(words(head | len(data) // 8) + data)


@given(
    value=VALUES,
    changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 8),
    tail=st.binary(max_size=4),
)
def test_mutated_bytes(value: Any, changes: list[tuple[int, int]], cut: int, tail: bytes) -> None:
    data = bytearray(encode(value))
    for place, byte in changes:
        data[place % len(data)] = byte
    decodes_or_raises(bytes(data[: len(data) - cut]) + tail)


@given(heads=st.lists(st.integers(0, 2**32 - 1), max_size=30))
def test_random_headers_and_entries(heads: list[int]) -> None:
    decodes_or_raises(words(*heads))
    decodes_or_raises(words(*(head & 0xF000_001F for head in heads)))


# ---- Made to hurt -------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [ARRAY, OBJECT])
def test_a_header_may_claim_half_a_billion_items(head: int) -> None:
    with pytest.raises(ValueError, match="not a JSONB value"):
        decode(words(head | 0x1FFF_FFFF) + bytes(1000))


def nest(depth: int) -> bytes:
    value = words(ARRAY)
    for _ in range(depth):
        value = words(ARRAY | 1, NESTED | len(value)) + value
    return value


def test_two_hundred_levels_are_enough() -> None:
    found = decode(nest(200))
    for _ in range(200):
        (found,) = found
    assert found == []


@pytest.mark.parametrize("depth", [201, 2_000, 100_000])
def test_deeper_levels_are_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="nested more than 200 levels deep"):
        decode(nest(depth) if depth < 10_000 else deep(depth))


def deep(depth: int) -> bytes:
    """The same as `nest`, in linear time."""
    return b"".join(words(ARRAY | 1, NESTED | 8 * i + 4) for i in range(depth - 1, -1, -1)) + (
        words(ARRAY)
    )


def test_both_ways_to_nest_agree() -> None:
    assert nest(50) == deep(50)


def test_no_byte_is_read_twice() -> None:
    """Entries of length 0 start at one offset: ten levels would take ten billion steps."""
    level = words(ARRAY | 10, *[NESTED] * 10)
    before = time.process_time()
    with pytest.raises(ValueError, match="not a JSONB value"):
        decode(level * 10)
    assert time.process_time() - before < 5
