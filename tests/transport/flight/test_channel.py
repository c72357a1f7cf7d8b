"""The connection of FlightSQL."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl
import pytest

from micromegas_dbapi.options.settings import FlightSettings
from micromegas_dbapi.transport.flight.channel import Channel


class Server(fl.FlightServerBase):  # type: ignore[misc]
    def do_get(self, context: Any, ticket: fl.Ticket) -> fl.RecordBatchStream:
        return fl.RecordBatchStream(pa.table({"n": [1]}))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Server("grpc://127.0.0.1:0") as server:
        found = f"grpc://127.0.0.1:{server.port}"
        channel = Channel(found, FlightSettings())
        channel.call().do_get(fl.Ticket(b"")).read_all()  # what gRPC opens once
        channel.close()
        yield found


def test_a_channel_is_not_closed_under_a_call_that_begins(address: str) -> None:
    """gRPC would free what the call uses, in another thread, and the process would crash."""
    channel = Channel(address, FlightSettings())
    call = channel.call()
    channel.close()
    assert call.do_get(fl.Ticket(b"")).read_all()["n"].to_pylist() == [1]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="it counts sockets in /proc")
def test_the_last_call_closes_it(address: str) -> None:
    def sockets() -> int:
        count = 0
        for name in os.listdir("/proc/self/fd"):
            try:
                count += os.readlink(f"/proc/self/fd/{name}").startswith("socket")
            except OSError:  # closed meanwhile
                continue
        return count

    before = sockets()
    channel = Channel(address, FlightSettings())
    call = channel.call()
    call.do_get(fl.Ticket(b"")).read_all()
    assert sockets() > before
    channel.close()
    del call
    until = time.monotonic() + 10
    while sockets() > before:
        assert time.monotonic() < until
        time.sleep(0.01)
