"""The types and arrays inside of others: children of lists, structs and maps; encoded values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

__all__ = ["child_types", "children", "is_list", "map_fields", "values_type", "with_children"]


def is_list(kind: pa.DataType) -> bool:
    """Return whether each value of a type contains any number of inner values.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type.

    Returns
    -------
    bool
        True for lists and maps, but not for list views.
    """
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_map(kind)
    )


def map_fields(kind: pa.DataType, convert: Callable[[pa.Field], pa.Field]) -> pa.DataType:
    """Convert the fields of a nested type.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type.
    convert : callable
        Takes a field of a struct, the key or item field of a map, or the value field of a list,
        and returns the field to use instead.

    Returns
    -------
    pyarrow.DataType
        The type itself if it is not a list, struct or map.
    """
    if pa.types.is_struct(kind):
        return pa.struct([convert(kind.field(at)) for at in range(kind.num_fields)])
    if pa.types.is_map(kind):
        return pa.map_(convert(kind.key_field), convert(kind.item_field), kind.keys_sorted)
    if pa.types.is_list(kind):
        return pa.list_(convert(kind.value_field))
    if pa.types.is_large_list(kind):
        return pa.large_list(convert(kind.value_field))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(convert(kind.value_field), kind.list_size)
    return kind


def child_types(kind: pa.DataType) -> list[pa.DataType]:
    """Return the types of the children of a list, struct or map.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type.

    Returns
    -------
    list of pyarrow.DataType
        Empty for other types.
    """
    if pa.types.is_struct(kind):
        return [field.type for field in kind]
    if pa.types.is_map(kind):
        return [kind.key_type, kind.item_type]
    return [kind.value_type] if is_list(kind) else []


def children(array: pa.Array) -> list[pa.Array]:
    """Return the children of a list, struct or map.

    Parameters
    ----------
    array : pyarrow.Array
        Can be a slice.

    Returns
    -------
    list of pyarrow.Array
        Only the values that the array uses.
    """
    kind = array.type
    if pa.types.is_struct(kind):
        return [array.field(at) for at in range(kind.num_fields)]
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        return [array.values.slice(array.offset * size, len(array) * size)]
    start, end = (array.offsets[0].as_py(), array.offsets[-1].as_py()) if len(array) else (0, 0)
    whole = [array.keys, array.items] if pa.types.is_map(kind) else [array.values]
    return [child.slice(start, end - start) for child in whole]


def values_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values, without encodings and extensions.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type.

    Returns
    -------
    pyarrow.DataType
        The type itself if it is not a dictionary, run-end encoded or an extension type.
    """
    while True:
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        elif pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
            kind = kind.value_type
        else:
            return kind


def with_children(array: pa.Array, kind: pa.DataType, replacements: Sequence[pa.Array]) -> pa.Array:
    """Build a list, struct or map from other children.

    Parameters
    ----------
    array : pyarrow.Array
        Defines which elements are null, and the lengths of the others.
    kind : pyarrow.DataType
        The type of the result. It differs from that of `array` only in the types of its children.
    replacements : sequence of pyarrow.Array
        Each as long as the child of `array` that it replaces.

    Returns
    -------
    pyarrow.Array
        Of the type `kind`.
    """
    validity = None
    if array.null_count:
        valid = [array.is_valid(), pa.array([], pa.bool_())]
        validity = pa.concat_arrays(valid).buffers()[1]  # of an array without offset
    buffers, arrays = [validity], list(replacements)
    if pa.types.is_map(kind):
        entries = pa.struct([kind.key_field, kind.item_field])
        arrays = [pa.Array.from_buffers(entries, len(arrays[0]), [None], children=arrays)]
    if is_list(kind) and not pa.types.is_fixed_size_list(kind):
        import pyarrow.compute as pc  # not at the top: it takes a third of the time of pyarrow

        offsets = array.offsets if len(array) else _no_offsets(kind)
        buffers.append(pc.subtract(offsets, offsets[0]).buffers()[1])
    return pa.Array.from_buffers(kind, len(array), buffers, children=arrays)


def _no_offsets(kind: pa.DataType) -> pa.Array:
    return pa.array([0], pa.int64() if pa.types.is_large_list(kind) else pa.int32())
