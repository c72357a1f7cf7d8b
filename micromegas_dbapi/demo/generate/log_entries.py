"""The log entries of a process: the lines it repeats, and those it says once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from micromegas_dbapi.demo.arrays import Floats
from micromegas_dbapi.demo.generate.event_rows import Rows
from micromegas_dbapi.demo.generate.process_table import origin
from micromegas_dbapi.demo.generate.seeded_lake import Lake
from micromegas_dbapi.demo.scenario.fleet import Process
from micromegas_dbapi.demo.scenario.incident import OPENINGS, STORY
from micromegas_dbapi.demo.scenario.log_messages import LINES, LINES_PER_HOUR, Latency, Serial
from micromegas_dbapi.demo.scenario.timeline import trouble_at
from micromegas_dbapi.time_units import SECOND

__all__ = ["repeated_lines", "single_lines"]


def single_lines(lake: Lake, process: Process) -> Rows:
    """Make the lines of the start of a process and of its part in the story."""
    start, _ = process.life
    opening = OPENINGS[process.kind]
    lines = [(start + round(after * SECOND), *line) for after, *line in opening]
    lines += [(round(at * SECOND), *line) for key, at, *line in STORY if key == process.key]
    common = origin(lake, process)
    return Rows(
        np.array([time for time, *_ in lines], np.int64),
        [common | {"level": n, "target": to, "properties": {}} for _, n, to, _ in lines],
        np.arange(len(lines)),
        np.array([text for *_, text in lines], object),
    )


def repeated_lines(lake: Lake, process: Process) -> Rows:
    """Make the lines that come again and again, at any time of the life of a process."""
    repeated = LINES[process.kind]
    start, end = process.life
    begin, span = start + 2 * SECOND, end - start - 2 * SECOND - SECOND // 1000
    n = LINES_PER_HOUR[process.kind] * lake.size * span // (3600 * SECOND)
    random = lake.random("log", process.key)
    times = np.sort(begin + (random.random(n) * span).astype(np.int64))
    trouble = trouble_at(times)
    luck = random.random((n, 7))
    calm_line, trouble_line = (
        np.searchsorted(np.cumsum(weights), luck[:, 1] * sum(weights), side="right")
        for weights in zip(*((line.calm, line.trouble) for line in repeated), strict=True)
    )
    chosen = np.where(luck[:, 0] < trouble, trouble_line, calm_line)

    common = origin(lake, process)
    sources: list[dict[str, Any]] = []
    source = np.zeros(n, np.int64)
    messages = np.empty(n, object)
    for number, line in enumerate(repeated):
        rows = np.flatnonzero(chosen == number)
        variant = (luck[rows, 2] * len(line.properties)).astype(np.int64)
        source[rows] = len(sources) + variant
        sources += [common | line._asdict() | {"properties": each} for each in line.properties]
        slots = [
            _slot(slot, rows, luck[rows, 3 + i], trouble[rows]) for i, slot in enumerate(line.slots)
        ]
        messages[rows] = [line.text % values for values in zip(*slots, strict=True)]
    return Rows(times, sources, source, messages)


def _slot(
    slot: Sequence[object] | Latency | Serial,
    rows: npt.NDArray[np.intp],
    luck: Floats,
    trouble: Floats,
) -> list[Any]:
    """Fill a slot of a line in the given rows of its process."""
    if isinstance(slot, Serial):
        return list(slot.first + rows)
    if isinstance(slot, Latency):
        usual = slot.milliseconds * (0.6 + 0.6 * luck + 0.03 * luck / (1.002 - luck))
        return list(np.maximum(1.0, usual * (1.0 + slot.slow * trouble)))
    return [slot[int(x)] for x in luck * len(slot)]
