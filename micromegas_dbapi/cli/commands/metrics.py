"""Run ``micromegas-sql metrics``: list the metrics of a process, or plot one of them."""

from __future__ import annotations

import argparse

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.cli.commands.instance_queries import parse_process_id, query_process
from micromegas_dbapi.cli.output import is_terminal, open_console, write_result
from micromegas_dbapi.cli.render.process_metrics import print_metrics, print_series
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.timerange import ALL_TIME

__all__ = ["run"]

# To the engine NaN is greater than all numbers and makes every mean NaN, so it is counted instead.
# `number` is null for NaN, in a form that engines since DataFusion 43 read alike, unlike FILTER and
# CASE. Subtracting the null or 0 keeps the sign of -0; adding it would not.
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


def run(connection: Connection, options: argparse.Namespace) -> None:
    """List the metrics of a process, or plot the values of one.

    Parameters
    ----------
    connection : Connection
        To the service.
    options : argparse.Namespace
        With ``process_id``, ``name`` or None, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If there is no such process, or it never had such a metric.
    DatabaseError
        If the query or the output fails.

    Notes
    -----
    The list has a row for each name and unit. ``count`` is the number of all values, ``nan`` the
    number of those that are NaN or null. ``min``, ``avg`` and ``max`` leave these out. ``last`` is
    the newest value. The values of one metric are rows of time, value and unit. Only a terminal
    gets rounded numbers and plots.
    """
    process_id = parse_process_id(options.process_id)
    if options.name is None:
        result, _ = query_process(connection, process_id, _LIST, [process_id])
    else:
        parameters = [process_id, options.name]
        result, empty = query_process(connection, process_id, _SERIES, parameters)
        if empty:
            _require_metric(connection, process_id, options.name)
    if not is_terminal(options):
        write_result(result, options)
        return
    values = [row for batch in result for row in zip(*rows.columns(batch, "ns"), strict=True)]
    with open_console(options) as console:
        if options.name is None:
            print_metrics(values, console)
        else:
            print_series(options.name, values, console)


def _require_metric(connection: Connection, process_id: str, name: str) -> None:
    """Raise an error if a process has no such metric, at any time."""
    cursor = connection.execute(_NAMES, [process_id], begin=ALL_TIME)
    names = [found for (found,) in cursor]
    if name not in names:
        available = f"available: {', '.join(names)}" if names else "it has no metrics"
        raise ProgrammingError(
            f"process {process_id} has no metric {name!r}; {available}", query_id=cursor.query_id
        )
