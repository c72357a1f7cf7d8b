"""Fetch and cache what range inference must know of the service behind a connection."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from micromegas_dbapi.errors import Error, OperationalError
from micromegas_dbapi.service import Service
from micromegas_dbapi.service.catalog import TimeColumns
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import NoRows, Request, Transport

if TYPE_CHECKING:
    from micromegas_dbapi.ranges.inference import UnknownView

__all__ = ["ServiceKnowledge"]


class ServiceKnowledge:
    """Kind, version and time columns of a service. Safe to use from several threads.

    Parameters
    ----------
    transport : Transport
        The transport that queries the service.
    declared : mapping of str to TimeColumns
        The time columns of views that the user has declared.

    Attributes
    ----------
    fetched : bool
        Whether the service has reported its version.
    """

    def __init__(self, transport: Transport, declared: Mapping[str, TimeColumns]) -> None:
        self._transport = transport
        self._declared = declared
        self._fetch_lock = threading.Lock()  # held while the service is queried
        self._update_lock = threading.Lock()  # held for a moment only
        self._service: Service | None = None
        self._stamp: object = None
        self.fetched = False

    def fetch(self, *, anew: bool = False) -> Service:
        """Fetch kind and version from the service, once.

        Parameters
        ----------
        anew : bool, default False
            Fetch them even if they are known.

        Returns
        -------
        Service
            With the time columns known so far.

        Raises
        ------
        DatabaseError
            If the service cannot be queried. The next call tries again.
        """
        with self._fetch_lock:
            known = self.current()
            if anew or not self.fetched:
                self._update(self._transport.service(), known.time_columns)
                self.fetched = True
        return self.current()

    def current(self) -> Service:
        """Return what is known so far, without a query.

        The files of a lake are looked at each time. If one has changed, nothing of what was known
        before is used: stale time columns would lose rows.

        Returns
        -------
        Service
            Before `fetch`, what the URL shows of the service.
        """
        stamp = self._transport.stamp()
        with self._update_lock:
            if self._service is None or stamp != self._stamp:
                presumed = self._transport.presumed()
                columns = {**presumed.time_columns, **self._declared}
                self._service = replace(presumed, time_columns=columns)
                self._stamp, self.fetched = stamp, False
            return self._service

    def fetch_time_columns(self, view: UnknownView, cancellation: Cancellation) -> None:
        """Fetch the time columns of a view, by the plan of a query on it.

        An error must not fail the user's own statement: if the service is unavailable, the next
        statement tries again; after any other error the view has no known time columns.

        Parameters
        ----------
        view : UnknownView
            The view, as a statement names it.
        cancellation : Cancellation
            Cancels the query.
        """
        from micromegas_dbapi.service.plan_filters import PLAN, SENTINEL, filter_columns

        sql = PLAN.format(view.relation)
        request = Request(sql, SENTINEL, str(uuid.uuid4()), cancellation)
        columns: TimeColumns | None = None
        try:
            result = self._transport.run(request)
            plan = (result.reader() if isinstance(result, NoRows) else result).read_all()
            columns = filter_columns(plan)
        except OperationalError:
            return
        except (Error, pa.ArrowException):
            pass
        self._update(None, {view.view: columns})

    def _update(self, service: Service | None, columns: Mapping[str, TimeColumns | None]) -> None:
        with self._update_lock:
            known = service or self._service
            assert known is not None
            self._service = replace(known, time_columns={**known.time_columns, **columns})
