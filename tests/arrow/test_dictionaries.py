"""Deduplicated dictionaries: same types and values, each value once, at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromegas_dbapi.arrow.dictionaries import deduplicator
from micromegas_dbapi.arrow.dictionary_decoding import decode_column, decoded_type

WIDTHS = [
    pa.int8(),
    pa.int16(),
    pa.int32(),
    pa.int64(),
    pa.uint8(),
    pa.uint16(),
    pa.uint32(),
    pa.uint64(),
]


def dictionary(
    indices: list[int | None],
    values: Any,
    index: pa.DataType | None = None,
    ordered: bool = False,
) -> pa.DictionaryArray:
    keys = pa.array(indices, index or pa.int16())
    return pa.DictionaryArray.from_arrays(keys, values, ordered=ordered)


def entries(array: pa.Array) -> Iterator[list[str]]:
    """The entries of all dictionaries in an array, as strings that distinguish 0.0 and -0.0."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield shown(array.dictionary)
        yield from entries(array.dictionary)
    elif pa.types.is_struct(kind):
        for at in range(kind.num_fields):
            yield from entries(array.field(at))
    elif pa.types.is_map(kind):
        yield from entries(array.keys)
        yield from entries(array.items)
    elif pa.types.is_nested(kind):
        yield from entries(array.values)


def shown(array: pa.Array) -> list[str]:
    return [repr(value) for value in array.to_pylist()]


def check(before: list[pa.Array], after: list[pa.Array]) -> None:
    """Same types and values; in each dictionary each value once, and no null."""
    assert [array.type for array in after] == [array.type for array in before]
    for old, new in zip(before, after, strict=True):
        new.validate(full=True)
        assert shown(new) == shown(old)
        for found in entries(new):
            assert len(set(found)) == len(found)
            assert "None" not in found


def made_distinct(chunks: list[pa.Array]) -> list[pa.Array]:
    step = deduplicator(chunks[0].type)
    assert step is not None
    after = step(chunks)
    check(chunks, after)
    return after


# -- each kind -------------------------------------------------------------------------------------

VALUES: dict[str, pa.Array] = {
    "text": pa.array(["a", "b", "a", None, "a"]),
    "large text": pa.array(["a", "b", "a", None, "a"], pa.large_string()),
    "text view": pa.array(["a", "b", "a", None, "a"], pa.string_view()),
    "binary": pa.array([b"a", b"\xff", b"a", None, b"a"]),
    "fixed binary": pa.array([b"aa", b"bb", b"aa", None, b"aa"], pa.binary(2)),
    "integers": pa.array([1, 2, 1, None, 1], pa.uint64()),
    "floats": pa.array([0.0, -0.0, 0.0, None, 0.0]),
    "float16": pa.array([15360, 1, 15360, None, 15360], pa.int16()).view(pa.float16()),
    "not numbers": pa.array([float("nan"), 1.0, float("nan"), None, float("nan")]),
    "booleans": pa.array([True, False, True, None, True]),
    "decimals": pa.array([Decimal("1.5"), Decimal("2.5"), Decimal("1.5"), None, Decimal("1.5")]),
    "instants": pa.array([1, 2, 1, None, 1], pa.timestamp("ns", "+02:00")),
    "durations": pa.array([1, 2, 1, None, 1], pa.duration("us")),
    "intervals": pa.array([(1, 2, 3), (1, 2, 4), (1, 2, 3), None, (1, 2, 3)],
                          pa.month_day_nano_interval()),
    "lists": pa.array([[1], [1, None], [1], None, [1]]),
    "lists of floats": pa.array([[0.0], [-0.0], [0.0], None, [0.0]]),
    "empty lists": pa.array([[], [None], [], None, []], pa.list_(pa.int8())),
    "fixed lists": pa.array([[1, 2], [1, 3], [1, 2], None, [1, 2]], pa.list_(pa.int8(), 2)),
    "structs": pa.array([{"a": 1, "b": [0.0]}, {"a": 1, "b": [-0.0]}, {"a": 1, "b": [0.0]}, None,
                         {"a": 1, "b": [0.0]}]),
    "empty structs": pa.array([{}, {}, {}, None, {}], pa.struct([])),
    "maps": pa.array([[("a", 1)], [("a", 2)], [("a", 1)], None, [("a", 1)]],
                     pa.map_(pa.string(), pa.int8())),
    "dictionaries": dictionary([0, 1, 2, 3, 0], pa.array(["a", "b", "a", None])),
    "lists of dictionaries": pa.ListArray.from_arrays(
        pa.array([0, 1, 2, None, 3, 4], pa.int32()),
        dictionary([0, 1, 2, 2], pa.array(["a", "b", "a"])),
    ),
}  # fmt: skip


@pytest.mark.parametrize("index", WIDTHS, ids=str)
@pytest.mark.parametrize("name", VALUES)
def test_values_of_each_type(name: str, index: pa.DataType) -> None:
    chunk = dictionary([0, 1, 2, 3, None, 4], VALUES[name], index)
    (after,) = made_distinct([chunk])
    assert len(after.dictionary) == (1 if name == "empty structs" else 2)
    assert after.null_count == 2
    assert made_distinct([after])[0] is after or pa.types.is_nested(VALUES[name].type)


def test_nulls_only() -> None:
    (after,) = made_distinct([dictionary([0, None, 1], pa.nulls(2))])
    assert after.null_count == 3


@pytest.mark.parametrize("count", [0, 1])
def test_empty(count: int) -> None:
    chunk = dictionary([None] * count, pa.array([], pa.string()))
    assert made_distinct([chunk])[0] is chunk
    assert made_distinct([chunk, dictionary([0], ["a"])])[0].type == chunk.type
    repeated = dictionary([0], ["a", "a"]).slice(count)
    assert made_distinct([repeated])[0].dictionary.to_pylist() == ["a"]


def test_of_no_chunks_comes_none() -> None:
    for kind in (pa.string(), pa.list_(pa.string()), pa.struct([("a", pa.string())])):
        step = deduplicator(pa.dictionary(pa.int8(), kind))
        assert step is not None
        assert step([]) == []
        assert deduplicator(kind) is None
        inside = deduplicator(pa.struct([("a", pa.list_(pa.dictionary(pa.int8(), kind)))]))
        assert inside is not None
        assert inside([]) == []


@pytest.mark.parametrize("ordered", [False, True])
def test_chunks_get_one_dictionary(ordered: bool) -> None:
    first = dictionary([0, 1, 2, None], ["a", "b", "a"], ordered=ordered)
    chunks = [first, dictionary([1, 0], ["b", "c"], ordered=ordered), first.slice(2)]
    after = made_distinct(chunks)
    found = [chunk.dictionary.to_pylist() for chunk in after]
    # An order of all would be our invention.
    assert found == ([["a", "b"], ["b", "c"], ["a", "b"]] if ordered else [["a", "b", "c"]] * 3)
    assert [chunk.type.ordered for chunk in after] == [ordered] * 3


def test_one_that_is_distinct_is_not_touched() -> None:
    words = pa.array(["a", "b"])
    chunks = [dictionary([0, 1], words), dictionary([1, 1], words)]
    assert all(old is new for old, new in zip(chunks, made_distinct(chunks), strict=True))
    again = dictionary([1, 0], pa.array(["a", "b"]))  # the same, sent anew: let go of
    after = made_distinct([*chunks, again])
    assert after[2].dictionary.buffers()[2].address == words.buffers()[2].address


def test_nested_values_at_one_address() -> None:
    """Lists with the same buffers, but with items that start at another offset."""
    items = pa.array([1, 2, 1, 2, 5, 6])
    offsets = pa.array([0, 2, 4], pa.int32())
    lists = [pa.ListArray.from_arrays(offsets, items.slice(start)) for start in (0, 2)]
    chunks = [dictionary([0, 1], each) for each in lists]
    after = [chunk.to_pylist() for chunk in made_distinct(chunks)]
    assert after == [[[1, 2], [1, 2]], [[1, 2], [5, 6]]]


@pytest.mark.parametrize(("index", "most"), [(pa.int8(), 128), (pa.uint8(), 256)], ids=str)
def test_more_values_than_the_keys_can_count(index: pa.DataType, most: int) -> None:
    half = [str(i) for i in range(most // 2)]
    other = [str(i) for i in range(1000, 1000 + most // 2)]
    chunks = [dictionary([0, most // 2 - 1], half, index), dictionary([0, 1], other, index)]
    assert {len(chunk.dictionary) for chunk in made_distinct(chunks)} == {most}
    chunks.append(dictionary([0, 1, 2], ["more", "1", "1"], index))
    assert [len(chunk.dictionary) for chunk in made_distinct(chunks)] == [most // 2, most // 2, 2]


def test_entries_that_no_key_can_refer_to() -> None:
    words = ["a", "a", *(str(i) for i in range(300))]
    keys = pa.array([0, 1, 127], pa.int8())
    chunk = pa.DictionaryArray.from_arrays(keys, pa.array(words), safe=False)
    (after,) = made_distinct([chunk])
    assert after.to_pylist() == ["a", "a", "125"]


def test_a_stream_of_dictionaries_that_come_and_go() -> None:
    """The cached result of one dictionary is not used for another at the same address."""
    step = deduplicator(pa.dictionary(pa.int16(), pa.string()))
    assert step is not None
    for turn in range(200):
        words = [str(turn // 3), str(turn // 3 + 1), str(turn // 3)]
        chunk = dictionary([2, 1, 0, None], pa.array(words))
        check([chunk], step([chunk]))
        del chunk


def inside_of(kind: str, words: pa.DictionaryArray) -> pa.Array:
    """An array of six strings as lists, structs or maps, one of them null, sliced."""
    offsets = pa.array([0, 1, 1, None, 3, 6], pa.int32())
    if kind == "list":
        return pa.ListArray.from_arrays(offsets, words).slice(1)
    if kind == "large list":
        return pa.LargeListArray.from_arrays(offsets.cast(pa.int64()), words).slice(1)
    if kind == "fixed list":
        fixed = pa.FixedSizeListArray.from_arrays(words, 2)
        valid = pa.array([True, False, True])
        validity = [valid.buffers()[1]]
        return pa.Array.from_buffers(fixed.type, 3, validity, children=[words]).slice(1)
    if kind == "struct":
        mask = pa.array([False, True, False, False, False, False])
        return pa.StructArray.from_arrays(
            [words, pa.array(range(6))],
            fields=[pa.field("a", words.type), pa.field("b", "int64")],
            mask=mask,
        ).slice(1)
    if kind == "map":
        return pa.MapArray.from_arrays(offsets, pa.array(list("uvwxyz")), words).slice(1)
    assert kind == "list of structs"
    return pa.ListArray.from_arrays([0, 2, 5], inside_of("struct", words))


KINDS = ["list", "large list", "fixed list", "struct", "map", "list of structs"]


@pytest.mark.parametrize("kind", KINDS)
def test_inside(kind: str) -> None:
    repeated = dictionary([0, 1, 2, None, 3, 0], pa.array(["a", "b", "a", None]))
    unique = dictionary([0, 1, 0, 0, None, 1], pa.array(["b", "c"]))
    chunks = [inside_of(kind, repeated), inside_of(kind, unique), inside_of(kind, repeated)[:0]]
    after = made_distinct(chunks)
    assert [found for chunk in after for found in entries(chunk)] == [["'a'", "'b'", "'c'"]] * 3
    assert after[0].null_count == chunks[0].null_count
    (alone,) = made_distinct([chunks[1]])
    assert alone is chunks[1]


# -- any of them -----------------------------------------------------------------------------------

POOLS: list[tuple[pa.DataType, list[Any]]] = [
    (pa.string(), ["", "a", "b", "née"]),
    (pa.large_string(), ["", "a"]),
    (pa.binary(), [b"", b"a", b"\x00"]),
    (pa.int8(), [-1, 0, 1]),
    (pa.float64(), [0.0, -0.0, 1.5, float("inf")]),
    (pa.bool_(), [True, False]),
    (pa.timestamp("us", "UTC"), [0, 1]),
    (pa.list_(pa.int16()), [[], [1], [1, 2], [None]]),
    (pa.struct([("x", pa.int8()), ("y", pa.string())]), [{"x": 1, "y": "a"}, {"x": None, "y": ""}]),
]


def words_of(index: pa.DataType, kind: pa.DataType, pool: list[Any]) -> Any:
    def array(drawn: tuple[list[Any], list[int | None]]) -> pa.Array:
        values, keys = drawn
        kept = [None if key is None or not values else key % len(values) for key in keys]
        return dictionary(kept, pa.array(values, kind), index)

    value = st.sampled_from([*pool, None])
    keys = st.lists(st.none() | st.integers(0, 100), max_size=8)
    return st.tuples(st.lists(value, max_size=8), keys).map(array)


def nested(shape: str, inner: Any) -> Any:
    """Arrays of lists, structs or maps of another strategy's arrays."""

    def array(drawn: tuple[pa.Array, list[int], list[bool]]) -> pa.Array:
        child, lengths, nulls = drawn
        if shape == "struct":
            mask = pa.array((nulls * 9)[: len(child)] or [], pa.bool_())
            return pa.StructArray.from_arrays([child, child[::-1]], ["a", "b"], mask=mask)
        offsets: list[int | None] = [0]
        for length in lengths:
            offsets.append(min(int(offsets[-1] or 0) + length, len(child)))
        starts = [None if null else at for at, null in zip(offsets[:-1], nulls * 9, strict=False)]
        bounds = pa.array([*starts, offsets[-1]], pa.int32())
        if shape == "map":
            keys = pa.array(range(len(child)), pa.int32())
            return pa.MapArray.from_arrays(bounds, keys, child)
        return pa.ListArray.from_arrays(bounds, child)

    lengths = st.lists(st.integers(0, 3), max_size=5)
    return st.tuples(inner, lengths, st.lists(st.booleans(), min_size=1, max_size=8)).map(array)


@st.composite
def columns(draw: Any) -> list[pa.Array]:
    """Chunks of a column: a dictionary, or nested arrays with dictionaries, two levels deep."""
    kind, pool = draw(st.sampled_from(POOLS))
    arrays = words_of(draw(st.sampled_from(WIDTHS)), kind, pool)
    for shape in draw(st.lists(st.sampled_from(["list", "struct", "map"]), max_size=2)):
        arrays = nested(shape, arrays)
    chunks = []
    for chunk in draw(st.lists(arrays, min_size=1, max_size=3)):
        start = draw(st.integers(0, len(chunk)))
        chunks.append(chunk.slice(start, draw(st.integers(0, len(chunk) - start))))
    return chunks


@settings(max_examples=300, deadline=None)
@given(columns())
def test_any_column(chunks: list[pa.Array]) -> None:
    together = made_distinct(chunks)
    assert len({tuple(map(tuple, entries(chunk))) for chunk in together}) == 1
    step = deduplicator(chunks[0].type)
    assert step is not None
    check(chunks, [step([chunk])[0] for chunk in chunks])  # one after the other, as in a stream
    plain = decode_column(pa.chunked_array(chunks))
    plain.validate(full=True)
    assert decoded_type(plain.type) == plain.type
    assert [repr(v) for v in plain.to_pylist()] == [v for chunk in chunks for v in shown(chunk)]
