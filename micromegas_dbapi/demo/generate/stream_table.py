"""The streams of the demo lake, and how their events are cut into blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from micromegas_dbapi.demo.arrays import Ints
from micromegas_dbapi.demo.generate.seeded_lake import Lake
from micromegas_dbapi.demo.scenario.fleet import PROCESSES, Process
from micromegas_dbapi.demo.scenario.timeline import FLUSH, LENGTH

__all__ = ["Cuts", "Stream", "cut", "stream_table"]

# The layout of the events in a block's payload, which only the service reads: a CBOR array of no
# types.
_NO_METADATA = b"\x80"


class Cuts(NamedTuple):
    """The blocks of a stream: the times they cover and how many events they hold."""

    begins: Ints
    ends: Ints
    counts: Ints


class Stream(NamedTuple):
    """A stream: the number of its process, its tag, and the thread's name if it is of one."""

    process: int
    tag: str
    thread: str
    cuts: Cuts

    @property
    def cast(self) -> Process:
        """Give the process itself."""
        return PROCESSES[self.process]

    def id(self, lake: Lake) -> str:
        """Give the stream_id."""
        return lake.uuid("stream", self.cast.key, self.tag, self.thread)


def cut(times: Ints) -> Cuts:
    """Cut the events of a stream into the blocks of its flushes."""
    flushes = (times + LENGTH - 1) // FLUSH
    _, first, counts = np.unique(flushes, return_index=True, return_counts=True)
    return Cuts(times[first], times[first + counts - 1], counts)


def stream_table(lake: Lake, streams: Sequence[Stream]) -> pa.Table:
    """Make the streams, one after the other."""
    rows = [
        {
            "stream_id": stream.id(lake),
            "process_id": lake.uuid("process", stream.cast.key),
            "dependencies_metadata": _NO_METADATA,
            "objects_metadata": _NO_METADATA,
            "tags": [stream.tag],
            "properties": {
                "thread-name": stream.thread,
                "thread-id": str(140_300_866_541_248 + 2_101_248 * i),
            }
            if stream.thread
            else {},
            "insert_time": stream.cast.life[0] + 25_488_000 + 900_000 * i,
        }
        for i, stream in enumerate(streams)
    ]
    return lake.table("streams", {}, rows, np.arange(len(rows)))
