"""Misaligned chunks are concatenated with the same values; others are not touched."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from micromegas_dbapi.arrow.alignment import align, memory_location, wide_buffers
from tests.arrow.test_dictionaries import (
    KINDS,
    VALUES,
    WIDTHS,
    dictionary,
    inside_of,
    made_distinct,
    shown,
)


def misplaced(array: pa.Array) -> pa.Array:
    """The same array with buffers at arbitrary addresses, as gRPC leaves them."""
    batch = pa.RecordBatch.from_arrays([array], ["v"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    body = pa.allocate_buffer(sink.tell() + 1)
    memoryview(body)[1:] = memoryview(sink.getvalue())
    return pa.ipc.open_stream(body.slice(1)).read_next_batch().column(0)


WORDS = dictionary([0, 1, 0, 0, None, 1], ["a", "b"])
VIEW = VALUES["text view"]
ARRAYS: dict[str, pa.Array] = {
    **VALUES,
    **{f"keys {index}": dictionary([0, None], ["a"], index) for index in WIDTHS},
    **{f"in {kind}": inside_of(kind, WORDS) for kind in KINDS},
    "large binary": pa.array([b"a", None], pa.large_binary()),
    "dates": pa.array([86_400_000, None], pa.date64()),
    "times": pa.array([1, None], pa.time32("s")),
    "large decimals": pa.array([Decimal("1.5"), None], pa.decimal256(50, 2)),
    "nothing": pa.nulls(3),
    "beside nothing": pa.StructArray.from_arrays([pa.nulls(2), pa.array([1, 2])], ["a", "b"]),
    "beside a view": pa.StructArray.from_arrays([VIEW, pa.array([1] * 5)], ["a", "b"]),
    "none": pa.array([], pa.int64()),
}  # fmt: skip
AT_ANY_ADDRESS = [
    *("text view", "beside a view", "fixed binary", "fixed lists", "booleans", "empty structs"),
    *("keys int8", "keys uint8", "nothing", "none"),
]


@pytest.mark.parametrize("name", ARRAYS)
def test_aligned(name: str) -> None:
    array = ARRAYS[name]
    needed = wide_buffers(array.type)
    assert align([array], needed)[0] is array
    moved = misplaced(array)
    first, *rest = align([moved, moved, array], needed)
    for chunk in (first, *rest):
        chunk.validate(full=True)
        assert chunk.type == array.type
    assert sum((shown(chunk) for chunk in (first, *rest)), []) == shown(array) * 3  # noqa: RUF017
    for at, width in needed:
        buffer = first.buffers()[at]
        assert buffer is None or buffer.address % width == 0
    assert len(rest) == (2 if name in AT_ANY_ADDRESS else 1)
    assert rest[-1] is array
    assert (first is moved) is (name in AT_ANY_ADDRESS)


def test_neighbours_only() -> None:
    good = pa.array([1, 2])
    bad = misplaced(good)
    chunks = align([good, bad, bad, good, good, bad], wide_buffers(pa.int64()))
    assert [len(chunk) for chunk in chunks] == [2, 4, 2, 2, 2]
    assert chunks[0] is chunks[2] is chunks[3] is good
    assert align([], wide_buffers(pa.int64())) == []


def test_dictionaries_that_differ_are_not_mixed() -> None:
    first, other = misplaced(WORDS), misplaced(dictionary([1, 0], ["c", "d"]))
    chunks = align([first, first, other], wide_buffers(WORDS.type))
    assert [chunk.dictionary.to_pylist() for chunk in chunks] == [["a", "b"], ["c", "d"]]
    assert [value for chunk in chunks for value in chunk.to_pylist()] == [
        *WORDS.to_pylist() * 2,
        *("d", "c"),
    ]


@pytest.mark.parametrize("name", [name for name in VALUES if name != "dictionaries"])  # no IPC
def test_a_misplaced_dictionary_is_copied_once(name: str) -> None:
    """An equal dictionary of each batch is not; those that cannot be compared are."""
    kind = VALUES[name].type
    chunks = [misplaced(dictionary([0, 1, None], VALUES[name][:2])) for _ in range(3)]
    after = made_distinct(chunks)
    if pa.types.is_nested(kind) or pa.types.is_dictionary(kind):
        needed = wide_buffers(kind)
        assert all(align([each.dictionary], needed)[0] is each.dictionary for each in after)
        return
    words = [chunk.dictionary for chunk in after]
    assert len({memory_location(each) for each in words}) == 1
    assert align(words[:1], wide_buffers(kind))[0] is words[0]
