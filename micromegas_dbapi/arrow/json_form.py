"""Convert Arrow values to values that JSON can represent, without loss.

The forms of the types: Floats that are not finite are ``"NaN"``, ``"Infinity"`` or ``"-Infinity"``.
Decimals are strings. Timestamps are strings as `timestamp_text` returns them. Dates and times are
ISO 8601 strings. Durations are integer nanoseconds. Intervals are objects of months, days and
nanoseconds. Binary is Base64. Integers, booleans and strings are unchanged.
"""

from __future__ import annotations

import binascii
import math
from typing import Any

import numpy as np
import pyarrow as pa

from micromegas_dbapi.arrow.buffers import numbers, restore_nulls
from micromegas_dbapi.arrow.conversion import Convert
from micromegas_dbapi.arrow.scalar_rows import convert_by_pyarrow
from micromegas_dbapi.arrow.temporal_rows import (
    convert_dates,
    convert_times,
    convert_to_nanoseconds,
)
from micromegas_dbapi.time_units import SECOND
from micromegas_dbapi.timerange import format_ns

__all__ = [
    "binary_to_json",
    "dates_to_json",
    "decimals_to_json",
    "durations_to_json",
    "floats_to_json",
    "intervals_to_json",
    "times_to_json",
    "timestamp_text",
    "timestamps_to_json",
]


def timestamp_text(ns: int, has_zone: bool) -> str:
    """Format a timestamp in UTC as RFC 3339, or without ``Z`` if its column has no time zone.

    Parameters
    ----------
    ns : int
        Nanoseconds since 1970-01-01 UTC.
    has_zone : bool
        Whether the type of the column has a time zone.

    Returns
    -------
    str
        With nine digits unless it is a whole second; a number of nanoseconds if the year is not
        in 1 to 9999.

    Examples
    --------
    >>> timestamp_text(1, True), timestamp_text(0, False), timestamp_text(2**70, True)
    ('1970-01-01T00:00:00.000000001Z', '1970-01-01T00:00:00', '1180591620717411303424 ns')
    """
    try:
        text = format_ns(ns)
    except OverflowError:
        return f"{ns} ns"
    return text if has_zone else text.removesuffix("Z")


def floats_to_json(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert floats.

    Parameters
    ----------
    array : pyarrow.Array
        Of floats of any width.
    convert : Convert
        Not used.

    Returns
    -------
    list of (float or str or None)
        Strings for NaN and infinities.
    """
    stored = numbers(array)
    values = stored.tolist()
    for index in np.flatnonzero(~np.isfinite(stored)).tolist():
        values[index] = _not_finite(values[index])
    return restore_nulls(values, array)


def decimals_to_json(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert decimals.

    Parameters
    ----------
    array : pyarrow.Array
        Of decimals of any width.
    convert : Convert
        Not used.

    Returns
    -------
    list of (str or None)
        With the scale of the type.
    """
    return [
        None if value is None else format(value, "f")
        for value in convert_by_pyarrow(array, convert)
    ]


def binary_to_json(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert binary.

    Parameters
    ----------
    array : pyarrow.Array
        Of binary of any width.
    convert : Convert
        Not used.

    Returns
    -------
    list of (str or None)
        In Base64.
    """
    return [
        None if value is None else binascii.b2a_base64(value, newline=False).decode()
        for value in array.to_pylist()
    ]


def timestamps_to_json(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert timestamps.

    Parameters
    ----------
    array : pyarrow.TimestampArray
        Of any unit.
    convert : Convert
        Not used.

    Returns
    -------
    list of (str or None)
        As `timestamp_text` returns them.
    """
    has_zone = array.type.tz is not None
    return [
        None if value is None else timestamp_text(value, has_zone)
        for value in convert_to_nanoseconds(array, convert)
    ]


def dates_to_json(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert dates.

    Parameters
    ----------
    array : pyarrow.Date32Array or pyarrow.Date64Array
        With at least one value that is not null.
    convert : Convert
        Not used.

    Returns
    -------
    list of (str or None)
        In the form of ISO 8601.

    Raises
    ------
    DataError
        If the year of a date is not in 1 to 9999.
    """
    return [None if value is None else value.isoformat() for value in convert_dates(array, convert)]


def times_to_json(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert times of day.

    Parameters
    ----------
    array : pyarrow.Time32Array or pyarrow.Time64Array
        With at least one value that is not null.
    convert : Convert
        Not used.

    Returns
    -------
    list of (str or None)
        In the form of ISO 8601, with nine digits for a fraction in nanoseconds.

    Raises
    ------
    DataError
        If a value is not within one day.
    """
    times = convert_times(array, convert)
    if array.type.unit != "ns":
        return [None if value is None else value.isoformat() for value in times]
    return [
        None if value is None else _time_text(value)
        for value in convert_to_nanoseconds(array, convert)
    ]


def durations_to_json(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert durations.

    Parameters
    ----------
    array : pyarrow.DurationArray
        Of any unit.
    convert : Convert
        Not used.

    Returns
    -------
    list of (int or None)
        Nanoseconds.
    """
    return convert_to_nanoseconds(array, convert)


def intervals_to_json(array: pa.Array, convert: Convert) -> list[Any]:
    """Convert intervals.

    Parameters
    ----------
    array : pyarrow.MonthDayNanoIntervalArray
        With or without nulls.
    convert : Convert
        Not used.

    Returns
    -------
    list of (dict or None)
        Of months, days and nanoseconds.
    """
    parts = ("months", "days", "nanoseconds")
    return [
        None if value is None else dict(zip(parts, value, strict=True))
        for value in array.to_pylist()
    ]


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _time_text(ns: int) -> str:
    seconds, fraction = divmod(ns, SECOND)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction:09d}" if fraction else text
