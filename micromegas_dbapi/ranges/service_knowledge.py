"""Learn what range inference must know of the service behind a connection."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from micromegas_dbapi.errors import Error
from micromegas_dbapi.service import Service
from micromegas_dbapi.service.catalog import TimeColumns
from micromegas_dbapi.service.knowledge import Clock, Fact, Facts
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import NoRows, Request, Transport

if TYPE_CHECKING:
    from micromegas_dbapi.ranges.inference import Reason, UnknownView

__all__ = ["ServiceKnowledge"]

_T = TypeVar("_T")
_MAX_VIEWS = 256


class ServiceKnowledge:
    """Kind, version and time columns of a service. Safe to use from several threads.

    Outdated knowledge would lose rows. See `micromegas_dbapi.service.knowledge` for what makes it
    doubtful.

    Parameters
    ----------
    transport : Transport
        The transport that queries the service.
    declared : mapping of str to TimeColumns
        The time columns of views that the user has declared.
    clock : callable
        As for `Fact`.
    """

    def __init__(
        self,
        transport: Transport,
        declared: Mapping[str, TimeColumns],
        clock: Clock = time.monotonic,
    ) -> None:
        self._transport = transport
        self._declared = declared
        self._clock = clock
        self._presumed: Fact[Service] = Fact(math.inf, clock)  # only its stamp tells
        self._fetched: Fact[Service] = Fact(clock=clock)
        self._columns: Facts[str, TimeColumns | None] = Facts(_MAX_VIEWS, clock)
        self._latest: tuple[Service, Service] | None = None

    def fetch(self, *, anew: bool = False) -> Service:
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
        if anew:  # what another thread is learning now does not count either
            self._fetched = Fact(clock=self._clock)
            self._columns.clear()
        stamp = self._transport.stamp()
        return self._with_columns(self._fetched.learn(self._transport.service, stamp).value, stamp)

    def current(self) -> Service:
        """Return what is known, without a query.

        The files of a lake are looked at each time.

        Returns
        -------
        Service
            If its version is not known, what the URL shows of the service.
        """
        stamp = self._transport.stamp()
        known = self._fetched.current(stamp)
        if known is None:
            known = self._presumed.learn(self._transport.presumed, stamp)
        return self._with_columns(known.value, stamp)

    def learn(self, missing: Reason, cancellation: Cancellation) -> bool:
        """Query the service for what a statement's range could not be inferred without.

        An error must not fail the user's own statement, which will report it. Then nothing is
        learned, and the next statements do without for a short while.

        Parameters
        ----------
        missing : Reason
            Why there is no range.
        cancellation : Cancellation
            Cancels the queries.

        Returns
        -------
        bool
            Whether something was learned, so that there may be a range now.
        """
        stamp = self._transport.stamp()
        if missing.needs_version and self._fetched.current(stamp) is None:
            ask = partial(self._transport.service, cancellation)
            return self._try(self._fetched, ask, stamp, cancellation)
        tried = [
            self._try(
                self._columns[view.view],
                partial(self._fetch_time_columns, view, cancellation),
                *(stamp, cancellation),
            )
            for view in missing.unknown
        ]
        return any(tried)

    def doubt(self) -> None:
        """Doubt all that was learned, because a statement has failed."""
        self._fetched.doubt()
        self._columns.doubt()

    def _try(
        self, fact: Fact[_T], ask: Callable[[], _T], stamp: object, cancellation: Cancellation
    ) -> bool:
        def is_cancelled() -> bool:
            return cancellation.why is not None

        def ask_or_pause() -> _T:
            try:
                return ask()
            except (Error, pa.ArrowException):
                if not is_cancelled():
                    fact.pause()
                raise

        try:
            return fact.learn_unless_paused(ask_or_pause, stamp, is_cancelled)
        except (Error, pa.ArrowException):
            return False

    def _fetch_time_columns(
        self, view: UnknownView, cancellation: Cancellation
    ) -> TimeColumns | None:
        """Fetch the time columns of a view, by the plan of a query on it."""
        from micromegas_dbapi.service.plan_filters import PLAN, SENTINEL, filter_columns

        sql = PLAN.format(view.relation)
        result = self._transport.run(Request(sql, SENTINEL, str(uuid.uuid4()), cancellation))
        plan = (result.reader() if isinstance(result, NoRows) else result).read_all()
        return filter_columns(plan)

    def _with_columns(self, service: Service, stamp: object) -> Service:
        columns = {**service.time_columns, **self._columns.known(stamp), **self._declared}
        latest = self._latest
        if latest is None or latest[0] is not service or latest[1].time_columns != columns:
            self._latest = latest = service, replace(service, time_columns=columns)
        return latest[1]
