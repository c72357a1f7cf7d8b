"""A lake, in process and served by the local service over every wire."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService

WIRES = ("lake", "http", "grpc", "gateway", "web")


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """Serve a folder; gives the URL of each wire for `micromegas_dbapi.connect`."""
    service = LocalService(LakeTransport(folder), port=0, flight_port=0)
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        yield {
            "lake": f"lake:{folder}",
            "http": service.url,
            "grpc": service.flight_url,
            "gateway": f"gateway+{service.url}",
            "web": f"web+{service.url}/mm",
        }
    finally:
        service.stop()
        thread.join(10)
        assert not thread.is_alive()
