"""Partitions by SQL, on a lake with the views of newer services."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.timerange import ALL_TIME
from micromegas_dbapi.transport.protocol import Request

OLD, NEW = "http-0.2.3", "flight-0.30"
BEGIN, END = "2026-11-23T20:51:20Z", "2026-11-23T20:51:40Z"
STEPS = f"materialize_partitions('log_entries', '{BEGIN}', '{END}', 10)"
EVERYTHING = (
    "retire_partitions('measures', 'global', '1970-01-01T00:00:00Z', '2100-01-01T00:00:00Z')"
)


@pytest.fixture(scope="module")
def lake(wire: Callable[[str], Path]) -> Iterator[mm.Connection]:
    with mm.connect(f"lake:{wire(NEW) / 'data'}") as opened:
        yield opened


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) FROM list_partitions() WHERE view_set_name = 'log_entries'", [(1,)]),
        (
            "SELECT num_rows FROM list_partitions() WHERE view_set_name = 'log_stats'",
            "SELECT count(*) FROM log_stats",
        ),
        (
            "SELECT sum(num_rows) FROM list_partitions() WHERE file_path = 'blocks.parquet'",
            "SELECT count(*) FROM blocks",
        ),
        (f"SELECT count(*), count(time), count(msg) FROM {STEPS}", [(2, 2, 2)]),
        (f"SELECT count(*) FROM {STEPS} WHERE msg LIKE '%not found'", [(1,)]),
        (f"SELECT count(*) FROM {STEPS} WHERE time > now() - INTERVAL '1 hour'", [(2,)]),
        (f"SELECT count(*) FROM {STEPS} AS a CROSS JOIN {STEPS} AS b", [(4,)]),
        (f"SELECT * FROM {STEPS} LIMIT 0", []),
        (
            f"SELECT msg FROM {STEPS.replace('log_entries', 'no')}",
            [("materialize_partitions_impl\n\nCaused by:\n    can't find view no",)],
        ),
        (
            f"SELECT msg FROM {STEPS.replace('log_entries', 'thread_spans')}",
            [("materialize_partitions_impl\n\nCaused by:\n    can't find view thread_spans",)],
        ),
        ("SELECT * FROM materialize_partitions('blocks', now(), now(), 10)", []),
        (f"SELECT * FROM retire_partitions('no' || 'pe', 'global', '{BEGIN}', '{END}')", []),
        (f"SELECT * FROM retire_partitions('measures', 'global', '{BEGIN}', '{BEGIN}')", []),
    ],
)
def test_answers(lake: mm.Connection, sql: str, rows: str | list[tuple[object, ...]]) -> None:
    found = lake.execute(sql, begin=ALL_TIME).fetchall()
    if isinstance(rows, str):
        rows = lake.execute(rows, begin=ALL_TIME).fetchall()
    assert found == rows


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        ("retire_partitions('a', 'b', '2026-11-23', now())", mm.ProgrammingError, "to timestamp"),
        ("retire_partitions('a', 'b', now(), NULL)", mm.ProgrammingError, "to a constant"),
        ("retire_partitions('a', 2, now(), now())", mm.ProgrammingError, "2 to string"),
        (
            "retire_partitions('a', 'b')",
            mm.ProgrammingError,
            "Missing 3rd argument, expected a UTC",
        ),
        ("retire_partitions()", mm.ProgrammingError, "Missing first argument"),
        ("materialize_partitions('a', now(), now())", mm.ProgrammingError, "Missing 4th argument"),
        ("materialize_partitions('a', now(), now(), 1.5)", mm.ProgrammingError, "1.5 to i64"),
        ("regenerate_partitions('a', now(), now(), 1)", mm.ProgrammingError, "not found"),
        ("List_Partitions()", mm.ProgrammingError, "table function 'List_Partitions' not found"),
        (
            EVERYTHING,
            mm.NotSupportedError,
            "the lake is served read-only, so measures.parquet is not retired",
        ),
    ],
)
def test_errors(lake: mm.Connection, call: str, kind: type[mm.Error], words: str) -> None:
    with pytest.raises(kind) as caught:
        lake.execute(f"SELECT * FROM {call}", begin=ALL_TIME).fetchall()
    assert words in str(caught.value)


def test_older_services_have_none(wire: Callable[[str], Path]) -> None:
    with mm.connect(f"lake:{wire(OLD) / 'data'}") as old:
        for call in ("list_partitions()", STEPS, EVERYTHING):
            with pytest.raises(mm.ProgrammingError, match=r"table function '.*' not found"):
                old.execute(f"SELECT * FROM {call}")


def test_files_go_when_the_rows_are_read_not_before(
    wire: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "lake"
    shutil.copytree(wire(NEW) / "data", folder)
    rows = pq.read_metadata(folder / "measures.parquet").num_rows
    lake = LakeTransport(folder, writable=True)
    sql = f"SELECT time, msg FROM {EVERYTHING}"
    assert lake.schema(Request(sql, None, "q")).names == ["time", "msg"]
    for text in (f"EXPLAIN {sql}", f"DESCRIBE {sql}", f"SELECT * FROM ({sql}) LIMIT 0"):
        lake.run(Request(text, None, "q")).read_all()
        assert (folder / "measures.parquet").exists()
    told = lake.run(Request(sql, None, "q")).read_all()["msg"].to_pylist()
    assert told == ["moved out of date partition measures.parquet to .retired"]
    [aside] = (folder / ".retired").iterdir()
    assert pq.read_metadata(aside).num_rows == rows
    assert lake.run(Request(sql, None, "q")).read_all().num_rows == 0
