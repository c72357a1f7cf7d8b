"""Proxies in front of a service, over HTTP and over gRPC, that write down what it receives."""

from __future__ import annotations

import contextlib
import http.client
import re
import select
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cbor2
import grpc

_HOP = ("host", "connection", "transfer-encoding", "content-length")
_SQL = re.compile(r"(?:SELECT|WITH|EXPLAIN|SHOW|DESCRIBE)\b.*", re.DOTALL | re.IGNORECASE)
_RANGE = ("query_range_begin", "query_range_end")


@dataclass(frozen=True)
class Received:
    """A statement as the service received it; begin and end are None without a range."""

    sql: str
    begin: str | None
    end: str | None
    headers: dict[str, str]


@dataclass
class Recorder:
    """The statements that the proxies have passed on."""

    received: list[Received] = field(default_factory=list)

    def since(self, mark: int) -> list[Received]:
        """What was received after a mark, but for what the driver asks for itself."""
        return [each for each in self.received[mark:] if not _is_own(each.sql)]

    @property
    def mark(self) -> int:
        return len(self.received)

    @contextlib.contextmanager
    def over_http(self, target: int) -> Iterator[int]:
        """Gives the port of a proxy."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, target))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            server.server_close()

    @contextlib.contextmanager
    def over_grpc(self, target: int) -> Iterator[int]:
        """Gives the port of a proxy."""
        unlimited = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.http2.max_ping_strikes", 0),  # the driver pings to notice a signal soon
        ]
        channel = grpc.insecure_channel(f"127.0.0.1:{target}", options=unlimited)
        server = grpc.server(ThreadPoolExecutor(32), options=unlimited)
        server.add_generic_rpc_handlers((_Calls(self, channel),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield port
        finally:
            server.stop(None)
            channel.close()


def _is_own(sql: str) -> bool:
    """Whether the driver asks this for itself: what the service is, and its columns."""
    text = sql.upper()
    return text.startswith(("EXPLAIN", "DESCRIBE", "SHOW")) or "INFORMATION_SCHEMA" in text


def _handler(recorder: Recorder, target: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            sent = {name.lower(): value for name, value in self.headers.items()}
            with contextlib.suppress(cbor2.CBORDecodeError, TypeError, AttributeError):
                asked = cbor2.loads(body)
                recorder.received.append(
                    Received(asked["sql"], asked.get("begin"), asked.get("end"), sent)
                )
            upstream = http.client.HTTPConnection("127.0.0.1", target, timeout=600)
            kept = {name: value for name, value in sent.items() if name not in _HOP}
            upstream.request("POST", self.path, body, kept)
            answered = threading.Event()
            leaving = (self.connection, upstream.sock, answered)
            threading.Thread(target=_leave_with_client, args=leaving, daemon=True).start()
            try:
                answer = upstream.getresponse()
                data = answer.read()
            except (OSError, http.client.HTTPException):  # the client has left
                self.close_connection = True
                return
            finally:
                answered.set()
                upstream.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _leave_with_client(
    client: socket.socket, upstream: socket.socket, answered: threading.Event
) -> None:
    """Close the connection to the service when the client closes its own."""
    while not answered.wait(0.05):
        with contextlib.suppress(OSError, ValueError):
            if not select.select([client], [], [], 0)[0] or client.recv(1, socket.MSG_PEEK):
                continue
        with contextlib.suppress(OSError):
            upstream.shutdown(socket.SHUT_RDWR)
        return


class _Calls(grpc.GenericRpcHandler):
    """Passes on every call, whatever its kind: on the wire all are streams of messages."""

    def __init__(self, recorder: Recorder, channel: grpc.Channel) -> None:
        self._recorder = recorder
        self._channel = channel

    def service(self, details: Any) -> Any:
        method, metadata = details.method, tuple(details.invocation_metadata)
        return grpc.stream_stream_rpc_method_handler(
            lambda requests, context: self._pass_on(method, metadata, requests, context)
        )

    def _pass_on(self, method: str, metadata: Any, requests: Any, context: Any) -> Iterator[bytes]:
        sent = dict(metadata)
        kept = [(name, value) for name, value in metadata if name != "user-agent"]
        call = self._channel.stream_stream(method)(
            self._noted(method, sent, requests), metadata=kept
        )
        context.add_callback(call.cancel)
        try:
            yield from call
        except grpc.RpcError as error:
            context.set_trailing_metadata(error.trailing_metadata() or ())
            context.abort(error.code(), error.details())

    def _noted(self, method: str, sent: dict[str, str], requests: Any) -> Iterator[bytes]:
        for request in requests:
            if method.endswith("/DoGet") and (
                found := _SQL.search(request.decode(errors="replace"))
            ):
                begin, end = (sent.get(name) for name in _RANGE)
                self._recorder.received.append(Received(found[0], begin, end, sent))
            yield request
