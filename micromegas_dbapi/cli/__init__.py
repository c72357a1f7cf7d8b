"""Run ``micromegas-sql``, the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from micromegas_dbapi.cli.arguments import DEFAULT_URL, build_parser
from micromegas_dbapi.cli.default_command import command_first
from micromegas_dbapi.errors import Error, ProgrammingError

__all__ = ["main"]

# The module and function of each command. They are imported when used, so that --help is fast.
_WITHOUT_CONNECTION = {"serve": ("serve", "run"), "completion": ("completion", "run")}
_WITH_CONNECTION = {
    "query": ("query", "run"),
    "tables": ("tables", "tables"),
    "describe": ("tables", "describe"),
    "processes": ("processes", "run"),
    "log": ("log", "run"),
    "metrics": ("metrics", "run"),
    "spans": ("spans", "run"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        The exit code: 0 for success, 1 if the query, the connection or the output failed, 2 for a
        usage error, 130 if interrupted. Every error is one line on standard error.

    Raises
    ------
    SystemExit
        With code 2 if argparse rejects the arguments, and with 0 after ``--help`` and
        ``--version``.
    """
    given = sys.argv[1:] if arguments is None else arguments
    options = build_parser().parse_args(command_first(given))
    try:
        _run(options)
    except ImportError as error:
        return _fail(f"extra packages are needed: pip install 'micromegas-dbapi[cli]' ({error})", 2)
    except Error as error:
        usage = isinstance(error, ProgrammingError) and error.query_id is None
        return _fail(" ".join(str(error).split()), 2 if usage else 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:  # the reader, for example head, needs no more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return _fail(str(error), 1)
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.command in _WITHOUT_CONNECTION:
        _imported(*_WITHOUT_CONNECTION[options.command])(options)
    else:
        _run_connected(_imported(*_WITH_CONNECTION[options.command]), options)


def _run_connected(command: Callable[..., None], options: argparse.Namespace) -> None:
    """Open a connection and run a command with it."""
    from micromegas_dbapi.cli.output import check_output
    from micromegas_dbapi.cli.render.progress_bar import download_progress
    from micromegas_dbapi.open_connection import connect

    check_output(options)
    with (
        download_progress() as progress,
        connect(
            _address(options),
            profile=options.profile,
            begin=options.begin,
            end=options.end,
            timestamps="ns",
            progress=progress,
        ) as connection,
    ):
        command(connection, options)


def _address(options: argparse.Namespace) -> str | None:
    """Return the URL to connect to, or None to use the official client's configuration."""
    from micromegas_dbapi import profiles

    if options.profile is not None and options.url == os.environ.get("MICROMEGAS_URL"):
        return None
    if options.url is None and not profiles.exist():
        return DEFAULT_URL
    address: str | None = options.url
    return address


def _imported(module: str, function: str) -> Callable[..., None]:
    found: Callable[..., None] = getattr(
        import_module(f"micromegas_dbapi.cli.commands.{module}"), function
    )
    return found


def _fail(message: str, code: int) -> int:
    print(f"micromegas-sql: {message}", file=sys.stderr)
    return code
