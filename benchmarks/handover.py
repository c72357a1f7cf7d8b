"""What it costs that tables and streams have each value of a dictionary once.

Run ``python benchmarks/handover.py``. Times are CPU time, medians of rounds that are interleaved,
so that a noisy machine harms all alike; only the ratios mean something elsewhere. The rows are
those of log_entries, in batches as services send them; the share is of the time in which the
quickest engine there is, the one in process, gives as many.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parent]

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402

import micromegas_dbapi as mm  # noqa: E402
from micromegas_dbapi.arrow.handover import consolidated_reader, consolidated_table  # noqa: E402
from micromegas_dbapi.arrow.readers import latching_reader  # noqa: E402

ROWS = 1_000_000
ROUNDS = 7
BATCH = 8192  # as services send them
WORDS = {"process_id": 50, "exe": 10, "username": 40, "computer": 40, "target": 300}


def log_rows() -> pa.Table:
    """Make rows like those of log_entries."""
    draw = np.random.default_rng(1)

    def names(kind: str, count: int) -> pa.Array:
        codes = pa.array(draw.integers(0, count, ROWS), pa.int16())
        return pa.DictionaryArray.from_arrays(codes, [f"{kind} {n:030d}" for n in range(count)])

    moments = 1_700_000_000 * 10**9 + np.cumsum(draw.integers(1, 10**6, ROWS))
    return pa.table(
        {
            **{kind: names(kind, count) for kind, count in WORDS.items()},
            "time": pa.array(moments, pa.timestamp("ns", "+00:00")),
            "level": pa.array(draw.integers(1, 7, ROWS), pa.int32()),
            "msg": pa.array([f"message number {i}" for i in draw.integers(0, 10**6, ROWS)]),
        }
    )


Words = Callable[[pa.Array], tuple[pa.Array, int]]


def of(table: pa.Table, words: Words) -> list[pa.RecordBatch]:
    """Give the batches of a table, with other dictionaries.

    Parameters
    ----------
    table : pyarrow.Table
    words : callable
        Makes of a dictionary another, and by how much its entries have moved.
    """
    batches = []
    for batch in table.to_batches(max_chunksize=BATCH):
        columns = []
        for column in batch.columns:
            if pa.types.is_dictionary(column.type):
                made, by = words(column.dictionary)
                moved = pa.compute.add(column.indices, pa.scalar(by, pa.int16()))
                column = pa.DictionaryArray.from_arrays(moved, made)
            columns.append(column)
        batches.append(pa.RecordBatch.from_arrays(columns, schema=batch.schema))
    return batches


def anew(words: pa.Array) -> pa.Array:
    return pa.concat_arrays([words, words[:0]])


KINDS: dict[str, Words] = {
    "one dictionary": lambda words: (words, 0),
    "the same, sent anew": lambda words: (anew(words), 0),
    "each value twice": lambda words: (pa.concat_arrays([words, words]), len(words)),
    "each batch another": lambda words: (
        pa.concat_arrays([pa.array([f"{random.random()}"]), words]),
        1,
    ),
}
WAYS: dict[str, Callable[[pa.RecordBatchReader], Any]] = {
    "as it comes": lambda reader: reader.read_all(),
    "table": consolidated_table,
    "stream": lambda reader: consolidated_reader(reader).read_all(),
}


def measured(batches: list[pa.RecordBatch]) -> dict[str, float]:
    """Give the median CPU seconds of each way."""
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way in random.sample(sorted(WAYS), len(WAYS)):
            reader = latching_reader(batches[0].schema, batches)
            start = time.process_time()
            result = WAYS[way](reader)
            times[way].append(time.process_time() - start)
            assert len(result) == ROWS
            del result
    return {way: statistics.median(each) for way, each in times.items()}


def engine() -> float:
    """Give the median CPU seconds in which the engine in process gives as many rows."""
    times = []
    with mm.connect("demo:") as connection:
        for _ in range(ROUNDS):
            start = time.process_time()
            table = connection.execute("SELECT * FROM log_entries").fetch_arrow_table()
            times.append((time.process_time() - start) / len(table) * ROWS)
    return statistics.median(times)


def main() -> None:
    table, all_of_it = log_rows(), engine()
    print(f"{ROWS:,} rows, batches of {BATCH}, pyarrow {pa.__version__}, median of {ROUNDS} rounds")
    print(f"the engine: {all_of_it * 1e3:.0f} ms\n")
    print(f"{'milliseconds more':22}{'table':>10}{'stream':>10}{'share of the table':>22}")
    for kind, words in KINDS.items():
        median = measured(of(table, words))
        table_ms, stream_ms = (median[way] - median["as it comes"] for way in ("table", "stream"))
        share = table_ms / all_of_it
        print(f"{kind:22}{table_ms * 1e3:10.2f}{stream_ms * 1e3:10.2f}{share:>21.1%}")


if __name__ == "__main__":
    main()
