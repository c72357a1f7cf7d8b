"""What a condition says of columns: the interval that each lies in wherever it is true.

SQL's logic has three values, and a row is kept where a condition is true, so only "is true" and,
below a NOT, "is false" are followed: both say that no operand was NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import NamedTuple, TypeAlias

from micromegas_dbapi.ranges.inference.durations import INFINITY, duration, truncation
from micromegas_dbapi.ranges.inference.instants import (
    Clock,
    Instant,
    floor_to_day,
    instant,
    is_date,
    is_timestamp,
)
from micromegas_dbapi.ranges.inference.syntax_tree import Node, call, only, unnested, variant
from micromegas_dbapi.time_units import DAY

__all__ = [
    "EVERYTHING",
    "Column",
    "Facts",
    "Interval",
    "Resolve",
    "Rounded",
    "facts",
    "intersection",
    "rounded",
]

#: A source's name in the FROM clause, and the name of one of its columns.
Column: TypeAlias = tuple[str, str]
#: Nanoseconds since the epoch, both ends included.
Interval: TypeAlias = tuple[float, float]
#: What is known of columns; of those that are not in it, nothing.
Facts: TypeAlias = dict[Column, Interval]
#: Finds the source of a column by the parts of its name, or None.
Resolve: TypeAlias = Callable[[Node], "Column | None"]

EVERYTHING: Interval = (-INFINITY, INFINITY)

_MIRRORED = {"Eq": "Eq", "Lt": "Gt", "LtEq": "GtEq", "Gt": "Lt", "GtEq": "LtEq"}
_NEGATED = {"NotEq": "Eq", "Lt": "GtEq", "LtEq": "Gt", "Gt": "LtEq", "GtEq": "Lt"}


def intersection(one: Facts, other: Facts) -> Facts:
    """Put together what holds at the same time."""
    both = dict(one)
    for column, (low, high) in other.items():
        lowest, highest = both.get(column, EVERYTHING)
        both[column] = max(low, lowest), min(high, highest)
    return both


def _hull(one: Facts, other: Facts) -> Facts:
    """Put together what holds one or the other way: of columns that both speak of."""
    return {
        column: (min(one[column][0], other[column][0]), max(one[column][1], other[column][1]))
        for column in one.keys() & other.keys()
    }


def facts(node: Node, resolve: Resolve, clock: Clock, wanted: bool = True) -> Facts:
    """Tell what follows of columns where a condition is true, or, if not wanted, false."""
    node = unnested(node)
    kind, value = variant(node)
    if kind == "UnaryOp" and value["op"] == "Not":
        return facts(value["expr"], resolve, clock, not wanted)
    if kind == "BinaryOp" and value["op"] in ("And", "Or"):
        parts = (facts(part, resolve, clock, wanted) for part in _flat(node, value["op"]))
        return reduce(intersection if (value["op"] == "And") is wanted else _hull, parts)
    if kind == "Between" and wanted and not value["negated"]:
        return _between(value, resolve, clock)
    if kind == "InList" and wanted and not value["negated"]:
        return _in_list(value, resolve, clock)
    if kind != "BinaryOp" or not isinstance(value["op"], str):
        return {}
    comparison = value["op"] if wanted else _NEGATED.get(value["op"], "")
    if comparison not in _MIRRORED:
        return {}
    return _compared(comparison, value["left"], value["right"], resolve, clock)


def _flat(node: Node, operator: str) -> Iterator[Node]:
    """List the operands of a chain of one operator, which leans to the left."""
    right = []
    while True:
        node = unnested(node)
        kind, value = variant(node)
        if kind != "BinaryOp" or value["op"] != operator:
            break
        right.append(value["right"])
        node = value["left"]
    yield node
    yield from reversed(right)


def _between(node: Node, resolve: Resolve, clock: Clock) -> Facts:
    only("BETWEEN", node, "expr", "low", "high")
    ends = [instant(node[end], clock) for end in ("low", "high")]
    # Where one of the bounds is not understood, its type may make the engine round the other.
    if ends[0] is None or ends[1] is None:
        return {}
    grain = max(ends[0].grain, ends[1].grain)
    low = _compared("GtEq", node["expr"], node["low"], resolve, clock, grain)
    high = _compared("LtEq", node["expr"], node["high"], resolve, clock, grain)
    return intersection(low, high)


def _in_list(node: Node, resolve: Resolve, clock: Clock) -> Facts:
    only("IN", node, "expr", "list")
    found = [instant(item, clock) for item in node["list"]]
    if not found or None in found:
        return {}
    grain = max(item.grain for item in found if item is not None)
    return reduce(
        _hull,
        (_compared("Eq", node["expr"], item, resolve, clock, grain) for item in node["list"]),
    )


class Rounded(NamedTuple):
    """A column, or one that was rounded down by less than `width` nanoseconds.

    Attributes
    ----------
    column : Column
    width : int
    to_date : bool
        Whether it is a DATE by now, beside which text is read as one too.
    """

    column: Column
    width: int
    to_date: bool

    def before(self, least: float, greatest: float) -> Interval:
        """Tell where the column was, from where it is once it is rounded."""
        # Before 1970 rounding could go up: no engine that was tried does, but it costs nothing.
        return least if least > 0 else least - self.width, greatest + self.width


def rounded(node: Node, resolve: Resolve) -> Rounded | None:
    """Tell which column an expression is, as it is or rounded down."""
    node = unnested(node)
    kind, value = variant(node)
    if kind in ("Identifier", "CompoundIdentifier"):
        column = resolve(node)
        return None if column is None else Rounded(column, 0, False)
    if kind == "Function":
        return _truncated(node, resolve)
    if kind == "Cast" and value["kind"] in ("Cast", "DoubleColon"):
        only("a cast", value, "kind", "expr", "data_type")
        data_type = value["data_type"]
        if not (is_date(data_type) or is_timestamp(data_type)):
            return None
        inner = rounded(value["expr"], resolve)
        if inner is None or is_timestamp(data_type):
            return inner
        return inner._replace(width=inner.width + DAY, to_date=True)
    return None


def _truncated(node: Node, resolve: Resolve) -> Rounded | None:
    found = call(node)
    if found is None:
        return None
    name, given = found
    if name == "date_trunc" and len(given) == 2:
        width, inner = truncation(given[0]), rounded(given[1], resolve)
    elif name == "date_bin" and len(given) == 2:
        # Down to a multiple of the stride: up to a whole one, also before the epoch.
        stride, inner = duration(given[0]), rounded(given[1], resolve)
        width = stride[1] if stride is not None and stride[0] > 0 else None
    else:
        return None
    return inner._replace(width=inner.width + width) if width and inner else None


def _compared(
    comparison: str, left: Node, right: Node, resolve: Resolve, clock: Clock, grain: int = 1
) -> Facts:
    column, value = rounded(left, resolve), instant(right, clock)
    if column is None or value is None:
        column, value = rounded(right, resolve), instant(left, clock)
        comparison = _MIRRORED[comparison]
    if column is None or value is None:
        return {}
    low, high = _lies(column, value, max(grain, value.grain))
    if comparison in ("Lt", "LtEq"):
        low = -INFINITY
    if comparison in ("Gt", "GtEq"):
        high = INFINITY
    return {column.column: (low, high)}


def _lies(column: Rounded, value: Instant, grain: int) -> Interval:
    least, greatest = value.least, value.greatest
    if column.to_date:  # text beside a DATE is read as one
        least = floor_to_day(least)
    if grain > 1:  # either side may have been cut to it
        least, greatest = least - grain, greatest + grain
    return column.before(least, greatest)
