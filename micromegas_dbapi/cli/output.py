"""Decide where a result is written, and in which format."""

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

__all__ = ["check_output", "is_terminal", "is_text", "open_console", "write_result"]

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


def check_output(options: argparse.Namespace) -> None:
    """Check, before a query is sent, that its result can be written.

    Parameters
    ----------
    options : argparse.Namespace
        With ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If a binary format would go to a terminal.
    OperationalError
        If the folder of the output file does not exist.
    """
    name = _format(options)
    if name in _BINARY and _to_stdout(options) and sys.stdout.isatty():
        raise ProgrammingError(f"{name} is a binary format: use -o FILE or a pipe")
    if not _to_stdout(options) and not Path(options.output).parent.is_dir():
        raise OperationalError(f"cannot write {options.output}: the folder does not exist")


def is_text(options: argparse.Namespace) -> bool:
    """Return whether the output is text for people, not a data format.

    Parameters
    ----------
    options : argparse.Namespace
        With ``format`` and ``output``.

    Returns
    -------
    bool
        True for the format ``table``.
    """
    return _format(options) == "table"


def is_terminal(options: argparse.Namespace) -> bool:
    """Return whether the output is text for people and goes to a terminal.

    Parameters
    ----------
    options : argparse.Namespace
        With ``format`` and ``output``.

    Returns
    -------
    bool
        False for files and pipes.
    """
    return is_text(options) and _to_stdout(options) and sys.stdout.isatty()


def write_result(result: pa.RecordBatchReader, options: argparse.Namespace) -> None:
    """Write a result in the format and to the destination that the options name.

    All formats except tables are written batch by batch.

    Parameters
    ----------
    result : pyarrow.RecordBatchReader
        Is read to its end.
    options : argparse.Namespace
        With ``format`` and ``output``.

    Raises
    ------
    DatabaseError
        If reading the result fails, or the format cannot represent it. No output file is left.
    """
    name = _format(options)
    if name == "table":
        from micromegas_dbapi.cli.render.table import print_table

        with open_console(options) as console:
            print_table(result, console)
        return
    with _destination(options) as sink:
        formats.WRITERS[name](result, sink)


@contextmanager
def open_console(options: argparse.Namespace) -> Iterator[Console]:
    """Open a console that prints to the output; only a terminal gets colours and wrapped lines.

    Parameters
    ----------
    options : argparse.Namespace
        With ``format`` and ``output``.

    Yields
    ------
    rich.console.Console
        Ends with the context.

    Raises
    ------
    OperationalError
        If the output file cannot be written.
    """
    from rich.console import Console

    with _destination(options) as sink:
        if is_terminal(options):
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(errors="backslashreplace")
            yield Console(highlight=False, soft_wrap=False)
            return
        file = io.TextIOWrapper(sink, "utf-8", "backslashreplace", newline="\n")
        try:
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
    """Open standard output, or the file that ``--output`` names."""
    if _to_stdout(options):
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(options.output)
    if path.exists() and not path.is_file():  # a device or a named pipe
        with _opened(path) as device:
            yield device
        return
    with _atomic_file(Path(os.path.realpath(path))) as file:  # keeps a symbolic link
        yield file


@contextmanager
def _atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces `path` when it is complete."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with open(descriptor, "wb") as file:
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
    return OperationalError(f"cannot write {path}: {error.strerror}")
