"""Choose the time range that a statement is sent with.

A range of `execute()` or the cursor takes precedence and is sent unchanged. Otherwise the range is
the connection's default, narrowed by the range that the statement's own conditions imply. Without a
default, it is the implied range alone.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from micromegas_dbapi.errors import Error, ProgrammingError, UnboundedScanWarning
from micromegas_dbapi.ranges.range_options import RangeOptions, unmet_requirement
from micromegas_dbapi.ranges.service_knowledge import ServiceKnowledge
from micromegas_dbapi.ranges.unbounded_scans import full_scans
from micromegas_dbapi.service import Service
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.stack_level import stacklevel
from micromegas_dbapi.time_units import SECOND
from micromegas_dbapi.timerange import Bound, NoTimeRange, TimeRange, resolve
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import Transport

if TYPE_CHECKING:
    from micromegas_dbapi.ranges.inference import Reason

__all__ = ["Ranges"]

# The source of two bounds, such as "execute" or "connection", and the bounds.
_Level: TypeAlias = tuple[str, Bound, Bound]

_LOG = logging.getLogger("micromegas_dbapi")
# Inference may first need the version of the service, and then the time columns of views.
_ROUNDS = 4


class Ranges:
    """Chooses the time range of each statement of a connection. Safe to use from several threads.

    Parameters
    ----------
    transport : Transport
        The connection's transport. It is queried for what inference must know of the service.
    defaults : sequence of (source, begin, end)
        The bounds of the connection and of its URL, in this order.
    options : RangeOptions
        How ranges are inferred, and the reaction to a statement without one.
    """

    def __init__(
        self,
        transport: Transport,
        defaults: Sequence[_Level] = (),
        options: RangeOptions = RangeOptions(),  # noqa: B008  (it is frozen)
    ) -> None:
        self._defaults = defaults
        self._options = options
        self._knowledge = ServiceKnowledge(transport, options.declared())

    def service(self, *, anew: bool = False) -> Service:
        """Return kind and version of the service, and query them if they are not known.

        Parameters
        ----------
        anew : bool, default False
            Forget all that is known, and query them.

        Returns
        -------
        Service
            With the time columns known so far.

        Raises
        ------
        DatabaseError
            If the service cannot be queried. The next call tries again.
        """
        return self._knowledge.fetch(anew=anew)

    def doubt(self) -> None:
        """Doubt what is known of the service, because a statement has failed."""
        self._knowledge.doubt()

    def given(self, own: Sequence[_Level], now: int | None = None) -> TimeRange | None:
        """Return the range that the user has set for a statement, or for the connection.

        Parameters
        ----------
        own : sequence of (source, begin, end)
            The bounds of the statement itself, highest precedence first.
        now : int, optional
            The present for relative bounds, in nanoseconds since the epoch; the clock by default.

        Returns
        -------
        TimeRange or None
            None if no bound is set.

        Raises
        ------
        ProgrammingError
            If a bound is invalid.
        """
        return resolve([*own, *self._defaults], time.time_ns() if now is None else now)

    def choose(
        self,
        statement: Statement,
        own: Sequence[_Level],
        query_id: str,
        cancellation: Cancellation,
    ) -> TimeRange | NoTimeRange:
        """Choose the range of a statement, and log it.

        Parameters
        ----------
        statement : Statement
            The statement to send.
        own : sequence of (source, begin, end)
            The bounds of the statement itself, highest precedence first.
        query_id : str
            Shown in the log.
        cancellation : Cancellation
            Cancels queries to the service that inference needs.

        Returns
        -------
        TimeRange or NoTimeRange
            The range to send, or the reason why there is none.

        Raises
        ------
        ProgrammingError
            If a bound is invalid, or if a range is required and there is none.
        """
        chosen = self._choose(statement, own, cancellation)
        if isinstance(chosen, TimeRange):
            _LOG.debug(
                "query %s: time range %s .. %s (%s)",
                *(query_id, chosen.begin_text, chosen.end_text, chosen.source),
            )
        else:
            _LOG.debug("query %s: no time range: %s", query_id, chosen.reason)
            if not chosen.on_purpose:
                self._check_unbounded(statement, chosen)
        return chosen

    def _choose(
        self, statement: Statement, own: Sequence[_Level], cancellation: Cancellation
    ) -> TimeRange | NoTimeRange:
        now = time.time_ns()
        given = self.given(own, now)
        if _has_bound(own):
            return given or NoTimeRange("ALL_TIME was given", on_purpose=True)
        if given is None and _has_bound(self._defaults):
            return NoTimeRange("ALL_TIME was given for the connection", on_purpose=True)
        if self._options.infer_range == "off":
            return given or NoTimeRange("no time range was given, and infer_range is off")
        if unmet := unmet_requirement():
            return given or NoTimeRange(f"no time range was given, and {unmet}")
        inferred = self._infer(statement, now, cancellation)
        if not isinstance(inferred, TimeRange):
            if not inferred.reads_views:  # older services fail on a range there
                return NoTimeRange(inferred.text, on_purpose=True)
            return given or NoTimeRange(inferred.text)
        return inferred if given is None else _narrowed(given, inferred)

    def _infer(
        self, statement: Statement, now: int, cancellation: Cancellation
    ) -> TimeRange | Reason:
        from micromegas_dbapi.ranges.inference import Inferred, Reason, infer

        skew = int(self._options.clock_skew * SECOND)
        for _ in range(_ROUNDS):
            try:
                service = self._knowledge.current()
            except Error as error:  # a file of the lake, which need not be one of the statement's
                return Reason(f"the views are not known: {error}")
            result = infer(statement, service, now=now, skew=skew)
            if isinstance(result, Inferred):
                return TimeRange(result.begin, result.end, "inferred")
            if not self._knowledge.learn(result, cancellation):
                return result
        return Reason("the statement reads more unknown views than can be learned at once")

    def _check_unbounded(self, statement: Statement, missing: NoTimeRange) -> None:
        """Raise an error or warn, as the options say, if a statement has no range."""
        if self._options.infer_range == "require":
            raise ProgrammingError(
                "infer_range='require', but no time range was given and none can be inferred: "
                f"{missing.reason}; pass begin= or end=, or begin=ALL_TIME to read everything",
                sql=statement.text,
            )
        if self._options.on_unbounded == "ignore" or not (views := full_scans(statement)):
            return
        message = (
            f"the statement reads all of {' and '.join(views)}, because it has no time range: "
            f"{missing.reason}; pass begin= or end=, or begin=ALL_TIME to read everything"
        )
        if self._options.on_unbounded == "error":
            raise ProgrammingError(message, sql=statement.text)
        warnings.warn(message, UnboundedScanWarning, stacklevel=stacklevel())


def _has_bound(levels: Sequence[_Level]) -> bool:
    return any(bound is not None for _, *bounds in levels for bound in bounds)


def _narrowed(given: TimeRange, inferred: TimeRange) -> TimeRange:
    begin, end = max(given.begin, inferred.begin), min(given.end, inferred.end)
    if begin > end or (begin, end) == (given.begin, given.end):
        return given
    return TimeRange(begin, end, f"{given.source}+inferred")
