"""Which folders are lakes, and which of their files are read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm

TIME = pa.timestamp("ns", tz="+00:00")


def logs(*messages: str, **more: pa.Array) -> pa.Table:
    time = pa.array(range(len(messages)), pa.int64()).cast(TIME)
    return pa.table({"time": time, "msg": list(messages), **more})


def test_file_folder_and_nested_folders(tmp_path: Path) -> None:
    (tmp_path / "measures" / "2026-11-23").mkdir(parents=True)
    pq.write_table(logs("one"), tmp_path / "log_entries.parquet")
    pq.write_table(logs("two"), tmp_path / "measures" / "a.parquet")
    pq.write_table(logs("three"), tmp_path / "measures" / "2026-11-23" / "b.parquet")
    (tmp_path / "measures" / "README.txt").write_text("no Parquet")
    with mm.connect(f"lake:{tmp_path}") as lake:
        assert lake.execute("SELECT msg FROM log_entries").fetchall() == [("one",)]
        assert lake.execute("SELECT msg FROM measures ORDER BY 1").fetchall() == [
            ("three",),
            ("two",),
        ]
        with pytest.raises(mm.ProgrammingError, match=r"table .*processes.* not found"):
            lake.execute("SELECT * FROM processes")


def test_files_added_and_replaced_are_seen(tmp_path: Path) -> None:
    folder = tmp_path / "log_entries"
    folder.mkdir()
    pq.write_table(logs("a"), folder / "1.parquet")
    with mm.connect(f"lake:{tmp_path}") as lake:
        count = "SELECT count(*), max(msg) FROM log_entries"
        assert lake.execute(count).fetchone() == (1, "a")
        pq.write_table(logs("b", "c"), folder / "2.parquet")
        assert lake.execute(count).fetchone() == (3, "c")
        pq.write_table(logs("d", "e", "f", more=pa.array([1, 2, 3])), folder / "1.parquet")
        assert lake.execute(count).fetchone() == (5, "f")
        assert lake.execute("SELECT sum(more) FROM log_entries").fetchone() == (6,)


def test_column_that_a_file_lacks_is_null_in_its_rows(tmp_path: Path) -> None:
    folder = tmp_path / "log_entries"
    folder.mkdir()
    schema = pa.schema([("time", TIME), ("msg", pa.string()), pa.field("n", pa.int64(), False)])
    pq.write_table(logs("old"), folder / "1.parquet")
    pq.write_table(logs("new", n=pa.array([7])).cast(schema), folder / "2.parquet")
    with mm.connect(f"lake:{tmp_path}") as lake:
        cursor = lake.execute("SELECT msg, n FROM log_entries ORDER BY msg")
        assert cursor.description is not None
        assert [column.null_ok for column in cursor.description] == [True, True]
        assert cursor.fetchall() == [("new", 7), ("old", None)]


@pytest.mark.parametrize(
    "name",
    ["a b", "a%20b", "a#b", "a[x]b", "a*b", "a?b", "a{b}c", "a:b", "a,b", "ü'\"é"],
)
def test_names_of_folders_are_plain_names(tmp_path: Path, name: str) -> None:
    """DataFusion interprets paths as URLs with wildcards."""
    (tmp_path / "axb").mkdir()
    pq.write_table(logs("wrong"), tmp_path / "axb" / "log_entries.parquet")
    folder = tmp_path / name
    (folder / "measures").mkdir(parents=True)
    pq.write_table(logs("right"), folder / "log_entries.parquet")
    pq.write_table(logs("right"), folder / "measures" / "a [1]%20.parquet")
    with mm.connect(f"lake:{quote(str(folder))}") as lake:
        assert lake.execute("SELECT msg FROM log_entries").fetchall() == [("right",)]
        assert lake.execute("SELECT msg FROM measures").fetchall() == [("right",)]


def test_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lake").mkdir()
    pq.write_table(logs("here"), tmp_path / "lake" / "log_entries.parquet")
    monkeypatch.chdir(tmp_path)
    with mm.connect("lake:./lake") as lake:
        monkeypatch.chdir("/")
        assert lake.execute("SELECT msg FROM log_entries").fetchone() == ("here",)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(mm.OperationalError, match=r"nowhere.* is not a folder"):
        mm.connect(f"lake:{tmp_path / 'nowhere'}")


def test_file_and_folder_of_one_view(tmp_path: Path) -> None:
    (tmp_path / "log_entries").mkdir()
    pq.write_table(logs("a"), tmp_path / "log_entries.parquet")
    pq.write_table(logs("b"), tmp_path / "log_entries" / "1.parquet")
    with (
        mm.connect(f"lake:{tmp_path}") as lake,
        pytest.raises(
            mm.OperationalError, match=r"both a file log_entries\.parquet and a folder log_entries;"
        ),
    ):
        lake.execute("SELECT msg FROM log_entries")


def test_files_that_disagree(tmp_path: Path) -> None:
    (tmp_path / "log_entries").mkdir()
    pq.write_table(logs("a"), tmp_path / "log_entries" / "1.parquet")
    pq.write_table(pa.table({"time": ["text"]}), tmp_path / "log_entries" / "2.parquet")
    with (
        mm.connect(f"lake:{tmp_path}") as lake,
        pytest.raises(mm.OperationalError, match=r"log_entries .*different types"),
    ):
        lake.execute("SELECT msg FROM log_entries")


@pytest.mark.parametrize("damage", ["empty", "text", "cut"])
def test_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "log_entries.parquet"
    pq.write_table(logs("a" * 1000), file)
    whole = file.read_bytes()
    file.write_bytes({"empty": b"", "text": b"hello" * 10, "cut": whole[:-20]}[damage])
    with (
        mm.connect(f"lake:{tmp_path}") as lake,
        pytest.raises(mm.OperationalError, match=r"log_entries\.parquet cannot be read"),
    ):
        lake.execute("SELECT msg FROM log_entries")


def test_damage_within_a_file_is_an_error_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "log_entries.parquet"
    pq.write_table(logs(*map(str, range(50_000))), file, compression="gzip")
    data = bytearray(file.read_bytes())
    for at in range(len(data) // 4, len(data) // 2):
        data[at] ^= 0x5A
    file.write_bytes(data)
    with mm.connect(f"lake:{tmp_path}") as lake, pytest.raises(mm.DatabaseError):
        lake.execute("SELECT max(msg) FROM log_entries").fetchall()


def test_spans_as_one_file_or_a_folder(wire: Callable[[str], Path], tmp_path: Path) -> None:
    data = wire("http-0.2.3") / "data"
    file = min((data / "thread_spans").iterdir())
    whole = pq.ParquetFile(file).read()
    shutil.copytree(data, tmp_path / "lake")
    folder = tmp_path / "lake" / "thread_spans" / file.stem
    folder.mkdir()
    folder.with_suffix(".parquet").unlink()
    pq.write_table(whole[:300], folder / "a.parquet")
    pq.write_table(whole[300:], folder / "b.parquet")
    sql = f"SELECT * FROM view_instance('thread_spans', '{file.stem}') ORDER BY begin, id"
    with mm.connect(f"lake:{data}") as one, mm.connect(f"lake:{tmp_path / 'lake'}") as many:
        assert (
            many.execute(sql, begin="-1000d").fetchall()
            == one.execute(sql, begin="-1000d").fetchall()
        )
        assert len(one.execute(sql, begin="-1000d").fetchall()) == whole.num_rows
