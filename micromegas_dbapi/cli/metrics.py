"""``micromegas-sql metrics``: what a process measured."""

from __future__ import annotations

import argparse
import math
from itertools import groupby
from typing import TYPE_CHECKING

from micromegas_dbapi import rows
from micromegas_dbapi.cli.output import console, to_terminal, write
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.timerange import format_ns

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"

_LIST = """\
SELECT name, unit, count(*) AS count, min(value) AS min, avg(value) AS avg, max(value) AS max,
       last_value(value ORDER BY time) AS last, min(time) AS begin, max(time) AS "end"
FROM view_instance('measures', ?) GROUP BY name, unit ORDER BY name, unit"""
_SERIES = """\
SELECT time, value, unit FROM view_instance('measures', ?) WHERE name = ? ORDER BY unit, time"""


def run(connection: Connection, options: argparse.Namespace) -> None:
    """List the metrics of a process, or give the values of one: drawn, on a terminal.

    Raises
    ------
    ProgrammingError
        If there is no such process.
    """
    if options.name is None:
        write(connection.execute(_LIST, [options.process_id]).fetch_record_batch(), options)
        return
    result = connection.execute(_SERIES, [options.process_id, options.name]).fetch_record_batch()
    if not to_terminal(options):
        write(result, options)
        return
    points: list[tuple[int, float | None, str]] = []
    for batch in result:
        points += zip(*rows.columns(batch, "ns"), strict=True)
    with console(options) as opened:
        if not points:
            opened.print(f"no values of {options.name!r} in this range; `metrics PROCESS_ID` lists "
                         "what there is", markup=False)  # fmt: skip
        for unit, series in groupby(points, key=lambda point: point[2]):
            _draw(options.name, unit, [(time, value) for time, value, _ in series], opened)


def _draw(name: str, unit: str, series: list[tuple[int, float | None]], console: Console) -> None:
    from rich.text import Text

    times = [time for time, _ in series]
    finite = [v for _, v in series if v is not None and math.isfinite(v)]
    title = Text(name, style="bold").append(f" ({unit})" if unit else "", style="not bold")
    console.print(title)
    console.print(Text(sparkline(series, console.width), style="cyan"), crop=False)
    if finite:
        mean = math.fsum(finite) / len(finite)
        figures = {"min": min(finite), "avg": mean, "max": max(finite), "last": finite[-1]}
        shown = "  ".join(f"{label} {value:.6g}" for label, value in figures.items())
        console.print(Text(shown))
    count = f"{len(series)} values, {format_ns(times[0])} to {format_ns(times[-1])}"
    strange = len(series) - len(finite)
    console.print(Text(count + (f", {strange} not finite" if strange else ""), style="dim"))


def sparkline(series: list[tuple[int, float | None]], width: int) -> str:
    """Draw values over time, a character for each part of the time: the mean of its values.

    Parameters
    ----------
    series : list of (int, float or None)
        Nanoseconds and value, by time; what is not finite is left out.
    width : int
        How many characters at most; fewer where there are fewer values.

    Returns
    -------
    str
        From the least mean to the greatest; blank where a part has no value.

    >>> sparkline([(0, 1.0), (1, 2.0), (2, 4.5), (3, 8.0)], 80)
    '▁▂▄█'
    """
    finite = [(t, v) for t, v in series if v is not None and math.isfinite(v)]
    if not finite:
        return ""
    begin, span = finite[0][0], finite[-1][0] - finite[0][0]
    count = max(1, min(width, len(finite)))
    parts: list[list[float]] = [[] for _ in range(count)]
    for time, value in finite:
        parts[min(count - 1, (time - begin) * count // span if span else 0)].append(value)
    means = [math.fsum(part) / len(part) if part else None for part in parts]
    there = [mean for mean in means if mean is not None]
    least, range_ = min(there), max(there) - min(there)
    return "".join(
        " " if mean is None else _BARS[_step((mean - least) / range_ if range_ else 0)]
        for mean in means
    )


def _step(share: float) -> int:
    return min(len(_BARS) - 1, int(share * len(_BARS)))
