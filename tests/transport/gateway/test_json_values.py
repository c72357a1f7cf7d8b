"""Decoding of JSON as arrow-json writes it: values of each type, mismatches, and rows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.types import all_types
from micromegas_dbapi.transport.gateway import json_values
from micromegas_dbapi.transport.gateway.column_types import parse_description
from micromegas_dbapi.transport.gateway.json_objects import (
    AmbiguousFieldError,
    MismatchError,
    parse,
)
from micromegas_dbapi.transport.gateway.json_rows import infer_batches
from micromegas_dbapi.transport.gateway.json_values import to_array
from micromegas_dbapi.transport.gateway.time_strings import (
    parse_duration,
    parse_instant,
    parse_interval,
    parse_naive,
)
from tests.arrow.nesting import LEAVES
from tests.wire.described import answer

UTC, PARIS = pa.timestamp("ns", "+00:00"), pa.timestamp("ms", "Europe/Paris")
STRUCT = pa.struct([("a", pa.int64()), ("b", pa.string())])

# -- values ----------------------------------------------------------------------------------------

# JSON, the declared type, and the expected value in a form that pyarrow accepts, often a number.
GOOD: list[tuple[str, pa.DataType, Any]] = [
    ("true", pa.bool_(), True),
    ("-128", pa.int8(), -128),
    ("18446744073709551615", pa.uint64(), 2**64 - 1),
    ("1.5", pa.float16(), np.float16(1.5)),
    ("65504.0", pa.float16(), np.float16(65504)),
    ("1.1", pa.float32(), 1.10000002384185791015625),
    # Rounding to 64 bits first would give the next lower number, but this one is nearer.
    ("1.00000017881393432617187499", pa.float32(), 1.00000011920928955078125),
    ("1.0e308", pa.float64(), 1e308),
    ("5.0e-324", pa.float64(), 5e-324),
    ("-0.0", pa.float64(), -0.0),
    ("1.7976931348623157e308", pa.float64(), 1.7976931348623157e308),
    ("123.4560000000", pa.decimal128(38, 10), Decimal("123.456")),
    ("-12345678901234567890123456.789012345678", pa.decimal128(38, 12), None),
    ("99999999999999999999999999999999999999999999999999.75", pa.decimal256(60, 2), None),
    ("5", pa.decimal128(10, 0), Decimal(5)),
    ("12300", pa.decimal128(10, -2), Decimal(12300)),
    ('"é\\u0000"', pa.string(), "é\0"),
    ('"x"', pa.large_string(), "x"),
    ('"x"', pa.string_view(), "x"),
    ('"00ff10"', pa.binary(), b"\x00\xff\x10"),
    ('""', pa.binary(), b""),
    ('"00ff"', pa.binary(2), b"\x00\xff"),
    ('"00ff"', pa.large_binary(), b"\x00\xff"),
    ('"00ff"', pa.binary_view(), b"\x00\xff"),
    ('"2024-02-29"', pa.date32(), dt.date(2024, 2, 29)),
    ('"+10000-01-01"', pa.date32(), 2932897),
    ('"-0001-12-31"', pa.date32(), -719529),
    ('"0000-12-31"', pa.date32(), -719163),
    ('"2024-02-29T00:00:00"', pa.date64(), dt.date(2024, 2, 29)),
    ('"23:59:59.123456789"', pa.time64("ns"), 86399123456789),
    ('"12:00:00"', pa.time32("s"), 43200),
    ('"00:00:01.001"', pa.time32("ms"), 1001),
    ('"2024-02-29T12:00:00"', pa.timestamp("s"), 1709208000),
    ('"2024-02-29T12:00:00.123456789"', pa.timestamp("ns"), 1709208000123456789),
    ('"1677-09-21T00:12:43.145224192"', pa.timestamp("ns"), -(2**63)),
    ('"2262-04-11T23:47:16.854775807Z"', UTC, 2**63 - 1),
    ('"2024-02-29T17:30:00+05:30"', pa.timestamp("ns", "+05:30"), 1709208000 * 10**9),
    ('"2023-11-14T18:43:20-03:30"', pa.timestamp("us", "-03:30"), 1700000000 * 10**6),
    ('"2023-11-14T23:13:20.123+01:00"', PARIS, 1700000000123),
    ('"+10000-01-01T00:00:00Z"', pa.timestamp("s", "UTC"), 253402300800),
    ('"-1199-02-15T14:13:21Z"', pa.timestamp("s", "UTC"), -99999999999),
    ('"PT1234.567890123S"', pa.duration("ns"), 1234567890123),
    ('"-PT0.000000001S"', pa.duration("ns"), -1),
    ('"PT86401S"', pa.duration("s"), 86401),
    ('"P0D"', pa.duration("us"), 0),
    ('"P1DT2H3M4.5S"', pa.duration("ms"), 93784500),
    ('"1 mons 2 days 3.500000000 secs"', pa.month_day_nano_interval(), (1, 2, 3500000000)),
    ('"1 years 2 mons"', pa.month_day_nano_interval(), (14, 0, 0)),
    ('"-1 mons -2 days -0.000000001 secs"', pa.month_day_nano_interval(), (-1, -2, -1)),
    ('"0 secs"', pa.month_day_nano_interval(), (0, 0, 0)),
    ("[1,null,3]", pa.list_(pa.int64()), [1, None, 3]),
    ("[[1],[]]", pa.large_list(pa.list_(pa.int8())), [[1], []]),
    ("[1,2]", pa.list_(pa.int64(), 2), [1, 2]),
    ("[1,2]", pa.list_view(pa.int64()), [1, 2]),
    ('["2024-02-29",null]', pa.list_(pa.date32()), [dt.date(2024, 2, 29), None]),
    ('{"b":"x"}', STRUCT, {"a": None, "b": "x"}),
    ("{}", STRUCT, {"a": None, "b": None}),
    ("{}", pa.struct([]), {}),
    ('{"p":{"a":1},"q":{"a":2}}', pa.struct([("p", STRUCT), ("q", STRUCT)]), None),
    ('[{"a":1},{"b":"x"}]', pa.list_(STRUCT), [{"a": 1, "b": None}, {"a": None, "b": "x"}]),
    ('{"k1":1,"k2":2}', pa.map_(pa.string(), pa.int64()), [("k1", 1), ("k2", 2)]),
    ('{"k":{"a":1}}', pa.map_(pa.string(), STRUCT), [("k", {"a": 1, "b": None})]),
    ("{}", pa.map_(pa.string(), pa.int64()), []),
]


@pytest.mark.parametrize(("text", "kind", "value"), GOOD)
def test_value(text: str, kind: pa.DataType, value: Any) -> None:
    found = to_array([parse(text), None], kind)
    assert found.type == kind
    assert found.null_count == 1
    found.validate(full=True)
    if value is None:  # the string itself is the value
        assert repr(found[0].as_py()) in (f"Decimal('{text}')", PQ)
    else:
        assert found[0].equals(pa.array([value], kind)[0])


PQ = "{'p': {'a': 1, 'b': None}, 'q': {'a': 2, 'b': None}}"

BAD: list[tuple[str, pa.DataType]] = [
    ("1", pa.null()),
    ("1", pa.bool_()),
    ("true", pa.int64()),
    ("1.0", pa.int64()),
    ('"1"', pa.int64()),
    ("128", pa.int8()),
    ("-1", pa.uint64()),
    ("18446744073709551616", pa.uint64()),
    ("true", pa.float64()),
    ('"1.5"', pa.float64()),
    ("9007199254740993", pa.float64()),
    ("1e999", pa.float64()),
    ("1e39", pa.float32()),
    ("70000.0", pa.float16()),
    ("123.456", pa.decimal128(38, 2)),
    ("123456", pa.decimal128(5, 2)),
    ("12345", pa.decimal128(10, -2)),
    ('"1.5"', pa.decimal128(38, 2)),
    ("true", pa.decimal128(38, 2)),
    ("1.5", pa.string()),
    ("1", pa.string()),
    ("{}", pa.string()),
    ('"0g"', pa.binary()),
    ('"0"', pa.binary()),
    ('"00 ff"', pa.binary()),
    ("12", pa.binary()),
    ('"00"', pa.binary(2)),
    ('"2024-02-30"', pa.date32()),
    ('"2024-2-29"', pa.date32()),
    ('"2024-02-29T00:00:00"', pa.date32()),
    ('"٢٠٢٤-02-29"', pa.date32()),
    ("19000", pa.date32()),
    ('"24:00:00"', pa.time32("s")),
    ('"12:00:60"', pa.time32("s")),
    ('"12:00:00.5"', pa.time32("s")),
    ('"12:00:00.1234567890"', pa.time64("ns")),
    ('"2024-02-29 12:00:00"', pa.timestamp("s")),
    ('"2024-02-29T12:00:00Z"', pa.timestamp("s")),
    ('"2024-02-29T12:00:00"', UTC),
    ('"2024-02-29T12:00:00.5"', pa.timestamp("s")),
    ('"2024-02-29T12:00:00Zulu"', UTC),
    ('"2263-01-01T00:00:00Z"', UTC),
    ('"1900-01-01T00:09:00+00:09"', PARIS),  # without the 21 seconds of the offset
    ('"-1199-02-15T14:13:21+00:09"', PARIS),
    ('"1900-01-01T00:00:00+00:00"', pa.timestamp("ms", "Nowhere/Land")),
    ('"ERROR: Cast error: Failed to convert 9223372036854775807 to datetime"', UTC),
    ('"<invalid>"', pa.duration("s")),
    ('"P"', pa.duration("s")),
    ('"PT"', pa.duration("s")),
    ('"PT1.5S"', pa.duration("s")),
    ('""', pa.duration("s")),
    ('""', pa.month_day_nano_interval()),
    ('"1 mons "', pa.month_day_nano_interval()),
    ('"1 secs 1 days"', pa.month_day_nano_interval()),
    ('"9999999999 mons"', pa.month_day_nano_interval()),
    ("1", pa.list_(pa.int64())),
    ("[1.5]", pa.list_(pa.int64())),
    ("{}", pa.list_(pa.int64())),
    ("[1]", pa.list_(pa.int64(), 2)),
    ("[1]", STRUCT),
    ('{"c":1}', STRUCT),
    ('{"a":1,"a":2}', STRUCT),
    ('{"a":"x"}', STRUCT),
    ('[["k",1]]', pa.map_(pa.string(), pa.int64())),
    ('{"k":"x"}', pa.map_(pa.string(), pa.int64())),
    ("1", pa.dense_union([pa.field("a", pa.int64())])),
    ('"\\ud800"', pa.string()),
]


@pytest.mark.parametrize(("text", "kind"), BAD)
def test_value_of_another_type(text: str, kind: pa.DataType) -> None:
    with pytest.raises(MismatchError):
        to_array([None, parse(text)], kind)


def test_every_type_of_the_registry_is_read() -> None:
    named = {entry.name for entry in all_types().values() if entry.name}
    assert named == set(json_values._CONVERTERS)
    for array in LEAVES.values():
        assert to_array([None, None], array.type).equals(pa.nulls(2, array.type))


@pytest.mark.parametrize("text", ["", "[", "[1,]", "nan", "[NaN]", "Infinity", "[1] x", "'a'"])
def test_no_json(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


# -- times, as the engine writes them --------------------------------------------------------------


@pytest.fixture(scope="module")
def demo() -> Iterator[mm.Connection]:
    with mm.connect("demo:") as connection:
        yield connection


@pytest.mark.parametrize(
    "sql",
    [
        *(
            f"arrow_cast({count}, 'Timestamp({unit}, {zone})')"
            for count, unit in [
                (0, "Second"),
                (-1, "Nanosecond"),
                (253402300800, "Second"),
                (-2, "Second"),
                (1700000000123, "Millisecond"),
                (1700000000123456, "Microsecond"),
            ]
            for zone in ("None", 'Some("+00:00")', 'Some("-03:30")', 'Some("Europe/Paris")')
        ),
        "arrow_cast(-9223372036854775807, 'Timestamp(Nanosecond, None)')",
        "arrow_cast(-99999999999, 'Timestamp(Second, Some(\"+00:00\"))')",
        *(f"arrow_cast(arrow_cast({days}, 'Int32'), 'Date32')" for days in (0, 2932897, -719529)),
        "arrow_cast(86400000, 'Date64')",
        "arrow_cast(1, 'Time64(Nanosecond)')",
        "arrow_cast(86399999999999, 'Time64(Nanosecond)')",
        "arrow_cast(arrow_cast(1001, 'Int32'), 'Time32(Millisecond)')",
        "INTERVAL '0 seconds'",
        "INTERVAL '1 year 2 months 3 days 4 hours 5 minutes 6.789012345 seconds'",
        "INTERVAL '-1 month -2 days -3.5 seconds'",
        "INTERVAL '1 month -1 nanosecond'",
        "INTERVAL '-61 seconds'",
        "INTERVAL '100 hours'",
    ],
)
def test_time_as_the_engine_writes_it(demo: mm.Connection, sql: str) -> None:
    """The same code writes casts to strings and JSON."""
    table = demo.execute(f"SELECT {sql} AS value, CAST({sql} AS VARCHAR) AS text")
    value, text = table.fetch_arrow_table().columns
    found = to_array([text[0].as_py()], value.type)
    assert found[0].equals(value[0])


NANOSECONDS = st.integers(-(2**63) + 1, 2**63 - 1)


@given(NANOSECONDS, st.integers(-23 * 60, 23 * 60))
def test_instants(count: int, minutes: int) -> None:
    text = str(np.datetime64(count, "ns"))
    assert parse_naive(text) == count
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    assert parse_instant(f"{text}{sign}{hours:02}:{rest:02}") == count - minutes * 60 * 10**9
    assert parse_instant(text + "Z") == count


@given(NANOSECONDS)
def test_durations(count: int) -> None:
    seconds, rest = divmod(abs(count), 10**9)
    sign = "-" if count < 0 else ""
    assert parse_duration(f"{sign}PT{seconds}.{rest:09}S") == count
    assert parse_interval(f"{sign}{seconds}.{rest:09} secs") == (0, 0, count)


# -- rows: by a description ------------------------------------------------------------------------


def by(schema: pa.Schema, text: str) -> list[dict[str, Any]] | list[tuple[Any, ...]] | None:
    """Read rows with a described schema, as tuples because two columns may have the same name."""
    types = parse_description(parse(answer(schema).decode()))
    assert types is not None
    batches = types.batches(parse(text))
    if batches is None:
        return None
    table = pa.Table.from_batches(batches)
    assert table.schema.names == schema.names
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


TWO = pa.schema([("a", pa.int64()), ("b", pa.int64())])
TWINS = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("a", pa.int64())])


@pytest.mark.parametrize(
    ("schema", "text", "rows"),
    [
        (TWO, "[]", []),
        (TWO, "[{}]", [(None, None)]),
        (TWO, '[{"a":1,"b":2},{"b":3},{"a":4},{}]', [(1, 2), (None, 3), (4, None), (None, None)]),
        (TWO, '[{"b":2,"a":1}]', [(1, 2)]),
        (TWO, '[{"a":1,"c":2}]', None),
        (TWO, '[{"a":1},{"a":1,"b":2,"c":3}]', None),
        (TWO, '[{"a":1,"a":2}]', None),
        (TWINS, '[{"a":1,"b":2,"a":3}]', [(1, 2, 3)]),
        (TWINS, '[{"b":4},{}]', [(None, 4, None), (None, None, None)]),
        (TWINS, '[{"a":1,"b":2},{"b":2,"a":3}]', [(1, 2, None), (None, 2, 3)]),
        (TWINS, '[{"a":1,"a":3}]', [(1, None, 3)]),
        (TWINS, '[{"a":1,"a":3,"a":4}]', None),
    ],
)
def test_rows_by_a_description(schema: pa.Schema, text: str, rows: Any) -> None:
    assert by(schema, text) == rows


@pytest.mark.parametrize("text", ['[{"a":1}]', '[{"a":1,"b":2,"a":3},{"a":1}]'])
def test_which_of_two_columns_is_null_cannot_be_told(text: str) -> None:
    with pytest.raises(AmbiguousFieldError):
        by(TWINS, text)


def test_a_value_of_another_type_names_its_column() -> None:
    with pytest.raises(MismatchError, match="column 'b': unexpected value 'x'"):
        by(TWO, '[{"a":1,"b":2},{"a":1,"b":"x"}]')


def test_what_may_be_null() -> None:
    """As declared, except for floats and for columns that have nulls anyway."""
    schema = pa.schema(
        [
            pa.field(name, kind, nullable=False)
            for name, kind in [("i", pa.int64()), ("f", pa.float64()), ("s", pa.string())]
        ]
    )
    types = parse_description(parse(answer(schema).decode()))
    assert types is not None
    [batch] = types.batches(parse('[{"i":1,"f":null},{"i":2,"f":1.0,"s":"x"}]')) or []
    assert [field.nullable for field in batch.schema] == [False, True, True]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "[{}]",
        '[{"plan_type":"logical_plan","plan":"Projection"}]',
        '[{"column_name":"a","data_type":"Int8"}]',
        '[{"column_name":"a","data_type":"Int8","is_nullable":"MAYBE"}]',
        '[{"column_name":"a","data_type":1,"is_nullable":"NO"}]',
        '[{"data_type":"Int8","column_name":"a","is_nullable":"NO"}]',
        '[{"column_name":"a","data_type":"Int8","is_nullable":"NO"},{}]',
    ],
)
def test_no_description(text: str) -> None:
    assert parse_description(parse(text)) is None


# -- rows: inferred types --------------------------------------------------------------------------

SHOWN: list[tuple[str, dict[str, str], list[tuple[Any, ...]]]] = [
    ("[]", {}, []),
    ("[{},{}]", {}, [(), ()]),
    ('[{"a":null}]', {"a": "null"}, [(None,)]),
    ('[{"a":true},{}]', {"a": "bool"}, [(True,), (None,)]),
    ('[{"a":9223372036854775807}]', {"a": "int64"}, [(2**63 - 1,)]),
    ('[{"a":9223372036854775808},{"a":0}]', {"a": "uint64"}, [(2**63,), (0,)]),
    (
        '[{"a":18446744073709551616},{"a":-1}]',
        {"a": "decimal128(20, 0)"},
        [(Decimal(2**64),), (Decimal(-1),)],
    ),
    ('[{"a":1.1},{"a":1.0e308}]', {"a": "double"}, [(1.1,), (1e308,)]),
    ('[{"a":0.1},{"a":2}]', {"a": "double"}, [(0.1,), (2.0,)]),
    # More digits than a float has: exact.
    (
        '[{"a":0.12345678901234567890},{"a":1.50}]',
        {"a": "decimal128(21, 20)"},
        [(Decimal("0.12345678901234567890"),), (Decimal("1.5").quantize(Decimal("1e-20")),)],
    ),
    (
        '[{"a":12345678901234567890123456789012345678901.5}]',
        {"a": "decimal256(42, 1)"},
        [(Decimal("12345678901234567890123456789012345678901.5"),)],
    ),
    ('[{"a":"2024-02-29"}]', {"a": "string"}, [("2024-02-29",)]),
    ('[{"a":[1]},{"a":[]},{"a":[null]}]', {"a": "list<item: int64>"}, [([1],), ([],), ([None],)]),
    ('[{"a":[]}]', {"a": "list<item: null>"}, [([],)]),
    (
        '[{"a":{"x":1}},{"a":{"y":"b"}}]',
        {"a": "struct<x: int64, y: string>"},
        [({"x": 1, "y": None},), ({"x": None, "y": "b"},)],
    ),
    # The order of columns that are missing in some rows.
    ('[{"b":1},{"a":2,"b":3},{"b":4,"c":5}]', dict.fromkeys("abc", "int64"), None),
    ('[{"a":1,"c":1},{"a":2,"b":3}]', dict.fromkeys("acb", "int64"), None),
]


@pytest.mark.parametrize(("text", "kinds", "rows"), SHOWN)
def test_rows_of_inferred_types(text: str, kinds: dict[str, str], rows: Any) -> None:
    table = pa.Table.from_batches(infer_batches(parse(text)))
    assert {field.name: str(field.type) for field in table.schema} == kinds
    assert table.schema.names == list(kinds)
    assert table.num_rows == len(json.loads(text))
    if rows and kinds:
        assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == rows
    if rows is None:
        expected = [tuple(row.get(name) for name in kinds) for row in json.loads(text)]
        assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == expected


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ('[{"a":1},{"a":"x"}]', MismatchError, "values of several types: integers, strings"),
        ('[{"a":[1]},{"a":{}}]', MismatchError, "arrays, objects"),
        ('[{"a":true},{"a":1.5}]', MismatchError, "booleans, numbers"),
        ('[{"a":1,"b":2,"a":3},{"a":1}]', AmbiguousFieldError, "several fields with the same name"),
        ('[{"a":1e999}]', MismatchError, "digits"),
    ],
)
def test_rows_that_show_no_type(text: str, error: type[MismatchError], words: str) -> None:
    with pytest.raises(error, match=words):
        infer_batches(parse(text))


def test_many_rows_come_in_batches() -> None:
    rows = parse("[" + ",".join(f'{{"a":{number}}}' for number in range(70_000)) + "]")
    batches = infer_batches(rows)
    assert [batch.num_rows for batch in batches] == [65_536, 70_000 - 65_536]
    assert pa.Table.from_batches(batches).column(0).to_pylist() == list(range(70_000))
