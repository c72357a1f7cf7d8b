"""Generate the log entries of a process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from micromegas_dbapi.demo.curves import Floats
from micromegas_dbapi.demo.generate.event_rows import EventRows
from micromegas_dbapi.demo.generate.process_table import event_columns
from micromegas_dbapi.demo.generate.seeded_lake import SeededLake
from micromegas_dbapi.demo.scenario.fleet import Process
from micromegas_dbapi.demo.scenario.incident import INCIDENT_MESSAGES, STARTUP_MESSAGES
from micromegas_dbapi.demo.scenario.log_messages import MESSAGES, MESSAGES_PER_HOUR, Latency, Serial
from micromegas_dbapi.demo.scenario.timeline import severity_at
from micromegas_dbapi.time_units import SECOND

__all__ = ["repeated_messages", "single_messages"]


def single_messages(lake: SeededLake, process: Process) -> EventRows:
    """Generate the messages of the start of a process and of the incident.

    Parameters
    ----------
    lake : SeededLake
        The lake to generate.
    process : Process
        The process that logs them.

    Returns
    -------
    EventRows
        Not ordered by time.
    """
    start, _ = process.lifetime
    startup = STARTUP_MESSAGES[process.kind]
    messages = [(start + round(after * SECOND), *rest) for after, *rest in startup]
    messages += [
        (round(time * SECOND), *rest)
        for key, time, *rest in INCIDENT_MESSAGES
        if key == process.key
    ]
    common = event_columns(lake, process)
    return EventRows(
        np.array([time for time, *_ in messages], np.int64),
        [common | {"level": n, "target": to, "properties": {}} for _, n, to, _ in messages],
        np.arange(len(messages)),
        np.array([text for *_, text in messages], object),
    )


def repeated_messages(lake: SeededLake, process: Process) -> EventRows:
    """Generate the repeated messages, spread over the lifetime of a process.

    Parameters
    ----------
    lake : SeededLake
        The lake to generate.
    process : Process
        The process that logs them.

    Returns
    -------
    EventRows
        Ordered by time.
    """
    templates = MESSAGES[process.kind]
    start, end = process.lifetime
    begin, span = start + 2 * SECOND, end - start - 2 * SECOND - SECOND // 1000
    n = MESSAGES_PER_HOUR[process.kind] * lake.size * span // (3600 * SECOND)
    random = lake.random("log", process.key)
    times = np.sort(begin + (random.random(n) * span).astype(np.int64))
    severity = severity_at(times)
    draws = random.random((n, 7))
    calm, trouble = (
        np.searchsorted(np.cumsum(weights), draws[:, 1] * sum(weights), side="right")
        for weights in zip(*((each.calm, each.trouble) for each in templates), strict=True)
    )
    selected = np.where(draws[:, 0] < severity, trouble, calm)

    common = event_columns(lake, process)
    sources: list[dict[str, Any]] = []
    source = np.zeros(n, np.int64)
    messages = np.empty(n, object)
    for number, template in enumerate(templates):
        rows = np.flatnonzero(selected == number)
        variant = (draws[rows, 2] * len(template.properties)).astype(np.int64)
        source[rows] = len(sources) + variant
        row = common | template._asdict()
        sources += [row | {"properties": each} for each in template.properties]
        fields = [
            _field_values(field, rows, draws[rows, 3 + i], severity[rows])
            for i, field in enumerate(template.fields)
        ]
        messages[rows] = [template.text % values for values in zip(*fields, strict=True)]
    return EventRows(times, sources, source, messages)


def _field_values(
    field: Sequence[object] | Latency | Serial,
    rows: npt.NDArray[np.intp],
    draws: Floats,
    severity: Floats,
) -> list[Any]:
    """Generate the values of a field of a message for the given rows of its process."""
    if isinstance(field, Serial):
        return list(field.first + rows)
    if isinstance(field, Latency):
        normal = field.milliseconds * (0.6 + 0.6 * draws + 0.03 * draws / (1.002 - draws))
        return list(np.maximum(1.0, normal * (1.0 + field.slow * severity)))
    return [field[int(x)] for x in draws * len(field)]
