"""``micromegas-sql``: run a statement from a terminal."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from micromegas_dbapi.connection import connect
from micromegas_dbapi.errors import Error, ProgrammingError

__all__ = ["main"]

_DEFAULT_URL = "http://localhost:8082"

_EPILOG = """\
examples:
  micromegas-sql "SELECT time, level, msg FROM log_entries LIMIT 5" --url demo:
  micromegas-sql "SELECT exe, computer FROM processes" --url http://analytics:8082
  micromegas-sql "SELECT name, max(value) FROM measures GROUP BY name" --begin -2h

exit codes:
  0  the statement ran        1  it failed, or the service could not be reached
  2  wrong usage              130  interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        The exit code: 0, 1 if the statement fails or the service cannot be reached, 2 for wrong
        usage, 130 if interrupted. Every error is one line on standard error.
    """
    options = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        from micromegas_dbapi.cli.table import print_table
    except ImportError as error:
        return _fail(f"it needs more packages: pip install 'micromegas-dbapi[cli]' ({error})", 2)
    try:
        with connect(options.url, begin=options.begin, end=options.end, timestamps="ns") as opened:
            print_table(opened.execute(options.sql))
    except Error as error:
        usage = isinstance(error, ProgrammingError) and error.query_id is None
        return _fail(" ".join(str(error).split()), 2 if usage else 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:  # the reader, head say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _fail(message: str, code: int) -> int:
    print(f"micromegas-sql: {message}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="micromegas-sql",
        description="Run a SQL statement on a Micromegas service, a lake of Parquet files, or "
        "generated demo data, and print the result as a table.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("sql", metavar="SQL", help="the statement, in DataFusion's SQL")
    parser.add_argument(
        "--url",
        default=os.environ.get("MICROMEGAS_URL", _DEFAULT_URL),
        help="http://HOST:PORT, https://HOST, lake:FOLDER or demo: (default: the environment "
        f"variable MICROMEGAS_URL, or {_DEFAULT_URL})",
    )
    parser.add_argument(
        "--begin",
        metavar="TIME",
        help="begin of the time range: RFC 3339 with a zone, 'now', or relative as in -2h",
    )
    parser.add_argument("--end", metavar="TIME", help="end of the time range, included")
    parser.add_argument("--version", action="version", version=version("micromegas-dbapi"))
    return parser


def _joined(arguments: Sequence[str]) -> list[str]:
    """Write ``--begin -2h`` as ``--begin=-2h``, since argparse takes ``-2h`` for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in ("--begin", "--end"):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined
