"""What an expression without columns can be: a least and a greatest instant.

As DataFusion 43 to 55 read it beside a ``Timestamp(ns, "+00:00")`` column. None means that it is
not known, and nothing follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, TypeAlias

from micromegas_dbapi.ranges.inference.durations import INFINITY, duration, truncation
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    UnprovableError,
    call,
    only,
    text_of,
    unnested,
    variant,
)
from micromegas_dbapi.time_units import DAY, SECOND
from micromegas_dbapi.timerange import MAX_NS, MIN_NS

__all__ = [
    "BeyondError",
    "Clock",
    "Instant",
    "floor_to_day",
    "instant",
    "is_date",
    "is_timestamp",
    "refuse_beyond",
]

#: Gives the nanoseconds since the epoch that ``now()`` is at or after.
Clock: TypeAlias = Callable[[], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECOND = timedelta(seconds=1)
_TEXT = re.compile(
    r"""(?P<day>\d{4}-\d\d-\d\d)
        (?:[T ](?P<clock>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(?P<fraction>\d{1,9}))?
           (?P<zone>Z|(?P<hours>[+-](?:[01]\d|2[0-3])):?(?P<minutes>[0-5]\d)?)?)?""",
    re.VERBOSE | re.ASCII,
)
_FINE_TYPE = re.compile(r"Timestamp\(Nanosecond, (?:None|Some\(\"(?:\+00:00|UTC)\"\))\)")
# Functions of a number of seconds or of parts of one, whose result is as coarse.
_COUNTED = {
    "to_timestamp_seconds": SECOND,
    "from_unixtime": SECOND,
    "to_timestamp_millis": 10**6,
    "to_timestamp_micros": 10**3,
    "to_timestamp_nanos": 1,
}


class BeyondError(UnprovableError):
    """An instant that not every engine can hold.

    Whether an engine fails on it depends on which rows it meets, that is on the range.
    """

    def __init__(self) -> None:
        super().__init__("an instant beyond the years 1677 to 2262 gets no range")


class Instant(NamedTuple):
    """The least and the greatest nanosecond since the epoch that an expression can be.

    Attributes
    ----------
    least, greatest : int or infinite float
    is_date : bool
        Whether it is a DATE, at midnight in UTC.
    grain : int
        Of what it is a multiple by its type, in nanoseconds: what it is compared with may be cut to
        that by the engine.
    """

    least: float
    greatest: float
    is_date: bool = False
    grain: int = 1


def refuse_beyond(nodes: Node, clock: Clock) -> None:
    """Refuse a statement that reckons with an instant that not every engine can hold.

    Raises
    ------
    BeyondError
        Wherever it stands: also where nothing would follow from it.
    """
    stack = [nodes]
    while stack:
        node = stack.pop()
        if isinstance(node, (list, tuple)):
            stack.extend(node)
        elif isinstance(node, dict):
            stack.extend(node.values())
            counted = call(node) if "Function" in node else None
            if "BinaryOp" in node or (counted is not None and counted[0] in _COUNTED):
                try:
                    instant(node, clock)
                except BeyondError:
                    raise
                except UnprovableError:
                    pass  # what is not understood is in the way only where it stands in one


def instant(node: Node, clock: Clock) -> Instant | None:
    """Tell what an expression without columns can be."""
    node = unnested(node)
    kind, value = variant(node)
    if kind == "Value":
        text = text_of(node)
        return None if text is None else _exactly(_text(text))
    if kind == "TypedString":
        return _typed(value)
    if kind == "Cast":
        return _cast(value, clock)
    if kind == "BinaryOp" and value["op"] in ("Plus", "Minus"):
        return _shifted(value, clock)
    found = call(node) if kind == "Function" else None
    return None if found is None else _called(*found, clock)


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
    return None if least < 0 else _within(floor_to_day(least), floor_to_day(greatest), True)


def _within(least: float, greatest: float, is_date: bool = False) -> Instant | None:
    """Give an instant that every engine can hold: beyond that some wrap around, others fail."""
    for end in (least, greatest):
        if end not in (INFINITY, -INFINITY) and not MIN_NS <= end <= MAX_NS:
            return None
    return Instant(least, greatest, is_date)


def is_date(kind: Node) -> bool:
    """Tell whether a type is DATE."""
    return bool(kind == "Date")


def is_timestamp(kind: Node) -> bool:
    """Tell whether a type is TIMESTAMP, of nanoseconds: not TIMESTAMP(3)."""
    if not isinstance(kind, dict) or "Timestamp" not in kind:
        return False
    digits, zone = kind["Timestamp"]
    return digits is None and zone in ("None", "WithTimeZone", "WithoutTimeZone", "Tz")


def _typed(node: Node) -> Instant | None:
    only("a literal", node, "data_type", "value")
    kind, text = variant(node["value"]["value"])
    ns = _text(text) if kind == "SingleQuotedString" else None
    if ns is None or not (is_date(node["data_type"]) or is_timestamp(node["data_type"])):
        return None
    return _date(ns, ns) if is_date(node["data_type"]) else Instant(ns, ns)


def _cast(node: Node, clock: Clock) -> Instant | None:
    if node["kind"] not in ("Cast", "DoubleColon"):
        return None
    only("a cast", node, "kind", "expr", "data_type")
    data_type = node["data_type"]
    if not (is_date(data_type) or is_timestamp(data_type)):
        return None
    found = instant(node["expr"], clock)
    if found is None:
        return None
    least, greatest, *_ = found
    # What was coarse before is a multiple of that still, and fine by its type.
    return _date(least, greatest) if is_date(data_type) else Instant(least, greatest)


def _shifted(node: Node, clock: Clock) -> Instant | None:
    left, right, back = unnested(node["left"]), node["right"], node["op"] == "Minus"
    if variant(left)[0] == "Value":  # text beside an interval is no timestamp
        return None
    by, days = duration(right), _days(right)
    if by is None and days is None:  # before the clock is read, which cannot be kept
        return None
    found = instant(left, clock)
    if found is not None and found.is_date and by is None:
        by = days
    if found is None or by is None or found.grain > 1:
        return None
    shortest, longest = (-by[1], -by[0]) if back else by
    least, greatest = found.least + shortest, found.greatest + longest
    if _within(least, greatest) is None:
        raise BeyondError
    # A DATE moves by whole days: the hours of the interval are dropped.
    return _date(least, greatest + DAY) if found.is_date else _within(least, greatest)


def _days(node: Node) -> tuple[int, int] | None:
    """Read the number beside a DATE: so many days, where an engine takes one at all."""
    number = _number(node)
    return None if number is None else (number * DAY, number * DAY)


def _called(name: str, given: list[Node], clock: Clock) -> Instant | None:
    if not given and name in ("now", "current_timestamp"):
        # The service's clock, at some time after this: how much later is not known.
        return Instant(clock(), INFINITY)
    if not given and name in ("current_date", "today"):
        return _date(clock(), INFINITY)
    if name == "date_trunc" and len(given) == 2:
        width, found = truncation(given[0]), instant(given[1], clock)
        if width is None or found is None or found.grain > 1:
            return None
        # Before 1970 cutting could go up: no engine that was tried does, but it costs nothing.
        least, up = found.least - width, width if found.least < 0 else 0
        return Instant(least, found.greatest + up)
    text = text_of(given[0]) if given else None
    if text is not None:
        fine = name in ("to_timestamp", "to_timestamp_nanos") and len(given) == 1
        if name == "arrow_cast" and len(given) == 2:
            fine = _FINE_TYPE.fullmatch(text_of(given[1]) or "") is not None
        return _exactly(_text(text)) if fine else None
    return _counted(name, given)


def _counted(name: str, given: list[Node]) -> Instant | None:
    """Read ``to_timestamp_seconds(1793491200)`` and the like."""
    if name not in _COUNTED or len(given) != 1:
        return None
    number, grain = _number(given[0]), _COUNTED[name]
    if number is None:
        return None
    if number * grain > MAX_NS:
        raise BeyondError
    return Instant(number * grain, number * grain, False, grain)


def _number(node: Node) -> int | None:
    """Give a whole number that is written in digits; None of all else."""
    kind, value = variant(unnested(node))
    kind, number = variant(value["value"]) if kind == "Value" else ("", ("", False))
    return int(number[0]) if kind == "Number" and number[0].isdigit() else None
