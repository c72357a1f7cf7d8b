"""How long intervals and the units of time are, in nanoseconds."""

from __future__ import annotations

import re
from typing import Final

from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    fold,
    only,
    text_of,
    unnested,
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
#: Truncating to a unit takes less than this off.
_TRUNCATIONS = {**_UNITS, "month": 31 * DAY, "quarter": 92 * DAY, "year": 366 * DAY}
# A count, or steps such as '1 day 2 hours'; not '1 day 02:00:00', which engines read otherwise.
_STEPS = re.compile(r"(?:[+-]?\d+ +[a-z]+ *)+", re.ASCII)
_STEP = re.compile(r"([+-]?\d+) +([a-z]+?)s?\b", re.ASCII)


def truncation(unit: Node) -> int | None:
    """Tell how much ``date_trunc(unit, ..)`` takes off: less than this many nanoseconds."""
    text = text_of(unit)
    return None if text is None else _TRUNCATIONS.get(fold(text))


def duration(node: Node) -> tuple[int, int] | None:
    """Tell the shortest and the longest duration of an interval: a month has 28 to 31 days."""
    kind, value = variant(unnested(node))
    if kind == "Interval":
        only("an interval", value, "value", "leading_field")
        text, unit = text_of(value["value"]), value["leading_field"]
        if text is None or not (unit is None or isinstance(unit, str)):
            return None
        return _of_text(f"{text} {unit or ''}")
    if kind == "Cast" and value["kind"] in ("Cast", "DoubleColon"):  # '1 hour'::interval
        only("a cast", value, "kind", "expr", "data_type")
        named, parts = variant(value["data_type"])
        text = text_of(value["expr"])
        if named != "Interval" or text is None or any(v is not None for v in parts.values()):
            return None
        return _of_text(text)
    return None


def _of_text(text: str) -> tuple[int, int] | None:
    text = fold(text).strip()
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
