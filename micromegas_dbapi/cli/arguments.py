"""Declare the commands, options and help texts of ``micromegas-sql``."""

from __future__ import annotations

import argparse
import os
from functools import partial
from importlib.metadata import version
from typing import NoReturn

from micromegas_dbapi.options.option_table import OPTIONS

__all__ = ["COMMANDS", "DEFAULT_URL", "FORMATS", "build_parser"]

FORMATS = ("table", "csv", "json", "ndjson", "parquet", "arrow")
DEFAULT_URL = "http://localhost:8082"

#: The commands, each with the line that ``--help`` shows.
COMMANDS = {
    "query": "run a SQL statement (the default command)",
    "tables": "list the views that can be queried",
    "describe": "list the columns of a view",
    "processes": "list processes, newest first",
    "log": "print the log of a process, oldest entry first",
    "metrics": "list the metrics of a process, or plot one of them",
    "spans": "show the slowest calls of a thread as flame graphs",
    "serve": "run a local Micromegas service over a folder of Parquet files or demo data",
    "completion": "print a completion script for a shell",
}

_EPILOG = """\
examples:
  micromegas-sql "SELECT time, level, msg FROM log_entries LIMIT 5" --url demo:
  micromegas-sql tables --url http://analytics:8082
  micromegas-sql "SELECT * FROM measures" --begin -2h -o measures.parquet
  micromegas-sql COMMAND --help

exit codes:
  0    success
  1    query, connection or output failed
  2    usage error
  130  interrupted
"""

_EXAMPLES = {
    "query": """\
  micromegas-sql "SELECT exe, computer FROM processes" --url demo:
  micromegas-sql --file report.sql --begin -1d -o report.csv
  echo "SELECT count(*) FROM log_entries" | micromegas-sql --format json
  micromegas-sql --explain-range "SELECT * FROM log_entries WHERE time > now() - interval '1 hour'"
""",
    "tables": "  micromegas-sql tables --url demo:\n",
    "describe": """\
  micromegas-sql describe log_entries --url demo:
  micromegas-sql describe thread_spans STREAM_ID
""",
    "processes": """\
  micromegas-sql processes --since 1h
  micromegas-sql processes --format csv
""",
    "log": """\
  micromegas-sql log PROCESS_ID --level warn --begin -30m
  micromegas-sql log PROCESS_ID -o log.csv
""",
    "metrics": """\
  micromegas-sql metrics PROCESS_ID
  micromegas-sql metrics PROCESS_ID "frame time" --begin -10m
""",
    "spans": """\
  micromegas-sql "SELECT stream_id, properties FROM streams WHERE array_has(tags, 'cpu')"
  micromegas-sql spans STREAM_ID --top 3
""",
    "serve": """\
  micromegas-sql serve --demo
  micromegas-sql serve --lake ./incident-4711 --port 9000
  micromegas-sql serve --demo --flight-port 50051
""",
    "completion": """\
  micromegas-sql completion bash > ~/.local/share/bash-completion/completions/micromegas-sql
  micromegas-sql completion zsh > ~/.zfunc/_micromegas-sql
""",
}


class _Parser(argparse.ArgumentParser):
    """A parser that reports a usage error in one line, without the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"micromegas-sql: error: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Build the parser for arguments that begin with a command.

    Returns
    -------
    argparse.ArgumentParser
        It exits with code 2 on a usage error.
    """
    layout = partial(argparse.RawDescriptionHelpFormatter, max_help_position=26)
    parser = _Parser(
        prog="micromegas-sql",
        usage='micromegas-sql "SQL" [options]\n       micromegas-sql COMMAND [options]',
        description="Query a Micromegas service, a folder of Parquet files, or generated demo data."
        "\nAn argument that is not a command is run as SQL (DataFusion dialect).",
        epilog=_EPILOG,
        formatter_class=layout,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=version("micromegas-dbapi"))
    commands = parser.add_subparsers(
        title="commands",
        dest="command",
        metavar="COMMAND [options]",
        prog=parser.prog,
        required=True,
    )
    common = _common_options()
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"examples:\n{_EXAMPLES[name]}",
            formatter_class=layout,
            parents=[] if name in ("serve", "completion") else [common],
            allow_abbrev=False,
        )
        if name in _ARGUMENTS:
            _ARGUMENTS[name](command)
    return parser


def _common_options() -> _Parser:
    """Declare the options of all commands that query something."""
    common = _Parser(add_help=False)
    source = common.add_argument_group("service")
    source.add_argument(
        "--url",
        default=os.environ.get("MICROMEGAS_URL"),
        help="what to query: a service (grpc://HOST:PORT, http://HOST:PORT and others), a folder "
        "of Parquet files (lake:FOLDER) or demo data (demo:); the default is the environment "
        "variable MICROMEGAS_URL, otherwise the official client's configuration, otherwise "
        f"{DEFAULT_URL}",
    )
    source.add_argument(
        "--profile",
        metavar="NAME",
        help=_help("profile"),
    )
    time_range = common.add_argument_group("time range")
    time_range.add_argument(
        "--begin",
        metavar="TIME",
        help=f"begin of the time range: {OPTIONS['begin'].type.text}",
    )
    time_range.add_argument(
        "--end", metavar="TIME", help="end of the time range, inclusive; same forms as --begin"
    )
    output = common.add_argument_group("output")
    output.add_argument(
        "--format",
        choices=FORMATS,
        help="output format (default: from the file name extension of --output, otherwise table)",
    )
    _add_path(
        output, "-o", "--output", help="write to FILE (created only when the result is complete)"
    )
    return common


def _help(name: str) -> str:
    """Return the help of an option that `connect()` or URLs have, too."""
    option = OPTIONS[name]
    text = option.meaning[0].lower() + option.meaning[1:].rstrip(".")
    return text if option.default is None else f"{text} (default: %(default)s)"


def _add_path(
    command: argparse._ActionsContainer, *names: str, folder: bool = False, help: str
) -> None:
    """Add an option that takes a path, and that completion scripts complete as one."""
    option = command.add_argument(*names, metavar="FOLDER" if folder else "FILE", help=help)
    # shtab, which writes the completion scripts, reads this attribute.
    option.complete = {  # type: ignore[attr-defined]
        "bash": "_shtab_compgen_dirs" if folder else "_shtab_compgen_files",
        "zsh": "_files -/" if folder else "_files",
        "tcsh": "d" if folder else "f",
    }


def _query(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "sql",
        metavar="SQL",
        nargs="?",
        help="the statement (DataFusion dialect); if omitted or -, it is read from standard input",
    )
    _add_path(command, "-f", "--file", help="read the statement from FILE")
    command.add_argument(
        "--explain-range",
        action="store_true",
        help="print the time range that would be sent, or why there is none, without running the "
        "statement",
    )


def _describe(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "view",
        metavar="VIEW",
        help="name of a view, for example log_entries; `micromegas-sql tables` lists them",
    )
    command.add_argument(
        "instance",
        metavar="INSTANCE",
        nargs="?",
        help="process id (or stream id for thread_spans) of a view instance",
    )


def _processes(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--since",
        metavar="TIME",
        help="only processes that started at TIME or later: an age (1h, 2d) or RFC 3339 with a "
        "time zone",
    )


def _log(command: argparse.ArgumentParser) -> None:
    _add_process_id(command)
    command.add_argument(
        "--level",
        choices=("fatal", "error", "warn", "info", "debug", "trace"),
        help="minimum severity: this level and more severe ones (default: all levels)",
    )


def _metrics(command: argparse.ArgumentParser) -> None:
    _add_process_id(command)
    command.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="name of a metric: plot it on a terminal, write its values elsewhere (default: list "
        "all metrics)",
    )


def _add_process_id(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "process_id", metavar="PROCESS_ID", help="process id; `micromegas-sql processes` lists them"
    )


def _spans(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "stream_id",
        metavar="STREAM_ID",
        help="id of the thread's stream; the streams with the tag 'cpu' are threads",
    )
    command.add_argument(
        "--top",
        type=int,
        default=5,
        metavar="N",
        help="number of calls to show (default: %(default)s)",
    )


def _serve(command: argparse.ArgumentParser) -> None:
    source = command.add_mutually_exclusive_group(required=True)
    _add_path(source, "--lake", folder=True, help="serve this folder of Parquet files")
    source.add_argument(
        "--demo",
        action="store_true",
        help="serve demo data, generated once: its newest event is at the time of the start",
    )
    command.add_argument(
        "--seed",
        type=int,
        default=OPTIONS["seed"].default,
        metavar="N",
        help=_help("seed"),
    )
    command.add_argument(
        "--size",
        type=int,
        default=OPTIONS["size"].default,
        metavar="N",
        help=_help("size"),
    )
    command.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, which only this machine can reach)",
    )
    command.add_argument(
        "--port",
        type=int,
        default=8082,
        help="port for HTTP; 0 selects a free one (default: %(default)s)",
    )
    command.add_argument(
        "--flight-port",
        type=int,
        metavar="PORT",
        help="also serve FlightSQL on this port; 0 selects a free one (default: HTTP only)",
    )
    command.add_argument(
        "--writable",
        action="store_true",
        help="allow retire_partitions(), which moves files to the folder .retired of the lake",
    )
    command.add_argument(
        "--max-body",
        type=int,
        default=16 * 2**20,
        metavar="BYTES",
        help="reject larger requests with status 413 (default: %(default)s, 16 MiB)",
    )


def _completion(command: argparse.ArgumentParser) -> None:
    command.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="shell of the script")


# The commands that have arguments of their own.
_ARGUMENTS = {
    "query": _query,
    "describe": _describe,
    "processes": _processes,
    "log": _log,
    "metrics": _metrics,
    "spans": _spans,
    "serve": _serve,
    "completion": _completion,
}
