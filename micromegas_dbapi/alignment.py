"""Buffers -> the same at addresses that are multiples of the width of their values.

gRPC gives the body of a message as a part of what it received, at any address. What is larger than
some 64 KB it has put together, by a copy which is aligned, so that only small messages remain to be
copied here. Left as they are, pyarrow's joins and groups warn of them on standard error each time;
polars, DataFusion and others copy them for each use.
"""

from __future__ import annotations

import pyarrow as pa

__all__ = ["aligned", "widths"]


def widths(kind: pa.DataType) -> list[int]:
    """Give what the addresses of an array's buffers are to be multiples of, in their order.

    Parameters
    ----------
    kind : pyarrow.DataType
        Of a dictionary, only its keys count. Types of which little is known are at any address.
    """
    types = pa.types
    if types.is_dictionary(kind):
        return widths(kind.index_type)
    if isinstance(kind, pa.BaseExtensionType):
        return widths(kind.storage_type)
    if types.is_struct(kind):
        return [1, *(width for field in kind for width in widths(field.type))]
    if types.is_fixed_size_list(kind):
        return [1, *widths(kind.value_type)]
    if types.is_map(kind):
        return [1, 4, 1, *widths(kind.key_type), *widths(kind.item_type)]
    if types.is_list(kind):
        return [1, 4, *widths(kind.value_type)]
    if types.is_large_list(kind):
        return [1, 8, *widths(kind.value_type)]
    if types.is_string(kind) or types.is_binary(kind):
        return [1, 4, 1]
    if types.is_large_string(kind) or types.is_large_binary(kind):
        return [1, 8, 1]
    if types.is_primitive(kind) or types.is_decimal(kind) or types.is_interval(kind):
        return [1, max(1, min(kind.bit_width // 8, 8))]
    return []


def aligned(array: pa.Array, needed: list[int]) -> pa.Array:
    """Give an array whose buffers are aligned, with copies of those that are not.

    Parameters
    ----------
    array : pyarrow.Array
        Of a dictionary, only the keys are looked at.
    needed : list of int
        As `widths` gives for its type.
    """
    buffers = array.buffers()
    wrong = [
        buffer is not None and buffer.address % width != 0
        for buffer, width in zip(buffers, needed, strict=False)
    ]
    if True not in wrong:
        return array
    kind = array.type
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(
            aligned(array.indices, needed), array.dictionary, ordered=kind.ordered, safe=False
        )
    if pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType):
        return _copied(array)
    made = [_aligned(buffer) if bad else buffer for buffer, bad in zip(buffers, wrong, strict=True)]
    return pa.Array.from_buffers(kind, len(array), made, array.null_count, array.offset)


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
