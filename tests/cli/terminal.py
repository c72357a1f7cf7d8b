"""``micromegas-sql`` in a pipe or on a pseudo-terminal.

It runs in this process, with other files for its standard streams: to start an interpreter and to
import all packages takes longer than nearly everything that is tested here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from unittest import mock

from micromegas_dbapi.cli import main

# For what needs a process of its own.
COMMAND = [sys.executable, "-m", "micromegas_dbapi.cli"]


def run(*arguments: str, stdin: bytes | None = None, **environment: str) -> tuple[int, str, str]:
    """Run the command line in a pipe; gives exit code, output and errors."""
    with ExitStack() as stack:
        given = stack.enter_context(_pipe_from(stdin or b""))
        with _Reader() as shown, _Reader() as errors:
            with _standard_streams(given, shown.writes_to, errors.writes_to):
                code = _main(arguments, {**os.environ, **environment})
    return code, shown.text(), errors.text()


def run_alone(*arguments: str) -> tuple[int, str, str]:
    """Run the command line in a process of its own; gives exit code, output and errors."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def on_terminal(*arguments: str, width: int = 80, **environment: str) -> tuple[int, str]:
    """Run the command line on a terminal of this width; return its exit code and output."""
    import fcntl
    import struct
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "CI")}
    with _Reader(ours, theirs) as shown:
        with _standard_streams(theirs, theirs, theirs):
            code = _main(arguments, {**inherited, "TERM": "xterm", **environment})
    return code, shown.text().replace("\r\n", "\n")


def bare(text: str) -> str:
    """Remove escape sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def _main(arguments: tuple[str, ...], environment: Mapping[str, str]) -> int:
    with mock.patch.dict(os.environ, environment, clear=True):
        try:
            return main(arguments)
        except SystemExit as left:
            code: int = left.code  # type: ignore[assignment]
            return code


class _Reader:
    """Read all that is written to a pipe, or to a terminal, in another thread."""

    def __init__(self, ours: int | None = None, theirs: int | None = None) -> None:
        if ours is None or theirs is None:
            ours, theirs = os.pipe()
        self._reads_from, self.writes_to = ours, theirs
        self._pieces: list[bytes] = []
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> _Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.writes_to)
        self._thread.join()
        os.close(self._reads_from)

    def text(self) -> str:
        return b"".join(self._pieces).decode()

    def _read(self) -> None:
        try:
            while piece := os.read(self._reads_from, 65536):
                self._pieces.append(piece)
        except OSError:  # Linux's way to say that the other end of a terminal is closed
            pass


@contextmanager
def _pipe_from(given: bytes) -> Iterator[int]:
    """A pipe that has some bytes, which must fit into it, and ends."""
    reads_from, writes_to = os.pipe()
    os.write(writes_to, given)
    os.close(writes_to)
    try:
        yield reads_from
    finally:
        os.close(reads_from)


@contextmanager
def _standard_streams(*streams: int) -> Iterator[None]:
    """Have other files for standard input, output and errors."""
    kept = [os.dup(number) for number in range(3)]
    before = sys.stdin, sys.stdout, sys.stderr
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        with (
            open(0, encoding="utf-8", closefd=False) as sys.stdin,
            open(1, "w", encoding="utf-8", closefd=False) as sys.stdout,
            open(2, "w", encoding="utf-8", closefd=False) as sys.stderr,
        ):
            yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        for number, stream in enumerate(kept):
            os.dup2(stream, number)
            os.close(stream)
