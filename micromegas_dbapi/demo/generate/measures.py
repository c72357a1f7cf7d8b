"""The measures of a process, and the log lines that warn of them."""

from __future__ import annotations

import numpy as np

from micromegas_dbapi.demo.arrays import Floats, Ints, smooth
from micromegas_dbapi.demo.generate.event_rows import Rows
from micromegas_dbapi.demo.generate.process_table import origin
from micromegas_dbapi.demo.generate.seeded_lake import Lake
from micromegas_dbapi.demo.scenario.fleet import Process
from micromegas_dbapi.demo.scenario.metric_models import METRICS, Metric
from micromegas_dbapi.demo.scenario.timeline import trouble_at
from micromegas_dbapi.time_units import SECOND

__all__ = ["samples_and_alarms"]

_SAMPLES_PER_HOUR = 900  # of each measure, at size 1


def samples_and_alarms(lake: Lake, process: Process) -> tuple[Rows, Rows]:
    """Make the measures of a process, and the log lines of those that are too high."""
    metrics = METRICS[process.kind]
    start, end = process.life
    span = end - start - 2 * SECOND
    n = _SAMPLES_PER_HOUR * lake.size * span // (3600 * SECOND)
    pace = np.arange(n) + 0.5 + 0.02 * lake.random("pace", process.key).random(n)
    times = start + SECOND + (pace * (span / n)).astype(np.int64)
    values = np.stack(
        [_values(metric, times, lake.random(process.key, metric.name)) for metric in metrics], 1
    )
    # The metrics of a sample are read one after the other, a third of a microsecond each.
    moments = times[:, np.newaxis] + 320 * np.arange(len(metrics))
    common = origin(lake, process)
    samples = Rows(
        moments.ravel(),
        [common | metric._asdict() for metric in metrics],
        np.tile(np.arange(len(metrics)), n),
        values.ravel(),
    )
    row, column = np.nonzero(values > [metric.alarm for metric in metrics])
    texts = [metrics[j].warning % values[i, j] for i, j in zip(row, column, strict=True)]
    alarms = Rows(
        moments[row, column] + 2_500,
        [common | {"level": 3, "target": m.target, "properties": {}} for m in metrics],
        column,
        np.array(texts, object),
    )
    return samples, alarms


def _values(metric: Metric, times: Ints, random: np.random.Generator) -> Floats:
    """Let a measure wander around its base."""
    n = len(times)
    steps = np.cumsum(random.random(n) - 0.5)
    # Tied to zero at both ends, and as wide at any number of samples.
    walk = (steps - steps[-1] * np.arange(1, n + 1) / n) / np.sqrt(n / 12.0)
    phase = np.mod(times / (2400.0 * SECOND) + random.random(), 1.0)
    wave = 2.0 * smooth(np.abs(2.0 * phase - 1.0)) - 1.0
    # In trouble everything jitters more.
    rough = metric.trouble * trouble_at(times) * (0.75 + 0.5 * random.random(n))
    noise = 0.4 * metric.walk * (random.random(n) - 0.5)
    parts = 1.0 + metric.walk * walk + metric.wave * wave + rough + noise
    spikes = np.where(random.random(n) < metric.odds, 3.0 + 5.0 * random.random(n), 1.0)
    values: Floats = metric.base * parts * spikes
    return np.rint(values) if metric.whole else values
