"""Checks of batches against the declared schema: every mismatch is found, and nothing else.

The pairs are written by pyarrow, then laid out as services do it: see `realigned`.
"""

from __future__ import annotations

import struct
from itertools import product
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings

import micromegas_dbapi as mm
from micromegas_dbapi.transport.layout import LayoutChecker, check, decoding_error
from micromegas_dbapi.transport.protocol import Request
from tests.wire import flight
from tests.wire.recordings import index

REQUEST = Request("SELECT c FROM log_entries", None, "an-id")
ROWS = 15
VALUES: dict[str, pa.Array] = {
    "bool": pa.array([True, False, None] * 5),
    "int8": pa.array([1, 2, None] * 5, pa.int8()),
    "int16": pa.array([1, 2, None] * 5, pa.int16()),
    "int32": pa.array([1, 2, None] * 5, pa.int32()),
    "int64": pa.array([1, 2, None] * 5),
    "float": pa.array([1.0, 2.0, None] * 5, pa.float32()),
    "double": pa.array([1.5, 2.0, None] * 5),
    "time": pa.array([1, 2, None] * 5, pa.timestamp("ns", "+00:00")),
    "text": pa.array(["a", "bb", None] * 5),
    "large text": pa.array(["a", "bb", None] * 5, pa.large_string()),
    "view": pa.array(["a", "b" * 40, None] * 5, pa.string_view()),
    "bytes": pa.array([b"a", b"\xff", None] * 5),
    "dictionary": pa.array(["a", "bb", None] * 5).dictionary_encode(),
    "small dictionary": pa.array(["a", "bb", None] * 5)
    .dictionary_encode()
    .cast(pa.dictionary(pa.int16(), pa.string())),
    "list": pa.array([[1], [2, 3], None] * 5),
    "list of texts": pa.array([["a"], ["b", "cc"], None] * 5),
    "struct": pa.array([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, None] * 5),
    "pairs": pa.array([[1, 2], [3, 4], None] * 5, pa.list_(pa.int64(), 2)),
    "two bytes": pa.array([b"ab", b"cd", None] * 5, pa.binary(2)),
    "decimal": pa.array([1, 2, None] * 5, pa.decimal128(10, 2)),
    "null": pa.nulls(ROWS),
    "map": pa.array([[("a", 1)], [], None] * 5, pa.map_(pa.string(), pa.int64())),
}
# Types with the same layout, which lengths cannot distinguish.
ALIKE = [
    {"int64", "double", "time"},
    {"int32", "float"},
    {"int16", "two bytes"},
    {"text", "bytes"},
]


def decoded(told: pa.Schema, batch: pa.RecordBatch, services: bool) -> list[pa.RecordBatch]:
    """Read a batch with a declared schema."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    messages = list(pa.ipc.MessageReader.open_stream(sink.getvalue()))[1:]
    stream = told.serialize().to_pybytes()
    for message in messages:
        header, body = message.metadata.to_pybytes(), message.body.to_pybytes()
        if services:
            header, body = realigned(header, body)
        header += bytes(-len(header) % 8)
        stream += b"\xff\xff\xff\xff" + struct.pack("<i", len(header)) + header + body
    # The buffers of each batch are slices of one body, as in a gRPC message.
    return list(pa.ipc.open_stream(pa.py_buffer(stream)))


def realigned(header: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Use the layout of services: buffers at multiples of 64, and bitmaps even without nulls.

    The places of buffers are found in the flatbuffer as it is: a vector of pairs of 64-bit numbers.
    """
    changed, laid, places = bytearray(header), b"", _places(header)
    told = [struct.unpack_from("<qq", header, at) for at in places]
    for number, (at, (offset, length)) in enumerate(zip(places, told, strict=True)):
        data = body[offset : offset + length]
        if not length and any(size for _, size in told[number + 1 : number + 2]):
            data = b"\xff"  # a null bitmap before values without nulls
        struct.pack_into("<qq", changed, at, len(laid), len(data))
        laid += data
        laid += bytes(-len(laid) % 64)
    struct.pack_into("<q", changed, _field(header, _root(header), 3), len(laid))
    return bytes(changed), laid


def _root(data: bytes) -> int:
    return int(struct.unpack_from("<I", data, 0)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Return the position of a field in a flatbuffer table; 0 if it is missing."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    at = 4 + 2 * number
    offset = struct.unpack_from("<H", data, vtable + at)[0] if at < size else 0
    return table + offset if offset else 0


def _follow(data: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", data, at)[0])


def _places(header: bytes) -> list[int]:
    root = _root(header)
    kind = header[_field(header, root, 1)]
    batch = _follow(header, _field(header, root, 2))
    if kind == 2:  # a dictionary, which contains a batch
        batch = _follow(header, _field(header, batch, 1))
    vector = _follow(header, _field(header, batch, 2))
    count = struct.unpack_from("<I", header, vector)[0]
    # Pairs of 64-bit numbers are aligned to eight bytes after the count.
    return [vector + 4 + 16 * at for at in range(count)]


def found(told: pa.Schema, batch: pa.RecordBatch, services: bool) -> mm.DataError | None:
    try:
        for each in decoded(told, batch, services):
            check(each, REQUEST)
    except mm.DataError as error:
        return error
    except (pa.ArrowException, OSError) as error:
        return decoding_error(error, told, REQUEST)
    return None


def columns(kind: str, rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"c": VALUES[kind][:rows], "k": pa.array(range(rows))})


@pytest.mark.parametrize(("told", "came"), list(product(VALUES, VALUES)))
def test_pairs(told: str, came: str) -> None:
    """As services lay a message out, everything is found but what has the same layout."""
    for rows in (1, 2, 3, 8, ROWS):
        check_pair(told, came, rows)


def check_pair(told: str, came: str, rows: int) -> None:
    schema = columns(told, 1).schema
    batch = pa.RecordBatch.from_arrays(
        [pa.concat_arrays([VALUES[came][:rows]]), pa.array(range(rows))], names=["c", "k"]
    )
    error = found(schema, batch, services=True)
    same = told == came or any({told, came} <= kinds for kinds in ALIKE)
    same = same or (rows == 1 and {told, came} == {"bool", "int8"})
    if not same:
        assert error is not None
    elif told == came:
        assert error is None
    if error is not None:
        named = "column 'c' was declared as" in str(error) or "declared as c " in str(error)
        assert named or "(unless a column before it has" in str(error)
        assert "CAST" in str(error)
        assert (error.sql, error.query_id) == (REQUEST.sql, "an-id")
        assert error.retryable is False


@pytest.mark.parametrize("kind", VALUES)
def test_other_servers_fill_buffers_up(kind: str) -> None:
    """pyarrow includes up to seven bytes after a slice in its buffers."""
    whole = pa.Table.from_batches([columns(kind, ROWS)])
    for rows in (1, 2, 3, 5, 8):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, whole.schema) as writer:
            writer.write_table(whole, rows)
        for batch in pa.ipc.open_stream(sink.getvalue()):
            check(batch, REQUEST)


@pytest.mark.parametrize("name", ["flight-0.30", "flight-0.2.3"])
def test_recorded_answers_fit(wire: Any, name: str) -> None:
    checked = 0
    for entry in index(name):
        if entry["method"] == "DoGet" and entry.get("messages"):
            for batch in flight.table(wire(name), entry["name"]).to_batches():
                check(batch, REQUEST)
                checked += 1
    assert checked > 100


def batch_of(values: list[int], kind: pa.DataType) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(values, kind)], names=["c"])


@pytest.mark.parametrize("right", [1, 2, 3, 4, 7, 30])
def test_a_stream_that_changes(right: int) -> None:
    """A batch of another type is found at any position, unless it resembles the others."""
    layout, values = LayoutChecker(REQUEST), list(range(100))
    told = batch_of(values, pa.int32())
    for _ in range(right):
        layout.check(told)
        layout.check(batch_of(values[: 50 + right], pa.int32()))
        layout.check(batch_of([], pa.int32()))
    [wrong] = decoded(told.schema, batch_of(values, pa.int64()), services=True)
    with pytest.raises(mm.DataError, match="column 'c' was declared as int32, but it has"):
        layout.check(wrong)


def test_a_stream_with_less_than_its_types_take() -> None:
    layout, told = LayoutChecker(REQUEST), pa.RecordBatch.from_pydict({"c": ["abcdefg"] * 100})
    for _ in range(5):
        layout.check(told)
    # The same number of bytes, as strings whose offsets point outside.
    numbers = batch_of([2**62] * 110, pa.int64())
    array = pa.Array.from_buffers(
        pa.string(), 100, [None, numbers.column(0).buffers()[1], numbers.column(0).buffers()[1]]
    )
    struct_ = pa.StructArray.from_arrays([array], names=["c"])  # RecordBatch would reject it
    with pytest.raises(mm.DataError, match="column 'c' was declared as string"):
        layout.check(pa.RecordBatch.from_struct_array(struct_))


def _texts(offsets: list[int], *, keys: bool) -> pa.RecordBatch:
    """A batch of texts at offsets, or of keys of a dictionary of as many texts."""
    if keys:
        array = pa.DictionaryArray.from_arrays(
            pa.array(offsets, pa.int32()), [str(each) for each in range(len(offsets))], safe=False
        )
    else:
        packed = struct.pack(f"<{len(offsets)}i", *offsets)
        array = pa.Array.from_buffers(
            pa.string(), len(offsets) - 1, [None, pa.py_buffer(packed), pa.py_buffer(b"a" * 99)]
        )
    return pa.RecordBatch.from_arrays([array], names=["c"])


@pytest.mark.parametrize("right", [1, 2, 3, 5, 6, 20])
@pytest.mark.parametrize("keys", [False, True], ids=["offsets", "keys"])
@pytest.mark.parametrize("wrong", [2**31 - 1, 100, -1, 99])
def test_one_value_of_a_later_batch(right: int, keys: bool, wrong: int) -> None:
    """The batch is as long as the others. Reading its value would read other memory."""
    layout, values = LayoutChecker(REQUEST), [*range(99)]
    for _ in range(right):
        layout.check(_texts(values, keys=keys))
    broken = _texts([*values[:50], wrong, *values[51:]], keys=keys)
    with pytest.raises(mm.DataError, match="column 'c' was declared as"):
        layout.check(broken)


@pytest.mark.parametrize("right", [0, 1, 5])
@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "dictionary"])
def test_full_validation(right: int, encoded: bool) -> None:
    def batch(raw: bytes) -> pa.RecordBatch:
        array = pa.array([raw, b"b"]).view(pa.string())
        if encoded:
            array = pa.DictionaryArray.from_arrays(pa.array([0, 1]), array)
        return pa.RecordBatch.from_arrays([array], names=["c"])

    full = LayoutChecker(REQUEST, "full")
    for _ in range(right):
        full.check(batch(b"a"))
    with pytest.raises(mm.OperationalError, match=r"a batch of the result is damaged: .*UTF8"):
        full.check(batch(b"\xff"))
    LayoutChecker(REQUEST).check(batch(b"\xff"))  # which the conversion to rows reports


OFFSETS = {
    "falling": [0, 2, 1, 3],
    "beyond the end": [0, 1, 2, 900],
    "negative": [-1, 0, 1, 2],
}


@pytest.mark.parametrize("offsets", OFFSETS.values(), ids=OFFSETS)
@pytest.mark.parametrize(
    "values", [["a", "b", "c"], [b"a", b"b", b"c"], [[1], [2], [3]]], ids=["text", "bytes", "list"]
)
def test_offsets(values: list[Any], offsets: list[int]) -> None:
    batch = pa.RecordBatch.from_pydict({"c": values})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    right, wrong = (struct.pack("<4i", *each) for each in ([0, 1, 2, 3], offsets))
    stream = sink.getvalue().to_pybytes()
    assert stream.count(right) == 1
    [broken] = pa.ipc.open_stream(stream.replace(right, wrong))
    with pytest.raises(mm.DataError, match="column 'c' was declared as"):
        check(broken, REQUEST)


def test_keys_beyond_the_dictionary() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 9]), ["a"], safe=False)
    with pytest.raises(mm.DataError, match="column 'c' was declared as dictionary"):
        check(pa.RecordBatch.from_arrays([array], names=["c"]), REQUEST)


KINDS = st.recursive(
    st.sampled_from(
        [
            *(pa.bool_(), pa.int8(), pa.uint16(), pa.int32(), pa.int64(), pa.float32()),
            *(pa.string(), pa.binary(), pa.large_string(), pa.date32(), pa.timestamp("ns")),
            *(pa.decimal128(10, 2), pa.binary(3), pa.null(), pa.duration("ms")),
        ]
    ),
    lambda inner: st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        inner.map(lambda kind: pa.list_(kind, 2)),
        inner.map(lambda kind: pa.struct([("a", kind), ("b", pa.int32())])),
    ),
    max_leaves=3,
)


@settings(deadline=None, max_examples=150)
@given(kind=KINDS, rows=st.integers(0, 70), start=st.integers(0, 9), services=st.booleans())
def test_what_fits_is_let_through(kind: pa.DataType, rows: int, start: int, services: bool) -> None:
    array = pa.nulls(start + rows + 3, kind) if rows % 3 == 0 else _some(kind, start + rows + 3)
    batch = pa.RecordBatch.from_arrays([array.slice(start, rows)], names=["c"])
    if services:  # they write only the bytes of the slice
        batch = pa.RecordBatch.from_arrays([pa.concat_arrays([batch.column(0)])], names=["c"])
    assert found(batch.schema, batch, services) is None


def _some(kind: pa.DataType, rows: int) -> pa.Array:
    if pa.types.is_struct(kind):
        return pa.StructArray.from_arrays(
            [_some(kind.field(at).type, rows) for at in range(kind.num_fields)], fields=list(kind)
        )
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(_some(kind.value_type, 2 * rows), 2)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        large = pa.types.is_large_list(kind)
        made = pa.LargeListArray if large else pa.ListArray
        offsets = pa.array(range(rows + 1), pa.int64() if large else pa.int32())
        return made.from_arrays(offsets, _some(kind.value_type, rows))
    if pa.types.is_null(kind):
        return pa.nulls(rows)
    if pa.types.is_fixed_size_binary(kind) and not pa.types.is_decimal(kind):
        return pa.array([b"abc", None] * rows, kind)[:rows]
    values = ["1", None, "0"] * rows
    if pa.types.is_temporal(kind):
        return (
            pa.array([1, None, 0] * rows, pa.int64())
            .cast(pa.int64())[:rows]
            .cast(pa.int32() if kind == pa.date32() else pa.int64())
            .cast(kind)
        )
    return pa.array(values, pa.string())[:rows].cast(kind)
