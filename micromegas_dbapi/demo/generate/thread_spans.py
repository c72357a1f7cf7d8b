"""Generate the spans of a thread from its call tree."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from micromegas_dbapi.demo.curves import Floats, Ints
from micromegas_dbapi.demo.generate.seeded_lake import SeededLake
from micromegas_dbapi.demo.generate.stream_table import Blocks
from micromegas_dbapi.demo.scenario.call_trees import CALL_TREES, Span
from micromegas_dbapi.demo.scenario.fleet import Process
from micromegas_dbapi.demo.scenario.timeline import FLUSH_INTERVAL, LENGTH, severity_at
from micromegas_dbapi.time_units import SECOND

__all__ = ["traced_thread"]

_SPANS_PER_FLUSH = 80  # of each thread, at size 1


def _call_trees(
    nodes: Sequence[Span],
    parents: Sequence[int],
    severity: Floats,
    random: np.random.Generator,
) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
    """Lay out call trees, one a row: which spans exist, and their relative begins and ends."""
    shape = (len(severity), len(nodes))
    own_draws, odds_draws, gap_draws = (random.random(shape) for _ in range(3))
    slow = 1.0 + severity[:, np.newaxis] * [node.slow for node in nodes]
    normal = np.array([node.own for node in nodes]) * 1000.0
    own = (normal * (0.7 + 0.6 * own_draws) * slow).astype(np.int64)
    gaps = 60 + (300 * gap_draws).astype(np.int64)
    present = odds_draws < [node.odds for node in nodes]

    # From the leaves to the root, each span is as long as its children, their gaps and its own
    # work, half of which precedes the children. So all children fit.
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


def traced_thread(lake: SeededLake, process: Process, thread: str) -> tuple[Blocks, pa.Table]:
    """Generate some call trees of a thread before each flush.

    Parameters
    ----------
    lake : SeededLake
        The lake to generate.
    process : Process
        The process of the thread.
    thread : str
        The name of the thread.

    Returns
    -------
    tuple of (Blocks, pyarrow.Table)
        The blocks of the stream, and its spans.
    """
    period, nodes = CALL_TREES[process.kind, thread]
    parents = _parents(nodes)
    start, end = process.lifetime
    flushes = np.arange(-LENGTH + FLUSH_INTERVAL, 1, FLUSH_INTERVAL)
    flushes = flushes[(flushes > start + 40 * SECOND) & (flushes <= end)]
    count = lake.size * (_SPANS_PER_FLUSH // len(nodes))
    random = lake.random("spans", process.key, thread)
    severity = np.repeat(severity_at(flushes), count)
    present, begins, ends = _call_trees(nodes, parents, severity, random)

    # Call trees start periodically unless they take longer. The last one ends before the flush.
    steps = np.maximum(period * 1000, ends[:, 0] + 20_000).reshape(-1, count)
    pauses = ((0.05 + 8.0 * random.random((len(flushes), 1))) * SECOND).astype(np.int64)
    after = np.cumsum(steps, axis=1)
    moments = (flushes[:, np.newaxis] - pauses - after[:, -1:] + after - steps).reshape(-1, 1)
    begins, ends = begins + moments, ends + moments

    # The first block begins before the first span, with the thread. The last ends after its span.
    events = 2 * present.reshape(len(flushes), -1).sum(axis=1)
    blocks = Blocks(begins[::count, 0].copy(), ends[count - 1 :: count, 0].copy(), events)
    blocks.begins[0] -= 27_020
    blocks.ends[-1] += 15_523
    root = Span(-1, thread, "", "", 0, 0)
    columns = _span_columns(nodes, parents, present)
    columns["begin"] = np.concatenate([blocks.begins[:1], begins[present]])
    columns["end"] = np.concatenate([blocks.ends[-1:], ends[present]])
    columns["duration"] = columns["end"] - columns["begin"]
    return blocks, _span_table(lake, (root, *nodes), present, columns)


def _parents(nodes: Sequence[Span]) -> list[int]:
    """Return the index of the parent of each span, -1 for the first."""
    depths = [node.depth for node in nodes]
    return [max((p for p in range(k) if depths[p] < d), default=-1) for k, d in enumerate(depths)]


def _span_columns(
    nodes: Sequence[Span], parents: Sequence[int], present: npt.NDArray[np.bool_]
) -> dict[str, Ints]:
    """Generate the ids of spans, with the root first.

    The id of a span is the number of events, begins and ends, before its own begin. The root,
    which represents the thread, has no events.
    """
    depths = [node.depth for node in nodes]
    ids = 2 * (np.cumsum(present) - 1).reshape(present.shape) - depths
    parent_ids = np.where(np.array(parents) < 0, -1, ids[:, parents])
    return {
        "id": np.concatenate([[-1], ids[present]]),
        "parent": np.concatenate([[0], parent_ids[present]]),
    }


def _span_table(
    lake: SeededLake,
    nodes: Sequence[Span],
    present: npt.NDArray[np.bool_],
    columns: dict[str, Ints],
) -> pa.Table:
    sources = [
        node._asdict() | {"depth": node.depth + 1, "hash": zlib.crc32(node.name.encode())}
        for node in nodes
    ]
    source = np.concatenate([[0], 1 + np.nonzero(present)[1]])
    return lake.table("thread_spans", columns, sources, source)
