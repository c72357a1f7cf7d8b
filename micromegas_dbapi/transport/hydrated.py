"""Dictionaries -> their values, which is what FlightSQL sends unless asked for dictionaries."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["hydrated", "hydrated_schema"]


def hydrated_schema(schema: pa.Schema) -> pa.Schema:
    """Give the schema without dictionaries, at any depth."""
    return pa.schema([field.with_type(_type(field.type)) for field in schema])


def _type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type)
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
    return field.with_type(_type(field.type))


def hydrated(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Give a column without dictionaries.

    Parameters
    ----------
    column : pyarrow.Array
    kind : pyarrow.DataType
        What `hydrated_schema` makes of its own.
    """
    while pa.types.is_dictionary(column.type):
        if column.type.value_type in _VIEWS:  # which pyarrow cannot take values of
            return pa.array(column.to_pylist(), kind)
        column = column.dictionary_decode()
    return column if column.type == kind else column.cast(kind)


_VIEWS = (pa.string_view(), pa.binary_view())
