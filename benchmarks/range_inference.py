"""Measure the cost of inferring time ranges, and the work that an inferred range saves.

    python benchmarks/range_inference.py

Costs are medians, next to the time that the engine's parser (sqloxide) alone takes for the same
statement. Savings are measured on a lake of 200 partitions of an hour each. The embedded engine
prunes rows by simple conditions with or without a range; a range also keeps it from opening files,
as it keeps a service from searching partitions. Opened files and rows are those that EXPLAIN
ANALYZE counts. Returns 1 if a target is missed.
"""

from __future__ import annotations

import gc
import itertools
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqloxide
from measurement import Targets, interleaved, scaled

import micromegas_dbapi as mm
from micromegas_dbapi.ranges.inference import Inferred, infer
from micromegas_dbapi.service import Service
from micromegas_dbapi.sql.statement import Statement

RECENT = Service("grpc", "0.13")
SIMPLE = (
    "SELECT time, level, msg FROM log_entries WHERE time >= '2026-11-22T00:00:00Z' AND time < "
    "'2026-11-23T00:00:00Z' AND level <= 2 ORDER BY time LIMIT 100"
)
BI = (
    "SELECT date_trunc('hour', time) AS time, exe AS exe, COUNT(*) AS count, AVG(level) AS "
    '"AVG(level)", approx_percentile_cont(level, 0.9) AS "p90 (%)" FROM public.log_entries JOIN '
    "(SELECT exe AS exe__, COUNT(*) AS mme_inner__ FROM public.log_entries WHERE time >= TIMESTAMP "
    "'2026-11-22T00:00:00.000000' AND time < TIMESTAMP '2026-11-23T00:00:00.000000' GROUP BY exe "
    "ORDER BY COUNT(*) DESC LIMIT 2) AS series_limit ON exe = exe__ WHERE time >= TIMESTAMP "
    "'2026-11-22T00:00:00.000000' AND time < TIMESTAMP '2026-11-23T00:00:00.000000' GROUP BY "
    "date_trunc('hour', time), exe ORDER BY count DESC LIMIT 100"
)
NOW = BI.replace("TIMESTAMP '2026-11-22T00:00:00.000000'", "now() - INTERVAL '1 day'")

HOUR = 3600 * 10**9
BEGIN = 1_795_305_600 * 10**9  # 2026-11-22T00:00:00Z
PARTITIONS, ROWS = 200, scaled(20_000)
REPEATS = scaled(300)
WINDOW = "'2026-11-25T10:00:00Z' AND '2026-11-25T12:00:00Z'"
QUERIES = {
    "WHERE time BETWEEN ..": (
        f"SELECT count(*), max(value) FROM measures WHERE time BETWEEN {WINDOW}"
    ),
    "WHERE date_bin(time) .. AND time ..": (
        "SELECT date_bin(INTERVAL '5 minutes', time) AS t, max(value) FROM measures WHERE time "
        f"BETWEEN {WINDOW} GROUP BY 1 ORDER BY 1"
    ),
    "WHERE date_trunc('hour', time) = ..": (
        "SELECT count(*), max(value) FROM measures WHERE date_trunc('hour', time) = "
        "'2026-11-25T10:00:00Z'"
    ),
    "WHERE CAST(time AS DATE) = ..": (
        "SELECT count(*), max(value) FROM measures WHERE CAST(time AS DATE) = '2026-11-25'"
    ),
    "a derived table with a window": (
        "SELECT count(*) FROM (SELECT time, lag(value) OVER (ORDER BY time) AS v FROM measures "
        f"WHERE time BETWEEN {WINDOW}) WHERE v > 0.5"
    ),
    "a join of two": (
        "SELECT count(*) FROM measures a JOIN measures b ON a.time = b.time WHERE a.time BETWEEN "
        f"{WINDOW} AND b.time BETWEEN {WINDOW}"
    ),
}


def median(call: Callable[[], object], repeats: int) -> float:
    """Return the median milliseconds of a call."""
    gc.collect()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1000


def costs(targets: Targets) -> None:
    """Print the cost of inference for a new statement, and for one seen before."""
    print(f"{'ms':24}{'parse':>9}{'infer':>9}{'ratio':>9}{'again':>9}")
    for name, sql in {"simple query": SIMPLE, "BI query": BI, "BI query, now()": NOW}.items():
        assert isinstance(infer(Statement(sql), RECENT, now=BEGIN), Inferred)
        number = itertools.count()
        medians = interleaved(
            {
                "parse": lambda sql=sql: median(  # type: ignore[misc]
                    lambda: sqloxide.parse_sql(sql, "generic"), scaled(30)
                ),
                # The comment makes each statement new to the cache.
                "infer": lambda sql=sql, number=number: median(  # type: ignore[misc]
                    lambda: infer(Statement(f"{sql} --{next(number)}"), RECENT, now=BEGIN),
                    scaled(30),
                ),
            },
            scaled(10),
        )
        parse, new = medians["parse"], medians["infer"]
        infer(Statement(sql), RECENT, now=BEGIN)
        again = median(lambda sql=sql: infer(Statement(sql), RECENT, now=BEGIN), REPEATS)  # type: ignore[misc]
        print(f"{name:24}{parse:9.3f}{new:9.3f}{new / parse:8.2f}x{again:9.4f}")
        if sql is not SIMPLE:
            targets.check(f"{name}: infer", new, "<=", 1, " ms")
            targets.check(f"{name}: again", again * 1000, "<=", 10, " us")


def write(folder: Path) -> None:
    """Write the partitions of an hour each."""
    (folder / "measures").mkdir()
    random = np.random.default_rng(1)
    for hour in range(PARTITIONS):
        times = np.sort(random.integers(0, HOUR, ROWS)) + BEGIN + hour * HOUR
        table = pa.table(
            {
                "time": pa.array(times, pa.int64()).cast(pa.timestamp("ns", tz="+00:00")),
                "value": random.random(ROWS),
            }
        )
        pq.write_table(table, folder / "measures" / f"{hour:03}.parquet")


def scanned(connection: mm.Connection, sql: str) -> tuple[int, int]:
    """Return how many files the scans of a query open, and how many rows they produce.

    Files that the engine holds in memory, as it does with small ones, are not counted.
    """
    plan = connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall()[0][1]
    scans = "\n".join(line for line in plan.splitlines() if "DataSourceExec" in line)
    files = sum(int(count) for count in re.findall(r"files_opened=(\d+)", scans))
    rows = sum(
        round(float(count) * {"": 1, "K": 10**3, "M": 10**6}[unit])
        for count, unit in re.findall(r"output_rows=([\d.]+) ?([KM]?)", scans)
    )
    return files, rows


def savings(repeats: int) -> None:
    """Print what an inferred range saves on a lake of many partitions."""
    with tempfile.TemporaryDirectory() as name:
        write(Path(name))
        modes = {mode: mm.connect(f"lake:{name}", infer_range=mode) for mode in ("off", "on")}
        print(f"\n{'without -> with a range':36}{'files':>14}{'rows':>22}{'ms':>18}")
        for title, sql in QUERIES.items():
            results = {mode: c.execute(sql).fetchall() for mode, c in modes.items()}
            assert results["off"] == results["on"]
            counts = {mode: scanned(connection, sql) for mode, connection in modes.items()}
            ms = {
                mode: median(lambda c=connection, sql=sql: c.execute(sql).fetchall(), repeats)  # type: ignore[misc]
                for mode, connection in modes.items()
            }
            files, rows = ([counts[mode][at] for mode in modes] for at in range(2))
            print(
                f"{title:36}{files[0]:6} -> {files[1]:4}{rows[0]:10} -> {rows[1]:8}"
                f"{ms['off']:8.1f} -> {ms['on']:5.1f}  ({ms['on'] / ms['off']:.2f}x)"
            )
        for connection in modes.values():
            connection.close()


def main() -> int:
    """Print costs and savings; return 1 if a target is missed."""
    targets = Targets()
    costs(targets)
    savings(scaled(20))
    return targets.exit_code()


if __name__ == "__main__":
    sys.exit(main())
