"""Compute the length of intervals and of units of time, in nanoseconds."""

from __future__ import annotations

import re
from typing import Final

from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    expect_only,
    fold_case,
    string_literal,
    strip_parentheses,
    variant,
)
from micromegas_dbapi.time_units import DAY, HOUR, MINUTE, SECOND, WEEK

__all__ = ["INFINITY", "duration", "truncation"]

INFINITY: Final = float("inf")

_UNITS = {
    "nanosecond": 1,
    "microsecond": 10**3,
    "millisecond": 10**6,
    "second": SECOND,
    "minute": MINUTE,
    "hour": HOUR,
    "day": DAY,
    "week": WEEK,
}
_MONTHS = {"month": 1, "year": 12}
#: An upper limit of what truncation to a unit takes off.
_TRUNCATIONS = {**_UNITS, "month": 31 * DAY, "quarter": 92 * DAY, "year": 366 * DAY}
# Steps such as '1 day 2 hours'; not '1 day 02:00:00', which engines read in different ways.
_STEPS = re.compile(r"(?:[+-]?\d+ +[a-z]+ *)+", re.ASCII)
_STEP = re.compile(r"([+-]?\d+) +([a-z]+?)s?\b", re.ASCII)


def truncation(unit: Node) -> int | None:
    """Return an upper limit of what ``date_trunc(unit, ..)`` takes off.

    Parameters
    ----------
    unit : Node
        The first argument of ``date_trunc``.

    Returns
    -------
    int or None
        Nanoseconds, exclusive; None if the unit is not understood.
    """
    text = string_literal(unit)
    return None if text is None else _TRUNCATIONS.get(fold_case(text))


def duration(node: Node) -> tuple[int, int] | None:
    """Return the shortest and the longest duration of an interval: a month has 28 to 31 days.

    Parameters
    ----------
    node : Node
        Any expression.

    Returns
    -------
    (int, int) or None
        Nanoseconds; None if the expression is not an interval that is understood.

    Raises
    ------
    UnprovableError
        If the interval has parts that are not understood.
    """
    kind, value = variant(strip_parentheses(node))
    if kind == "Interval":
        expect_only("an interval", value, "value", "leading_field")
        text, unit = string_literal(value["value"]), value["leading_field"]
        if text is None or not (unit is None or isinstance(unit, str)):
            return None
        return _parse_duration(f"{text} {unit or ''}")
    if kind == "Cast" and value["kind"] in ("Cast", "DoubleColon"):  # '1 hour'::interval
        expect_only("a cast", value, "kind", "expr", "data_type")
        named, parts = variant(value["data_type"])
        text = string_literal(value["expr"])
        if named != "Interval" or text is None or any(v is not None for v in parts.values()):
            return None
        return _parse_duration(text)
    return None


def _parse_duration(text: str) -> tuple[int, int] | None:
    text = fold_case(text).strip()
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
