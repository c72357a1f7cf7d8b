"""Arrow record batches to Python rows: the only place where Arrow values become Python values.

A column is converted as a whole, by numpy where that is exact, and rows are zipped from columns:
an order of magnitude faster than asking Arrow for one value at a time. pyarrow's own ``to_pylist``
serves only the types for which it is both exact and fast. It is no use for times: nanoseconds come
out as pandas objects where pandas is installed, and as a ValueError where it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import repeat
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from micromegas_dbapi.errors import DatabaseError, DataError, NotSupportedError
from micromegas_dbapi.time_units import NANOSECONDS, SECOND

__all__ = ["Timestamps", "column", "columns"]

Timestamps = Literal["datetime", "ns"]

_UTC_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NAIVE_EPOCH = datetime(1970, 1, 1)

_PER_SECOND = {unit: SECOND // NANOSECONDS[unit] for unit in ("s", "ms", "us", "ns")}
_DAY = 86_400
_MICROSECONDS_PER_DAY = _DAY * 1_000_000

# The days since the epoch that date and datetime can hold: 0001-01-01 up to, not including,
# 10000-01-01.
_FIRST_DAY, _END_DAY = -719_162, 2_932_897

# pyarrow 25 made to_pylist of strings as fast as to_numpy. Before, it is five to ten times slower:
# hence to_numpy there, although it imports pandas where that is installed.
_FAST_STRINGS = int(pa.__version__.partition(".")[0]) >= 25

# Strings that repeat are worth a dictionary, which makes each distinct one once. Whether they do
# is seen in a sample from the middle of the column.
_WORTH_SAMPLING, _SAMPLE, _FEW = 2048, 256, 96


def columns(batch: pa.RecordBatch, timestamps: Timestamps = "datetime") -> list[list[Any]]:
    """Convert every column of a record batch; ``zip(*columns(batch))`` are its rows.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Some thousand rows at a time are fastest. Column names may repeat.
    timestamps : {"datetime", "ns"}
        As for `column`.

    Returns
    -------
    list of list
        One list for each column, each as long as the batch; no list at all for a batch that has
        rows but no columns.

    Raises
    ------
    DataError, NotSupportedError
        As `column` does, with the name of the column put first.
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
        Of any type but unions; slices are fine.
    timestamps : {"datetime", "ns"}
        What becomes of timestamps, nested ones included. ``"ns"`` gives the exact nanoseconds
        since the epoch as int, whatever the unit and however far away.

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
        strings, binaries             str, bytes (each in all widths, and views)
        timestamp with a zone         datetime in UTC, whatever the zone
        timestamp without a zone      naive datetime
        date, time                    date, time
        duration                      timedelta
        month-day-nanosecond interval timedelta, if it has no months; else
                                      ``pyarrow.MonthDayNano(months, days, nanoseconds)``
        lists                         list
        struct                        dict by field name
        map                           dict
        dictionary, run-end encoded   the value stood for
        extension                     the value of its storage
        ============================  ==========================================================

        What is finer than a microsecond is floored, also before 1970. Each row has lists and
        dicts of its own.

    Raises
    ------
    DataError
        If Python cannot hold a value: a year before 1 or after 9999, a duration of more than
        999,999,999 days, text that is not UTF-8, a map with an unhashable key or two equal keys,
        a struct with two fields of one name. Values that no row shows (behind a null, or cut off
        by a slice) never count.
    NotSupportedError
        If the type is a union, or one that this driver does not know.
    """
    convert = _CONVERTERS.get(array.type.id)
    if convert is None:
        if isinstance(array.type, pa.BaseExtensionType):
            return column(array.storage, timestamps)
        raise NotSupportedError(
            f"values of the Arrow type {array.type} cannot be given as Python values; "
            "fetch_arrow_table() gives them as they are"
        )
    if array.null_count == len(array):
        return [None] * len(array)
    return convert(array, timestamps)


def _unholdable(kind: pa.DataType, reason: str) -> DataError:
    way = "fetch_arrow_table() gives it as it is"
    if pa.types.is_timestamp(kind):
        way = f'timestamps="ns" gives it as an integer, {way}'
    return DataError(f"a value of the Arrow type {kind} {reason}; {way}")


def _with_nulls(values: list[Any], array: pa.Array) -> list[Any]:
    """Put None where the array is null: numpy knows no null, so conversions pass over them."""
    if array.null_count:
        for index in np.flatnonzero(_nulls(array)).tolist():
            values[index] = None
    return values


# ---- The buffers of an array --------------------------------------------------------------------
# Read as they are: pyarrow's to_numpy would turn integers beside a null to floats, nulls to NaN,
# and it imports pandas where that is installed.


def _raw(array: pa.Array) -> Any:
    """See the numbers that an array of fixed width stores; what stands at a null is anything."""
    kind = array.type
    letter = (
        "u" if pa.types.is_unsigned_integer(kind) else "f" if pa.types.is_floating(kind) else "i"
    )
    dtype = np.dtype(f"{letter}{kind.bit_width // 8}")
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)


def _bits(array: pa.Array, buffer: pa.Buffer) -> Any:
    skipped, first = divmod(array.offset, 8)
    count = first + len(array)
    packed = np.frombuffer(buffer, np.uint8, (count + 7) // 8, skipped)
    return np.unpackbits(packed, count=count, bitorder="little")[first:].view(np.bool_)


def _nulls(array: pa.Array) -> Any:
    return ~_bits(array, array.buffers()[0])


# ---- Values of a fixed width --------------------------------------------------------------------


def _as_pyarrow_does(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    values: list[Any] = array.to_pylist()
    return values


def _booleans(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    return _with_nulls(_bits(array, array.buffers()[1]).tolist(), array)


def _numbers(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    return _with_nulls(_raw(array).tolist(), array)


def _stored(array: pa.Array) -> Any:
    """Give the integers that a date or a time is stored as, and the least of them for nulls.

    So a null adds neither an error nor a far-off value to those that count.
    """
    stored = _raw(array).astype(np.int64, copy=False)
    if array.null_count:
        nulls = _nulls(array)
        stored = np.where(nulls, stored[~nulls].min(), stored)
    return stored


def _require(stored: Any, kind: pa.DataType, first: int, end: int, reason: str) -> None:
    """Raise unless ``first <= each < end``: numpy would wrap around, or give a bare integer."""
    if int(stored.min()) < first or int(stored.max()) >= end:
        raise _unholdable(kind, reason)


def _microseconds(stored: Any, unit: str) -> Any:
    if unit == "ns":
        return stored // 1000  # floors, while a cast of Arrow's goes toward zero
    return stored * (1_000_000 // _PER_SECOND[unit])


def _timestamps(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    kind, stored = array.type, _stored(array)
    per_second = _PER_SECOND[kind.unit]
    if timestamps == "ns":
        nanoseconds = stored.tolist()
        if kind.unit != "ns":  # in Python's integers, for what int64 cannot hold
            scale = 1_000_000_000 // per_second
            nanoseconds = [value * scale for value in nanoseconds]
        return _with_nulls(nanoseconds, array)
    per_day = per_second * _DAY
    reason = "is out of the years 1 to 9999 of a datetime"
    _require(stored, kind, _FIRST_DAY * per_day, _END_DAY * per_day, reason)
    microseconds = _microseconds(stored, kind.unit)
    # Counted from the midnight before the first of them, most are less than a day: the addition
    # of timedelta and datetime has a short way for these.
    least = int(microseconds.min())
    midnight = least - least % _MICROSECONDS_PER_DAY
    epoch = _NAIVE_EPOCH if kind.tz is None else _UTC_EPOCH
    values = (microseconds - midnight).view("m8[us]").astype(object)
    values += epoch + timedelta(microseconds=midnight)
    return _with_nulls(values.tolist(), array)


def _dates(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    days = _stored(array)
    if array.type.bit_width == 64:
        days = days // (_DAY * 1000)
    _require(days, array.type, _FIRST_DAY, _END_DAY, "is out of the years 1 to 9999 of a date")
    return _with_nulls(days.view("M8[D]").tolist(), array)


def _times(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    kind, stored = array.type, _stored(array)
    _require(stored, kind, 0, _DAY * _PER_SECOND[kind.unit], "is not within one day")
    moments = _microseconds(stored, kind.unit).view("M8[us]").tolist()
    return _with_nulls([moment.time() for moment in moments], array)


def _durations(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    kind, stored = array.type, _stored(array)
    if kind.unit == "ns":
        return _with_nulls(_microseconds(stored, "ns").view("m8[us]").tolist(), array)
    # The others may be longer than 64 bits of microseconds, and numpy would take the least integer
    # for "not a time": so days go apart from the rest.
    days, rest = np.divmod(stored, _PER_SECOND[kind.unit] * _DAY)
    microseconds = _microseconds(rest, kind.unit)
    try:
        values = list(map(timedelta, days.tolist(), repeat(0), microseconds.tolist()))
    except OverflowError as error:
        raise _unholdable(kind, "is longer than a timedelta can be") from error
    return _with_nulls(values, array)


def _intervals(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    try:
        return [
            value
            if value is None or value.months
            else timedelta(value.days, 0, value.nanoseconds // 1000)
            for value in array.to_pylist()
        ]
    except OverflowError as error:
        raise _unholdable(array.type, "is longer than a timedelta can be") from error


# ---- Text, bytes, and values behind an index ----------------------------------------------------


def _strings(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    count = len(array)
    if count >= _WORTH_SAMPLING and len(array.slice(count // 2, _SAMPLE).unique()) <= _FEW:
        encoded = array.dictionary_encode()
        if len(encoded.dictionary) * 2 <= count:
            return _dictionary(encoded, timestamps)
    values: list[Any]
    try:
        if _FAST_STRINGS:
            values = array.to_pylist()
        else:
            values = array.to_numpy(zero_copy_only=False).tolist()
    except (UnicodeDecodeError, pa.ArrowException) as error:
        raise _unholdable(array.type, f"cannot be decoded as UTF-8 ({error})") from error
    return values


def _dictionary(array: pa.DictionaryArray, timestamps: Timestamps) -> list[Any]:
    return _gather(array.dictionary, array.indices, timestamps)


def _run_ends(array: pa.RunEndEncodedArray, timestamps: Timestamps) -> list[Any]:
    # Neither run ends nor values of a slice are sliced themselves.
    start, count = array.find_physical_offset(), array.find_physical_length()
    run_ends = array.run_ends.slice(start, count)
    ends = _raw(run_ends).astype(np.int64) - array.offset
    lengths = np.diff(np.minimum(ends, len(array)), prepend=0)
    runs = pa.py_buffer(np.repeat(np.arange(count, dtype=np.int64), lengths))
    indices = pa.Array.from_buffers(pa.int64(), len(array), [None, runs])
    return _gather(array.values.slice(start, count), indices, timestamps)


def _gather(values: pa.Array, indices: pa.Array, timestamps: Timestamps) -> list[Any]:
    """Give ``values[index]`` for each index; each value is converted once if that is less work."""
    if len(values) > len(indices) or pa.types.is_nested(values.type):
        # A dictionary for many batches; or lists and dicts, which rows must not share.
        return _take(values, indices, timestamps)
    try:
        converted = column(values, timestamps)
    except DataError:  # perhaps an entry that no index points to
        return _take(values, indices, timestamps)
    # One None more, for null indices. (fromiter, since assignment would unpack sequences.)
    objects = np.fromiter([*converted, None], dtype=object, count=len(values) + 1)
    positions = _raw(indices)
    if indices.null_count:
        positions = np.where(_nulls(indices), len(values), positions.astype(np.int64))
    taken: list[Any] = objects.take(positions.astype(np.int64, copy=False)).tolist()
    return taken


def _take(values: pa.Array, indices: pa.Array, timestamps: Timestamps) -> list[Any]:
    try:
        return column(values.take(indices), timestamps)
    except pa.ArrowNotImplementedError:  # of string views, for one
        return [
            None if index is None else column(values.slice(index, 1), timestamps)[0]
            for index in indices.to_pylist()
        ]


# ---- Lists, maps and structs --------------------------------------------------------------------


def _lists(array: pa.Array, timestamps: Timestamps) -> list[Any]:
    starts, ends = _spans(array)
    return _with_nulls(_cut(array.values, starts, ends, timestamps), array)


def _maps(array: pa.MapArray, timestamps: Timestamps) -> list[Any]:
    starts, ends = _spans(array)
    keys = _cut(array.keys, starts, ends, timestamps)
    items = _cut(array.items, starts, ends, timestamps)
    try:
        maps = list(map(dict, map(zip, keys, items)))
    except TypeError as error:
        raise _unholdable(array.type, f"has a key that a dict cannot have ({error})") from error
    if sum(map(len, maps)) < sum(map(len, keys)):
        raise _unholdable(array.type, "has two equal keys, which a dict cannot have")
    return _with_nulls(maps, array)


def _spans(array: pa.Array) -> tuple[Any, Any]:
    """Find where each list starts and ends within the child, which a slice leaves whole.

    A null list is empty: whatever its place in the child holds is no value.
    """
    kind = array.type.id
    if kind == pa.lib.Type_FIXED_SIZE_LIST:
        offsets = (np.arange(len(array) + 1) + array.offset) * array.type.list_size
    else:
        offsets = _raw(array.offsets)
    if kind in _LIST_VIEWS:
        starts, ends = offsets, offsets + _raw(array.sizes)
    else:
        starts, ends = offsets[:-1], offsets[1:]
    if array.null_count:
        ends = np.where(_nulls(array), starts, ends)
    return starts, ends


def _cut(child: pa.Array, starts: Any, ends: Any, timestamps: Timestamps) -> list[Any]:
    """Convert ``child[start:end]`` for all pairs, by one conversion of all that they cover."""
    used = ends > starts
    if not used.any():
        return [[] for _ in used]
    low, high = int(starts[used].min()), int(ends[used].max())
    try:
        values = column(child.slice(low, high - low), timestamps)
    except DataError:  # perhaps a value of no list: behind a null, or between two views
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        return [column(child.slice(start, end - start), timestamps) for start, end in pairs]
    pairs = zip((starts - low).tolist(), (ends - low).tolist(), strict=True)
    return [values[start:end] for start, end in pairs]


def _structs(array: pa.StructArray, timestamps: Timestamps) -> list[Any]:
    names = [field.name for field in array.type]
    if len(set(names)) < len(names):
        raise _unholdable(array.type, "has two fields of one name, which a dict cannot have")
    # flatten, unlike field, gives the fields the nulls of the struct.
    fields = [column(child, timestamps) for child in array.flatten()]
    values: list[Any]
    if not fields:
        values = [{} for _ in range(len(array))]
    elif len(fields) == 2:  # properties are key and value; a display is twice as fast as dict()
        key, value = names
        values = [{key: a, value: b} for a, b in zip(*fields, strict=True)]
    else:
        values = [dict(zip(names, row, strict=True)) for row in zip(*fields, strict=True)]
    return _with_nulls(values, array)


_LIST_VIEWS = {pa.lib.Type_LIST_VIEW, pa.lib.Type_LARGE_LIST_VIEW}

# By the number that pyarrow gives each type.
_CONVERTERS: dict[int, Callable[[pa.Array, Timestamps], list[Any]]] = {
    getattr(pa.lib, f"Type_{name}"): convert
    for convert, names in {
        _as_pyarrow_does: "NA DECIMAL32 DECIMAL64 DECIMAL128 DECIMAL256",
        _booleans: "BOOL",
        _numbers: "INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 HALF_FLOAT FLOAT DOUBLE",
        _timestamps: "TIMESTAMP",
        _dates: "DATE32 DATE64",
        _times: "TIME32 TIME64",
        _durations: "DURATION",
        _intervals: "INTERVAL_MONTH_DAY_NANO",
        _strings: "STRING LARGE_STRING STRING_VIEW "
        "BINARY LARGE_BINARY BINARY_VIEW FIXED_SIZE_BINARY",
        _dictionary: "DICTIONARY",
        _run_ends: "RUN_END_ENCODED",
        _lists: "LIST LARGE_LIST LIST_VIEW LARGE_LIST_VIEW FIXED_SIZE_LIST",
        _maps: "MAP",
        _structs: "STRUCT",
    }.items()
    for name in names.split()
    if hasattr(pa.lib, f"Type_{name}")  # an older pyarrow has no decimals of 32 and 64 bits
}
