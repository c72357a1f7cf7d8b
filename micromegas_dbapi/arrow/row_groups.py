"""Record batches -> the row groups of a Parquet file, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

__all__ = ["ROWS", "row_groups"]

#: The most rows of a group, as the service's; fewer where these take too much memory.
ROWS = 2**20
_BYTES = 64 * 2**20


def row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Gather batches into groups of a million rows, or 64 MiB where these come first.

    Yields
    ------
    list of RecordBatch
        To be used before the next one is asked for: it is emptied then.
    """
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= ROWS or size >= _BYTES:
            yield group
            group.clear()  # the taker's list too, which else lived on while the next one grows
            rows = size = 0
    if group:
        yield group
