"""The server and the client, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from micromegas_dbapi.demo import write_demo
from tests.interruptions.rounds import Report, run

WIRES = ("lake", "http", "gateway", "web", "grpc")


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """Serve the demo data in a process of its own; gives the URL of each wire."""
    with tempfile.TemporaryDirectory() as folder:
        write_demo(Path(folder), seed=0, size=1, now=time.time_ns())
        command = [sys.executable, "-m", "micromegas_dbapi.cli", "serve", "--lake", folder]
        command += ["--port", "0", "--flight-port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                line = server.stdout.readline()
                http, grpc = re.findall(r"\w+://[\w.:]+", line)
                yield {
                    "lake": f"lake:{folder}",
                    "http": http,
                    "gateway": f"gateway+{http}",
                    "web": f"web+{http}/mm",
                    "grpc": grpc,
                }
            finally:
                server.terminate()


def reports(wires: Sequence[str], count: int, seed: int, step: int) -> Iterator[Report]:
    """Run the rounds of each wire, one wire after the other, in one process of its own."""
    context = multiprocessing.get_context("spawn")
    with served() as urls, ProcessPoolExecutor(1, context) as pool:
        for wire in wires:
            yield pool.submit(run, wire, urls[wire], count, seed, step).result()
