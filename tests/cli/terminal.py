"""Run ``micromegas-sql`` as a process, in a pipe or on a pseudo-terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys

COMMAND = [sys.executable, "-m", "micromegas_dbapi.cli"]


def run(*arguments: str, stdin: bytes | None = None, **environment: str) -> tuple[int, str, str]:
    """Run the command line in a pipe; return its exit code, output and errors."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=b"" if stdin is None else stdin,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=60,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def on_terminal(*arguments: str, width: int = 80, **environment: str) -> tuple[int, str]:
    """Run the command line on a terminal of this width; return its exit code and output."""
    import fcntl
    import struct
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "CI")}
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # on Linux: the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(60), shown.decode().replace("\r\n", "\n")


def bare(text: str) -> str:
    """Remove escape sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
