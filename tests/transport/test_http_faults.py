"""What the driver makes of a network, proxies and services that are not as they should be."""

from __future__ import annotations

import base64
import contextlib
import gc
import gzip
import io
import logging
import os
import pickle
import random
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from urllib3.exceptions import InsecureRequestWarning

import micromegas_dbapi as mm
from tests.wire.replay import Answer, Server, replay

SQL = "SELECT number, text FROM big"
CHUNKED = {"transfer-encoding": "chunked"}
HTML = b"<!DOCTYPE html>\n<html><body><h1>It is somebody else who answers</h1></body></html>"
TEXT = b"query\n\nCaused by:\n    0: lakehouse\n    1: Error during planning: table 'nope' not found"


@pytest.fixture(autouse=True)
def _no_proxies_or_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine has set must not decide these tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@cache
def big() -> pa.Table:
    """More than a megabyte, so that it is decoded lazily, in four row groups."""
    digits = random.Random(1).randbytes
    return pa.table(
        {
            "number": pa.array(range(200_000), pa.int64()),
            "text": pa.array([digits(8).hex() for _ in range(200_000)], pa.string()),
        }
    )


@cache
def big_body() -> bytes:
    return parquet(big(), row_group_size=50_000, compression="none", use_dictionary=False)


SMALL = pa.table({"one": pa.array([1], pa.int64())})
OK = Answer(body=parquet(SMALL))


def failure(*answers: Answer, **options: Any) -> mm.Error:
    """Give the error of a query that is answered so, and check what every such error has."""
    with replay(*answers) as server, mm.connect(server.url, **options) as connection:
        return failed(connection)


def failed(connection: mm.Connection, sql: str = SQL) -> mm.Error:
    cursor = connection.cursor()
    with pytest.raises(mm.Error) as caught:
        cursor.execute(sql).fetchall()
    error = caught.value
    assert error.sql == sql
    assert error.query_id == cursor.query_id
    assert cursor.query_id is not None
    return error


# -- statuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words", "retryable"),
    [
        (400, "answered with status 400", False),
        (401, "(unauthorized): credentials are missing or refused", False),
        (403, "(forbidden): the credentials do not allow this", False),
        (404, "is this a Micromegas HTTP service, and the path prefix right?", False),
        (405, "is this a Micromegas HTTP service, and the path prefix right?", False),
        (408, "longer than the service allows (5 minutes); narrow the time range", False),
        (413, "the statement is larger than the service, or a proxy before it, accepts", False),
        (429, "(too many requests)", True),
        (500, "answered with status 500", False),
        (502, "(bad gateway): the service behind the proxy is down", True),
        (503, "(unavailable): the service is down or overloaded", True),
        (504, "(gateway timeout): the proxy gave up", True),
    ],
)
@pytest.mark.parametrize("body", [b"", b"the gatekeeper says no"], ids=["empty", "text"])
def test_status(status: int, words: str, retryable: bool, body: bytes) -> None:
    error = failure(Answer(status, body=body))
    if status == 500 and body:  # any text at all may be the service's own
        assert type(error) is mm.DatabaseError
        assert str(error) == "the query failed: the gatekeeper says no"
    else:
        assert type(error) is mm.OperationalError
        assert words in str(error)
        assert ("the gatekeeper says no" in str(error)) is bool(body)
    assert (str(error.__cause__) == body.decode()) is bool(body)
    assert error.status == status
    assert error.retryable is retryable


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with replay(OK) as other:
        away = Answer(status, {"Location": other.url + "/login"})
        with (
            replay(away) as server,
            mm.connect(server.url, auth=mm.BearerAuth("tokentoken")) as connection,
        ):
            error = failed(connection)
            assert len(server.requests) == 1
        assert other.requests == []
        assert type(error) is mm.OperationalError
        assert f"redirects to {other.url}/login; connect to that URL itself" in str(error)
        assert (error.status, error.retryable) == (status, False)


def test_redirect_to_nowhere() -> None:
    assert "redirects to ?" in str(failure(Answer(302)))


# -- bodies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [{}, {"content-type": "text/html; charset=utf-8"}])
@pytest.mark.parametrize(("status", "retryable"), [(200, False), (500, False), (502, True)])
@pytest.mark.parametrize("spool_bytes", [None, 0], ids=["memory", "spooled"])
def test_html_page(
    status: int, retryable: bool, content_type: dict[str, str], spool_bytes: int | None
) -> None:
    error = failure(Answer(status, content_type, HTML), spool_bytes=spool_bytes)
    assert type(error) is mm.OperationalError
    assert "a page of HTML" in str(error)
    assert "somebody else" not in str(error)
    assert (error.status, error.retryable) == (status, retryable)


@pytest.mark.parametrize("spool_bytes", [None, 0], ids=["memory", "spooled"])
@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
class TestBody:
    """Bodies that are not one whole Parquet file, by all ways of reading them."""

    def test_empty(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        error = failure(Answer(200, headers, b""), spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert str(error) == "the answer has no body"
        assert error.status == 200

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_cut(self, headers: dict[str, str], spool_bytes: int | None, share: float) -> None:
        body = big_body()
        cut = int((len(body) - 1) * share)
        error = failure(Answer(200, headers, body, cut_after=cut), spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert "the answer was cut" in str(error)
        if not headers:
            assert f"after {cut} of {len(body)} bytes" in str(error)
        assert (error.status, error.retryable) == (200, None)

    def test_without_its_end(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        body = big_body()[:-1000]
        error = failure(Answer(200, headers, body), spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert "ends too early" in str(error)
        assert f"{len(body)} bytes" in str(error)
        assert (error.status, error.retryable) == (200, None)

    def test_something_else(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        error = failure(Answer(200, headers, b'{"status": "up"}'), spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert "no Parquet file but begins with b'{\"status\": \"up\"}'" in str(error)
        assert (error.status, error.retryable) == (200, False)

    def test_damaged_end(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        body = bytearray(big_body())
        body[-200:-8] = bytes(192)
        error = failure(Answer(200, headers, bytes(body)), spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert "damaged Parquet file" in str(error)
        assert error.status == 200

    def test_gzip(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        packed = gzip.compress(big_body(), compresslevel=1)
        answer = Answer(200, {**headers, "content-encoding": "gzip"}, packed)
        options = {"spool_bytes": spool_bytes}
        with replay(answer) as server, mm.connect(server.url, **options) as connection:
            assert connection.execute(SQL).fetch_arrow_table().equals(big())
            assert server.requests[0].headers["accept-encoding"] == "identity"

    def test_gzip_damaged(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        packed = bytearray(gzip.compress(OK.body))
        packed[20:30] = b"\xff" * 10
        answer = Answer(200, {**headers, "content-encoding": "gzip"}, bytes(packed))
        error = failure(answer, spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert "gzip" in str(error)

    def test_gzip_error_text(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        packed = Answer(500, {**headers, "content-encoding": "gzip"}, gzip.compress(TEXT))
        error = failure(packed, spool_bytes=spool_bytes)
        assert type(error) is mm.ProgrammingError
        assert str(error).endswith("table 'nope' not found")


def test_cut_error_text() -> None:
    error = failure(Answer(503, body=b"x" * 1000, cut_after=500))
    assert (type(error), error.status, error.retryable) == (mm.OperationalError, 503, True)


# -- damage that shows up while rows are fetched ---------------------------------------------------


def damaged_middle() -> bytes:
    """Destroy the last row group: what is before it decodes."""
    body = bytearray(big_body())
    group = pq.ParquetFile(pa.BufferReader(big_body())).metadata.row_group(3)
    start = group.column(0).data_page_offset
    body[start : start + 64] = bytes(byte ^ 0xFF for byte in body[start : start + 64])
    return bytes(body)


@pytest.fixture(params=[None, 0], ids=["memory", "spooled"])
def damaged(request: pytest.FixtureRequest) -> Iterator[mm.Cursor]:
    """A cursor whose result breaks off."""
    options = {"spool_bytes": request.param}
    with (
        replay(Answer(body=damaged_middle())) as server,
        mm.connect(server.url, **options) as connection,
    ):
        yield connection.execute(SQL)


def check_damage(error: mm.Error, cursor: mm.Cursor) -> None:
    assert type(error) is mm.OperationalError
    assert "the answer is a damaged Parquet file" in str(error)
    assert (error.sql, error.query_id, error.status) == (SQL, cursor.query_id, 200)


def test_damage_is_latched_for_rows(damaged: mm.Cursor) -> None:
    first = damaged.fetchmany(11)
    assert [row[0] for row in first] == list(range(11))
    with pytest.raises(mm.Error) as caught:
        damaged.fetchall()
    check_damage(caught.value, damaged)
    for fetch in (damaged.fetchall, damaged.fetchone, damaged.fetchmany, lambda: next(damaged)):
        with pytest.raises(mm.Error) as again:
            fetch()
        assert again.value is caught.value
    assert damaged.rowcount == -1
