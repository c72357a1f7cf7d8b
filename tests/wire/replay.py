"""A real HTTP/1.1 server that answers what it is told to, recorded or broken.

::

    with replay(case) as server:
        requests.post(server.url + "/analytics/query", data=b"...")
    assert server.requests[0].path == "/analytics/query"
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from socket import SHUT_RDWR, socket
from socketserver import ThreadingTCPServer
from typing import Any, NamedTuple

from tests.wire.recordings import Case

_CHUNK = 100  # small and round: chunks end inside of CBOR items, frames and characters


@dataclass(frozen=True)
class Answer:
    """One answer, whole unless a fault is asked for."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent as they are. The body is chunked if they say so; a missing length is added."""
    body: bytes = b""
    delay: float = 0
    """Seconds before the first byte; a client that gives up earlier costs no more than its wait"""
    body_delay: float = 0
    """Seconds between the headers and the body"""
    cut_after: int | None = None
    """Announce the whole body, send this much of it, close. All of it: close without notice."""
    drop: bool = False
    """Read the request, then close the connection without a word"""


class Request(NamedTuple):
    """What the server received."""

    method: str
    path: str
    headers: Message
    """Names in any case; None where missing"""
    body: bytes
    port: int
    """The client's: requests with the same port came over one connection"""


# Not http.server's server: that one looks its own name up, which takes seconds on some machines.
class Server(ThreadingTCPServer):
    """What `replay` hands out: `url`, and `requests` as they came in."""

    request_queue_size = 64  # tests with many clients at once

    def __init__(self, answers: tuple[Case | Answer, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._answers = answers
        self._connections: set[socket] = set()
        self._lock = threading.Lock()

    def receive(self, request: Request) -> Answer:
        """Record a request and return its answer; the last answer repeats."""
        with self._lock:
            answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
            self.requests.append(request)
        if isinstance(answer, Case):
            return Answer(answer.status, answer.headers, answer.body)
        return answer

    def stop(self) -> None:
        """Stop accepting, wake stalled answers and close what clients keep open."""
        self.shutdown()
        self.stopping.set()
        for connection in list(self._connections):
            with suppress(OSError):  # closed meanwhile
                connection.shutdown(SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Called while the error is being handled. A client may go whenever it likes; what is raised
        # again ends the thread, which fails the test.
        with suppress(ConnectionError):
            raise


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self) -> None:
        if "transfer-encoding" in self.headers:
            raise NotImplementedError("a request without content-length")
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        port = self.client_address[1]
        answer = self.server.receive(Request(self.command, self.path, self.headers, body, port))
        if answer.drop or self.server.stopping.wait(answer.delay):
            self.close_connection = True
            return
        self._send_headers(answer)
        if self.server.stopping.wait(answer.body_delay):
            self.close_connection = True
            return
        self._send_body(answer)

    do_DELETE = do_GET = do_OPTIONS = do_POST = do_PUT = answer  # noqa: N815 - the base's names

    def _send_headers(self, answer: Answer) -> None:
        self.send_response_only(answer.status)  # without Server and Date, as recorded
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not {"content-length", "transfer-encoding"} & {name.lower() for name in answer.headers}:
            self.send_header("content-length", str(len(answer.body)))
        self.end_headers()

    def _send_body(self, answer: Answer) -> None:
        body = answer.body[: answer.cut_after]
        if chunked := "transfer-encoding" in {name.lower() for name in answer.headers}:
            parts = [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        if answer.cut_after is not None:
            self.close_connection = True
        elif chunked:
            body += b"0\r\n\r\n"
        self.wfile.write(body)


@contextmanager
def replay(*answers: Case | Answer) -> Iterator[Server]:
    """Serve the answers one after another, whatever is asked and under whatever path."""
    with Server(answers) as server:
        # It looks for the end of its work this often: the default would add 0.25 s to each test.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.001})
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join()
