"""Rows of other types than the plan of their statement told, as the newest services treat them.

The schema of a result is that of the plan before the engine made types agree, so the rows of CASE,
and of set operations, may be of others. Asked for plain columns, a service casts each batch to what
it has told; asked for dictionaries, it sends it as it is (recorded: ``wire/*-mixed``).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from micromegas_dbapi.arrow.dictionary_decoding import decode_array

__all__ = ["NotThisError", "as_sent", "cast_to"]


class NotThisError(Exception):
    """A batch cannot be made what was told of it; the text is the service's."""


def cast_to(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Cast the columns of a batch to the types told, losing what does not fit.

    Raises
    ------
    NotThisError
        If what does not fit, and is null then, was told never to be.
    """
    columns = []
    for field, column in zip(schema, batch.columns, strict=True):
        cast = _cast(column, field.type)
        if not field.nullable and cast.null_count > column.null_count:
            raise NotThisError(
                f"Arrow error: Invalid argument error: Column '{field.name}' is declared as "
                "non-nullable but contains null values"
            )
        columns.append(cast)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    column = decode_array(column)
    if column.type == kind:
        return column
    try:
        return column.cast(kind)
    except pa.ArrowException:
        if pa.types.is_floating(column.type) and pa.types.is_integer(kind):
            column = pc.trunc(column)
        return pa.array([_value(value, kind) for value in column], kind)


def _value(value: pa.Scalar, kind: pa.DataType) -> pa.Scalar | None:
    try:
        return value.cast(kind)
    except pa.ArrowException:
        return None


def as_sent(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch with the types that it has, as a service sends it under another schema.

    Raises
    ------
    NotThisError
        If a column has a dictionary, and was told to have none.
    """
    for field, column in zip(schema, batch.columns, strict=True):
        if pa.types.is_dictionary(column.type) and not pa.types.is_dictionary(field.type):
            raise NotThisError(
                f'Arrow error: Ipc error: no dict id for field "{field.name}": '
                "field.data_type=Dictionary(Int32, Utf8), column.data_type=Dictionary(Int32, Utf8)"
            )
    fields = [f.with_type(c.type) for f, c in zip(schema, batch.columns, strict=True)]
    return pa.RecordBatch.from_arrays(batch.columns, schema=pa.schema(fields))
