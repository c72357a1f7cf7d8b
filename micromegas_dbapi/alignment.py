"""Buffers -> the same at addresses that are multiples of the width of their values.

gRPC gives the body of a message as a part of what it received, at any address. What is larger than
some 64 KB it has put together, by a copy which is aligned, so that only small messages remain to be
copied here. Left as they are, pyarrow's joins and groups warn of them on standard error each time;
polars, DataFusion and others copy them for each use.
"""

from __future__ import annotations

import pyarrow as pa

__all__ = ["aligned", "spots"]


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


def aligned(array: pa.Array, needed: list[tuple[int, int]]) -> pa.Array:
    """Give an array whose buffers are aligned, with copies of those that are not.

    Parameters
    ----------
    array : pyarrow.Array
        Of a dictionary, only the keys are looked at.
    needed : list of (int, int)
        As `spots` gives for its type.
    """
    buffers = array.buffers()
    for at, width in needed:
        buffer = buffers[at]
        if buffer is not None and buffer.address % width:
            break
    else:
        return array
    kind = array.type
    if pa.types.is_dictionary(kind):
        indices = aligned(array.indices, needed)
        words, ordered = array.dictionary, kind.ordered
        return pa.DictionaryArray.from_arrays(indices, words, ordered=ordered, safe=False)
    if pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType):
        return _copied(array)
    made = list(buffers)
    made[1] = _aligned(buffers[1])  # of values or offsets; no flat array has another that matters
    return pa.Array.from_buffers(kind, len(array), made, array.null_count, array.offset)


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


def _aligned(buffer: pa.Buffer) -> pa.Buffer:
    made = pa.allocate_buffer(buffer.size)
    memoryview(made)[:] = memoryview(buffer)
    return made


def _copied(array: pa.Array) -> pa.Array:
    """Copy an array whole, its children and their dictionaries as well."""
    batch = pa.RecordBatch.from_arrays([array], ["copied"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return pa.ipc.open_stream(sink.getvalue()).read_next_batch().column(0)
