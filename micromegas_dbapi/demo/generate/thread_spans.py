"""The spans of a thread: the frames that were traced of it, laid out in time."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from micromegas_dbapi.demo.arrays import Floats, Ints
from micromegas_dbapi.demo.generate.seeded_lake import Lake
from micromegas_dbapi.demo.generate.stream_table import Cuts
from micromegas_dbapi.demo.scenario.call_trees import FRAMES, Span
from micromegas_dbapi.demo.scenario.fleet import Process
from micromegas_dbapi.demo.scenario.timeline import FLUSH, LENGTH, trouble_at
from micromegas_dbapi.time_units import SECOND

__all__ = ["traced_thread"]

_SPANS_PER_FLUSH = 80  # of each thread, at size 1


def _frames(
    nodes: Sequence[Span],
    parents: Sequence[int],
    trouble: Floats,
    random: np.random.Generator,
) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
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


def traced_thread(lake: Lake, process: Process, thread: str) -> tuple[Cuts, pa.Table]:
    """Trace a few frames of a thread before each flush."""
    period, nodes = FRAMES[process.kind, thread]
    depths = [node.depth for node in nodes]
    parents = [
        max((p for p in range(k) if depths[p] < d), default=-1) for k, d in enumerate(depths)
    ]
    start, end = process.life
    flushes = np.arange(-LENGTH + FLUSH, 1, FLUSH)
    flushes = flushes[(flushes > start + 40 * SECOND) & (flushes <= end)]
    count = lake.size * (_SPANS_PER_FLUSH // len(nodes))
    random = lake.random("spans", process.key, thread)
    present, begins, ends = _frames(nodes, parents, np.repeat(trouble_at(flushes), count), random)

    # Frames keep their pace unless they take longer; the last one ends some time before the flush.
    steps = np.maximum(period * 1000, ends[:, 0] + 20_000).reshape(-1, count)
    pauses = ((0.05 + 8.0 * random.random((len(flushes), 1))) * SECOND).astype(np.int64)
    after = np.cumsum(steps, axis=1)
    moments = (flushes[:, np.newaxis] - pauses - after[:, -1:] + after - steps).reshape(-1, 1)
    begins, ends = begins + moments, ends + moments

    # The first block begins with the thread, before its first span, and the last ends after.
    events = 2 * present.reshape(len(flushes), -1).sum(axis=1)
    cuts = Cuts(begins[::count, 0].copy(), ends[count - 1 :: count, 0].copy(), events)
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
        for node in (Span(-1, thread, "", "", 0, 0), *nodes)
    ]
    source = np.concatenate([[0], 1 + np.nonzero(present)[1]])
    return cuts, lake.table("thread_spans", columns, sources, source)
