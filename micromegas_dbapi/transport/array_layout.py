"""Checks of an array against its type: lengths of buffers and children, offsets and keys."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

__all__ = ["PADDING", "MismatchError", "check_array", "check_keys"]

_VIEWS = (pa.string_view(), pa.binary_view())
# pyarrow's numbers of the types that it validates itself.
_COMPLEX = {
    getattr(pa.lib, f"Type_{name}")
    for name in ("SPARSE_UNION", "DENSE_UNION", "LIST_VIEW", "LARGE_LIST_VIEW", "RUN_END_ENCODED")
}
_UNSIGNED = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}
#: Services pad buffers to a multiple of this number of bytes.
PADDING = 64


class MismatchError(Exception):
    """An array does not match its type; the message describes the array."""


def check_keys(array: pa.DictionaryArray) -> None:
    """Check that the keys of an array are within its dictionary, which is not checked.

    Parameters
    ----------
    array : pyarrow.DictionaryArray
        The array.

    Raises
    ------
    pyarrow.ArrowException
        If a key is not.
    """
    keys, values = array.indices, array.dictionary
    width = keys.type.bit_width
    # numpy takes a third of the time of pyarrow. Negative keys are large unsigned ones.
    unsigned = np.frombuffer(
        keys.buffers()[1], _UNSIGNED[width], len(keys), keys.offset * width // 8
    )
    if unsigned.max(initial=0) >= len(values):  # unless there are only nulls
        pa.DictionaryArray.from_arrays(keys, values, safe=True)


def check_array(array: pa.Array, exact: bool) -> None:
    """Check an array and its children.

    Parameters
    ----------
    array : pyarrow.Array
        As decoded from a message, not sliced.
    exact : bool
        Whether its buffers must have exact lengths.

    Raises
    ------
    MismatchError, pyarrow.ArrowException
        If the array does not match its type.
    """
    kind, rows = array.type, len(array)
    if isinstance(kind, pa.BaseExtensionType):
        check_array(array.storage, exact)
        return
    if not rows or pa.types.is_null(kind):
        return
    if kind.id in _COMPLEX:
        array.validate(full=True)
        return
    buffers = array.buffers()
    if buffers[0] is not None:
        _check_length("nulls", buffers[0], -(-rows // 8), rows, False)
    if pa.types.is_nested(kind):
        _check_nested(array, buffers, exact)
    elif pa.types.is_dictionary(kind):
        _check_length("keys", buffers[1], rows * kind.index_type.bit_width // 8, rows, exact)
        check_array(array.dictionary, False)  # from another message
        check_keys(array)
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        _check_length("offsets", buffers[1], 4 * (rows + 1), rows, exact)
        array.view(pa.binary()).validate(full=True)  # as binary: does not check UTF-8
    elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        _check_length("offsets", buffers[1], 8 * (rows + 1), rows, exact)
        array.view(pa.large_binary()).validate(full=True)
    elif kind in _VIEWS:
        _check_length("views", buffers[1], 16 * rows, rows, exact)
        array.validate(full=True)
    else:
        _check_length("values", buffers[1], -(-rows * kind.bit_width // 8), rows, exact)


def _check_nested(array: pa.Array, buffers: list[pa.Buffer | None], exact: bool) -> None:
    """Check a struct, a map or a list, and its children."""
    kind, rows = array.type, len(array)
    if pa.types.is_struct(kind):
        array.validate()
        for place in range(kind.num_fields):
            check_array(array.field(place), exact)
        return
    if not pa.types.is_fixed_size_list(kind):
        width = 8 if pa.types.is_large_list(kind) else 4
        _check_length("offsets", buffers[1], width * (rows + 1), rows, exact)
    array.validate()
    if not pa.types.is_fixed_size_list(kind) and not _is_monotonic(array.offsets):
        raise MismatchError("decreasing offsets")
    check_array(array.values, exact)


def _check_length(what: str, buffer: pa.Buffer | None, needed: int, rows: int, exact: bool) -> None:
    size = 0 if buffer is None else buffer.size
    most = needed if exact else -(-needed // PADDING) * PADDING
    if not needed <= size <= most:
        raise MismatchError(f"{what} of {size} bytes for {rows} rows, which need {needed}")


def _is_monotonic(offsets: pa.Array) -> bool:
    import pyarrow.compute as pc  # not at the top: few results have lists

    return bool(pc.all(pc.less_equal(offsets[:-1], offsets[1:])).as_py())
