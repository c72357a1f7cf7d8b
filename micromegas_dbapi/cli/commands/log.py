"""Run ``micromegas-sql log``: print the log of a process, oldest entry first."""

from __future__ import annotations

import argparse

from micromegas_dbapi.cli.commands.instance_queries import parse_process_id, query_process
from micromegas_dbapi.cli.output import is_text, open_console, write_result
from micromegas_dbapi.cli.render.log_levels import level_number
from micromegas_dbapi.cli.render.log_lines import print_log
from micromegas_dbapi.connection import Connection

__all__ = ["run"]

_ALL = "SELECT time, level, target, msg FROM view_instance('log_entries', ?) ORDER BY time"
_OF_LEVEL = """\
SELECT time, level, target, msg FROM view_instance('log_entries', ?)
WHERE level <= ? ORDER BY time"""


def run(connection: Connection, options: argparse.Namespace) -> None:
    """Print the log of a process.

    Parameters
    ----------
    connection : Connection
        To the service.
    options : argparse.Namespace
        With ``process_id``, ``level``, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If there is no such process or level.
    DatabaseError
        If the query or the output fails.

    Notes
    -----
    As text, an entry is a line: time in UTC with nanoseconds, level, target, message. The other
    lines of a message follow, indented. Other formats have the columns time, level (its number),
    target and msg.
    """
    process_id = parse_process_id(options.process_id)
    if options.level is None:
        result, _ = query_process(connection, process_id, _ALL, [process_id])
    else:
        level = level_number(options.level)
        result, _ = query_process(connection, process_id, _OF_LEVEL, [process_id, level])
    if is_text(options):
        with open_console(options) as console:
            print_log(result, console)
    else:
        write_result(result, options)
