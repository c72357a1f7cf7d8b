"""Dictionaries -> their values, which is what FlightSQL sends unless asked for dictionaries."""

from __future__ import annotations

import pyarrow as pa

from micromegas_dbapi.arrow.nested import inner_types, parts, rebuilt

__all__ = [
    "hydrated",
    "hydrated_array",
    "hydrated_column",
    "hydrated_schema",
    "hydrated_type",
]


def hydrated_schema(schema: pa.Schema) -> pa.Schema:
    """Give the schema without dictionaries, at any depth."""
    return pa.schema([_field(field) for field in schema])


def hydrated(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch whose columns have no dictionaries.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
    schema : pyarrow.Schema
        What `hydrated_schema` makes of its own.
    """
    pairs = zip(batch.columns, schema.types, strict=True)
    columns = [_array(column, kind) for column, kind in pairs]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def hydrated_array(array: pa.Array) -> pa.Array:
    """Give an array without dictionaries."""
    return _array(array, hydrated_type(array.type))


def hydrated_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column without dictionaries."""
    kind = hydrated_type(column.type)
    return pa.chunked_array([_array(chunk, kind) for chunk in column.chunks], kind)


def hydrated_type(kind: pa.DataType) -> pa.DataType:
    """Give the type without dictionaries, at any depth: itself where it has none."""
    if pa.types.is_dictionary(kind):
        return hydrated_type(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([_field(kind.field(at)) for at in range(kind.num_fields)])
    if pa.types.is_map(kind):
        return pa.map_(_field(kind.key_field), _field(kind.item_field), kind.keys_sorted)
    if pa.types.is_list(kind):
        return pa.list_(_field(kind.value_field))
    if pa.types.is_large_list(kind):
        return pa.large_list(_field(kind.value_field))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_field(kind.value_field), kind.list_size)
    return kind


def _field(field: pa.Field) -> pa.Field:
    return field.with_type(hydrated_type(field.type))


def _array(column: pa.Array, kind: pa.DataType) -> pa.Array:
    while pa.types.is_dictionary(column.type):
        if column.type.value_type in _VIEWS:  # which pyarrow cannot take values of
            return pa.array(column.to_pylist(), kind)
        column = column.dictionary_decode()
    if column.type == kind:
        return column
    pairs = zip(parts(column), inner_types(kind), strict=True)
    return rebuilt(column, kind, [_array(part, inner) for part, inner in pairs])


_VIEWS = (pa.string_view(), pa.binary_view())
