"""Infer the time range that a statement's own conditions imply.

The service removes rows outside of a query's range from every scan of a view. The result does not
change if no removed row affects it. So inference finds all scans, derives from the conditions the
interval of each scan's time columns, and returns the hull of these intervals. If it does not
understand a construct, there is no range, because a wrong one would silently lose data.

The rules were established by differential fuzzing on DataFusion 43, 54 and 55, which ``tests/fuzz``
continues.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from micromegas_dbapi.ranges.inference.clock_reading import ClockReading, Nanoseconds, Readings
from micromegas_dbapi.ranges.inference.durations import INFINITY
from micromegas_dbapi.ranges.inference.instants import Clock, refuse_out_of_range
from micromegas_dbapi.ranges.inference.parsing import NoQueryError, parse
from micromegas_dbapi.ranges.inference.predicates import EVERYTHING, Interval
from micromegas_dbapi.ranges.inference.scans import Scan, Scans
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    UnprovableError,
    integer_literal,
    variant,
)
from micromegas_dbapi.service import FLIGHT, RECENT, Service
from micromegas_dbapi.service.catalog import TimeColumns, time_columns_of
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.time_units import SECOND
from micromegas_dbapi.timerange import MAX_NS, MIN_NS

__all__ = ["SKEW_NS", "Inferred", "Reason", "UnknownView", "infer"]

# How far a range is widened at both ends. Services record the times of the first and the last row
# of a partition, and rows may be slightly out of order.
_PAD_NS: Final = 60 * SECOND
#: How far this machine's clock may be ahead of the service's if ``now()`` is a lower bound.
SKEW_NS: Final = 600 * SECOND

_KEPT, _KEPT_LENGTH = 512, 20_000


@dataclass(frozen=True)
class Inferred:
    """A range that cannot change the statement's result.

    Attributes
    ----------
    begin, end : int
        Nanoseconds since the epoch, inclusive, widened by the padding. `MIN_NS` and `MAX_NS` are
        open ends.
    """

    begin: int
    end: int


@dataclass(frozen=True)
class UnknownView:
    """A view whose time columns may be read from a plan of the service.

    Attributes
    ----------
    view : str
        The view, or the view set of an instance.
    relation : str
        The name of the view in a FROM clause.
    """

    view: str
    relation: str


@dataclass(frozen=True)
class Reason:
    """The reason why there is no range.

    Attributes
    ----------
    text : str
        A clause for messages to the user.
    unknown : frozenset of UnknownView
        Views whose time columns, if they were known, may lead to a range.
    needs_version : bool
        Whether the version of a FlightSQL service, if it were known, may lead to a range.
    reads_views : bool
        False if the statement provably reads no view, so that a range has no meaning.
    """

    text: str
    unknown: frozenset[UnknownView] = frozenset()
    needs_version: bool = False
    reads_views: bool = True

    def __str__(self) -> str:
        return self.text


def infer(
    statement: Statement,
    service: Service,
    *,
    now: int | None = None,
    skew: int = SKEW_NS,
    pad: int = _PAD_NS,
) -> Inferred | Reason:
    """Find the time range that a statement's own conditions imply.

    Parameters
    ----------
    statement : Statement
        The statement to send.
    service : Service
        Its version and its time columns decide which columns a range filters by.
    now : int, optional
        The time of this machine's clock, in nanoseconds since the epoch; read by default.
    skew : int, default SKEW_NS
        The nanoseconds by which that clock may be ahead of the service's.
    pad : int, default one minute
        The nanoseconds by which the range is widened at both ends.

    Returns
    -------
    Inferred or Reason
        A reason, and never an error, if the statement is not understood.
    """
    columns = frozenset(service.time_columns.items())
    if len(statement.text) <= _KEPT_LENGTH:
        analysis = _kept(statement.text, service.generation, columns)
    else:
        analysis = _Analysis(service.generation, columns)
    clock = (time.time_ns() if now is None else now) - skew
    found = analysis.at(clock, statement)
    if isinstance(found, Reason):
        return found
    low, high = (_number(end, clock) for end in found)
    begin = MIN_NS if low == -INFINITY else int(low)
    end = MAX_NS if high == INFINITY else int(high)
    # The end may be before the begin if there are two columns, or a condition is never true.
    begin, end = sorted((begin, end))
    return Inferred(max(begin - pad, MIN_NS), min(end + pad, MAX_NS))


def _number(end: Nanoseconds, clock: int) -> float:
    return end.at(clock) if isinstance(end, ClockReading) else end


_Columns: TypeAlias = frozenset[tuple[str, "TimeColumns | None"]]
_Known: TypeAlias = dict[str, "TimeColumns | None"]


class _Analysis:
    """What the conditions of a statement imply. Safe to use from several threads."""

    def __init__(self, generation: str, columns: _Columns) -> None:
        self._generation = generation
        self._columns = columns
        self._last: tuple[Readings, Interval | Reason] | None = None

    def at(self, clock: int, statement: Statement) -> Interval | Reason:
        """Return the hull of the intervals of all scans, with ends that may move with the clock.

        They are derived again only if the rules decide otherwise for this reading of the clock.
        """
        last = self._last  # another thread may replace it
        if last is None or not last[0].include(clock):
            readings = Readings(clock)
            known = {**time_columns_of(self._generation), **dict(self._columns)}
            found = _derive(statement, self._generation, known, lambda: ClockReading(readings))
            last = self._last = readings, found
        return last[1]


@lru_cache(_KEPT)
def _kept(text: str, generation: str, columns: _Columns) -> _Analysis:
    """Return the analysis of a statement, new or from before, by its text."""
    return _Analysis(generation, columns)


def _derive(
    statement: Statement, generation: str, known: _Known, clock: Clock
) -> Interval | Reason:
    scans = Scans(known, clock)
    try:
        query = parse(statement)
        scans.query(query, {}, {})
        # Whatever the range is. Instances of some views are refused without one.
        instances = any(scan.relation.startswith("view_instance") for scan in scans.found)
        if instances and _returns_no_rows(query):
            return (
                _obstacle(scans, known, generation)
                or _unknown_views(scans, known, generation)
                or (clock(), clock())
            )
        found = (
            _obstacle(scans, known, generation)
            or _unbounded_scan(scans, known)
            or _unknown_views(scans, known, generation)
            or _hull(scans, known)
        )
        if not isinstance(found, Reason):
            refuse_out_of_range(query, clock)
        return found
    except UnprovableError as error:
        return Reason(str(error), reads_views=not isinstance(error, NoQueryError))
    except RecursionError:
        return Reason("the statement is nested too deeply")
    except Exception as error:  # a failure of inference must not fail the statement
        return Reason(f"the statement is not understood: {type(error).__name__}: {error}")


def _returns_no_rows(query: Node) -> bool:
    """Return whether a query has ``LIMIT 0``, as tools write that need the columns only."""
    kind, limit = variant(query["limit_clause"] or "None")
    return kind == "LimitOffset" and limit["limit"] and integer_literal(limit["limit"]) == 0


def _obstacle(scans: Scans, known: _Known, generation: str) -> Reason | None:
    """Return why no range can be sent, whatever the statement's conditions are."""
    if not scans.found:
        return Reason("the statement reads no view", reads_views=False)
    if scans.unfiltered and generation != RECENT:
        return Reason(
            f"services before 0.12 do not accept a time range with {scans.unfiltered[0]}",
            needs_version=generation == FLIGHT,
        )
    for scan in scans.found:
        if scan.view in known and known[scan.view] is None:
            return Reason(f"the time columns of {scan.view} could not be determined")
    return None


def _unbounded_scan(scans: Scans, known: _Known) -> Reason | None:
    """Return why no range can be sent if a scan has no condition that counts."""
    for scan in scans.found:
        if (columns := known.get(scan.view)) is not None and columns.aggregated:
            return Reason(
                f"{scan.view} is aggregated from rows that a range would remove, so a condition "
                "on it proves nothing"
            )
        if not scan.bounds:
            return Reason(_unbounded(scan, columns))
    return None


def _unknown_views(scans: Scans, known: _Known, generation: str) -> Reason | None:
    """Return what must be learned before a range can be sent."""
    if unknown := {UnknownView(s.view, s.relation) for s in scans.found if s.view not in known}:
        names = ", ".join(sorted(item.view for item in unknown))
        return Reason(
            f"the time columns of {names} are not known: declare them with views=",
            frozenset({item.view: item for item in unknown}.values()),
            needs_version=generation == FLIGHT,
        )
    return None


def _hull(scans: Scans, known: _Known) -> Interval | Reason:
    """Return the smallest interval that contains those of all scans, if each scan has one."""
    low: Nanoseconds = INFINITY
    high: Nanoseconds = -INFINITY
    for scan in scans.found:
        columns = known[scan.view]
        assert columns is not None
        bounds = _bounds(scan, columns)
        if bounds == EVERYTHING:
            return Reason(_unbounded(scan, columns))
        low, high = min(low, bounds[0]), max(high, bounds[1])
    if (low, high) == EVERYTHING:
        return Reason("one scan has no lower bound, and another has no upper bound")
    return low, high


def _bounds(scan: Scan, columns: TimeColumns) -> Interval:
    upto = scan.bounds.get(columns.upto, EVERYTHING)
    since = scan.bounds.get(columns.since, EVERYTHING)
    if columns.nullable and not {columns.upto, columns.since} <= scan.bounds.keys():
        return EVERYTHING  # no range keeps a row whose other column is NULL
    if columns.ordered:
        return max(upto[0], since[0]), min(upto[1], since[1])
    return since[0], upto[1]


def _unbounded(scan: Scan, columns: TimeColumns | None) -> str:
    if columns is None:
        return f"{scan.view} has no condition on a time column"
    names = dict.fromkeys((columns.upto, columns.since))
    return f"{scan.view} has no condition on {' and '.join(names)} that is understood"
