"""A lake, in process and served by the local service over every wire."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import micromegas_dbapi as mm
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService

WIRES = ("lake", "http", "grpc", "gateway", "web")


@contextmanager
def running(service: LocalService) -> Iterator[None]:
    """Run a service in a thread. It has answered on each port, so all its threads have started."""
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        for url in filter(None, (service.url, service.flight_url)):
            with mm.connect(url) as connection:
                warm(connection)
        yield
    finally:
        service.stop()
        thread.join(10)
        assert not thread.is_alive()


def warm(connection: mm.Connection) -> None:
    """Open what a connection keeps open, so that the tests that share it do not."""
    connection.execute("SELECT 1").fetchall()


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """Serve a folder; gives the URL of each wire for `micromegas_dbapi.connect`."""
    service = LocalService(LakeTransport(folder), port=0, flight_port=0)
    with running(service):
        yield {
            "lake": f"lake:{folder}",
            "http": service.url,
            "grpc": service.flight_url,
            "gateway": f"gateway+{service.url}",
            "web": f"web+{service.url}/mm",
        }
