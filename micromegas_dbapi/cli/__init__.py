"""``micromegas-sql``: Micromegas from a terminal."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from micromegas_dbapi.cli.arguments import DEFAULT_URL, ordered, parser
from micromegas_dbapi.errors import Error, ProgrammingError

if TYPE_CHECKING:
    from micromegas_dbapi.connection import Connection

__all__ = ["main"]

# Command -> module and function; imported when they are used, so that --help is quick.
_WITHOUT_CONNECTION = {"serve": ("serve", "run"), "completion": ("completion", "run")}
_WITH_CONNECTION = {
    "query": ("query", "run"),
    "tables": ("views", "tables"),
    "describe": ("views", "describe"),
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
        Those of the process by default.

    Returns
    -------
    int
        The exit code: 0, 1 if a statement fails or the service cannot be reached, 2 for wrong
        usage, 130 if interrupted. Every error is one line on standard error.
    """
    top = parser()
    options = top.parse_args(ordered(sys.argv[1:] if arguments is None else arguments))
    try:
        _run(options)
    except ImportError as error:
        return _fail(f"it needs more packages: pip install 'micromegas-dbapi[cli]' ({error})", 2)
    except Error as error:
        usage = isinstance(error, ProgrammingError) and error.query_id is None
        return _fail(" ".join(str(error).split()), 2 if usage else 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:  # the reader, head say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return _fail(str(error), 1)
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.command in _WITHOUT_CONNECTION:
        command: Callable[[argparse.Namespace], None] = _imported(_WITHOUT_CONNECTION, options)
        command(options)
        return
    from micromegas_dbapi.cli.output import check
    from micromegas_dbapi.cli.render.progress_bar import download
    from micromegas_dbapi.open_connection import connect

    check(options)
    reading: Callable[[Connection, argparse.Namespace], None] = _imported(_WITH_CONNECTION, options)
    with (
        download() as progress,
        connect(
            _address(options),
            profile=options.profile,
            begin=options.begin,
            end=options.end,
            timestamps="ns",
            progress=progress,
        ) as opened,
    ):
        reading(opened, options)


def _address(options: argparse.Namespace) -> str | None:
    """Give the address to connect to; None leaves it to the official client's configuration."""
    from micromegas_dbapi import profiles

    if options.profile is not None and options.url == os.environ.get("MICROMEGAS_URL"):
        return None
    if options.url is None and not profiles.exist():
        return DEFAULT_URL
    address: str | None = options.url
    return address


def _imported(
    commands: dict[str, tuple[str, str]], options: argparse.Namespace
) -> Callable[..., None]:
    module, function = commands[options.command]
    found: Callable[..., None] = getattr(
        import_module(f"micromegas_dbapi.cli.commands.{module}"), function
    )
    return found


def _fail(message: str, code: int) -> int:
    print(f"micromegas-sql: {message}", file=sys.stderr)
    return code
