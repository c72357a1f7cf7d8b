"""The demo lake: an hour of believable telemetry, made of a seed.

The cast and the story are data, in ``demo_scenes.py``; here they become the tables of a 0.2.3
service. Every part draws from a generator of its own, seeded by what it is for, so that one part
can change without moving the others. Only uniform numbers are drawn, and only operations that IEEE
754 defines exactly are applied to them: the same arguments give the same lake on every version of
numpy and on every machine.
"""

from __future__ import annotations

import hashlib
import pathlib
import uuid
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.catalog import SCHEMAS
from micromegas_dbapi.lake import demo_scenes as scenes

__all__ = ["LARGEST_SIZE", "write_demo"]

#: Beyond it the traced frames of one flush period would no longer fit into it.
LARGEST_SIZE = 64

_SECOND = 1_000_000_000
_LENGTH = scenes.LENGTH_SECONDS * _SECOND
_FLUSH = scenes.FLUSH_SECONDS * _SECOND
_SAMPLES_PER_HOUR = 900  # of each measure, at size 1
_SPANS_PER_FLUSH = 80  # of each thread, at size 1
_BYTES_PER_EVENT = {"log": 33, "metrics": 26, "cpu": 11}

# The layout of the events in a block's payload, which only the service reads: a CBOR array of no
# types.
_NO_METADATA = b"\x80"

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


class _Rows(NamedTuple):
    """Rows of log_entries or measures in order of time.

    `times` are ns after the newest event. All columns but the time and the payload (the message
    or the value) repeat themselves: they are in `sources`, and `source` is the number of each
    row's.
    """

    times: _Ints
    sources: list[dict[str, Any]]
    source: _Ints
    payload: npt.NDArray[Any]


class _Cuts(NamedTuple):
    """The blocks of a stream: the times they cover and how many events they hold."""

    begins: _Ints
    ends: _Ints
    counts: _Ints


class _Stream(NamedTuple):
    """A stream: the number of its process, its tag, and the thread's name if it is of one."""

    process: int
    tag: str
    thread: str
    cuts: _Cuts

    @property
    def cast(self) -> scenes.Process:
        return scenes.PROCESSES[self.process]


class _Lake(NamedTuple):
    """What a lake is a function of, and what follows from that alone."""

    seed: int
    size: int
    now: int

    def _digest(self, *key: object) -> bytes:
        text = "/".join(map(str, (self.seed, *key)))
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    def random(self, *key: object) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(int.from_bytes(self._digest(*key), "big")))

    def uuid(self, *key: object) -> str:
        return str(uuid.UUID(bytes=self._digest(*key), version=4))

    def stream_id(self, stream: _Stream) -> str:
        return self.uuid("stream", stream.cast.key, stream.tag, stream.thread)

    def array(self, values: Any, type_: pa.DataType) -> pa.Array | pa.ChunkedArray:
        """Make a column; times are given in ns after `now`, properties as mappings."""
        if isinstance(values, pa.ChunkedArray):
            return values
        if pa.types.is_timestamp(type_):
            return pa.array(np.asarray(values, np.int64) + self.now).cast(type_)
        if pa.types.is_list(type_) and pa.types.is_struct(type_.value_type):
            values = [[{"key": k, "value": v} for k, v in row.items()] for row in values]
        return pa.array(values, type_)

    def table(
        self,
        view: str,
        columns: Mapping[str, Any],
        sources: Sequence[Mapping[str, Any]] = (),
        source: _Ints | None = None,
    ) -> pa.Table:
        """Make a table; what `columns` does not give comes from each row's source."""
        schema = SCHEMAS[view]
        arrays = [
            self.array(columns[field.name], field.type)
            if field.name in columns
            else self.array([row[field.name] for row in sources], field.type).take(pa.array(source))
            for field in schema
        ]
        return pa.Table.from_arrays(arrays, schema=schema)


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
    lake = _Lake(seed, size, now)

    logs: list[_Rows] = []
    measures: list[_Rows] = []
    streams: list[_Stream] = []
    tables: dict[str, pa.Table] = {}
    for number, process in enumerate(scenes.PROCESSES):
        samples, alarms = _measures(lake, process)
        lines = _merged([_repeated_lines(lake, process), alarms, _single_lines(lake, process)])
        logs.append(lines)
        measures.append(samples)
        streams.append(_Stream(number, "log", "", _cut(lines.times)))
        streams.append(_Stream(number, "metrics", "", _cut(samples.times)))
        for thread in process.threads:
            cuts, spans = _thread(lake, process, thread)
            streams.append(_Stream(number, "cpu", thread, cuts))
            tables[f"thread_spans/{lake.stream_id(streams[-1])}"] = spans

    for view, payload, parts in (("log_entries", "msg", logs), ("measures", "value", measures)):
        rows = _merged(parts)
        columns = {"time": rows.times, payload: rows.payload}
        tables[view] = lake.table(view, columns, rows.sources, rows.source)
    tables["processes"] = _processes(lake)
    tables["streams"] = _streams(lake, streams)
    blocks = _blocks(lake, streams, tables["streams"], tables["processes"])
    tables["blocks"] = blocks.sort_by("insert_time")
    for name, table in tables.items():
        # "Compliant" names would turn the recorded names of list elements into "element".
        pq.write_table(
            table, folder / f"{name}.parquet", compression="lz4", use_compliant_nested_type=False
        )


def _life(process: scenes.Process) -> tuple[int, int]:
    return round(process.start * _SECOND), round(process.end * _SECOND)


def _smooth(x: _Floats) -> _Floats:
    """Go from 0 to 1 as `x` does, without corners."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def _trouble(times: _Ints) -> _Floats:
    """Tell how bad things are at each time: 0 is well, 1 is the worst."""
    starts, worst, repaired, over = (second * _SECOND for second in scenes.TROUBLE)
    rise = _smooth((times - starts) / (worst - starts))
    return rise * (1.0 - _smooth((times - repaired) / (over - repaired)))


def _merged(parts: Sequence[_Rows]) -> _Rows:
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    sources: list[dict[str, Any]] = []
    source = []
    for part in parts:
        source.append(part.source + len(sources))
        sources += part.sources
    payload = np.concatenate([part.payload for part in parts])
    return _Rows(times[order], sources, np.concatenate(source)[order], payload[order])


def _cut(times: _Ints) -> _Cuts:
    """Cut the events of a stream into the blocks of its flushes."""
    flushes = (times + _LENGTH - 1) // _FLUSH
    _, first, counts = np.unique(flushes, return_index=True, return_counts=True)
    return _Cuts(times[first], times[first + counts - 1], counts)


def _origin(lake: _Lake, process: scenes.Process) -> dict[str, Any]:
    return process._asdict() | {"process_id": lake.uuid("process", process.key)}


def _single_lines(lake: _Lake, process: scenes.Process) -> _Rows:
    start, _ = _life(process)
    opening = scenes.KINDS[process.kind].opening
    lines = [(start + round(after * _SECOND), *line) for after, *line in opening]
    lines += [(round(at * _SECOND), *line) for key, at, *line in scenes.STORY if key == process.key]
    origin = _origin(lake, process)
    return _Rows(
        np.array([time for time, *_ in lines], np.int64),
        [origin | {"level": n, "target": to, "properties": {}} for _, n, to, _ in lines],
        np.arange(len(lines)),
        np.array([text for *_, text in lines], object),
    )


def _repeated_lines(lake: _Lake, process: scenes.Process) -> _Rows:
    kind = scenes.KINDS[process.kind]
    start, end = _life(process)
    begin, span = start + 2 * _SECOND, end - start - 2 * _SECOND - _SECOND // 1000
    n = kind.lines_per_hour * lake.size * span // (3600 * _SECOND)
    random = lake.random("log", process.key)
    times = np.sort(begin + (random.random(n) * span).astype(np.int64))
    trouble = _trouble(times)
    luck = random.random((n, 7))
    calm_line, trouble_line = (
        np.searchsorted(np.cumsum(weights), luck[:, 1] * sum(weights), side="right")
        for weights in zip(*((line.calm, line.trouble) for line in kind.lines), strict=True)
    )
    chosen = np.where(luck[:, 0] < trouble, trouble_line, calm_line)

    origin = _origin(lake, process)
    sources: list[dict[str, Any]] = []
    source = np.zeros(n, np.int64)
    messages = np.empty(n, object)
    for number, line in enumerate(kind.lines):
        rows = np.flatnonzero(chosen == number)
        variant = (luck[rows, 2] * len(line.properties)).astype(np.int64)
        source[rows] = len(sources) + variant
        sources += [origin | line._asdict() | {"properties": each} for each in line.properties]
        slots = [
            _slot(slot, rows, luck[rows, 3 + i], trouble[rows]) for i, slot in enumerate(line.slots)
        ]
        messages[rows] = [line.text % values for values in zip(*slots, strict=True)]
    return _Rows(times, sources, source, messages)


def _slot(
    slot: Sequence[object] | scenes.Latency | scenes.Serial,
    rows: npt.NDArray[np.intp],
    luck: _Floats,
    trouble: _Floats,
) -> list[Any]:
    """Fill a slot of a line in the given rows of its process."""
    if isinstance(slot, scenes.Serial):
        return list(slot.first + rows)
    if isinstance(slot, scenes.Latency):
        usual = slot.milliseconds * (0.6 + 0.6 * luck + 0.03 * luck / (1.002 - luck))
        return list(np.maximum(1.0, usual * (1.0 + slot.slow * trouble)))
    return [slot[int(x)] for x in luck * len(slot)]


def _measures(lake: _Lake, process: scenes.Process) -> tuple[_Rows, _Rows]:
    """Make the measures of a process, and the log lines of those that are too high."""
    metrics = scenes.KINDS[process.kind].metrics
    start, end = _life(process)
    span = end - start - 2 * _SECOND
    n = _SAMPLES_PER_HOUR * lake.size * span // (3600 * _SECOND)
    pace = np.arange(n) + 0.5 + 0.02 * lake.random("pace", process.key).random(n)
    times = start + _SECOND + (pace * (span / n)).astype(np.int64)
    values = np.stack(
        [_values(metric, times, lake.random(process.key, metric.name)) for metric in metrics], 1
    )
    # The metrics of a sample are read one after the other, a third of a microsecond each.
    moments = times[:, np.newaxis] + 320 * np.arange(len(metrics))
    origin = _origin(lake, process)
    samples = _Rows(
        moments.ravel(),
        [origin | metric._asdict() for metric in metrics],
        np.tile(np.arange(len(metrics)), n),
        values.ravel(),
    )
    row, column = np.nonzero(values > [metric.alarm for metric in metrics])
    texts = [metrics[j].warning % values[i, j] for i, j in zip(row, column, strict=True)]
    alarms = _Rows(
        moments[row, column] + 2_500,
        [origin | {"level": 3, "target": m.target, "properties": {}} for m in metrics],
        column,
        np.array(texts, object),
    )
    return samples, alarms


def _values(metric: scenes.Metric, times: _Ints, random: np.random.Generator) -> _Floats:
    """Let a measure wander around its base."""
    n = len(times)
    steps = np.cumsum(random.random(n) - 0.5)
    # Tied to zero at both ends, and as wide at any number of samples.
    walk = (steps - steps[-1] * np.arange(1, n + 1) / n) / np.sqrt(n / 12.0)
    phase = np.mod(times / (2400.0 * _SECOND) + random.random(), 1.0)
    wave = 2.0 * _smooth(np.abs(2.0 * phase - 1.0)) - 1.0
    # In trouble everything jitters more.
    rough = metric.trouble * _trouble(times) * (0.75 + 0.5 * random.random(n))
    noise = 0.4 * metric.walk * (random.random(n) - 0.5)
    parts = 1.0 + metric.walk * walk + metric.wave * wave + rough + noise
    spikes = np.where(random.random(n) < metric.odds, 3.0 + 5.0 * random.random(n), 1.0)
    values: _Floats = metric.base * parts * spikes
    return np.rint(values) if metric.whole else values


def _frames(
    nodes: Sequence[scenes.Span],
    parents: Sequence[int],
    trouble: _Floats,
    random: np.random.Generator,
) -> tuple[npt.NDArray[np.bool_], _Ints, _Ints]:
    """Lay out frames, a row each: which spans are there, their begins and ends in the frame."""
    shape = (len(trouble), len(nodes))
    own_luck, odds_luck, gap_luck = (random.random(shape) for _ in range(3))
    slow = 1.0 + trouble[:, np.newaxis] * [node.slow for node in nodes]
    usual = np.array([node.own for node in nodes]) * 1000.0
    own = (usual * (0.7 + 0.6 * own_luck) * slow).astype(np.int64)
    gaps = 60 + (300 * gap_luck).astype(np.int64)
    present = odds_luck < [node.odds for node in nodes]

    # From the leaves up each span gets as long as its children, their gaps and its own work, of
    # which half comes first; so all fit by construction.
    lengths = own.copy()
    for k in range(len(nodes) - 1, 0, -1):
        lengths[:, parents[k]] += present[:, k] * (lengths[:, k] + gaps[:, k])
    begins = np.zeros(shape, np.int64)
    nexts = own // 2
    for k in range(1, len(nodes)):
        begins[:, k] = nexts[:, parents[k]]
        nexts[:, parents[k]] += present[:, k] * (lengths[:, k] + gaps[:, k])
        nexts[:, k] += begins[:, k]
    return present, begins, begins + lengths


def _thread(lake: _Lake, process: scenes.Process, thread: str) -> tuple[_Cuts, pa.Table]:
    """Trace a few frames of a thread before each flush."""
    period, nodes = scenes.THREADS[process.kind, thread]
    depths = [node.depth for node in nodes]
    parents = [
        max((p for p in range(k) if depths[p] < d), default=-1) for k, d in enumerate(depths)
    ]
    start, end = _life(process)
    flushes = np.arange(-_LENGTH + _FLUSH, 1, _FLUSH)
    flushes = flushes[(flushes > start + 40 * _SECOND) & (flushes <= end)]
    count = lake.size * (_SPANS_PER_FLUSH // len(nodes))
    random = lake.random("spans", process.key, thread)
    present, begins, ends = _frames(nodes, parents, np.repeat(_trouble(flushes), count), random)

    # Frames keep their pace unless they take longer; the last one ends some time before the flush.
    steps = np.maximum(period * 1000, ends[:, 0] + 20_000).reshape(-1, count)
    pauses = ((0.05 + 8.0 * random.random((len(flushes), 1))) * _SECOND).astype(np.int64)
    after = np.cumsum(steps, axis=1)
    moments = (flushes[:, np.newaxis] - pauses - after[:, -1:] + after - steps).reshape(-1, 1)
    begins, ends = begins + moments, ends + moments

    # The first block begins with the thread, before its first span, and the last ends after.
    events = 2 * present.reshape(len(flushes), -1).sum(axis=1)
    cuts = _Cuts(begins[::count, 0].copy(), ends[count - 1 :: count, 0].copy(), events)
    cuts.begins[0] -= 27_020
    cuts.ends[-1] += 15_523

    # A span's id is the number of events, begins and ends, before its own begin; the root, which
    # stands for the thread, has no events.
    ids = 2 * (np.cumsum(present) - 1).reshape(present.shape) - depths
    parent_ids = np.where(np.array(parents) < 0, -1, ids[:, parents])
    columns = {
        name: np.concatenate([[root], values[present]])
        for name, root, values in (
            ("id", -1, ids),
            ("parent", 0, parent_ids),
            ("begin", cuts.begins[0], begins),
            ("end", cuts.ends[-1], ends),
        )
    }
    columns["duration"] = columns["end"] - columns["begin"]
    sources = [
        node._asdict() | {"depth": node.depth + 1, "hash": zlib.crc32(node.name.encode())}
        for node in (scenes.Span(-1, thread, "", "", 0, 0), *nodes)
    ]
    source = np.concatenate([[0], 1 + np.nonzero(present)[1]])
    return cuts, lake.table("thread_spans", columns, sources, source)


def _ticks(nanoseconds: Any, frequency: Any) -> Any:
    # In two steps: an hour of ns times the frequency does not fit into 64 bits.
    seconds, rest = np.divmod(nanoseconds, _SECOND)
    return seconds * frequency + rest * frequency // _SECOND


def _processes(lake: _Lake) -> pa.Table:
    """Make the processes, which the cast has in order of their start."""
    rows = []
    for process in scenes.PROCESSES:
        host = scenes.HOSTS[process.computer]
        start, _ = _life(process)
        ticks = _ticks(start + _LENGTH + host.uptime * _SECOND, host.tsc_frequency)
        rows.append(
            _origin(lake, process)
            | host._asdict()
            | {
                "realname": scenes.USERS[process.username],
                "start_time": start,
                "start_ticks": ticks,
                "insert_time": start + 22_018_000,
                "parent_process_id": lake.uuid("process", process.parent) if process.parent else "",
            }
        )
    return lake.table("processes", {}, rows, np.arange(len(rows)))


def _streams(lake: _Lake, streams: Sequence[_Stream]) -> pa.Table:
    """Make the streams, one after the other."""
    rows = [
        {
            "stream_id": lake.stream_id(stream),
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
            "insert_time": _life(stream.cast)[0] + 25_488_000 + 900_000 * i,
        }
        for i, stream in enumerate(streams)
    ]
    return lake.table("streams", {}, rows, np.arange(len(rows)))


def _blocks(
    lake: _Lake, streams: Sequence[_Stream], stream_table: pa.Table, processes: pa.Table
) -> pa.Table:
    cuts = [stream.cuts for stream in streams]
    begins, ends, counts = (np.concatenate(part) for part in zip(*cuts, strict=True))
    offsets = np.concatenate([np.cumsum(cut.counts) - cut.counts for cut in cuts])
    stream = np.repeat(np.arange(len(streams)), [len(cut.counts) for cut in cuts])
    process = np.array([each.process for each in streams])[stream]
    of_stream = stream_table.take(pa.array(stream))
    of_process = processes.take(pa.array(process))
    starts = np.array([_life(each)[0] for each in scenes.PROCESSES])[process]
    frequency = of_process["tsc_frequency"].to_numpy()
    bytes_each = np.array([_BYTES_PER_EVENT[each.tag] for each in streams])[stream]
    luck = lake.random("blocks").random((2, len(stream)))
    columns: dict[str, Any] = {
        "block_id": [lake.uuid("block", i) for i in range(len(stream))],
        "stream_id": of_stream["stream_id"],
        "process_id": of_stream["process_id"],
        "begin_time": begins,
        "begin_ticks": _ticks(begins - starts, frequency),
        "end_time": ends,
        "end_ticks": _ticks(ends - starts, frequency),
        "nb_objects": counts,
        "object_offset": offsets,
        "payload_size": 420 + (counts * bytes_each * (0.95 + 0.1 * luck[0])).astype(np.int64),
        "insert_time": ends + 1_000_000 + (11_000_000 * luck[1]).astype(np.int64),
    }
    for view, rows in (("streams", of_stream), ("processes", of_process)):
        columns |= {f"{view}.{name}": rows[name] for name in rows.column_names}
    return lake.table("blocks", columns)
