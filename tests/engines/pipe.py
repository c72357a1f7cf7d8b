"""An engine of services, in a process of another interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

__all__ = ["PYTHONS", "Pipe", "RefusedError"]

ROOT = Path(__file__).parents[2]
#: The interpreters that have the engines: DataFusion 43 of services 0.2.3, and 54 of 0.30.
PYTHONS = os.environ.get(
    "MICROMEGAS_ENGINES", ".venv-43.1.0/bin/python:.venv-54.1.0/bin/python"
).split(":")


class RefusedError(Exception):
    """The engine's words."""


class Pipe:
    """A script that answers what it is asked; safe in several threads, which wait for each other.

    Parameters
    ----------
    python : str
        An interpreter, as a path from the root of this checkout.
    script : Path
    arguments : str
    """

    def __init__(self, python: str, script: Path, *arguments: str) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [ROOT / python, script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def ask(self, asked: Any) -> pa.Table:
        """Ask for a table; `RefusedError` if it cannot be had."""
        into, out = self._pipes()
        with self._lock:
            into.write(json.dumps(asked).encode() + b"\n")
            into.flush()
            kind, size = out.readline().decode().split()
            body = out.read(int(size))
        if kind == "error":
            raise RefusedError(body.decode())
        return pa.ipc.open_stream(body).read_all()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def close(self) -> None:
        """End the process."""
        for pipe in self._pipes():
            pipe.close()
        self._process.wait()
