"""Arrow as it leaves the driver: dictionaries hold each value once, and tables are aligned.

Transports give what came. Rows are made of that as it is, and pay for none of this.
"""

from __future__ import annotations

from operator import is_

import pyarrow as pa

from micromegas_dbapi.arrow.alignment import aligned, spots
from micromegas_dbapi.arrow.dictionaries import distinct
from micromegas_dbapi.arrow.readers import latching_reader
from micromegas_dbapi.errors import OperationalError

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
        for at, field in enumerate(table.schema):
            given = table.column(at).chunks
            step = distinct(field.type)
            made = aligned(given if step is None else step(given), spots(field.type))
            if len(made) != len(given) or not all(map(is_, given, made)):
                table = table.set_column(at, field, pa.chunked_array(made, field.type))
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
    steps = [distinct(kind) for kind in reader.schema.types]
    if not any(steps):
        return reader

    def handed(batch: pa.RecordBatch) -> pa.RecordBatch:
        given = batch.columns
        try:
            made = [
                array if step is None else step([array])[0]
                for step, array in zip(steps, given, strict=True)
            ]
        except pa.ArrowException as error:
            raise OperationalError(f"the result cannot be read: {error}") from error
        if all(map(is_, given, made)):
            return batch
        return pa.RecordBatch.from_arrays(made, schema=batch.schema)

    return latching_reader(reader.schema, map(handed, reader))
