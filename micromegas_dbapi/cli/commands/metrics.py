"""``metrics``: what a process measured, and how one metric went."""

from __future__ import annotations

import argparse
import math
from typing import Any

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.cli.commands.instance_queries import identifier, of_process
from micromegas_dbapi.cli.output import console, to_terminal, write
from micromegas_dbapi.cli.render.line_folding import INDENT, fold, pack
from micromegas_dbapi.cli.render.sparkline import buckets, figure, sparkline
from micromegas_dbapi.cli.render.table import cell
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.timerange import ALL_TIME, format_ns

__all__ = ["run"]

# NaN is greater than all numbers to the engine, and makes every mean NaN: it is counted instead.
# `number` is null for it, in a form that engines since DataFusion 43 read alike, unlike FILTER and
# CASE; what is taken away is 0, since adding it would lose the sign of -0.
_LIST = """\
SELECT name, unit, count(*) AS count, count(*) - count(number) AS nan,
       min(number) AS min, avg(number) AS avg, max(number) AS max,
       last_value(value ORDER BY time) AS last, min(time) AS begin, max(time) AS "end"
FROM (
  SELECT name, unit, time, value, value - CAST(nullif(isnan(value), true) AS DOUBLE) AS number
  FROM view_instance('measures', ?)
) AS measured
GROUP BY name, unit ORDER BY name, unit"""
_SERIES = """\
SELECT time, value, unit FROM view_instance('measures', ?) WHERE name = ? ORDER BY time"""
_NAMES = "SELECT DISTINCT name FROM view_instance('measures', ?) ORDER BY name"

_FIGURES = ("min", "avg", "max", "last")
_COLUMNS = ("name", "unit", "count", "nan", *_FIGURES)
_LABEL = 6  # "value "
_STRING = pa.string()


def run(connection: Connection, options: argparse.Namespace) -> None:
    """List the metrics of a process, or give the values of one.

    Parameters
    ----------
    connection : Connection
    options : argparse.Namespace
        ``process_id``, ``name`` or None, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If there is no such process, or it has no such metric at any time.

    Notes
    -----
    The list has a row for each name and unit: ``count`` of all values and ``nan`` of those that
    are NaN or null, which ``min``, ``avg`` and ``max`` leave out; ``last`` is the newest. The
    values of one metric are rows of time, value and unit. On a terminal figures have six digits
    unless they are whole, and a metric is drawn: each unit by itself, the time from its first to
    its last value in equal parts, of each the greatest value and the mean.
    """
    process = identifier(options.process_id, "PROCESS_ID")
    if options.name is None:
        result, _ = of_process(connection, process, _LIST, [process])
    else:
        result, empty = of_process(connection, process, _SERIES, [process, options.name])
        if empty:
            _require(connection, process, options.name)
    if not to_terminal(options):
        write(result, options)
        return
    found = [row for batch in result for row in zip(*rows.columns(batch, "ns"), strict=True)]
    with console(options) as out:
        if options.name is None:
            _print_list(found, out)
        else:
            _print_series(options.name, found, out)


def _require(connection: Connection, process: str, name: str) -> None:
    """Tell a name that is wrong from one without values in the time range."""
    cursor = connection.execute(_NAMES, [process], begin=ALL_TIME)
    names = [found for (found,) in cursor]
    if name not in names:
        has = f"it has {', '.join(names)}" if names else "it has none"
        raise ProgrammingError(
            f"process {process} has no metric {name!r}; {has}", query_id=cursor.query_id
        )


def _print_list(found: list[tuple[Any, ...]], out: Console) -> None:
    shown = [
        {
            "name": cell(name, _STRING),
            "unit": cell(unit, _STRING),
            "count": str(count),
            "nan": str(nan) if nan else "",
            **{label: figure(v) for label, v in zip(_FIGURES, figures[:4], strict=True)},
        }
        for name, unit, count, nan, *figures in found
    ]
    # There are nearly never any.
    names = [n for n in _COLUMNS if n != "nan" or any(row["nan"] for row in shown)]
    widths = [max([cell_len(row[n]) for row in shown] + [len(n)]) for n in names]
    if sum(widths) + 3 * len(widths) <= out.width:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in names:
            left = name in ("name", "unit")
            table.add_column(name, justify="left" if left else "right", no_wrap=True)
        for row in shown:
            table.add_row(*(Text(row[name]) for name in names))
        out.print(table)
    else:
        for row in shown:
            out.print(fold(_title(row["name"], row["unit"]), out))
            _print_figures({name: row[name] for name in names[2:] if row[name]}, out, INDENT)
    count = f"{len(found)} {'metric' if len(found) == 1 else 'metrics'}"
    note = "; with --format or in a pipe, figures have all their digits" if found else ""
    out.print(fold(Text(f"({count}{note})", "dim"), out))


def _print_series(name: str, found: list[tuple[Any, ...]], out: Console) -> None:
    by_unit: dict[str, list[tuple[int, float | None]]] = {}
    for time, value, unit in found:
        by_unit.setdefault(cell(unit, _STRING), []).append((time, value))
    for unit, series in sorted(by_unit.items()):
        out.print(fold(_title(cell(name, _STRING), unit), out))
        _draw(series, out)
    if not found:
        text = f"(no values of {cell(name, _STRING)} in the time range)"
        out.print(fold(Text(text, "dim"), out))


def _draw(series: list[tuple[int, float | None]], out: Console) -> None:
    finite = [v for _, v in series if v is not None and math.isfinite(v)]
    if finite:
        parts = buckets(series, max(1, min(out.width - _LABEL, len(series))))
        greatest = [max(part, default=None) for part in parts]
        if max(map(len, parts)) == 1:
            lines = {"value": greatest}
        else:
            lines = {"max": greatest, "mean": [_mean(part) if part else None for part in parts]}
        for label, values in lines.items():
            drawn = sparkline(values, min(finite), max(finite))
            out.print(Text.assemble((label.ljust(_LABEL), "dim"), (drawn, "cyan")))
        figures = (min(finite), _mean(finite), max(finite), series[-1][1])
        _print_figures(dict(zip(_FIGURES, map(figure, figures), strict=True)), out)
    counts = {"value" if len(series) == 1 else "values": len(series)}
    for value in (v for _, v in series if v is None or not math.isfinite(v)):
        label = "NULL" if value is None else str(value)
        counts[label] = counts.get(label, 0) + 1
    pieces = [Text(f"{count} {label}", "dim") for label, count in counts.items()]
    span = f"{format_ns(series[0][0])} to {format_ns(series[-1][0])}"
    for line in pack([*pieces, Text(span, "dim")], out.width):
        out.print(fold(line, out))


def _mean(values: list[float]) -> float:
    # Divided first, since the sum of the greatest floats is none.
    return math.fsum(value / len(values) for value in values)


def _title(name: str, unit: str) -> Text:
    return Text.assemble((name, "bold"), f" ({unit})" if unit else "")


def _print_figures(figures: dict[str, str], out: Console, indent: str = "") -> None:
    pieces = (Text.assemble((f"{label} ", "dim"), text) for label, text in figures.items())
    for line in pack(pieces, out.width - len(indent)):
        out.print(fold(Text(indent).append_text(line), out))
