"""Type names of DataFusion, parsed: those of the embedded engine, and others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.type_names import arrow_type
from tests.wire import flight
from tests.wire.described import spelled
from tests.wire.recordings import index

Wire = Callable[[str], Path]

DECIMALS = hasattr(pa, "decimal32")
# What a value of each type is made of, and the type of it in JSON where it is another.
CASTS = {
    **{f"{sign}Int{bits}": "1" for sign in ("", "U") for bits in (8, 16, 32, 64)},
    **{name: "1" for name in ("Float16", "Float32", "Float64", "Boolean")},
    **{name: "'x'" for name in ("Utf8", "LargeUtf8", "Utf8View", "Binary", "LargeBinary")},
    "BinaryView": "'x'",
    "FixedSizeBinary(2)": "X'0102'",
    "Date32": "DATE '2024-02-29'",
    "Date64": "DATE '2024-02-29'",
    **{f"Time32({unit})": "TIME '12:00:00'" for unit in ("Second", "Millisecond")},
    **{f"Time64({unit})": "TIME '12:00:00'" for unit in ("Microsecond", "Nanosecond")},
    **{
        f"Timestamp({unit}, {zone})": "now()"
        for unit in ("Second", "Millisecond", "Microsecond", "Nanosecond")
        for zone in ("None", 'Some("+00:00")', 'Some("Europe/Paris")')
    },
    **{f"Duration({unit})": "1" for unit in ("Second", "Millisecond", "Microsecond", "Nanosecond")},
    "Interval(MonthDayNano)": "INTERVAL '1 day'",
    "Decimal128(38, 10)": "1",
    "Decimal128(10, -2)": "1",
    "Decimal256(60, 2)": "1",
    "Dictionary(Int16, Utf8)": "'x'",
    "Dictionary(Int32, Binary)": "X'0102'",
    "List(Int64)": "[1, 2]",
    "LargeList(Utf8)": "['1', '2']",
    "FixedSizeList(2, Int64)": "[1, 2]",
    "ListView(Int64)": "[1, 2]",
    "LargeListView(Int64)": "[1, 2]",
    "List(List(Dictionary(Int32, Utf8)))": "[['1'], ['2']]",
}
QUERIES = [
    "SELECT NULL AS a, [] AS b",
    "SELECT named_struct('a', 1, 'b \"q\", (c): \\', 'x', 'ü', named_struct('z', [true])) AS v",
    "SELECT [named_struct('a', now(), 'b', INTERVAL '1 day')] AS v",
    "SELECT MAP(['k'], [1]) AS a, MAP([1], [named_struct('a', [1])]) AS b",
    *(f"SELECT * FROM {view}" for view in ("processes", "streams", "blocks", "measures")),
]


@pytest.fixture(scope="module")
def demo() -> Iterator[mm.Connection]:
    with mm.connect("demo:") as connection:
        yield connection


def in_json(kind: pa.DataType) -> pa.DataType:
    """Return the type of values in JSON."""
    if pa.types.is_dictionary(kind):
        return in_json(kind.value_type)
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(in_json(kind.value_type)))
    return kind


@pytest.mark.parametrize(
    "query", [*(f"SELECT arrow_cast({v}, '{name}') AS v" for name, v in CASTS.items()), *QUERIES]
)
def test_the_engine_s_own_words(demo: mm.Connection, query: str) -> None:
    schema = demo.execute(f"{query} LIMIT 0").fetch_arrow_table().schema
    said = demo.execute(f"DESCRIBE {query}").fetchall()
    assert [name for name, _, _ in said] == schema.names
    assert [arrow_type(text) for _, text, _ in said] == [in_json(kind) for kind in schema.types]
    # What the tests of the gateway answer is what the engine does.
    assert [spelled(kind) for kind in schema.types] == [text for _, text, _ in said]


OTHERS = {
    'RunEndEncoded("run_ends": non-null Int32, "values": Utf8)': pa.string(),
    "Interval(YearMonth)": pa.month_day_nano_interval(),
    "Interval(DayTime)": pa.month_day_nano_interval(),
    "Decimal32(9, 2)": pa.decimal32(9, 2) if DECIMALS else pa.decimal128(9, 2),
    "Decimal64(18, 2)": pa.decimal64(18, 2) if DECIMALS else pa.decimal128(18, 2),
    "Dictionary(Int32, Dictionary(Int8, Utf8))": pa.string(),
    "Struct()": pa.struct([]),
    # JSON has no NaN: fields of floats may be null.
    "List(non-null Float64)": pa.list_(pa.float64()),
    'Struct("a": non-null Float16, "b": non-null Int8)': pa.struct(
        [pa.field("a", pa.float16()), pa.field("b", pa.int8(), nullable=False)]
    ),
    # Metadata says nothing of the type.
    'List(Utf8, metadata: {"a": "b)\\"}"})': pa.list_(pa.string()),
    'List(non-null Int8, field: \'it\'s (odd)\', metadata: {"a": "b"})': pa.list_(
        pa.field("it's (odd)", pa.int8(), nullable=False)
    ),
    'Struct("a": Int8, metadata: {"k": "v", "l": "w"}, "b": Utf8)': pa.struct(
        [("a", pa.int8()), ("b", pa.string())]
    ),
    # As DataFusion spelled them before.
    'Timestamp(Nanosecond, Some("+00:00"))': pa.timestamp("ns", "+00:00"),
    "Timestamp(Second, None)": pa.timestamp("s"),
    "Time64(Microsecond)": pa.time64("us"),
    "Duration(Millisecond)": pa.duration("ms"),
    # Names in Rust's debug format.
    'Struct("tab\\t \\u{fc}\\"": Int8)': pa.struct([('tab\t ü"', pa.int8())]),
}


@pytest.mark.parametrize("text", OTHERS)
def test_other_words(text: str) -> None:
    found = arrow_type(text)
    assert found == OTHERS[text]
    assert str(found) == str(OTHERS[text])  # also which fields may be null


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Int65",
        "utf8",
        "Utf8 ",
        "Utf8View2",
        "Timestamp",
        "Timestamp(ns",
        "Timestamp(d)",
        "Timestamp(ns, +00:00)",
        "Time64(s)",
        "Interval(Other)",
        "Decimal128(99, 2)",
        "Decimal128(10)",
        "List()",
        "List(Int65)",
        "FixedSizeList(x Int64)",
        'Union(Dense, 0: ("a": Int32))',
        'Map("entries": Utf8, unsorted)',
        'Map("entries": Struct("key": Utf8, "value": Utf8))',
        'Struct("a": Int8',
        'Struct("a" Int8)',
        "Struct(a: Int8)",
        'List(Field { name: "item", data_type: Int64, nullable: true })',
        "List(" * 5000 + "Utf8" + ")" * 5000,
    ],
    ids=lambda text: text[:30],
)
def test_unknown_words(text: str) -> None:
    assert arrow_type(text) is None


@pytest.mark.parametrize(
    "name", [e["name"] for e in index("flight-0.30") if e["name"].startswith("describe_")]
)
def test_recorded_words(wire: Wire, name: str) -> None:
    """The type names in DESCRIBE of each view are the types of its columns."""
    folder, view = wire("flight-0.30"), name.removeprefix("describe_")
    said = flight.table(folder, name).to_pylist()
    if view == "log_stats":  # no query of all its columns was recorded
        assert None not in [arrow_type(row["data_type"]) for row in said]
        return
    schema = flight.table(folder, f"limit0_{view}").schema
    assert [row["column_name"] for row in said] == schema.names
    assert [arrow_type(row["data_type"]) for row in said] == [in_json(t) for t in schema.types]
    assert [row["is_nullable"] == "YES" for row in said] == [f.nullable for f in schema]
