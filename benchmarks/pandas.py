"""How fast a result becomes a DataFrame: pandas by rows, pandas registered for Arrow, our helper.

Run ``python benchmarks/pandas.py``. Times are CPU time, medians of rounds that are
interleaved and change their order, so that a noisy machine harms all alike; only the ratios mean
something elsewhere. A million rows are millions of objects, which the garbage collector goes
through again and again while pandas and SQLAlchemy make more of them: all is measured with it, as
programs run, and without it, as timeit does. ``collector at work`` has SQLAlchemy's own results in
place of those that let it rest.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parent]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pyarrow as pa  # noqa: E402
import sqlalchemy as sa  # noqa: E402
from sqlalchemy.engine.default import DefaultExecutionContext  # noqa: E402

import micromegas_dbapi as mm  # noqa: E402
from micromegas_dbapi.arrow.readers import latching_reader  # noqa: E402
from micromegas_dbapi.ranges.choice import Ranges  # noqa: E402
from micromegas_dbapi.ranges.range_options import RangeOptions  # noqa: E402
from micromegas_dbapi.transport.protocol import Request  # noqa: E402
from sqlalchemy_micromegas.dialect import MicromegasExecutionContext  # noqa: E402

ROWS = 1_000_000
ROUNDS = 3
BATCH = 8192  # as services send them
SQL = "SELECT * FROM log_entries"


class InMemory:
    """A transport whose answer to every statement is a table, in batches as services send them."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Give the table, whatever is asked."""
        return latching_reader(self._table.schema, self._table.to_batches(max_chunksize=BATCH))

    def close(self) -> None:
        """Hold nothing."""


def log_rows() -> pa.Table:
    """Make rows like those of log_entries: six columns, three of them dictionaries."""
    draw = np.random.default_rng(7)

    def names(kind: str, count: int) -> pa.Array:
        codes = pa.array(draw.integers(0, count, ROWS), pa.int16())
        return pa.DictionaryArray.from_arrays(codes, [f"{kind}_{i}" for i in range(count)])

    moments = 1_700_000_000 * 10**9 + np.cumsum(draw.integers(1, 10**6, ROWS))
    return pa.table(
        {
            "process_id": names("process", 40),
            "exe": names("exe", 12),
            "time": pa.array(moments, pa.timestamp("ns", "+00:00")),
            "target": names("target", 200),
            "level": pa.array(draw.integers(1, 7, ROWS), pa.int32()),
            "msg": pa.array([f"message number {i}" for i in draw.integers(0, 10**6, ROWS)]),
        }
    )


class CollectorAtWork(MicromegasExecutionContext):
    """A run of a statement whose result is SQLAlchemy's own."""

    _setup_result_proxy = DefaultExecutionContext._setup_result_proxy


def variants(table: pa.Table) -> dict[str, Callable[[], Any]]:
    """Give what is measured, by name."""
    transport = InMemory(table)
    ranges = Ranges(transport, options=RangeOptions(infer_range="off"))  # not what is measured
    plain = mm.Connection(transport, ranges, "datetime")

    class Registered(mm.Connection):
        """One that pandas takes Arrow from; the others are to go by rows."""

    registered = Registered(transport, ranges, "datetime")
    engine = sa.create_engine("micromegas+demo://", creator=lambda: plain)
    at_work = sa.create_engine("micromegas+demo://", creator=lambda: plain)
    at_work.dialect.execution_ctx_cls = CollectorAtWork
    found: dict[str, Callable[[], Any]] = {
        "cursor.fetchall()": lambda: plain.execute(SQL).fetchall(),
        "pd.read_sql(sql, engine)": lambda: pd.read_sql(sa.text(SQL), engine),
        "the same, collector at work": lambda: pd.read_sql(sa.text(SQL), at_work),
        "pd.read_sql(sql, connection)": lambda: pd.read_sql(SQL, plain),
        "mm.read_sql(sql, engine)": lambda: mm.read_sql(SQL, engine),
    }
    try:
        from adbc_driver_manager import dbapi
    except ImportError:
        print("adbc-driver-manager is not installed: the registered path is left out")
    else:
        if hasattr(pd.io.sql, "ADBCDatabase"):
            dbapi.Connection.register(Registered)
            found["pd.read_sql, registered"] = lambda: pd.read_sql(SQL, registered)
        else:
            print(f"pandas {pd.__version__} takes no Arrow: the registered path is left out")
    return found


def measured(ways: dict[str, Callable[[], Any]], collecting: bool) -> dict[str, float]:
    """Give the median CPU seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name in random.sample(sorted(ways), len(ways)):
            gc.collect()
            if not collecting:
                gc.disable()
            start = time.process_time()
            result = ways[name]()
            times[name].append(time.process_time() - start)
            gc.enable()
            assert len(result) == ROWS
            del result
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    warnings.filterwarnings("ignore", message="pandas only supports SQLAlchemy")
    ways = variants(log_rows())
    versions = f"pandas {pd.__version__}, SQLAlchemy {sa.__version__}, pyarrow {pa.__version__}"
    print(f"{ROWS} rows, {versions}")
    for collecting in (True, False):
        median = measured(ways, collecting)
        rows, by_pandas = median["cursor.fetchall()"], median["pd.read_sql(sql, engine)"]
        print(f"\n{'with' if collecting else 'without'} garbage collection")
        print(f"{'':30} {'seconds':>8} {'x fetchall':>11} {'faster than pandas by rows':>27}")
        for name, seconds in median.items():
            faster = f"{by_pandas / seconds:.1f}x"
            print(f"{name:30} {seconds:8.3f} {seconds / rows:11.2f} {faster:>27}")


if __name__ == "__main__":
    main()
