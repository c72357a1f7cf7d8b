"""Compare ways from a result to a DataFrame: pandas over rows, pandas over Arrow, our read_sql.

    python benchmarks/dataframes.py

Times are CPU time, medians of interleaved rounds; only ratios carry over to other machines. A
million rows are millions of objects, and Python's garbage collector visits them repeatedly while
pandas and SQLAlchemy create more. So everything is measured twice: with the collector, as programs
run, and without it, as timeit does. The dialect's own results pause the collector; "collector
active" uses SQLAlchemy's results instead.
"""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from in_memory import connect, in_batches, log_entries
from measurement import interleaved, scaled
from sqlalchemy.engine.default import DefaultExecutionContext

import micromegas_dbapi as mm
from sqlalchemy_micromegas.dialect import MicromegasExecutionContext

ROWS = scaled(1_000_000)
ROUNDS = scaled(3)
SQL = "SELECT * FROM log_entries"


class CollectorActive(MicromegasExecutionContext):
    """Run statements whose results are SQLAlchemy's own."""

    _setup_result_proxy = DefaultExecutionContext._setup_result_proxy


class Registered(mm.Connection):
    """A class of its own, so that pandas takes Arrow from it and rows from other connections."""


def variants(table: pa.Table) -> dict[str, Callable[[], Any]]:
    """Return the ways to read the table, by name."""
    batches = in_batches(table)
    connection, registered = connect(batches), connect(batches, Registered)
    engine = sa.create_engine("micromegas+demo://", creator=lambda: connection)
    active = sa.create_engine("micromegas+demo://", creator=lambda: connection)
    active.dialect.execution_ctx_cls = CollectorActive
    found: dict[str, Callable[[], Any]] = {
        "cursor.fetchall()": lambda: connection.execute(SQL).fetchall(),
        "pd.read_sql(sql, engine)": lambda: pd.read_sql(sa.text(SQL), engine),
        "the same, collector active": lambda: pd.read_sql(sa.text(SQL), active),
        "pd.read_sql(sql, connection)": lambda: pd.read_sql(SQL, connection),
        "mm.read_sql(sql, engine)": lambda: mm.read_sql(SQL, engine),
    }
    try:
        from adbc_driver_manager import dbapi
    except ImportError:
        print("left out: pd.read_sql, registered (adbc-driver-manager is not installed)")
    else:
        if hasattr(pd.io.sql, "ADBCDatabase"):
            dbapi.Connection.register(Registered)
            found["pd.read_sql, registered"] = lambda: pd.read_sql(SQL, registered)
        else:
            print(f"left out: pd.read_sql, registered (pandas {pd.__version__} does not use Arrow)")
    return found


def seconds(variant: Callable[[], Any], collecting: bool) -> float:
    """Return the CPU seconds of one call."""
    gc.collect()
    if not collecting:
        gc.disable()
    start = time.process_time()
    result = variant()
    elapsed = time.process_time() - start
    gc.enable()
    assert len(result) == ROWS
    return elapsed


def main() -> None:
    """Print the time of every variant, with and without garbage collection."""
    warnings.filterwarnings("ignore", message="pandas only supports SQLAlchemy")
    functions = variants(log_entries(ROWS))
    versions = f"pandas {pd.__version__}, SQLAlchemy {sa.__version__}, pyarrow {pa.__version__}"
    print(f"{ROWS:,} rows, {versions}")
    for collecting in (True, False):
        medians = interleaved(
            {name: partial(seconds, function, collecting) for name, function in functions.items()},
            ROUNDS,
        )
        rows, by_pandas = medians["cursor.fetchall()"], medians["pd.read_sql(sql, engine)"]
        print(f"\n{'with' if collecting else 'without'} garbage collection")
        print(f"{'':30} {'seconds':>8} {'x fetchall':>11} {'faster than pandas over rows':>29}")
        for name, median in medians.items():
            faster = f"{by_pandas / median:.1f}x"
            print(f"{name:30} {median:8.3f} {median / rows:11.2f} {faster:>29}")


if __name__ == "__main__":
    main()
