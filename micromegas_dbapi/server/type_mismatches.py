"""Batches whose types differ from the planned schema, treated like the newest services do.

The schema of a result is that of the plan before the engine unified types, so the rows of CASE and
of set operations may have other types. Without dictionaries, a service casts each batch to the
planned schema; with dictionaries, it sends the batch unchanged (recorded: ``wire/*-mixed``).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from micromegas_dbapi.arrow.dictionary_decoding import decode_array

__all__ = ["TypeMismatchError", "cast_lossy", "with_actual_types"]


class TypeMismatchError(Exception):
    """A batch cannot be converted to the planned schema; with the service's message."""


def cast_lossy(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Cast the columns of a batch. Values that cannot be cast become null.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        With dictionaries or without.
    schema : pyarrow.Schema
        The planned schema, without dictionaries.

    Returns
    -------
    pyarrow.RecordBatch
        Of that schema.

    Raises
    ------
    TypeMismatchError
        If a value of a non-nullable column cannot be cast.
    """
    if not batch.num_columns:  # from no arrays, a batch would have no rows
        return batch
    columns = []
    for field, column in zip(schema, batch.columns, strict=True):
        cast = _cast(column, field.type)
        if not field.nullable and cast.null_count > column.null_count:
            raise TypeMismatchError(
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


def with_actual_types(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with its own types, and the names and nullability of the planned schema.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        With dictionaries.
    schema : pyarrow.Schema
        The planned schema.

    Returns
    -------
    pyarrow.RecordBatch
        As a service sends it.

    Raises
    ------
    TypeMismatchError
        If a column has a dictionary that the planned schema does not have.
    """
    if not batch.num_columns:
        return batch
    for field, column in zip(schema, batch.columns, strict=True):
        if pa.types.is_dictionary(column.type) and not pa.types.is_dictionary(field.type):
            raise TypeMismatchError(
                f'Arrow error: Ipc error: no dict id for field "{field.name}": '
                "field.data_type=Dictionary(Int32, Utf8), column.data_type=Dictionary(Int32, Utf8)"
            )
    fields = [f.with_type(c.type) for f, c in zip(schema, batch.columns, strict=True)]
    return pa.RecordBatch.from_arrays(batch.columns, schema=pa.schema(fields))
