"""Measure what it costs to make the dictionaries of Arrow results hold each value once.

    python benchmarks/arrow_dictionaries.py

Times are CPU time, medians of interleaved rounds; only ratios carry over to other machines. The
rows are like those of log_entries, in batches of the size that services send. "Share" compares with
the time that the fastest query engine, the embedded one, takes for as many rows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
from in_memory import BATCH, connect, in_batches
from measurement import interleaved, scaled
from rows import ROWS, log_entries

import micromegas_dbapi as mm

ROUNDS = scaled(7)

Replacement = Callable[[pa.Array, int], tuple[pa.Array, int]]


def with_dictionaries(table: pa.Table, replace: Replacement) -> list[pa.RecordBatch]:
    """Return the batches of a table with other dictionaries.

    Parameters
    ----------
    table : pyarrow.Table
    replace : callable
        Takes the values of a dictionary and the number of its batch. Returns new values, and the
        number of places by which the old ones have moved.
    """
    batches = []
    for number, batch in enumerate(in_batches(table)):
        columns = []
        for column in batch.columns:
            if pa.types.is_dictionary(column.type):
                values, offset = replace(column.dictionary, number)
                indices = pa.compute.add(column.indices, pa.scalar(offset, pa.int16()))
                column = pa.DictionaryArray.from_arrays(indices, values)
            columns.append(column)
        batches.append(pa.RecordBatch.from_arrays(columns, schema=batch.schema))
    return batches


DICTIONARIES: dict[str, Replacement] = {
    "one for all batches": lambda values, _: (values, 0),
    "equal copies": lambda values, _: (pa.concat_arrays([values, values[:0]]), 0),
    "each value twice": lambda values, _: (pa.concat_arrays([values, values]), len(values)),
    "different in each batch": lambda values, number: (
        pa.concat_arrays([pa.array([f"batch {number}"]), values]),
        1,
    ),
}
VARIANTS: dict[str, Callable[[list[pa.RecordBatch]], pa.Table]] = {
    "unchanged": pa.Table.from_batches,
    "table": lambda batches: connect(batches).execute("SELECT 1").fetch_arrow_table(),
    "stream": lambda batches: connect(batches).execute("SELECT 1").fetch_record_batch().read_all(),
}


def seconds(
    variant: Callable[[list[pa.RecordBatch]], pa.Table], batches: list[pa.RecordBatch]
) -> float:
    """Return the CPU seconds in which a variant reads all batches."""
    start = time.process_time()
    result = variant(batches)
    elapsed = time.process_time() - start
    assert len(result) == ROWS
    return elapsed


def query_seconds() -> float:
    """Return the median CPU seconds in which the embedded engine returns as many rows."""
    times = []
    with mm.connect("demo:") as connection:
        for _ in range(ROUNDS):
            start = time.process_time()
            table = connection.execute("SELECT * FROM log_entries").fetch_arrow_table()
            times.append((time.process_time() - start) / len(table) * ROWS)
    return statistics.median(times)


def main() -> None:
    """Print the additional time for each kind of dictionary."""
    table, query = log_entries(np.random.default_rng(1)), query_seconds()
    print(f"{ROWS:,} rows, batches of {BATCH}, pyarrow {pa.__version__}, median of {ROUNDS} rounds")
    print(f"query in the embedded engine: {query * 1e3:.0f} ms\n")
    print(f"{'additional ms':26}{'table':>10}{'stream':>10}{'share of the query':>22}")
    for kind, replace in DICTIONARIES.items():
        batches = with_dictionaries(table, replace)
        medians = interleaved(
            {name: partial(seconds, variant, batches) for name, variant in VARIANTS.items()},
            ROUNDS,
        )
        of_table, of_stream = (medians[name] - medians["unchanged"] for name in ("table", "stream"))
        share = of_table / query
        print(f"{kind:26}{of_table * 1e3:10.2f}{of_stream * 1e3:10.2f}{share:>21.1%}")


if __name__ == "__main__":
    main()
