"""The recordings are whole, and the server that replays them does what it says."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import lzma
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.wire import pack
from tests.wire.recordings import archive, case, cases, index, names
from tests.wire.replay import Answer, Server, replay

COUNTS = {
    "http-0.2.3": 232,
    "flight-0.2.3": 226,
    "flight-0.30": 391,
    "gateway-0.30": 149,
    "web-0.30": 147,
}
Wire = Callable[[str], Path]


def connect(server: Server, timeout: float = 10) -> closing[http.client.HTTPConnection]:
    netloc = server.url.removeprefix("http://")
    return closing(http.client.HTTPConnection(netloc, timeout=timeout))


def get(connection: http.client.HTTPConnection, path: str = "/") -> http.client.HTTPResponse:
    connection.request("GET", path)
    return connection.getresponse()


@pytest.mark.parametrize("name", COUNTS)
def test_recordings_are_whole(wire: Wire, name: str) -> None:
    folder = wire(name)
    entries = index(name)
    assert len(entries) == len(set(names(name))) == COUNTS[name]
    for entry in entries:
        body = folder / entry.get("body", f"bodies/{entry['name']}.messages")
        assert hashlib.sha256(body.read_bytes()).hexdigest() == entry["sha256"], entry["name"]
    # Not the packed bytes: another liblzma may compress otherwise.
    assert pack.tar(folder) == lzma.decompress(archive(name).read_bytes())


@pytest.mark.parametrize("name", ["http-0.2.3", "gateway-0.30", "web-0.30"])
def test_every_http_case_over_one_connection(wire: Wire, name: str) -> None:
    recorded = cases(wire(name))
    with replay(*recorded) as server, connect(server) as connection:
        for case in recorded:
            headers = {"host": "test", **case.request_headers}
            connection.request(case.method, case.path, case.request_bytes, headers)
            response = connection.getresponse()
            assert response.status == case.status, case.name
            assert response.getheaders() == list(case.headers.items()), case.name
            assert response.read() == case.body, case.name
    assert len({request.port for request in server.requests}) == 1
    for case, request in zip(recorded, server.requests, strict=True):
        assert (request.method, request.path) == (case.method, case.path)
        assert request.body == (case.request_bytes or b""), case.name
        assert case.request_headers.items() <= dict(request.headers).items(), case.name


def test_bytes_on_the_wire(wire: Wire) -> None:
    recorded = case(wire("http-0.2.3"), "wire_root")
    with replay(recorded) as server, socket.create_connection(server.server_address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        received = client.makefile("rb").read()
    assert received == (
        b"HTTP/1.1 404 Not Found\r\n"
        b"vary: origin, access-control-request-method, access-control-request-headers\r\n"
        b"access-control-allow-origin: *\r\n"
        b"content-length: 0\r\n\r\n"
    )


def test_answers_one_after_another_last_repeats() -> None:
    with replay(Answer(body=b"1"), Answer(500, body=b"2")) as server:
        with connect(server) as connection:
            seen = [(r.status, r.read()) for r in (get(connection, p) for p in ("/a", "/b", "/c"))]
        with connect(server) as connection:
            get(connection, "/prefix/d").read()
    assert seen == [(200, b"1"), (500, b"2"), (500, b"2")]
    assert [request.path for request in server.requests] == ["/a", "/b", "/c", "/prefix/d"]
    ports = [request.port for request in server.requests]
    assert ports[0] == ports[1] == ports[2] != ports[3]


@pytest.mark.parametrize("headers", [{}, {"transfer-encoding": "chunked"}])
def test_cut_body(headers: dict[str, str]) -> None:
    answer = Answer(headers=headers, body=bytes(1000), cut_after=150)
    with replay(answer) as server, connect(server) as connection:
        response = get(connection)
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
    assert len(caught.value.partial) == 150


def test_closed_after_the_answer_without_notice() -> None:
    with replay(Answer(body=b"whole", cut_after=5)) as server, connect(server) as connection:
        assert get(connection).read() == b"whole"
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            get(connection)


def test_no_answer() -> None:
    answer, error = Answer(drop=True), http.client.RemoteDisconnected
    with replay(answer) as server, connect(server) as connection, pytest.raises(error):
        get(connection)
    assert len(server.requests) == 1


def test_stalled_before_the_headers() -> None:
    start = time.monotonic()
    answer, error = Answer(delay=60), TimeoutError
    with replay(answer) as server, connect(server, 0.1) as connection, pytest.raises(error):
        get(connection)
    assert time.monotonic() - start < 10


def test_stalled_before_the_body() -> None:
    start = time.monotonic()
    answer = Answer(body=b"late", body_delay=60)
    with replay(answer) as server, connect(server, 1) as connection:
        response = get(connection)
        assert response.status == 200
        with pytest.raises(TimeoutError):
            response.read()
    assert time.monotonic() - start < 10


def test_delays_end() -> None:
    start = time.monotonic()
    answer = Answer(body=b"late", delay=0.05, body_delay=0.05)
    with replay(answer) as server, connect(server) as connection:
        assert get(connection).read() == b"late"
    assert time.monotonic() - start >= 0.1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(502, {"content-type": "text/html"}, b"<html>Bad Gateway</html>"),
        Answer(302, {"Location": "http://127.0.0.1/login"}),
        Answer(200, {"content-encoding": "gzip"}, gzip.compress(b"packed")),
    ],
    ids=["html", "redirect", "gzip"],
)
def test_answers_of_others(answer: Answer) -> None:
    with replay(answer) as server, connect(server) as connection:
        response = get(connection)
        assert response.status == answer.status
        length = ("content-length", str(len(answer.body)))
        assert response.getheaders() == [*answer.headers.items(), length]
        assert response.read() == answer.body


def test_nothing_is_left_behind() -> None:
    before = set(threading.enumerate())
    with ExitStack() as clients:
        with replay(Answer()) as server:
            idle, unused = (clients.enter_context(connect(server)) for _ in range(2))
            get(idle).read()
            unused.connect()
        # Both connections are still open, the server and its threads are gone.
        assert set(threading.enumerate()) == before
