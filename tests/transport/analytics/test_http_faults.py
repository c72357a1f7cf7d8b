"""Faults of networks, proxies and HTTP services; TLS, credentials, spooling and cancellation."""

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
import re
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

import cbor2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from urllib3.exceptions import InsecureRequestWarning

import micromegas_dbapi as mm
from micromegas_dbapi.transport.cancellation import Cancellation
from tests.waiting import once, until
from tests.wire.replay import Answer, Request, Server, replay

SQL = "SELECT number, text FROM big"
CHUNKED = {"transfer-encoding": "chunked"}
HTML = b"<!DOCTYPE html>\n<html><body><h1>It is somebody else who answers</h1></body></html>"
TEXT = (
    b"query\n\nCaused by:\n    0: lakehouse\n    1: Error during planning: table 'nope' not found"
)


@pytest.fixture(autouse=True)
def _no_proxies_or_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the machine must not affect these tests."""
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
    """A file of more than a megabyte, which is decoded lazily, with four row groups."""
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


def damaged_middle() -> bytes:
    """Destroy the last row group; those before it can be decoded."""
    body = bytearray(big_body())
    group = pq.ParquetFile(pa.BufferReader(big_body())).metadata.row_group(3)
    start = group.column(0).data_page_offset
    body[start : start + 64] = bytes(byte ^ 0xFF for byte in body[start : start + 64])
    return bytes(body)


def damaged_end() -> bytes:
    """Destroy the footer, which has the positions of everything."""
    return big_body()[:-200] + bytes(192) + big_body()[-8:]


SMALL = pa.table({"one": pa.array([1], pa.int64())})
OK = Answer(body=parquet(SMALL))


def failure(*answers: Answer, **options: Any) -> mm.Error:
    """Return the error of a query with this response, and check its common attributes."""
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
        (400, "returned status 400", False),
        (401, "(unauthorized): credentials are missing or refused", False),
        (403, "(forbidden): the credentials do not allow this", False),
        (404, "is this a Micromegas HTTP service, and is the path prefix correct?", False),
        (405, "is this a Micromegas HTTP service, and is the path prefix correct?", False),
        (408, "longer than the service allows (5 minutes); narrow the time range", False),
        (
            413,
            "the statement is larger than the service, or a proxy in front of it, accepts",
            False,
        ),
        (429, "(too many requests)", True),
        (500, "returned status 500", False),
        (502, "(bad gateway): the service behind the proxy is down", True),
        (503, "(unavailable): the service is down or overloaded", True),
        (504, "(gateway timeout): the proxy gave up", True),
    ],
)
@pytest.mark.parametrize("body", [b"", b"the gatekeeper says no"], ids=["empty", "text"])
def test_status(status: int, words: str, retryable: bool, body: bytes) -> None:
    error = failure(Answer(status, body=body))
    if status == 500 and body:  # any text may be an error of the service
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
        assert f"redirects to {other.url}/login; connect to that URL if you" in str(error)
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
    assert "an HTML page" in str(error)
    assert "somebody else" not in str(error)
    assert (error.status, error.retryable) == (status, retryable)


@pytest.mark.parametrize("spool_bytes", [None, 0], ids=["memory", "spooled"])
@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
class TestBody:
    """Bodies that are not a complete Parquet file, for all ways of reading them."""

    def test_empty(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        error = failure(Answer(200, headers, b""), spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert str(error) == "the response has no body"
        assert error.status == 200

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_cut(self, headers: dict[str, str], spool_bytes: int | None, share: float) -> None:
        body = big_body()
        cut = int((len(body) - 1) * share)
        error = failure(Answer(200, headers, body, cut_after=cut), spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert "the response was truncated" in str(error)
        if not headers:
            assert f"after {cut} of {len(body)} bytes" in str(error)
        assert (error.status, error.retryable) == (200, None)

    def test_without_its_end(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        body = big_body()[:-1000]
        error = failure(Answer(200, headers, body), spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert "the response is incomplete" in str(error)
        assert f"{len(body)} bytes" in str(error)
        assert (error.status, error.retryable) == (200, None)

    def test_something_else(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        error = failure(Answer(200, headers, b'{"status": "up"}'), spool_bytes=spool_bytes)
        assert type(error) is mm.OperationalError
        assert 'not a Parquet file but begins with b\'{"status": "up"}\'' in str(error)
        assert (error.status, error.retryable) == (200, False)

    def test_damaged_end(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        error = failure(Answer(200, headers, damaged_end()), spool_bytes=spool_bytes)
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
        assert "the response's content-encoding is damaged" in str(error)
        assert error.status == 200

    def test_gzip_error_text(self, headers: dict[str, str], spool_bytes: int | None) -> None:
        packed = Answer(500, {**headers, "content-encoding": "gzip"}, gzip.compress(TEXT))
        error = failure(packed, spool_bytes=spool_bytes)
        assert type(error) is mm.ProgrammingError
        assert str(error).endswith("table 'nope' not found")


def test_endless_error_text() -> None:
    page = b"too many words " * 400_000
    with replay(Answer(503, body=page), OK) as server, mm.connect(server.url) as connection:
        error = failed(connection)
        assert len(str(error)) < 1000
        assert len(str(error.__cause__)) <= 4 * 2**20 < len(page)
        assert connection.execute(SQL).fetchall() == [(1,)]  # not the rest of the error


def test_cut_error_text() -> None:
    error = failure(Answer(503, body=b"x" * 1000, cut_after=500))
    assert (type(error), error.status, error.retryable) == (mm.OperationalError, 503, True)


# -- damage that shows up while rows are fetched ---------------------------------------------------


@pytest.fixture(params=[None, 0], ids=["memory", "spooled"])
def damaged(request: pytest.FixtureRequest) -> Iterator[mm.Cursor]:
    """A cursor whose result is incomplete."""
    options = {"spool_bytes": request.param}
    with (
        replay(Answer(body=damaged_middle())) as server,
        mm.connect(server.url, **options) as connection,
    ):
        yield connection.execute(SQL)


def check_damage(error: mm.Error, cursor: mm.Cursor) -> None:
    assert type(error) is mm.OperationalError
    assert "the response is a damaged Parquet file" in str(error)
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


def test_damage_is_latched_for_arrow(damaged: mm.Cursor) -> None:
    reader = damaged.fetch_record_batch()
    assert reader.read_next_batch().column(0)[0].as_py() == 0
    raised = []
    for _ in range(3):
        with pytest.raises(mm.Error) as caught:
            reader.read_all()
        raised.append(caught.value)
    for error in raised:  # copies: the frames of a traceback would keep the reader for ever
        check_damage(error, damaged)
        assert str(error) == str(raised[0])
        assert type(error.__cause__) is type(raised[0].__cause__)


def test_damage_is_no_shorter_table(damaged: mm.Cursor) -> None:
    with pytest.raises(mm.Error) as caught:
        damaged.fetch_arrow_table()
    check_damage(caught.value, damaged)
    assert damaged.rowcount == -1
    with pytest.raises(mm.InterfaceError, match="already fetched as Arrow"):
        damaged.fetchall()


def test_damage_travels_through_the_c_stream(damaged: mm.Cursor) -> None:
    reader = pa.RecordBatchReader.from_stream(damaged)
    for _ in range(3):  # consumers of Arrow's C interface raise their own errors
        with pytest.raises((pa.ArrowException, OSError), match="damaged Parquet file"):
            reader.read_all()


# -- time ------------------------------------------------------------------------------------------


def test_no_answer_in_time() -> None:
    error = failure(Answer(delay=60), timeout=mm.Timeout(read=0.2))
    assert type(error) is mm.OperationalError
    assert "within 0.2 s; the query may still be running there" in str(error)
    assert (error.status, error.retryable) == (None, False)


@pytest.mark.parametrize("spool_bytes", [None, 0], ids=["memory", "spooled"])
@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
def test_answer_stalls(headers: dict[str, str], spool_bytes: int | None) -> None:
    answer = replace(OK, headers=headers, body_delay=60)
    error = failure(answer, timeout=1, spool_bytes=spool_bytes)
    assert type(error) is mm.OperationalError
    assert "no data for 1 s, after 0 bytes" in str(error)
    assert (error.status, error.retryable) == (200, False)


def test_error_text_stalls() -> None:
    error = failure(Answer(503, body=b"busy", body_delay=60), timeout=1)
    assert (type(error), error.status, error.retryable) == (mm.OperationalError, 503, True)


def test_slow_answer_arrives() -> None:
    answer = replace(OK, delay=0.05, body_delay=0.05)
    with replay(answer) as server, mm.connect(server.url, timeout=10) as connection:
        assert connection.execute(SQL).fetchall() == [(1,)]


def test_timeouts_in_the_url() -> None:
    options = "?read_timeout=0.2&connect_timeout=5"
    with replay(Answer(delay=60)) as server, mm.connect(server.url + options) as connection:
        assert "within 0.2 s" in str(failed(connection))


def test_connect_timeout() -> None:
    with contextlib.closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with contextlib.ExitStack() as waiting:
            # No connection is accepted: once the queue is full, connecting blocks.
            for _ in range(8):
                client = waiting.enter_context(contextlib.closing(socket.socket()))
                client.setblocking(False)
                client.connect_ex(full.getsockname())
            probe = waiting.enter_context(contextlib.closing(socket.socket()))
            probe.settimeout(0.2)
            try:
                probe.connect(full.getsockname())
            except TimeoutError:
                pass
            else:
                pytest.skip("this system's queue of connections has no end")
            timeout = mm.Timeout(connect=0.2)
            port = full.getsockname()[1]
            with mm.connect(f"http://127.0.0.1:{port}", timeout=timeout) as connection:
                error = failed(connection)
    assert type(error) is mm.OperationalError
    assert str(error) == f"no connection to 127.0.0.1:{port} within 0.2 s"
    assert error.retryable is True


# -- connections -----------------------------------------------------------------------------------


def unused_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_connection_refused() -> None:
    port = unused_port()
    with mm.connect(f"http://127.0.0.1:{port}") as connection:
        error = failed(connection)
    assert type(error) is mm.OperationalError
    # Without the repr of the connection, which has a private class.
    expected = rf"no response from 127\.0\.0\.1:{port}: Failed to establish .*: .*refused"
    assert re.fullmatch(expected, str(error))
    assert (error.status, error.retryable) == (None, True)


def test_unknown_host() -> None:
    with mm.connect("http://micromegas.invalid:8082", timeout=mm.Timeout(connect=5)) as connection:
        error = failed(connection)
    assert type(error) is mm.OperationalError
    assert "no response from micromegas.invalid:8082: Failed to " in str(error)
    assert error.retryable is True


def test_connection_dropped_without_an_answer() -> None:
    with replay(Answer(drop=True)) as server, mm.connect(server.url) as connection:
        error = failed(connection)
        assert len(server.requests) == 1  # it may have run: not sent again
    assert type(error) is mm.OperationalError
    assert "no response from 127.0.0.1" in str(error)
    assert "closed connection" in str(error)
    assert (error.status, error.retryable) == (None, None)


def test_a_connection_works_after_errors() -> None:
    answers = [Answer(503), Answer(drop=True), replace(OK, cut_after=5), Answer(500, body=TEXT)]
    with replay(*answers, OK) as server, mm.connect(server.url) as connection:
        kinds = [type(failed(connection)) for _ in answers]
        assert connection.execute(SQL).fetchall() == [(1,)]
    assert kinds == [mm.OperationalError] * 3 + [mm.ProgrammingError]


@pytest.mark.parametrize(
    "first",
    [
        OK,
        replace(OK, headers=CHUNKED),
        Answer(500, body=TEXT),
        Answer(500, CHUNKED, TEXT),
        Answer(503),
        Answer(302, {"location": "/elsewhere"}, b"moved"),
        Answer(200, body=HTML),
    ],
    ids=["length", "chunked", "error", "error-chunked", "empty-error", "redirect", "page"],
)
@pytest.mark.parametrize("spool_bytes", [None, 0], ids=["memory", "spooled"])
def test_keep_alive(first: Answer, spool_bytes: int | None) -> None:
    with (
        replay(first, OK) as server,
        mm.connect(server.url, spool_bytes=spool_bytes) as connection,
    ):
        with contextlib.suppress(mm.Error):
            connection.execute(SQL)
        assert connection.execute(SQL).fetchall() == [(1,)]
        assert server.requests[0].port == server.requests[1].port


def test_connections_to_several_at_once_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    all_there = threading.Barrier(4)

    def receive(request: Request) -> Answer:
        all_there.wait(60)
        return kept(request)

    with replay(OK) as server, mm.connect(server.url) as connection:
        kept = server.receive
        monkeypatch.setattr(server, "receive", receive)
        for _ in range(2):
            threads = [
                threading.Thread(target=lambda: connection.execute(SQL).fetchall())
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len({request.port for request in server.requests}) == 4


FORKING = """
import os, sys, warnings
import micromegas_dbapi as mm

# Python 3.12 and later warn here, because Arrow has threads.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

connection = mm.connect(sys.argv[1])

def ask():
    assert connection.execute("SELECT " + str(os.getpid())).fetchall() == [(1,)]

ask()
child = os.fork()
if child == 0:
    ask()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
ask()
connection.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")
def test_forked_child_uses_a_socket_of_its_own() -> None:
    with replay(OK) as server:
        run_python(FORKING, server.url)
        before, child, after = (request.port for request in server.requests)
    assert before == after != child


def run_python(code: str, *arguments: str) -> str:
    """Run a script in its own process, where warnings are errors too."""
    root = str(Path(mm.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


# -- TLS -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listener(reply: bytes) -> Iterator[tuple[int, bytearray]]:
    """Yield a port and the bytes of its first client, which receives `reply`."""
    received = bytearray()
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(30)

        def serve() -> None:
            with server.accept()[0] as client:
                received.extend(client.recv(65536))
                client.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], received
        thread.join()


def test_tls_to_a_plain_port() -> None:
    with listener(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n") as (port, received):
        address = f"https://:hush-hush@127.0.0.1:{port}"
        with mm.connect(address) as connection:
            error = failed(connection)
    assert type(error) is mm.OperationalError
    assert f"the TLS connection to 127.0.0.1:{port} failed: " in str(error)
    assert error.retryable is False
    assert received[:1] == b"\x16"  # a TLS handshake
    assert b"hush-hush" not in received


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Paths of a self-signed certificate for 127.0.0.1 and of its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command here to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    paths = str(folder / "certificate.pem"), str(folder / "key.pem")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-out", paths[0], "-keyout", paths[1]]
    subprocess.run(command, check=True, capture_output=True)
    return paths


@pytest.fixture
def tls_server(certificate: tuple[str, str]) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with replay(OK) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
        yield server


def test_self_signed_certificate_is_refused(tls_server: Server) -> None:
    with mm.connect(tls_server.url, auth=mm.BearerAuth("hush-hush")) as connection:
        error = failed(connection)
    assert type(error) is mm.OperationalError
    assert "the TLS connection to 127.0.0.1" in str(error)
    assert "certificate verify failed" in str(error)
    assert error.retryable is False
    assert tls_server.requests == []


def test_certificate_given(tls_server: Server, certificate: tuple[str, str]) -> None:
    with mm.connect(tls_server.url, verify=certificate[0]) as connection:
        assert connection.execute(SQL).fetchall() == [(1,)]
    with mm.connect(f"{tls_server.url}?verify={certificate[0]}") as connection:
        assert connection.execute(SQL).fetchall() == [(1,)]


@pytest.mark.parametrize("how", ["argument", "url"])
def test_verification_switched_off(tls_server: Server, how: str) -> None:
    address = tls_server.url + ("?verify=false" if how == "url" else "")
    verify = False if how == "argument" else None
    with (
        mm.connect(address, verify=verify) as connection,
        pytest.warns(InsecureRequestWarning, match="127.0.0.1"),
    ):
        assert connection.execute(SQL).fetchall() == [(1,)]


def test_certificate_from_the_environment(
    tls_server: Server, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate[0])
    with mm.connect(tls_server.url) as connection:
        assert connection.execute(SQL).fetchall() == [(1,)]


def test_certificate_that_is_not_there(tls_server: Server, tmp_path: Path) -> None:
    with mm.connect(tls_server.url, verify=str(tmp_path / "none.pem")) as connection:
        error = failed(connection)
    assert type(error) is mm.ProgrammingError
    assert "none.pem" in str(error)
    assert tls_server.requests == []


# -- where requests go, and with which headers -----------------------------------------------------


@pytest.mark.parametrize("prefix", ["/telemetry", "/telemetry/", "/a/b%20c/"])
def test_prefix(prefix: str) -> None:
    with replay(OK) as server, mm.connect(server.url + prefix) as connection:
        connection.execute(SQL)
        assert server.requests[0].path == prefix.rstrip("/") + "/analytics/query"


def test_proxy_given() -> None:
    """The replay server is the proxy here; proxies receive complete URLs."""
    with (
        replay(OK) as proxy,
        mm.connect("http://service.example:8082", proxies={"http": proxy.url}) as connection,
    ):
        assert connection.execute(SQL).fetchall() == [(1,)]
        assert proxy.requests[0].path == "http://service.example:8082/analytics/query"
        assert proxy.requests[0].headers["host"] == "service.example:8082"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_proxy_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with replay(OK) as proxy:
        monkeypatch.setenv(name, proxy.url)
        with mm.connect("http://service.example/prefix") as connection:
            assert connection.execute(SQL).fetchall() == [(1,)]
        assert proxy.requests[0].path == "http://service.example/prefix/analytics/query"


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_no_proxy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with replay(OK) as server, replay(OK) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv(name, "elsewhere.example,127.0.0.1")
        with mm.connect(server.url) as connection:
            assert connection.execute(SQL).fetchall() == [(1,)]
        assert (len(server.requests), len(proxy.requests)) == (1, 0)


def test_proxy_given_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with replay(OK) as given, replay(OK) as environment:
        monkeypatch.setenv("HTTP_PROXY", environment.url)
        with mm.connect("http://service.example", proxies={"http": given.url}) as connection:
            connection.execute(SQL)
        assert (len(given.requests), len(environment.requests)) == (1, 0)


def test_proxy_with_credentials() -> None:
    with replay(OK) as server:
        proxy = server.url.replace("//", "//proxyuser:hush@")
        with mm.connect("http://service.example", proxies={"http": proxy}) as connection:
            connection.execute(SQL)
        [sent] = server.requests
        basic = base64.b64encode(b"proxyuser:hush").decode()
        assert sent.headers["proxy-authorization"] == f"Basic {basic}"
        assert sent.headers["authorization"] is None


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_credentials_don_t_go_to_the_proxy_of_a_tls_service() -> None:
    reply = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"
    with listener(reply) as (port, received):
        proxies = {"https": f"http://127.0.0.1:{port}"}
        with mm.connect("https://:hush-hush@service.example", proxies=proxies) as connection:
            error = failed(connection)
    assert received.startswith(b"CONNECT service.example:443 HTTP/1.")
    assert b"hush-hush" not in received
    assert type(error) is mm.OperationalError
    assert "502 Bad Gateway" in str(error)
    # Python 3.10's http.client leaves the socket of a rejected tunnel to the garbage collector:
    # now, rather than in another test.
    del error
    gc.collect()


def test_dead_proxy() -> None:
    proxies = {"http": f"http://127.0.0.1:{unused_port()}"}
    with mm.connect("http://service.example", proxies=proxies) as connection:
        error = failed(connection)
    assert type(error) is mm.OperationalError
    assert "no response from service.example: " in str(error)
    assert "refused" in str(error)


def headers_sent(address: str = "{}", **options: Any) -> Any:
    with (
        replay(OK) as server,
        mm.connect(address.format(server.url), **options) as connection,
    ):
        connection.execute(SQL)
        [sent] = server.requests
        return sent.headers


def test_custom_headers() -> None:
    headers = headers_sent(headers={"X-Tenant": "blue", "User-Agent": "report/1", "Accept": "*/*"})
    assert headers["x-tenant"] == "blue"
    assert headers.get_all("user-agent") == ["report/1"]
    assert headers["content-type"] == "application/cbor"


def test_headers_by_default() -> None:
    headers = headers_sent()
    assert headers["user-agent"].startswith("micromegas-dbapi")
    assert headers["authorization"] is None
    assert headers["cookie"] is None


@pytest.mark.parametrize("bad", [{"X-Tenant": "a\nHost: evil"}, {"X:Tenant": "a"}, {"X-Tenant": 5}])
def test_headers_that_cannot_be_sent(bad: Mapping[str, Any]) -> None:
    with pytest.raises(
        mm.ProgrammingError, match=r"headers: .*; accepted: a mapping of str to str"
    ):
        mm.connect("http://localhost", headers=bad)


def test_cookies_are_not_kept() -> None:
    answer = replace(OK, headers={"Set-Cookie": "session=1"})
    with replay(answer) as server, mm.connect(server.url) as connection:
        connection.execute(SQL)
        connection.execute(SQL)
        assert [request.headers["cookie"] for request in server.requests] == [None, None]


# -- credentials -----------------------------------------------------------------------------------

BASIC = "Basic " + base64.b64encode("zoë:p@ss:word/é".encode()).decode()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"auth": mm.BearerAuth("abc.DEF-123")}, "Bearer abc.DEF-123"),
        ({"address": "http://:abc.DEF-123@{}"}, "Bearer abc.DEF-123"),
        ({"auth": mm.BasicAuth("zoë", "p@ss:word/é")}, BASIC),
        ({"address": "http://zo%C3%AB:p%40ss%3Aword%2F%C3%A9@{}"}, BASIC),
        ({"headers": {"authorization": "Custom xyz"}}, "Custom xyz"),
        ({"address": "http://:url@{}", "auth": mm.BearerAuth("argument")}, "Bearer argument"),
    ],
)
def test_credentials_are_sent(options: dict[str, Any], expected: str) -> None:
    with replay(OK) as server:
        address = options.pop("address", "http://{}").format(server.url.removeprefix("http://"))
        with mm.connect(address, **options) as connection:
            connection.execute(SQL)
            connection.execute(SQL)
        for request in server.requests:
            assert request.headers.get_all("authorization") == [expected]


def test_netrc_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hush-hush\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert headers_sent()["authorization"] is None


SECRETS = [
    {"auth": mm.BearerAuth("hush-hush")},
    {"auth": mm.BasicAuth("user", "hush-hush")},
    {"headers": {"X-Api-Key": "hush-hush"}},
    {"headers": {"authorization": "Bearer hush-hush"}},
    {"headers": {"Cookie": "session=hush-hush"}},
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "host",
    ["service.example", "10.0.0.1", "127.example.com", "localhost.example.com", "[2001:db8::1]"],
)
def test_credentials_in_the_clear_are_refused(secret: dict[str, Any], host: str) -> None:
    with replay(OK) as proxy:
        with pytest.raises(
            mm.ProgrammingError, match=r"unencrypted to .*allow_insecure_auth"
        ) as caught:
            mm.connect(f"http://{host}", proxies={"http": proxy.url}, **secret)
        assert proxy.requests == []
    assert "hush-hush" not in str(caught.value)


def test_credentials_in_the_url_are_refused_in_the_clear() -> None:
    for user in (":hush-hush", "user:hush-hush"):
        with pytest.raises(mm.ProgrammingError, match="credentials unencrypted to") as caught:
            mm.connect(f"http://{user}@service.example")
        assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("how", ["argument", "url"])
def test_credentials_in_the_clear_if_allowed(secret: dict[str, Any], how: str) -> None:
    address = "http://service.example" + ("?allow_insecure_auth=true" if how == "url" else "")
    allow = True if how == "argument" else None
    with replay(OK) as proxy:
        options = {"proxies": {"http": proxy.url}, "allow_insecure_auth": allow, **secret}
        with mm.connect(address, **options) as connection:
            connection.execute(SQL)
        [sent] = proxy.requests
    found = sent.headers["authorization"] or sent.headers["x-api-key"] or sent.headers["cookie"]
    assert "hush-hush" in found or base64.b64encode(b"user:hush-hush").decode() in found


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "[::1]"])
def test_credentials_to_this_machine_are_allowed(host: str) -> None:
    mm.connect(f"http://:hush-hush@{host}").close()


# -- secrets ---------------------------------------------------------------------------------------

SECRET = "s3cr3t-s3cr3t"
KEY = "k3y-k3y-k3y"


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        Answer(500, body=TEXT),
        Answer(401),
        Answer(302, {"location": "/login"}),
        Answer(body=HTML),
        Answer(drop=True),
        Answer(delay=60),
        replace(OK, cut_after=5),
        None,
    ],
    ids=["ok", "query", "401", "redirect", "page", "dropped", "stalled", "cut", "refused"],
)
@pytest.mark.parametrize("auth", ["bearer", "basic"])
def test_secrets_show_nowhere(
    answer: Answer | None, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = []
    with replay(answer or OK) as server:
        host = server.url.removeprefix("http://") if answer else f"127.0.0.1:{unused_port()}"
        user = "" if auth == "bearer" else "user"
        connection = mm.connect(
            f"http://{user}:{SECRET}@{host}",
            headers={"X-Api-Key": KEY},
            timeout=0.2 if answer and answer.delay else 30,
        )
        with connection:
            cursor = connection.cursor()
            shown += [repr(connection), str(connection), repr(cursor), vars(connection)]
            shown += [connection.transport, repr(connection.transport._settings)]  # type: ignore[union-attr]
            try:
                cursor.execute(SQL).fetchall()
            except mm.Error as error:
                shown += [str(error), repr(error), error.args, vars(error)]
                shown += traceback.format_exception(type(error), error, error.__traceback__)
                shown += [repr(pickle.loads(pickle.dumps(error))), pickle.dumps(error)]
        if answer:  # otherwise this proves nothing
            assert server.requests[0].headers["x-api-key"] == KEY
            assert server.requests[0].headers["authorization"]
    assert caplog.records or answer is None
    shown += [record.getMessage() for record in caplog.records] + [caplog.text]
    everything = "\n".join(map(str, shown))
    basic = base64.b64encode(f"user:{SECRET}".encode()).decode()
    assert SQL in everything or answer is OK
    for secret in (SECRET, KEY, basic):
        assert secret not in everything


def test_secrets_show_in_no_repr_and_no_pickle() -> None:
    values = [
        mm.BearerAuth(SECRET),
        mm.BasicAuth("user", SECRET),
        {"proxies": {"http": f"http://user:{SECRET}@proxy"}, "headers": {"X-Api-Key": SECRET}},
    ]
    for value in values:
        options = value if isinstance(value, dict) else {"auth": value}
        with mm.connect("https://service.example", **options) as connection:
            settings = connection.transport._settings  # type: ignore[union-attr]
            assert SECRET not in repr(settings) + str(settings)
    for auth in values[:2]:
        assert SECRET not in repr(auth) + str(auth) + f"{auth}"
        assert SECRET.encode() not in pickle.dumps(auth)
        assert "***" in repr(auth)


def test_secrets_of_a_dead_proxy_don_t_show() -> None:
    proxies = {"http": f"http://user:{SECRET}@127.0.0.1:{unused_port()}"}
    with mm.connect("http://service.example", proxies=proxies) as connection:
        error = failed(connection)
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert SECRET not in text + repr(error)


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{SECRET}@",
        f"http://user:{SECRET}@host:port",
        f"http://user:{SECRET}@[host",
        f"http://user:{SECRET}@host#fragment",
        f"http://user:{SECRET}@host?option=1",
        f"http://user:{SECRET}@host?verify",
        f"htp://user:{SECRET}@host",
        f"http://user:{SECRET}@host?read_timeout=soon",
    ],
)
def test_secrets_of_a_bad_url_don_t_show(url: str) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        mm.connect(url)
    text = "".join(traceback.format_exception(type(caught.value), caught.value, None))
    assert SECRET not in text


# -- spooling --------------------------------------------------------------------------------------


@pytest.fixture
def spool_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
def test_spooled_results_are_those_of_memory(headers: dict[str, str], spool_folder: Path) -> None:
    count = 20_000
    columns = {
        "number": [*range(count - 1), None],
        "name": [f"n{i % 7}" for i in range(count)],
        "pairs": [[{"key": "k", "value": str(i)}] * (i % 3) for i in range(count)],
    }
    table = pa.table(columns)
    table = table.set_column(1, "name", table["name"].dictionary_encode())
    answer = Answer(200, headers, parquet(table, row_group_size=15_000))
    tables = []
    for spool_bytes in (None, 1000):
        with (
            replay(answer) as server,
            mm.connect(server.url, spool_bytes=spool_bytes) as connection,
        ):
            tables.append(connection.execute(SQL).fetch_arrow_table())
            rows = connection.execute(SQL).fetchall()
            assert rows == list(zip(*columns.values(), strict=True))
            assert os.listdir(spool_folder) == []
    assert tables[0].equals(tables[1])
    assert tables[0].schema.equals(tables[1].schema)


@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
def test_spool_has_no_name(headers: dict[str, str], spool_folder: Path) -> None:
    answer = Answer(200, headers, big_body())
    with replay(answer) as server, mm.connect(server.url, spool_bytes=1000) as connection:
        cursor = connection.execute(SQL)
        assert os.listdir(spool_folder) == []
        for size in (1, 70_000, 70_000):
            assert len(cursor.fetchmany(size)) == size
            assert os.listdir(spool_folder) == []
        assert len(cursor.fetchall()) == 59_999
        assert os.listdir(spool_folder) == []


@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
def test_spool_begins_above_the_limit(
    headers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a disk, results that fit into memory arrive, and others are errors."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    answer = replace(OK, headers=headers)
    with replay(answer) as server:
        with mm.connect(server.url, spool_bytes=len(OK.body)) as connection:
            assert connection.execute(SQL).fetchall() == [(1,)]
        with mm.connect(server.url, spool_bytes=len(OK.body) - 1) as connection:
            error = failed(connection)
    assert type(error) is mm.OperationalError
    assert "cannot write the response to a temporary file: " in str(error)
    assert error.retryable is False


def test_spool_where_files_cannot_be_opened_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, which does not have /dev/fd."""
    exists = os.path.exists
    monkeypatch.setattr(
        os.path, "exists", lambda path: not str(path).startswith("/dev/fd") and exists(path)
    )
    answer = Answer(body=big_body())
    with replay(answer) as server, mm.connect(server.url, spool_bytes=1000) as connection:
        assert connection.execute(SQL).fetch_arrow_table().equals(big())
        cursor = connection.execute(SQL)
        assert cursor.fetchmany(10)[9][0] == 9
        cursor.close()


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def half_read(cursor: mm.Cursor) -> None:
    cursor.execute(SQL).fetchmany(10)


def half_read_arrow(cursor: mm.Cursor) -> None:
    cursor.execute(SQL).fetch_record_batch().read_next_batch()


def unread(cursor: mm.Cursor) -> None:
    cursor.execute(SQL)


def read(cursor: mm.Cursor) -> None:
    assert len(cursor.execute(SQL).fetchall()) == 200_000


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system has no /proc/self/fd")
@pytest.mark.parametrize("use", [half_read, half_read_arrow, unread, read])
@pytest.mark.parametrize("end", ["closed", "executed", "dropped"])
def test_spool_leaks_no_file(use: Callable[[mm.Cursor], None], end: str) -> None:
    with (
        replay(Answer(body=big_body()), OK) as server,
        mm.connect(server.url, spool_bytes=1000) as connection,
    ):
        connection.execute("SELECT 'opens the socket'").close()
        server.requests.clear()
        before = open_files()
        cursor = connection.cursor()
        use(cursor)
        if end == "closed":
            cursor.close()
        elif end == "executed":
            cursor.execute("SELECT 1").fetchall()
        else:
            del cursor
        assert open_files() <= before  # earlier tests may close some in the meantime


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system has no /proc/self/fd")
@pytest.mark.parametrize(
    "body",
    [damaged_middle(), damaged_end(), big_body()[:-100], HTML * 100],
    ids=["middle", "end", "short", "page"],
)
def test_spool_of_a_failed_result_leaks_no_file(body: bytes) -> None:
    with (
        replay(OK, Answer(body=body)) as server,
        mm.connect(server.url, spool_bytes=1000) as connection,
    ):
        connection.execute("SELECT 'opens the socket'").close()
        before = open_files()
        error = failed(connection)
        assert open_files() <= before, error  # even while it is referenced


# -- stopping, and credentials that change ---------------------------------------------------------


@pytest.mark.parametrize(
    "slow",
    [Answer(delay=60, body=OK.body), Answer(body_delay=60, body=OK.body)],
    ids=["before the headers", "before the body"],
)
def test_cancel_from_another_thread(slow: Answer) -> None:
    with replay(slow, OK) as server, mm.connect(server.url) as connection:
        cursor = connection.cursor()
        with once(lambda: server.requests, cursor.cancel):
            with pytest.raises(mm.OperationalError, match=r"^the query was cancelled$") as caught:
                cursor.execute(SQL)
        assert (caught.value.sql, caught.value.query_id) == (SQL, cursor.query_id)
        assert cursor.execute(SQL).fetchall() == [(1,)]
        cursor.cancel()  # it has ended: another query uses its socket now
        assert cursor.execute(SQL).fetchall() == [(1,)]
        assert len({request.port for request in server.requests}) == 2


def test_a_cancel_as_a_body_ends_touches_no_other_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is in the pool again, and serves another query, before the first has ended."""
    at_end, go_on, settled = threading.Event(), threading.Event(), Cancellation.settled
    ends: dict[str, object] = {}

    def held(self: Cancellation) -> None:
        if threading.current_thread().name == "cancelled" and not at_end.is_set():
            at_end.set()
            assert go_on.wait(60)
        settled(self)

    monkeypatch.setattr(Cancellation, "settled", held)
    slow = replace(OK, delay=0.5)
    with replay(OK, slow) as server, mm.connect(server.url, infer_range=False) as connection:
        cursors = {name: connection.cursor() for name in ("cancelled", "other")}

        def run(name: str) -> None:
            try:
                ends[name] = cursors[name].execute(SQL).fetchall()
            except mm.Error as error:
                ends[name] = str(error)

        threads = [threading.Thread(target=run, args=(name,), name=name) for name in cursors]
        threads[0].start()
        assert at_end.wait(60)
        threads[1].start()
        until(lambda: len(server.requests) == 2)
        cursors["cancelled"].cancel()
        go_on.set()
        for thread in threads:
            thread.join(60)
    assert ends == {"cancelled": "the query was cancelled", "other": [(1,)]}
    assert len({request.port for request in server.requests}) == 1


def test_cancel_of_a_result_that_is_not_read_yet() -> None:
    with replay(Answer(body=big_body()), OK) as server, mm.connect(server.url) as connection:
        cursor = connection.execute(SQL)
        assert cursor.fetchone() is not None
        cursor.cancel()
        with pytest.raises(mm.OperationalError, match=r"^the query was cancelled$"):
            cursor.fetchall()
        assert cursor.execute(SQL).fetchall() == [(1,)]


@pytest.mark.parametrize("answer", [Answer(delay=60), Answer(body_delay=60, body=OK.body)])
def test_total_time(answer: Answer) -> None:
    with replay(answer) as server:
        with mm.connect(f"{server.url}?total_timeout=0.3") as connection:
            with pytest.raises(mm.OperationalError, match=r"not complete within 0\.3 s") as caught:
                connection.execute(SQL)
            assert caught.value.retryable is False


def test_total_time_is_over_with_the_answer() -> None:
    with replay(OK) as server:
        with mm.connect(server.url, timeout=mm.Timeout(total=1)) as connection:
            cursor = connection.execute(SQL)
            time.sleep(1.1)  # the response is complete: reading it has no time limit
            assert cursor.fetchall() == [(1,)]


def test_a_provider_is_asked_once_more_where_its_token_is_refused() -> None:
    class Provider:
        tokens = iter(["old", "new", "newer"])

        def get_token(self) -> str:
            return next(self.tokens)

    refused = Answer(401, body=b"expired")
    with replay(refused, OK, OK) as server, mm.connect(server.url, auth=Provider()) as connection:
        for _ in range(2):
            assert connection.execute(SQL).fetchall() == [(1,)]
        assert [request.headers["authorization"] for request in server.requests] == [
            "Bearer old",
            "Bearer new",
            "Bearer newer",
        ]
    with replay(refused) as server, mm.connect(server.url, token="old") as connection:
        with pytest.raises(mm.OperationalError, match="credentials are missing or refused"):
            connection.execute(SQL)
        assert len(server.requests) == 1


def test_the_columns_of_a_statement() -> None:
    """Queried without rows."""
    with replay(OK) as server, mm.connect(server.url) as connection:
        [column] = connection.cursor().describe("SELECT 1 AS one; -- comment")
        assert (column.name, column.type_code) == ("one", "BIGINT")
        sent = cbor2.loads(server.requests[0].body)
    assert sent == {
        "sql": "SELECT * FROM (\nSELECT 1 AS one\n) AS q LIMIT 0",
        "begin": None,
        "end": None,
    }


def test_what_service_it_is_needs_no_question() -> None:
    with replay(OK) as server, mm.connect(server.url) as connection:
        assert (connection.service.wire, connection.service.generation) == ("http", "0.1")
        assert connection.service.views is None
        assert server.requests == []
