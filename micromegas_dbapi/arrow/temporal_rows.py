"""Convert Arrow timestamps, dates, times, durations and intervals to Python values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa

from micromegas_dbapi.arrow.buffers import null_mask, numbers, restore_nulls
from micromegas_dbapi.arrow.conversion import Convert, conversion_error
from micromegas_dbapi.time_units import NANOSECONDS, SECOND

__all__ = [
    "convert_dates",
    "convert_durations",
    "convert_intervals",
    "convert_times",
    "convert_timestamps",
    "convert_to_nanoseconds",
]

_UTC_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NAIVE_EPOCH = datetime(1970, 1, 1)

_PER_SECOND = {unit: SECOND // NANOSECONDS[unit] for unit in ("s", "ms", "us", "ns")}
_DAY = 86_400
_MICROSECONDS_PER_DAY = _DAY * 1_000_000

# The range of date and datetime in days since the epoch: 0001-01-01 up to, but not including,
# 10000-01-01.
_FIRST_DAY, _END_DAY = -719_162, 2_932_897


def convert_timestamps(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert timestamps to datetimes.

    Parameters
    ----------
    array : pyarrow.TimestampArray
        With at least one value that is not null.
    convert : Convert
        Not used.

    Returns
    -------
    list of (datetime or None)
        Rounded down to microseconds.

    Raises
    ------
    DataError
        If a datetime cannot hold a value.
    """
    kind, stored = array.type, _integers(array)
    per_second = _PER_SECOND[kind.unit]
    per_day = per_second * _DAY
    reason = "is out of the range of datetime, the years 1 to 9999"
    _require(stored, kind, _FIRST_DAY * per_day, _END_DAY * per_day, reason)
    microseconds = _microseconds(stored, kind.unit)
    # Relative to the midnight before the first of them, most are less than a day. datetime adds
    # such timedeltas on a fast path.
    least = int(microseconds.min())
    midnight = least - least % _MICROSECONDS_PER_DAY
    epoch = _NAIVE_EPOCH if kind.tz is None else _UTC_EPOCH
    values = (microseconds - midnight).view("m8[us]").astype(object)
    values += epoch + timedelta(microseconds=midnight)
    return restore_nulls(values.tolist(), array)


def convert_to_nanoseconds(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert timestamps, times or durations to nanoseconds.

    Parameters
    ----------
    array : pyarrow.Array
        Of any unit.
    convert : Convert
        Not used.

    Returns
    -------
    list of (int or None)
        Exact, also beyond 64 bits. Timestamps are counted from the epoch.
    """
    counts, size = numbers(array).tolist(), NANOSECONDS[array.type.unit]
    if size > 1:  # with Python's integers, because int64 can overflow
        counts = [count * size for count in counts]
    return restore_nulls(counts, array)


def convert_dates(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert dates.

    Parameters
    ----------
    array : pyarrow.Date32Array or pyarrow.Date64Array
        With at least one value that is not null.
    convert : Convert
        Not used.

    Returns
    -------
    list of (date or None)
        One for each element.

    Raises
    ------
    DataError
        If a date cannot hold a value.
    """
    days = _integers(array)
    if array.type.bit_width == 64:
        days = days // (_DAY * 1000)
    reason = "is out of the range of date, the years 1 to 9999"
    _require(days, array.type, _FIRST_DAY, _END_DAY, reason)
    return restore_nulls(days.view("M8[D]").tolist(), array)


def convert_times(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert times of day.

    Parameters
    ----------
    array : pyarrow.Time32Array or pyarrow.Time64Array
        With at least one value that is not null.
    convert : Convert
        Not used.

    Returns
    -------
    list of (time or None)
        Rounded down to microseconds.

    Raises
    ------
    DataError
        If a value is not within one day.
    """
    kind, stored = array.type, _integers(array)
    _require(stored, kind, 0, _DAY * _PER_SECOND[kind.unit], "is not within one day")
    moments = _microseconds(stored, kind.unit).view("M8[us]").tolist()
    return restore_nulls([moment.time() for moment in moments], array)


def convert_durations(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert durations.

    Parameters
    ----------
    array : pyarrow.DurationArray
        With at least one value that is not null.
    convert : Convert
        Not used.

    Returns
    -------
    list of (timedelta or None)
        Rounded down to microseconds.

    Raises
    ------
    DataError
        If a timedelta cannot hold a value.
    """
    kind, stored = array.type, _integers(array)
    if kind.unit == "ns":
        return restore_nulls(_microseconds(stored, "ns").view("m8[us]").tolist(), array)
    # In other units, durations can exceed 64 bits of microseconds, and numpy would read the least
    # integer as "not a time". Therefore days are separated from the rest.
    days, rest = np.divmod(stored, _PER_SECOND[kind.unit] * _DAY)
    microseconds = _microseconds(rest, kind.unit)
    try:
        values = list(map(timedelta, days.tolist(), repeat(0), microseconds.tolist()))
    except OverflowError as error:
        raise conversion_error(kind, "is out of the range of timedelta") from error
    return restore_nulls(values, array)


def convert_intervals(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert intervals.

    Parameters
    ----------
    array : pyarrow.MonthDayNanoIntervalArray
        With or without nulls.
    convert : Convert
        Not used.

    Returns
    -------
    list of (timedelta or pyarrow.MonthDayNano or None)
        Intervals with months are not converted.

    Raises
    ------
    DataError
        If a timedelta cannot hold a value.
    """
    try:
        return [
            value
            if value is None or value.months
            else timedelta(value.days, 0, value.nanoseconds // 1000)
            for value in array.to_pylist()
        ]
    except OverflowError as error:
        raise conversion_error(array.type, "is out of the range of timedelta") from error


def _integers(array: pa.Array) -> Any:
    """Return the integers of dates or times, with the least of them in place of nulls.

    So a null is never out of range and does not change the minimum.
    """
    stored = numbers(array).astype(np.int64, copy=False)
    if array.null_count:
        nulls = null_mask(array)
        stored = np.where(nulls, stored[~nulls].min(), stored)
    return stored


def _require(stored: Any, kind: pa.DataType, first: int, end: int, reason: str) -> None:
    """Raise unless ``first <= each < end``: numpy would wrap around, or return a bare integer."""
    if int(stored.min()) < first or int(stored.max()) >= end:
        raise conversion_error(kind, reason)


def _microseconds(stored: Any, unit: str) -> Any:
    if unit == "ns":
        return stored // 1000  # rounds down, while Arrow's cast rounds toward zero
    return stored * (1_000_000 // _PER_SECOND[unit])
