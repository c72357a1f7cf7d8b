"""Convert Arrow record batches to Python rows.

Each column is converted as a whole, with numpy where that is exact, and rows are zipped from
columns. This is an order of magnitude faster than converting single values. pyarrow's own
``to_pylist`` is used only for types for which it is both exact and fast. It is not for times:
nanoseconds become pandas objects where pandas is installed, and a ValueError where it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from micromegas_dbapi.arrow.buffers import booleans, null_mask, numbers, restore_nulls
from micromegas_dbapi.arrow.temporal_rows import (
    Timestamps,
    conversion_error,
    convert_dates,
    convert_durations,
    convert_intervals,
    convert_times,
    convert_timestamps,
)
from micromegas_dbapi.errors import DatabaseError, DataError, NotSupportedError

__all__ = ["Timestamps", "column", "columns"]

# In pyarrow 25 to_pylist of strings became as fast as to_numpy. Before, it is five to ten times
# slower. to_numpy is used there, although it imports pandas where that is installed.
_FAST_STRINGS = int(pa.__version__.partition(".")[0]) >= 25

# Repeated strings are dictionary-encoded first, so that each distinct one is created once. Whether
# they repeat is estimated from a sample in the middle of the column.
_MIN_LENGTH, _SAMPLE, _MAX_DISTINCT = 2048, 256, 96


def columns(batch: pa.RecordBatch, timestamps: Timestamps = "datetime") -> list[list[Any]]:
    """Convert every column of a record batch; ``zip(*columns(batch))`` are its rows.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Batches of some thousand rows are fastest. Column names can repeat.
    timestamps : {"datetime", "ns"}
        As for `column`.

    Returns
    -------
    list of list
        One list for each column, each as long as the batch. A batch with rows but without columns
        gives an empty list.

    Raises
    ------
    DataError, NotSupportedError
        As for `column`; the message starts with the name of the column.
    """
    converted = []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        try:
            converted.append(column(array, timestamps))
        except DatabaseError as error:
            raise type(error)(f"column {name!r}: {error}") from error
    return converted


def column(array: pa.Array, timestamps: Timestamps = "datetime") -> list[Any]:
    """Convert an Arrow array to a list of Python values.

    Parameters
    ----------
    array : pyarrow.Array
        Of any type except unions. Slices are allowed.
    timestamps : {"datetime", "ns"}
        The type of timestamps, including nested ones. ``"ns"`` returns the exact nanoseconds since
        the epoch as int, for every unit and any distance from the epoch.

    Returns
    -------
    list
        One value for each element; None for each null, and NaN only for NaN.

        ============================  ==========================================================
        Arrow type                    Python value
        ============================  ==========================================================
        null, bool                    None, bool
        integers, floats              int, float
        decimals                      Decimal with the scale of the type
        strings, binary               str, bytes (all widths, and views)
        timestamp with time zone      datetime in UTC, for every zone
        timestamp without time zone   naive datetime
        date, time                    date, time
        duration                      timedelta
        month-day-nanosecond interval timedelta, or with months
                                      ``pyarrow.MonthDayNano(months, days, nanoseconds)``
        lists                         list
        struct                        dict by field name
        map                           dict
        dictionary, run-end encoded   the value itself
        extension                     the value of its storage
        ============================  ==========================================================

        Times are rounded down to microseconds, also before 1970. Lists and dicts are not shared
        between rows.

    Raises
    ------
    DataError
        If Python cannot hold a value: a year before 1 or after 9999, a duration of more than
        999,999,999 days, a string that is not UTF-8, a map with an unhashable key or two equal
        keys, or a struct with two fields of one name. Values that are in no row (behind a null, or
        outside of a slice) raise no error.
    NotSupportedError
        If the type is a union or unknown.
    """
    convert = _CONVERTERS.get(array.type.id)
    if convert is None:
        if isinstance(array.type, pa.BaseExtensionType):
            return column(array.storage, timestamps)
        raise NotSupportedError(
            f"values of the Arrow type {array.type} cannot be converted to Python values; "
            "fetch_arrow_table() returns them unchanged"
        )
    if array.null_count == len(array):
        return [None] * len(array)
    return convert(array, timestamps)


# ---- Numbers ------------------------------------------------------------------------------------


def _convert_by_pyarrow(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    values: list[Any] = array.to_pylist()
    return values


def _convert_booleans(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    return restore_nulls(booleans(array).tolist(), array)


def _convert_numbers(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    return restore_nulls(numbers(array).tolist(), array)


# ---- Strings, binary, and encoded values --------------------------------------------------------


def _convert_strings(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    count = len(array)
    if count >= _MIN_LENGTH and len(array.slice(count // 2, _SAMPLE).unique()) <= _MAX_DISTINCT:
        encoded = array.dictionary_encode()
        if len(encoded.dictionary) * 2 <= count:
            return _convert_dictionary(encoded, timestamps)
    values: list[Any]
    try:
        if _FAST_STRINGS:
            values = array.to_pylist()
        else:
            values = array.to_numpy(zero_copy_only=False).tolist()
    except (UnicodeDecodeError, pa.ArrowException) as error:
        raise conversion_error(array.type, f"cannot be decoded as UTF-8 ({error})") from error
    return values


def _convert_dictionary(array: pa.DictionaryArray, timestamps: Timestamps) -> list[Any]:
    return _gather(array.dictionary, array.indices, timestamps)


def _convert_run_ends(array: pa.RunEndEncodedArray, timestamps: Timestamps) -> list[Any]:
    # The run ends and values of a slice are not sliced.
    start, count = array.find_physical_offset(), array.find_physical_length()
    run_ends = array.run_ends.slice(start, count)
    ends = numbers(run_ends).astype(np.int64) - array.offset
    lengths = np.diff(np.minimum(ends, len(array)), prepend=0)
    runs = pa.py_buffer(np.repeat(np.arange(count, dtype=np.int64), lengths))
    indices = pa.Array.from_buffers(pa.int64(), len(array), [None, runs])
    return _gather(array.values.slice(start, count), indices, timestamps)


def _gather(values: pa.Array, indices: pa.Array, timestamps: Timestamps) -> list[Any]:
    """Return ``values[index]`` for each index; convert each value once if that is less work."""
    if len(values) > len(indices) or pa.types.is_nested(values.type):
        # The dictionary of many batches; or lists and dicts, which rows must not share.
        return _take(values, indices, timestamps)
    try:
        converted = column(values, timestamps)
    except DataError:  # possibly of an entry without an index
        return _take(values, indices, timestamps)
    # An additional None, for null indices. (fromiter, because assignment would unpack sequences.)
    objects = np.fromiter([*converted, None], dtype=object, count=len(values) + 1)
    positions = numbers(indices)
    if indices.null_count:
        positions = np.where(null_mask(indices), len(values), positions.astype(np.int64))
    taken: list[Any] = objects.take(positions.astype(np.int64, copy=False)).tolist()
    return taken


def _take(values: pa.Array, indices: pa.Array, timestamps: Timestamps) -> list[Any]:
    try:
        return column(values.take(indices), timestamps)
    except pa.ArrowNotImplementedError:  # for example of string views
        return [
            None if index is None else column(values.slice(index, 1), timestamps)[0]
            for index in indices.to_pylist()
        ]


# ---- Lists, maps and structs --------------------------------------------------------------------


def _convert_lists(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    starts, ends = _bounds(array)
    return restore_nulls(_split(array.values, starts, ends, timestamps), array)


def _convert_maps(array: pa.MapArray, timestamps: Timestamps) -> list[Any]:
    starts, ends = _bounds(array)
    keys = _split(array.keys, starts, ends, timestamps)
    items = _split(array.items, starts, ends, timestamps)
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


def _split(child: pa.Array, starts: Any, ends: Any, timestamps: Timestamps) -> list[Any]:
    """Convert ``child[start:end]`` for all pairs, by one conversion of the whole range."""
    used = ends > starts
    if not used.any():
        return [[] for _ in used]
    low, high = int(starts[used].min()), int(ends[used].max())
    try:
        values = column(child.slice(low, high - low), timestamps)
    except DataError:  # possibly of a value in no list: behind a null, or between two views
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        return [column(child.slice(start, end - start), timestamps) for start, end in pairs]
    pairs = zip((starts - low).tolist(), (ends - low).tolist(), strict=True)
    return [values[start:end] for start, end in pairs]


def _convert_structs(array: pa.StructArray, timestamps: Timestamps) -> list[Any]:
    names = [field.name for field in array.type]
    if len(set(names)) < len(names):
        raise conversion_error(array.type, "has two fields of one name, which a dict cannot hold")
    # flatten(), unlike field(), applies the nulls of the struct to its fields.
    fields = [column(child, timestamps) for child in array.flatten()]
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


_LIST_VIEWS = {pa.lib.Type_LIST_VIEW, pa.lib.Type_LARGE_LIST_VIEW}

# By pyarrow's number of each type.
_CONVERTERS: dict[int, Callable[[pa.Array, Timestamps], list[Any]]] = {
    getattr(pa.lib, f"Type_{name}"): convert
    for convert, names in {
        _convert_by_pyarrow: "NA DECIMAL32 DECIMAL64 DECIMAL128 DECIMAL256",
        _convert_booleans: "BOOL",
        _convert_numbers: "INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 "
        "HALF_FLOAT FLOAT DOUBLE",
        convert_timestamps: "TIMESTAMP",
        convert_dates: "DATE32 DATE64",
        convert_times: "TIME32 TIME64",
        convert_durations: "DURATION",
        convert_intervals: "INTERVAL_MONTH_DAY_NANO",
        _convert_strings: "STRING LARGE_STRING STRING_VIEW "
        "BINARY LARGE_BINARY BINARY_VIEW FIXED_SIZE_BINARY",
        _convert_dictionary: "DICTIONARY",
        _convert_run_ends: "RUN_END_ENCODED",
        _convert_lists: "LIST LARGE_LIST LIST_VIEW LARGE_LIST_VIEW FIXED_SIZE_LIST",
        _convert_maps: "MAP",
        _convert_structs: "STRUCT",
    }.items()
    for name in names.split()
    if hasattr(pa.lib, f"Type_{name}")  # older pyarrow has no decimals of 32 and 64 bits
}
