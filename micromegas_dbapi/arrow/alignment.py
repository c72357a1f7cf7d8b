"""Align buffers to multiples of the width of their values.

Unless a message is large and assembled from parts, gRPC leaves it at the address at which it was
received. Without alignment, each group_by and join of pyarrow prints a warning on standard error
and is a third slower; other libraries copy the buffers at each use. In a table, small misaligned
chunks are therefore concatenated: the copy costs as much as one or two uses of fewer chunks save.
Copying each chunk by itself takes three times as long. IpcReadOptions(ensure_alignment=...) is not
an option: it aborts the process on lists of dictionaries within dictionaries (pyarrow 26). Streams
are not aligned, because their consumer reads each batch once.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import TypeAlias

import pyarrow as pa

__all__ = ["MemoryLocation", "align", "memory_location", "wide_buffers"]

#: Length, offset and the addresses of the buffers.
MemoryLocation: TypeAlias = tuple[int | None, ...]


@lru_cache(256)
def wide_buffers(kind: pa.DataType) -> tuple[tuple[int, int], ...]:
    """Return the buffers of an array whose values are wider than a byte.

    Parameters
    ----------
    kind : pyarrow.DataType
        The type of the array. Of a dictionary, only the indices are included.

    Returns
    -------
    tuple of (int, int)
        The index of a buffer, and the width to align it to. Empty for unknown types.
    """
    try:
        return tuple((at, width) for at, width in enumerate(_widths(kind)) if width > 1)
    except NotImplementedError:
        return ()


def align(chunks: list[pa.Array], buffers: tuple[tuple[int, int], ...]) -> list[pa.Array]:
    """Concatenate adjacent misaligned chunks of a column.

    Parameters
    ----------
    chunks : list of pyarrow.Array
        All of one type.
    buffers : tuple of (int, int)
        The `wide_buffers` of the type.

    Returns
    -------
    list of pyarrow.Array
        The same values in as many chunks or fewer.
    """
    aligned: list[pa.Array] = []
    for dictionary, run in groupby(chunks, lambda chunk: _misaligned_dictionary(chunk, buffers)):
        arrays = list(run)
        aligned += arrays if dictionary is None else _concatenated(arrays)
    return aligned


def memory_location(array: pa.Array) -> MemoryLocation:
    """Return the location of an array in memory.

    Parameters
    ----------
    array : pyarrow.Array
        Any array.

    Returns
    -------
    tuple of (int or None)
        While two arrays are alive, equal only if they are the same values in memory.
    """
    addresses = [None if each is None else each.address for each in array.buffers()]
    return len(array), array.offset, *addresses


def _misaligned_dictionary(
    chunk: pa.Array, wide: tuple[tuple[int, int], ...]
) -> MemoryLocation | None:
    """Return None for an aligned chunk, else the location of its dictionary, if it has one."""
    buffers = chunk.buffers()
    for at, width in wide:
        buffer = buffers[at]
        if buffer is not None and buffer.address % width:
            has_dictionary = pa.types.is_dictionary(chunk.type)
            return memory_location(chunk.dictionary) if has_dictionary else ()
    return None


def _concatenated(run: list[pa.Array]) -> list[pa.Array]:
    kind = run[0].type
    if pa.types.is_dictionary(kind):  # all have the same one, but pyarrow would compare them
        indices = _copy([chunk.indices for chunk in run])
        values, ordered = run[0].dictionary, kind.ordered
        return [pa.DictionaryArray.from_arrays(indices, values, ordered=ordered, safe=False)]
    try:
        return [_copy(run)]
    except (pa.ArrowInvalid, pa.ArrowCapacityError, pa.ArrowNotImplementedError):
        return run  # they exceed the capacity of one array


def _copy(run: list[pa.Array]) -> pa.Array:
    return pa.concat_arrays([*run, run[0][:0]])  # some versions of pyarrow do not copy a single one


def _widths(kind: pa.DataType) -> list[int]:
    types = pa.types
    if types.is_dictionary(kind):
        return _widths(kind.index_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _widths(kind.storage_type)
    if types.is_struct(kind):
        return [1, *(width for field in kind for width in _widths(field.type))]
    if types.is_fixed_size_list(kind):
        return [1, *_widths(kind.value_type)]
    if types.is_map(kind):
        return [1, 4, 1, *_widths(kind.key_type), *_widths(kind.item_type)]
    if types.is_list(kind):
        return [1, 4, *_widths(kind.value_type)]
    if types.is_large_list(kind):
        return [1, 8, *_widths(kind.value_type)]
    if types.is_string(kind) or types.is_binary(kind):
        return [1, 4, 1]
    if types.is_large_string(kind) or types.is_large_binary(kind):
        return [1, 8, 1]
    if types.is_primitive(kind) or types.is_decimal(kind) or types.is_interval(kind):
        return [1, min(kind.bit_width // 8, 8)]
    if types.is_null(kind):
        return [1]
    if types.is_fixed_size_binary(kind):
        return [1, 1]
    raise NotImplementedError(f"the buffers of {kind}")
