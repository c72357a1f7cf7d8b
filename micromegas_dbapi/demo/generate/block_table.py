"""The blocks of the demo lake: when the events of its streams were sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from micromegas_dbapi.demo.generate.seeded_lake import Lake
from micromegas_dbapi.demo.generate.stream_table import Stream
from micromegas_dbapi.demo.scenario.fleet import PROCESSES
from micromegas_dbapi.demo.scenario.timeline import ticks

__all__ = ["block_table"]

_BYTES_PER_EVENT = {"log": 33, "metrics": 26, "cpu": 11}


def block_table(
    lake: Lake, streams: Sequence[Stream], stream_table: pa.Table, processes: pa.Table
) -> pa.Table:
    """Make the blocks of one stream after the other; a block repeats its stream and process."""
    cuts = [stream.cuts for stream in streams]
    begins, ends, counts = (np.concatenate(part) for part in zip(*cuts, strict=True))
    offsets = np.concatenate([np.cumsum(cut.counts) - cut.counts for cut in cuts])
    stream = np.repeat(np.arange(len(streams)), [len(cut.counts) for cut in cuts])
    process = np.array([each.process for each in streams])[stream]
    of_stream = stream_table.take(pa.array(stream))
    of_process = processes.take(pa.array(process))
    starts = np.array([each.life[0] for each in PROCESSES])[process]
    frequency = of_process["tsc_frequency"].to_numpy()
    bytes_each = np.array([_BYTES_PER_EVENT[each.tag] for each in streams])[stream]
    luck = lake.random("blocks").random((2, len(stream)))
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
        "payload_size": 420 + (counts * bytes_each * (0.95 + 0.1 * luck[0])).astype(np.int64),
        "insert_time": ends + 1_000_000 + (11_000_000 * luck[1]).astype(np.int64),
    }
    for view, rows in (("streams", of_stream), ("processes", of_process)):
        columns |= {f"{view}.{name}": rows[name] for name in rows.column_names}
    return lake.table("blocks", columns)
