"""Compare this driver with the official client: a query of ten rows against the local service.

    python benchmarks/local_service.py .venv-official/bin/python

The argument is the Python interpreter of an environment with micromegas==0.2.3 (CONTRIBUTING.md
tells how to create it). Both clients take turns in one process of that environment; the service is
another process. A bare keep-alive connection that decodes nothing shows how much of the time is the
service's. Without the official client, only our time is printed. Returns 1 if a target is missed.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from measurement import Targets, interleaved, scaled

ROOT = Path(__file__).parents[1]
STATEMENTS = [
    "SELECT time, level, target, msg FROM log_entries LIMIT 10",
    "SELECT * FROM log_entries LIMIT 10",
]
ROUNDS, CALLS = scaled(31), scaled(20)


def measure(url: str) -> None:
    """Print, as JSON, the median seconds per call of each client for each statement."""
    import http.client

    import cbor2

    import micromegas_dbapi as mm
    from micromegas_dbapi.client import Client

    connection, client = mm.connect(url), Client(url)
    socket = http.client.HTTPConnection(url.partition("//")[2])

    def bare(sql: str) -> bytes:
        body = cbor2.dumps({"sql": sql, "begin": None, "end": None})
        socket.request("POST", "/analytics/query", body)
        return socket.getresponse().read()

    variants: dict[str, Callable[[str], object]] = {
        "rows": lambda sql: connection.execute(sql).fetchall(),
        "frame": client.query,
        "bare": bare,
    }
    try:
        import micromegas  # type: ignore[import-not-found]
    except ImportError as error:
        print(f"official client: left out ({error})", file=sys.stderr)
    else:
        official = micromegas.client.Client(f"{url}/")
        variants["official"] = official.query
        for sql in STATEMENTS:
            assert official.query(sql).shape == client.query(sql).shape

    def seconds(variant: Callable[[str], object], sql: str) -> float:
        variant(sql)
        gc.collect()
        start = time.perf_counter()
        for _ in range(CALLS):
            variant(sql)
        return (time.perf_counter() - start) / CALLS

    medians = {
        sql: interleaved(
            {name: partial(seconds, variant, sql) for name, variant in variants.items()}, ROUNDS
        )
        for sql in STATEMENTS
    }
    print(json.dumps(medians))


def report(medians: dict[str, dict[str, float]]) -> int:
    """Print the milliseconds per call; return 1 if a target is missed."""
    targets = Targets()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; ms per call")
    for sql, found in medians.items():
        print(f"\n{sql}: " + ", ".join(f"{name} {each * 1e3:.2f}" for name, each in found.items()))
        if "official" not in found:
            continue
        for name in ("rows", "frame"):
            targets.check(f"{name} / official", found[name] / found["official"], "<=", 0.4)
            ratio = (found[name] - found["bare"]) / (found["official"] - found["bare"])
            print(f"the same without the service's time: {ratio:.2f}x")
    return targets.exit_code()


def main(interpreter: str) -> int:
    """Start the service, and measure in a process of an interpreter."""
    if shutil.which(interpreter) is None:
        print(f"official client: left out ({interpreter} not found)", file=sys.stderr)
        interpreter = sys.executable
    command = [sys.executable, "-m", "micromegas_dbapi.cli", "serve", "--demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as service:
        assert service.stdout is not None
        try:
            url = next(word for word in service.stdout.readline().split() if "http:" in word)
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            client = [interpreter, __file__, "--measure", url]
            done = subprocess.run(client, env=environment, stdout=subprocess.PIPE, check=True)
        finally:
            service.terminate()
    return report(json.loads(done.stdout))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
    else:
        sys.exit(main(*sys.argv[1:2] or [sys.executable]))
