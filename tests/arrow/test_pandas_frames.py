"""Data frames of pandas equal those of pyarrow, whatever the names of the columns."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from micromegas_dbapi.arrow.pandas_frames import to_pandas

COLUMNS = {
    "texts": pa.array(["x", None, "y"]),
    "integers": pa.array([1, 2, 3]),
    "doubles": pa.array([0.5, None, 1.5]),
    "booleans": pa.array([True, None, False]),
    "instants": pa.array([1, 2, None], pa.timestamp("ns", "+00:00")),
    "words": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), ["b", "a"]),
    "lists": pa.array([[{"key": "a", "value": "b"}], [], None]),
}


@pytest.mark.parametrize("names", [None, ["a"] * len(COLUMNS), ["a", "b", "a", "0", "1", "2", "b"]])
def test_names_do_not_change_values(names: list[str] | None) -> None:
    """pyarrow converts all columns of a name as it does the last one, with pandas 3."""
    names = names or list(COLUMNS)
    frame = to_pandas(pa.Table.from_arrays(list(COLUMNS.values()), names))
    expected = pa.table(COLUMNS).to_pandas()
    expected.columns = pd.Index(names)
    pd.testing.assert_frame_equal(frame, expected)


def words(keys: list[int | None], values: list[str], ordered: bool = False) -> pa.DictionaryArray:
    indices, dictionary = pa.array(keys, pa.int16()), pa.array(values, pa.string())
    return pa.DictionaryArray.from_arrays(indices, dictionary, ordered=ordered)


LARGE = [f"word {at}" for at in range(1000)]
DICTIONARIES = {
    "small": [words([1, 0, 1], ["b", "a"])],
    "with nulls": [words([None, 0, None], ["b", "a"])],
    "only nulls": [words([None, None], [])],
    "of more entries than are used": [words([1], ["b", "a", "c"])],
    "ordered": [words([1, 0], ["b", "a"], ordered=True)],
    "a slice": [words([1, 0, None, 1], ["b", "a"])[1:3]],
    "no rows": [words([], ["b", "a"])],
    "no batches": [],
    "two batches": [words([1, 0], ["b", "a"]), words([0, 1], ["b", "a"])],
    "two dictionaries": [words([1, 0], ["b", "a"]), words([0, 1], ["c", "a"])],
    "too large to be kept": [words([999, 0, None], LARGE)],
    "not ASCII": [words([0, 1], ["\N{SNOWMAN}", ""])],
}


@pytest.mark.parametrize("name", DICTIONARIES)
def test_categories(name: str) -> None:
    chunks = DICTIONARIES[name]
    kind = chunks[0].type if chunks else pa.dictionary(pa.int16(), pa.string())
    table = pa.table({"v": pa.chunked_array(chunks, kind)})
    for _ in range(2):  # the second one finds what the first one keeps
        pd.testing.assert_frame_equal(to_pandas(table), table.to_pandas())


def test_changes_of_a_frame_do_not_reach_the_next() -> None:
    table = pa.table({"v": pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), ["b", "a"])})
    frame = to_pandas(table)
    frame.loc[0, "v"] = "b"
    frame["v"].cat.categories.name = "renamed"
    assert frame["v"].tolist() == ["b", "b"]
    pd.testing.assert_frame_equal(to_pandas(table), table.to_pandas())
    assert to_pandas(table)["v"].cat.categories.name is None
