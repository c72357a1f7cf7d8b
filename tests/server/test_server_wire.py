"""The local service responds like the real one: every recorded request, sent byte for byte."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import cbor2
import pyarrow as pa
import pytest

from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService
from micromegas_dbapi.transport.analytics.parquet import decode
from micromegas_dbapi.transport.protocol import Request
from tests.integration.serving import running
from tests.wire.recordings import Case, case, index, names

WIRE = "http-0.2.3"

# The only differences, with reasons. What is checked nevertheless:
#   "columns"  status, columns and types are equal, values are not
#   "fails"    the service succeeds, ours fails
#   "progress" the lines of progress are strings
VERSION = "DataFusion 55 words, counts or plans it in another way than 43"
FILES = "the partitions are the lake's files, not the service's"
DIFFERENT: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        [f"describe_{v}" for v in ("log_entries", "measures", "processes", "streams", "blocks")]
        + ["type_now_type", "explain_norange_thread_spans", "percentile"]
        + [n for n in names(WIRE) if n.startswith("explain")],
        ("columns", VERSION),
    ),
    "error_subquery": ("fails", "55 refuses a scalar subquery of many rows"),
    "error_drop_table": ("fails", "the views of a lake are no tables that can be dropped"),
    "query_partitions": ("columns", FILES),
    "materialize_log": ("progress", FILES),
    "retire_spans": ("progress", FILES),
}

# Texts that DataFusion 55 words differently. Only the lines up to "Caused by" are compared.
WORDED = {
    "error_syntax",
    "error_syntax_end",
    "error_unknown_column",
    "error_group_by",
    "error_cast",
    "error_timestamp_cast",
    "error_insert",
    "error_update",
    "error_delete",
    "error_begin",
    "error_placeholder",
    "error_qmark",
    "error_property_type",
    "error_property_args",
    "error_recursion",
}


@pytest.fixture(scope="module")
def url(wire: Callable[[str], Path]) -> Iterator[str]:
    service = LocalService(LakeTransport(wire(WIRE) / "data"), port=0)
    with running(service):
        yield service.url


def send(url: str, one: Case) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)) as connection:
        connection.request(one.method, one.path, one.request_bytes, one.request_headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


def columns(table: pa.Table) -> list[tuple[str, pa.DataType, bool]]:
    return [(f.name, f.type, f.nullable) for f in table.schema]


def rows(table: pa.Table) -> list[str]:
    return [
        repr(row)
        for batch in table.to_batches()
        for row in zip(*(column(c, "ns") for c in batch.columns), strict=True)
    ]


def lines(body: bytes) -> list[str]:
    found, file = [], io.BytesIO(body)
    while file.tell() < len(body):
        found.append(cbor2.CBORDecoder(io.BytesIO(body[file.tell() :])).decode())
        file.seek(len(cbor2.dumps(found[-1])), io.SEEK_CUR)
    return found


@pytest.mark.parametrize("name", names(WIRE))
def test_recorded_request(url: str, wire: Callable[[str], Path], name: str) -> None:
    recorded = case(wire(WIRE), name)
    how, _ = DIFFERENT.get(name, ("", ""))
    status, headers, body = send(url, recorded)
    if name.startswith("backtrace"):  # of a service started with RUST_BACKTRACE=1
        assert status == recorded.status
        if status == 500:
            chain = recorded.body.decode().split("Stack backtrace")[0].rstrip()
            assert body.decode().splitlines()[0] == chain.splitlines()[0]
            return
    if how == "fails":
        assert (status, recorded.status) == (500, 200)
        return
    assert status == recorded.status
    fixed = ("vary", "access-control-allow-origin", "access-control-allow-methods", "allow")
    assert {k: headers.get(k) for k in fixed} == {k: recorded.headers.get(k) for k in fixed}
    framing = ("content-length", "transfer-encoding")
    assert [k in headers for k in framing] == [k in recorded.headers for k in framing]
    if recorded.schema is not None:
        ours, theirs = (
            decode(body, Request("", None, "")).read_all(),
            decode(recorded.body, Request("", None, "")).read_all(),
        )
        assert columns(ours) == columns(theirs)
        if how == "columns":
            assert rows(ours) != rows(theirs), "no longer an exception: take it out of the table"
        else:
            assert rows(ours) == rows(theirs)
    elif how == "progress":
        assert lines(body) != lines(recorded.body)
        assert all(isinstance(line, str) for line in lines(body))
    elif status == 200:
        assert lines(body) == lines(recorded.body)
    elif name in WORDED:
        ours_text, theirs_text = body.decode(), recorded.body.decode()
        assert ours_text != theirs_text, "no longer an exception: take it out of the set"
        assert ours_text.split("\n")[:4] == theirs_text.split("\n")[:4]
    else:
        assert body == recorded.body


def test_every_recording_is_sent() -> None:
    assert len(names(WIRE)) == 232
    assert set(DIFFERENT) | WORDED <= set(names(WIRE))
    assert all(entry["method"] in ("POST", "GET", "OPTIONS") for entry in index(WIRE))
