"""The buffers of Arrow arrays as numpy arrays, without copies.

pyarrow's to_numpy is no alternative: it converts integers to floats if there are nulls, nulls to
NaN, and it imports pandas where that is installed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["booleans", "null_mask", "numbers", "restore_nulls"]


def numbers(array: pa.Array) -> Any:
    """Return the numbers in an array of fixed width.

    Parameters
    ----------
    array : pyarrow.Array
        Numbers, or values that are stored as such.

    Returns
    -------
    numpy.ndarray
        The values at nulls are arbitrary.
    """
    kind = array.type
    letter = (
        "u" if pa.types.is_unsigned_integer(kind) else "f" if pa.types.is_floating(kind) else "i"
    )
    dtype = np.dtype(f"{letter}{kind.bit_width // 8}")
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)


def booleans(array: pa.Array) -> Any:
    """Return the values of an array of booleans.

    Parameters
    ----------
    array : pyarrow.BooleanArray
        With or without nulls.

    Returns
    -------
    numpy.ndarray
        The values at nulls are arbitrary.
    """
    return _bits(array, array.buffers()[1])


def null_mask(array: pa.Array) -> Any:
    """Return which elements of an array are null.

    Parameters
    ----------
    array : pyarrow.Array
        With at least one null.

    Returns
    -------
    numpy.ndarray
        True for nulls.
    """
    return ~_bits(array, array.buffers()[0])


def restore_nulls(values: list[Any], array: pa.Array) -> list[Any]:
    """Set values to None where an array is null, because numpy has no nulls.

    Parameters
    ----------
    values : list
        The converted elements of the array. It is modified.
    array : pyarrow.Array
        The array itself.

    Returns
    -------
    list
        The given list.
    """
    if array.null_count:
        for index in np.flatnonzero(null_mask(array)).tolist():
            values[index] = None
    return values


def _bits(array: pa.Array, buffer: pa.Buffer) -> Any:
    skipped, first = divmod(array.offset, 8)
    count = first + len(array)
    packed = np.frombuffer(buffer, np.uint8, (count + 7) // 8, skipped)
    return np.unpackbits(packed, count=count, bitorder="little")[first:].view(np.bool_)
