"""Test the output formats, and how files are written."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.cli.render.formats import WRITERS
from tests.cli.terminal import COMMAND, on_terminal, run
from tests.wire.recordings import case
from tests.wire.replay import replay

NS = 1_700_000_000_123_456_789
TAG = pa.struct([("key", pa.string()), ("value", pa.timestamp("ns"))])

# type, value as Arrow takes it, in JSON, in CSV
VALUES: list[tuple[pa.DataType, Any, Any, str]] = [
    (pa.int64(), 2**63 - 1, 2**63 - 1, "9223372036854775807"),
    (pa.uint64(), 2**64 - 1, 2**64 - 1, "18446744073709551615"),
    (pa.float64(), 0.1, 0.1, "0.1"),
    (pa.float64(), float("nan"), "NaN", "nan"),
    (pa.float64(), float("-inf"), "-Infinity", "-inf"),
    (pa.float32(), 0.5, 0.5, "0.5"),
    (pa.bool_(), True, True, "true"),
    (pa.string(), "", "", '""'),
    (pa.string(), 'a "b", c\nd é', 'a "b", c\nd é', '"a ""b"", c\nd é"'),
    (pa.large_string(), "long", "long", '"long"'),
    (pa.dictionary(pa.int16(), pa.string()), "word", "word", '"word"'),
    (pa.binary(), b"\x00\xff", "AP8=", '"AP8="'),
    (pa.decimal128(38, 10), Decimal("1E-10"), "0.0000000001", '"0.0000000001"'),
    (pa.timestamp("ns", "UTC"), NS, "2023-11-14T22:13:20.123456789Z", None),
    (pa.timestamp("ns"), NS, "2023-11-14T22:13:20.123456789", None),
    (pa.timestamp("s"), 1, "1970-01-01T00:00:01", None),
    (pa.timestamp("us", "Asia/Tokyo"), -1, "1969-12-31T23:59:59.999999000Z", None),
    (pa.timestamp("s", "UTC"), 2**40, f"{2**40 * 10**9} ns", None),
    (pa.date32(), 1, "1970-01-02", None),
    (pa.date64(), 86_400_000, "1970-01-02", None),
    (pa.time32("s"), 3661, "01:01:01", None),
    (pa.time64("ns"), 86_399_999_999_999, "23:59:59.999999999", None),
    (pa.duration("ns"), 1_500_000_001, 1_500_000_001, '"1500000001"'),
    (pa.duration("s"), -2, -2_000_000_000, '"-2000000000"'),
    (pa.list_(pa.string()), ["a", None], ["a", None], '"[""a"", null]"'),
    (pa.list_(pa.duration("us")), [1], [1000], '"[1000]"'),
    (pa.list_(TAG), [{"key": "k", "value": 1}],
     [{"key": "k", "value": "1970-01-01T00:00:00.000000001"}], None),
    (pa.map_(pa.string(), pa.int64()), [("a", 1)], {"a": 1}, '"{""a"": 1}"'),
    (pa.map_(pa.int64(), pa.float64()), [(7, float("inf"))], {"7": "Infinity"}, None),
    (pa.month_day_nano_interval(), pa.MonthDayNano([1, 2, 3]),
     {"months": 1, "days": 2, "nanoseconds": 3}, None),
]  # fmt: skip


def written(table: pa.Table, name: str) -> bytes:
    sink = io.BytesIO()
    WRITERS[name](table.to_reader(), sink)
    return sink.getvalue()


@pytest.mark.parametrize(("kind", "value", "in_json", "in_csv"), VALUES, ids=lambda v: str(v)[:30])
def test_values(kind: pa.DataType, value: Any, in_json: Any, in_csv: str | None) -> None:
    array = pa.array([value, None], kind)
    assert column(array, "json") == [in_json, None]
    table = pa.table({"v": array})
    one, none = written(table, "ndjson").decode().splitlines()
    assert json.loads(one) == {"v": in_json}
    assert none == '{"v": null}'
    assert json.loads(written(table, "json")) == [{"v": in_json}, {"v": None}]
    expected = in_csv if in_csv is not None else csv_quoted(in_json)
    assert written(table, "csv").decode() == f'"v"\n{expected}\n\n'


def csv_quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return '"' + text.replace('"', '""') + '"'


def test_null_and_empty_text_differ_in_csv() -> None:
    table = pa.table({"a": ["", None, "x"], "b": [1, 2, None]})
    assert written(table, "csv") == b'"a","b"\n"",1\n,2\n"x",\n'
    # A reader of RFC 4180 that knows no difference sees two empty ones.
    assert list(csv.reader(io.StringIO(written(table, "csv").decode())))[1:3] == [
        ["", "1"],
        ["", "2"],
    ]


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_types_are_kept(name: str) -> None:
    kinds = [k for k, *_ in VALUES]
    if name == "parquet":  # which has none of these
        kinds = [k for k in kinds if not (pa.types.is_duration(k) or pa.types.is_interval(k))]
        kinds = [k for k in kinds if k not in (pa.date64(), pa.timestamp("s"), pa.time32("s"))]
        kinds = [
            k for k in kinds if k not in (pa.timestamp("s", "UTC"), pa.list_(pa.duration("us")))
        ]
    values = {str(k): v for k, v, *_ in VALUES}
    table = pa.table({str(k): pa.array([values[str(k)], None], k) for k in kinds})
    body = written(table, name)
    if name == "arrow":
        read = pa.ipc.open_stream(body).read_all()
    else:
        read = pq.read_table(io.BytesIO(body))
        declared = pq.read_metadata(io.BytesIO(body)).metadata[b"ARROW:schema"]
        assert pa.ipc.read_schema(pa.py_buffer(base64.b64decode(declared))) == table.schema
    assert name == "parquet" or read.schema == table.schema
    for ours, theirs in zip(read.columns, table.columns, strict=True):
        assert column(ours.combine_chunks(), "json") == column(theirs.combine_chunks(), "json")


@pytest.mark.parametrize(("name", "empty"), [("csv", b'"a"\n'), ("json", b"[]\n"), ("ndjson", b"")])
def test_nothing(name: str, empty: bytes) -> None:
    assert written(pa.table({"a": pa.array([], pa.int64())}), name) == empty


@pytest.mark.parametrize("name", ["json", "ndjson"])
def test_columns_of_one_name_are_refused(name: str) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["a", "b", "a"])
    with pytest.raises(
        mm.ProgrammingError,
        match="duplicate column names cannot be written as JSON: a; rename them",
    ):
        written(table, name)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("parquet", pa.array([pa.MonthDayNano([1, 2, 3])])),
        ("json", pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))),
    ],
)
def test_what_a_format_cannot_hold(name: str, array: pa.Array) -> None:
    with pytest.raises(mm.DataError):
        written(pa.table({"v": array}), name)


# -- where it goes ---------------------------------------------------------------------------------

SQL = "SELECT 1 AS one, 'é' AS two"
ENDINGS = {
    "x.csv": b'"one","two"\n1,"\xc3\xa9"\n',
    "x.JSON": b'[\n{"one": 1, "two": "\xc3\xa9"}\n]\n',
    "x.ndjson": b'{"one": 1, "two": "\xc3\xa9"}\n',
    "x.jsonl": b'{"one": 1, "two": "\xc3\xa9"}\n',
}


@pytest.mark.parametrize("name", ENDINGS)
def test_the_ending_names_the_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert run(SQL, "--url", "demo:", "-o", str(path)) == (0, "", "")
    assert path.read_bytes() == ENDINGS[name]
    assert run(SQL, "--url", "demo:", "-o", str(path), "--format", "csv")[0] == 0
    assert path.read_bytes() == ENDINGS["x.csv"]
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_binary_files_and_pipes(tmp_path: Path) -> None:
    run(SQL, "--url", "demo:", "-o", str(tmp_path / "x.parquet"))
    assert pq.read_table(tmp_path / "x.parquet").to_pylist() == [{"one": 1, "two": "é"}]
    piped = subprocess.run(
        [*COMMAND, SQL, "--url", "demo:", "--format", "arrow", "-o", "-"],
        capture_output=True,
        timeout=60,
    )
    assert pa.ipc.open_stream(piped.stdout).read_all().to_pylist() == [{"one": 1, "two": "é"}]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_binary_formats_are_not_for_terminals(name: str) -> None:
    code, shown = on_terminal(SQL, "--url", "http://127.0.0.1:9", "--format", name)
    assert code == 2  # before anything is sent
    assert shown == f"micromegas-sql: {name} is a binary format: use -o FILE or a pipe\n"


def test_a_table_into_a_file(tmp_path: Path) -> None:
    run("SELECT repeat('word ', 100) AS long", "--url", "demo:", "-o", str(tmp_path / "x.txt"))
    lines = (tmp_path / "x.txt").read_text().splitlines()
    assert [line.split() for line in lines if "word" in line] == [["word"] * 100]


FAILS_LATE = "SELECT CASE WHEN value = 100000 THEN 1 / (value - value) ELSE value END FROM "
SERIES = "generate_series(1, 150000)"


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.parquet", "x.arrow", "x.txt"])
def test_a_result_that_breaks_off_leaves_no_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    code, _, errors = run(FAILS_LATE + SERIES, "--url", "demo:", "-o", str(path))
    assert code == 1
    assert "ivide by zero" in errors
    assert list(tmp_path.iterdir()) == []
    path.write_text("of yesterday")
    assert run(FAILS_LATE + SERIES, "--url", "demo:", "-o", str(path))[0] == 1
    assert path.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes and links of this kind")
def test_modes_links_and_devices(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        run(SQL, "--url", "demo:", "-o", str(tmp_path / "new.csv"))
        assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == 0o640
        (tmp_path / "new.csv").chmod(0o604)
        (tmp_path / "link.csv").symlink_to("new.csv")
        run(SQL, "--url", "demo:", "-o", str(tmp_path / "link.csv"))
    finally:
        os.umask(umask)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "new.csv").read_bytes() == ENDINGS["x.csv"]
    assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == 0o604
    assert run(SQL, "--url", "demo:", "-o", "/dev/stdout", "--format", "csv")[:2] == (
        0,
        ENDINGS["x.csv"].decode(),
    )


@pytest.mark.parametrize("output", ["no/such/folder/x.csv", "."])
def test_output_that_cannot_be_written(output: str) -> None:
    code, shown, errors = run(SQL, "--url", "demo:", "-o", output)
    assert (code, shown) == (1, "")
    assert "cannot write" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk() -> None:
    code, _, errors = run(SQL, "--url", "demo:", "-o", "/dev/full", "--format", "csv")
    assert code == 1
    assert "No space left on device" in errors
    assert len(errors.splitlines()) == 1


def test_a_reader_that_has_seen_enough() -> None:
    sql = "SELECT * FROM generate_series(1, 1000000)"
    with subprocess.Popen(
        [*COMMAND, sql, "--url", "demo:", "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b'"value"\n'
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows interrupts in another way")
def test_interrupted(tmp_path: Path) -> None:
    sql = "SELECT * FROM generate_series(1, 1000000000)"
    command = [*COMMAND, sql, "--url", "demo:", "-o", str(tmp_path / "x.csv")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        over = time.monotonic() + 60
        while not any(p.stat().st_size for p in tmp_path.iterdir()):  # it has begun to write
            assert time.monotonic() < over
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b"micromegas-sql: interrupted\n"
        assert process.wait(60) == 130
    assert list(tmp_path.iterdir()) == []


MEASURED = """
import sys
from micromegas_dbapi.cli import main
code = main(sys.argv[1:])
with open("/proc/self/status") as status:
    print([line.split()[1] for line in status if line.startswith("VmHWM")][0], file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", ["csv", "ndjson", "parquet", "arrow"])
def test_memory_is_bounded(tmp_path: Path, name: str) -> None:
    """A result of several times the size takes no more memory, except for noise.

    What the engine's threads keep for the next batches grows to about 100 MiB and no further: up
    to 70 MiB more were seen. Held as a whole, the larger result would take 250 MiB more. Parquet
    is written in row groups of 64 MiB, and memory of one is reused for the next sooner or later:
    up to 100 MiB more were seen. Held as a whole, the larger result would take 700 MiB more.
    """
    peaks = []
    for rows in (1_200_000, 4_800_000) if name == "parquet" else (300_000, 1_500_000):
        sql = f"SELECT value, repeat('text ', 40) AS t FROM generate_series(1, {rows})"
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, sql, "--url", "demo:", "-o", tmp_path / f"x.{name}"],
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stderr) / 1024)
    written = (tmp_path / f"x.{name}").stat().st_size / 2**20
    assert name == "parquet" or written > 120
    assert peaks[1] - peaks[0] < (250 if name == "parquet" else 120), peaks


# -- progress --------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_no_bar_for_what_is_quick_or_piped(wire: Callable[[str], Path], tmp_path: Path) -> None:
    with replay(case(wire("http-0.2.3"), "property_get")) as server:
        code, shown = on_terminal("SELECT 1", "--url", server.url, "-o", str(tmp_path / "x.csv"))
        assert (code, shown) == (0, "")
        assert run("SELECT 1", "--url", server.url, "-o", str(tmp_path / "x.csv")) == (0, "", "")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_bar_for_a_long_download(tmp_path: Path) -> None:
    """The service sends a part at a time, and the bar tells how much has come."""
    import socket
    import threading

    random = np.random.default_rng(1)
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": random.integers(0, 2**60, 500_000)}), sink)
    body = sink.getvalue()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body))
            for start in range(0, len(body), len(body) // 8):
                connection.sendall(body[start : start + len(body) // 8])
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        code, shown = on_terminal("SELECT 1", "--url", url, "-o", str(tmp_path / "x.csv"))
        thread.join(10)
    assert code == 0
    assert "receiving" in shown
    assert "MiB" in shown
    assert (tmp_path / "x.csv").read_text().count("\n") == 500_001
