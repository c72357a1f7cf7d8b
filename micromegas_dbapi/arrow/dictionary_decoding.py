"""Decode dictionaries to their values, as FlightSQL does unless asked for dictionaries."""

from __future__ import annotations

import pyarrow as pa

from micromegas_dbapi.arrow.nested import child_types, children, map_fields, with_children

__all__ = [
    "decode_array",
    "decode_batch",
    "decode_column",
    "decoded_schema",
    "decoded_type",
]

_VIEWS = (pa.string_view(), pa.binary_view())


def decoded_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema with value types in place of dictionary types, at any depth.

    Parameters
    ----------
    schema : pyarrow.Schema
        Its metadata is dropped.

    Returns
    -------
    pyarrow.Schema
        With the metadata of the fields.
    """
    return pa.schema([_field(field) for field in schema])


def decoded_type(kind: pa.DataType) -> pa.DataType:
    """Return a type with value types in place of dictionary types, at any depth.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type.

    Returns
    -------
    pyarrow.DataType
        Equal to the given type if it contains no dictionaries.
    """
    if pa.types.is_dictionary(kind):
        return decoded_type(kind.value_type)
    return map_fields(kind, _field)


def decode_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Decode the dictionaries in the columns of a batch.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        With or without dictionaries.
    schema : pyarrow.Schema
        The `decoded_schema` of the batch's.

    Returns
    -------
    pyarrow.RecordBatch
        With the given schema.
    """
    pairs = zip(batch.columns, schema.types, strict=True)
    columns = [_decode(column, kind) for column, kind in pairs]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def decode_array(array: pa.Array) -> pa.Array:
    """Decode the dictionaries in an array.

    Parameters
    ----------
    array : pyarrow.Array
        With or without dictionaries.

    Returns
    -------
    pyarrow.Array
        The given array if it contains no dictionaries.
    """
    return _decode(array, decoded_type(array.type))


def decode_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decode the dictionaries in a column.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        With or without dictionaries.

    Returns
    -------
    pyarrow.ChunkedArray
        With as many chunks.
    """
    kind = decoded_type(column.type)
    return pa.chunked_array([_decode(chunk, kind) for chunk in column.chunks], kind)


def _field(field: pa.Field) -> pa.Field:
    return field.with_type(decoded_type(field.type))


def _decode(array: pa.Array, kind: pa.DataType) -> pa.Array:
    while pa.types.is_dictionary(array.type):
        if array.type.value_type in _VIEWS:  # pyarrow cannot take() from these
            return pa.array(array.to_pylist(), kind)
        array = array.dictionary_decode()
    if array.type == kind:
        return array
    pairs = zip(children(array), child_types(kind), strict=True)
    return with_children(array, kind, [_decode(child, inner) for child, inner in pairs])
