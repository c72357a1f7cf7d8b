"""Print the metrics of a process on a terminal: statistics of all, or a plot of one."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from micromegas_dbapi.cli.render.line_folding import INDENT, fold, pack
from micromegas_dbapi.cli.render.sparkline import buckets, format_number, sparkline
from micromegas_dbapi.cli.render.table import cell_text
from micromegas_dbapi.timerange import format_ns

__all__ = ["print_metrics", "print_series"]

_STATISTICS = ("min", "avg", "max", "last")
_COLUMNS = ("name", "unit", "count", "nan", *_STATISTICS)
_LABEL_WIDTH = 6  # "value "
_STRING = pa.string()


def print_metrics(metrics: list[tuple[Any, ...]], console: Console) -> None:
    """Print the statistics of all metrics, as a table if it fits the terminal.

    Parameters
    ----------
    metrics : list of (name, unit, count, nan, min, avg, max, last, ...)
        In the order in which they are to be shown.
    console : rich.console.Console
        Where to print.
    """
    rows = [
        {
            "name": cell_text(name, _STRING),
            "unit": cell_text(unit, _STRING),
            "count": str(count),
            "nan": str(nan) if nan else "",
            **dict(zip(_STATISTICS, map(format_number, numbers[:4]), strict=True)),
        }
        for name, unit, count, nan, *numbers in metrics
    ]
    # There are hardly ever any NaNs.
    columns = [name for name in _COLUMNS if name != "nan" or any(row["nan"] for row in rows)]
    widths = [max([cell_len(row[n]) for row in rows] + [len(n)]) for n in columns]
    if sum(widths) + 3 * len(widths) <= console.width:
        console.print(_table(columns, rows))
    else:
        for row in rows:
            console.print(fold(_title(row["name"], row["unit"]), console))
            _print_statistics({n: row[n] for n in columns[2:] if row[n]}, console, INDENT)
    count = f"{len(metrics)} {'metric' if len(metrics) == 1 else 'metrics'}"
    note = "; use --format or a pipe for exact numbers" if metrics else ""
    console.print(fold(Text(f"({count}{note})", "dim"), console))


def _table(columns: list[str], rows: list[dict[str, str]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        left = name in ("name", "unit")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[name]) for name in columns))
    return table


def print_series(name: str, values: list[tuple[int, float | None, str]], console: Console) -> None:
    """Print a plot of one metric, one for each of its units.

    The time from the first to the last value is divided into equal parts. The plot shows the
    maximum and the mean of each.

    Parameters
    ----------
    name : str
        Of the metric.
    values : list of (time, value, unit)
        Ordered by time, which is in nanoseconds.
    console : rich.console.Console
        Where to print.
    """
    by_unit: dict[str, list[tuple[int, float | None]]] = {}
    for time, value, unit in values:
        by_unit.setdefault(cell_text(unit, _STRING), []).append((time, value))
    for unit, series in sorted(by_unit.items()):
        console.print(fold(_title(cell_text(name, _STRING), unit), console))
        _print_plot(series, console)
        _print_counts(series, console)
    if not values:
        text = f"(no values of {cell_text(name, _STRING)} in the time range)"
        console.print(fold(Text(text, "dim"), console))


def _print_plot(series: list[tuple[int, float | None]], console: Console) -> None:
    finite = [v for _, v in series if v is not None and math.isfinite(v)]
    if not finite:
        return
    parts = buckets(series, max(1, min(console.width - _LABEL_WIDTH, len(series))))
    maxima = [max(part, default=None) for part in parts]
    if max(map(len, parts)) == 1:
        plots = {"value": maxima}
    else:
        plots = {"max": maxima, "mean": [_mean(part) if part else None for part in parts]}
    for label, values in plots.items():
        bars = sparkline(values, min(finite), max(finite))
        console.print(Text.assemble((label.ljust(_LABEL_WIDTH), "dim"), (bars, "cyan")))
    numbers = (min(finite), _mean(finite), max(finite), series[-1][1])
    _print_statistics(dict(zip(_STATISTICS, map(format_number, numbers), strict=True)), console)


def _print_counts(series: list[tuple[int, float | None]], console: Console) -> None:
    """Print the number of values, of those that are not finite, and their time range."""
    counts = {"value" if len(series) == 1 else "values": len(series)}
    for value in (v for _, v in series if v is None or not math.isfinite(v)):
        label = "NULL" if value is None else str(value)
        counts[label] = counts.get(label, 0) + 1
    items = [Text(f"{count} {label}", "dim") for label, count in counts.items()]
    span = f"{format_ns(series[0][0])} to {format_ns(series[-1][0])}"
    for line in pack([*items, Text(span, "dim")], console.width):
        console.print(fold(line, console))


def _mean(values: list[float]) -> float:
    # Divided first, because the sum of very large floats overflows.
    return math.fsum(value / len(values) for value in values)


def _title(name: str, unit: str) -> Text:
    return Text.assemble((name, "bold"), f" ({unit})" if unit else "")


def _print_statistics(statistics: dict[str, str], console: Console, indent: str = "") -> None:
    items = (Text.assemble((f"{label} ", "dim"), text) for label, text in statistics.items())
    for line in pack(items, console.width - len(indent)):
        console.print(fold(Text(indent).append_text(line), console))
