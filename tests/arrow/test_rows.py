"""Conversion of Arrow values to Python values: exact results and errors."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from micromegas_dbapi.arrow import nested_rows, scalar_rows
from micromegas_dbapi.arrow.rows import column, columns
from micromegas_dbapi.errors import DataError, NotSupportedError
from tests.arrow.oracle import exact, slowly

UTC = timezone.utc
NAN = float("nan")
PANDAS = PathFinder.find_spec("pandas") is not None
PYARROW = int(pa.__version__.partition(".")[0])
ROOT = Path(__file__).parents[2]
STRING_VIEW, BINARY_VIEW, SECONDS = pa.string_view(), pa.binary_view(), pa.timestamp("s")


def stored(values: list[int | None], kind: pa.DataType) -> pa.Array:
    """An array of a date or time type, from its stored integers."""
    width = pa.int32() if kind.bit_width == 32 else pa.int64()
    return pa.array(values, width).view(kind)


def hidden(kind: pa.DataType, valid: list[bool], *buffers: Any, children: Any = ()) -> pa.Array:
    """An array with values behind its nulls."""
    bits = pa.py_buffer(np.packbits(np.array(valid, bool), bitorder="little"))
    data = [pa.py_buffer(buffer) for buffer in buffers]
    return pa.Array.from_buffers(kind, len(valid), [bits, *data], children=list(children) or None)


def dictionary(indices: list[int | None], index: pa.DataType, values: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(indices, index), values)


def run_ends(ends: list[int], values: pa.Array, index: pa.DataType | None = None) -> pa.Array:
    kind = pa.run_end_encoded(index or pa.int32(), values.type)
    return pa.RunEndEncodedArray.from_arrays(ends, values, kind)


class Extension(pa.ExtensionType):  # type: ignore[misc]
    def __init__(self, storage_type: pa.DataType) -> None:
        super().__init__(storage_type, "test.extension")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> "Extension":
        return cls(storage_type)


def extension(storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(Extension(storage.type), storage)


# ---- What becomes of each type ------------------------------------------------------------------

D = pa.MonthDayNano
NS = 1_700_000_000_123_456_789
MOMENT = datetime(2023, 11, 14, 22, 13, 20, 123456)
STRUCT = pa.struct([("id", pa.int64()), ("time", pa.timestamp("ns", "UTC"))])
MAP = pa.map_(pa.string(), pa.int64())

VALUES: list[tuple[pa.Array, list[Any]]] = [
    (pa.nulls(2), [None, None]),
    (pa.array([True, None, False]), [True, None, False]),
    (pa.array([-128, None, 127], pa.int8()), [-128, None, 127]),
    (pa.array([-(2**15), None], pa.int16()), [-(2**15), None]),
    (pa.array([-(2**31), None], pa.int32()), [-(2**31), None]),
    (pa.array([2**60 + 1, None, -(2**63)]), [2**60 + 1, None, -(2**63)]),
    (pa.array([255, None], pa.uint8()), [255, None]),
    (pa.array([2**16 - 1, None], pa.uint16()), [2**16 - 1, None]),
    (pa.array([2**32 - 1, None], pa.uint32()), [2**32 - 1, None]),
    (pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None]),
    (pa.array([np.float16(1.5), None, np.float16(NAN)], pa.float16()), [1.5, None, NAN]),
    (pa.array([0.1, None, NAN], pa.float32()), [0.10000000149011612, None, NAN]),
    (pa.array([0.1, None, NAN, -0.0]), [0.1, None, NAN, -0.0]),
    (pa.array([Decimal("1.5"), None], pa.decimal128(38, 2)), [Decimal("1.50"), None]),
    (pa.array([Decimal(10**70), None], pa.decimal256(76, 2)), [
        Decimal("1" + "0" * 70 + ".00"), None,
    ]),
    (pa.array(["", "é\0𝄞", None]), ["", "é\0𝄞", None]),
    (pa.array(["", "é", None], pa.large_string()), ["", "é", None]),
    (pa.array(["", "more than 12 bytes", None], STRING_VIEW), ["", "more than 12 bytes", None]),
    (pa.array([b"", b"\xff\0", None]), [b"", b"\xff\0", None]),
    (pa.array([b"\xff", None], pa.large_binary()), [b"\xff", None]),
    (pa.array([b"\xff", None], BINARY_VIEW), [b"\xff", None]),
    (pa.array([b"ab", None], pa.binary(2)), [b"ab", None]),
    # Timestamps: aware in UTC exactly if the type has a zone, whatever zone; floored.
    (stored([NS, None], pa.timestamp("ns", "UTC")), [MOMENT.replace(tzinfo=UTC), None]),
    (stored([NS, None], pa.timestamp("ns", "+00:00")), [MOMENT.replace(tzinfo=UTC), None]),
    (stored([NS], pa.timestamp("ns", "America/New_York")), [MOMENT.replace(tzinfo=UTC)]),
    (stored([NS], pa.timestamp("ns", "-07:30")), [MOMENT.replace(tzinfo=UTC)]),
    (stored([NS, None], pa.timestamp("ns")), [MOMENT, None]),
    (stored([-1, -1000, -1001], pa.timestamp("ns")), [
        datetime(1969, 12, 31, 23, 59, 59, 999999),
        datetime(1969, 12, 31, 23, 59, 59, 999999),
        datetime(1969, 12, 31, 23, 59, 59, 999998),
    ]),
    (stored([NS // 1000, None, -1], pa.timestamp("us")), [
        MOMENT, None, datetime(1969, 12, 31, 23, 59, 59, 999999),
    ]),
    (stored([-1, None], pa.timestamp("ms", "UTC")), [
        datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), None,
    ]),
    (stored([-62_135_596_800, None, 253_402_300_799], pa.timestamp("s", "UTC")), [
        datetime(1, 1, 1, tzinfo=UTC), None, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ]),
    (stored([-(2**63), 2**63 - 1], pa.timestamp("ns")), [
        datetime(1677, 9, 21, 0, 12, 43, 145224), datetime(2262, 4, 11, 23, 47, 16, 854775),
    ]),
    (stored([-719_162, None, -1, 2_932_896], pa.date32()), [
        date(1, 1, 1), None, date(1969, 12, 31), date(9999, 12, 31),
    ]),
    (stored([-1, None, 86_400_000], pa.date64()), [date(1969, 12, 31), None, date(1970, 1, 2)]),
    (stored([86_399, None], pa.time32("s")), [time(23, 59, 59), None]),
    (stored([86_399_999, None], pa.time32("ms")), [time(23, 59, 59, 999000), None]),
    (stored([86_399_999_999, None], pa.time64("us")), [time(23, 59, 59, 999999), None]),
    (stored([86_399_999_999_999, None, 1], pa.time64("ns")), [
        time(23, 59, 59, 999999), None, time(0),
    ]),
    (stored([-1, None, 86_400], pa.duration("s")), [
        timedelta(seconds=-1), None, timedelta(days=1),
    ]),
    (stored([999_999_999 * 86_400_000, None], pa.duration("ms")), [timedelta(999_999_999), None]),
    (stored([-(2**63), None, 2**63 - 1], pa.duration("us")), [
        timedelta(microseconds=-(2**63)), None, timedelta(microseconds=2**63 - 1),
    ]),
    (stored([-1, None, 1999], pa.duration("ns")), [
        timedelta(microseconds=-1), None, timedelta(microseconds=1),
    ]),
    (pa.array([D([0, -2, -1]), None, D([1, 0, 5])]), [
        timedelta(-2, 0, -1), None, D([1, 0, 5]),
    ]),
    (pa.array([[1, None], None, []]), [[1, None], None, []]),
    (pa.array([["a"], None, []], pa.large_list(pa.string())), [["a"], None, []]),
    (pa.array([[1, None], None], pa.list_(pa.int8(), 2)), [[1, None], None]),
    (pa.array([[1, None], None, []], pa.list_view(pa.int8())), [[1, None], None, []]),
    (pa.array([[1, None], None, []], pa.large_list_view(pa.int8())), [[1, None], None, []]),
    (pa.array([{"id": 1}, None, {"id": None, "time": 0}], STRUCT), [
        {"id": 1, "time": None}, None, {"id": None, "time": datetime(1970, 1, 1, tzinfo=UTC)},
    ]),
    (pa.array([{"a": 1, "b": "x", "c": None}, None]), [{"a": 1, "b": "x", "c": None}, None]),
    (pa.array([{}, None], pa.struct([])), [{}, None]),
    (pa.array([[("b", 1), ("a", None)], None, []], MAP), [{"b": 1, "a": None}, None, {}]),
    (dictionary([1, None, 0, 2], pa.int8(), pa.array(["a", "b", None])), ["b", None, "a", None]),
    (dictionary([1, None, 0], pa.uint64(), pa.array([b"a", b"b"])), [b"b", None, b"a"]),
    (dictionary([0, 0], pa.int32(), stored([NS], pa.timestamp("ns", "UTC"))),
        [MOMENT.replace(tzinfo=UTC)] * 2),
    (dictionary([0, None, 0], pa.int16(), pa.array([[1, 2]])), [[1, 2], None, [1, 2]]),
    (dictionary([0, 1, 0], pa.int16(), pa.array([D([1, 2, 3]), D([2, 2, 3])])),
        [D([1, 2, 3]), D([2, 2, 3]), D([1, 2, 3])]),
    (run_ends([2, 3, 5], pa.array(["a", None, "b"])), ["a", "a", None, "b", "b"]),
    (extension(pa.array([b"id", None], pa.binary(2))), [b"id", None]),
]  # fmt: skip
if hasattr(pa, "decimal32"):
    VALUES += [
        (pa.array([Decimal("1.5"), None], pa.decimal32(9, 2)), [Decimal("1.50"), None]),
        (pa.array([Decimal("1.5"), None], pa.decimal64(18, 2)), [Decimal("1.50"), None]),
    ]

each_type = pytest.mark.parametrize(
    ("array", "expected"), [pytest.param(*case, id=str(case[0].type)) for case in VALUES]
)


@each_type
def test_values(array: pa.Array, expected: list[Any]) -> None:
    assert exact(column(array)) == exact(expected)


@each_type
def test_values_of_a_slice(array: pa.Array, expected: list[Any]) -> None:
    long = pa.concat_arrays([array] * 5)
    for start in range(len(expected) + 1):
        for stop in range(start, len(expected) * 2):
            sliced = column(long.slice(start, stop - start))
            assert exact(sliced) == exact((expected * 5)[start:stop])


@each_type
def test_no_values(array: pa.Array, expected: list[Any]) -> None:
    assert column(array.slice(1, 0)) == []


@each_type
def test_nothing_but_nulls(array: pa.Array, expected: list[Any]) -> None:
    if pa.types.is_run_end_encoded(array.type):
        nulls = run_ends([3], pa.nulls(1, array.type.value_type))
    else:
        nulls = pa.nulls(3, array.type)
    assert column(nulls) == [None] * 3


@each_type
def test_values_inside_a_list_and_a_struct(array: pa.Array, expected: list[Any]) -> None:
    offsets = pa.array([0, 1, 1, len(array)], pa.int32())
    lists = pa.ListArray.from_arrays(offsets, array)
    structs = pa.StructArray.from_arrays([lists], ["list"])
    wanted = [{"list": expected[:1]}, {"list": []}, {"list": expected[1:]}]
    assert exact(column(structs)) == exact(wanted)
    assert exact(column(structs[1:])) == exact(wanted[1:])


# ---- timestamps="ns" ----------------------------------------------------------------------------

NANOSECONDS: list[tuple[pa.Array, list[Any]]] = [
    (stored([NS, None, -1], pa.timestamp("ns", "UTC")), [NS, None, -1]),
    (stored([2**63 - 1], pa.timestamp("us")), [(2**63 - 1) * 1000]),
    (stored([1, None], pa.timestamp("ms", "+02:00")), [1_000_000, None]),
    (stored([-(2**63), 0], pa.timestamp("s")), [-(2**63) * 10**9, 0]),
    (pa.array([[NS], None], pa.list_(pa.timestamp("ns"))), [[NS], None]),
    (pa.array([[NS, None], None], pa.list_(pa.timestamp("ns"), 2)), [[NS, None], None]),
    (pa.array([{"id": 1, "time": NS}], STRUCT), [{"id": 1, "time": NS}]),
    (pa.array([[(NS, NS)]], pa.map_(pa.timestamp("ns"), pa.timestamp("ns"))), [{NS: NS}]),
    (dictionary([0, 0], pa.int8(), stored([NS], pa.timestamp("ns"))), [NS, NS]),
    (dictionary([0, 0], pa.int8(), pa.array([[NS]], pa.list_(pa.timestamp("ns")))), [[NS], [NS]]),
    (run_ends([2], stored([NS], pa.timestamp("ns"))), [NS, NS]),
    (extension(stored([NS, None], pa.timestamp("ns"))), [NS, None]),
    # Other times stay what they are.
    (stored([1999], pa.duration("ns")), [timedelta(microseconds=1)]),
    (stored([0], pa.date32()), [date(1970, 1, 1)]),
]


@pytest.mark.parametrize(
    ("array", "expected"), [pytest.param(*case, id=str(case[0].type)) for case in NANOSECONDS]
)
def test_timestamps_as_nanoseconds(array: pa.Array, expected: list[Any]) -> None:
    assert exact(column(array, "ns")) == exact(expected)
    batch = pa.record_batch([array], ["time"])
    assert exact(columns(batch, "ns")) == exact([expected])


# ---- What cannot be a Python value --------------------------------------------------------------

TWO_KEYS = pa.array([[("a", 1), ("a", 2)]], MAP)
LIST_KEY = pa.MapArray.from_arrays([0, 1], pa.array([[1]]), pa.array([1]))
TWO_FIELDS = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
NOT_UTF8 = pa.Array.from_buffers(
    pa.string(), 1, [None, pa.py_buffer(np.array([0, 2], "i4")), pa.py_buffer(b"a\xff")]
)
NS_OR_TABLE = (
    r'; timestamps="ns" returns it as an integer, fetch_arrow_table\(\) returns it unchanged$'
)
TABLE = r"; fetch_arrow_table\(\) returns it unchanged$"

UNHOLDABLE: list[tuple[pa.Array, str]] = [
    (stored([253_402_300_800], SECONDS), r"timestamp\[s\] .* years 1 to 9999.*" + NS_OR_TABLE),
    (stored([-62_135_596_801], SECONDS), NS_OR_TABLE),
    (stored([2**63 - 1], pa.timestamp("s", "UTC")), r"timestamp\[s, tz=UTC\] .*" + NS_OR_TABLE),
    (stored([253_402_300_800_000], pa.timestamp("ms")), NS_OR_TABLE),
    (stored([2**63 - 1], pa.timestamp("us")), NS_OR_TABLE),
    (stored([-62_135_596_800_000_001], pa.timestamp("us")), NS_OR_TABLE),
    (stored([0, None, 2_932_897], pa.date32()), r"date32\[day\] .* years 1 to 9999.*" + TABLE),
    (stored([-719_163], pa.date32()), TABLE),
    (stored([2**63 - 1], pa.date64()), r"date64\[ms\] .*" + TABLE),
    (stored([86_400], pa.time32("s")), r"time32\[s\] is not within one day" + TABLE),
    (stored([-1], pa.time64("ns")), r"time64\[ns\] is not within one day" + TABLE),
    (stored([2**63 - 1], pa.duration("s")), r"duration\[s\] is out of .* timedelta" + TABLE),
    (stored([-1_000_000_000 * 86_400_000], pa.duration("ms")), TABLE),
    (pa.array([D([0, 2**31 - 1, 0])]), "month_day_nano_interval is out of .* timedelta" + TABLE),
    (TWO_KEYS, r"map<string, int64.*> has two equal keys.*" + TABLE),
    (LIST_KEY, r"has an unhashable key \(unhashable type: 'list'\)" + TABLE),
    (TWO_FIELDS, "struct<a: int64, a: int64> has two fields of one name.*" + TABLE),
    (NOT_UTF8, r"string cannot be decoded as UTF-8 \(.*\)" + TABLE),
]  # fmt: skip
unholdable = pytest.mark.parametrize(
    ("array", "message"), [pytest.param(*case, id=str(case[0].type)) for case in UNHOLDABLE]
)


@unholdable
def test_values_that_python_cannot_hold(array: pa.Array, message: str) -> None:
    with pytest.raises(DataError, match=message):
        column(array)


@unholdable
@pytest.mark.parametrize(
    "nest",
    [
        lambda a: pa.ListArray.from_arrays([0, len(a)], a),
        lambda a: pa.FixedSizeListArray.from_arrays(a, len(a)),
        lambda a: pa.MapArray.from_arrays([0, len(a)], pa.array(range(len(a))), a),
        lambda a: pa.StructArray.from_arrays([a], ["a"]),
        lambda a: dictionary(list(range(len(a))), pa.int8(), a),
        lambda a: pa.Array.from_buffers(  # from_arrays refuses some
            pa.run_end_encoded(pa.int16(), a.type),
            len(a),
            [None],
            children=[pa.array(range(1, len(a) + 1), pa.int16()), a],
        ),
    ],
    ids=["list", "fixed_size_list", "map", "struct", "dictionary", "run_end_encoded"],
)
def test_values_inside_others_that_python_cannot_hold(
    array: pa.Array, message: str, nest: Callable[[pa.Array], pa.Array]
) -> None:
    with pytest.raises(DataError, match=message):
        column(nest(array))


@unholdable
def test_no_value_is_no_error(array: pa.Array, message: str) -> None:
    assert column(array.slice(0, 0)) == []
    assert column(pa.nulls(2, array.type)) == [None, None]


def test_the_column_at_fault_is_named() -> None:
    batch = pa.record_batch([pa.array([1]), stored([2**62], pa.timestamp("s"))], ["id", "when"])
    with pytest.raises(DataError, match=r"^column 'when': a value of the Arrow type timestamp\["):
        columns(batch)


@pytest.mark.parametrize("mode", ["sparse", "dense"])
def test_unions_are_not_supported(mode: str) -> None:
    kinds, children = pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]
    if mode == "sparse":
        union = pa.UnionArray.from_sparse(kinds, children)
    else:
        union = pa.UnionArray.from_dense(kinds, pa.array([0, 0], pa.int32()), children)
    message = rf"the Arrow type {mode}_union<.*fetch_arrow_table\(\)"
    with pytest.raises(NotSupportedError, match=message):
        column(union)
    with pytest.raises(NotSupportedError, match="column 'u': .*" + message):
        columns(pa.record_batch([pa.array([1, 2]), union], ["a", "u"]))


# ---- What no row shows does not count -----------------------------------------------------------

FAR = 2**62
SHOWN = datetime(1970, 1, 1)


def test_hidden_behind_a_null() -> None:
    times = hidden(SECONDS, [True, False], np.array([0, FAR]))
    assert column(times) == [SHOWN, None]


def test_hidden_behind_a_null_list() -> None:
    child = stored([0, FAR, 0], SECONDS)
    offsets = np.array([0, 1, 2, 3], "i4")
    lists = hidden(pa.list_(SECONDS), [True, False, True], offsets, children=[child])
    assert column(lists) == [[SHOWN], None, [SHOWN]]


def test_hidden_behind_a_null_list_of_fixed_size() -> None:
    child = stored([0, 0, FAR, 0], SECONDS)
    lists = hidden(pa.list_(SECONDS, 2), [True, False], children=[child])
    assert column(lists) == [[SHOWN, SHOWN], None]


def test_hidden_behind_a_null_map() -> None:
    entries = pa.StructArray.from_arrays(
        [pa.array(["a", "b", "b"]), stored([0, FAR, 0], SECONDS)], ["key", "value"]
    )
    offsets = np.array([0, 1, 3], "i4")
    maps = hidden(pa.map_(pa.string(), SECONDS), [True, False], offsets, children=[entries])
    assert column(maps) == [{"a": SHOWN}, None]


def test_hidden_behind_a_null_struct() -> None:
    structs = hidden(
        pa.struct([("t", SECONDS)]), [True, False], children=[stored([0, FAR], SECONDS)]
    )
    assert column(structs) == [{"t": SHOWN}, None]


def test_hidden_between_list_views() -> None:
    child = stored([0, FAR, 0], SECONDS)
    offsets, sizes = pa.array([2, 0], pa.int32()), pa.array([1, 1], pa.int32())
    assert column(pa.ListViewArray.from_arrays(offsets, sizes, child)) == [[SHOWN], [SHOWN]]


def test_cut_off_by_a_slice() -> None:
    times = stored([FAR, 0, FAR], SECONDS)
    assert column(times.slice(1, 1)) == [SHOWN]
    assert column(pa.ListArray.from_arrays([0, 1, 2, 3], times).slice(1, 1)) == [[SHOWN]]
    assert column(run_ends([1, 2, 3], times).slice(1, 1)) == [SHOWN]


@pytest.mark.parametrize("indices", [[1], [1, None, 1, 1]], ids=["few rows", "many rows"])
def test_an_entry_of_a_dictionary_without_a_row(indices: list[int | None]) -> None:
    times = dictionary(indices, pa.int8(), stored([FAR, 0], SECONDS))
    assert column(times) == [None if index is None else SHOWN for index in indices]


# ---- Traps --------------------------------------------------------------------------------------


def test_integers_beside_a_null_keep_all_digits() -> None:
    assert int(pa.array([2**60 + 1, None]).to_numpy(zero_copy_only=False)[0]) != 2**60 + 1
    assert column(pa.array([2**60 + 1, None])) == [2**60 + 1, None]


def test_nulls_are_not_nan() -> None:
    null, nan = column(pa.array([None, NAN]))
    assert null is None
    assert nan != nan


def test_nanoseconds_are_floored_before_the_epoch_too() -> None:
    times = stored([-1], pa.timestamp("ns"))
    toward_zero = times.cast(pa.timestamp("us"), safe=False).view(pa.int64()).to_pylist()
    assert toward_zero == [0]
    assert column(times) == [datetime(1969, 12, 31, 23, 59, 59, 999999)]


@pytest.mark.parametrize("zone", ["UTC", "+00:00", "Etc/UTC", "Europe/Paris", "-05:00"])
def test_zones_are_always_the_one_utc_of_the_standard_library(zone: str) -> None:
    (moment,) = column(stored([NS], pa.timestamp("ns", zone)))
    assert moment.tzinfo is UTC
    assert moment.isoformat() == "2023-11-14T22:13:20.123456+00:00"


def test_seconds_that_overflow_as_microseconds_do_not_come_round() -> None:
    wrapped = 2**64 // 10**6  # times a million, this is a time in 1970 to 64 bits
    with np.errstate(over="ignore"):
        assert abs(int((np.array([wrapped]) * 10**6)[0])) < 10**6
    with pytest.raises(DataError, match="years 1 to 9999"):
        column(stored([wrapped], SECONDS))


def test_the_least_duration_is_not_taken_for_not_a_time() -> None:
    assert np.array([-(2**63)]).view("m8[us]").tolist() == [None]
    assert column(stored([-(2**63)], pa.duration("us"))) == [timedelta(microseconds=-(2**63))]


INDICES = [
    pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_every_index_of_a_dictionary(index: pa.DataType) -> None:
    # 128 entries fill int8, so that it has no room for an index that means null.
    values = [f"value {number}" for number in range(127)] + [None]
    indices = [*range(127, -1, -1), None]
    expected = [None, *reversed(values[:-1]), None]
    assert column(dictionary(indices, index, pa.array(values))) == expected
    assert column(dictionary(indices, index, pa.array(values)).slice(5, 3)) == expected[5:8]


@pytest.mark.parametrize(
    "kind", [pa.string(), STRING_VIEW, BINARY_VIEW, pa.list_(pa.string())], ids=str
)
def test_a_dictionary_longer_than_the_batch(kind: pa.DataType) -> None:
    values: list[Any] = [f"value {number}" for number in range(1000)]
    if kind == BINARY_VIEW:
        values = [value.encode() for value in values]
    if pa.types.is_list(kind):
        values = [[value] for value in values]
    array = dictionary([999, None, 3], pa.int16(), pa.array(values, kind))
    assert column(array) == [values[999], None, values[3]]


def test_a_dictionary_longer_than_the_batch_is_not_converted_as_a_whole() -> None:
    array = dictionary([999_999, 0], pa.int32(), pa.array(range(1_000_000)))
    with mock.patch.object(nested_rows, "_take", wraps=nested_rows._take) as take:
        assert column(array) == [999_999, 0]
    assert [len(call.args[1]) for call in take.call_args_list] == [2]


NESTED = [
    pa.array([[1]]),
    pa.array([[1]], pa.large_list(pa.int8())),
    pa.array([[1]], pa.list_(pa.int8(), 1)),
    pa.array([[1]], pa.list_view(pa.int8())),
    pa.array([{"a": 1}]),
    pa.array([{"a": "view"}], pa.struct([("a", STRING_VIEW)])),
    pa.array([[("a", 1)]], MAP),
]


@pytest.mark.parametrize("values", NESTED, ids=lambda values: str(values.type))
@pytest.mark.parametrize("kind", ["dictionary", "run_end_encoded"])
def test_rows_do_not_share_lists_and_dicts(values: pa.Array, kind: str) -> None:
    array = dictionary([0, 0], pa.int8(), values) if kind == "dictionary" else run_ends([2], values)
    first, second = column(array)
    assert first == second
    assert first is not second


def test_columns_of_one_name_stay_apart() -> None:
    batch = pa.record_batch([pa.array([1, 2]), pa.array(["a", None])], ["x", "x"])
    assert list(zip(*columns(batch), strict=True)) == [(1, "a"), (2, None)]


def test_a_batch_without_columns_has_none() -> None:
    batch = pa.record_batch({"a": [1, 2]}).select([])
    assert batch.num_rows in (0, 2)  # by version of pyarrow
    assert columns(batch) == []


def test_indices_of_a_parquet_file(tmp_path: Path) -> None:
    # int16 or int32 by version of pyarrow, and every batch has a dictionary of its own.
    pq = pytest.importorskip("pyarrow.parquet")
    levels = pa.array(["info", None, "error", "info"]).dictionary_encode()
    table = pa.table({"level": levels.cast(pa.dictionary(pa.int16(), pa.string()))})
    pq.write_table(table, tmp_path / "levels.parquet")
    batches = pq.ParquetFile(tmp_path / "levels.parquet").iter_batches(2)
    assert [columns(batch) for batch in batches] == [[["info", None]], [["error", "info"]]]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), STRING_VIEW, pa.binary()], ids=str
)
@pytest.mark.parametrize("distinct", [1, 3, 3000, 5000])
@pytest.mark.parametrize("first", [0, 1, 7])
def test_long_columns_of_strings(kind: pa.DataType, distinct: int, first: int) -> None:
    texts = [None if i % 5 == 0 else f"é{i % distinct or ''}" * 3 for i in range(5000)]
    values = [t.encode() if t and pa.types.is_binary(kind) else t for t in texts]
    assert column(pa.array(values, kind).slice(first)) == values[first:]


def test_strings_that_repeat_are_made_once() -> None:
    values = column(pa.array([f"value {i % 10}" for i in range(4096)]))
    assert len({id(value) for value in values}) == 10


def test_strings_whose_sample_misleads() -> None:
    values = [f"value {i}" for i in range(4096)]
    values[2048:2304] = ["same"] * 256
    assert column(pa.array(values)) == values


# ---- pandas -------------------------------------------------------------------------------------

WITHOUT_PANDAS = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pandas":
            raise ImportError("refused")

sys.meta_path.insert(0, Refuse())
sys.stdout.reconfigure(encoding="utf-8")
from tests.arrow.test_rows import VALUES, exact, column
print([exact(column(array)) for array, _ in VALUES])
"""


def python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_values_are_the_same_without_pandas() -> None:
    if PANDAS:
        importlib.import_module("pandas")  # from here on pyarrow gives Timestamps for nanoseconds
    here = str([exact(column(array)) for array, _ in VALUES])
    assert python(WITHOUT_PANDAS) == here


IMPORTS_PANDAS = """
import sys
import pyarrow as pa
from micromegas_dbapi.arrow.rows import columns

with pa.ipc.open_stream(sys.argv[1]) as reader:
    batches = list(reader)
assert "pandas" not in sys.modules
print([batch.schema.names[0] for batch in batches if columns(batch) and "pandas" in sys.modules])
"""


@pytest.mark.skipif(not PANDAS, reason="pandas is not installed")
@pytest.mark.skipif(PYARROW < 25, reason="its to_numpy of strings imports pandas")
def test_pandas_is_never_imported(tmp_path: Path) -> None:
    # Written here, since to make an array of Python values pyarrow imports pandas.
    arrays = [pa.concat_arrays([array] * 5)[:5] for array, _ in VALUES]
    arrays = [array.storage if isinstance(array, pa.ExtensionArray) else array for array in arrays]
    batch = pa.record_batch(arrays, [str(array.type) for array in arrays])
    path = str(tmp_path / "values.arrow")
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, batch.schema) as writer:
        writer.write_batch(batch)
    assert python(IMPORTS_PANDAS, path) == "[]"


# ---- Every type, nested at random, against a slow oracle ----------------------------------------


def integers(dtype: str) -> st.SearchStrategy[int]:
    limits = np.iinfo(dtype)
    edges = st.sampled_from([int(limits.min), 0, 1, int(limits.max)])
    return st.one_of(edges, st.integers(int(limits.min), int(limits.max)))


def within(first: int, end: int) -> st.SearchStrategy[int]:
    edges = st.sampled_from([first, max(first, -1), 0, 1, end - 1])
    return st.one_of(edges, st.integers(first, end - 1))


YEAR_1, YEAR_10000, DAY = -62_135_596_800, 253_402_300_800, 86_400
LEAST, MOST = -(2**63), 2**63

# The numbers that an array of the type may store, and how many bytes each takes.
FIXED: list[tuple[pa.DataType, str, st.SearchStrategy[Any]]] = [
    *((getattr(pa, f"int{w}")(), f"i{w // 8}", integers(f"i{w // 8}")) for w in (8, 16, 32, 64)),
    *((getattr(pa, f"uint{w}")(), f"u{w // 8}", integers(f"u{w // 8}")) for w in (8, 16, 32, 64)),
    *((getattr(pa, f"float{w}")(), f"f{w // 8}", st.floats(width=w)) for w in (16, 32, 64)),
    *(
        (pa.timestamp(unit, zone), "i8", within(max(YEAR_1 * n, LEAST), min(YEAR_10000 * n, MOST)))
        for unit, n in {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}.items()
        for zone in (None, "UTC", "Asia/Tokyo")
    ),
    (pa.date32(), "i4", within(-719_162, 2_932_897)),
    (pa.date64(), "i8", within(-719_162, 2_932_897).map(lambda days: days * DAY * 1000)),
    (pa.time32("s"), "i4", within(0, DAY)),
    (pa.time32("ms"), "i4", within(0, DAY * 10**3)),
    (pa.time64("us"), "i8", within(0, DAY * 10**6)),
    (pa.time64("ns"), "i8", within(0, DAY * 10**9)),
    (pa.duration("s"), "i8", within(-999_999_999 * DAY, 999_999_999 * DAY)),
    (pa.duration("ms"), "i8", within(-999_999_999 * DAY * 10**3, 999_999_999 * DAY * 10**3)),
    (pa.duration("us"), "i8", within(LEAST, MOST)),
    (pa.duration("ns"), "i8", within(LEAST, MOST)),
]
DECIMALS = [pa.decimal128(38, 6), pa.decimal256(76, 6)]
DECIMALS += [pa.decimal32(9, 6), pa.decimal64(18, 6)] if hasattr(pa, "decimal32") else []
STRINGS = [pa.string(), pa.large_string(), STRING_VIEW, pa.binary(), pa.large_binary(), BINARY_VIEW]

COUNT = 12


@st.composite
def leaves(draw: Any, count: int) -> pa.Array:
    """`count` elements of a type that is not nested, with values behind some nulls."""
    valid = draw(st.lists(st.booleans(), min_size=count, max_size=count))

    def made(values: st.SearchStrategy[Any]) -> list[Any]:
        drawn: list[Any] = draw(st.lists(values, min_size=count, max_size=count))
        return drawn

    def with_nulls(values: list[Any], kind: pa.DataType) -> pa.Array:
        return pa.array([v if ok else None for v, ok in zip(values, valid, strict=True)], kind)

    group = draw(st.sampled_from(["fixed", "fixed", "bool", "decimal", "string", "other"]))
    if group == "fixed":
        kind, dtype, values = draw(st.sampled_from(FIXED))
        numbers = np.array(made(values), dtype)
        if dtype == "i8":  # what Python could not hold, were it a value
            numbers[~np.array(valid, bool)] = draw(st.sampled_from([LEAST, 0, MOST - 1]))
        return hidden(kind, valid, numbers)
    if group == "bool":
        return hidden(
            pa.bool_(), valid, np.packbits(np.array(made(st.booleans()), bool), bitorder="little")
        )
    if group == "decimal":
        decimals = st.decimals(-999, 999, places=6, allow_nan=False, allow_infinity=False)
        return with_nulls(made(decimals), draw(st.sampled_from(DECIMALS)))
    if group == "string":
        kind = draw(st.sampled_from(STRINGS))
        texts = made(st.one_of(st.sampled_from(["", "a"]), st.text(max_size=20)))
        if "binary" in str(kind):
            return with_nulls([text.encode() for text in texts], kind)
        return with_nulls(texts, kind)
    if draw(st.booleans()):
        return with_nulls(made(st.binary(min_size=3, max_size=3)), pa.binary(3))
    if draw(st.booleans()):
        return pa.nulls(count)
    triple = st.tuples(st.integers(-1, 1), st.integers(-999, 999), integers("i8"))
    return with_nulls([D(list(value)) for value in made(triple)], pa.month_day_nano_interval())


@st.composite
def arrays(draw: Any, count: int, depth: int = 2) -> pa.Array:
    """`count` elements of any type, as a slice of a longer array."""
    before, after = draw(st.integers(0, 9)), draw(st.integers(0, 2))
    array = draw(whole(before + count + after, depth))
    return array.slice(before, count)


@st.composite
def whole(draw: Any, count: int, depth: int) -> pa.Array:
    shape = draw(st.sampled_from(SHAPES)) if depth else "leaf"
    if shape == "leaf":
        return draw(leaves(count))
    valid = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    mask = pa.array([not ok for ok in valid], pa.bool_())
    if shape == "dictionary":
        entries = draw(st.integers(1, COUNT))
        places = st.one_of(st.none(), st.integers(0, entries - 1))
        indices = draw(st.lists(places, min_size=count, max_size=count))
        return dictionary(indices, draw(st.sampled_from(INDICES)), draw(arrays(entries, depth - 1)))
    if shape == "run_end_encoded":
        # One run at least, even for no element.
        ends = sorted(draw(st.sets(st.integers(1, max(count, 1)))) | {max(count, 1)})
        index = draw(st.sampled_from([pa.int16(), pa.int32(), pa.int64()]))
        return run_ends(ends, draw(arrays(len(ends), depth - 1)), index).slice(0, count)
    if shape == "struct":
        fields = [draw(arrays(count, depth - 1)) for _ in range(draw(st.integers(1, 3)))]
        return pa.StructArray.from_arrays(fields, [f"f{i}" for i in range(len(fields))], mask=mask)
    if shape == "fixed_size_list":
        size = draw(st.integers(0, 3))
        child = draw(arrays(count * size, depth - 1))
        return hidden(pa.list_(child.type, size), valid, children=[child])
    steps = draw(st.lists(st.integers(0, 3), min_size=count + 1, max_size=count + 1))
    offsets = np.cumsum(steps)
    if shape == "map":
        kind, dtype, _ = draw(st.sampled_from([f for f in FIXED if f[0] in (pa.int16(), SECONDS)]))
        keys = pa.array(np.arange(offsets[-1], dtype=dtype)).view(kind)
        items = draw(arrays(len(keys), depth - 1))
        kind = pa.map_(kind, items.type)
        fields = [kind.key_field, kind.item_field]
        entries = pa.StructArray.from_arrays([keys, items], fields=fields)
        return hidden(kind, valid, offsets.astype("i4"), children=[entries])
    child = draw(arrays(int(offsets[-1]), depth - 1))
    if shape == "list_view":
        order = draw(st.permutations(range(count)))
        starts = pa.array(offsets[:-1][list(order)], pa.int32())
        sizes = pa.array(np.diff(offsets)[list(order)], pa.int32())
        return pa.ListViewArray.from_arrays(starts, sizes, child, mask=mask)
    large = draw(st.booleans())
    kind = pa.large_list(child.type) if large else pa.list_(child.type)
    return hidden(kind, valid, offsets.astype("i8" if large else "i4"), children=[child])


SHAPES = [
    "leaf", "leaf", "dictionary", "run_end_encoded", "struct", "fixed_size_list", "map", "list",
    "list_view",
]  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, COUNT).flatmap(arrays), st.sampled_from(["datetime", "ns", "json"]))
def test_any_array_against_the_oracle(array: pa.Array, form: Any) -> None:
    array.validate()
    assert exact(column(array, form)) == exact(slowly(array, form))


@pytest.mark.parametrize("fast", [True, False], ids=["to_pylist", "to_numpy"])
@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "é"]), st.text())),
    st.sampled_from(STRINGS),
)
@example(["a", None, "a", "a", "", "a"], pa.string())
def test_strings_whether_they_repeat_or_not(
    fast: bool, values: list[str | None], kind: pa.DataType
) -> None:
    if "binary" in str(kind):
        values = [None if value is None else value.encode() for value in values]  # type: ignore[misc]
    with (
        mock.patch.object(scalar_rows, "_FAST_STRINGS", fast),
        mock.patch.multiple(scalar_rows, _MIN_LENGTH=4, _SAMPLE=4, _MAX_DISTINCT=2),
    ):
        assert exact(column(pa.array(values, kind))) == exact(values)
