"""What an expression without columns can be: a least and a greatest instant.

As DataFusion 43 to 55 read it beside a ``Timestamp(ns, "+00:00")`` column. None means that it is
not known, and nothing follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Final, NamedTuple, TypeAlias

from sqlglot import exp

from micromegas_dbapi.timerange import MAX_NS, MIN_NS

__all__ = [
    "DAY",
    "INFINITY",
    "SECOND",
    "Clock",
    "Instant",
    "floor_to_day",
    "instant",
    "is_date",
    "is_timestamp",
    "truncated_by",
]

#: Gives the nanoseconds since the epoch that ``now()`` is at or after.
Clock: TypeAlias = Callable[[], int]

INFINITY: Final = float("inf")
SECOND: Final = 10**9
DAY: Final = 86_400 * SECOND

_UNITS = {
    "nanosecond": 1,
    "microsecond": 10**3,
    "millisecond": 10**6,
    "second": SECOND,
    "minute": 60 * SECOND,
    "hour": 3600 * SECOND,
    "day": DAY,
    "week": 7 * DAY,
}
_MONTHS = {"month": 1, "year": 12}
#: Truncating to a unit takes less than this off.
_TRUNCATIONS = {**_UNITS, "month": 31 * DAY, "quarter": 92 * DAY, "year": 366 * DAY}

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECOND = timedelta(seconds=1)
_TEXT = re.compile(
    r"""(?P<day>\d{4}-\d\d-\d\d)
        (?:[T ](?P<clock>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(?P<fraction>\d{1,9}))?
           (?P<zone>Z|(?P<hours>[+-](?:[01]\d|2[0-3])):?(?P<minutes>[0-5]\d)?)?)?""",
    re.VERBOSE | re.ASCII,
)
_STEPS = re.compile(r"(?:[+-]?\d+ +[a-z]+ *)+", re.ASCII)
_STEP = re.compile(r"([+-]?\d+) +([a-z]+?)s?\b", re.ASCII)
# The functions whose result has nanoseconds. Beside a coarser one, of to_timestamp_millis() say,
# the engine may round what it is compared with.
_FINE = ("to_timestamp_nanos",)
_FINE_TYPE = re.compile(r"Timestamp\(Nanosecond, (?:None|Some\(\"(?:\+00:00|UTC)\"\))\)")


class Instant(NamedTuple):
    """The least and the greatest nanosecond since the epoch that an expression can be.

    Attributes
    ----------
    least, greatest : int or infinite float
    is_date : bool
        Whether it is a DATE, at midnight in UTC.
    """

    least: float
    greatest: float
    is_date: bool = False


def instant(node: exp.Expr, clock: Clock) -> Instant | None:
    """Tell what an expression without columns can be."""
    node = node.unnest()
    if isinstance(node, exp.Literal):
        return _exactly(_text(node.name)) if node.is_string else None
    if isinstance(node, exp.Cast):
        found = instant(node.this, clock)
        if found is None or not (is_date(node) or is_timestamp(node)):
            return None
        return _date(*found[:2]) if is_date(node) else Instant(*found[:2])
    if isinstance(node, exp.CurrentTimestamp):
        # The service's clock, at some time after this: how much later is not known.
        return None if node.this else Instant(clock(), INFINITY)
    if isinstance(node, exp.CurrentDate):
        return None if node.this else _date(clock(), INFINITY)
    if isinstance(node, (exp.Add, exp.Sub)):
        return _shifted(node, clock)
    if isinstance(node, exp.TimestampTrunc):
        width, found = truncated_by(node), instant(node.this, clock)
        if width is None or found is None:
            return None
        # Before 1970 cutting could go up: no engine that was tried does, but it costs nothing.
        return Instant(found.least - width, found.greatest + (width if found.least < 0 else 0))
    if isinstance(node, exp.UnixToTime):  # to_timestamp('..')
        plain = set(_given(node)) == {"this"} and isinstance(node.this, exp.Literal)
        return instant(node.this, clock) if plain and node.this.is_string else None
    if isinstance(node, exp.Anonymous):
        return _called(node, clock)
    return None


def _exactly(ns: int | None) -> Instant | None:
    return None if ns is None else Instant(ns, ns)


def _text(text: str) -> int | None:
    """Read a timestamp as the engine does: without a zone it is UTC."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    hours, minutes = match["hours"], match["minutes"] or "00"
    zone = f"{hours}:{minutes}" if hours else "+00:00"
    try:
        time = datetime.fromisoformat(f"{match['day']}T{match['clock'] or '00:00:00'}{zone}")
    except ValueError:
        return None
    ns = (time - _EPOCH) // _SECOND * SECOND + int((match["fraction"] or "").ljust(9, "0"))
    return ns if MIN_NS <= ns <= MAX_NS else None


def floor_to_day(ns: float) -> float:
    """Give the midnight at or before an instant."""
    return ns if ns in (INFINITY, -INFINITY) else ns // DAY * DAY


def _date(least: float, greatest: float) -> Instant | None:
    # Before 1970 a cast could cut upwards.
    return None if least < 0 else Instant(floor_to_day(least), floor_to_day(greatest), True)


def is_date(cast: exp.Cast) -> bool:
    """Tell whether it is a cast to DATE."""
    return bool(cast.to.this == exp.DataType.Type.DATE)


def is_timestamp(cast: exp.Cast) -> bool:
    """Tell whether it is a cast to TIMESTAMP, of nanoseconds: not to TIMESTAMP(3)."""
    kinds = (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ)
    return cast.to.this in kinds and not cast.to.expressions


def truncated_by(node: exp.TimestampTrunc) -> int | None:
    """Tell how much ``date_trunc(unit, ..)`` takes off: less than this many nanoseconds."""
    if set(_given(node)) != {"this", "unit"}:
        return None
    return _TRUNCATIONS.get(node.args["unit"].name.lower())


def _given(node: exp.Expr) -> list[str]:
    return [name for name, value in node.args.items() if value]


def _shifted(node: exp.Add | exp.Sub, clock: Clock) -> Instant | None:
    left, right, back = node.this, node.expression, isinstance(node, exp.Sub)
    if isinstance(left.unnest(), exp.Literal):  # text beside an interval is no timestamp
        return None
    found, by = instant(left, clock), _interval(right)
    if found is None or by is None:
        return None
    shortest, longest = (-by[1], -by[0]) if back else by
    least, greatest = found.least + shortest, found.greatest + longest
    # A DATE moves by whole days: the hours of the interval are dropped.
    return _date(least, greatest + DAY) if found.is_date else Instant(least, greatest)


def _interval(node: exp.Expr) -> tuple[int, int] | None:
    """Tell the shortest and the longest duration of an interval: a month has 28 to 31 days."""
    node = node.unnest()
    if not isinstance(node, exp.Interval) or not isinstance(node.this, exp.Literal):
        return None
    unit = node.args.get("unit")
    text = f"{node.this.name} {unit.name if unit else ''}".lower().strip()
    if not _STEPS.fullmatch(text):
        return None
    shortest = longest = 0
    for count, name in _STEP.findall(text):
        if months := _MONTHS.get(name, 0):
            ends = [int(count) * months * days * DAY for days in (28, 31)]
        elif name in _UNITS:
            ends = [int(count) * _UNITS[name]]
        else:
            return None
        shortest, longest = shortest + min(ends), longest + max(ends)
    return shortest, longest


def _called(node: exp.Anonymous, clock: Clock) -> Instant | None:
    name, given = node.name.lower(), node.expressions
    if name == "today" and not given:
        return _date(clock(), INFINITY)
    if not given or not isinstance(given[0], exp.Literal) or not given[0].is_string:
        return None
    if name in _FINE and len(given) == 1:
        return _exactly(_text(given[0].name))
    if name == "arrow_cast" and len(given) == 2 and _FINE_TYPE.fullmatch(given[1].name):
        return _exactly(_text(given[0].name))
    return None
