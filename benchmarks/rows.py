"""How fast Arrow becomes rows: against pyarrow's own ways, polars, and a driver's loop over cells.

Run ``python benchmarks/rows.py``. Times are CPU time, medians of rounds that are
interleaved and change their order, so that a noisy machine harms all alike; only the ratios mean
something elsewhere.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from micromegas_dbapi.arrow.readers import latching_reader
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.ranges.range_options import RangeOptions
from micromegas_dbapi.transport.protocol import Request

try:
    import polars
except ImportError:
    polars = None

ROWS = 1_000_000
ROUNDS = 5
BATCH = 8192  # as services send them
SUBSET = 40_000  # for what takes microseconds for each cell; its time is scaled up


# ---- What is measured ---------------------------------------------------------------------------


class InMemory:
    """A transport whose answer to every statement is a table, in batches as services send them."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Give the table, whatever is asked."""
        return latching_reader(self._table.schema, self._table.to_batches(max_chunksize=BATCH))

    def close(self) -> None:
        """Hold nothing."""


def cursor_over(table: pa.Table) -> Cursor:
    """Give the driver's cursor, its result the table."""
    transport = InMemory(table)
    ranges = Ranges(transport, options=RangeOptions(infer_range="off"))
    return Connection(transport, ranges, "datetime").execute("SELECT 1")


def fetchall(table: pa.Table) -> object:
    return cursor_over(table).fetchall()


def for_loop(table: pa.Table) -> object:
    for _ in cursor_over(table):
        pass
    return None


def fetchone_loop(table: pa.Table) -> object:
    fetchone = cursor_over(table).fetchone
    while fetchone() is not None:
        pass
    return None


def column_to_pylist(table: pa.Table) -> object:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def polars_rows(table: pa.Table) -> object:
    return polars.from_arrow(table).rows()


def per_cell(table: pa.Table) -> object:
    """As the ADBC driver manager does: each cell is indexed, and converted, by itself."""
    rows = []
    for batch in table.to_batches(max_chunksize=BATCH):
        arrays = batch.columns
        for index in range(batch.num_rows):
            rows.append(tuple(array[index].as_py() for array in arrays))
    return rows


# ---- On what ------------------------------------------------------------------------------------


def dictionary(generator: np.random.Generator, name: str, distinct: int) -> pa.DictionaryArray:
    indices = generator.integers(0, distinct, ROWS).astype(np.int16)
    values = pa.array([f"{name} {number:030d}" for number in range(distinct)])
    return pa.DictionaryArray.from_arrays(pa.array(indices), values)


def times(generator: np.random.Generator) -> pa.Array:
    # In whole microseconds: without pandas, the others could not give nanoseconds at all.
    steps = generator.integers(1, 100_000, ROWS)
    nanoseconds = 1_700_000_000_000_000_000 + np.cumsum(steps) * 1000
    return pa.array(nanoseconds).view(pa.timestamp("ns", "+00:00"))


def log_entries(generator: np.random.Generator) -> pa.Table:
    numbers = generator.integers(0, 10**9, ROWS).tolist()
    return pa.table(
        {
            "process_id": dictionary(generator, "process", 50),
            "exe": dictionary(generator, "exe", 10),
            "username": dictionary(generator, "user", 40),
            "computer": dictionary(generator, "computer", 40),
            "target": dictionary(generator, "target", 300),
            "time": times(generator),
            "level": pa.array(generator.integers(1, 7, ROWS).astype(np.int32)),
            "msg": pa.array(
                [
                    f"frame {index} took {number} ns, which is over its budget, on render thread 3"
                    for index, number in enumerate(numbers)
                ]
            ),
        }
    )


def measures(generator: np.random.Generator) -> pa.Table:
    return pa.table(
        {
            "process_id": dictionary(generator, "process", 50),
            "exe": dictionary(generator, "exe", 10),
            "username": dictionary(generator, "user", 40),
            "computer": dictionary(generator, "computer", 40),
            "target": dictionary(generator, "target", 60),
            "name": dictionary(generator, "name", 300),
            "unit": dictionary(generator, "unit", 6),
            "time": times(generator),
            "value": pa.array(generator.normal(size=ROWS)),
        }
    )


# ---- Measuring ----------------------------------------------------------------------------------


def seconds(way: Callable[[pa.Table], object], table: pa.Table) -> float:
    """Give the CPU time for all rows, measured on a subset where that takes long."""
    scale = 1.0
    if way in (per_cell, column_to_pylist):
        scale = len(table) / SUBSET
        table = table.slice(0, SUBSET)
    start = time.process_time()
    result = way(table)
    elapsed = time.process_time() - start
    del result  # not part of the time
    return elapsed * scale


def measure(table: pa.Table) -> dict[Callable[[pa.Table], object], float]:
    ways = [fetchall, for_loop, fetchone_loop, column_to_pylist, per_cell]
    if polars is not None:
        ways.append(polars_rows)
    rounds: dict[Callable[[pa.Table], object], list[float]] = {way: [] for way in ways}
    for number in range(ROUNDS):
        for way in ways if number % 2 else reversed(ways):
            rounds[way].append(seconds(way, table))
    return {way: statistics.median(times) for way, times in rounds.items()}


# Numerator, denominator, and what their ratio should be at least or at most.
TARGETS = [
    (per_cell, fetchall, ">=", 20.0),
    (column_to_pylist, fetchall, ">=", 20.0),
    (polars_rows, fetchall, ">=", 2.5),
    (for_loop, fetchall, "<=", 0.75),
    (fetchone_loop, for_loop, "<=", 1.3 if sys.version_info >= (3, 11) else 1.6),  # slower calls
]


def main() -> int:
    """Print all times and ratios; return 1 if a ratio misses its target."""
    print(f"Python {sys.version.split()[0]}, pyarrow {pa.__version__}, numpy {np.__version__}")
    print(f"{ROWS:,} rows, batches of {BATCH}, median CPU time of {ROUNDS} rounds")
    print(f"per_cell and column_to_pylist: measured on {SUBSET:,} rows, scaled up")
    if polars is None:
        print("polars_rows: left out, polars is not installed")
    missed = 0
    for make in (log_entries, measures):
        medians = measure(make(np.random.default_rng(1)))
        print(f"\n{make.__name__}")
        for way, median in medians.items():
            print(f"  {way.__name__:18}{median / ROWS * 1e6:8.3f} us/row")
        for above, below, sign, target in TARGETS:
            if above not in medians:
                continue
            ratio = medians[above] / medians[below]
            passed = ratio >= target if sign == ">=" else ratio <= target
            missed += not passed
            name = f"{above.__name__} / {below.__name__}"
            print(
                f"  {name:30}{ratio:8.2f}  target {sign} {target:<5} {'pass' if passed else 'FAIL'}"
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
