"""Compare ways from Arrow to rows: our cursor, pyarrow, polars, and a driver's loop over cells.

    python benchmarks/rows.py

Times are CPU time, medians of interleaved rounds; only ratios carry over to other machines.
Returns 1 if a target is missed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
from in_memory import BATCH, connect, in_batches
from measurement import Targets, interleaved, scaled

import micromegas_dbapi as mm

try:
    import polars
except ImportError:
    polars = None

ROWS = scaled(1_000_000)
ROUNDS = scaled(5)
SUBSET = scaled(40_000)  # for variants that take microseconds per cell; their time is scaled up


# ---- Variants -----------------------------------------------------------------------------------


def cursor_over(table: pa.Table) -> mm.Cursor:
    """Return our cursor with the table as its result."""
    return connect(in_batches(table)).execute("SELECT 1")


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
    """Index and convert every cell on its own, as the ADBC driver manager does."""
    rows = []
    for batch in in_batches(table):
        arrays = batch.columns
        for index in range(batch.num_rows):
            rows.append(tuple(array[index].as_py() for array in arrays))
    return rows


# ---- Tables -------------------------------------------------------------------------------------


def dictionary(random: np.random.Generator, name: str, distinct: int) -> pa.DictionaryArray:
    indices = random.integers(0, distinct, ROWS).astype(np.int16)
    values = pa.array([f"{name} {number:030d}" for number in range(distinct)])
    return pa.DictionaryArray.from_arrays(pa.array(indices), values)


def times(random: np.random.Generator) -> pa.Array:
    # Whole microseconds: without pandas, the other variants cannot return nanoseconds at all.
    steps = random.integers(1, 100_000, ROWS)
    nanoseconds = 1_700_000_000_000_000_000 + np.cumsum(steps) * 1000
    return pa.array(nanoseconds).view(pa.timestamp("ns", "+00:00"))


def log_entries(random: np.random.Generator) -> pa.Table:
    numbers = random.integers(0, 10**9, ROWS).tolist()
    return pa.table(
        {
            "process_id": dictionary(random, "process", 50),
            "exe": dictionary(random, "exe", 10),
            "username": dictionary(random, "user", 40),
            "computer": dictionary(random, "computer", 40),
            "target": dictionary(random, "target", 300),
            "time": times(random),
            "level": pa.array(random.integers(1, 7, ROWS).astype(np.int32)),
            "msg": pa.array(
                [
                    f"frame {index} took {number} ns, which is over its budget, on render thread 3"
                    for index, number in enumerate(numbers)
                ]
            ),
        }
    )


def measures(random: np.random.Generator) -> pa.Table:
    return pa.table(
        {
            "process_id": dictionary(random, "process", 50),
            "exe": dictionary(random, "exe", 10),
            "username": dictionary(random, "user", 40),
            "computer": dictionary(random, "computer", 40),
            "target": dictionary(random, "target", 60),
            "name": dictionary(random, "name", 300),
            "unit": dictionary(random, "unit", 6),
            "time": times(random),
            "value": pa.array(random.normal(size=ROWS)),
        }
    )


# ---- Measurement --------------------------------------------------------------------------------


def seconds(variant: Callable[[pa.Table], object], table: pa.Table) -> float:
    """Return the CPU time for all rows; slow variants are measured on a subset."""
    factor = 1.0
    if variant in (per_cell, column_to_pylist):
        factor = len(table) / SUBSET
        table = table.slice(0, SUBSET)
    start = time.process_time()
    result = variant(table)
    elapsed = time.process_time() - start
    del result  # releasing it is not part of the time
    return elapsed * factor


# Numerator, denominator, and the target of their ratio.
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
    variants = [fetchall, for_loop, fetchone_loop, column_to_pylist, per_cell]
    if polars is None:
        print("left out: polars_rows (polars is not installed)")
    else:
        variants.append(polars_rows)
    targets = Targets()
    for view in (log_entries, measures):
        table = view(np.random.default_rng(1))
        medians = interleaved(
            {variant: partial(seconds, variant, table) for variant in variants}, ROUNDS
        )
        print(f"\n{view.__name__}")
        for variant, median in medians.items():
            print(f"  {variant.__name__:18}{median / ROWS * 1e6:8.3f} us/row")
        for above, below, sign, limit in TARGETS:
            if above in medians:
                ratio = medians[above] / medians[below]
                name = f"{view.__name__}: {above.__name__} / {below.__name__}"
                targets.check(name, ratio, sign, limit)
    return targets.exit_code()


if __name__ == "__main__":
    sys.exit(main())
