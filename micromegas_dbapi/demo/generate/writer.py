"""Write a demo lake to a folder."""

from __future__ import annotations

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.demo.generate.block_table import block_table
from micromegas_dbapi.demo.generate.event_rows import EventRows, merge
from micromegas_dbapi.demo.generate.log_entries import repeated_messages, single_messages
from micromegas_dbapi.demo.generate.measures import samples_and_alarms
from micromegas_dbapi.demo.generate.process_table import process_table
from micromegas_dbapi.demo.generate.seeded_lake import SeededLake
from micromegas_dbapi.demo.generate.stream_table import Stream, blocks_of, stream_table
from micromegas_dbapi.demo.generate.thread_spans import traced_thread
from micromegas_dbapi.demo.scenario.fleet import PROCESSES

__all__ = ["LARGEST_SIZE", "write_demo"]

#: With a larger size, the call trees of a flush interval would not fit into it.
LARGEST_SIZE = 64


def write_demo(folder: pathlib.Path, *, seed: int = 0, size: int = 1, now: int) -> None:
    """Write a lake with an hour of generated telemetry.

    It consists of ``log_entries.parquet``, ``measures.parquet``, ``processes.parquet``,
    ``streams.parquet``, ``blocks.parquet`` and ``thread_spans/<stream_id>.parquet`` with the
    columns of ``catalog.SCHEMAS``. Log entries and measures are ordered by time, spans by begin,
    and processes, streams and blocks by insert_time. The lake is a pure function of `seed`, `size`
    and `now`, and `now` only shifts its times.

    Parameters
    ----------
    folder : pathlib.Path
        Created with its parents if it does not exist.
    seed : int, optional
        Selects the random numbers and identifiers.
    size : int, optional
        1 (about 20,000 log entries, 30,000 measures and 8 threads with 600 to 2000 spans) to 64.
        It multiplies the numbers of these. Processes, streams and blocks do not change.
    now : int
        The time of the newest event, in ns since 1970-01-01 UTC. The last blocks are inserted up
        to 12 ms later.

    Raises
    ------
    ValueError
        If `size` is out of range.
    FileExistsError
        If the folder already contains thread spans, so that two lakes would be mixed.
    """
    if not 1 <= size <= LARGEST_SIZE:
        raise ValueError(f"size must be 1 to {LARGEST_SIZE}, not {size}")
    (folder / "thread_spans").mkdir(parents=True)
    lake = SeededLake(seed, size, now)

    logs: list[EventRows] = []
    measures: list[EventRows] = []
    streams: list[Stream] = []
    tables: dict[str, pa.Table] = {}
    for number, process in enumerate(PROCESSES):
        samples, alarms = samples_and_alarms(lake, process)
        repeated, single = repeated_messages(lake, process), single_messages(lake, process)
        messages = merge([repeated, alarms, single])
        logs.append(messages)
        measures.append(samples)
        streams.append(Stream(number, "log", "", blocks_of(messages.times)))
        streams.append(Stream(number, "metrics", "", blocks_of(samples.times)))
        for thread in process.threads:
            thread_blocks, spans = traced_thread(lake, process, thread)
            streams.append(Stream(number, "cpu", thread, thread_blocks))
            tables[f"thread_spans/{streams[-1].id(lake)}"] = spans

    for view, payload, parts in (("log_entries", "msg", logs), ("measures", "value", measures)):
        rows = merge(parts)
        columns = {"time": rows.times, payload: rows.payload}
        tables[view] = lake.table(view, columns, rows.sources, rows.source)
    tables["processes"] = process_table(lake)
    tables["streams"] = stream_table(lake, streams)
    blocks = block_table(lake, streams, tables["streams"], tables["processes"])
    tables["blocks"] = blocks.sort_by("insert_time")
    for name, table in tables.items():
        # "Compliant" names would rename the recorded fields of lists to "element".
        pq.write_table(
            table, folder / f"{name}.parquet", compression="lz4", use_compliant_nested_type=False
        )
