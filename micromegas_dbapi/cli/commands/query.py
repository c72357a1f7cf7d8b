"""Run ``micromegas-sql query``: one statement, from an argument, a file or standard input."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from micromegas_dbapi.cli.output import write_result
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import OperationalError, ProgrammingError
from micromegas_dbapi.timerange import NoTimeRange, TimeRange

__all__ = ["run"]


def run(connection: Connection, options: argparse.Namespace) -> None:
    """Run a statement and write its result, or print its time range.

    Parameters
    ----------
    connection : Connection
        To the service.
    options : argparse.Namespace
        With ``sql``, ``file``, ``explain_range``, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If there is no statement, or it is not UTF-8.
    OperationalError
        If the file cannot be read.
    DatabaseError
        If the query or the output fails.
    """
    sql = _statement(options)
    if options.explain_range:
        _print_range(connection.time_range(sql))
    else:
        write_result(connection.execute(sql).fetch_record_batch(), options)


def _print_range(found: TimeRange | NoTimeRange) -> None:
    if isinstance(found, TimeRange):
        print(f"begin   {found.begin_text}\nend     {found.end_text}\nsource  {found.source}")
    else:
        print(f"no time range: {found.reason}")


def _statement(options: argparse.Namespace) -> str:
    source, encoded = _read(options)
    try:
        sql = encoded.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProgrammingError(f"{source} is not UTF-8: {error}") from error
    if not sql.strip():
        raise ProgrammingError(f"no SQL statement: {source} is empty")
    return sql


def _read(options: argparse.Namespace) -> tuple[str, bytes]:
    """Return where the statement comes from, and its bytes."""
    if options.file is not None:
        if options.sql is not None:
            raise ProgrammingError("SQL and --file exclude each other: use one of them")
        try:
            return f"the file {options.file}", Path(options.file).read_bytes()
        except OSError as error:
            raise OperationalError(f"cannot read the statement: {error}") from error
    if options.sql not in (None, "-"):
        return "the argument", options.sql.encode(errors="surrogateescape")
    if options.sql is None and sys.stdin.isatty():
        raise ProgrammingError("no SQL statement; see micromegas-sql --help")
    return "standard input", sys.stdin.buffer.read()
