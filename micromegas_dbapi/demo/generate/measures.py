"""Generate the measures of a process, and the log entries of its alarms."""

from __future__ import annotations

import numpy as np

from micromegas_dbapi.demo.curves import Floats, Ints, smoothstep
from micromegas_dbapi.demo.generate.event_rows import EventRows
from micromegas_dbapi.demo.generate.process_table import event_columns
from micromegas_dbapi.demo.generate.seeded_lake import SeededLake
from micromegas_dbapi.demo.scenario.fleet import Process
from micromegas_dbapi.demo.scenario.metric_models import METRICS, Metric
from micromegas_dbapi.demo.scenario.timeline import severity_at
from micromegas_dbapi.time_units import SECOND

__all__ = ["samples_and_alarms"]

_SAMPLES_PER_HOUR = 900  # of each measure, at size 1


def samples_and_alarms(lake: SeededLake, process: Process) -> tuple[EventRows, EventRows]:
    """Generate the measures of a process, and the log entries of its alarms.

    Parameters
    ----------
    lake : SeededLake
        The lake to generate.
    process : Process
        The process that sends them.

    Returns
    -------
    tuple of (EventRows, EventRows)
        The measures and the log entries.
    """
    metrics = METRICS[process.kind]
    start, end = process.lifetime
    span = end - start - 2 * SECOND
    n = _SAMPLES_PER_HOUR * lake.size * span // (3600 * SECOND)
    pace = np.arange(n) + 0.5 + 0.02 * lake.random("pace", process.key).random(n)
    times = start + SECOND + (pace * (span / n)).astype(np.int64)
    values = np.stack(
        [_values(metric, times, lake.random(process.key, metric.name)) for metric in metrics], 1
    )
    # The metrics of a sample are measured in sequence, a third of a microsecond each.
    moments = times[:, np.newaxis] + 320 * np.arange(len(metrics))
    common = event_columns(lake, process)
    samples = EventRows(
        moments.ravel(),
        [common | metric._asdict() for metric in metrics],
        np.tile(np.arange(len(metrics)), n),
        values.ravel(),
    )
    row, column = np.nonzero(values > [metric.alarm for metric in metrics])
    texts = [metrics[j].warning % values[i, j] for i, j in zip(row, column, strict=True)]
    alarms = EventRows(
        moments[row, column] + 2_500,
        [common | {"level": 3, "target": m.target, "properties": {}} for m in metrics],
        column,
        np.array(texts, object),
    )
    return samples, alarms


def _values(metric: Metric, times: Ints, random: np.random.Generator) -> Floats:
    """Generate the values of a metric."""
    n = len(times)
    steps = np.cumsum(random.random(n) - 0.5)
    # Zero at both ends, and with the same amplitude for any number of samples.
    walk = (steps - steps[-1] * np.arange(1, n + 1) / n) / np.sqrt(n / 12.0)
    phase = np.mod(times / (2400.0 * SECOND) + random.random(), 1.0)
    wave = 2.0 * smoothstep(np.abs(2.0 * phase - 1.0)) - 1.0
    # The jitter grows with the severity.
    incident = metric.trouble * severity_at(times) * (0.75 + 0.5 * random.random(n))
    noise = 0.4 * metric.walk * (random.random(n) - 0.5)
    parts = 1.0 + metric.walk * walk + metric.wave * wave + incident + noise
    spikes = np.where(random.random(n) < metric.odds, 3.0 + 5.0 * random.random(n), 1.0)
    values: Floats = metric.base * parts * spikes
    return np.rint(values) if metric.whole else values
