"""Lists, structs and maps: the arrays that one is made of, and the same of other arrays."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["inner_types", "is_list", "parts", "rebuilt"]


def is_list(kind: pa.DataType) -> bool:
    """Tell whether a type has any number of inner values for each of its own: maps do, too."""
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_map(kind)
    )


def inner_types(kind: pa.DataType) -> list[pa.DataType]:
    """Give the types of the parts of a list, struct or map; of other types there are none."""
    if pa.types.is_struct(kind):
        return [field.type for field in kind]
    if pa.types.is_map(kind):
        return [kind.key_type, kind.item_type]
    return [kind.value_type] if is_list(kind) else []


def parts(array: pa.Array) -> list[pa.Array]:
    """Give what a list, struct or map is made of, no more of it than it uses."""
    kind = array.type
    if pa.types.is_struct(kind):
        return [array.field(at) for at in range(kind.num_fields)]
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        return [array.values.slice(array.offset * size, len(array) * size)]
    start, end = (array.offsets[0].as_py(), array.offsets[-1].as_py()) if len(array) else (0, 0)
    whole = [array.keys, array.items] if pa.types.is_map(kind) else [array.values]
    return [part.slice(start, end - start) for part in whole]


def rebuilt(array: pa.Array, kind: pa.DataType, made: Sequence[pa.Array]) -> pa.Array:
    """Make a list, struct or map of other parts.

    Parameters
    ----------
    array : pyarrow.Array
        Which elements are null, and how long the others are.
    kind : pyarrow.DataType
        Of the result: that of `array`, but for the types of its parts.
    made : sequence of pyarrow.Array
        As long as its `parts`.
    """
    validity = None
    if array.null_count:
        valid = [array.is_valid(), pa.array([], pa.bool_())]
        validity = pa.concat_arrays(valid).buffers()[1]  # of an array that has no offset
    buffers, children = [validity], list(made)
    if pa.types.is_map(kind):
        entries = pa.struct([kind.key_field, kind.item_field])
        children = [pa.Array.from_buffers(entries, len(made[0]), [None], children=children)]
    if is_list(kind) and not pa.types.is_fixed_size_list(kind):
        offsets = array.offsets if len(array) else _no_offsets(kind)
        buffers.append(pc.subtract(offsets, offsets[0]).buffers()[1])
    return pa.Array.from_buffers(kind, len(array), buffers, children=children)


def _no_offsets(kind: pa.DataType) -> pa.Array:
    return pa.array([0], pa.int64() if pa.types.is_large_list(kind) else pa.int32())
