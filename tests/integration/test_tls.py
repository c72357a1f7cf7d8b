"""Handshakes that fail, and connections that are lost: each says what happened."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
import trustme
import urllib3

import micromegas_dbapi as mm
from tests.wire.grpcreplay import Reply, messages, replaying

SCHEMES = ["https", "gateway+https", "web+https", "grpc+tls"]
TIMEOUT = mm.Timeout(connect=1, read=5)


@contextmanager
def accepting(serve: Callable[[socket.socket], object]) -> Iterator[int]:
    """Call `serve` with each connection to the port, until the end of the block."""
    stopped = threading.Event()

    def loop() -> None:
        while not stopped.is_set():
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(5)
                    serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stopped.set()
            thread.join()


def failure(url: str, **options: Any) -> mm.Error:
    with mm.connect(url, timeout=TIMEOUT, **options) as connection:
        with pytest.raises(mm.OperationalError) as caught:
            connection.execute("SELECT 1").fetchall()
    return caught.value


# -- certificates ----------------------------------------------------------------------------------


@dataclass
class Authority:
    path: str
    contexts: dict[str, ssl.SSLContext]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca, unknown = trustme.CA(), trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    certificates = {
        "expired": ca.issue_cert(
            "127.0.0.1", not_after=datetime.now(timezone.utc) - timedelta(days=1)
        ),
        "wrong name": ca.issue_cert("service.example"),
        "wrong address": ca.issue_cert("10.0.0.1"),
        "unknown authority": unknown.issue_cert("127.0.0.1"),
    }
    contexts = {}
    for name, certificate in certificates.items():
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].set_alpn_protocols(["h2", "http/1.1"])
        certificate.configure_cert(contexts[name])
    return Authority(str(path), contexts)


SENTENCES = {
    "expired": "has expired",
    "wrong name": "is for another host",
    "wrong address": "is for another host",
    "unknown authority": "is not from a trusted authority (set verify=PATH to a file with",
    "plain": "does not support TLS",
}


OLD_GRPC = int(pa.__version__.split(".")[0]) < 18
OLD_URLLIB3 = urllib3.__version__.startswith("1.")


@pytest.mark.parametrize("fault", SENTENCES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_fault_of_tls_has_its_sentence(scheme: str, fault: str, authority: Authority) -> None:
    def serve(connection: socket.socket) -> None:
        if fault == "plain":
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        with authority.contexts[fault].wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)

    with accepting(serve) as port:
        error = failure(f"{scheme}://127.0.0.1:{port}", verify=authority.path)
    text = str(error)
    expected = {SENTENCES[fault]}
    if OLD_GRPC and scheme == "grpc+tls" and fault in ("expired", "unknown authority"):
        expected = {SENTENCES["expired"], SENTENCES["unknown authority"]}  # it does not say why
    assert {words for words in SENTENCES.values() if words in text} == expected, text
    assert error.retryable is False


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_handshake_that_stalls(scheme: str) -> None:
    """Nothing was sent, so no query runs."""
    if OLD_GRPC and scheme == "grpc+tls":
        pytest.skip("gRPC of pyarrow before 18 does not say that a handshake has timed out")
    ended = threading.Event()
    with accepting(lambda _: ended.wait(3)) as port:
        error = failure(f"{scheme}://127.0.0.1:{port}")
        ended.set()
    assert f"no connection to 127.0.0.1:{port} within 1 s" in str(error)
    assert "TLS handshake" in str(error)
    assert "still be running" not in str(error)
    assert error.retryable is True


@pytest.mark.skipif(OLD_URLLIB3, reason="urllib3 1.26 does not say that the proxy is slow")
def test_a_proxy_that_stalls() -> None:
    ended = threading.Event()
    with accepting(lambda _: ended.wait(3)) as port:
        error = failure("https://service.example", proxies={"https": f"http://127.0.0.1:{port}"})
        ended.set()
    assert "no connection to service.example within 1 s" in str(error)
    assert "the statement was not sent" in str(error)
    assert error.retryable is True


# -- lost connections ------------------------------------------------------------------------------

TABLE = pa.table({"number": pa.array(range(10), pa.int64())})


@contextmanager
def killable(target: int) -> Iterator[tuple[int, Callable[[], None]]]:
    """A proxy to a local port, and what kills its connections."""
    pairs: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    def serve(client: socket.socket) -> None:
        upstream = socket.create_connection(("127.0.0.1", target))
        client.settimeout(None)
        pairs.extend((client, upstream))
        threads.append(threading.Thread(target=pump, args=(upstream, client)))
        threads[-1].start()
        pump(client, upstream)

    def kill() -> None:
        for each in pairs:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    with accepting(serve) as port:
        try:
            yield port, kill
        finally:
            kill()
            for thread in threads:
                thread.join()
            for each in pairs:
                each.close()


@pytest.mark.parametrize("answered", [False, True], ids=["before the answer", "in the answer"])
def test_a_stream_that_is_killed_says_so(answered: bool) -> None:
    slow = Reply(messages(TABLE), pause=30) if answered else Reply(messages(TABLE), delay=30)
    with replaying(None, [], slow) as service:
        with killable(int(service.url.rpartition(":")[2])) as (port, kill):
            with mm.connect(f"grpc://127.0.0.1:{port}") as connection:
                cursor = connection.cursor()
                timer = threading.Timer(1.5, kill)
                timer.start()
                with pytest.raises(mm.OperationalError) as caught:
                    cursor.execute("SELECT 1").fetchall()
                timer.join()
                assert (cursor.description is not None) is answered
    assert "was lost before the end of the result" in str(caught.value)
    assert "TLS" not in str(caught.value)
    assert caught.value.retryable is (None if answered else True)
