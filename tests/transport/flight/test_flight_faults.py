"""Faults of FlightSQL services, networks and callers; credentials and TLS."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import trustme

import micromegas_dbapi as mm
from micromegas_dbapi.transport.flight.flight_errors import from_flight
from micromegas_dbapi.transport.protocol import Request
from tests.waiting import once, until
from tests.wire.grpcreplay import Replay, Reply, messages, replaying

TABLE = pa.table({"number": pa.array(range(10), pa.int64()), "text": list("abcdefghij")})
OK = Reply(messages(TABLE))
SQL = "SELECT number, text FROM (VALUES (1, 'a')) AS ten (number, text)"
ROWS = list(zip(range(10), "abcdefghij", strict=True))


def failure(*replies: Reply, **options: Any) -> mm.Error:
    with replaying(None, [], *replies) as service, mm.connect(service.url, **options) as connection:
        cursor = connection.cursor()
        with pytest.raises(mm.Error) as caught:
            cursor.execute(SQL).fetchall()
    assert caught.value.sql == SQL
    assert caught.value.query_id == cursor.query_id is not None
    return caught.value


# -- damaged messages ------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [b"", b"\x1a\x04note"], ids=["empty", "metadata only"])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_message_without_a_batch(at: int, message: bytes) -> None:
    """pyarrow stops at an empty one, as if the stream had ended. Services send none of them."""
    error = failure(Reply([*OK.messages[:at], message, *OK.messages[at:]]))
    assert type(error) is mm.OperationalError
    assert "the response is damaged: a message has no batch" in str(error)


@pytest.mark.parametrize("validate", ["layout", "full"])
def test_validation(validate: Any) -> None:
    table = pa.table({"number": [1], "text": pa.array([b"\xff"]).view(pa.string())})
    with replaying(None, [], Reply(messages(table))) as service:
        with mm.connect(service.url, validate=validate) as connection:
            cursor = connection.execute(SQL)
            if validate == "layout":
                assert cursor.fetch_arrow_table().equals(table)
                return
            with pytest.raises(mm.OperationalError, match="a batch of the result is damaged"):
                cursor.fetch_arrow_table()


# -- statuses --------------------------------------------------------------------------------------

TEXT = "the gatekeeper says no"
AWKWARD = 'with message: "a\\b". gRPC client debug context: UNKNOWN: é\n{grpc_message:""}. Client'


@pytest.mark.parametrize("text", [TEXT, AWKWARD], ids=["plain", "awkward"])
@pytest.mark.parametrize(
    ("code", "kind", "retryable", "words"),
    [
        ("CANCELLED", mm.OperationalError, None, "the query was cancelled: "),
        ("UNKNOWN", mm.OperationalError, None, "the service failed for an unknown reason: "),
        ("INVALID_ARGUMENT", mm.ProgrammingError, False, "the query failed: "),
        ("DEADLINE_EXCEEDED", mm.OperationalError, False, "(timeout=Timeout(total=...)): "),
        ("NOT_FOUND", mm.ProgrammingError, False, "the query failed: "),
        ("ALREADY_EXISTS", mm.DatabaseError, False, "the query failed: "),
        ("PERMISSION_DENIED", mm.OperationalError, False, "the credentials do not allow this: "),
        (
            "RESOURCE_EXHAUSTED",
            mm.OperationalError,
            None,
            "does not have the resources for this query: ",
        ),
        ("FAILED_PRECONDITION", mm.OperationalError, False, "the query failed: "),
        ("ABORTED", mm.OperationalError, None, "the service aborted the query: "),
        ("OUT_OF_RANGE", mm.ProgrammingError, False, "the query failed: "),
        ("UNIMPLEMENTED", mm.NotSupportedError, False, "the query failed: "),
        ("INTERNAL", mm.DatabaseError, False, "the query failed: "),
        ("UNAVAILABLE", mm.OperationalError, True, "cannot be reached: "),
        ("DATA_LOSS", mm.OperationalError, None, "the response was damaged in transit: "),
        ("UNAUTHENTICATED", mm.OperationalError, False, "credentials are missing or refused: "),
    ],
)
def test_status(
    code: str, kind: type[mm.Error], retryable: bool | None, words: str, text: str
) -> None:
    error = failure(Reply([], code, text))
    assert type(error) is kind
    assert (error.status, error.retryable) == (code, retryable)
    assert str(error).endswith(words + text)
    assert str(error.__cause__) == text
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.status, again.sql) == (kind, str(error), code, SQL)


ENGINE = "error building data stream: Arrow error: Divide by zero error"


@pytest.mark.parametrize("code", ["INTERNAL", "INVALID_ARGUMENT", "UNKNOWN"])
def test_the_words_of_the_engine_say_more_than_the_code(code: str) -> None:
    error = failure(Reply([], code, ENGINE))
    assert type(error) is mm.DataError
    assert "Divide by zero" in str(error)


def test_an_error_after_some_batches_is_raised_by_the_fetch_that_meets_it() -> None:
    """Later fetches raise it again, because the result is incomplete."""
    broken = Reply([*messages(TABLE)[:3]], "INTERNAL", ENGINE)
    with replaying(None, [], broken) as service, mm.connect(service.url) as connection:
        cursor = connection.execute(SQL)
        assert cursor.fetchmany(4) == ROWS[:4]
        for _ in range(2):
            with pytest.raises(mm.DataError, match="Divide by zero") as caught:
                cursor.fetchone()
        assert caught.value.sql == SQL
        for fetch in ("fetchall", "fetchone"):
            with pytest.raises(mm.DataError):
                getattr(cursor, fetch)()
        with pytest.raises(mm.DataError, match="Divide by zero"):
            connection.execute(SQL).fetch_arrow_table()
        reader = connection.execute(SQL).fetch_record_batch()
        assert reader.read_next_batch().num_rows == 2


@pytest.mark.parametrize(
    "damaged",
    [[messages(TABLE)[1]], [messages(TABLE)[0], b"\x12\x04\xff\xff\xff\xff"]],
    ids=["no schema", "no batch"],
)
def test_what_is_no_answer(damaged: list[bytes]) -> None:
    """If the first message is not FlightData, pyarrow only reports that there was none."""
    error = failure(Reply(damaged))
    assert type(error) in (mm.OperationalError, mm.DatabaseError)
    assert error.__cause__ is not None


# -- who asks --------------------------------------------------------------------------------------


class Provider:
    """Returns one token after the other, then the last one repeatedly."""

    def __init__(self, *tokens: Any) -> None:
        self.tokens = list(tokens)
        self.asked = 0

    def get_token(self) -> str:
        self.asked += 1
        token = self.tokens[min(self.asked, len(self.tokens)) - 1]
        if isinstance(token, Exception):
            raise token
        return token  # type: ignore[no-any-return]


REFUSED = Reply([], "UNAUTHENTICATED", "invalid token")


def sent(replies: list[Reply], **options: Any) -> list[str | None]:
    """Run a query twice and return the credentials that the service received."""
    with replaying(None, [], *replies) as service, mm.connect(service.url, **options) as connection:
        for _ in range(2):
            assert connection.execute(SQL).fetchall() == ROWS
        return [call.headers.get("authorization") for call in service.calls]


def test_credentials(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(" from-file\n")
    assert sent([OK]) == [None] * 2
    assert sent([OK], token="t") == ["Bearer t"] * 2
    assert sent([OK], auth=mm.BearerAuth("t")) == ["Bearer t"] * 2
    assert sent([OK], auth=mm.BasicAuth("u", "p")) == ["Basic dTpw"] * 2
    assert sent([OK], token_file=file) == ["Bearer from-file"] * 2
    assert sent([OK], auth=Provider("a", "b")) == ["Bearer a", "Bearer b"]
    assert sent([OK], headers={"Authorization": "Bearer mine"}) == ["Bearer mine"] * 2
    assert sent([OK], headers={"Authorization": "mine"}, token="t") == ["Bearer t"] * 2


def test_a_provider_is_asked_once_more_where_its_token_is_refused() -> None:
    refreshed = Provider("old", "new")
    assert sent([REFUSED, OK], auth=refreshed) == ["Bearer old", "Bearer new", "Bearer new"]
    assert refreshed.asked == 3


def test_a_file_is_read_anew_for_each_request(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("first")
    with replaying(None, [], OK) as service:
        with mm.connect(f"{service.url}?token_file={file}") as connection:
            connection.execute(SQL).fetchall()
            file.write_text("second")
            connection.execute(SQL).fetchall()
            file.unlink()
            with pytest.raises(mm.OperationalError, match=r"the token file .* cannot be read"):
                connection.execute(SQL)
        assert [call.headers["authorization"] for call in service.calls] == [
            "Bearer first",
            "Bearer second",
        ]


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({"token": "t"}, 1),
        ({"auth": Provider("a")}, 2),
        ({}, 1),
    ],
    ids=["token", "provider", "none"],
)
def test_refused_for_good(options: dict[str, Any], calls: int) -> None:
    with replaying(None, [], REFUSED) as service, mm.connect(service.url, **options) as connection:
        with pytest.raises(mm.OperationalError, match="credentials are missing or refused"):
            connection.execute(SQL)
        assert len(service.calls) == calls


@pytest.mark.parametrize(
    ("token", "kind", "words"),
    [
        (ValueError("expired"), mm.OperationalError, "Provider failed: ValueError: expired"),
        (5, mm.ProgrammingError, "get_token() of Provider returned int; accepted: str"),
        ("two words", mm.ProgrammingError, "contains whitespace"),
        ("", mm.ProgrammingError, "is empty"),
    ],
)
def test_a_provider_that_gives_no_token(token: Any, kind: type[mm.Error], words: str) -> None:
    with replaying(None, [], OK) as service:
        with mm.connect(service.url, auth=Provider(token)) as connection:
            with pytest.raises(kind) as caught:
                connection.execute(SQL)
        assert service.calls == []
    assert words in str(caught.value)


def test_no_error_shows_a_token() -> None:
    secret = "5ecret-token"
    for reply in (REFUSED, Reply([], "INTERNAL", ENGINE), Reply(OK.messages[1:])):
        for auth in (mm.BearerAuth(secret), Provider(secret)):
            error = failure(reply, auth=auth)
            shown = "".join(traceback.format_exception(error)) + repr(error)
            assert secret not in shown
            assert secret.encode() not in pickle.dumps(error)


def test_credentials_in_the_clear() -> None:
    with pytest.raises(mm.ProgrammingError, match=r"over grpc://; use grpc\+tls://, or set"):
        mm.connect("grpc://analytics.example", token="t")
    with pytest.raises(mm.ProgrammingError, match="send credentials unencrypted"):
        mm.connect("grpc://analytics.example", headers={"x-api-key": "k"})
    mm.connect("grpc://analytics.example", token="t", allow_insecure_auth=True).close()
    mm.connect("grpc+tls://analytics.example", token="t").close()
    mm.connect("grpc://:t@analytics.example?allow_insecure_auth=true").close()


# -- headers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-team", "ré"),
        ("x-team", "a\nb"),
        ("x-team", "a\0"),
        ("x-team", "\x7f"),
        ("x-team", 5),
        ("x team", "a"),
        ("é", "a"),
        ("", "a"),
        (":path", "a"),
        ("grpc-timeout", "1S"),
        ("x-bin", "a"),
        ("te", "a"),
        ("User-Agent", "a"),
    ],
)
def test_headers_that_grpc_cannot_carry(name: str, value: Any) -> None:
    """Some of these make pyarrow abort the process."""
    with pytest.raises(mm.ProgrammingError, match="header"):
        mm.connect("grpc://localhost", headers={name: value})


def test_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROMEGAS_CLIENT_AGENT", "nightly")
    monkeypatch.setenv("MICROMEGAS_CLIENT_ENTRYPOINT", "é")
    with replaying(None, [], OK) as service:
        with mm.connect(service.url, headers={"X-Team": "a~ b"}) as connection:
            connection.execute(SQL).fetchall()
            connection.execute(SQL).fetchall()
        with mm.connect(service.url, headers={"X-Client-Session": "mine"}) as other:
            other.execute(SQL, begin="2026-11-01T00:00:00.123456789Z", end=mm.ALL_TIME and None)
        first, second, third = (call.headers for call in service.calls)
    assert first["x-team"] == "a~ b"
    assert first["preserve_dictionary"] == "true"
    assert first["x-client-type"] == "python"
    assert first["x-client-agent"] == "nightly"
    assert first["x-client-entrypoint"] == "script"
    assert first["x-client-session"] == second["x-client-session"]
    assert third["x-client-session"] == "mine"
    assert "query_range_begin" not in first
    assert third["query_range_begin"] == "2026-11-01T00:00:00.123456789Z"
    assert third["query_range_end"] == "2262-04-11T23:47:16.854775807Z"


# -- TLS -------------------------------------------------------------------------------------------


@dataclass
class Certificates:
    """Files of an authority, of another one, and of a client."""

    ca: str
    other: str
    client: tuple[str, str]
    both: str
    server: trustme.LeafCert = field(repr=False)

    def credentials(self, *, client: bool = False) -> Any:
        pair = (self.server.private_key_pem.bytes(), self.server.cert_chain_pems[0].bytes())
        roots = Path(self.ca).read_bytes() if client else None
        return grpc.ssl_server_credentials([pair], roots, client)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")
    ca, other = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    other.cert_pem.write_to_path(str(folder / "other.pem"))
    client = ca.issue_cert("client@example.org")
    client.private_key_pem.write_to_path(str(folder / "client.key"))
    client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    client.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    return Certificates(
        str(folder / "ca.pem"),
        str(folder / "other.pem"),
        (str(folder / "client.pem"), str(folder / "client.key")),
        str(folder / "both.pem"),
        ca.issue_cert("service.example"),
    )


def test_tls(certificates: Certificates) -> None:
    name = {"server_name": "service.example"}
    with replaying(None, [], OK, credentials=certificates.credentials()) as service:
        for options in ({"verify": certificates.ca, **name}, {"verify": False}):
            with mm.connect(service.url, token="t", **options) as connection:
                assert connection.execute(SQL).fetchall() == ROWS
        with mm.connect(f"{service.url}?verify={certificates.ca}&server_name=service.example") as c:
            assert c.execute(SQL).fetchall() == ROWS
    with replaying(None, [], OK, credentials=certificates.credentials(client=True)) as service:
        for cert in (certificates.client, certificates.both):
            with mm.connect(service.url, verify=certificates.ca, cert=cert, **name) as connection:
                assert connection.execute(SQL).fetchall() == ROWS
        with mm.connect(service.url, verify=certificates.ca, **name) as connection:
            with pytest.raises(mm.OperationalError, match="or a client certificate"):
                connection.execute(SQL)


def test_tls_from_the_environment(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.ca)
    with replaying(None, [], OK, credentials=certificates.credentials()) as service:
        with mm.connect(service.url, server_name="service.example") as connection:
            assert connection.execute(SQL).fetchall() == ROWS


def test_a_handshake_that_fails_explains_itself(certificates: Certificates) -> None:
    ca, other, name = certificates.ca, certificates.other, "service.example"
    with (
        replaying(None, [], OK, credentials=certificates.credentials()) as secure,
        replaying(None, [], OK) as plain,
    ):
        grpc_ = secure.url.replace("grpc+tls", "grpc")
        tls = plain.url.replace("grpc", "grpc+tls")
        for url, options, words in [
            (secure.url, {"verify": ca}, "is for another host (set server_name=NAME"),
            (secure.url, {"verify": other, "server_name": name}, "is not from a trusted authority"),
            (secure.url, {"server_name": name}, "is not from a trusted authority"),
            (tls, {"verify": ca}, "does not support TLS: is the service unencrypted"),
            (grpc_, {}, "does it require TLS (grpc+tls://)"),
            (secure.url, {"verify": __file__}, "must be paths of files with certificates"),
        ]:
            with mm.connect(url, **options) as connection:
                with pytest.raises(mm.OperationalError) as caught:
                    connection.execute(SQL)
            assert words in str(caught.value)
            assert caught.value.status == "UNAVAILABLE"
            assert caught.value.retryable is ("require TLS" in words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"verify": "no/such/file"}, "verify='no/such/file' cannot be read"),
        ({"cert": "no/such/file"}, "cert='no/such/file' cannot be read"),
        ({"verify": ""}, "verify=''; accepted: True, False, a path"),
        ({"proxies": {}}, "does not accept the options: proxies"),
        ({"spool_bytes": 1}, "does not accept the options: spool_bytes"),
        ({"data_source": "x"}, "does not accept the options: data_source"),
        ({"keepalive_ms": -1}, "keepalive_ms=-1; accepted: an integer"),
        ({"keepalive_ms": 0.5}, "keepalive_ms=0.5; accepted: an integer"),
        ({"preserve_dictionary": "no"}, "preserve_dictionary='no'; accepted: True, False"),
    ],
)
def test_options_that_are_wrong(options: dict[str, Any], words: str) -> None:
    with pytest.raises(mm.ProgrammingError, match=words):
        mm.connect("grpc+tls://localhost", **options)


def test_nothing_is_printed(certificates: Certificates) -> None:
    """Neither by gRPC, which logs failed handshakes, nor by an error that is raised."""
    script = """
        import micromegas_dbapi as mm
        for url in {urls!r}:
            with mm.connect(url, verify={ca!r}) if "tls" in url else mm.connect(url) as connection:
                try:
                    connection.execute("SELECT 1").fetchall()
                except mm.Error as error:
                    print(type(error).__name__)
    """
    refused = Reply([], "INTERNAL", ENGINE)
    with (
        replaying(None, [], refused, credentials=certificates.credentials()) as secure,
        replaying(None, [], refused) as plain,
    ):
        urls = [secure.url, plain.url.replace("grpc", "grpc+tls"), plain.url, "grpc://localhost:1"]
        code = textwrap.dedent(script).format(urls=urls, ca=certificates.ca)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.split() == ["OperationalError"] * 2 + ["DataError", "OperationalError"]


# -- waiting, and giving up ------------------------------------------------------------------------


def raised(action: Callable[[], Any]) -> mm.Error:
    with pytest.raises(mm.Error) as caught:
        action()
    return caught.value


def test_timeouts() -> None:
    slow, stalling = Reply(OK.messages, delay=1, pause=90), Reply(OK.messages, pause=90)
    for reply, timeout, words in [
        (slow, mm.Timeout(read=0.3), "no data from 127.0.0.1"),
        (stalling, mm.Timeout(read=0.3), "no data from 127.0.0.1"),
        (slow, mm.Timeout(total=0.3), "in the time allowed (timeout=Timeout(total=...))"),
        (stalling, mm.Timeout(total=0.3), "in the time allowed (timeout=Timeout(total=...))"),
    ]:
        with replaying(None, [], reply) as service:
            with mm.connect(service.url, timeout=timeout) as connection:
                error = raised(lambda: connection.execute(SQL).fetchall())
                assert words in str(error)
                assert type(error) is mm.OperationalError
                assert error.retryable is False
                assert service.stopped.wait(30), "the service works on"


def test_the_service_is_told_of_the_total_time() -> None:
    seen: list[float | None] = []

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> Any:
            def answer(request: bytes, context: Any) -> Iterator[bytes]:
                seen.append(context.time_remaining())
                yield from OK.messages

            return grpc.unary_stream_rpc_method_handler(answer)

    server = grpc.server(ThreadPoolExecutor(2), handlers=(Handler(),))
    url = f"grpc://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}?total_timeout=60"
    server.start()
    with mm.connect(url) as connection:
        connection.execute(SQL).fetchall()
    with mm.connect(url.partition("?")[0]) as connection:
        connection.execute(SQL).fetchall()
    server.stop(None).wait()
    assert seen[0] is not None
    assert 50 < seen[0] < 61
    assert seen[1] is None or seen[1] > 10**6


def test_no_connection() -> None:
    with socket.socket() as silent:  # accepts, but never responds
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"grpc://127.0.0.1:{silent.getsockname()[1]}"
        with mm.connect(url, timeout=mm.Timeout(connect=0.5)) as connection:
            start = time.monotonic()
            error = raised(lambda: connection.execute(SQL))
        assert "within 0.5 s" in str(error)
        assert error.retryable is True
        assert time.monotonic() - start > 0.3
    with mm.connect("grpc://127.0.0.1:1") as connection:
        error = raised(lambda: connection.execute(SQL))
        assert "127.0.0.1:1 cannot be reached" in str(error)
        assert "Connection refused" in str(error)


@contextmanager
def streaming(rows: int = 1000, batches: int = 10**6, before: float = 0) -> Iterator[Any]:
    """A service that creates rows on demand; `made` counts the batches."""

    class Server(fl.FlightServerBase):  # type: ignore[misc]
        made = 0
        ended = threading.Semaphore(0)

        def do_get(self, context: Any, ticket: Any) -> Any:
            Server.made = 0
            schema = pa.schema([("number", pa.int64())])

            def make() -> Iterator[pa.RecordBatch]:
                try:
                    time.sleep(before)
                    for at in range(batches):
                        numbers = pa.array(range(at * rows, (at + 1) * rows), pa.int64())
                        yield pa.record_batch([numbers], schema)
                        Server.made += 1
                finally:
                    Server.ended.release()

            return fl.GeneratorStream(schema, make())

    with Server("grpc://127.0.0.1:0") as server:
        yield server


def test_rows_come_as_they_are_made() -> None:
    with streaming() as server, mm.connect(f"grpc://127.0.0.1:{server.port}") as connection:
        cursor = connection.execute("SELECT number FROM endless")
        assert cursor.fetchmany(3) == [(0,), (1,), (2,)]
        made = -1
        while made < server.made:  # until all buffers are full
            made = server.made
            time.sleep(0.2)
        assert made < 2000, "the service does not wait for us"
        assert cursor.fetchone() == (3,)
        assert not server.ended.acquire(blocking=False)
        cursor.close()
        assert server.ended.acquire(timeout=30), "the service works on"


@pytest.mark.parametrize("how", ["cancel", "close", "execute", "forget", "connection"])
def test_a_query_that_is_given_up_stops(how: str) -> None:
    with streaming() as server, mm.connect(f"grpc://127.0.0.1:{server.port}") as connection:
        cursor = connection.execute("SELECT number FROM endless")
        assert cursor.fetchone() == (0,)
        if how == "forget":
            del cursor
            gc.collect()
        elif how == "connection":
            connection.close()
        elif how == "execute":
            assert cursor.execute("SELECT number FROM endless").fetchone() == (0,)
        else:
            getattr(cursor, how)()
        assert server.ended.acquire(timeout=30), "the service works on"
        if how == "cancel":
            for _ in range(2):
                with pytest.raises(mm.OperationalError, match="the query was cancelled"):
                    cursor.fetchall()


def test_what_was_handed_over_is_the_callers() -> None:
    with streaming(batches=50) as server:
        with mm.connect(f"grpc://127.0.0.1:{server.port}") as connection:
            cursor = connection.execute("SELECT number FROM long")
            reader = cursor.fetch_record_batch()
            cursor.close()
            assert sum(batch.num_rows for batch in reader) == 50_000


def waits(where: str, service: Replay, cursor: mm.Cursor) -> Callable[[], object]:
    """Whether a statement has been sent, or its columns have come."""
    return lambda: service.calls if where == "execute" else cursor.description


@pytest.mark.parametrize("wait", ["execute", "fetch"])
def test_cancel_from_another_thread(wait: str) -> None:
    slow = Reply(OK.messages, delay=1 if wait == "execute" else 0, pause=90)
    with replaying(None, [], slow, OK) as service, mm.connect(service.url) as connection:
        cursor = connection.cursor()
        with once(waits(wait, service, cursor), cursor.cancel):
            error = raised(lambda: cursor.execute(SQL).fetchall())
        assert str(error) == "the query was cancelled"
        assert (error.sql, error.query_id) == (SQL, cursor.query_id)
        assert service.stopped.wait(30), "the service works on"
        assert cursor.execute(SQL).fetchall() == ROWS


def test_cancel_of_what_does_not_run() -> None:
    with replaying(None, [], OK) as service, mm.connect(service.url) as connection:
        cursor = connection.cursor()
        cursor.cancel()
        assert cursor.execute(SQL).fetchall() == ROWS
        cursor.cancel()
        assert cursor.fetchall() == []
        assert cursor.execute(SQL).fetchall() == ROWS


@pytest.mark.parametrize("wait", ["execute", "fetch"])
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="Windows has no such signals")
def test_ctrl_c(wait: str) -> None:
    slow = Reply(OK.messages, delay=1 if wait == "execute" else 0, pause=90)
    with replaying(None, [], slow, OK) as service, mm.connect(service.url) as connection:
        cursor = connection.cursor()
        main = threading.get_ident()
        interrupt = partial(signal.pthread_kill, main, signal.SIGINT)
        with once(waits(wait, service, cursor), interrupt), pytest.raises(KeyboardInterrupt):
            cursor.execute(SQL).fetchall()
        assert service.stopped.wait(30), "the service works on"
        assert connection.execute(SQL).fetchall() == ROWS


# -- sizes, threads, processes ---------------------------------------------------------------------


def test_large_messages() -> None:
    """gRPC accepts 4 MB by default, and the generic driver 16 MB."""
    large = pa.table({"text": ["x" * 40_000_000]})
    with replaying(None, [], Reply(messages(large))) as service:
        with mm.connect(service.url) as connection:
            [(text,)] = connection.execute(SQL).fetchall()
            assert len(text) == 40_000_000


def test_large_statements() -> None:
    sql = f"SELECT '{'x' * 3_000_000}'"
    with replaying(None, [], OK) as service, mm.connect(service.url) as connection:
        assert connection.execute(sql).fetchall() == ROWS
        assert sql.encode() in service.calls[0].request


def test_threads_share_a_connection() -> None:
    with replaying(None, [], OK) as service, mm.connect(service.url) as connection:

        def ask(_: int) -> bool:
            return connection.execute(SQL).fetchall() == ROWS

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(200)))
        assert len(service.calls) == 200


def test_threads_end_with_the_connection() -> None:
    def ours() -> int:
        return sum(thread.name == "micromegas" for thread in threading.enumerate())

    before = ours()
    with replaying(None, [], OK) as service, mm.connect(service.url) as connection:
        for _ in range(20):
            connection.execute(SQL).fetchall()
        assert ours() <= before + 2
    until(lambda: ours() <= before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_is_told() -> None:
    """Calls of gRPC would never return in it."""
    script = """
        import os, micromegas_dbapi as mm
        connection = mm.connect({url!r})
        connection.execute("SELECT 1").fetchall()
        child = os.fork()
        if child == 0:
            for c in (connection, mm.connect({url!r})):
                try:
                    c.execute("SELECT 1")
                except mm.NotSupportedError as error:
                    print("forked" in str(error), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print(len(connection.execute("SELECT 1").fetchall()))
    """
    with replaying(None, [], OK) as service:
        code = textwrap.dedent(script).format(url=service.url)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.stdout.split() == ["True", "True", "10"], done.stderr


def test_the_end_of_the_process_waits_for_nobody() -> None:
    script = "import micromegas_dbapi as mm, threading; c = mm.connect({url!r}).cursor()\n"
    script += "threading.Thread(target=lambda: c.execute('SELECT 1'), daemon=True).start()\n"
    script += "input()"
    pipe = subprocess.PIPE
    with replaying(None, [], Reply(OK.messages, delay=100)) as service:
        command = [sys.executable, "-c", script.format(url=service.url)]
        with subprocess.Popen(command, stdin=pipe, stderr=pipe) as process:
            try:
                until(lambda: service.calls)
                _, errors = process.communicate(b"\n", timeout=60)
            finally:
                process.kill()
    assert process.returncode == 0, errors


def test_errors_of_a_server_of_pyarrows_own() -> None:
    """It sends the class of the error that pyarrow raises, and a traceback."""

    class Server(fl.FlightServerBase):  # type: ignore[misc]
        def do_get(self, context: Any, ticket: Any) -> Any:
            sql = ticket.ticket.decode()
            for kind in (fl.FlightUnauthenticatedError, fl.FlightServerError):
                if kind.__name__ in sql:
                    raise kind(ENGINE)

    with Server("grpc://127.0.0.1:0") as server:
        with mm.connect(f"grpc://127.0.0.1:{server.port}") as connection:
            for sql, kind in [
                ("SELECT 'FlightUnauthenticatedError'", mm.OperationalError),
                ("SELECT 'FlightServerError'", mm.DataError),
            ]:
                with pytest.raises(mm.Error) as caught:
                    connection.execute(sql)
                assert type(caught.value) is kind
                assert "Divide by zero" in str(caught.value)
                assert "gRPC client debug" not in str(caught.value)


def test_a_text_of_pyarrow_that_is_new() -> None:
    error = from_flight(fl.FlightError("something else"), Request(SQL, None, "q"), "host:1", 1.0)
    assert type(error) is mm.OperationalError
    assert str(error) == "cannot read the response of host:1: something else"
