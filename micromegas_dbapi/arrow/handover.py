"""Arrow results for the user: distinct dictionary values, and aligned buffers in tables.

Transports return batches as they were received. Rows are built from these directly, without the
cost of this module.
"""

from __future__ import annotations

from operator import is_

import pyarrow as pa

from micromegas_dbapi.arrow.alignment import align, wide_buffers
from micromegas_dbapi.arrow.dictionaries import deduplicator
from micromegas_dbapi.arrow.readers import latching_reader, reading_error

__all__ = ["consolidated_reader", "consolidated_table"]


def consolidated_table(reader: pa.RecordBatchReader) -> pa.Table:
    """Read a result to its end.

    Parameters
    ----------
    reader : pyarrow.RecordBatchReader
        As returned by a transport.

    Returns
    -------
    pyarrow.Table
        With unchanged types and values. The chunks of a column share one dictionary if its index
        type can number all distinct values.

    Raises
    ------
    DatabaseError
        If the result is incomplete or cannot be read.
    """
    try:
        table = reader.read_all()
        columns = table.columns
        new = [_consolidated(column) for column in columns]
        if not all(map(is_, columns, new)):
            table = pa.Table.from_arrays(new, schema=table.schema)
    except (pa.ArrowException, MemoryError) as error:
        raise reading_error(error) or error  # noqa: B904  (it has its cause)
    return table


def _consolidated(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind, chunks = column.type, column.chunks
    deduplicate = deduplicator(kind)
    new = chunks if deduplicate is None else deduplicate(chunks)
    new = align(new, wide_buffers(kind))
    if len(new) == len(chunks) and all(map(is_, chunks, new)):
        return column
    return pa.chunked_array(new, kind)


def consolidated_reader(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Deduplicate the dictionaries of a stream, in each batch by itself.

    Parameters
    ----------
    reader : pyarrow.RecordBatchReader
        As returned by a transport.

    Returns
    -------
    pyarrow.RecordBatchReader
        It reads lazily, and raises its first error again on every later read.
    """
    deduplicators = [deduplicator(kind) for kind in reader.schema.types]
    if not any(deduplicators):
        return reader

    def _consolidate(batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = batch.columns
        new = [
            array if deduplicate is None else deduplicate([array])[0]
            for deduplicate, array in zip(deduplicators, columns, strict=True)
        ]
        if all(map(is_, columns, new)):
            return batch
        return pa.RecordBatch.from_arrays(new, schema=batch.schema)

    return latching_reader(reader.schema, map(_consolidate, reader))
