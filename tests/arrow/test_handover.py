"""Results with dictionaries of every kind, as Arrow, pandas and polars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.client import Client
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.service import HTTP, Service
from micromegas_dbapi.transport.protocol import Request
from tests.arrow.test_dictionaries import KINDS, VALUES, check, dictionary, inside_of
from tests.test_cursor import Canned, connections  # noqa: F401  (a fixture of every test)


def one(*arrays: pa.Array) -> Canned:
    """A result of one column, a batch for each array."""
    return Canned(*(pa.RecordBatch.from_arrays([array], ["v"]) for array in arrays))


def tables(canned: Canned) -> list[pa.Table]:
    """The result of each method that returns Arrow."""
    return [
        canned.execute().fetch_arrow_table(),
        canned.execute().fetch_record_batch().read_all(),
        pa.table(canned.execute()),
    ]


# -- Arrow -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*VALUES, *(f"in {kind}" for kind in KINDS)])
def test_tables_and_streams(name: str) -> None:
    words = VALUES.get(name, VALUES["text"])
    repeated = dictionary([0, 1, 2, 3, None, 4], words)
    other = dictionary([0, 1, 0, 1, 0, 0], words[1:3])
    arrays = [repeated, other, repeated[:0], repeated[2:]]
    if name not in VALUES:
        kind = name.removeprefix("in ")
        arrays = [inside_of(kind, each) for each in (repeated, other)]
        arrays += [arrays[0][:0], arrays[1][1:]]
    for table in tables(one(*arrays)):
        chunks = table.column(0).chunks
        check(arrays, chunks)


def test_a_table_has_one_dictionary() -> None:
    table = one(dictionary([0, 1], ["a", "a"]), dictionary([0, 1], ["b", "a"])).execute()
    column = table.fetch_arrow_table().column(0)
    assert [chunk.dictionary.to_pylist() for chunk in column.chunks] == [["a", "b"]] * 2
    assert column.to_pylist() == ["a", "a", "b", "a"]
    groups = pa.table({"v": column}).group_by("v").aggregate([([], "count_all")])
    assert sorted(groups.to_pylist(), key=str) == [
        {"v": "a", "count_all": 3},
        {"v": "b", "count_all": 1},
    ]


def test_the_schema_stays() -> None:
    kind = pa.dictionary(pa.uint8(), pa.string(), ordered=True)
    schema = pa.schema(
        [
            pa.field("v", kind, nullable=False, metadata={"a": "b"}),
            pa.field("v", kind),
            pa.field("n", pa.int64()),
        ],
        metadata={"of": "all"},
    )
    words = dictionary([1, 0], ["a", "a"], pa.uint8(), ordered=True)
    numbers = pa.array([1, 2])
    batch = pa.RecordBatch.from_arrays([words, words, numbers], schema=schema)
    for table in tables(Canned(batch, batch)):
        assert table.schema.equals(schema, check_metadata=True)
        assert [column.to_pylist() for column in table.columns] == [
            ["a"] * 4,
            ["a"] * 4,
            [1, 2] * 2,
        ]


def test_no_columns() -> None:
    batch = pa.RecordBatch.from_struct_array(pa.array([{}, {}], pa.struct([])))
    for table in tables(Canned(batch)):
        assert table.num_columns == 0
    assert Canned(batch).execute().fetch_arrow_table().num_rows == batch.num_rows


def test_a_stream_reads_no_further_than_asked() -> None:
    read: list[int] = []
    first = pa.RecordBatch.from_arrays([dictionary([0, 1], ["a", "a"])], ["v"])
    reader = Canned(first, lambda: read.append(1), first).execute().fetch_record_batch()
    assert reader.read_next_batch().column(0).to_pylist() == ["a", "a"]
    assert read == []
    assert reader.read_next_batch().num_rows == 2
    assert read == [1]


def test_a_broken_stream_stays_broken() -> None:
    first = pa.RecordBatch.from_arrays([dictionary([0, 1], ["a", "a"])], ["v"])
    reader = Canned(first, mm.OperationalError("cut")).execute().fetch_record_batch()
    assert reader.read_next_batch().num_rows == 2
    for _ in range(3):
        with pytest.raises(mm.OperationalError, match="cut"):
            reader.read_next_batch()


def test_keys_of_no_entry() -> None:
    """Nulls never become another entry."""
    words = pa.array(["a", "a"])
    broken = pa.DictionaryArray.from_arrays(pa.array([0, 7], pa.int8()), words, safe=False)
    with pytest.raises(mm.OperationalError, match=r"the result cannot be read: .*7"):
        one(broken).execute().fetch_arrow_table()
    reader = one(broken).execute().fetch_record_batch()
    for _ in range(2):
        with pytest.raises(mm.OperationalError, match=r"the result cannot be read: .*7"):
            reader.read_next_batch()
    numbers = pa.DictionaryArray.from_arrays(pa.array([0, 7]), pa.array([1.5]), safe=False)
    with pytest.raises(mm.DataError, match="polars cannot hold the result"):
        one(numbers).execute().fetch_polars()
    with pytest.raises(mm.DataError, match="pandas cannot hold the result"):
        one(numbers).execute().fetch_df()


def test_calls_of_the_client() -> None:
    class Called(Canned):
        def service(self) -> Service:
            return Service("http", HTTP)

        def call(self, name: str, payload: Any, **about: Any) -> pa.RecordBatchReader:
            return self.run(Request(name, None, about["query_id"]))

        def progress(self, name: str, payload: Any, **about: Any) -> Iterator[str]:
            raise NotImplementedError

    batch = pa.RecordBatch.from_arrays([dictionary([0, 1, None], ["a", "a"])], ["v"])
    transport = Called(batch, batch)
    with mm.Connection(transport, Ranges(transport), "datetime") as connection:
        client = Client(connection)
        table = client.query_partitions(arrow=True)
        assert table.column(0).chunk(1).dictionary.to_pylist() == ["a"]
        assert table.column(0).to_pylist() == ["a", "a", None] * 2
        assert list(client.query_partitions()["v"].cat.categories) == ["a"]


# -- pandas and polars -----------------------------------------------------------------------------

ROWS = [0, 1, 2, 3, None, 4]


def plain(name: str) -> pa.Array:
    """A dictionary of these values, decoded."""
    values, kind = VALUES[name].to_pylist(), VALUES[name].type
    if name == "float16":
        return pa.array([15360, 1, 15360, None, None, 15360], pa.int16()).view(kind)
    if name == "dictionaries":
        kind = pa.string()
    if name == "lists of dictionaries":
        kind = pa.list_(pa.string())
    return pa.array([None if at is None else values[at] for at in ROWS], kind)


def shown(values: Any) -> list[str]:
    """The string forms of values, which distinguish 0.0 and -0.0; one form for all nulls.

    pandas makes floats of integers beside a null.
    """
    return [repr(_simple(value)) for value in values]


def _simple(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _simple(each) for key, each in value.items()}
    if isinstance(value, (list, np.ndarray)):
        return [_simple(each) for each in value]
    if not isinstance(value, (str, bytes, tuple)) and pd.isna(value):
        return None
    if isinstance(value, (int, float, np.number)):
        return float(value)
    return value


CATEGORIES = {
    *("text", "large text", "text view", "binary", "fixed binary", "integers", "booleans"),
    *("decimals", "durations"),
}


@pytest.mark.parametrize("index", [pa.int8(), pa.uint8(), pa.uint64()], ids=str)
@pytest.mark.parametrize("name", VALUES)
def test_pandas(name: str, index: pa.DataType) -> None:
    words = dictionary(ROWS, VALUES[name], index)
    other = dictionary([1, 0, 1], VALUES[name][1:3], index)
    frame = one(words, other, words[:0]).execute().fetch_df()
    expected = pa.table({"v": plain(name)}).to_pandas()["v"]
    assert shown(frame["v"][:6]) == shown(expected)
    assert shown(frame["v"][6:]) == shown(expected[[2, 1, 2]])
    if name in CATEGORIES:
        assert frame["v"].dtype == "category"
        assert frame["v"].cat.categories.is_unique
    else:
        assert frame["v"].dtype == expected.dtype  # zones too


def test_pandas_and_more_values_than_the_keys_can_count() -> None:
    halves = [[str(at) for at in range(start, start + 100)] for start in (0, 100, 50)]
    words = [dictionary(list(range(100)), half, pa.int8()) for half in halves]
    frame = one(*words).execute().fetch_df()
    assert frame["v"].tolist() == [word for half in halves for word in half]
    assert len(frame["v"].cat.categories) == 200


@pytest.mark.parametrize("name", ["text", "binary", "integers", "instants", "dictionaries"])
@pytest.mark.parametrize("kind", KINDS)
def test_pandas_inside(kind: str, name: str) -> None:
    """The values, inside pandas' form of lists, structs and maps without dictionaries."""
    values, flat = VALUES[name], VALUES[name]
    if name == "dictionaries":
        flat = pa.array(values.to_pylist())
    nested = inside_of(kind, dictionary(ROWS, values))
    expected = inside_of(kind, flat.take(pa.array(ROWS)))
    frame = one(nested, nested[:0]).execute().fetch_df()
    assert shown(frame["v"]) == shown(pa.table({"v": expected}).to_pandas()["v"])


# Those that every polars has.
POLARS = [
    *("text", "large text", "binary", "integers", "floats", "booleans", "decimals", "instants"),
    *("durations", "lists", "lists of floats", "structs", "dictionaries", "lists of dictionaries"),
]


@pytest.mark.parametrize("index", [pa.int8(), pa.uint64()], ids=str)
@pytest.mark.parametrize("name", POLARS)
def test_polars(name: str, index: pa.DataType) -> None:
    words = dictionary(ROWS, VALUES[name], index)
    frame = one(words, words).execute().fetch_polars()
    expected = pl.from_arrow(pa.table({"v": plain(name)}))
    assert isinstance(expected, pl.DataFrame)
    assert repr(frame.rows()) == repr(expected.rows() * 2)
    texts = name in ("text", "large text") and index == pa.int8()
    assert (frame.schema["v"] == pl.Categorical) is texts


def test_neither_has_all() -> None:
    view = pa.array([[b"ab"], None], pa.list_(pa.binary(2)))
    with pytest.raises(mm.DataError, match="pandas cannot hold the result"):
        one(dictionary([0, 1], view)).execute().fetch_df()
    months = pa.array([(1, 2, 3)], pa.month_day_nano_interval())
    with pytest.raises(mm.DataError, match="polars cannot hold the result"):
        one(dictionary([0, 0], months)).execute().fetch_polars()
