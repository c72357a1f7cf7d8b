"""Writing a demo lake: all that its processes sent, as the files of a folder."""

from __future__ import annotations

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.demo.generate.block_table import block_table
from micromegas_dbapi.demo.generate.event_rows import Rows, merged
from micromegas_dbapi.demo.generate.log_entries import repeated_lines, single_lines
from micromegas_dbapi.demo.generate.measures import samples_and_alarms
from micromegas_dbapi.demo.generate.process_table import process_table
from micromegas_dbapi.demo.generate.seeded_lake import Lake
from micromegas_dbapi.demo.generate.stream_table import Stream, cut, stream_table
from micromegas_dbapi.demo.generate.thread_spans import traced_thread
from micromegas_dbapi.demo.scenario.fleet import PROCESSES

__all__ = ["LARGEST_SIZE", "write_demo"]

#: Beyond it the traced frames of one flush period would no longer fit into it.
LARGEST_SIZE = 64


def write_demo(folder: pathlib.Path, *, seed: int = 0, size: int = 1, now: int) -> None:
    """Write a lake of generated telemetry, an hour long.

    Writes ``log_entries.parquet``, ``measures.parquet``, ``processes.parquet``,
    ``streams.parquet``, ``blocks.parquet`` and ``thread_spans/<stream_id>.parquet`` with the
    columns of ``catalog.SCHEMAS``. Log entries and measures are in order of time, spans in order
    of begin, processes, streams and blocks in order of insert_time. The lake is a pure function
    of `seed`, `size` and `now`, and `now` only shifts its times.

    Parameters
    ----------
    folder : pathlib.Path
        Where to write; made where it is missing, with its parents.
    seed : int, optional
        Chooses the random numbers and the identifiers; any integer.
    size : int, optional
        1 (some 20 000 log entries, 30 000 measures and 8 threads of 600 to 2000 spans) to 64. It
        multiplies the rows of these three; processes, streams and blocks stay the same.
    now : int
        The time of the newest event, in ns since 1970-01-01 UTC. The last blocks are inserted up
        to 12 ms later.

    Raises
    ------
    ValueError
        If `size` is out of range.
    FileExistsError
        If the folder already has thread spans: two lakes in one folder would mix.
    """
    if not 1 <= size <= LARGEST_SIZE:
        raise ValueError(f"size must be 1 to {LARGEST_SIZE}, not {size}")
    (folder / "thread_spans").mkdir(parents=True)
    lake = Lake(seed, size, now)

    logs: list[Rows] = []
    measures: list[Rows] = []
    streams: list[Stream] = []
    tables: dict[str, pa.Table] = {}
    for number, process in enumerate(PROCESSES):
        samples, alarms = samples_and_alarms(lake, process)
        lines = merged([repeated_lines(lake, process), alarms, single_lines(lake, process)])
        logs.append(lines)
        measures.append(samples)
        streams.append(Stream(number, "log", "", cut(lines.times)))
        streams.append(Stream(number, "metrics", "", cut(samples.times)))
        for thread in process.threads:
            cuts, spans = traced_thread(lake, process, thread)
            streams.append(Stream(number, "cpu", thread, cuts))
            tables[f"thread_spans/{streams[-1].id(lake)}"] = spans

    for view, payload, parts in (("log_entries", "msg", logs), ("measures", "value", measures)):
        rows = merged(parts)
        columns = {"time": rows.times, payload: rows.payload}
        tables[view] = lake.table(view, columns, rows.sources, rows.source)
    tables["processes"] = process_table(lake)
    tables["streams"] = stream_table(lake, streams)
    blocks = block_table(lake, streams, tables["streams"], tables["processes"])
    tables["blocks"] = blocks.sort_by("insert_time")
    for name, table in tables.items():
        # "Compliant" names would turn the recorded names of list elements into "element".
        pq.write_table(
            table, folder / f"{name}.parquet", compression="lz4", use_compliant_nested_type=False
        )
