"""Arrow as it leaves the driver: dictionaries hold each value once, and buffers are aligned.

Transports give what came. Rows are made of that as it is, and pay for none of this.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from micromegas_dbapi.alignment import aligned, widths
from micromegas_dbapi.dictionaries import distinct
from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.transport import stream

__all__ = ["handed_stream", "handed_table"]


def handed_table(reader: pa.RecordBatchReader) -> pa.Table:
    """Read a result to its end.

    Parameters
    ----------
    reader : pyarrow.RecordBatchReader
        As a transport gives it.

    Returns
    -------
    pyarrow.Table
        With the types and values that came. The chunks of a column have one dictionary, if its
        keys can count all values that are in theirs.

    Raises
    ------
    DatabaseError
        If the result broke off, or cannot be read.
    """
    try:
        table = reader.read_all()
        columns = [
            _column(kind)(column.chunks)
            for kind, column in zip(table.schema.types, table.columns, strict=True)
        ]
    except pa.ArrowException as error:
        raise OperationalError(f"the result cannot be read: {error}") from error
    chunked = [
        pa.chunked_array(chunks, kind)
        for kind, chunks in zip(table.schema.types, columns, strict=True)
    ]
    return pa.Table.from_arrays(chunked, schema=table.schema) if chunked else table


def handed_stream(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Give a result as a stream, each batch by itself: what is to come is not known.

    Parameters
    ----------
    reader : pyarrow.RecordBatchReader
        As a transport gives it.

    Returns
    -------
    pyarrow.RecordBatchReader
        As lazy; what reading it raises is raised again at every try.
    """
    columns = [_column(kind) for kind in reader.schema.types]

    def handed(batch: pa.RecordBatch) -> pa.RecordBatch:
        try:
            made = [
                column([array])[0] for column, array in zip(columns, batch.columns, strict=True)
            ]
        except pa.ArrowException as error:
            raise OperationalError(f"the result cannot be read: {error}") from error
        return pa.RecordBatch.from_arrays(made, schema=batch.schema) if made else batch

    return stream(reader.schema, map(handed, reader))


def _column(kind: pa.DataType) -> Callable[[list[pa.Array]], list[pa.Array]]:
    made_distinct, needed = distinct(kind), widths(kind)

    def column(chunks: list[pa.Array]) -> list[pa.Array]:
        if made_distinct is not None:
            chunks = made_distinct(chunks)
        return [aligned(chunk, needed) for chunk in chunks]

    return column
