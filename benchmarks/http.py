"""HTTP: a large answer as Arrow, a huge one in bounded memory, a small query.

    python benchmarks/http.py

Prints ratios of medians over interleaved rounds, and peak memory over start, against the target
of each. The server is a process of its own that sends a file.
"""

# ruff: noqa: E402
from __future__ import annotations

import sys

# A script's folder comes first in the path, and this file would stand in for the library's http.
sys.path[:] = [entry for entry in sys.path if not entry.endswith("benchmarks")]

import gc
import io
import multiprocessing
import os
import socketserver
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import requests

import micromegas_dbapi as mm

ROWS = 1_000_000
HUGE_BYTES = 500_000_000


def log_entries(rows: int, seed: int) -> pa.Table:
    """Shape a table as the service's log_entries: messages of some 80 bytes, all different."""
    random = np.random.default_rng(seed)
    words = np.array(["request", "cache", "player", "socket", "frame", "shader", "asset", "retry"])
    picks = words[random.integers(0, len(words), (rows, 5))]
    numbers = random.integers(0, 2**48, (rows, 3)).tolist()
    messages = [
        f"{' '.join(pick)} id={a:012x} session={b:012x} took {c % 9973} us"
        for pick, (a, b, c) in zip(picks.tolist(), numbers, strict=True)
    ]

    def word(prefix: str, count: int) -> pa.Array:
        indices = pa.array(random.integers(0, count, rows), pa.int16())
        values = pa.array([f"{prefix}-{i}" for i in range(count)])
        return pa.DictionaryArray.from_arrays(indices, values)

    instants = 1_700_000_000 * 10**9 + np.cumsum(random.integers(0, 10**6, rows))
    return pa.table(
        {
            "process_id": word("5e289910-c90d-44d6-8cb2-570a36fc", 50),
            "exe": word("exe", 20),
            "username": word("user", 10),
            "computer": word("node", 50),
            "time": pa.array(instants).cast(pa.timestamp("ns", tz="+00:00")),
            "target": word("engine::module", 300),
            "level": pa.array(random.integers(1, 7, rows), pa.int32()),
            "msg": messages,
        }
    )


def write(path: Path, table: pa.Table, least_bytes: int = 0) -> int:
    """Write a file as the service does: LZ4, data pages 2.0, row groups of a million rows."""
    encodings = {"msg": "DELTA_BYTE_ARRAY", "time": "DELTA_BINARY_PACKED"}
    dictionaries = [name for name in table.column_names if name not in encodings]
    groups = 0
    with pq.ParquetWriter(
        path,
        table.schema,
        compression="lz4",
        data_page_version="2.0",
        use_dictionary=dictionaries,
        column_encoding=encodings,
    ) as writer:
        while not groups or path.stat().st_size < least_bytes:
            writer.write_table(table, row_group_size=1_048_576)
            groups += 1
    return groups * table.num_rows


def serve(files: dict[str, Path], port: Any) -> None:
    """Answer each query with the file that its SQL names."""

    class Handler(socketserver.StreamRequestHandler):
        # By hand: http.server would take longer than the clients that are measured.
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while self.rfile.readline():
                lines = iter(self.rfile.readline, b"\r\n")
                fields = dict(line.lower().split(b": ", 1) for line in lines)
                body = self.rfile.read(int(fields[b"content-length"]))
                path = files[cbor2.loads(body)["sql"].rpartition(" ")[2]]
                size = path.stat().st_size
                self.request.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
                with path.open("rb") as file:
                    self.request.sendfile(file)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    port.send(server.server_address[1])
    server.serve_forever()


def rounds(
    variants: dict[str, Callable[[], object]], count: int, calls: int = 1
) -> dict[str, float]:
    """Run the variants in turn, in the other order every other round; medians in s per call."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for function in variants.values():
        function()
    for number in range(count):
        for name in list(variants) if number % 2 else list(reversed(variants)):
            gc.collect()
            start = time.perf_counter()
            for _ in range(calls):
                variants[name]()
            taken[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(times) for name, times in taken.items()}


def report(what: str, ours: float, theirs: float, unit: float, suffix: str, target: float) -> None:
    ratio = ours / theirs
    verdict = "ok" if ratio <= target else "MISSED"
    print(
        f"{what}: {ours / unit:.2f} {suffix} against {theirs / unit:.2f} {suffix}, "
        f"{ratio:.2f}x (target <= {target}x) {verdict}"
    )


def large(url: str) -> None:
    session = requests.Session()
    payload = cbor2.dumps({"sql": "SELECT * FROM large", "begin": None, "end": None})

    def bare() -> pa.Table:
        with session.post(f"{url}/analytics/query", data=payload, stream=True) as response:
            body = response.raw.read()
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(body)))
        return pa.Table.from_batches(file.iter_batches(65536))

    with mm.connect(url) as connection:
        medians = rounds(
            {
                "ours": lambda: connection.execute("SELECT * FROM large").fetch_arrow_table(),
                "bare": bare,
            },
            15,
        )
    report("fetch_arrow_table, 1 M rows", medians["ours"], medians["bare"], 1e-3, "ms", 1.10)


def small(url: str) -> None:
    payload = {"sql": "SELECT * FROM small", "begin": None, "end": None}

    def seed() -> pa.Table:
        answer = requests.post(f"{url}/analytics/query", data=cbor2.dumps(payload), timeout=60)
        return pq.read_table(io.BytesIO(answer.content))

    with mm.connect(url) as connection:
        medians = rounds(
            {
                "ours": lambda: connection.execute("SELECT * FROM small").fetchall(),
                "seed": seed,
            },
            21,
            calls=50,
        )
    report("10-row query", medians["ours"], medians["seed"], 1e-3, "ms", 0.5)


def memory(field: str) -> float:
    """Read a field of this process's memory status, in MB, since ru_maxrss tells a parent's."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


def huge(url: str, rows: int, report_to: Any) -> None:
    """Measure the peak of memory over what it was before, in a process of its own."""
    with mm.connect(url, spool_bytes=64 * 2**20) as connection:
        connection.execute("SELECT * FROM small").fetchall()
        start = memory("VmRSS")
        began = time.perf_counter()
        reader = connection.execute("SELECT * FROM huge").fetch_record_batch()
        seen = sum(batch.num_rows for batch in reader)
        taken = time.perf_counter() - began
    assert seen == rows, (seen, rows)
    report_to.send((memory("VmHWM") - start, taken))


def main() -> None:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.parquet" for name in ("small", "large", "huge")}
        table = log_entries(ROWS, 1)
        write(files["small"], table[:10])
        write(files["large"], table)
        huge_rows = write(files["huge"], table, HUGE_BYTES)
        del table
        near, far = context.Pipe()
        server = context.Process(target=serve, args=(files, far), daemon=True)
        server.start()
        url = f"http://127.0.0.1:{near.recv()}"
        print(f"Python {sys.version.split()[0]}, pyarrow {pa.__version__}, {os.cpu_count()} cores")
        large(url)
        small(url)
        near, far = context.Pipe()
        client = context.Process(target=huge, args=(url, huge_rows, far))
        client.start()
        far.close()  # so that recv ends if the client fails
        peak, taken = near.recv()
        client.join()
        size = files["huge"].stat().st_size / 1e6
        verdict = "ok" if peak <= 100 else "MISSED"
        print(
            f"{size:.0f} MB body, {huge_rows / 1e6:.0f} M rows, spooled: peak +{peak:.0f} MB over "
            f"start in {taken:.1f} s (target <= 100 MB) {verdict}"
        )
        server.terminate()


if __name__ == "__main__":
    main()
