"""Derive from a condition the interval that each column is in if the condition is true.

SQL's logic has three values, and a row is kept if a condition is true. So only "is true" and, below
a NOT, "is false" are followed: both imply that no operand was NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import NamedTuple, TypeAlias

from micromegas_dbapi.ranges.inference.clock_reading import Nanoseconds
from micromegas_dbapi.ranges.inference.durations import INFINITY, duration, truncation
from micromegas_dbapi.ranges.inference.instants import (
    Clock,
    Instant,
    floor_to_day,
    instant,
    is_date,
    is_timestamp,
)
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    expect_only,
    function_call,
    strip_parentheses,
    variant,
)
from micromegas_dbapi.time_units import DAY

__all__ = [
    "EVERYTHING",
    "Column",
    "Facts",
    "Interval",
    "Resolve",
    "RoundedColumn",
    "facts",
    "intersection",
    "rounded_column",
]

#: A source's name in the FROM clause, and the name of one of its columns.
Column: TypeAlias = tuple[str, str]
#: Nanoseconds since the epoch, both ends included.
Interval: TypeAlias = tuple[Nanoseconds, Nanoseconds]
#: The intervals that columns are known to be in. Nothing is known of other columns.
Facts: TypeAlias = dict[Column, Interval]
#: Finds the source of a column by its identifier. Returns None if it is not certain.
Resolve: TypeAlias = Callable[[Node], "Column | None"]

EVERYTHING: Interval = (-INFINITY, INFINITY)

_MIRRORED = {"Eq": "Eq", "Lt": "Gt", "LtEq": "GtEq", "Gt": "Lt", "GtEq": "LtEq"}
_NEGATED = {"NotEq": "Eq", "Lt": "GtEq", "LtEq": "Gt", "Gt": "LtEq", "GtEq": "Lt"}


def intersection(one: Facts, other: Facts) -> Facts:
    """Combine facts that hold at the same time.

    Parameters
    ----------
    one, other : Facts
        Facts of the same rows.

    Returns
    -------
    Facts
        The intersection of the intervals of each column.
    """
    both = dict(one)
    for column, (low, high) in other.items():
        lowest, highest = both.get(column, EVERYTHING)
        both[column] = max(low, lowest), min(high, highest)
    return both


def _hull(one: Facts, other: Facts) -> Facts:
    """Combine facts of which at least one holds, for the columns that are in both."""
    return {
        column: (min(one[column][0], other[column][0]), max(one[column][1], other[column][1]))
        for column in one.keys() & other.keys()
    }


def facts(node: Node, resolve: Resolve, clock: Clock, wanted: bool = True) -> Facts:
    """Derive facts from a condition.

    Parameters
    ----------
    node : Node
        The condition.
    resolve : Resolve
        Finds the source of a column.
    clock : Clock
        A lower bound of ``now()``.
    wanted : bool, default True
        Whether the condition is true or false.

    Returns
    -------
    Facts
        They hold for every row for which the condition is `wanted`.

    Raises
    ------
    UnprovableError
        If the condition has parts that are not understood.
    """
    node = strip_parentheses(node)
    kind, value = variant(node)
    if kind == "UnaryOp" and value["op"] == "Not":
        return facts(value["expr"], resolve, clock, not wanted)
    if kind == "BinaryOp" and value["op"] in ("And", "Or"):
        parts = (facts(part, resolve, clock, wanted) for part in _operands(node, value["op"]))
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


def _operands(node: Node, operator: str) -> Iterator[Node]:
    """Yield the operands of a left-associative chain of one operator."""
    right = []
    while True:
        node = strip_parentheses(node)
        kind, value = variant(node)
        if kind != "BinaryOp" or value["op"] != operator:
            break
        right.append(value["right"])
        node = value["left"]
    yield node
    yield from reversed(right)


def _between(node: Node, resolve: Resolve, clock: Clock) -> Facts:
    expect_only("BETWEEN", node, "expr", "low", "high")
    ends = [instant(node[end], clock) for end in ("low", "high")]
    # If one of the bounds is not understood, the engine may round the other one to its type.
    if ends[0] is None or ends[1] is None:
        return {}
    grain = max(ends[0].grain, ends[1].grain)
    low = _compared("GtEq", node["expr"], node["low"], resolve, clock, grain)
    high = _compared("LtEq", node["expr"], node["high"], resolve, clock, grain)
    return intersection(low, high)


def _in_list(node: Node, resolve: Resolve, clock: Clock) -> Facts:
    expect_only("IN", node, "expr", "list")
    found = [instant(item, clock) for item in node["list"]]
    if not found or None in found:
        return {}
    grain = max(item.grain for item in found if item is not None)
    return reduce(
        _hull,
        (_compared("Eq", node["expr"], item, resolve, clock, grain) for item in node["list"]),
    )


class RoundedColumn(NamedTuple):
    """A column, or a column that is rounded down.

    Attributes
    ----------
    column : Column
        The column.
    width : int
        An upper limit of what rounding takes off, in nanoseconds; 0 if it is not rounded.
    to_date : bool
        Whether the result is a DATE. The engine parses a string beside it as a DATE too.
    """

    column: Column
    width: int
    to_date: bool

    def unrounded(self, least: Nanoseconds, greatest: Nanoseconds) -> Interval:
        """Derive the interval of the column from the interval of the rounded value.

        Parameters
        ----------
        least, greatest : Nanoseconds
            The interval of the rounded value.

        Returns
        -------
        Interval
            The interval of the column itself.
        """
        # Before 1970 rounding could go up. No engine tried does, but it costs nothing.
        return least if least > 0 else least - self.width, greatest + self.width


def rounded_column(node: Node, resolve: Resolve) -> RoundedColumn | None:
    """Return the column that an expression is, or rounds down.

    Parameters
    ----------
    node : Node
        Any expression.
    resolve : Resolve
        Finds the source of a column.

    Returns
    -------
    RoundedColumn or None
        None if the expression is something else.

    Raises
    ------
    UnprovableError
        If the expression has parts that are not understood.
    """
    node = strip_parentheses(node)
    kind, value = variant(node)
    if kind in ("Identifier", "CompoundIdentifier"):
        column = resolve(node)
        return None if column is None else RoundedColumn(column, 0, False)
    if kind == "Function":
        return _truncated(node, resolve)
    if kind == "Cast" and value["kind"] in ("Cast", "DoubleColon"):
        expect_only("a cast", value, "kind", "expr", "data_type")
        data_type = value["data_type"]
        if not (is_date(data_type) or is_timestamp(data_type)):
            return None
        inner = rounded_column(value["expr"], resolve)
        if inner is None or is_timestamp(data_type):
            return inner
        return inner._replace(width=inner.width + DAY, to_date=True)
    return None


def _truncated(node: Node, resolve: Resolve) -> RoundedColumn | None:
    found = function_call(node)
    if found is None:
        return None
    name, given = found
    if name == "date_trunc" and len(given) == 2:
        width, inner = truncation(given[0]), rounded_column(given[1], resolve)
    elif name == "date_bin" and len(given) == 2:
        # It rounds down by less than a stride, also before the epoch.
        stride, inner = duration(given[0]), rounded_column(given[1], resolve)
        width = stride[1] if stride is not None and stride[0] > 0 else None
    else:
        return None
    return inner._replace(width=inner.width + width) if width and inner else None


def _compared(
    comparison: str, left: Node, right: Node, resolve: Resolve, clock: Clock, grain: int = 1
) -> Facts:
    column, value = rounded_column(left, resolve), instant(right, clock)
    if column is None or value is None:
        column, value = rounded_column(right, resolve), instant(left, clock)
        comparison = _MIRRORED[comparison]
    if column is None or value is None:
        return {}
    low, high = _equal_interval(column, value, max(grain, value.grain))
    if comparison in ("Lt", "LtEq"):
        low = -INFINITY
    if comparison in ("Gt", "GtEq"):
        high = INFINITY
    return {column.column: (low, high)}


def _equal_interval(column: RoundedColumn, value: Instant, grain: int) -> Interval:
    """Return the interval of a column that equals a value, as the engine compares them."""
    least, greatest = value.least, value.greatest
    if column.to_date:  # the engine parses a string beside a DATE as one
        least = floor_to_day(least)
    if grain > 1:  # the engine may truncate either side to it
        least, greatest = least - grain, greatest + grain
    return column.unrounded(least, greatest)
