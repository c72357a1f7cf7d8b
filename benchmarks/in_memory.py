"""Create connections whose every statement returns the same batches, and rows for them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.readers import latching_reader
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.ranges.range_options import RangeOptions
from micromegas_dbapi.transport.protocol import Request

BATCH = 8192  # rows per batch, as services send them


class InMemoryTransport:
    """Respond to every statement with the same batches."""

    def __init__(self, batches: list[pa.RecordBatch]) -> None:
        self._batches = batches

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Return the batches, whatever the statement."""
        return latching_reader(self._batches[0].schema, self._batches)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


def in_batches(table: pa.Table) -> list[pa.RecordBatch]:
    """Return a table in batches of the size that services send."""
    return table.to_batches(max_chunksize=BATCH)


def connect(
    batches: list[pa.RecordBatch], cls: type[mm.Connection] = mm.Connection
) -> mm.Connection:
    """Return a connection over batches, without inference of time ranges."""
    transport = InMemoryTransport(batches)
    ranges = Ranges(transport, options=RangeOptions(infer_range="off"))
    return cls(transport, ranges, "datetime")


def log_entries(rows: int) -> pa.Table:
    """Return random rows like those of log_entries: six columns, three of them dictionaries."""
    random = np.random.default_rng(7)

    def names(kind: str, distinct: int) -> pa.Array:
        indices = pa.array(random.integers(0, distinct, rows), pa.int16())
        return pa.DictionaryArray.from_arrays(indices, [f"{kind}_{i}" for i in range(distinct)])

    nanoseconds = 1_700_000_000 * 10**9 + np.cumsum(random.integers(1, 10**6, rows))
    return pa.table(
        {
            "process_id": names("process", 40),
            "exe": names("exe", 12),
            "time": pa.array(nanoseconds, pa.timestamp("ns", "+00:00")),
            "target": names("target", 200),
            "level": pa.array(random.integers(1, 7, rows), pa.int32()),
            "msg": pa.array([f"message number {i}" for i in random.integers(0, 10**6, rows)]),
        }
    )
