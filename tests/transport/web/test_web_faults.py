"""Faults of the web app: stalled, truncated and damaged streams, credentials, data sources."""

from __future__ import annotations

import gc
import gzip
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
import requests
import urllib3

import micromegas_dbapi as mm
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.web.framing import Frames
from tests.waiting import until
from tests.wire.replay import Answer, Server, replay

SQL = "SELECT number, text FROM (VALUES (1, 'a')) AS some (number, text)"
CHUNKED = {"transfer-encoding": "chunked"}
BATCHES = [
    pa.RecordBatch.from_pydict({"number": [start, start + 1], "text": ["a", None]})
    for start in (0, 2, 4)
]
ROWS = [(0, "a"), (1, None), (2, "a"), (3, None), (4, "a"), (5, None)]

# -- frames ----------------------------------------------------------------------------------------


def frame(kind: str, payload: bytes = b"", **header: Any) -> bytes:
    size = {"size": len(payload)} if payload else {}
    return json.dumps({"type": kind, **size, **header}).encode() + b"\n" + payload


def messages(batches: list[pa.RecordBatch], **options: Any) -> tuple[bytes, list[bytes]]:
    """Return the message of the schema and those of each batch, as in an IPC stream."""
    sink = io.BytesIO()
    written = pa.ipc.IpcWriteOptions(compression="lz4", **options)
    schema = batches[0].schema.serialize().to_pybytes()
    ends = [len(schema)]
    with pa.ipc.new_stream(sink, batches[0].schema, options=written) as writer:
        for batch in batches:
            writer.write_batch(batch)
            ends.append(sink.tell())
    stream = sink.getvalue()
    assert stream.startswith(schema)
    return schema, [stream[start:end] for start, end in pairwise(ends)]


def frames(batches: list[pa.RecordBatch], **options: Any) -> list[bytes]:
    schema, rest = messages(batches, **options)
    return [
        frame("schema", schema),
        *(
            frame("batch", payload, rows=batch.num_rows)
            for payload, batch in zip(rest, batches, strict=True)
        ),
        frame("done"),
    ]


SCHEMA, *MIDDLE, DONE = frames(BATCHES)
BODY = b"".join([SCHEMA, *MIDDLE, DONE])
EMPTY = SCHEMA + DONE


def error(code: str, message: str) -> bytes:
    return frame("error", code=code, message=message)


def tonic(code: str, text: str) -> str:
    return f"Tonic error: code: '{code}', message: {json.dumps(text)}"


def connect(server: Server | Steps, **options: Any) -> mm.Connection:
    return mm.connect(f"web+{server.url}/mm", **{"data_source": "main", **options})


def failure(*answers: Answer, **options: Any) -> mm.Error:
    with replay(*answers) as server, connect(server, **options) as connection:
        return failed(connection)


def failed(connection: mm.Connection) -> mm.Error:
    cursor = connection.cursor()
    with pytest.raises(mm.Error) as caught:
        cursor.execute(SQL).fetchall()
    assert caught.value.sql == SQL
    assert caught.value.query_id == cursor.query_id is not None
    return caught.value


# -- a server that goes on when it is told to ------------------------------------------------------


class Steps:
    """A server for one connection at a time that sends a part of the response on each `go`."""

    def __init__(self, pieces: list[bytes], headers: bytes) -> None:
        self._pieces = pieces
        self._headers = headers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self._tokens = threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent = 0
        self.asked = threading.Event()
        self.gone = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def go(self, count: int = 1) -> None:
        for _ in range(count):
            self._tokens.release()

    def _serve(self) -> None:
        with suppress(OSError), self._listener.accept()[0] as client:
            client.settimeout(20)
            seen = b""
            while b"}" not in seen:  # the end of the request's body
                seen += client.recv(65536)
            self.asked.set()
            chunked = b"chunked" in self._headers
            client.sendall(b"HTTP/1.1 200 OK\r\n" + self._headers + b"\r\n")
            watch = threading.Thread(target=self._watch, args=(client,))
            watch.start()
            for piece in self._pieces:
                self._tokens.acquire(timeout=20)
                if self.gone.is_set():
                    break
                self.sent += 1
                client.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            else:
                if chunked:
                    client.sendall(b"0\r\n\r\n")
                else:
                    client.shutdown(socket.SHUT_WR)
            watch.join(20)

    def _watch(self, client: socket.socket) -> None:
        with suppress(OSError):
            while client.recv(65536):
                pass
        self.gone.set()
        self._tokens.release()


@contextmanager
def stepping(*pieces: bytes, headers: bytes = b"transfer-encoding: chunked\r\n") -> Iterator[Steps]:
    server = Steps(list(pieces), headers)
    try:
        yield server
    finally:
        server._listener.close()
        server.thread.join(20)
        assert not server.thread.is_alive()


UNTIL_CLOSE = b"connection: close\r\n"


@pytest.mark.parametrize("headers", [b"transfer-encoding: chunked\r\n", UNTIL_CLOSE])
def test_each_batch_comes_when_it_is_there(headers: bytes) -> None:
    with stepping(SCHEMA, *MIDDLE, DONE, headers=headers) as server, connect(server) as connection:
        server.go()
        cursor = connection.execute(SQL)  # returns before the first row arrives
        assert [column.name for column in cursor.description or ()] == ["number", "text"]
        assert server.sent == 1
        server.go()
        assert cursor.fetchmany(2) == ROWS[:2]
        assert server.sent == 2
        server.go(3)
        assert cursor.fetchall() == ROWS[2:]
        assert cursor.rowcount == 6


def test_the_service_is_not_ahead_of_who_reads() -> None:
    """Frames are read on demand: memory holds one, for responses of any size."""
    number = pa.array(range(2**17), pa.int64())
    big = pa.RecordBatch.from_arrays([pa.array([str(n) for n in range(2**17)]), number], ["s", "n"])
    schema, *middle, done = frames([big] * 2)
    with stepping(schema, *middle * 40, done) as server, connect(server) as connection:
        server.go(1000)
        before = pa.total_allocated_bytes()
        reader = connection.execute(SQL).fetch_record_batch()
        reader.read_next_batch()
        time.sleep(0.1)
        ahead, size = server.sent, len(middle[0])
        assert (ahead - 2) * size < 20 * 2**20 < 80 * size  # socket buffers
        rows, most = big.num_rows, 0
        for batch in reader:
            rows += batch.num_rows
            most = max(most, pa.total_allocated_bytes() - before)
        assert rows == 80 * big.num_rows
        assert most < 5 * big.nbytes


def test_an_error_in_mid_stream_is_raised_by_the_fetch_that_meets_it() -> None:
    text = "error building data stream: Arrow error: Divide by zero error (query_id={})"
    query_id = "5fbd48e8-7ae2-437b-9236-aec95f432e29"
    broken = error("INTERNAL", tonic("Internal error", text.format(query_id)))
    with replay(Answer(headers=CHUNKED, body=SCHEMA + MIDDLE[0] + broken)) as server:
        with connect(server) as connection:
            cursor = connection.execute(SQL)
            assert cursor.fetchmany(2) == ROWS[:2]
            raised = []
            for fetch in (cursor.fetchone, cursor.fetchall, cursor.fetchone):
                with pytest.raises(mm.DataError) as caught:
                    fetch()
                raised.append(caught.value)
            assert raised[0] is raised[1] is raised[2]
            assert (raised[0].status, raised[0].query_id) == ("INTERNAL", query_id)
            assert cursor.rowcount == -1
            with pytest.raises(mm.DataError):
                connection.execute(SQL).fetch_arrow_table()
            assert len({request.port for request in server.requests}) == 1  # reused


# -- what is no whole answer -----------------------------------------------------------------------


def decoded(body: bytes, headers: dict[str, str] | None = None) -> pa.Table:
    """Decode a complete body from urllib3 without a socket."""
    response = requests.Response()
    response.status_code = 200
    response.raw = urllib3.HTTPResponse(
        io.BytesIO(body), headers=headers or {}, status=200, preload_content=False
    )

    found = Frames(response, 1, Request(SQL, None, "q"))
    return pa.Table.from_batches(list(found), found.schema)


def test_a_body_cut_anywhere_is_an_error() -> None:
    assert decoded(BODY).num_rows == len(ROWS)
    assert decoded(BODY[:-1] + b"\n").num_rows == len(ROWS)
    for length in range(len(BODY)):
        with pytest.raises(mm.OperationalError) as caught:
            decoded(BODY[:length])
        assert "the response was truncated after" in str(caught.value), length
        assert (caught.value.status, caught.value.retryable) == (200, None)


@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.5, 0.9, 0.99])
def test_cut_on_the_wire(headers: dict[str, str], share: float) -> None:
    answer = Answer(200, headers, BODY, cut_after=int(len(BODY) * share))
    with replay(answer) as server, connect(server) as connection:
        cursor = connection.cursor()
        fetched = []
        with pytest.raises(mm.OperationalError, match="the response was truncated after") as caught:
            cursor.execute(SQL)
            while True:
                fetched.append(cursor.fetchone())
        assert fetched == ROWS[: len(fetched)]
        assert len(fetched) % 2 == 0  # batches are complete
        assert (caught.value.status, caught.value.retryable) == (200, None)


def test_ended_by_done_though_not_by_its_chunks() -> None:
    """Everything that matters has arrived."""
    answer = Answer(200, CHUNKED, BODY, cut_after=len(BODY))
    with replay(answer) as server, connect(server) as connection:
        assert connection.execute(SQL).fetchall() == ROWS


BATCH = messages(BATCHES)[1][0]
OTHER = frames([pa.RecordBatch.from_pydict({"x": ["a", "b"], "y": [1, 2]})])[1]
PAGE = b"<!DOCTYPE html>\n<html><body>an app of one page</body></html>"
DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty line": (b"\n" + BODY, "the response begins with b'': is this the Micromegas web app"),
    "a page": (PAGE, "the response begins with b'<!DOCTYPE html>': is this the Micromegas web app"),
    "no line": (b"x" * 2_000_000, "the response begins with b'xxxx"),
    "endless frame": (b"{" * 2_000_000, "the response begins with b'{{{{"),
    "no object": (b"[1]\n" + BODY, "the response begins with b'[1]'"),
    "no type": (b'{"size":5}\n', "the response begins with b'{\"size\":5}'"),
    "no utf-8": (b'{"type":"\xff"}\n', 'the response begins with b\'{"type":"\\xff"}\''),
    "deep": (b'{"type":' + b"[" * 100_000 + b"\n", 'the response begins with b\'{"type":[['),
    "no schema": (MIDDLE[0], "it begins with a frame of type 'batch'"),
    "done at once": (DONE, "it begins with a frame of type 'done'"),
    "unknown type": (frame("hello", b"x"), "it begins with a frame of type 'hello'"),
    "a second schema": (SCHEMA + SCHEMA, "there is a frame of type 'schema' after the schema"),
    "an unknown one": (SCHEMA + frame("hello", b"x"), "of type 'hello' after the schema"),
    "garbage": (SCHEMA + b"garbage\n", "a frame of the response begins with b'garbage'"),
    "no size": (b'{"type":"schema"}\n', "the size None"),
    "size 0": (b'{"type":"schema","size":0}\n', "the size 0"),
    "negative size": (SCHEMA + b'{"type":"batch","size":-1}\n', "the size -1"),
    "fractional size": (SCHEMA + b'{"type":"batch","size":1.5}\n', "the size 1.5"),
    "size as a text": (SCHEMA + b'{"type":"batch","size":"9"}\n', "the size '9'"),
    "size true": (SCHEMA + b'{"type":"batch","size":true}\n', "the size True"),
    "huge size": (SCHEMA + b'{"type":"batch","size":99999999999}\n', "the size 99999999999"),
    "large size": (
        SCHEMA + b'{"type":"batch","size":4000000000}\nx',
        "3999999999 are missing",
    ),
    "schema garbage": (frame("schema", b"garbage" * 20), "its schema cannot be decoded"),
    "schema too long": (
        frame("schema", messages(BATCHES)[0] + b"12345678"),
        "contains more than a schema",
    ),
    "batch garbage": (SCHEMA + frame("batch", b"garbage" * 20), "a batch cannot be decoded"),
    "batch cut": (SCHEMA + frame("batch", BATCH[:-8]), "a batch cannot be decoded"),
    "batch cut early": (SCHEMA + frame("batch", BATCH[:20]), "a batch cannot be decoded"),
    "two batches": (SCHEMA + frame("batch", BATCH * 2), "a frame contains more than one batch"),
    "trailing bytes": (SCHEMA + frame("batch", BATCH + bytes(8)), "more than one batch"),
    "no batch": (SCHEMA + frame("batch", b"\xff\xff\xff\xff\0\0\0\0"), "a frame contains no batch"),
    "rows": (SCHEMA + frame("batch", BATCH, rows=3), "a frame declares 3 rows but has 2"),
    "behind the end": (BODY + b"more", "after its end there is b'more'"),
    "behind an error": (error("INTERNAL", "x") + b"more", "after its end there is b'more'"),
}


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("what", DAMAGED)
@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
def test_damaged(what: str, headers: dict[str, str]) -> None:
    body, words = DAMAGED[what]
    if headers and len(body) > 10**6:
        return  # slow in chunks of 100 bytes
    found = failure(Answer(200, headers, body))
    assert type(found) is mm.OperationalError
    assert words in str(found)
    assert len(str(found)) < 500
    assert (found.status, found.retryable) == (200, None)


def test_a_frame_of_nonsense_is_an_error_or_other_values() -> None:
    """Flip each byte of a message: no other exception, and no crash."""
    payload = messages(BATCHES[:1])[1][0]
    for place in range(len(payload)):
        turned = bytearray(payload)
        turned[place] ^= 0xFF
        body = SCHEMA + frame("batch", bytes(turned)) + DONE
        with suppress(mm.OperationalError, mm.DataError):
            assert decoded(body).schema.names == ["number", "text"]


def test_rows_of_another_schema() -> None:
    with pytest.raises(mm.DataError, match="column 'number' was declared as int64, but it has"):
        decoded(SCHEMA + OTHER + DONE)


# -- Arrow's own business --------------------------------------------------------------------------


def dictionaries(*values: list[str]) -> list[pa.RecordBatch]:
    return [
        pa.RecordBatch.from_arrays(
            [pa.DictionaryArray.from_arrays(pa.array([0, None, len(words) - 1]), words)], ["d"]
        )
        for words in values
    ]


@pytest.mark.parametrize("deltas", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        [["a", "b"], ["a", "b"]],
        [["a"], ["a", "b"], ["a", "b", "c"]],
        [["a", "b"], ["c"], ["d", "a"]],
    ],
    ids=["the same", "growing", "replaced"],
)
def test_dictionaries(values: list[list[str]], deltas: bool) -> None:
    batches = dictionaries(*values)
    body = b"".join(frames(batches, emit_dictionary_deltas=deltas))
    with replay(Answer(200, CHUNKED, body)) as server, connect(server) as connection:
        fetched = connection.execute(SQL).fetchall()
        read = list(connection.execute(SQL).fetch_record_batch())
    assert fetched == [row for words in values for row in [(words[0],), (None,), (words[-1],)]]
    assert [batch.schema.field(0).type for batch in read] == [
        batches[0].schema.field(0).type
    ] * len(values)


def test_nothing_but_columns() -> None:
    with replay(Answer(body=EMPTY)) as server, connect(server) as connection:
        cursor = connection.execute(SQL)
        assert cursor.fetchall() == []
        assert [column.name for column in cursor.description or ()] == ["number", "text"]
        assert connection.execute(SQL).fetch_arrow_table().schema == BATCHES[0].schema


def test_no_columns_but_rows() -> None:
    empty = pa.RecordBatch.from_struct_array(pa.array([()] * 3, pa.struct([])))
    with replay(Answer(body=b"".join(frames([empty])))) as server, connect(server) as connection:
        assert connection.execute(SQL).fetchall() == [(), (), ()]


@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
def test_gzip(headers: dict[str, str]) -> None:
    """Services do not compress the body, but a proxy may."""
    answer = Answer(200, {**headers, "content-encoding": "gzip"}, gzip.compress(BODY))
    with replay(answer) as server, connect(server) as connection:
        assert connection.execute(SQL).fetchall() == ROWS
        assert server.requests[0].headers["accept-encoding"] == "identity"


# -- time, and giving up ---------------------------------------------------------------------------


def test_a_stall_in_mid_stream() -> None:
    with stepping(SCHEMA, *MIDDLE, DONE) as server, connect(server, timeout=1) as connection:
        server.go(2)
        cursor = connection.execute(SQL)
        assert cursor.fetchmany(2) == ROWS[:2]
        with pytest.raises(mm.OperationalError, match="the response stalled: no data for 1 s"):
            cursor.fetchone()
        with pytest.raises(mm.OperationalError, match="the response stalled"):
            cursor.fetchone()
        assert server.gone.wait(10)  # the service sees the disconnect


def test_a_stall_before_the_columns() -> None:
    with stepping(SCHEMA) as server, connect(server, timeout=1) as connection:
        assert "the response stalled" in str(failed(connection))


def cancelled(cursor: mm.Cursor) -> None:
    cursor.cancel()


def closed(cursor: mm.Cursor) -> None:
    cursor.close()


@pytest.mark.parametrize("steps", [0, 1, 2], ids=["before columns", "before rows", "in rows"])
def test_cancel_ends_a_wait(steps: int) -> None:
    with stepping(SCHEMA, *MIDDLE, DONE) as server, connect(server) as connection:
        server.go(steps)
        cursor = connection.cursor()
        raised: list[BaseException] = []

        def ask() -> None:
            try:
                cursor.execute(SQL).fetchall()
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: server.asked.is_set() and server.sent == steps)
        cursor.cancel()
        thread.join(15)  # the service would wait for 20 s
        assert not thread.is_alive()
        assert server.gone.wait(10)
    [error] = raised
    assert type(error) is mm.OperationalError
    assert str(error) == "the query was cancelled"
    assert (error.sql, error.retryable) == (SQL, False)


@pytest.mark.parametrize("leave", [cancelled, closed, lambda cursor: cursor.execute("SELECT 2")])
def test_the_service_sees_that_nobody_reads_on(leave: Callable[[mm.Cursor], None]) -> None:
    with stepping(SCHEMA, *MIDDLE, DONE) as server, connect(server, timeout=1) as connection:
        server.go(2)
        cursor = connection.execute(SQL)
        assert cursor.fetchone() == ROWS[0]
        with suppress(mm.Error):  # no server responds to the second statement
            leave(cursor)
        assert server.gone.wait(10)


def test_a_result_that_is_dropped_lets_go_of_its_socket() -> None:
    with stepping(SCHEMA, *MIDDLE, DONE) as server, connect(server) as connection:
        server.go(2)
        reader = connection.execute(SQL).fetch_record_batch()
        reader.read_next_batch()
        del reader
        gc.collect()
        assert server.gone.wait(10)


def test_the_total_time_ends_a_stream() -> None:
    timeout = mm.Timeout(total=1)
    with stepping(SCHEMA, *MIDDLE, DONE) as server, connect(server, timeout=timeout) as connection:
        server.go(2)
        cursor = connection.execute(SQL)
        assert cursor.fetchmany(2) == ROWS[:2]
        with pytest.raises(mm.OperationalError, match=r"was not complete within 1 s"):
            cursor.fetchone()


def test_the_total_time_is_over_with_the_answer() -> None:
    with replay(Answer(body=BODY)) as server:
        with connect(server, timeout=mm.Timeout(total=1)) as connection:
            cursor = connection.execute(SQL)
            assert cursor.fetchall() == ROWS
            time.sleep(1.1)
            assert cursor.fetchall() == []
            assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]
            assert connection.execute(SQL).fetchall() == ROWS


@pytest.mark.parametrize(
    "first",
    [
        Answer(200, CHUNKED, BODY),
        Answer(200, {}, BODY),
        Answer(200, CHUNKED, error("INVALID_SQL", "no")),
        Answer(403, {}, error("FORBIDDEN", "no")),
    ],
    ids=["chunked", "length", "error", "forbidden"],
)
def test_keep_alive(first: Answer) -> None:
    with replay(first, Answer(body=EMPTY)) as server, connect(server) as connection:
        with suppress(mm.Error):
            connection.execute(SQL).fetchall()
        connection.execute(SQL).fetchall()
        assert server.requests[0].port == server.requests[1].port


# -- what errors mean ------------------------------------------------------------------------------

ERRORS: list[tuple[str, str, type[mm.Error], Any, bool | None, str]] = [
    ("INVALID_SQL", "some words", mm.ProgrammingError, 200, False, "the query failed: some words"),
    ("INVALID_SQL", "Arrow error: Divide by zero error", mm.DataError, 200, False, "the query f"),
    ("INTERNAL", "Arrow error: Divide by zero error", mm.DataError, 200, False, "the query failed"),
    ("INTERNAL", "No schema in response", mm.OperationalError, 200, None, "reports INTERNAL: No"),
    ("FORBIDDEN", "retire", mm.NotSupportedError, 200, False, "does not allow this: retire"),
    ("CONNECTION_FAILED", "x", mm.OperationalError, 200, True, "cannot reach the service: x"),
    ("DATA_SOURCE_NOT_FOUND", "x", mm.ProgrammingError, 200, False, "unknown data source: x"),
    ("SOMETHING_NEW", "x", mm.OperationalError, 200, None, "the web app reports SOMETHING_NEW: x"),
    (
        "INVALID_SQL",
        tonic("The service is currently unavailable", "down"),
        mm.OperationalError,
        "UNAVAILABLE",
        True,
        "the service cannot be reached: down",
    ),
    (
        "INTERNAL",
        tonic("Some resource has been exhausted", "memory"),
        mm.OperationalError,
        "RESOURCE_EXHAUSTED",
        None,
        "the service does not have the resources for this query: memory",
    ),
]


@pytest.mark.parametrize("before", [b"", SCHEMA, SCHEMA + MIDDLE[0]], ids=["at once", "1", "2"])
@pytest.mark.parametrize(("code", "message", "kind", "status", "retryable", "words"), ERRORS)
def test_error(
    code: str,
    message: str,
    kind: type[mm.Error],
    status: Any,
    retryable: bool | None,
    words: str,
    before: bytes,
) -> None:
    found = failure(Answer(200, CHUNKED, before + error(code, message)))
    assert type(found) is kind
    assert words in str(found)
    assert str(found.__cause__) == message
    assert (found.status, found.retryable) == (status, retryable)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, b"", mm.OperationalError, "(unauthorized): credentials are missing or refused"),
        (401, b'{"code":"UNAUTHORIZED","message":"expired"}', mm.OperationalError, "expired"),
        (403, b'{"code":"FORBIDDEN","message":"no"}', mm.NotSupportedError, "does not allow this"),
        (403, PAGE, mm.OperationalError, "an HTML page: a proxy or a login page?"),
        (404, b"", mm.OperationalError, "and is the path prefix correct?"),
        (500, b'{"code":"DATABASE_ERROR","message":"x"}', mm.OperationalError, "DATABASE_ERROR: x"),
        (500, b"[1]", mm.OperationalError, "returned status 500: [1]"),
        (502, PAGE, mm.OperationalError, "(bad gateway)"),
        (302, b"", mm.OperationalError, "it redirects to ?"),
    ],
)
def test_status(status: int, body: bytes, kind: type[mm.Error], words: str) -> None:
    found = failure(Answer(status, body=body))
    assert type(found) is kind
    assert words in str(found)
    assert found.status == status


# -- who asks, and for which data source -----------------------------------------------------------

REFUSALS = [
    Answer(401),
    Answer(401, body=b'{"code":"UNAUTHORIZED","message":"expired"}'),
    Answer(
        200,
        CHUNKED,
        error(
            "INVALID_SQL",
            tonic("The request does not have valid authentication credentials", "invalid token"),
        ),
    ),
]


class Tokens:
    """A provider whose first token has expired."""

    def __init__(self) -> None:
        self.given = 0

    def get_token(self) -> str:
        self.given += 1
        return f"token-{self.given}"


@pytest.mark.parametrize("refusal", REFUSALS, ids=["401", "401 json", "frame"])
def test_a_refused_token_is_asked_for_anew(refusal: Answer) -> None:
    with replay(refusal, Answer(body=BODY)) as server:
        with connect(server, auth=Tokens()) as connection:
            assert connection.execute(SQL).fetchall() == ROWS
        sent = [request.headers["authorization"] for request in server.requests]
    assert sent == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["401", "401 json", "frame"])
@pytest.mark.parametrize("options", [{"token": "abc"}, {"auth": Tokens()}], ids=["fixed", "given"])
def test_refused_for_good(refusal: Answer, options: dict[str, Any]) -> None:
    with replay(refusal) as server, connect(server, **options) as connection:
        found = failed(connection)
        assert len(server.requests) == (2 if "auth" in options else 1)
    assert type(found) is mm.OperationalError
    assert "credentials are missing or refused" in str(found) or "expired" in str(found)
    assert found.status in (401, "UNAUTHENTICATED")


SOURCES: list[tuple[Answer, type[mm.Error], str]] = [
    (Answer(body=b"[]"), mm.ProgrammingError, "(data_source=...): there is none"),
    (
        Answer(body=b'[{"name":"main","is_default":true},{"name":"staging"}]'),
        mm.ProgrammingError,
        "select a data source (data_source=...): the web app has 'main', 'staging'",
    ),
    (
        Answer(body=b"{}x"),
        mm.OperationalError,
        "did not return a list of data sources: is this the Micromegas",
    ),
    (Answer(body=b'{"name":"main"}'), mm.OperationalError, "did not return a list of data sources"),
    (Answer(body=b'[{"id":1}]'), mm.OperationalError, "did not return a list of data sources"),
    (Answer(body=b'[{"name":1}]'), mm.OperationalError, "did not return a list of data sources"),
    (Answer(body=PAGE), mm.OperationalError, "did not return a list of data sources"),
    (Answer(body=b"[[", cut_after=1), mm.OperationalError, "the response was truncated"),
    (Answer(404), mm.OperationalError, "returned status 404"),
    (
        Answer(500, body=b'{"code":"DATABASE_ERROR","message":"Internal database error"}'),
        mm.OperationalError,
        "the web app reports DATABASE_ERROR: Internal database error",
    ),
]


@pytest.mark.parametrize(("answer", "kind", "words"), SOURCES)
def test_data_sources(answer: Answer, kind: type[mm.Error], words: str) -> None:
    with replay(answer) as server, connect(server, data_source=None) as connection:
        found = failed(connection)
        [asked] = server.requests
    assert (asked.method, asked.path) == ("GET", "/mm/api/data-sources")
    assert type(found) is kind
    assert words in str(found)


def test_the_data_source_that_is_named_is_not_asked_for() -> None:
    with replay(Answer(body=BODY)) as server:
        with mm.connect(f"web+{server.url}/mm?data_source=staging") as connection:
            connection.execute(SQL)
        [sent] = server.requests
    assert json.loads(sent.body)["data_source"] == "staging"


GONE = Answer(404, body=b'{"code":"DATA_SOURCE_NOT_FOUND","message":"no data source \'main\'"}')


def test_the_only_data_source_is_gone() -> None:
    """An error says so, because its range may be wrong for another one; then that is queried."""
    main, other = (Answer(body=b'[{"name":"%s"}]' % name) for name in (b"main", b"other"))
    answers = main, Answer(body=BODY), GONE, other, Answer(body=BODY)
    with replay(*answers) as server, connect(server, data_source=None) as connection:
        assert connection.execute(SQL).fetchall() == ROWS
        before = connection.transport.stamp()
        found = failed(connection)
        assert connection.transport.stamp() != before  # what is known is that of another service
        assert connection.execute(SQL).fetchall() == ROWS
        sources = [json.loads(each.body)["data_source"] for each in server.requests if each.body]
    assert sources == ["main", "main", "other"]
    assert (type(found), found.status, found.retryable) == (mm.ProgrammingError, 404, True)
    assert str(found) == (
        "unknown data source: no data source 'main': it was the only one before; if there is "
        "another one now, run the statement again to query that"
    )


def test_the_selected_data_source_is_gone() -> None:
    with replay(GONE) as server, connect(server) as connection:
        found = failed(connection)
        assert connection.transport.stamp() == 0
    assert (str(found), found.retryable) == (
        "unknown data source: no data source 'main'",
        False,
    )


@pytest.mark.parametrize("answer", [GONE, Answer(body=b"[]")], ids=["gone", "none"])
def test_a_service_without_data_source_is_not_an_old_one(answer: Answer) -> None:
    """Which cannot list its views either."""
    source = "main" if answer is GONE else None
    with replay(answer) as server, connect(server, data_source=source) as connection:
        with pytest.raises(mm.ProgrammingError, match="data source"):
            _ = connection.service


# -- the rest of the protocol ----------------------------------------------------------------------


def test_describe_asks_for_no_rows() -> None:
    with replay(Answer(body=EMPTY)) as server, connect(server) as connection:
        described = connection.cursor().describe(SQL)
        [sent] = server.requests
    assert [column.name for column in described] == ["number", "text"]
    assert json.loads(sent.body) == {
        "sql": f"SELECT * FROM (\n{SQL}\n) AS q LIMIT 0",
        "begin": None,
        "end": None,
        "data_source": "main",
    }


def test_describe_wants_no_more_than_columns() -> None:
    with replay(Answer(body=SCHEMA + error("INTERNAL", "x"))) as server:
        with connect(server) as connection:
            assert len(connection.cursor().describe(SQL)) == 2


NAMES = pa.RecordBatch.from_pydict({"table_name": ["log_entries", "log_stats"]})


@pytest.mark.parametrize(
    ("body", "generation"),
    [
        (b"".join(frames([NAMES])), "0.13"),
        (b"".join(frames([NAMES.slice(0, 1)])), "0.2"),
        (
            error(
                "INVALID_SQL",
                tonic("Client specified an invalid argument", "Error during planning: no table"),
            ),
            "0.2",
        ),
    ],
)
def test_service(body: bytes, generation: str) -> None:
    with replay(Answer(body=body)) as server, connect(server) as connection:
        service = connection.service
        assert (service.wire, service.generation, service.views) == ("web", generation, None)
        assert "information_schema.tables" in json.loads(server.requests[0].body)["sql"]


def test_service_that_cannot_be_asked() -> None:
    with replay(Answer(503)) as server, connect(server) as connection:
        with pytest.raises(mm.OperationalError, match="status 503"):
            _ = connection.service


def test_threads() -> None:
    """Many results at once, over one connection, each with its own rows."""
    with replay(Answer(200, CHUNKED, BODY)) as server, connect(server) as connection:
        found: list[list[Any]] = []

        def ask() -> None:
            for _ in range(5):
                found.append(connection.execute(SQL).fetchall())

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [ROWS] * 40
