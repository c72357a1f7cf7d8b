"""``micromegas-sql query``: one statement, from the command line, a file or standard input."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from micromegas_dbapi.cli.output import write
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import OperationalError, ProgrammingError
from micromegas_dbapi.timerange import NoTimeRange, TimeRange

__all__ = ["run"]


def run(connection: Connection, options: argparse.Namespace) -> None:
    """Run the statement and write its result, or tell its time range."""
    if options.explain_range:
        _explain(connection.time_range(_statement(options)))
        return
    write(connection.execute(_statement(options)).fetch_record_batch(), options)


def _explain(found: TimeRange | NoTimeRange) -> None:
    if isinstance(found, TimeRange):
        print(f"begin   {found.begin_text}\nend     {found.end_text}\nsource  {found.source}")
    else:
        print(f"no time range: {found.reason}")


def _statement(options: argparse.Namespace) -> str:
    if options.sql is not None and options.file is not None:
        raise ProgrammingError("give a statement or --file, not both")
    if options.file is not None:
        source = f"the file {options.file}"
        try:
            encoded = Path(options.file).read_bytes()
        except OSError as error:
            raise OperationalError(f"the statement cannot be read: {error}") from error
    elif options.sql in (None, "-"):
        source = "standard input"
        if options.sql is None and sys.stdin.isatty():
            raise ProgrammingError("there is no statement: see micromegas-sql --help")
        encoded = sys.stdin.buffer.read()
    else:
        source, encoded = "the statement", options.sql.encode(errors="surrogateescape")
    try:
        sql: str = encoded.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProgrammingError(f"{source} is not UTF-8: {error}") from error
    if not sql.strip():
        raise ProgrammingError(f"{source} is empty: there is no statement to run")
    return sql
