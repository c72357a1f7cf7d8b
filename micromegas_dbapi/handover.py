"""Arrow as it leaves the driver: dictionaries hold each value once, and buffers are aligned.

Transports give what came. Rows are made of that as it is, and pay for none of this.
"""

from __future__ import annotations

from operator import is_

import pyarrow as pa

from micromegas_dbapi.alignment import aligned, spots
from micromegas_dbapi.dictionaries import Step, distinct
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
        for at, column in enumerate(_columns(table.schema)):
            given = table.column(at).chunks
            made = column(given)
            if not all(map(is_, given, made)):
                chunked = pa.chunked_array(made, table.schema.types[at])
                table = table.set_column(at, table.schema.field(at), chunked)
    except pa.ArrowException as error:
        raise OperationalError(f"the result cannot be read: {error}") from error
    return table


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
    columns = _columns(reader.schema)

    def handed(batch: pa.RecordBatch) -> pa.RecordBatch:
        given = batch.columns
        try:
            made = [column([array])[0] for column, array in zip(columns, given, strict=True)]
        except pa.ArrowException as error:
            raise OperationalError(f"the result cannot be read: {error}") from error
        if all(map(is_, given, made)):
            return batch
        return pa.RecordBatch.from_arrays(made, schema=batch.schema)

    return stream(reader.schema, map(handed, reader))


def _columns(schema: pa.Schema) -> list[Step]:
    return [_column(kind) for kind in schema.types]


def _column(kind: pa.DataType) -> Step:
    made_distinct, needed = distinct(kind), spots(kind)

    def column(chunks: list[pa.Array]) -> list[pa.Array]:
        if made_distinct is not None:
            chunks = made_distinct(chunks)
        return [aligned(chunk, needed) for chunk in chunks]

    return column
