"""The processes of a run: services, and two Supersets with the same metadata."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.integration.superset.installation import PROJECT, Installation


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Processes:
    """Starts processes in a folder, and ends them all."""

    def __init__(self, installation: Installation, home: Path) -> None:
        self._installation = installation
        self.home = home
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *exc: object) -> None:
        for _, process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for _, process in self._running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # its own session: nobody else's
                process.wait()

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with open(self.home / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.home,
                env=environment,
                start_new_session=True,
            )
        self._running.append((name, process))

    def service(self, name: str, *arguments: str) -> tuple[int, int]:
        """Start `micromegas-sql serve`; gives its ports for HTTP and gRPC."""
        http, grpc = free_port(), free_port()
        serve = ["-m", "micromegas_dbapi.cli", "serve", "--port", str(http)]
        self._start(
            name,
            [sys.executable, *serve, "--flight-port", str(grpc), *arguments],
            {**os.environ, "PYTHONPATH": str(PROJECT)},
        )
        return http, grpc

    def superset(self, name: str, **variables: str) -> str:
        """Start Superset; gives its URL."""
        if not (self.home / "metadata.db").exists():
            shutil.copy(self._installation.metadata, self.home / "metadata.db")
        port = free_port()
        gunicorn = str(self._installation.environment / "bin" / "gunicorn")
        workers = ["-w", "1", "-k", "gthread", "--threads", "8", "--timeout", "180"]
        self._start(
            name,
            [gunicorn, *workers, "-b", f"127.0.0.1:{port}", "superset.app:create_app()"],
            {**self._installation.variables(self.home), **variables},
        )
        return f"http://127.0.0.1:{port}"

    def wait_for(self, *places: Any, seconds: float = 120) -> None:
        """Wait until ports are open, and URLs answer."""
        end = time.monotonic() + seconds
        for place in places:
            while not _answers(place):
                for name, process in self._running:
                    if process.poll() is not None:
                        raise RuntimeError(f"{name} has ended; see {self.home / name}.log")
                if time.monotonic() > end:
                    raise RuntimeError(f"{place} does not answer within {seconds:.0f} s")
                time.sleep(0.2)


def _answers(place: Any) -> bool:
    try:
        if isinstance(place, int):
            socket.create_connection(("127.0.0.1", place), 2).close()
        else:
            urllib.request.urlopen(f"{place}/health", timeout=20).close()
    except OSError:
        return False
    return True
