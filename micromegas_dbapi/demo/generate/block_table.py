"""Generate the table of blocks, which records when the events of streams were sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from micromegas_dbapi.demo.generate.seeded_lake import SeededLake
from micromegas_dbapi.demo.generate.stream_table import Stream
from micromegas_dbapi.demo.scenario.fleet import PROCESSES
from micromegas_dbapi.demo.scenario.timeline import ticks

__all__ = ["block_table"]

_BYTES_PER_EVENT = {"log": 33, "metrics": 26, "cpu": 11}


def block_table(
    lake: SeededLake, streams: Sequence[Stream], stream_table: pa.Table, processes: pa.Table
) -> pa.Table:
    """Generate the blocks, each with the columns of its stream and process, ordered by stream.

    Parameters
    ----------
    lake : SeededLake
        The lake to generate.
    streams : sequence of Stream
        The streams with their blocks.
    stream_table : pyarrow.Table
        The table of these streams.
    processes : pyarrow.Table
        The table of processes.

    Returns
    -------
    pyarrow.Table
        With the schema of the view.
    """
    blocks = [stream.blocks for stream in streams]
    begins, ends, counts = (np.concatenate(part) for part in zip(*blocks, strict=True))
    offsets = np.concatenate([np.cumsum(each.counts) - each.counts for each in blocks])
    stream = np.repeat(np.arange(len(streams)), [len(each.counts) for each in blocks])
    process = np.array([each.process for each in streams])[stream]
    of_stream = stream_table.take(pa.array(stream))
    of_process = processes.take(pa.array(process))
    starts = np.array([each.lifetime[0] for each in PROCESSES])[process]
    frequency = of_process["tsc_frequency"].to_numpy()
    bytes_each = np.array([_BYTES_PER_EVENT[each.tag] for each in streams])[stream]
    draws = lake.random("blocks").random((2, len(stream)))
    columns: dict[str, Any] = {
        "block_id": [lake.uuid("block", i) for i in range(len(stream))],
        "stream_id": of_stream["stream_id"],
        "process_id": of_stream["process_id"],
        "begin_time": begins,
        "begin_ticks": ticks(begins - starts, frequency),
        "end_time": ends,
        "end_ticks": ticks(ends - starts, frequency),
        "nb_objects": counts,
        "object_offset": offsets,
        "payload_size": 420 + (counts * bytes_each * (0.95 + 0.1 * draws[0])).astype(np.int64),
        "insert_time": ends + 1_000_000 + (11_000_000 * draws[1]).astype(np.int64),
    }
    for view, rows in (("streams", of_stream), ("processes", of_process)):
        columns |= {f"{view}.{name}": rows[name] for name in rows.column_names}
    return lake.table("blocks", columns)
