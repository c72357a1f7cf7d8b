"""Where a result goes, and in which format."""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from micromegas_dbapi.cli.render import formats
from micromegas_dbapi.errors import OperationalError, ProgrammingError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["check", "console", "text", "to_terminal", "write"]

_SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
}
_BINARY = ("parquet", "arrow")


def check(options: argparse.Namespace) -> None:
    """Refuse, before anything is sent, what could not be written.

    Raises
    ------
    ProgrammingError
        If a binary format would go to a terminal.
    OperationalError
        If the output file cannot be made.
    """
    name = _format(options)
    if name in _BINARY and _to_stdout(options) and sys.stdout.isatty():
        raise ProgrammingError(f"{name} is not for a terminal: give -o FILE, or a pipe")
    if not _to_stdout(options) and not Path(options.output).parent.is_dir():
        raise OperationalError(f"{options.output} cannot be written: there is no such folder")


def to_terminal(options: argparse.Namespace) -> bool:
    """Tell whether a person will read the result as it is printed."""
    return _format(options) == "table" and _to_stdout(options) and sys.stdout.isatty()


def text(options: argparse.Namespace) -> bool:
    """Tell whether the result is for people to read, on a terminal or not."""
    return _format(options) == "table"


def write(result: pa.RecordBatchReader, options: argparse.Namespace) -> None:
    """Write a result, batch by batch but for tables.

    Parameters
    ----------
    result : pyarrow.RecordBatchReader
    options : argparse.Namespace
        ``format`` and ``output``.

    Raises
    ------
    DatabaseError
        What the result ends with, or what the format cannot hold; no output file is left then.
    """
    name = _format(options)
    if name == "table":
        from micromegas_dbapi.cli.render.table import print_table

        with console(options) as opened:
            print_table(result, opened)
        return
    with _destination(options) as sink:
        formats.WRITERS[name](result, sink)


@contextmanager
def console(options: argparse.Namespace) -> Iterator[Console]:
    """Open what text for people is printed on: colours and wrapping on a terminal only."""
    from rich.console import Console

    terminal = to_terminal(options)
    with _destination(options) as sink:
        file = io.TextIOWrapper(sink, "utf-8", "backslashreplace", newline="\n")
        try:
            if terminal:
                if isinstance(sys.stdout, io.TextIOWrapper):
                    sys.stdout.reconfigure(errors="backslashreplace")
                yield Console(highlight=False, soft_wrap=False)
            else:
                yield Console(
                    file=file, highlight=False, soft_wrap=True, width=1_000_000, color_system=None
                )
            file.flush()
        finally:
            file.detach()


def _format(options: argparse.Namespace) -> str:
    if options.format is not None:
        return str(options.format)
    if _to_stdout(options):
        return "table"
    return _SUFFIXES.get(Path(options.output).suffix.lower(), "table")


def _to_stdout(options: argparse.Namespace) -> bool:
    return options.output in (None, "-")


@contextmanager
def _destination(options: argparse.Namespace) -> Iterator[IO[bytes]]:
    """Open the output: a file appears, or changes, only once it is whole."""
    if _to_stdout(options):
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    given = Path(options.output)
    if given.exists() and not given.is_file():  # a device or a pipe
        with _opened(given) as device:
            yield device
        return
    path = Path(os.path.realpath(given))  # not in place of a link
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with open(number, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> OperationalError:
    return OperationalError(f"{path} cannot be written: {error.strerror}")
