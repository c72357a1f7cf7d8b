"""Evaluate expressions without columns to the least and the greatest instant that they can be.

The result is the one of DataFusion 43 to 55 in a comparison with a ``Timestamp(ns, "+00:00")``
column. None means that it is not known, and that nothing follows from the expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, TypeAlias

from micromegas_dbapi.ranges.inference.clock_reading import Nanoseconds
from micromegas_dbapi.ranges.inference.durations import INFINITY, duration, truncation
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    UnprovableError,
    expect_only,
    function_call,
    integer_literal,
    string_literal,
    strip_parentheses,
    variant,
)
from micromegas_dbapi.time_units import DAY, SECOND
from micromegas_dbapi.timerange import MAX_NS, MIN_NS

__all__ = [
    "Clock",
    "Instant",
    "floor_to_day",
    "instant",
    "is_date",
    "is_timestamp",
    "refuse_out_of_range",
]

#: Returns a lower bound of ``now()``, in nanoseconds since the epoch.
Clock: TypeAlias = Callable[[], Nanoseconds]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECOND = timedelta(seconds=1)
_TIMESTAMP = re.compile(
    r"""(?P<day>\d{4}-\d\d-\d\d)
        (?:[T ](?P<clock>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(?P<fraction>\d{1,9}))?
           (?P<zone>Z|(?P<hours>[+-](?:[01]\d|2[0-3])):?(?P<minutes>[0-5]\d)?)?)?""",
    re.VERBOSE | re.ASCII,
)
_FINE_TYPE = re.compile(r"Timestamp\(Nanosecond, (?:None|Some\(\"(?:\+00:00|UTC)\"\))\)")
# Functions of a number of seconds or of fractions of one, with the unit of the result.
_EPOCH_FUNCTIONS = {
    "to_timestamp_seconds": SECOND,
    "from_unixtime": SECOND,
    "to_timestamp_millis": 10**6,
    "to_timestamp_micros": 10**3,
    "to_timestamp_nanos": 1,
}


class _OutOfRangeError(UnprovableError):
    """Raised for an instant that not every engine can represent.

    Whether an engine fails on it depends on the rows that it evaluates, and so on the range.
    """

    def __init__(self) -> None:
        super().__init__("a timestamp outside of the years 1677 to 2262 gets no range")


class Instant(NamedTuple):
    """The least and the greatest instant that an expression can be.

    Attributes
    ----------
    least, greatest : Nanoseconds
        Since the epoch.
    is_date : bool
        Whether the expression is a DATE, at midnight in UTC.
    grain : int
        The unit of its type, in nanoseconds. In a comparison, the engine may truncate the other
        operand to it.
    """

    least: Nanoseconds
    greatest: Nanoseconds
    is_date: bool = False
    grain: int = 1


def refuse_out_of_range(nodes: Node, clock: Clock) -> None:
    """Refuse a statement that computes an instant that not every engine can represent.

    Parameters
    ----------
    nodes : Node
        The statement.
    clock : Clock
        A lower bound of ``now()``.

    Raises
    ------
    UnprovableError
        If there is one anywhere, even if nothing would follow from it.
    """
    stack = [nodes]
    while stack:
        node = stack.pop()
        if isinstance(node, (list, tuple)):
            stack.extend(node)
        elif isinstance(node, dict):
            stack.extend(node.values())
            found = function_call(node) if "Function" in node else None
            if "BinaryOp" in node or (found is not None and found[0] in _EPOCH_FUNCTIONS):
                try:
                    instant(node, clock)
                except _OutOfRangeError:
                    raise
                except UnprovableError:
                    pass  # matters only in a condition, where it is evaluated again


def instant(node: Node, clock: Clock) -> Instant | None:
    """Evaluate an expression without columns.

    Parameters
    ----------
    node : Node
        Any expression.
    clock : Clock
        A lower bound of ``now()``.

    Returns
    -------
    Instant or None
        None if the expression is not understood.

    Raises
    ------
    UnprovableError
        If the expression has parts that are not understood, or if not every engine can represent
        the result.
    """
    node = strip_parentheses(node)
    kind, value = variant(node)
    if kind == "Value":
        text = string_literal(node)
        return None if text is None else _exact(_parse_timestamp(text))
    if kind == "TypedString":
        return _typed_literal(value)
    if kind == "Cast":
        return _cast(value, clock)
    if kind == "BinaryOp" and value["op"] in ("Plus", "Minus"):
        return _sum(value, clock)
    found = function_call(node) if kind == "Function" else None
    return None if found is None else _function_result(*found, clock)


def _exact(ns: int | None) -> Instant | None:
    return None if ns is None else Instant(ns, ns)


def _parse_timestamp(text: str) -> int | None:
    """Parse a timestamp as the engine does: without a zone it is UTC."""
    match = _TIMESTAMP.fullmatch(text)
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


def floor_to_day(ns: Nanoseconds) -> float:
    """Round an instant down to midnight in UTC.

    Parameters
    ----------
    ns : Nanoseconds
        Since the epoch.

    Returns
    -------
    int or infinite float
        Nanoseconds since the epoch.
    """
    return INFINITY if ns == INFINITY else -INFINITY if ns == -INFINITY else ns // DAY * DAY


def _date(least: Nanoseconds, greatest: Nanoseconds) -> Instant | None:
    # Before 1970 a cast could round up.
    return None if least < 0 else _within(floor_to_day(least), floor_to_day(greatest), True)


def _within(least: Nanoseconds, greatest: Nanoseconds, is_date: bool = False) -> Instant | None:
    """Return an instant if all engines can represent it: otherwise some overflow, others fail."""
    for end in (least, greatest):
        if end not in (INFINITY, -INFINITY) and not MIN_NS <= end <= MAX_NS:
            return None
    return Instant(least, greatest, is_date)


def is_date(kind: Node) -> bool:
    """Return whether a type is DATE.

    Parameters
    ----------
    kind : Node
        A data type.

    Returns
    -------
    bool
        True for DATE.
    """
    return bool(kind == "Date")


def is_timestamp(kind: Node) -> bool:
    """Return whether a type is a TIMESTAMP with nanoseconds.

    Parameters
    ----------
    kind : Node
        A data type.

    Returns
    -------
    bool
        True for TIMESTAMP, with or without a zone; False for TIMESTAMP(3).
    """
    if not isinstance(kind, dict) or "Timestamp" not in kind:
        return False
    digits, zone = kind["Timestamp"]
    return digits is None and zone in ("None", "WithTimeZone", "WithoutTimeZone", "Tz")


def _typed_literal(node: Node) -> Instant | None:
    expect_only("a literal", node, "data_type", "value")
    kind, text = variant(node["value"]["value"])
    ns = _parse_timestamp(text) if kind == "SingleQuotedString" else None
    if ns is None or not (is_date(node["data_type"]) or is_timestamp(node["data_type"])):
        return None
    return _date(ns, ns) if is_date(node["data_type"]) else Instant(ns, ns)


def _cast(node: Node, clock: Clock) -> Instant | None:
    if node["kind"] not in ("Cast", "DoubleColon"):
        return None
    expect_only("a cast", node, "kind", "expr", "data_type")
    data_type = node["data_type"]
    if not (is_date(data_type) or is_timestamp(data_type)):
        return None
    found = instant(node["expr"], clock)
    if found is None:
        return None
    least, greatest, *_ = found
    # A coarser instant keeps its value, but its type has nanoseconds now: its grain is 1.
    return _date(least, greatest) if is_date(data_type) else Instant(least, greatest)


def _sum(node: Node, clock: Clock) -> Instant | None:
    left, right, back = strip_parentheses(node["left"]), node["right"], node["op"] == "Minus"
    if variant(left)[0] == "Value":  # a string beside an interval is not a timestamp
        return None
    by, days = duration(right), _days(right)
    if by is None and days is None:
        return None
    found = instant(left, clock)
    if found is not None and found.is_date and by is None:
        by = days
    if found is None or by is None or found.grain > 1:
        return None
    shortest, longest = (-by[1], -by[0]) if back else by
    least, greatest = found.least + shortest, found.greatest + longest
    if _within(least, greatest) is None:
        raise _OutOfRangeError
    # A DATE moves by whole days: the hours of the interval are dropped.
    return _date(least, greatest + DAY) if found.is_date else _within(least, greatest)


def _days(node: Node) -> tuple[int, int] | None:
    """Read a number beside a DATE: days, on the engines that accept it."""
    number = integer_literal(node)
    return None if number is None else (number * DAY, number * DAY)


def _function_result(name: str, given: list[Node], clock: Clock) -> Instant | None:
    if not given and name in ("now", "current_timestamp"):
        # The service reads its clock later; how much later is not known.
        return Instant(clock(), INFINITY)
    if not given and name in ("current_date", "today"):
        return _date(clock(), INFINITY)
    if name == "date_trunc" and len(given) == 2:
        width, found = truncation(given[0]), instant(given[1], clock)
        if width is None or found is None or found.grain > 1:
            return None
        # Before 1970 truncation could round up. No engine tried does, but it costs nothing.
        least, up = found.least - width, width if found.least < 0 else 0
        return Instant(least, found.greatest + up)
    text = string_literal(given[0]) if given else None
    if text is not None:
        fine = name in ("to_timestamp", "to_timestamp_nanos") and len(given) == 1
        if name == "arrow_cast" and len(given) == 2:
            fine = _FINE_TYPE.fullmatch(string_literal(given[1]) or "") is not None
        return _exact(_parse_timestamp(text)) if fine else None
    return _epoch_function(name, given)


def _epoch_function(name: str, given: list[Node]) -> Instant | None:
    """Evaluate ``to_timestamp_seconds(1793491200)`` and the like."""
    if name not in _EPOCH_FUNCTIONS or len(given) != 1:
        return None
    number, grain = integer_literal(given[0]), _EPOCH_FUNCTIONS[name]
    if number is None:
        return None
    if number * grain > MAX_NS:
        raise _OutOfRangeError
    return Instant(number * grain, number * grain, False, grain)
