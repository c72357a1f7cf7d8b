"""Buffers -> the same at addresses that are multiples of the width of their values.

gRPC gives a message at whatever address it was received, unless it is large, and put together of
parts. Left there, each group_by and join of pyarrow warns of it on standard error, and is slower
by a third; others copy it at each use. So in a table small misplaced chunks are put together:
that copies them, and takes what one or two uses of fewer chunks gain. To copy each by itself takes
three times as long. IpcReadOptions(ensure_alignment=..) would be the way, but ends the process
on lists of dictionaries within dictionaries (pyarrow 26). Streams stay as they are: whoever takes
one sees each batch once.
"""

from __future__ import annotations

from itertools import groupby
from typing import TypeAlias

import pyarrow as pa

__all__ = ["Place", "aligned", "place", "spots"]

#: Length, offset and addresses.
Place: TypeAlias = tuple[int | None, ...]


def spots(kind: pa.DataType) -> list[tuple[int, int]]:
    """Tell which of an array's buffers are to be at multiples of which width.

    Parameters
    ----------
    kind : pyarrow.DataType
        Of a dictionary, only its keys count. Of types that are not known, nothing is said.

    Returns
    -------
    list of (int, int)
        The index of a buffer, and its width.
    """
    try:
        return [(at, width) for at, width in enumerate(_widths(kind)) if width > 1]
    except NotImplementedError:
        return []


def aligned(chunks: list[pa.Array], needed: list[tuple[int, int]]) -> list[pa.Array]:
    """Put misplaced chunks of a column together, those that are next to each other.

    Parameters
    ----------
    chunks : list of pyarrow.Array
        Of one type.
    needed : list of (int, int)
        As `spots` gives for it.

    Returns
    -------
    list of pyarrow.Array
        The same values in as many chunks, or fewer.
    """
    made: list[pa.Array] = []
    for words, run in groupby(chunks, lambda chunk: _misplaced(chunk, needed)):
        same = list(run)
        made += same if words is None else _together(same)
    return made


def place(array: pa.Array) -> Place:
    """Tell where an array is: while both are held, the same for the same arrays only."""
    addresses = [None if each is None else each.address for each in array.buffers()]
    return len(array), array.offset, *addresses


def _misplaced(chunk: pa.Array, needed: list[tuple[int, int]]) -> Place | None:
    """Give None for a chunk that is aligned, else the place of its dictionary, if it has one."""
    buffers = chunk.buffers()
    for at, width in needed:
        buffer = buffers[at]
        if buffer is not None and buffer.address % width:
            return place(chunk.dictionary) if pa.types.is_dictionary(chunk.type) else ()
    return None


def _together(run: list[pa.Array]) -> list[pa.Array]:
    kind = run[0].type
    if pa.types.is_dictionary(kind):  # one for all of them, which pyarrow would compare
        indices = _copied([chunk.indices for chunk in run])
        words, ordered = run[0].dictionary, kind.ordered
        return [pa.DictionaryArray.from_arrays(indices, words, ordered=ordered, safe=False)]
    try:
        return [_copied(run)]
    except (pa.ArrowInvalid, pa.ArrowCapacityError, pa.ArrowNotImplementedError):
        return run  # more than one array can hold


def _copied(run: list[pa.Array]) -> pa.Array:
    return pa.concat_arrays([*run, run[0][:0]])  # one alone is not copied by every pyarrow


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
