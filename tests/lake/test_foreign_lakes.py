"""Lakes that other programs wrote: their types, their unfinished files, and links."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datafusion import SessionContext

import micromegas_dbapi as mm
from micromegas_dbapi.lake import scan
from micromegas_dbapi.lake.folder import Folder
from micromegas_dbapi.lake.partitions import query_partitions

PROPERTY = "SELECT property_get(properties, 'thread-name') FROM streams ORDER BY stream_id"
TIMES = "SELECT process_id, start_time, exe FROM processes ORDER BY 1"


def with_polars(table: pa.Table, path: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    polars.from_arrow(table).write_parquet(path)


def with_duckdb(table: pa.Table, path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    with duckdb.connect() as connection:
        connection.register("source", table)
        connection.execute(f"COPY source TO '{path}' (FORMAT parquet)")


def with_pandas(table: pa.Table, path: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    table.to_pandas().to_parquet(path)


def like_spark(table: pa.Table, path: Path) -> None:
    """Write a folder as Spark does, with its timestamps of 96 bits and its marks."""
    folder = path.with_suffix("")
    (folder / "_temporary" / "0").mkdir(parents=True)
    (folder / "_SUCCESS").touch()
    for at in range(2):
        name = f"part-{at:05}-3f5c.c000.snappy.parquet"
        part = table.slice(at * (len(table) // 2), len(table) // 2 + at)
        options = {"use_deprecated_int96_timestamps": True, "store_schema": False}
        pq.write_table(part, folder / name, compression="snappy", **options)
        (folder / f".{name}.crc").write_bytes(b"crc")
    (folder / "_temporary" / "0" / "part-00002.snappy.parquet").write_bytes(b"PAR1 half")


def large(table: pa.Table, path: Path) -> None:
    _as(table, path, pa.large_list, pa.large_string())


def views(table: pa.Table, path: Path) -> None:
    _as(table, path, pa.list_, pa.string_view())


def _as(table: pa.Table, path: Path, lists: Callable[..., pa.DataType], text: pa.DataType) -> None:
    if "properties" not in table.column_names:
        pq.write_table(table, path)
        return
    properties = pa.array(
        table["properties"].to_pylist(), lists(pa.struct([("key", text), ("value", text)]))
    )
    at = table.schema.get_field_index("properties")
    changed = table.set_column(at, "properties", properties)
    SessionContext().from_arrow(changed).write_parquet(path)  # pyarrow writes no lists of views


OF_VIEWS = pytest.param(
    views,
    marks=pytest.mark.skipif(
        int(pa.__version__.split(".")[0]) < 18, reason="pyarrow before 18 does not cast views"
    ),
)
WRITERS = [with_polars, with_duckdb, with_pandas, like_spark, large, OF_VIEWS]


@pytest.fixture(scope="module")
def tables() -> Iterator[dict[str, pa.Table]]:
    with mm.connect("demo:") as demo:
        yield {
            name: demo.execute(f"SELECT * FROM {name}").fetch_arrow_table()
            for name in ("streams", "processes")
        }


def answers(folder: Path) -> list[Any]:
    with mm.connect(f"lake:{folder}") as lake:
        found = [lake.execute(sql).fetchall() for sql in (PROPERTY, TIMES)]
        process = lake.execute("SELECT min(process_id) FROM processes").fetchone()
        assert process is not None
        sql = "SELECT count(*) FROM view_instance('streams', 'global') WHERE process_id = ?"
        return [*found, lake.execute(sql, process).fetchall()]


@pytest.mark.parametrize("write", WRITERS)
def test_files_of_other_writers(
    tables: dict[str, pa.Table], write: Callable[[pa.Table, Path], None], tmp_path: Path
) -> None:
    """The same rows as from the files of pyarrow, up to the zone of times."""
    for folder, writer in (("ours", pq.write_table), ("theirs", write)):
        (tmp_path / folder).mkdir()
        for name, table in tables.items():
            writer(table, tmp_path / folder / f"{name}.parquet")
    ours, theirs = answers(tmp_path / "ours"), answers(tmp_path / "theirs")
    ours[1], theirs[1] = (
        [(key, time.replace(tzinfo=None), exe) for key, time, exe in found]
        for found in (ours[1], theirs[1])
    )
    assert theirs == ours
    assert any(value for (value,) in ours[0])


@pytest.mark.parametrize("write", [*WRITERS[:3], large, OF_VIEWS])
def test_files_of_several_writers_in_one_view(
    tables: dict[str, pa.Table], write: Callable[[pa.Table, Path], None], tmp_path: Path
) -> None:
    (tmp_path / "streams").mkdir()
    half = len(tables["streams"]) // 2
    pq.write_table(tables["streams"].slice(0, half), tmp_path / "streams" / "1.parquet")
    write(tables["streams"].slice(half), tmp_path / "streams" / "2.parquet")
    pq.write_table(tables["streams"], tmp_path / "ours.parquet")
    with mm.connect(f"lake:{tmp_path}") as mixed:
        found = mixed.execute(PROPERTY).fetchall()
    (tmp_path / "one").mkdir()
    shutil.move(tmp_path / "ours.parquet", tmp_path / "one" / "streams.parquet")
    with mm.connect(f"lake:{tmp_path / 'one'}") as one:
        assert found == one.execute(PROPERTY).fetchall()


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("schema", [False, True])
@pytest.mark.parametrize("year", [1600, 2026, 2300])
def test_times_of_96_bits(tmp_path: Path, year: int, schema: bool, nested: bool) -> None:
    """The engine reads them as nanoseconds of 64 bits, which wrap around."""
    times = pa.array([datetime(2026, 1, 1), datetime(year, 1, 1), None], pa.timestamp("us"))
    column = pa.array([[time] for time in times], pa.list_(times.type)) if nested else times
    path = tmp_path / "log_entries.parquet"
    options = {"use_deprecated_int96_timestamps": True, "store_schema": schema}
    pq.write_table(pa.table({"x": column}), path, **options)
    with mm.connect(f"lake:{tmp_path}") as lake:
        if year == 2026:
            found = [value for (value,) in lake.execute("SELECT x FROM log_entries")]
            assert found == column.to_pylist()
            return
        with pytest.raises(mm.DataError, match=r"log_entries\.parquet .* column x .*96 bits"):
            lake.execute("SELECT x FROM log_entries")


def logs(*messages: str) -> pa.Table:
    return pa.table({"msg": messages})


HIDDEN = ["._a.parquet", ".tmp-a.parquet", "_a.parquet", "_temporary/0/a.parquet", ".b/a.parquet"]


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_files_are_overlooked(
    tmp_path: Path,
    name: str,
    cached: bool,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not cached:
        monkeypatch.setattr(scan, "_CACHED_BYTES", 0)
    hidden = tmp_path / "log_entries" / name
    hidden.parent.mkdir(parents=True)
    pq.write_table(logs("plain"), tmp_path / "log_entries" / "a.parquet")
    (tmp_path / "log_entries" / "_SUCCESS").touch()
    with mm.connect(f"lake:{tmp_path}") as lake, caplog.at_level(logging.DEBUG, "micromegas_dbapi"):
        for content in (b"", b"PAR1 half", (tmp_path / "log_entries" / "a.parquet").read_bytes()):
            hidden.write_bytes(content)
            caplog.clear()
            assert lake.execute("SELECT msg FROM log_entries").fetchall() == [("plain",)]
            overlooked = name.split("/")[0]
            assert f"log_entries/{overlooked} in the lake: a hidden name" in caplog.text


def test_broken_file_fails_only_statements_on_its_view(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pq.write_table(logs("whole"), tmp_path / "log_entries.parquet")
    for view in ("measures", "processes"):
        (tmp_path / view).mkdir()
        pq.write_table(logs("whole"), tmp_path / view / "1.parquet")
        (tmp_path / view / "half.parquet").write_bytes(b"PAR1 half a file")
    with mm.connect(f"lake:{tmp_path}") as lake:
        assert lake.execute("SELECT msg FROM log_entries").fetchall() == [("whole",)]
        assert "processes is not listed: the lake's file half.parquet cannot be" in caplog.text
        for view in ("measures", "processes"):
            with pytest.raises(mm.OperationalError, match=r"file half\.parquet cannot be read"):
                lake.execute(f"SELECT * FROM {view}")


def test_hidden_files_are_no_partitions(tmp_path: Path) -> None:
    times = pa.array([1], pa.int64()).cast(pa.timestamp("ns", "UTC"))
    for view, columns in {"log_entries": ["time"], "thread_spans/5": ["begin", "end"]}.items():
        (tmp_path / view).mkdir(parents=True)
        pq.write_table(pa.table(dict.fromkeys(columns, times)), tmp_path / view / "a.parquet")
        (tmp_path / view / "._a.parquet").write_bytes(b"half")
    for name in ("._6.parquet", "_7.parquet"):
        (tmp_path / "thread_spans" / name).write_bytes(b"half")
    found = query_partitions(Folder(tmp_path))["file_path"].to_pylist()
    assert found == ["log_entries/a.parquet", "thread_spans/5/a.parquet"]


LINKS = {
    "file": "log_entries.parquet",
    "file in a folder": "log_entries/a.parquet",
    "folder": "log_entries",
    "folder in a folder": "log_entries/more",
}


@pytest.mark.parametrize("target", ["outside", "inside"])
@pytest.mark.parametrize("place", LINKS)
def test_links(tmp_path: Path, place: str, target: str) -> None:
    base = tmp_path / "lake"
    files = (tmp_path if target == "outside" else base) / "files"
    files.mkdir(parents=True)
    pq.write_table(logs("linked"), files / "a.parquet")
    link = base / LINKS[place]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(files if "folder" in place.split()[0] else files / "a.parquet")
    sql = "SELECT msg FROM log_entries"
    with mm.connect(f"lake:{base}?follow_links=true") as lake:
        assert lake.execute(sql).fetchall() == [("linked",)]
    with mm.connect(f"lake:{base}") as lake:
        assert lake.execute("SELECT 1").fetchall() == [(1,)]
        if target == "inside":
            assert lake.execute(sql).fetchall() == [("linked",)]
            return
        text = rf"{LINKS[place]} of the lake is a symbolic link .*follow_links=true"
        with pytest.raises(mm.OperationalError, match=text) as refused:
            lake.execute(sql)
        assert str(files) not in str(refused.value)


def test_a_lake_that_is_a_link_and_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "lake" / "log_entries").mkdir(parents=True)
    pq.write_table(logs("once"), tmp_path / "lake" / "log_entries" / "a.parquet")
    (tmp_path / "lake" / "log_entries" / "again").symlink_to(tmp_path / "lake" / "log_entries")
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    with mm.connect(f"lake:{tmp_path / 'link'}") as lake:
        assert lake.execute("SELECT msg FROM log_entries").fetchall() == [("once",)]
