"""Convert Arrow numbers, strings and binary to Python values."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from micromegas_dbapi.arrow.buffers import booleans, numbers, restore_nulls
from micromegas_dbapi.arrow.conversion import Convert, conversion_error

__all__ = ["convert_booleans", "convert_by_pyarrow", "convert_numbers", "convert_strings"]

# In pyarrow 25 to_pylist of strings became as fast as to_numpy. Before, it is five to ten times
# slower. to_numpy is used there, although it imports pandas where that is installed.
_FAST_STRINGS = int(pa.__version__.partition(".")[0]) >= 25

# Repeated strings are dictionary-encoded first, so that each distinct one is created once. Whether
# they repeat is estimated from a sample in the middle of the column.
_MIN_LENGTH, _SAMPLE, _MAX_DISTINCT = 2048, 256, 96


def convert_by_pyarrow(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert values for which pyarrow's own conversion is exact.

    Parameters
    ----------
    array : pyarrow.Array
        Of nulls or decimals.
    convert : Convert
        Not used.

    Returns
    -------
    list
        One value for each element.
    """
    values: list[Any] = array.to_pylist()
    return values


def convert_booleans(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert booleans.

    Parameters
    ----------
    array : pyarrow.BooleanArray
        With or without nulls.
    convert : Convert
        Not used.

    Returns
    -------
    list of (bool or None)
        One for each element.
    """
    return restore_nulls(booleans(array).tolist(), array)


def convert_numbers(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert integers and floats.

    Parameters
    ----------
    array : pyarrow.Array
        Of numbers of any width.
    convert : Convert
        Not used.

    Returns
    -------
    list of (int or float or None)
        One for each element.
    """
    return restore_nulls(numbers(array).tolist(), array)


def convert_strings(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert strings or binary.

    Parameters
    ----------
    array : pyarrow.Array
        Of any width, or views.
    convert : Convert
        Converts a dictionary of the values, if they repeat.

    Returns
    -------
    list of (str or bytes or None)
        One for each element.

    Raises
    ------
    DataError
        If a string is not UTF-8.
    """
    count = len(array)
    if count >= _MIN_LENGTH and len(array.slice(count // 2, _SAMPLE).unique()) <= _MAX_DISTINCT:
        encoded = array.dictionary_encode()
        if len(encoded.dictionary) * 2 <= count:
            return convert(encoded)
    values: list[Any]
    try:
        if _FAST_STRINGS:
            values = array.to_pylist()
        else:
            values = array.to_numpy(zero_copy_only=False).tolist()
    except (UnicodeDecodeError, pa.ArrowException) as error:
        raise conversion_error(array.type, f"cannot be decoded as UTF-8 ({error})") from error
    return values
