"""SQL text -> the time range that its conditions already imply, or why there is none.

The service drops from every scan of a view the rows outside of a query's range. That changes
nothing if no dropped row can count: so each scan is found, the intervals that its conditions leave
for the view's time columns are derived, and the hull of all is the range. What is not understood
proves nothing, and no range is sent: a wrong one would lose data without a sign.

The rules were established by differential fuzzing on DataFusion 43, 54 and 55; ``tests/fuzz`` goes
on with it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import sqloxide

from micromegas_dbapi.ranges.inference.durations import INFINITY
from micromegas_dbapi.ranges.inference.instants import refuse_beyond
from micromegas_dbapi.ranges.inference.lexical_subset import difference
from micromegas_dbapi.ranges.inference.predicates import EVERYTHING, Interval
from micromegas_dbapi.ranges.inference.scans import Scan, Scans
from micromegas_dbapi.ranges.inference.syntax_tree import Node, UnprovableError, bare, only, variant
from micromegas_dbapi.service import FLIGHT, RECENT, Service
from micromegas_dbapi.service.catalog import TimeColumns, time_columns_of
from micromegas_dbapi.time_units import SECOND
from micromegas_dbapi.timerange import MAX_NS, MIN_NS

__all__ = ["PAD_NS", "SKEW_NS", "Inferred", "Reason", "Unknown", "infer"]

#: How far a range is widened at both ends: services record for a partition the times of its first
#: and last row, and rows may be slightly out of order.
PAD_NS: Final = 60 * SECOND
#: How far this machine's clock may be ahead of the service's, where ``now()`` is a lower bound.
SKEW_NS: Final = 600 * SECOND

_LONGEST = 200_000
_KEPT, _KEPT_LENGTH = 512, 20_000


@dataclass(frozen=True)
class Inferred:
    """A range that cannot change the statement's result.

    Attributes
    ----------
    begin, end : int
        Nanoseconds since the epoch, both included, within `MIN_NS` .. `MAX_NS`, which are its
        open ends; widened by the padding.
    """

    begin: int
    end: int


@dataclass(frozen=True)
class Unknown:
    """A view whose time columns the service may tell.

    Attributes
    ----------
    view : str
        The view, or the view set of an instance.
    relation : str
        How a FROM clause names it.
    """

    view: str
    relation: str


@dataclass(frozen=True)
class Reason:
    """Why there is no range.

    Attributes
    ----------
    text : str
        For people.
    unknown : frozenset of Unknown
        Views that are in the way; knowing their time columns may lead to a range.
    age : bool
        Whether knowing the generation of a FlightSQL service may lead to one.
    reads_views : bool
        False where the statement provably reads no view, so that no range could mean anything.
    """

    text: str
    unknown: frozenset[Unknown] = frozenset()
    age: bool = False
    reads_views: bool = True

    def __str__(self) -> str:
        return self.text


def infer(
    sql: str,
    service: Service,
    *,
    now: int | None = None,
    skew: int = SKEW_NS,
    pad: int = PAD_NS,
) -> Inferred | Reason:
    """Find the time range that a statement's own conditions imply.

    Parameters
    ----------
    sql : str
        The final text.
    service : Service
        Its generation and `Service.time_columns` say by what a range filters which view.
    now : int
        This machine's clock, in nanoseconds since the epoch; read by default.
    skew : int
        By how many nanoseconds that may be ahead of the service's clock.
    pad : int
        By how many nanoseconds the range is widened at either end.

    Returns
    -------
    Inferred or Reason
        Never an error: a statement that cannot be understood runs without a range.
    """
    columns = frozenset(service.time_columns.items())
    analyse = _kept if len(sql) <= _KEPT_LENGTH else _analysed
    try:
        found = analyse(sql, service.generation, columns, None)
    except _ReadsClockError:
        clock = time.time_ns() if now is None else now
        found = _analysed(sql, service.generation, columns, clock - skew)
    if isinstance(found, Reason):
        return found
    low, high = found
    begin = MIN_NS if low == -INFINITY else int(low)
    end = MAX_NS if high == INFINITY else int(high)
    # Two columns may leave the end before the begin; so does a condition that is never true.
    begin, end = sorted((begin, end))
    return Inferred(max(begin - pad, MIN_NS), min(end + pad, MAX_NS))


class _ReadsClockError(Exception):
    """The statement's range depends on the time of day."""


_Columns = frozenset[tuple[str, "TimeColumns | None"]]


def _analysed(sql: str, generation: str, columns: _Columns, now: int | None) -> Interval | Reason:
    """Find the hull of what all scans leave; without `now`, only if it does not matter."""

    def clock() -> int:
        if now is None:
            raise _ReadsClockError
        return now

    known = {**time_columns_of(generation), **dict(columns)}
    scans = Scans(known, clock)
    try:
        statement = _parsed(sql)
        scans.query(statement, {}, {})
        found = _range(scans, known, generation)
        if not isinstance(found, Reason):
            refuse_beyond(statement, clock)
        return found
    except UnprovableError as error:
        return Reason(str(error), reads_views=not isinstance(error, _NoQueryError))
    except RecursionError:
        return Reason("the statement is nested too deeply")
    except _ReadsClockError:
        raise
    except Exception as error:  # what fails to find a range must not fail the statement
        return Reason(f"the statement is not understood: {type(error).__name__}: {error}")


_kept = lru_cache(_KEPT)(_analysed)


class _NoQueryError(UnprovableError):
    """The statement is none that reads a view."""


_BLANK = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*(?:(?!\*/|/\*).)*\*/)*", re.DOTALL)
_QUERY = re.compile(r"\(|(?:select|with|values|from|explain)\b", re.IGNORECASE)
# The parser takes END for the end of a block, and leaves all that follows unread. So another
# statement is put behind: where that is not found, not all was read.
_SENTINEL = "\n;SELECT 1"
_PLACE = re.compile(r"at Line: (\d+), Column: (\d+)")
# DESCRIBE of a query is EXPLAIN on DataFusion 43, and plans its scans.
_NO_VIEW = re.compile(
    r"(?:show|set|reset)\b|(?:describe|desc)\s+(?!(?:select|from|with)\b)[\w.\"]+\s*;?\s*\Z",
    re.IGNORECASE,
)


def _parsed(sql: str) -> Node:
    """Give the tree of a query, or of the one that is explained."""
    if len(sql) > _LONGEST:
        raise UnprovableError(f"the statement is longer than {_LONGEST:,} characters")
    if (found := difference(sql)) is not None:
        raise UnprovableError(f"the statement has {found}")
    at = _end(_BLANK, sql, 0)
    if not _QUERY.match(sql, at):
        word = (sql[at:].split(maxsplit=1) or ["nothing"])[0][:20]
        refusal = _NoQueryError if _NO_VIEW.match(sql, at) else UnprovableError
        raise refusal(f"a statement that begins with {word} gets no range")
    try:
        *statements, last = sqloxide.parse_sql(sql + _SENTINEL, "generic")
    except ValueError as error:
        place = _PLACE.search(str(error))
        where = f", at line {place[1]}, column {place[2]}" if place else ""
        raise UnprovableError(f"the statement cannot be parsed{where}") from error
    if len(statements) != 1 or bare(last) != _sentinel():
        count = len(statements) or "parts of two"
        raise UnprovableError(f"the text has {count} statements")
    kind, statement = variant(statements[0])
    if kind == "Explain":  # the plan that is shown shall be the one that is run
        only("EXPLAIN", statement, "describe_alias", "analyze", "verbose", "statement")
        kind, statement = variant(statement["statement"])
    if kind != "Query":
        raise UnprovableError(f"{kind.upper()} is not understood")
    return statement


@cache
def _sentinel() -> Node:
    return bare(sqloxide.parse_sql(_SENTINEL, "generic")[0])


def _end(pattern: re.Pattern[str], sql: str, at: int) -> int:
    match = pattern.match(sql, at)
    return at if match is None else match.end()


def _range(
    scans: Scans, known: dict[str, TimeColumns | None], generation: str
) -> Interval | Reason:
    if not scans.found:
        return Reason("the statement reads no view", reads_views=False)
    if scans.neutral and generation != RECENT:
        return Reason(
            f"services before 0.12 take no range with {scans.neutral[0]}",
            age=generation == FLIGHT,
        )
    for scan in scans.found:
        if scan.view in known and known[scan.view] is None:
            return Reason(f"by what a range would filter {scan.view} is not known")
        if (columns := known.get(scan.view)) is not None and columns.aggregated:
            return Reason(
                f"{scan.view} is computed from rows that a range would take away, so that a "
                "condition on it proves nothing"
            )
        if not scan.bounds:
            return Reason(_unbounded(scan, columns))
    if unknown := {Unknown(s.view, s.relation) for s in scans.found if s.view not in known}:
        names = ", ".join(sorted(item.view for item in unknown))
        return Reason(
            f"the time columns of {names} are not known: declare them with views=",
            frozenset({item.view: item for item in unknown}.values()),
            age=generation == FLIGHT,
        )
    low, high = INFINITY, -INFINITY
    for scan in scans.found:
        columns = known[scan.view]
        assert columns is not None
        bounds = _bounds(scan, columns)
        if bounds == EVERYTHING:
            return Reason(_unbounded(scan, columns))
        low, high = min(low, bounds[0]), max(high, bounds[1])
    if (low, high) == EVERYTHING:
        return Reason("the scans of the statement are bounded at different ends")
    return low, high


def _bounds(scan: Scan, columns: TimeColumns) -> Interval:
    upto = scan.bounds.get(columns.upto, EVERYTHING)
    since = scan.bounds.get(columns.since, EVERYTHING)
    if columns.nullable and not {columns.upto, columns.since} <= scan.bounds.keys():
        return EVERYTHING  # a row whose other column is NULL is within no range
    if columns.ordered:
        return max(upto[0], since[0]), min(upto[1], since[1])
    return since[0], upto[1]


def _unbounded(scan: Scan, columns: TimeColumns | None) -> str:
    if columns is None:
        return f"no condition bounds the rows of {scan.view}"
    names = dict.fromkeys((columns.upto, columns.since))
    return f"no condition that is understood bounds {' and '.join(names)} of {scan.view}"
