"""What a condition says of columns: the interval that each lies in wherever it is true.

SQL's logic has three values, and a row is kept where a condition is true, so only "is true" and,
below a NOT, "is false" are followed: both say that no operand was NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple, TypeAlias

from sqlglot import exp

from micromegas_dbapi.inference.instants import (
    DAY,
    INFINITY,
    Clock,
    floor_to_day,
    instant,
    is_date,
    is_timestamp,
    truncated_by,
)

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
#: Finds the source of a column, or None.
Resolve: TypeAlias = Callable[[exp.Column], Column | None]

EVERYTHING: Interval = (-INFINITY, INFINITY)

_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}
_NEGATED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.LTE: exp.GT,
    exp.GT: exp.LTE,
    exp.GTE: exp.LT,
}


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


def facts(node: exp.Expr, resolve: Resolve, clock: Clock, wanted: bool = True) -> Facts:
    """Tell what follows of columns where a condition is true, or, if not wanted, false."""
    node = node.unnest()
    if isinstance(node, exp.Not):
        return facts(node.this, resolve, clock, not wanted)
    if isinstance(node, (exp.And, exp.Or)):
        parts = (facts(part, resolve, clock, wanted) for part in node.flatten())
        return reduce(intersection if isinstance(node, exp.And) is wanted else _hull, parts)
    if wanted and isinstance(node, exp.Between) and not node.args.get("symmetric"):
        low = _compared(exp.GTE, node.this, node.args["low"], resolve, clock)
        high = _compared(exp.LTE, node.this, node.args["high"], resolve, clock)
        # Where one of the bounds is not understood, its type may make the engine round the other.
        return intersection(low, high) if low and high else {}
    if wanted and isinstance(node, exp.In) and node.expressions and not node.args.get("query"):
        return reduce(
            _hull,
            (_compared(exp.EQ, node.this, item, resolve, clock) for item in node.expressions),
        )
    comparison = type(node) if wanted else _NEGATED.get(type(node))
    if comparison not in _MIRRORED:
        return {}
    return _compared(comparison, node.this, node.expression, resolve, clock)


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


def rounded(node: exp.Expr, resolve: Resolve) -> Rounded | None:
    """Tell which column an expression is, as it is or rounded down."""
    node = node.unnest()
    if isinstance(node, exp.Column):
        column = resolve(node)
        return None if column is None else Rounded(column, 0, False)
    if isinstance(node, exp.TimestampTrunc):
        width, inner = truncated_by(node), rounded(node.this, resolve)
        return inner._replace(width=inner.width + width) if width and inner else None
    if isinstance(node, exp.Cast) and (is_date(node) or is_timestamp(node)):
        inner = rounded(node.this, resolve)
        if inner is None or is_timestamp(node):
            return inner
        return inner._replace(width=inner.width + DAY, to_date=True)
    return None


def _compared(
    comparison: type[exp.Expr], left: exp.Expr, right: exp.Expr, resolve: Resolve, clock: Clock
) -> Facts:
    column, value = rounded(left, resolve), instant(right, clock) if right else None
    if column is None or value is None:
        column, value = rounded(right, resolve), instant(left, clock)
        comparison = _MIRRORED[comparison]
    if column is None or value is None:
        return {}
    least, greatest = value.least, value.greatest
    if column.to_date:  # text beside a DATE is read as one
        least = floor_to_day(least)
    low, high = column.before(least, greatest)
    if comparison in (exp.LT, exp.LTE):
        low = -INFINITY
    if comparison in (exp.GT, exp.GTE):
        high = INFINITY
    return {column.column: (low, high)}
