"""Generate the table of streams, and the blocks of their events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from micromegas_dbapi.demo.curves import Ints
from micromegas_dbapi.demo.generate.seeded_lake import SeededLake
from micromegas_dbapi.demo.scenario.fleet import PROCESSES, Process
from micromegas_dbapi.demo.scenario.timeline import FLUSH_INTERVAL, LENGTH

__all__ = ["Blocks", "Stream", "blocks_of", "stream_table"]

# The layout of the events in a block's payload, which only the service reads: an empty CBOR array.
_NO_METADATA = b"\x80"


class Blocks(NamedTuple):
    """The blocks of a stream.

    Attributes
    ----------
    begins : numpy.ndarray
        The time of the first event of each block.
    ends : numpy.ndarray
        The time of the last event of each block.
    counts : numpy.ndarray
        The number of events of each block.
    """

    begins: Ints
    ends: Ints
    counts: Ints


class Stream(NamedTuple):
    """A stream.

    Attributes
    ----------
    process : int
        The index of its process in `PROCESSES`.
    tag : str
        ``log``, ``metrics`` or ``cpu``.
    thread : str
        The name of its thread, or empty.
    blocks : Blocks
        Its blocks.
    """

    process: int
    tag: str
    thread: str
    blocks: Blocks

    @property
    def sender(self) -> Process:
        """The process itself."""
        return PROCESSES[self.process]

    def id(self, lake: SeededLake) -> str:
        """Return the stream_id.

        Parameters
        ----------
        lake : SeededLake
            The lake to generate.

        Returns
        -------
        str
            A UUID.
        """
        return lake.uuid("stream", self.sender.key, self.tag, self.thread)


def blocks_of(times: Ints) -> Blocks:
    """Split the events of a stream into blocks, one for each flush.

    Parameters
    ----------
    times : numpy.ndarray
        The ordered times of the events.

    Returns
    -------
    Blocks
        Without empty blocks.
    """
    flushes = (times + LENGTH - 1) // FLUSH_INTERVAL
    _, first, counts = np.unique(flushes, return_index=True, return_counts=True)
    return Blocks(times[first], times[first + counts - 1], counts)


def stream_table(lake: SeededLake, streams: Sequence[Stream]) -> pa.Table:
    """Generate the streams.

    Parameters
    ----------
    lake : SeededLake
        The lake to generate.
    streams : sequence of Stream
        In the order of the rows.

    Returns
    -------
    pyarrow.Table
        With the schema of the view.
    """
    rows = [
        {
            "stream_id": stream.id(lake),
            "process_id": lake.uuid("process", stream.sender.key),
            "dependencies_metadata": _NO_METADATA,
            "objects_metadata": _NO_METADATA,
            "tags": [stream.tag],
            "properties": {
                "thread-name": stream.thread,
                "thread-id": str(140_300_866_541_248 + 2_101_248 * i),
            }
            if stream.thread
            else {},
            "insert_time": stream.sender.lifetime[0] + 25_488_000 + 900_000 * i,
        }
        for i, stream in enumerate(streams)
    ]
    return lake.table("streams", {}, rows, np.arange(len(rows)))
