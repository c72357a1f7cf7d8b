"""The local service's web endpoints respond like the real ones: every recorded request."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from micromegas_dbapi.server import LocalService
from tests.server.recent_services import DIFFERENT, check_rows, check_texts, columns, rows, serving
from tests.server.test_server_gateway import body_of, send
from tests.server.work import needs_proc, rests
from tests.wire.recordings import case, index, names

Wire = Callable[[str], Path]
WIRE, DATA = "web-0.30", "flight-0.30"
# The service required credentials in these recordings; the local service never does.
CASES = [name for name in names(WIRE) if not name.startswith("auth_on")]
PATH = "/mm/api/query-stream"


@pytest.fixture(scope="module")
def service(wire: Wire) -> Iterator[LocalService]:
    with serving(wire(DATA) / "data") as made:
        yield made


def frames(body: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """Split a stream into its lines of JSON and the Arrow messages between them."""
    lines, stream = [], b""
    while body:
        line, newline, body = body.partition(b"\n")
        assert newline
        lines.append(json.loads(line))
        size = lines[-1].get("size", 0)
        assert size <= len(body)
        stream += body[:size]
        body = body[size:]
    return lines, stream


@pytest.mark.parametrize("name", CASES)
def test_recorded_request(service: LocalService, wire: Wire, name: str) -> None:
    recorded, (how, _) = case(wire(WIRE), name), DIFFERENT.get(name, ("", ""))
    status, headers, body = send(service, recorded.method, recorded.path, body_of(recorded))
    assert status == recorded.status
    assert headers["content-type"] == recorded.headers["content-type"]
    if "arrow-stream" not in headers["content-type"]:
        assert body == recorded.body
        return
    assert headers["transfer-encoding"] == "chunked"
    (ours, stream), (theirs, expected) = frames(body), frames(recorded.body)
    if how == "fails":
        assert (theirs[-1]["type"], ours[-1]["type"]) == ("done", "error")
        return
    if how == "code":
        assert (theirs[-1]["type"], ours[-1]["type"]) == ("error", "error")
        assert ours[-1]["code"] != theirs[-1]["code"]
        return
    assert [line["type"] for line in ours] == [line["type"] for line in theirs]
    assert list(map(list, ours)) == list(map(list, theirs))  # the keys, in their order
    last, last_expected = ours.pop(), theirs.pop()
    if last["type"] == "error":
        assert last["code"] == last_expected["code"]
        texts = (told["message"].removesuffix('"') for told in (last, last_expected))
        check_texts(*(text.replace("\\n", "\n") for text in texts), how)
    if not ours:
        assert last["type"] == "error"
        return
    found, answer = (pa.ipc.open_stream(each).read_all() for each in (stream, expected))
    assert columns(found.schema) == columns(answer.schema)
    check_rows(rows(found), rows(answer), how if last["type"] == "done" else "")
    assert sum(line.get("rows", 0) for line in ours) == found.num_rows


def test_every_recording_is_sent() -> None:
    assert len(CASES) == 144
    assert all(entry["method"] in ("POST", "GET") for entry in index(WIRE))


# -- behaviour without recordings -----------------------------------------------------------------


def ask(service: LocalService, path: str = PATH, **asked: object) -> tuple[int, bytes]:
    asked = {"data_source": "main", **asked}
    status, _, body = send(service, "POST", path, json.dumps(asked).encode())
    return status, body


def test_with_and_without_a_base_path(service: LocalService) -> None:
    answers = {ask(service, path, sql="SELECT 1") for path in (PATH, "/api/query-stream")}
    assert len(answers) == 1
    assert answers.pop()[0] == 200
    sources = {send(service, "GET", f"{base}/api/data-sources", b"")[2] for base in ("", "/mm")}
    assert sources == {b'[{"name":"main","is_default":true}]'}
    assert send(service, "GET", PATH, b"")[0] == 405
    assert send(service, "POST", "/other/api/query-stream", b"{}")[0] == 404


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"params": ["a"]}, 422, b"params: invalid type: sequence, expected a map"),
        ({"params": {"a": 1}}, 422, b"params: invalid type: integer `1`, expected a string"),
        ({"begin": 5}, 422, b"begin: invalid type: integer `5`, expected a string"),
        ({"data_source": ""}, 400, b"No data source specified"),
        ({"data_source": None}, 400, b"No data source specified"),
        ({"sql": "select RETIRE_partition_by_file(1)"}, 403, b"'retire_partition_by_file' is not"),
        ({"notebook": "n", "cell": "c", "params": {}}, 200, b'{"type":"done"}'),
    ],
)
def test_bodies(service: LocalService, asked: dict[str, Any], status: int, said: bytes) -> None:
    found, body = ask(service, **{"sql": "SELECT 1", **asked})
    assert (found, said in body) == (status, True), body


def test_batches_are_compressed_and_of_moderate_size(service: LocalService) -> None:
    sql = "SELECT value, repeat('x', 1000) AS text FROM generate_series(1, 20000) ORDER BY value"
    status, body = ask(service, sql=sql)
    lines, stream = frames(body)
    assert status == 200
    assert len(lines) > 10
    assert len(stream) < 1_000_000
    table = pa.ipc.open_stream(stream).read_all()
    assert table["value"].to_pylist() == list(range(1, 20001))
    assert set(table["text"].to_pylist()) == {"x" * 1000}


@needs_proc
def test_the_first_rows_come_while_others_are_computed(service: LocalService) -> None:
    """The query ends when the client disconnects."""
    sql = "SELECT value AS v FROM generate_series(1, 100000000000)"
    netloc = urlsplit(service.url).netloc
    with closing(http.client.HTTPConnection(netloc, timeout=30)) as connection:
        body = json.dumps({"sql": sql, "data_source": "main"})
        connection.request("POST", PATH, body, {"content-type": "application/json"})
        client = connection.sock
        answer = connection.getresponse()
        schema = json.loads(answer.readline())
        answer.read(schema["size"])
        batch = json.loads(answer.readline())
        assert (batch["type"], batch["rows"]) == ("batch", 8192)
        client.shutdown(socket.SHUT_RDWR)
    assert rests(), "the engine goes on"
