"""Which views are kept in memory, and how long."""

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
    assert again[0] is False  # it had made room
    assert scanner.frame(sources[19]) is scanner.frame(sources[19])


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "measures.parquet"
    write(path, [1, 2])
    with mm.connect(f"lake:{tmp_path}") as lake:
        total = "SELECT sum(value) FROM measures"
        assert lake.execute(total).fetchone() == (3,)
        size, changed = path.stat().st_size, path.stat().st_mtime_ns
        write(path, [3, 4])
        os.utime(path, ns=(changed, changed + 1))  # a coarse clock would be the test's own fault
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
    """Each part of the file has words of its own, more than int16 keys can count together."""
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
