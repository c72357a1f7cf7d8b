"""What inference of time ranges costs, and what a range saves: ``python benchmarks/inference.py``.

Costs are medians, beside the parsing of the same text alone, by the engine's parser (sqloxide).
The lake has 200 partitions of an hour each. Its engine prunes rows by plain conditions itself,
with a range or without; what a range spares it is to open the files, as it spares a service to
look for partitions. Opened files and rows are counted in the engine's EXPLAIN ANALYZE.
"""

from __future__ import annotations

import argparse
import gc
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# http.py and pandas.py beside this file are not the modules of these names.
sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parent]

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import sqloxide  # noqa: E402

import micromegas_dbapi as mm  # noqa: E402
from micromegas_dbapi.ranges import inference  # noqa: E402
from micromegas_dbapi.ranges.inference import Inferred, infer  # noqa: E402
from micromegas_dbapi.service import Service  # noqa: E402

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

HOUR = 3600 * 10**9
BEGIN = 1_795_305_600 * 10**9  # 2026-11-22T00:00:00Z
PARTITIONS, ROWS = 200, 20_000
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
    """Time a call in milliseconds."""
    gc.collect()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000


def cost(repeats: int) -> None:
    """Print what inference costs, the first time and later."""
    print(f"{'ms':24}{'parse':>9}{'infer':>9}{'ratio':>9}{'again':>9}")
    for name, sql in {"a simple query": SIMPLE, "a BI query": BI}.items():
        assert isinstance(infer(sql, RECENT, now=BEGIN), Inferred)

        def anew(sql: str = sql) -> None:
            inference._kept.cache_clear()
            infer(sql, RECENT, now=BEGIN)

        # Alternately, since the machine's speed changes.
        rounds = [
            (
                median(lambda sql=sql: sqloxide.parse_sql(sql, "generic"), repeats // 10),  # type: ignore[misc]
                median(anew, repeats // 10),
            )
            for _ in range(10)
        ]
        parse, whole = (statistics.median(column) for column in zip(*rounds, strict=True))
        again = median(lambda sql=sql: infer(sql, RECENT, now=BEGIN), repeats)  # type: ignore[misc]
        print(f"{name:24}{parse:9.3f}{whole:9.3f}{whole / parse:8.2f}x{again:9.4f}")
    print("target: at most 1 ms for a BI query, and 0.01 ms again\n")


def write(folder: Path) -> None:
    """Write a partition of an hour each."""
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


def read(connection: mm.Connection, sql: str) -> tuple[int, int]:
    """Count the files that a query's scans open, and the rows that they give."""
    plan = connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall()[0][1]
    files = rows = 0
    for line in plan.splitlines():
        if "DataSourceExec" in line:
            files += int(re.findall(r"files_opened=(\d+)", line)[0])
            count, unit = re.findall(r"output_rows=([\d.]+) ?([KM]?)", line)[0]
            rows += round(float(count) * {"": 1, "K": 10**3, "M": 10**6}[unit])
    return files, rows


def savings(repeats: int) -> None:
    """Print what a range saves on a lake of many partitions."""
    with tempfile.TemporaryDirectory() as name:
        write(Path(name))
        modes = {mode: mm.connect(f"lake:{name}", infer_range=mode) for mode in ("off", "on")}
        print(f"{'without a range -> with one':36}{'files':>14}{'rows':>22}{'ms':>18}")
        for title, sql in QUERIES.items():
            rows = {mode: c.execute(sql).fetchall() for mode, c in modes.items()}
            assert rows["off"] == rows["on"]
            counted = {mode: read(connection, sql) for mode, connection in modes.items()}
            taken = {
                mode: median(lambda c=connection, sql=sql: c.execute(sql).fetchall(), repeats)  # type: ignore[misc]
                for mode, connection in modes.items()
            }
            files, given = ([counted[mode][at] for mode in modes] for at in range(2))
            print(
                f"{title:36}{files[0]:6} -> {files[1]:4}{given[0]:10} -> {given[1]:8}"
                f"{taken['off']:8.1f} -> {taken['on']:5.1f}  ({taken['on'] / taken['off']:.2f}x)"
            )
        for connection in modes.values():
            connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=300)
    options = parser.parse_args()
    cost(options.repeats)
    savings(max(options.repeats // 15, 5))
