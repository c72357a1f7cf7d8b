"""Parsers of the times that arrow-rs writes. Their results are exact integers of any size."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache, partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from micromegas_dbapi.time_units import SECOND

__all__ = [
    "instant_parser",
    "parse_date",
    "parse_duration",
    "parse_instant",
    "parse_interval",
    "parse_naive",
    "parse_time_of_day",
]

_1970 = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_OFFSETS_IN_MINUTES = 2 * 366 * 86_400 * SECOND  # since 1972; the last was Africa/Monrovia
_EPOCH = dt.date(1970, 1, 1).toordinal()
_DATE = re.compile(r"([+-]?\d{4,})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?", re.ASCII)
_NAIVE = re.compile(f"{_DATE.pattern}T{_TIME.pattern}", re.ASCII)
_ZONE = re.compile(r"(?:Z|([+-])(\d\d):(\d\d))$", re.ASCII)
_OFFSET = re.compile(r"[+-]\d\d:?\d\d", re.ASCII)
_DURATION = re.compile(
    r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,9}))?S)?)?", re.ASCII
)
_INTERVAL = re.compile(
    r"(?:(-?\d+) years ?)?(?:(-?\d+) mons ?)?(?:(-?\d+) days ?)?"
    r"(?:(-?\d+) hours ?)?(?:(-?\d+) mins ?)?(?:(-?)(\d+)(?:\.(\d{1,9}))? secs)?",
    re.ASCII,
)


def parse_date(text: str) -> int:
    """Parse a date.

    Parameters
    ----------
    text : str
        Such as ``2024-02-29``, ``+10000-01-01`` or ``-0001-12-31``.

    Returns
    -------
    int
        Days since 1970.

    Raises
    ------
    ValueError
        If the string has another form.
    """
    return _days(*_match(_DATE, text).groups())


def parse_naive(text: str) -> int:
    """Parse a timestamp without a time zone.

    Parameters
    ----------
    text : str
        Such as ``2024-02-29T12:00:00.123456789``.

    Returns
    -------
    int
        Nanoseconds since 1970.

    Raises
    ------
    ValueError
        If the string has another form.
    """
    year, month, day, *clock = _match(_NAIVE, text).groups()
    return _days(year, month, day) * 86_400 * SECOND + _clock(*clock)


def parse_instant(text: str) -> int:
    """Parse a timestamp with a time zone.

    Parameters
    ----------
    text : str
        Such as ``2024-02-29T12:00:00Z`` or ``2024-02-29T12:00:00+05:30``.

    Returns
    -------
    int
        Nanoseconds since 1970 in UTC.

    Raises
    ------
    ValueError
        If the string has another form.
    """
    zone = _ZONE.search(text)
    if zone is None:
        raise ValueError(f"{text!r} has no time zone")
    sign, hours, minutes = zone.groups()
    local = parse_naive(text[: zone.start()])
    if sign is None:
        return local
    offset = (int(hours) * 60 + int(minutes)) * 60 * SECOND
    return local + offset if sign == "-" else local - offset


def instant_parser(zone: str) -> Callable[[str], int]:
    """Return the parser of the timestamps of a column.

    Before 1972 the offset of a named time zone may have seconds, which arrow-rs does not write.
    The parser rejects such timestamps.

    Parameters
    ----------
    zone : str
        The time zone of the column's type.

    Returns
    -------
    callable
        As `parse_instant`.
    """
    if zone == "UTC" or _OFFSET.fullmatch(zone):
        return parse_instant
    return partial(_parse_instant_of_zone, zone)


def _parse_instant_of_zone(zone: str, text: str) -> int:
    found = parse_instant(text)
    if found < _OFFSETS_IN_MINUTES:
        try:
            moment = _1970 + dt.timedelta(seconds=found // SECOND)
            offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
        except (OverflowError, ZoneInfoNotFoundError) as error:
            raise ValueError(f"{text!r} may be inexact by some seconds") from error
        if offset is None or offset % dt.timedelta(minutes=1):
            raise ValueError(f"{text!r} is inexact by some seconds")
    return found


def parse_time_of_day(text: str) -> int:
    """Parse a time of day.

    Parameters
    ----------
    text : str
        Such as ``23:59:59.123456789``.

    Returns
    -------
    int
        Nanoseconds since midnight.

    Raises
    ------
    ValueError
        If the string has another form.
    """
    return _clock(*_match(_TIME, text).groups())


def parse_duration(text: str) -> int:
    """Parse a duration.

    Parameters
    ----------
    text : str
        Such as ``PT1234.567890123S``, ``-PT1S`` or ``P0D``.

    Returns
    -------
    int
        Nanoseconds.

    Raises
    ------
    ValueError
        If the string has another form.
    """
    sign, *counts, digits = _match(_DURATION, text).groups()
    if text[-1] in "PT":
        raise ValueError(f"{text!r} is not a duration")
    days, hours, minutes, seconds = (int(count or 0) for count in counts)
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    found = whole * SECOND + _fraction(digits)
    return -found if sign else found


def parse_interval(text: str) -> tuple[int, int, int]:
    """Parse an interval.

    Parameters
    ----------
    text : str
        Such as ``1 mons -2 days 3 hours 4 mins 5.000000000 secs``.

    Returns
    -------
    (int, int, int)
        Months, days and nanoseconds.

    Raises
    ------
    ValueError
        If the string has another form.
    """
    *counts, sign, seconds, digits = _match(_INTERVAL, text).groups()
    if not text or text[-1] == " ":
        raise ValueError(f"{text!r} is not an interval")
    years, months, days, hours, minutes = (int(count or 0) for count in counts)
    rest = int(seconds or 0) * SECOND + _fraction(digits)
    clock = (hours * 60 + minutes) * 60 * SECOND
    return years * 12 + months, days, clock - rest if sign else clock + rest


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} has an unexpected form")
    return match


@lru_cache(maxsize=4096)  # results have few distinct days
def _days(year: str, month: str, day: str) -> int:
    # For any year: the calendar repeats after 400 years, which are 146 097 days.
    cycles, rest = divmod(int(year) - 1, 400)
    return dt.date(rest + 1, int(month), int(day)).toordinal() - _EPOCH + cycles * 146_097


def _fraction(digits: str | None) -> int:
    return int(digits.ljust(9, "0")) if digits else 0


def _clock(hours: str, minutes: str, seconds: str, digits: str | None) -> int:
    if hours > "23" or minutes > "59" or seconds > "59":
        raise ValueError(f"{hours}:{minutes}:{seconds} is not a time of day")
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * SECOND + _fraction(digits)
