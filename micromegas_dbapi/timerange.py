"""Time ranges: the two bounds that are sent to a Micromegas service with each statement.

A bound is an instant in nanoseconds since the epoch; both bounds are inclusive. An open bound is
sent as `MIN_NS` or `MAX_NS`, and no bound outside of these is ever sent. The source of the service
and measurements on running services show why: a missing bound is an error or a silent full scan,
and a bound that does not fit into 64-bit nanoseconds gives an empty result.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import ClassVar, Final, TypeAlias

import numpy as np

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.time_units import DAY, NANOSECONDS, SECOND, WEEK

__all__ = [
    "ACCEPTED",
    "ALL_TIME",
    "MAX_NS",
    "MIN_NS",
    "AllTime",
    "Bound",
    "NoTimeRange",
    "TimeRange",
    "datetime64_ns",
    "datetime_ns",
    "format_ns",
    "resolve",
    "to_ns",
]

#: The earliest bound that every service accepts, 1677-09-21T00:12:44Z. (The exact 64-bit minimum,
#: 0.86 s earlier, is rejected by the string parser of DataFusion 43.)
MIN_NS: Final = -9_223_372_036_000_000_000
#: The latest bound, 2262-04-11T23:47:16.854775807Z: the 64-bit maximum.
MAX_NS: Final = 2**63 - 1

_EPOCH = datetime(1970, 1, 1)
_UTC_EPOCH = _EPOCH.replace(tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


class AllTime(enum.Enum):
    """The type of `ALL_TIME`."""

    ALL_TIME = "ALL_TIME"

    def __repr__(self) -> str:
        return self.name


#: No time range, on purpose: as ``begin`` it overrides the range of a cursor or connection.
ALL_TIME: Final = AllTime.ALL_TIME

#: The types of ``begin`` and ``end``. None means that the bound is not set here.
Bound: TypeAlias = str | datetime | date | timedelta | np.datetime64 | AllTime | None

ACCEPTED = (
    "an aware datetime, a datetime.date (midnight UTC), an RFC 3339 string such as "
    "'2026-11-01T00:00:00Z', "
    "'now', a relative '-2h', '-1h30m' or timedelta (units w, d, h, m, s, ms), or ALL_TIME"
)


@dataclass(frozen=True)
class TimeRange:
    """A time range that is sent with a statement.

    Attributes
    ----------
    begin, end : int
        Nanoseconds since 1970-01-01T00:00:00Z, from `MIN_NS` to `MAX_NS`, both inclusive.
    source : str
        Where the bounds were set: ``"execute"``, ``"cursor"``, ``"connection"``, ``"url"``,
        ``"inferred"`` (from the statement), or several of these joined by ``+``.
    reason : None
        Always None; see `NoTimeRange`.

    Raises
    ------
    ProgrammingError
        If `begin` is after `end`.
    """

    begin: int
    end: int
    source: str = "execute"
    reason: ClassVar[None] = None

    def __post_init__(self) -> None:
        if self.begin > self.end:
            raise ProgrammingError(
                f"the time range begins at {format_ns(self.begin)}, after its end "
                f"{format_ns(self.end)}"
            )

    @property
    def begin_text(self) -> str:
        """The begin as an RFC 3339 string in UTC, exact to the nanosecond."""
        return format_ns(self.begin)

    @property
    def end_text(self) -> str:
        """The end as an RFC 3339 string in UTC, exact to the nanosecond."""
        return format_ns(self.end)


@dataclass(frozen=True)
class NoTimeRange:
    """The reason why a statement is sent without a time range. It is false in a condition.

    Attributes
    ----------
    reason : str
        A sentence for the user.
    on_purpose : bool
        Whether `ALL_TIME` was set, or the statement reads no view.
    begin, end, begin_text, end_text, source : None
        Always None; see `TimeRange`.
    """

    reason: str
    on_purpose: bool = False
    begin: ClassVar[None] = None
    end: ClassVar[None] = None
    begin_text: ClassVar[None] = None
    end_text: ClassVar[None] = None
    source: ClassVar[None] = None

    def __bool__(self) -> bool:
        return False


def resolve(levels: Iterable[tuple[str, Bound, Bound]], now: int) -> TimeRange | None:
    """Combine the bounds of several levels to the range to send.

    Each bound is taken from the first level that sets it. `ALL_TIME` opens its bound, or both
    bounds if its level does not set the other.

    Parameters
    ----------
    levels : iterable of (source, begin, end)
        Highest precedence first.
    now : int
        The instant of ``"now"`` and of relative bounds, in nanoseconds since the epoch.

    Returns
    -------
    TimeRange or None
        Open bounds are `MIN_NS` and `MAX_NS`, others are clamped to these. None if no bound is
        set.

    Raises
    ------
    ProgrammingError
        If a bound has none of the accepted forms, or begin is after end.
    """
    begin: Bound = None
    end: Bound = None
    sources: list[str] = []
    for source, low, high in levels:
        if (low is ALL_TIME and high is None) or (high is ALL_TIME and low is None):
            low = high = ALL_TIME
        if begin is None and low is not None:
            begin = low
            sources.append(source)
        if end is None and high is not None:
            end = high
            sources.append(source)
    first = None if begin is None or begin is ALL_TIME else to_ns(begin, now, "begin")
    last = None if end is None or end is ALL_TIME else to_ns(end, now, "end")
    if first is None and last is None:
        return None
    if first is not None and last is not None and first > last:
        raise ProgrammingError(f"begin ({begin}) is after end ({end}): the time range is empty")
    return TimeRange(
        MIN_NS if first is None else _clamp(first),
        MAX_NS if last is None else _clamp(last),
        "+".join(dict.fromkeys(sources)),
    )


def _clamp(ns: int) -> int:
    return min(max(ns, MIN_NS), MAX_NS)


_RELATIVE = re.compile(r"([+-])((?:\d{1,18}(?:ms|[wdhms]))+)", re.ASCII)
_STEP = re.compile(r"(\d+)(ms|[wdhms])")
_UNITS = {**NANOSECONDS, "d": DAY, "w": WEEK}
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)


def to_ns(bound: Bound, now: int, name: str = "bound") -> int:
    """Convert a bound to nanoseconds since the epoch, exactly.

    Parameters
    ----------
    bound : Bound
        Neither None nor `ALL_TIME`.
    now : int
        The instant of ``"now"``, ``"-2h"`` and timedelta, in nanoseconds since the epoch.
    name : str
        The name of the option, for the error.

    Returns
    -------
    int
        Not limited to 64 bits.

    Raises
    ------
    ProgrammingError
        If the bound has none of the accepted forms, or is a datetime or string without time zone.
    """
    if isinstance(bound, str):
        return _text_ns(bound, now, name)
    if isinstance(bound, (datetime, timedelta, np.datetime64)) and bound != bound:
        raise ProgrammingError(f"{name} is not a time: {bound!r}")
    if isinstance(bound, datetime):
        if bound.tzinfo is None or bound.utcoffset() is None:
            raise ProgrammingError(
                f"{name}={bound!r} has no time zone: give an aware datetime, for example "
                "datetime.now(timezone.utc) or value.replace(tzinfo=timezone.utc)"
            )
        return datetime_ns(bound)
    if isinstance(bound, date):
        return datetime_ns(datetime.combine(bound, time()))
    if isinstance(bound, timedelta):
        return now + bound // _MICROSECOND * 1000 + int(getattr(bound, "nanoseconds", 0))
    if isinstance(bound, np.datetime64):
        try:
            return datetime64_ns(bound)
        except ProgrammingError as error:
            raise ProgrammingError(f"{name}={error}") from None
    raise ProgrammingError(
        f"{name}={bound!r} is of type {type(bound).__name__}; accepted: {ACCEPTED}"
    )


def _text_ns(text: str, now: int, name: str) -> int:
    if text == "now":
        return now
    if match := _RELATIVE.fullmatch(text):
        sign, steps = match.groups()
        total = sum(int(count) * _UNITS[unit] for count, unit in _STEP.findall(steps))
        return now + total if sign == "+" else now - total
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ProgrammingError(f"{name}={text!r} is not a valid time; accepted: {ACCEPTED}")
    day, clock, fraction, zone = match.groups()
    if zone is None:
        raise ProgrammingError(
            f"{name}={text!r} has no time zone: append Z for UTC, or an offset such as +02:00"
        )
    if fraction is not None and len(fraction) > 9:
        raise ProgrammingError(f"{name}={text!r} is finer than a nanosecond (9 digits)")
    try:
        naive = datetime.fromisoformat(f"{day}T{clock}")
        offset = timezone.utc if zone in "Zz" else datetime.strptime(zone, "%z").tzinfo
    except ValueError as error:
        raise ProgrammingError(f"{name}={text!r} is not a valid time: {error}") from error
    shift = naive.replace(tzinfo=offset).utcoffset() or timedelta()
    return datetime_ns(naive) - shift // _MICROSECOND * 1000 + int((fraction or "").ljust(9, "0"))


def datetime_ns(value: datetime) -> int:
    """Convert a datetime to nanoseconds since the epoch; a naive one is taken as UTC.

    The ``nanosecond`` of a pandas Timestamp is kept. This does not import pandas.

    Parameters
    ----------
    value : datetime
        Or a pandas Timestamp, which is a subclass.

    Returns
    -------
    int
        Exact.
    """
    plain = datetime(
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.tzinfo,
        fold=value.fold,
    )
    since = plain - (_EPOCH if plain.utcoffset() is None else _UTC_EPOCH)
    return since // _MICROSECOND * 1000 + int(getattr(value, "nanosecond", 0))


def datetime64_ns(value: np.datetime64) -> int:
    """Convert a numpy datetime, which is taken as UTC, to nanoseconds since the epoch.

    Parameters
    ----------
    value : numpy.datetime64
        Not NaT.

    Returns
    -------
    int
        Exact; not limited to 64 bits.

    Raises
    ------
    ProgrammingError
        If it has no unit, or is finer than a nanosecond.
    """
    unit, count = np.datetime_data(value)
    if unit in ("Y", "M"):
        value, unit, count = value.astype("M8[D]"), "D", 1
    if unit not in NANOSECONDS:
        raise ProgrammingError(f"{value!r} has the unit {unit!r}; accepted: Y to ns")
    return int(value.astype("i8")) * count * NANOSECONDS[unit]


def format_ns(ns: int) -> str:
    """Format nanoseconds since the epoch as an RFC 3339 string in UTC.

    Parameters
    ----------
    ns : int
        Nanoseconds since the epoch.

    Returns
    -------
    str
        With nine digits after the seconds, or none if they are all zero.
    """
    seconds, fraction = divmod(ns, SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    return f"{text}.{fraction:09d}Z" if fraction else f"{text}Z"
