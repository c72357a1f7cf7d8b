"""Render Python values as SQL literals, for the driver and the dialect.

Every form was tried on DataFusion 43 and 55, the oldest and the newest engine of a service, and
has the same meaning on both.
"""

from __future__ import annotations

import enum
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import singledispatch
from typing import Any
from uuid import UUID

import numpy as np

from micromegas_dbapi.errors import DataError, ProgrammingError
from micromegas_dbapi.time_units import DAY, NANOSECONDS, SECOND
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, datetime64_ns, datetime_ns, format_ns

__all__ = ["Array", "is_null", "literal"]


class Array(tuple[Any, ...]):
    """An array value, rendered as ``make_array(1, 2)`` and not as an IN list."""

    __slots__ = ()


_ACCEPTED = (
    "None, bool, int, float, Decimal, str, bytes, date, time, datetime, timedelta, UUID, Enum, "
    "numpy and pandas scalars of these, and a list, tuple or set of them for IN"
)


def literal(value: object, where: str = "the value") -> str:
    """Render a Python value as a SQL literal.

    Parameters
    ----------
    value : object
        * None, ``NaT``, ``pandas.NA``, ``numpy.ma.masked``: ``NULL``
        * bool; int from -2**63 to 2**64 - 1
        * float: lossless, including nan and the infinities
        * Decimal of up to 76 digits: DECIMAL with its own precision and scale
        * str: any string without lone surrogates; bytes, bytearray, memoryview
        * date; time without a zone
        * datetime, pandas Timestamp, numpy datetime64: TIMESTAMP in UTC with nanoseconds, or with
          microseconds outside of the years 1677 to 2262; naive values are read as UTC
        * timedelta, pandas Timedelta, numpy timedelta64: INTERVAL in days, microseconds and
          nanoseconds
        * UUID: its string form; Enum: its value; numpy numbers: as the equal Python number
        * list, tuple, set, frozenset: a bracketed list, for IN; `Array`: an array
    where : str
        The name of the value in error messages, for example ``"parameter 2"``.

    Returns
    -------
    str
        Text with the same value in any context. Negative numbers and intervals are bracketed, so
        that ``1-?`` does not become a comment, and a name behind an interval (``? second``) does
        not become its unit.

    Raises
    ------
    ProgrammingError
        If the type is not accepted, or a list is empty or nested.
    DataError
        If the type is accepted but SQL cannot express the value.
    """
    try:
        return _render(value)
    except _RefusedError as refused:
        raise DataError(f"{where} {refused}") from None
    except _UnknownError as unknown:
        raise ProgrammingError(f"{where} {unknown}") from None


# By package and name, because pandas is optional. Both have a single value.
_NULL_TYPES = (("pandas", "NAType"), ("numpy", "MaskedConstant"))


def is_null(value: object) -> bool:
    """Return whether a value stands for SQL's NULL.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    bool
        True for None, ``NaT`` of pandas and numpy, ``pandas.NA`` and ``numpy.ma.masked``. NaN is a
        number.
    """
    if value is None:
        return True
    if isinstance(value, datetime):
        return value != value  # pandas.NaT
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    kind = type(value)
    return (kind.__module__.partition(".")[0], kind.__qualname__) in _NULL_TYPES


class _RefusedError(Exception):
    """The value cannot be expressed."""


class _UnknownError(Exception):
    """The type is not accepted."""


@singledispatch
def _render(value: object) -> str:
    if is_null(value):
        return "NULL"
    raise _UnknownError(f"is of type {type(value).__qualname__}; accepted: {_ACCEPTED}")


@_render.register
def _(value: None) -> str:
    return "NULL"


@_render.register
def _(value: bool) -> str:
    return "TRUE" if value else "FALSE"


@_render.register
def _(value: int) -> str:
    number = int(value)
    if not -(2**63) <= number < 2**64:
        raise _RefusedError(
            "is an int outside of 64 bits, which the query engine would convert to an inexact "
            "float; pass a Decimal"
        )
    return f"({number})" if number < 0 else str(number)


@_render.register
def _(value: float) -> str:
    number = float(value)
    if math.isnan(number):
        return "CAST('NaN' AS DOUBLE)"
    if math.isinf(number):
        return f"CAST('{'-' if number < 0 else ''}inf' AS DOUBLE)"
    text = repr(number)
    return f"({text})" if text.startswith("-") else text


@_render.register
def _(value: Decimal) -> str:
    # A bare 1.50 would be a Float64, so the type is written out.
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise _RefusedError(
            f"is Decimal({str(value)!r}), which SQL decimals cannot express; pass a float"
        )
    scale = max(-exponent, 0)
    precision = max(len(digits) + max(exponent, 0), scale, 1)
    if precision > 76:
        raise _RefusedError(f"is a Decimal of {precision} digits; SQL decimals have up to 76")
    width = 128 if precision <= 38 else 256
    return f"arrow_cast('{value:f}', 'Decimal{width}({precision}, {scale})')"


@_render.register
def _(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _RefusedError(
            f"is a str with a lone surrogate at character {error.start + 1}, which UTF-8 cannot "
            "encode"
        ) from None
    return "'" + value.replace("'", "''") + "'"


@_render.register(bytes)
@_render.register(bytearray)
@_render.register(memoryview)
def _(value: bytes | bytearray | memoryview) -> str:
    return f"X'{value.hex()}'"


@_render.register
def _(value: date) -> str:
    return f"DATE '{value.isoformat()}'"


@_render.register
def _(value: time) -> str:
    if value.tzinfo is not None:
        raise _RefusedError("is a time with a time zone, which the query engine does not support")
    return f"TIME '{value.isoformat()}'"


@_render.register
def _(value: datetime) -> str:
    if is_null(value):
        return "NULL"
    return _timestamp(datetime_ns(value))


@_render.register
def _(value: np.datetime64) -> str:
    if is_null(value):
        return "NULL"
    try:
        return _timestamp(datetime64_ns(value))
    except ProgrammingError as error:
        raise _RefusedError(f"is a numpy datetime64: {error}") from None


def _timestamp(ns: int) -> str:
    if MIN_NS <= ns <= MAX_NS:
        return f"TIMESTAMP '{format_ns(ns)}'"
    if ns % 1000:
        raise _RefusedError("is a timestamp with nanoseconds outside of the years 1677 to 2262")
    try:
        text = format_ns(ns)
    except OverflowError:
        raise _RefusedError("is a timestamp outside of the years 1 to 9999") from None
    return f"arrow_cast('{text}', 'Timestamp(Microsecond, None)')"


@_render.register
def _(value: timedelta) -> str:
    return _interval(value.days, value.seconds * SECOND + value.microseconds * 1000, value)


@_render.register
def _(value: np.timedelta64) -> str:
    if is_null(value):
        return "NULL"
    unit, count = np.datetime_data(value)
    if unit not in NANOSECONDS:
        raise _RefusedError(f"is a numpy timedelta64 of the unit {unit!r}; accepted: W to ns")
    days, ns = divmod(int(value.astype("i8")) * count * NANOSECONDS[unit], DAY)
    return _interval(days, ns)


def _interval(days: int, ns: int, value: timedelta | None = None) -> str:
    ns += int(getattr(value, "nanoseconds", 0))  # of a pandas Timedelta
    if not -(2**31) <= days < 2**31:
        raise _RefusedError("is an interval of more days than fit into 32 bits")
    us, rest = divmod(ns, 1000)
    nanoseconds = f" {rest} nanoseconds" if rest else ""
    return f"(INTERVAL '{days} days {us} microseconds{nanoseconds}')"


@_render.register
def _(value: UUID) -> str:
    return f"'{value}'"


@_render.register
def _(value: enum.Enum) -> str:
    return _render(value.value)


@_render.register
def _(value: np.generic) -> str:
    native: Any = value.item()
    if isinstance(native, np.generic):  # a longdouble, which has no Python equivalent
        raise _UnknownError(f"is of type {type(value).__qualname__}; accepted: {_ACCEPTED}")
    return _render(native)


@_render.register(list)
@_render.register(tuple)
@_render.register(set)
@_render.register(frozenset)
def _(value: list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]) -> str:
    if not value:
        raise _UnknownError("is an empty list, which IN does not support; omit the condition")
    if any(isinstance(item, (list, tuple, set, frozenset)) for item in value):
        raise _UnknownError("is a list of lists; an IN list contains scalar values only")
    return "(" + ", ".join(_render(item) for item in value) + ")"


@_render.register
def _(value: Array) -> str:
    return "make_array(" + ", ".join(_render(item) for item in value) + ")"
