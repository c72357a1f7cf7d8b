"""Times as arrow-rs writes them -> numbers: days or nanoseconds, of any size, exactly."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from micromegas_dbapi.time_units import SECOND

__all__ = ["date", "duration", "in_zone", "instant", "interval", "naive", "time_of_day"]

_1970 = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_LAST_ODD_OFFSET = 2 * 366 * 86_400 * SECOND  # 1972, of Africa/Monrovia
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


def date(text: str) -> int:
    """Count the days since 1970 of ``2024-02-29``, ``+10000-01-01`` or ``-0001-12-31``.

    Raises
    ------
    ValueError
        If it is none, as all of these functions do.
    """
    return _days(*_matched(_DATE, text).groups())


def naive(text: str) -> int:
    """Count the nanoseconds since 1970 of ``2024-02-29T12:00:00.123456789``."""
    year, month, day, *clock = _matched(_NAIVE, text).groups()
    return _days(year, month, day) * 86_400 * SECOND + _clock(*clock)


def instant(text: str) -> int:
    """Count the nanoseconds since 1970 of a time with a zone: ``Z`` or ``+05:30``."""
    zone = _ZONE.search(text)
    if zone is None:
        raise ValueError(f"{text!r} has no zone")
    sign, hours, minutes = zone.groups()
    local = naive(text[: zone.start()])
    if sign is None:
        return local
    offset = (int(hours) * 60 + int(minutes)) * 60 * SECOND
    return local + offset if sign == "-" else local - offset


def in_zone(zone: str) -> Callable[[str], int]:
    """Give what counts the nanoseconds since 1970 of times in a zone, which are written with it.

    Before 1972 the offset of a zone that has a name may have had seconds, which are not written.
    """
    if zone == "UTC" or _OFFSET.fullmatch(zone):
        return instant

    def read(text: str) -> int:
        found = instant(text)
        if found < _LAST_ODD_OFFSET:
            try:
                moment = _1970 + dt.timedelta(seconds=found // SECOND)
                offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
            except (OverflowError, ZoneInfoNotFoundError) as error:
                raise ValueError(f"{text!r} may be some seconds off") from error
            if offset is None or offset % dt.timedelta(minutes=1):
                raise ValueError(f"{text!r} is some seconds off")
        return found

    return read


def time_of_day(text: str) -> int:
    """Count the nanoseconds since midnight of ``23:59:59.123456789``."""
    return _clock(*_matched(_TIME, text).groups())


def duration(text: str) -> int:
    """Count the nanoseconds of ``PT1234.567890123S``, ``-PT1S`` or ``P0D``."""
    sign, *counts, digits = _matched(_DURATION, text).groups()
    if text[-1] in "PT":
        raise ValueError(f"{text!r} is no duration")
    days, hours, minutes, seconds = (int(count or 0) for count in counts)
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    found = whole * SECOND + _fraction(digits)
    return -found if sign else found


def interval(text: str) -> tuple[int, int, int]:
    """Count months, days and nanoseconds of ``1 mons -2 days 3 hours 4 mins 5.000000000 secs``."""
    *counts, sign, seconds, digits = _matched(_INTERVAL, text).groups()
    if not text or text[-1] == " ":
        raise ValueError(f"{text!r} is no interval")
    years, months, days, hours, minutes = (int(count or 0) for count in counts)
    rest = int(seconds or 0) * SECOND + _fraction(digits)
    clock = (hours * 60 + minutes) * 60 * SECOND
    return years * 12 + months, days, clock - rest if sign else clock + rest


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not as it should be")
    return match


@lru_cache(maxsize=4096)  # a result has few days
def _days(year: str, month: str, day: str) -> int:
    # Of any year: the calendar repeats itself after 400, which are 146 097 days.
    cycles, rest = divmod(int(year) - 1, 400)
    return dt.date(rest + 1, int(month), int(day)).toordinal() - _EPOCH + cycles * 146_097


def _fraction(digits: str | None) -> int:
    return int(digits.ljust(9, "0")) if digits else 0


def _clock(hours: str, minutes: str, seconds: str, digits: str | None) -> int:
    if hours > "23" or minutes > "59" or seconds > "59":
        raise ValueError(f"{hours}:{minutes}:{seconds} is no time of day")
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * SECOND + _fraction(digits)
