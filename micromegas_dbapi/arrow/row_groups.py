"""Group record batches into the row groups of a Parquet file, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

__all__ = ["ROWS", "row_groups"]

#: The maximum number of rows of a group, as in the service.
ROWS = 2**20
_MAX_BYTES = 64 * 2**20


def row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Group batches until they have a million rows or take 64 MiB.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Read lazily.

    Yields
    ------
    list of pyarrow.RecordBatch
        The group must be used before the next iteration, which clears the list.
    """
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= ROWS or size >= _MAX_BYTES:
            yield group
            group.clear()  # the consumer's reference would keep the batches alive otherwise
            rows = size = 0
    if group:
        yield group
