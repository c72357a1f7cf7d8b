"""The command line's words: commands, options, help texts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from importlib.metadata import version

__all__ = ["COMMANDS", "FORMATS", "ordered", "parser"]

FORMATS = ("table", "csv", "json", "ndjson", "parquet", "arrow")
DEFAULT_URL = "http://localhost:8082"

#: Command -> what it does, in the line that ``--help`` shows.
COMMANDS = {
    "query": "run a SQL statement (what is meant where no command is given)",
    "tables": "list the views that can be queried",
    "describe": "list the columns of a view",
    "processes": "list processes, the newest first",
    "log": "print the log of a process, the oldest line first",
    "metrics": "list the metrics of a process, or draw one of them",
    "spans": "draw the slowest calls of a thread",
    "serve": "serve a folder of Parquet files, or demo data, as a Micromegas service",
    "completion": "print a script that completes this command line in a shell",
}

# Options that take the next word, wherever a command may follow it.
_WITH_VALUE = {
    *(
        "--url",
        "--profile",
        "--begin",
        "--end",
        "--format",
        "-o",
        "--output",
        "-f",
        "--file",
        "--since",
    ),
    *("--level", "--top", "--lake", "--seed", "--size"),
    *("--host", "--port", "--flight-port", "--max-body"),
}
# argparse takes -2h for an option.
_RELATIVE = ("--begin", "--end", "--since")

_EPILOG = """\
examples:
  micromegas-sql "SELECT time, level, msg FROM log_entries LIMIT 5" --url demo:
  micromegas-sql tables --url http://analytics:8082
  micromegas-sql "SELECT * FROM measures" --begin -2h -o measures.parquet
  micromegas-sql COMMAND --help

exit codes:
  0  it went well             1  a statement failed, or the service could not be reached
  2  wrong usage              130  interrupted
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
    "processes": "  micromegas-sql processes --since 1h\n",
    "log": "  micromegas-sql log PROCESS_ID --level warn --begin -30m\n",
    "metrics": """\
  micromegas-sql metrics PROCESS_ID
  micromegas-sql metrics PROCESS_ID "frame time" --begin -10m
""",
    "spans": "  micromegas-sql spans STREAM_ID --top 3\n",
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


def ordered(arguments: Sequence[str]) -> list[str]:
    """Put the command first, ``query`` where none is given, and join ``--begin`` with ``-2h``.

    >>> ordered(["--url", "demo:", "tables"])
    ['tables', '--url', 'demo:']
    >>> ordered(["SELECT 1", "--begin", "-2h"])
    ['query', 'SELECT 1', '--begin=-2h']
    """
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _RELATIVE:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    at = 0
    while at < len(joined) and joined[at].startswith("-") and joined[at] not in ("-", "--"):
        if joined[at] in ("-h", "--help", "--version"):
            return joined
        at += 2 if joined[at] in _WITH_VALUE else 1
    if at < len(joined) and joined[at] in COMMANDS:
        return [joined[at], *joined[:at], *joined[at + 1 :]]
    return ["query", *joined]


def parser() -> argparse.ArgumentParser:
    """Make the parser of ordered arguments."""
    top = argparse.ArgumentParser(
        prog="micromegas-sql",
        description="Query a Micromegas service, a lake of Parquet files, or generated demo data.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=version("micromegas-dbapi"))
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    source = _source()
    for name, says in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=says,
            description=f"{says[0].upper()}{says[1:]}.",
            epilog=f"examples:\n{_EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[] if name in ("serve", "completion") else [source],
            allow_abbrev=False,
        )
        if name in _ADD:
            _ADD[name](command)
    return top


def _source() -> argparse.ArgumentParser:
    """Make what all commands that read something have in common."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--url",
        default=os.environ.get("MICROMEGAS_URL"),
        help="grpc://HOST:PORT, http://HOST:PORT, lake:FOLDER, demo: and others (default: the "
        "environment variable MICROMEGAS_URL, the official client's configuration, or "
        f"{DEFAULT_URL})",
    )
    common.add_argument(
        "--profile",
        metavar="NAME",
        help="a profile of the official client's configuration, in place of --url",
    )
    common.add_argument(
        "--begin",
        metavar="TIME",
        help="begin of the time range: RFC 3339 with a zone, 'now', or relative as in -2h",
    )
    common.add_argument("--end", metavar="TIME", help="end of the time range, included")
    common.add_argument(
        "--format",
        choices=FORMATS,
        help="how to write the result (default: by the ending of the output file, else table)",
    )
    _path(common, "-o", "--output", help="write to FILE, which appears only once it is whole")
    return common


def _path(
    command: argparse._ActionsContainer, *names: str, folder: bool = False, help: str
) -> None:
    option = command.add_argument(*names, metavar="FOLDER" if folder else "FILE", help=help)
    # What shtab, which makes the completion scripts, calls a file or folder.
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
        help="the statement, in DataFusion's SQL; - reads it from standard input",
    )
    _path(command, "-f", "--file", help="read the statement from FILE")
    command.add_argument(
        "--explain-range",
        action="store_true",
        help="don't run the statement, but tell the time range that it would be sent with, and why",
    )


def _describe(command: argparse.ArgumentParser) -> None:
    command.add_argument("view", metavar="VIEW", help="log_entries, processes, thread_spans, ..")
    command.add_argument(
        "instance",
        metavar="INSTANCE",
        nargs="?",
        help="of a view set: the id of a process, or of a stream for thread_spans",
    )


def _processes(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--since",
        metavar="TIME",
        help="only those that started since then: 1h, 2d, or RFC 3339 with a zone",
    )


def _log(command: argparse.ArgumentParser) -> None:
    _process(command)
    command.add_argument(
        "--level",
        choices=("fatal", "error", "warn", "info", "debug", "trace"),
        help="only entries of this level, and of those that are worse",
    )


def _metrics(command: argparse.ArgumentParser) -> None:
    _process(command)
    command.add_argument("name", metavar="NAME", nargs="?", help="of a metric: draw its values")


def _process(command: argparse.ArgumentParser) -> None:
    command.add_argument("process_id", metavar="PROCESS_ID", help="as `processes` lists it")


def _spans(command: argparse.ArgumentParser) -> None:
    command.add_argument("stream_id", metavar="STREAM_ID", help="of a stream with the tag 'cpu'")
    command.add_argument(
        "--top", type=int, default=5, metavar="N", help="how many calls to draw (default: 5)"
    )


def _serve(command: argparse.ArgumentParser) -> None:
    what = command.add_mutually_exclusive_group(required=True)
    _path(what, "--lake", folder=True, help="the folder of Parquet files to serve")
    what.add_argument("--demo", action="store_true", help="serve generated demo data")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of the demo data")
    command.add_argument("--size", type=int, default=1, metavar="N", help="of the demo data")
    command.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen at (default: 127.0.0.1, this machine only)",
    )
    command.add_argument("--port", type=int, default=8082, help="default: 8082; 0 takes a free one")
    command.add_argument(
        "--flight-port",
        type=int,
        metavar="PORT",
        help="speak FlightSQL too, at this port; 0 takes a free one (default: HTTP only)",
    )
    command.add_argument(
        "--writable",
        action="store_true",
        help="let retire_partitions move files aside, into the lake's folder .retired",
    )
    command.add_argument(
        "--max-body",
        type=int,
        default=16 * 2**20,
        metavar="BYTES",
        help="refuse larger requests with status 413 (default: 16 MiB)",
    )


def _completion(command: argparse.ArgumentParser) -> None:
    command.add_argument("shell", choices=("bash", "zsh", "tcsh"))


_ADD = {
    "query": _query,
    "describe": _describe,
    "processes": _processes,
    "log": _log,
    "metrics": _metrics,
    "spans": _spans,
    "serve": _serve,
    "completion": _completion,
}
