"""Which time range a statement is sent with, and why.

What `execute()` or the cursor gives counts alone. Else the connection's default counts, and the
range that the statement's own conditions imply narrows it; else that range alone.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from micromegas_dbapi.errors import Error, OperationalError, ProgrammingError, UnboundedScanWarning
from micromegas_dbapi.ranges.range_options import RangeOptions, missing
from micromegas_dbapi.ranges.unbounded_scans import full_scans
from micromegas_dbapi.service import Service
from micromegas_dbapi.service.catalog import TimeColumns
from micromegas_dbapi.stack_level import stacklevel
from micromegas_dbapi.time_units import SECOND
from micromegas_dbapi.timerange import Bound, NoTimeRange, TimeRange, resolve
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import NoRows, Request, Transport

if TYPE_CHECKING:
    from micromegas_dbapi.ranges.inference import Reason, Unknown

__all__ = ["Ranges"]

Level: TypeAlias = tuple[str, Bound, Bound]

_LOG = logging.getLogger("micromegas_dbapi")


class Ranges:
    """Finds the time range of each statement of a connection. Safe to use from several threads.

    Parameters
    ----------
    transport : Transport
    defaults : sequence of (source, begin, end)
        What the connection and its URL give, in this order.
    options : RangeOptions
    """

    def __init__(
        self,
        transport: Transport,
        defaults: Sequence[Level] = (),
        options: RangeOptions = RangeOptions(),  # noqa: B008  (it is frozen)
    ) -> None:
        self._transport = transport
        self._defaults = defaults
        self._options = options
        self._asking = threading.Lock()  # held while the service is asked what it is
        self._learning = threading.Lock()  # held for a moment only
        self._asked = False
        self._known: Service | None = None

    # -- the service -------------------------------------------------------------------------

    def service(self) -> Service:
        """Ask the service what it is, once.

        Raises
        ------
        DatabaseError
            If it cannot be asked; the next call asks again.
        """
        with self._asking:
            if not self._asked:
                known = self._known
                columns = self._options.declared() if known is None else known.time_columns
                self._learn(self._transport.service(), columns)
                self._asked = True
        return self._unasked()

    def _unasked(self) -> Service:
        """Give what is known of the service by now."""
        if self._known is None:
            self._learn(self._transport.presumed(), self._options.declared(), first=True)
        assert self._known is not None
        return self._known

    def _learn(
        self,
        service: Service | None,
        columns: Mapping[str, TimeColumns | None],
        first: bool = False,
    ) -> None:
        with self._learning:
            if first and self._known is not None:  # another thread was faster
                return
            known = service or self._known
            assert known is not None
            self._known = replace(known, time_columns={**known.time_columns, **columns})

    def _ask_columns(self, unknown: Unknown, cancellation: Cancellation) -> None:
        """Have the service show by what a range filters a view."""
        from micromegas_dbapi.service.plan_filters import PLAN, SENTINEL, filter_columns

        sql = PLAN.format(unknown.relation)
        request = Request(sql, SENTINEL, str(uuid.uuid4()), cancellation)
        try:
            answer = self._transport.run(request)
            plan = (answer.reader() if isinstance(answer, NoRows) else answer).read_all()
            shown = filter_columns(plan)
        except OperationalError:  # perhaps it can be asked later
            return
        except (Error, pa.ArrowException):  # which must not fail the user's own statement
            shown = None
        self._learn(None, {unknown.view: shown})

    # -- the range ---------------------------------------------------------------------------

    def given(self, own: list[Level], now: int | None = None) -> TimeRange | None:
        """Find the range that is given for a statement, or for the connection."""
        return resolve([*own, *self._defaults], time.time_ns() if now is None else now)

    def choose(
        self,
        sql: str,
        own: list[Level],
        query_id: str,
        cancellation: Cancellation,
    ) -> TimeRange | NoTimeRange:
        """Find the range of a statement, and log it.

        Parameters
        ----------
        sql : str
            The final text.
        own : list of (source, begin, end)
            What is given for the statement itself, highest precedence first.
        query_id : str
            For the log.
        cancellation : Cancellation
            Ends what the service may be asked.

        Raises
        ------
        ProgrammingError
            If a bound is wrong, or a range is required and there is none.
        """
        found = self._choose(sql, own, cancellation)
        if isinstance(found, TimeRange):
            _LOG.debug(
                "query %s: time range %s .. %s (%s)",
                *(query_id, found.begin_text, found.end_text, found.source),
            )
        else:
            _LOG.debug("query %s: no time range: %s", query_id, found.reason)
            if not found.on_purpose:
                self._react(sql, found)
        return found

    def _choose(
        self, sql: str, own: list[Level], cancellation: Cancellation
    ) -> TimeRange | NoTimeRange:
        now = time.time_ns()
        given = self.given(own, now)
        if _mentions(own):
            return given or NoTimeRange("ALL_TIME was given", on_purpose=True)
        if given is None and _mentions(self._defaults):
            return NoTimeRange("ALL_TIME was given for the connection", on_purpose=True)
        if self._options.infer_range == "off":
            return given or NoTimeRange("none was given, and infer_range is off")
        if lacking := missing():
            return given or NoTimeRange(f"none was given, and none can be inferred: {lacking}")
        found = self._infer(sql, now, cancellation)
        if not isinstance(found, TimeRange):
            if not found.reads_views:  # older services fail on a range there
                return NoTimeRange(found.text, on_purpose=True)
            return given or NoTimeRange(found.text)
        if given is None:
            return found
        begin, end = max(given.begin, found.begin), min(given.end, found.end)
        if begin > end or (begin, end) == (given.begin, given.end):
            return given
        return TimeRange(begin, end, f"{given.source}+inferred")

    def _infer(self, sql: str, now: int, cancellation: Cancellation) -> TimeRange | Reason:
        from micromegas_dbapi.ranges.inference import Inferred, infer

        skew = int(self._options.clock_skew * SECOND)
        while True:
            service = self._unasked()
            found = infer(sql, service, now=now, skew=skew)
            if isinstance(found, Inferred):
                return TimeRange(found.begin, found.end, "inferred")
            if found.age and not self._asked:
                with suppress(Error):  # the statement itself will tell
                    self.service()
            else:
                for view in found.unknown:
                    self._ask_columns(view, cancellation)
            if self._known is service:  # nothing more is known
                return found

    def _react(self, sql: str, found: NoTimeRange) -> None:
        if self._options.infer_range == "require":
            raise ProgrammingError(
                f"infer_range='require', and no time range was given or can be inferred: "
                f"{found.reason}; give begin= or end=, or ALL_TIME to read everything",
                sql=sql,
            )
        if self._options.on_unbounded == "ignore" or not (views := full_scans(sql)):
            return
        message = (
            f"all of {' and '.join(views)} is read, since there is no time range: {found.reason}; "
            "give begin= or end=, or ALL_TIME to read everything on purpose"
        )
        if self._options.on_unbounded == "error":
            raise ProgrammingError(message, sql=sql)
        warnings.warn(message, UnboundedScanWarning, stacklevel=stacklevel())


def _mentions(levels: Sequence[Level]) -> bool:
    """Tell whether any bound is given."""
    return any(bound is not None for _, *bounds in levels for bound in bounds)
