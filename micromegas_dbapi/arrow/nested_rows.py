"""Convert encoded and nested Arrow arrays to Python values: whole columns at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from micromegas_dbapi.arrow.buffers import null_mask, numbers, restore_nulls
from micromegas_dbapi.arrow.conversion import Convert, conversion_error
from micromegas_dbapi.arrow.nested import values_type
from micromegas_dbapi.errors import DataError

__all__ = [
    "convert_dictionary",
    "convert_lists",
    "convert_maps",
    "convert_maps_to_objects",
    "convert_run_ends",
    "convert_structs",
]

_LIST_VIEWS = {pa.lib.Type_LIST_VIEW, pa.lib.Type_LARGE_LIST_VIEW}


def convert_dictionary(array: pa.DictionaryArray, convert: Convert) -> list[Any]:
    """Convert the values of a dictionary-encoded array.

    Parameters
    ----------
    array : pyarrow.DictionaryArray
        Of any values.
    convert : Convert
        Converts the dictionary.

    Returns
    -------
    list
        One value for each index; None for a null index.
    """
    return _gather(array.dictionary, array.indices, convert)


def convert_run_ends(array: pa.RunEndEncodedArray, convert: Convert) -> list[Any]:
    """Convert the values of a run-end encoded array.

    Parameters
    ----------
    array : pyarrow.RunEndEncodedArray
        Of any values.
    convert : Convert
        Converts the values of the runs.

    Returns
    -------
    list
        One value for each element of each run.
    """
    # The run ends and values of a slice are not sliced.
    start, count = array.find_physical_offset(), array.find_physical_length()
    run_ends = array.run_ends.slice(start, count)
    ends = numbers(run_ends).astype(np.int64) - array.offset
    lengths = np.diff(np.minimum(ends, len(array)), prepend=0)
    runs = pa.py_buffer(np.repeat(np.arange(count, dtype=np.int64), lengths))
    indices = pa.Array.from_buffers(pa.int64(), len(array), [None, runs])
    return _gather(array.values.slice(start, count), indices, convert)


def _gather(values: pa.Array, indices: pa.Array, convert: Convert) -> list[Any]:
    """Return ``values[index]`` for each index; convert each value once if that is less work."""
    if len(values) > len(indices) or pa.types.is_nested(values_type(values.type)):
        # The dictionary of many batches; or lists and dicts, which rows must not share.
        return _take(values, indices, convert)
    try:
        converted = convert(values)
    except DataError:  # possibly of an entry without an index
        return _take(values, indices, convert)
    # An additional None, for null indices. (fromiter, because assignment would unpack sequences.)
    objects = np.fromiter([*converted, None], dtype=object, count=len(values) + 1)
    positions = numbers(indices)
    if indices.null_count:
        positions = np.where(null_mask(indices), len(values), positions.astype(np.int64))
    taken: list[Any] = objects.take(positions.astype(np.int64, copy=False)).tolist()
    return taken


def _take(values: pa.Array, indices: pa.Array, convert: Convert) -> list[Any]:
    try:
        return convert(values.take(indices))
    except pa.ArrowNotImplementedError:  # for example of string views
        return [
            None if index is None else convert(values.slice(index, 1))[0]
            for index in indices.to_pylist()
        ]


def convert_lists(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert lists.

    Parameters
    ----------
    array : pyarrow.Array
        Of lists of any kind.
    convert : Convert
        Converts the items.

    Returns
    -------
    list of (list or None)
        Not shared between rows.
    """
    starts, ends = _bounds(array)
    return restore_nulls(_split(array.values, starts, ends, convert), array)


def convert_maps(array: pa.MapArray, convert: Convert) -> list[Any]:
    """Convert maps to dicts.

    Parameters
    ----------
    array : pyarrow.MapArray
        Of keys and items of any type.
    convert : Convert
        Converts the keys and the items.

    Returns
    -------
    list of (dict or None)
        Not shared between rows.

    Raises
    ------
    DataError
        If a key is not hashable, or two keys of a map are equal.
    """
    return _maps(array, convert, lambda keys: keys)


def convert_maps_to_objects(array: pa.MapArray, convert: Convert) -> list[Any]:
    """Convert maps to dicts whose keys are strings, as JSON needs them.

    Parameters
    ----------
    array : pyarrow.MapArray
        Of keys and items of any type.
    convert : Convert
        Converts the keys and the items to values that JSON can represent.

    Returns
    -------
    list of (dict or None)
        A key that is not a string is its JSON text.

    Raises
    ------
    DataError
        If two keys of a map are equal.
    """
    return _maps(array, convert, _texts)


def _texts(values: list[Any]) -> list[str]:
    from json import dumps  # not at the top: most results have no such maps

    return [v if isinstance(v, str) else dumps(v, ensure_ascii=False) for v in values]


def _maps(array: pa.MapArray, convert: Convert, names: Callable[[list[Any]], Any]) -> list[Any]:
    starts, ends = _bounds(array)
    keys = _split(array.keys, starts, ends, lambda child: names(convert(child)))
    items = _split(array.items, starts, ends, convert)
    try:
        maps = list(map(dict, map(zip, keys, items)))
    except TypeError as error:
        raise conversion_error(array.type, f"has an unhashable key ({error})") from error
    if sum(map(len, maps)) < sum(map(len, keys)):
        raise conversion_error(array.type, "has two equal keys, which a dict cannot hold")
    return restore_nulls(maps, array)


def _bounds(array: pa.Array) -> tuple[Any, Any]:
    """Return where each list starts and ends in the child array, which a slice does not slice.

    A null list is empty: its part of the child array holds no values.
    """
    kind = array.type.id
    if kind == pa.lib.Type_FIXED_SIZE_LIST:
        offsets = (np.arange(len(array) + 1) + array.offset) * array.type.list_size
    else:
        offsets = numbers(array.offsets)
    if kind in _LIST_VIEWS:
        starts, ends = offsets, offsets + numbers(array.sizes)
    else:
        starts, ends = offsets[:-1], offsets[1:]
    if array.null_count:
        ends = np.where(null_mask(array), starts, ends)
    return starts, ends


def _split(child: pa.Array, starts: Any, ends: Any, convert: Convert) -> list[Any]:
    """Convert ``child[start:end]`` for all pairs, by one conversion of the whole range."""
    used = ends > starts
    if not used.any():
        return [[] for _ in used]
    low, high = int(starts[used].min()), int(ends[used].max())
    try:
        values = convert(child.slice(low, high - low))
    except DataError:  # possibly of a value in no list: behind a null, or between two views
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        return [convert(child.slice(start, end - start)) for start, end in pairs]
    pairs = zip((starts - low).tolist(), (ends - low).tolist(), strict=True)
    return [values[start:end] for start, end in pairs]


def convert_structs(array: pa.StructArray, convert: Convert) -> list[Any]:
    """Convert structs to dicts.

    Parameters
    ----------
    array : pyarrow.StructArray
        Of fields of any type.
    convert : Convert
        Converts the fields.

    Returns
    -------
    list of (dict or None)
        Not shared between rows.

    Raises
    ------
    DataError
        If two fields have the same name.
    """
    names = [field.name for field in array.type]
    if len(set(names)) < len(names):
        raise conversion_error(array.type, "has two fields of one name, which a dict cannot hold")
    # flatten(), unlike field(), applies the nulls of the struct to its fields.
    fields = [convert(child) for child in array.flatten()]
    values: list[Any]
    if not fields:
        values = [{} for _ in range(len(array))]
    elif (
        len(fields) == 2
    ):  # properties are key and value; a dict display is twice as fast as dict()
        key, value = names
        values = [{key: a, value: b} for a, b in zip(*fields, strict=True)]
    else:
        values = [dict(zip(names, row, strict=True)) for row in zip(*fields, strict=True)]
    return restore_nulls(values, array)
