"""Files of one view that differ in the types of their columns."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.lake.unified_types import may_lose, unified_type

S, MS, US, NS = (pa.timestamp(unit) for unit in ("s", "ms", "us", "ns"))
UTC = pa.timestamp("ns", "UTC")


def dictionary(index: pa.DataType, values: pa.DataType) -> pa.DataType:
    return pa.dictionary(index, values)


# Versions of pyarrow before 18 do not cast to and from views.
VIEWS = int(pa.__version__.split(".")[0]) >= 18
needs_views = pytest.mark.skipif(not VIEWS, reason="pyarrow before 18 does not cast views")

# Two types, their unified type, and whether casting to it may lose a value of each.
UNIFIED = [
    (pa.int32(), pa.int64(), pa.int64(), (False, False)),
    (pa.int8(), pa.uint8(), pa.int16(), (False, False)),
    (pa.uint32(), pa.int8(), pa.int64(), (False, False)),
    (pa.uint8(), pa.uint16(), pa.uint16(), (False, False)),
    (pa.uint64(), pa.int64(), pa.int64(), (True, False)),
    (pa.int16(), pa.float32(), pa.float32(), (False, False)),
    (pa.int32(), pa.float32(), pa.float64(), (False, False)),
    (pa.int64(), pa.float64(), pa.float64(), (True, False)),
    (pa.float16(), pa.float64(), pa.float64(), (False, False)),
    (pa.string(), pa.large_string(), pa.large_string(), (False, False)),
    pytest.param(pa.string_view(), pa.string(), pa.string(), (False, False), marks=needs_views),
    (pa.binary(3), pa.binary(), pa.binary(), (False, False)),
    pytest.param(
        *(pa.binary_view(), pa.large_binary(), pa.large_binary(), (False, False)),
        marks=needs_views,
    ),
    (dictionary(pa.int8(), pa.string()), pa.large_string(), pa.large_string(), (False, False)),
    (
        dictionary(pa.int8(), pa.string()),
        dictionary(pa.uint16(), pa.large_string()),
        dictionary(pa.int32(), pa.large_string()),
        (False, False),
    ),
    (pa.decimal128(10, 2), pa.decimal128(9, 4), pa.decimal128(12, 4), (False, False)),
    (pa.decimal128(38, 0), pa.decimal128(9, 4), pa.decimal256(42, 4), (False, False)),
    (S, US, US, (True, False)),
    (MS, UTC, UTC, (True, False)),
    (pa.timestamp("us", "+00:00"), UTC, pa.timestamp("ns", "+00:00"), (True, False)),
    (pa.timestamp("ns", "Europe/Berlin"), UTC, pa.timestamp("ns", "Europe/Berlin"), (False, False)),
    (pa.duration("s"), pa.duration("ms"), pa.duration("ms"), (True, False)),
    (pa.time32("s"), pa.time64("us"), pa.time64("us"), (False, False)),
    (pa.date32(), pa.date64(), pa.date64(), (False, False)),
    (pa.null(), pa.int8(), pa.int8(), (False, False)),
    (pa.list_(pa.int8()), pa.large_list(pa.int16()), pa.large_list(pa.int16()), (False, False)),
    (pa.list_(S), pa.list_(NS), pa.list_(NS), (True, False)),
    (
        pa.struct([("a", pa.int8()), ("b", pa.string())]),
        pa.struct([("a", pa.int8()), ("b", pa.large_string())]),
        pa.struct([("a", pa.int8()), ("b", pa.large_string())]),
        (False, False),
    ),
    (pa.int32(), pa.string(), None, ()),
    (pa.bool_(), pa.int8(), None, ()),
    (pa.string(), pa.binary(), None, ()),
    (NS, pa.date32(), None, ()),
    (NS, pa.timestamp("ns", "Europe/Berlin"), None, ()),
    (pa.decimal128(38, 0), pa.decimal256(50, 39), None, ()),
    (pa.struct([("a", pa.int8())]), pa.struct([("b", pa.int8())]), None, ()),
    (pa.list_(pa.int8()), pa.list_(pa.string()), None, ()),
]


@pytest.mark.parametrize(("a", "b", "unified", "lossy"), UNIFIED, ids=str)
def test_unified_type(
    a: pa.DataType, b: pa.DataType, unified: pa.DataType | None, lossy: tuple[bool, ...]
) -> None:
    assert unified_type(a, b) == unified
    if unified is None:
        assert unified_type(b, a) is None
    else:
        assert (may_lose(a, unified), may_lose(b, unified)) == lossy


def lake(folder: Path, *columns: pa.Array, **options: Any) -> str:
    """Write a file of log_entries for each column, which is named x, and return a URL."""
    (folder / "log_entries").mkdir()
    for at, column in enumerate(columns):
        first = at * 10
        times = pa.array(range(first, first + len(column)), pa.int64()).cast(UTC)
        table = pa.table({"time": times, "x": column})
        pq.write_table(table, folder / "log_entries" / f"{at}.parquet", **options)
    return f"lake:{folder}"


def strings(kind: pa.DataType) -> pa.Array:
    return pa.array(["a", None, "ü"]).cast(kind)


MOMENT = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
# The columns of files, and the rows of the view.
FILES: dict[str, tuple[list[pa.Array], list[Any]]] = {
    "text": (
        [
            strings(pa.string()),
            strings(pa.large_string()),
            strings(pa.string_view() if VIEWS else pa.string()),
            strings(dictionary(pa.int8(), pa.string())),
            strings(dictionary(pa.uint32(), pa.large_string())),
        ],
        ["a", None, "ü"] * 5,
    ),
    "indices": (
        [strings(dictionary(pa.int8(), pa.string())), strings(dictionary(pa.int32(), pa.string()))],
        ["a", None, "ü"] * 2,
    ),
    "integers": (
        [pa.array([1, None], pa.int32()), pa.array([2**40], pa.int64()), pa.nulls(1)],
        [1, None, 2**40, None],
    ),
    "decimals": (
        [
            pa.array([Decimal("12345678.90")], pa.decimal128(10, 2)),
            pa.array([Decimal("1.2345")], pa.decimal128(5, 4)),
        ],
        [Decimal("12345678.9000"), Decimal("1.2345")],
    ),
    "times": (
        [
            pa.array([MOMENT], pa.timestamp(unit, zone))
            for unit in ("s", "ms", "us", "ns")
            for zone in ("UTC", "+00:00", None)
        ],
        [MOMENT] * 12,
    ),
    "lists": (
        [
            pa.array([["a"], None], pa.list_(pa.string())),
            pa.array([["b", None]], pa.large_list(pa.large_string())),
        ],
        [["a"], None, ["b", None]],
    ),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("cached", [True, False])
def test_files_of_different_types_are_one_view(
    tmp_path: Path, name: str, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, rows = FILES[name]
    if not cached:
        monkeypatch.setattr("micromegas_dbapi.lake.scan._CACHED_BYTES", 0)
    with mm.connect(lake(tmp_path, *columns)) as lake_:
        cursor = lake_.execute("SELECT x FROM log_entries ORDER BY time")
        assert [row[0] for row in cursor.fetchall()] == rows
        counted = lake_.execute("SELECT count(x), count(*) FROM log_entries").fetchone()
        assert counted == (sum(row is not None for row in rows), len(rows))
        for value in {repr(row): row for row in rows if isinstance(row, (str, int))}.values():
            found = lake_.execute("SELECT count(*) FROM log_entries WHERE x = ?", (value,))
            assert found.fetchone() == (rows.count(value),)


@pytest.mark.parametrize("statistics", [True, False])
@pytest.mark.parametrize(
    ("wrong", "other", "text"),
    [
        (pa.array([2**40], S), pa.array([1], NS), r"timestamp\[s\] to timestamp\[ns\]"),
        (pa.array([2**63], pa.uint64()), pa.array([-1], pa.int64()), "uint64 to int64"),
        (pa.array([2**53 + 1]), pa.array([0.5]), "int64 to double"),
        (pa.array([[2**40]], pa.list_(S)), pa.array([[1]], pa.list_(NS)), "list"),
    ],
)
def test_value_that_the_unified_type_does_not_hold(
    tmp_path: Path, wrong: pa.Array, other: pa.Array, text: str, statistics: bool
) -> None:
    url = lake(tmp_path, other, wrong, write_statistics=statistics)
    with mm.connect(url) as lake_:
        for _ in range(2):
            with pytest.raises(mm.DataError, match=rf"1\.parquet .* column x .*{text}"):
                lake_.execute("SELECT count(*) FROM log_entries")
        assert lake_.execute("SELECT 1").fetchone() == (1,)  # other statements work


def test_large_values_that_fit_are_not_refused(tmp_path: Path) -> None:
    """Only the values decide, not their types."""
    url = lake(tmp_path, pa.array([2**53], pa.int64()), pa.array([0.5]), pa.array([1], pa.uint64()))
    with mm.connect(url) as lake_:
        found = lake_.execute("SELECT x FROM log_entries ORDER BY time").fetchall()
        assert found == [(2.0**53,), (0.5,), (1.0,)]


def test_columns_in_any_order_and_missing_and_not_null(tmp_path: Path) -> None:
    folder = tmp_path / "log_entries"
    folder.mkdir()
    time = pa.array([1], pa.int64()).cast(UTC)
    required = pa.schema([pa.field("a", pa.int32(), nullable=False), ("time", UTC)])
    pq.write_table(pa.table([[1], time], schema=required), folder / "1.parquet")
    pq.write_table(pa.table({"time": time, "b": ["x"], "a": [2]}), folder / "2.parquet")
    pq.write_table(pa.table({"b": pa.array(["y"]).dictionary_encode()}), folder / "3.parquet")
    with mm.connect(f"lake:{tmp_path}") as lake_:
        found = lake_.execute("SELECT a, b, time IS NULL FROM log_entries ORDER BY a")
        assert found.description is not None
        assert [column.null_ok for column in found.description[:2]] == [True, True]
        assert found.fetchall() == [(1, None, False), (2, "x", False), (None, "y", True)]


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("units", [("s",), ("ms",), ("us",), ("ns",), ("s", "us"), ("ns", "ms")])
def test_a_range_selects_exactly_in_every_unit(
    tmp_path: Path, units: tuple[str, ...], cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also between two units, where a comparison in the coarser unit would change the bound."""
    if not cached:
        monkeypatch.setattr("micromegas_dbapi.lake.scan._CACHED_BYTES", 0)
    folder = tmp_path / "log_entries"
    folder.mkdir()
    for at, unit in enumerate(units):
        times = pa.array([MOMENT + timedelta(seconds=n) for n in range(5)], pa.timestamp(unit))
        pq.write_table(pa.table({"time": times}), folder / f"{at}.parquet")
    with mm.connect(f"lake:{tmp_path}") as lake_:
        first = np.datetime64(MOMENT.replace(tzinfo=None), "ns")
        for begin, end, count in [(0, 0, 1), (1, 10**9, 1), (-1, 10**9 - 1, 1), (1, 2, 0)]:
            cursor = lake_.execute(
                "SELECT count(*) FROM log_entries",
                begin=first + np.timedelta64(begin, "ns"),
                end=first + np.timedelta64(end, "ns"),
            )
            assert cursor.fetchone() == (count * len(units),)


def test_more_files_than_the_engine_plans_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("micromegas_dbapi.lake.scan._CACHED_BYTES", 0)
    kinds = [pa.int32(), pa.int64()]
    url = lake(tmp_path, *(pa.array([at], kinds[at % 2]) for at in range(300)))
    with mm.connect(url) as lake_:
        found = lake_.execute("SELECT count(*), sum(x) FROM log_entries").fetchone()
        assert found == (300, sum(range(300)))
