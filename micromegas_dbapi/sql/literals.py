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
import pyarrow as pa

from micromegas_dbapi.errors import DataError, ProgrammingError
from micromegas_dbapi.sql.in_lists import Array, in_list
from micromegas_dbapi.time_units import DAY, NANOSECONDS, SECOND
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, datetime64_ns, datetime_ns, format_ns

__all__ = ["Array", "is_null", "literal"]


_MAX_DIGITS = 76  # of a Decimal256
_ACCEPTED = (
    "None, bool, int, float, Decimal, str, bytes, date, time, datetime, timedelta, UUID, Enum, "
    "numpy, pandas and pyarrow scalars of these, and for IN a list, tuple, set, range, array or "
    "Series of them"
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
        * pyarrow scalars: as the equal Python or numpy value; ``pandas.NA``: ``NULL``
        * list, tuple, set, frozenset, range, view of a mapping, numpy array, pyarrow array, pandas
          Series, Index or array, polars Series: a bracketed list, for IN; `Array`: an array
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
        items = in_list(value)
        return _render(value) if items is None else _rendered_list(items)
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
    if not value:  # zero, of any exponent
        value = Decimal((0, (0,), min(max(int(value.as_tuple().exponent), -_MAX_DIGITS), 0)))
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise _RefusedError(
            f"is Decimal({str(value)!r}), which SQL decimals cannot express; pass a float"
        )
    scale = max(-exponent, 0)
    precision = max(len(digits) + max(exponent, 0), scale, 1)
    if precision > _MAX_DIGITS:
        raise _RefusedError(
            f"is a Decimal of {precision} digits; SQL decimals have up to {_MAX_DIGITS}"
        )
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
    if isinstance(native, (np.generic, tuple)):  # a longdouble or a record
        raise _UnknownError(f"is of type {type(value).__qualname__}; accepted: {_ACCEPTED}")
    return _render(native)


@_render.register
def _(value: pa.Scalar) -> str:
    if not value.is_valid:
        return "NULL"
    kind = value.type
    if pa.types.is_dictionary(kind):
        return _render(value.value)
    # The Python values of these have no nanoseconds without pandas.
    if pa.types.is_timestamp(kind):
        return _render(np.datetime64(value.value, kind.unit))
    if pa.types.is_duration(kind):
        return _render(np.timedelta64(value.value, kind.unit))
    if pa.types.is_time64(kind) and kind.unit == "ns" and value.value % 1000:
        raise _RefusedError("is a time with nanoseconds, which a Python time cannot express")
    if pa.types.is_nested(kind) or pa.types.is_interval(kind):
        raise _UnknownError(f"is a pyarrow scalar of the type {kind}; accepted: {_ACCEPTED}")
    return _render(value.as_py())


def _rendered_list(items: list[Any]) -> str:
    if not items:
        raise _UnknownError("is an empty list, which has a meaning only directly behind IN")
    if any(in_list(item) is not None for item in items):
        raise _UnknownError("is a list of lists; an IN list contains scalar values only")
    return "(" + ", ".join(_render(item) for item in items) + ")"


@_render.register
def _(value: Array) -> str:
    return "make_array(" + ", ".join(_render(item) for item in value) + ")"
