"""A gRPC server that answers as a recorded FlightSQL service did, message by message.

It knows nothing of Arrow: it compares a call's bytes and headers with those recorded, and sends the
recorded bytes and status.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa

from micromegas_dbapi.timerange import to_ns

RANGE = ("query_range_begin", "query_range_end")
# What a service decides by. Others, for attribution, it only logs.
_HEADERS = (*RANGE, "preserve_dictionary", "authorization", "limit")


@dataclass(frozen=True)
class Call:
    """A call that the server received."""

    method: str
    request: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What is sent: messages one after another, then a status."""

    messages: list[bytes] = field(default_factory=list)
    code: str = "OK"
    details: str = ""
    delay: float = 0
    """Seconds before the first message"""
    pause: float = 0
    """Seconds before each message after the first"""


def reply(folder: Path, entry: dict[str, Any]) -> Reply:
    """What a service answered to a recorded call."""
    raw = (folder / "bodies" / f"{entry['name']}.messages").read_bytes()
    messages = []
    while raw:
        size = 4 + int.from_bytes(raw[:4], "big")
        messages.append(raw[4:size])
        raw = raw[size:]
    return Reply(messages, entry["code"], entry["details"])


def key(method: str, request: bytes, headers: dict[str, str]) -> tuple[Any, ...]:
    """What tells one call from another; the text of an instant may differ."""
    chosen = {name: headers[name] for name in _HEADERS if name in headers}
    if chosen.get("preserve_dictionary") == "false":
        del chosen["preserve_dictionary"]
    return method, request, tuple((n, _instant(n, v)) for n, v in sorted(chosen.items()))


def _instant(name: str, text: str) -> int | str:
    try:
        return to_ns(text, 0) if name in RANGE else text
    except Exception:
        return text


class Replay(grpc.GenericRpcHandler):  # type: ignore[misc]
    """What `replaying` hands out: `url`, and `calls` as they came in."""

    def __init__(self, folder: Path, entries: Iterable[dict[str, Any]], fixed: list[Reply]) -> None:
        self.calls: list[Call] = []
        self.stopped = threading.Event()
        """Set when a client went away from an answer that was not whole"""
        self.url = ""
        self.wanted = ""
        """Which case is meant, where two were asked the same"""
        self._fixed = fixed
        self._replies: dict[Any, dict[str, tuple[Path, dict[str, Any]]]] = {}
        for entry in entries:
            request = (folder / "bodies" / f"{entry['name']}.request").read_bytes()
            headers = dict(map(tuple, entry["metadata"]))
            asked = key(entry["method"], request, headers)
            self._replies.setdefault(asked, {})[entry["name"]] = folder, entry

    def service(self, details: Any) -> Any:
        method = details.method.rsplit("/", 1)[1]
        headers = {k: v for k, v in details.invocation_metadata if isinstance(v, str)}

        def answer(request: bytes, context: Any) -> Iterator[bytes]:
            call = Call(method, request, headers)
            self.calls.append(call)
            yield from self._send(self._reply(call), context)

        if method in ("GetFlightInfo", "GetSchema"):
            return grpc.unary_unary_rpc_method_handler(lambda r, c: next(answer(r, c), b""))
        return grpc.unary_stream_rpc_method_handler(answer)

    def _reply(self, call: Call) -> Reply:
        if self._fixed:
            return self._fixed[min(len(self.calls), len(self._fixed)) - 1]
        found = self._replies.get(key(call.method, call.request, call.headers))
        if found is None:
            return Reply([], "NOT_FOUND", f"no service was ever asked for {call}")
        return reply(*found.get(self.wanted, next(iter(found.values()))))

    def _send(self, found: Reply, context: Any) -> Iterator[bytes]:
        try:
            for i, message in enumerate(found.messages or [b""]):
                until = time.monotonic() + (found.pause if i else found.delay)
                while time.monotonic() < until:
                    if not context.is_active():
                        self.stopped.set()
                        return
                    time.sleep(0.005)
                if found.messages:
                    yield message
            context.set_code(grpc.StatusCode[found.code])
            context.set_details(found.details)
        except GeneratorExit:
            self.stopped.set()
            raise


@contextmanager
def replaying(
    folder: Path | None = None,
    entries: Iterable[dict[str, Any]] = (),
    *fixed: Reply,
    credentials: Any = None,
) -> Iterator[Replay]:
    """Serve recorded calls, each as it was answered; or fixed replies, whatever is asked.

    Parameters
    ----------
    folder, entries
        An unpacked recording, and the entries of its index to answer as.
    fixed
        One reply after another, the last one again and again.
    credentials
        TLS, if it is to be spoken.
    """
    replay = Replay(folder or Path(), entries, list(fixed))
    server = grpc.server(ThreadPoolExecutor(8), handlers=(replay,))
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
        replay.url = f"grpc://127.0.0.1:{port}"
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
        replay.url = f"grpc+tls://127.0.0.1:{port}"
    server.start()
    try:
        yield replay
    finally:
        server.stop(None).wait()


def messages(table: pa.Table, rows: int = 2) -> list[bytes]:
    """Write a table as the FlightData messages of a stream, so many rows a batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, rows)
    reader = pa.ipc.MessageReader.open_stream(sink.getvalue())
    return [
        _field(2, one.metadata.to_pybytes())
        + (_field(1000, one.body.to_pybytes()) if one.body else b"")
        for one in reader
    ]


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
