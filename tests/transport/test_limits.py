"""Limits of the size of results, on every protocol; messages that claim to be huge."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.transport.limits import limited
from micromegas_dbapi.transport.protocol import Limits, Request
from micromegas_dbapi.transport.web.inflation import inflated_size
from tests.transport.web.test_web_faults import frame, messages
from tests.wire.grpcreplay import Reply, replaying
from tests.wire.grpcreplay import messages as flight_messages
from tests.wire.replay import Answer, replay

ROWS = 10
TABLE = pa.table({"a": pa.array(range(ROWS), pa.int64())})
SQL = "SELECT a FROM log_entries"
GZIP = {"content-encoding": "gzip"}


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def web(batches: list[pa.RecordBatch], **options: Any) -> bytes:
    schema, rest = messages(batches, **options)
    middle = [frame("batch", each, rows=b.num_rows) for each, b in zip(rest, batches, strict=True)]
    return b"".join([frame("schema", schema), *middle, frame("done")])


@contextmanager
def over_http(scheme: str, body: bytes, **headers: str) -> Iterator[str]:
    described = Answer(body=json.dumps([{"column_name": "a", "data_type": "Int64"}]).encode())
    sources = Answer(body=b'[{"name": "one"}]')
    first = [sources] if scheme == "web+" else []
    last = [described] if scheme == "gateway+" else []
    with replay(*first, Answer(body=body, headers=headers), *last) as server:
        yield scheme + server.url


@contextmanager
def over_flight(rows: int) -> Iterator[str]:
    with replaying(None, [], Reply(flight_messages(TABLE, rows))) as service:
        yield service.url


@contextmanager
def lake() -> Iterator[str]:
    yield "demo:"


#: Services that return ten rows, in batches of two where they stream.
SERVICES: dict[str, Callable[[], Any]] = {
    "http": lambda: over_http("", parquet(TABLE)),
    "gateway": lambda: over_http("gateway+", json.dumps(TABLE.to_pylist()).encode()),
    "web": lambda: over_http("web+", web(TABLE.to_batches(2))),
    "grpc": lambda: over_flight(2),
    "lake": lake,
}
SQLS = {"lake": f"SELECT value AS a FROM generate_series(0, {ROWS - 1})"}
services = pytest.mark.parametrize("service", SERVICES)


def rows_before_error(cursor: mm.Cursor, kind: str) -> tuple[int, str]:
    """Read a result to its end, and return the number of rows and the error."""
    count = 0
    try:
        if kind == "rows":
            for _ in cursor:
                count += 1
        else:
            for batch in cursor.fetch_record_batch():
                count += batch.num_rows
    except mm.OperationalError as error:
        return count, f"{error} {error.retryable} {error.sql}"
    return count, ""


@services
@pytest.mark.parametrize("kind", ["rows", "Arrow"])
@pytest.mark.parametrize("limit", [0, 1, 5, ROWS - 1, ROWS, ROWS + 1])
def test_rows(service: str, kind: str, limit: int) -> None:
    """Exactly as many rows as the limit allows can be read."""
    with SERVICES[service]() as url, mm.connect(url, max_rows=limit, infer_range="off") as c:
        count, error = rows_before_error(c.execute(SQLS.get(service, SQL)), kind)
    assert count == min(limit, ROWS)
    expected = f"the result has more than max_rows={limit} rows: add a LIMIT"
    assert error.startswith(expected) if limit < ROWS else error == ""
    assert error.endswith(f" False {SQLS.get(service, SQL)}" if limit < ROWS else "")


@services
@pytest.mark.parametrize("method", ["fetchall", "fetch_arrow_table", "fetch_df", "fetch_polars"])
def test_whole_results(service: str, method: str) -> None:
    with SERVICES[service]() as url, mm.connect(url, max_rows=9, infer_range="off") as connection:
        cursor = connection.execute(SQLS.get(service, SQL))
        with pytest.raises(mm.OperationalError, match="more than max_rows=9"):
            getattr(cursor, method)()


@pytest.mark.parametrize(("limit", "rows"), [(0, 0), (15, 0), (16, 2), (79, 8), (80, 10)])
@pytest.mark.parametrize("service", ["web", "grpc"])
def test_bytes_of_streams(service: str, limit: int, rows: int) -> None:
    """No batch is returned that would exceed the limit: two rows of eight bytes each."""
    with (
        SERVICES[service]() as url,
        mm.connect(url, max_result_bytes=limit, infer_range="off") as connection,
    ):
        count, error = rows_before_error(connection.execute(SQL), "Arrow")
    assert count == rows
    expected = f"the result has more than max_result_bytes={limit}: add a LIMIT"
    assert error.startswith(expected) if rows < ROWS else error == ""


@pytest.mark.parametrize("service", ["http", "gateway"])
def test_bytes_of_responses(service: str) -> None:
    with SERVICES[service]() as url, mm.connect(url, max_result_bytes=50) as connection:
        with pytest.raises(
            mm.OperationalError, match="the response has more than max_result_bytes=50"
        ):
            connection.execute(SQL)


def test_a_shared_dictionary_counts_once() -> None:
    values = pa.array(["x" * 1000, "y" * 1000])
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), values)
    batch = pa.RecordBatch.from_arrays([column], names=["a"])
    other = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(["z" * 2000, ""]))
    batches = [batch, batch, batch, pa.RecordBatch.from_arrays([other], names=["a"])]
    total = batch.nbytes + 2 * 2 + batches[-1].nbytes

    def read(limit: int) -> int:
        request = Request(SQL, None, "", limits=Limits(max_result_bytes=limit))
        reader = pa.RecordBatchReader.from_batches(batch.schema, batches)
        return limited(reader, request).read_all().num_rows  # type: ignore[union-attr]

    assert read(total) == 8
    with pytest.raises(mm.OperationalError, match="max_result_bytes"):
        read(total - 1)


def test_no_limits() -> None:
    """The transport's own reader is used: another one would cost time for each batch."""
    reader = pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches())
    assert limited(reader, Request(SQL, None, "")) is reader


# -- what compressed messages claim ----------------------------------------------------------------

COLUMNS: dict[str, pa.Array] = {
    "integers": pa.array([7] * 5000),
    "texts": pa.array(["a", None, "bb"] * 999),
    "dictionary": pa.array(["a", None, "bb"] * 999).dictionary_encode(),
    "lists": pa.array([[1, 2], [], None] * 999),
    "views": pa.array(["a" * 30, None] * 999, pa.string_view()),
    "empty": pa.array([], pa.string()),
}


@pytest.mark.parametrize("codec", ["lz4", "zstd", None])
@pytest.mark.parametrize("name", COLUMNS)
def test_inflated_size(name: str, codec: str | None) -> None:
    """The size is the sum of what an uncompressed message has."""
    batch = pa.RecordBatch.from_arrays([COLUMNS[name]], names=["a"])
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    buffers = [b for b in batch.column(0).buffers() if b is not None]
    if name == "dictionary":
        buffers += [b for b in batch.column(0).dictionary.buffers() if b is not None]
    if name == "lists":
        buffers = [b for b in COLUMNS[name].buffers() if b is not None]
    whole = sum(b.size for b in buffers)
    found = inflated_size(sink.getvalue())
    if codec is None or name == "empty":
        assert found <= 8
    else:  # pyarrow leaves small buffers as they are, and pads others to 64 bytes
        assert whole * 0.8 <= found <= whole + 64 * len(buffers)


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_damaged_messages(cut: int) -> None:
    """A message that points outside of itself has no other error, and is not followed for ever."""
    _, [payload] = messages([pa.RecordBatch.from_pydict({"a": [1] * 5000})])
    found = 0
    with suppress(ValueError):
        found = inflated_size(payload[:cut] + b"\xff\xff\xff\x7f" + payload[cut + 4 :])
    assert found >= 0


HUGE = 2**31


def bomb(claim: int) -> bytes:
    """A response of a web app with a batch of few bytes that claims to be of many."""
    batch = pa.RecordBatch.from_pydict({"a": [0] * 100_000})
    schema, [payload] = messages([batch])
    size = struct.pack("<q", 8 * 100_000)
    assert payload.count(size) == 1
    payload = payload.replace(size, struct.pack("<q", claim))
    return frame("schema", schema) + frame("batch", payload, rows=100_000) + frame("done")


@pytest.mark.parametrize(
    ("scheme", "body", "headers", "limit", "message"),
    [
        ("web+", bomb(HUGE), {}, None, "bytes inflates to 2147483648 bytes, which looks like"),
        ("web+", bomb(HUGE), {}, 10**6, "inflates to 2147483648 bytes, more than max_result_b"),
        ("web+", bomb(2**62), {}, None, "inflates to 4611686018427387904 bytes"),
        ("web+", bomb(HUGE), {}, 2**40, "the response is damaged: a batch cannot be decoded"),
        ("gateway+", gzip.compress(b"[" + b" " * 2**29), GZIP, None, "which looks like an attack"),
        ("gateway+", gzip.compress(b"[" + b" " * 2**24), GZIP, 2**20, "max_result_bytes=1048576"),
        ("gateway+", b"[]", {"content-length": str(10**18)}, None, "the response was truncated"),
        ("gateway+", b"[]", {"content-length": str(10**18)}, 2**40, "max_result_bytes=1099511627"),
        ("", b"PAR1", {"content-length": str(10**18)}, None, "the response was truncated after 4"),
        ("", b"PAR1", {"content-length": str(10**18)}, 2**40, "max_result_bytes=1099511627776"),
        ("", b"PAR1", {"content-length": "9" * 5000}, None, "the response "),
    ],
)
def test_claims(
    scheme: str, body: bytes, headers: dict[str, str], limit: int | None, message: str
) -> None:
    """A size is checked before memory is allocated for it."""
    with replay(*_answers(scheme, body, headers)) as server:
        url = scheme + server.url
        with mm.connect(url, max_result_bytes=limit, infer_range="off") as connection:
            with pytest.raises(mm.OperationalError, match=re.escape(message)):
                connection.execute(SQL).fetchall()


def _answers(scheme: str, body: bytes, headers: dict[str, str]) -> list[Answer]:
    sources = [Answer(body=b'[{"name": "one"}]')] if scheme == "web+" else []
    return [*sources, Answer(body=body, headers=headers, cut_after=len(body))]


# -- memory ----------------------------------------------------------------------------------------

CHILD = """
import resource, sys
import micromegas_dbapi as mm
mm.connect(sys.argv[1]).execute("SELECT a FROM log_entries").fetchone()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cursor = mm.connect(sys.argv[1]).execute("SELECT a FROM log_entries")
print(cursor.fetchone(), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("rows", [30_000_000])
def test_a_small_file_of_many_rows(rows: int, tmp_path: Path) -> None:
    """`fetchone` holds a batch of the rows, not all of them."""
    path = tmp_path / "rows.parquet"
    batch = pa.RecordBatch.from_pydict({"a": pa.array([7] * 1_000_000)})
    with pq.ParquetWriter(path, batch.schema, compression="zstd") as writer:
        for _ in range(rows // 1_000_000):
            writer.write_batch(batch)
    body = path.read_bytes()
    assert len(body) < 2**20
    with replay(Answer(body=parquet(TABLE)), Answer(body=body)) as server:
        # A shell between: a child begins with the highest memory of the process that forked it.
        command = ["sh", "-c", '"$0" "$@"; exit $?', sys.executable, "-c", CHILD, server.url]
        found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.startswith("(7,) ")
    assert int(found.stdout.split()[-1]) < 50  # MiB; all rows would take 240
