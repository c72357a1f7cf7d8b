"""Measure the analytics HTTP protocol: a large result, a huge one in bounded memory, a small one.

    python benchmarks/analytics_http.py

Compares with requests and pyarrow alone, by medians of interleaved rounds. The server is a separate
process that sends files. Memory is read from /proc (Linux). Returns 1 if a target is missed.
"""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import socketserver
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import requests
from measurement import Targets, interleaved, scaled

import micromegas_dbapi as mm

ROWS = scaled(1_000_000)
HUGE_BYTES = scaled(500_000_000)


def log_entries(rows: int, seed: int) -> pa.Table:
    """Return random rows like those of log_entries, with different messages of some 80 bytes."""
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
    """Write Parquet as the service does: LZ4, data pages 2.0, row groups of a million rows."""
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
    """Respond to each query with the file that its SQL names; send the port that is used."""

    class Handler(socketserver.StreamRequestHandler):
        # Not http.server, which takes more time than the clients that are measured.
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


def medians(
    variants: dict[str, Callable[[], object]], rounds: int, calls: int = 1
) -> dict[str, float]:
    """Return the median seconds per call of each variant, after one call that is not measured."""

    def seconds(variant: Callable[[], object]) -> float:
        gc.collect()
        start = time.perf_counter()
        for _ in range(calls):
            variant()
        return (time.perf_counter() - start) / calls

    for variant in variants.values():
        variant()
    return interleaved(
        {name: partial(seconds, variant) for name, variant in variants.items()}, rounds
    )


def large(url: str, targets: Targets) -> None:
    session = requests.Session()
    payload = cbor2.dumps({"sql": "SELECT * FROM large", "begin": None, "end": None})

    def bare() -> pa.Table:
        with session.post(f"{url}/analytics/query", data=payload, stream=True) as response:
            body = response.raw.read()
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(body)))
        return pa.Table.from_batches(file.iter_batches(65536))

    with mm.connect(url) as connection:
        found = medians(
            {
                "ours": lambda: connection.execute("SELECT * FROM large").fetch_arrow_table(),
                "bare": bare,
            },
            rounds=scaled(15),
        )
    print(f"\nfetch_arrow_table, {ROWS:,} rows, ms: {shown(found)}")
    targets.check("large: ours / bare", found["ours"] / found["bare"], "<=", 1.10)


def small(url: str, targets: Targets) -> None:
    payload = {"sql": "SELECT * FROM small", "begin": None, "end": None}

    def new_connection() -> pa.Table:
        response = requests.post(f"{url}/analytics/query", data=cbor2.dumps(payload), timeout=60)
        return pq.read_table(io.BytesIO(response.content))

    with mm.connect(url) as connection:
        found = medians(
            {
                "ours": lambda: connection.execute("SELECT * FROM small").fetchall(),
                "requests.post": new_connection,
            },
            rounds=scaled(21),
            calls=scaled(50),
        )
    print(f"\nfetchall, 10 rows, ms: {shown(found)}")
    ratio = found["ours"] / found["requests.post"]
    targets.check("small: ours / requests.post", ratio, "<=", 0.5)


def shown(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds * 1e3:.2f}" for name, seconds in found.items())


def memory(field: str) -> float:
    """Return a field of this process's memory status in MB.

    Not ru_maxrss, which a new process inherits from its parent.
    """
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


def huge(url: str, rows: int, report: Any) -> None:
    """Read a huge result in this process, and send its peak memory above the start."""
    with mm.connect(url, spool_bytes=64 * 2**20) as connection:
        connection.execute("SELECT * FROM small").fetchall()
        start = memory("VmRSS")
        began = time.perf_counter()
        reader = connection.execute("SELECT * FROM huge").fetch_record_batch()
        count = sum(batch.num_rows for batch in reader)
        elapsed = time.perf_counter() - began
    assert count == rows, (count, rows)
    report.send((memory("VmHWM") - start, elapsed))


def main() -> int:
    """Print all results; return 1 if a target is missed."""
    targets = Targets()
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
        large(url, targets)
        small(url, targets)
        near, far = context.Pipe()
        client = context.Process(target=huge, args=(url, huge_rows, far))
        client.start()
        far.close()  # so that recv ends if the client fails
        peak, elapsed = near.recv()
        client.join()
        megabytes = files["huge"].stat().st_size / 1e6
        print(f"\nfetch_record_batch, {huge_rows:,} rows, {megabytes:.0f} MB: {elapsed:.1f} s")
        targets.check("huge: peak memory above start", peak, "<=", 100, " MB")
        server.terminate()
    return targets.exit_code()


if __name__ == "__main__":
    sys.exit(main())
