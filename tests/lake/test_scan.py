"""Which views are cached in memory, and for how long."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.lake.folder import Folder, Source
from micromegas_dbapi.lake.scan import Scanner

TIME = pa.timestamp("ns", tz="+00:00")


def write(path: Path, values: list[int]) -> None:
    time = pa.array(range(len(values)), pa.int64()).cast(TIME)
    pq.write_table(pa.table({"time": time, "value": values}), path, compression="none")


def source(folder: Path, *names: str) -> Source:
    found = Folder(folder).source(*names)
    assert found is not None
    return found


@pytest.mark.parametrize(("rows", "kept"), [(10, True), (600_000, False)])
def test_small_views_are_kept(tmp_path: Path, rows: int, kept: bool) -> None:
    write(tmp_path / "measures.parquet", np.random.default_rng(1).integers(0, 2**60, rows))
    found, scanner = source(tmp_path, "measures"), Scanner()
    assert (found.size <= 4 * 2**20) is kept
    assert (scanner.frame(found) is scanner.frame(found)) is kept
    assert scanner.frame(found).count() == rows


def test_many_views_are_not_all_kept(tmp_path: Path) -> None:
    folder = tmp_path / "thread_spans"
    folder.mkdir()
    scanner = Scanner()
    for number in range(20):
        write(folder / f"{number}.parquet", [number])
    sources = [source(tmp_path, "thread_spans", str(number)) for number in range(20)]
    frames = [scanner.frame(found) for found in sources]
    again = [scanner.frame(found) is frame for found, frame in zip(sources, frames, strict=True)]
    assert again[0] is False  # it was evicted
    assert scanner.frame(sources[19]) is scanner.frame(sources[19])


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "measures.parquet"
    write(path, [1, 2])
    with mm.connect(f"lake:{tmp_path}") as lake:
        total = "SELECT sum(value) FROM measures"
        assert lake.execute(total).fetchone() == (3,)
        size, changed = path.stat().st_size, path.stat().st_mtime_ns
        write(path, [3, 4])
        os.utime(path, ns=(changed, changed + 1))  # independent of the clock's resolution
        assert path.stat().st_size == size
        assert lake.execute(total).fetchone() == (7,)
        path.unlink()
        with pytest.raises(mm.ProgrammingError, match=r"table .*measures.* not found"):
            lake.execute(total)


def test_rows_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    write(tmp_path / "measures.parquet", values := list(range(100_000)))
    with mm.connect(f"lake:{tmp_path}") as lake:
        for _ in range(5):
            found = lake.execute("SELECT value FROM measures").fetch_arrow_table()
            assert found["value"].to_pylist() == values


def test_dictionaries_that_do_not_fit_into_one(tmp_path: Path) -> None:
    """The row groups have distinct values, together more than int16 indices can represent."""
    words = [f"{number:05}" for number in range(40_000)]
    kind = pa.dictionary(pa.int16(), pa.string())
    parts = [pa.array(part).dictionary_encode().cast(kind) for part in (words[::2], words[1::2])]
    time = pa.array(range(20_000), pa.int64()).cast(TIME)
    path = tmp_path / "log_entries.parquet"
    with pq.ParquetWriter(path, pa.schema([("time", TIME), ("word", kind)])) as writer:
        for part in parts:
            writer.write_table(pa.table({"time": time, "word": part}))
    assert source(tmp_path, "log_entries").size < 4 * 2**20
    with mm.connect(f"lake:{tmp_path}") as lake:
        found = lake.execute("SELECT word FROM log_entries").fetchall()
    assert sorted(word for (word,) in found) == words


@pytest.mark.parametrize("view", ["measures", "thread_spans"])
def test_only_files_within_the_range_are_read(tmp_path: Path, view: str) -> None:
    """Ten files of ten rows each are selected by their footers; the first has no statistics."""
    columns = ("time", "time") if view == "measures" else ("begin", "end")
    folder = tmp_path / "view"
    folder.mkdir()
    for file in range(10):
        times = pa.array(range(file * 10, file * 10 + 10), pa.int64()).cast(TIME)
        table = pa.table(dict.fromkeys(columns, times))
        path = folder / f"{file}.parquet"
        pq.write_table(table, path, row_group_size=4, write_statistics=file > 0)
    lake = Folder(tmp_path)
    found = lake.source("view")
    assert found is not None
    for bounds, files in {
        (10, 19): [0, 1],
        (19, 20): [0, 1, 2],
        (99, 500): [0, 9],
        (100, 500): [0],
        (-5, 9): [0],
        (-(2**63), 2**63 - 1): list(range(10)),
    }.items():
        names = [Path(path).stem for path in lake.files_within(found, *columns, bounds)]
        assert names == [str(file) for file in files]


def test_a_range_gives_the_rows_within_it(tmp_path: Path) -> None:
    """In a view too large to be cached: from no file, from a few, and from more than the limit."""
    folder = tmp_path / "measures"
    folder.mkdir()
    values = np.random.default_rng(1).integers(0, 2**60, 10_000)
    for file in range(70):
        time = pa.array(range(file * 10_000, file * 10_000 + 10_000), pa.int64()).cast(TIME)
        table = pa.table({"time": time, "value": values})
        pq.write_table(table, folder / f"{file}.parquet", compression="none")
    with mm.connect(f"lake:{tmp_path}") as lake:
        for begin, end in [(0, 9_999), (5, 25_000), (5, 690_000), (10**7, 10**8)]:
            bounds = {"begin": np.datetime64(begin, "ns"), "end": np.datetime64(end, "ns")}
            found = lake.execute("SELECT count(*), min(time), max(time) FROM measures", **bounds)
            rows = range(begin, min(end, 699_999) + 1)
            counted, low, high = found.fetch_arrow_table().columns
            assert counted[0].as_py() == len(rows)
            if rows:
                assert (low[0].value, high[0].value) == (rows[0], rows[-1])
            assert lake.execute("SELECT value FROM measures LIMIT 3", **bounds).description
