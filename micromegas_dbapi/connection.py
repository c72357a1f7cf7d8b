"""Connection: create cursors, choose time ranges, close."""

from __future__ import annotations

import sys
import warnings
from typing import NoReturn

from micromegas_dbapi import errors
from micromegas_dbapi.arrow.rows import Timestamps
from micromegas_dbapi.connection_state import ConnectionState, check_row_factory, refuse_copy
from micromegas_dbapi.cursor import Cursor, prepare_sql
from micromegas_dbapi.query import Query
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.row_factories import RowFactory
from micromegas_dbapi.service import Service
from micromegas_dbapi.sql.mixed_types import Reaction
from micromegas_dbapi.sql.parameters import Parameters
from micromegas_dbapi.timerange import Bound, NoTimeRange, TimeRange
from micromegas_dbapi.transport.protocol import NO_LIMITS, Limits, Transport

__all__ = ["Connection"]


class Connection:
    """A connection to a service or a lake. Threads may share it, each with its own cursor.

    Created by `connect`. It has the exceptions of PEP 249 as attributes. As a context manager it
    closes itself at the end of the block. A connection that is garbage-collected without having
    been closed issues a `ResourceWarning`, and what it holds is released.

    Parameters
    ----------
    transport : Transport
        Closed with the connection.
    ranges : Ranges
        Chooses the time range of each statement.
    timestamps : {"datetime", "ns"}
        What timestamps become in rows.
    on_mixed_types : {"ignore", "warn", "error"}
        What to do about a statement that mixes types.
    limits : Limits
        Of the size of each result.
    row_factory : {"tuple", "namedtuple", "dict"}
        What a row is.

    Raises
    ------
    ProgrammingError
        If `timestamps` or `row_factory` has another value.
    """

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(
        self,
        transport: Transport,
        ranges: Ranges,
        timestamps: Timestamps,
        on_mixed_types: Reaction = "ignore",
        limits: Limits = NO_LIMITS,
        row_factory: RowFactory | type = "tuple",
    ) -> None:
        self._state = ConnectionState(
            transport, ranges, timestamps, on_mixed_types, limits, row_factory
        )

    @property
    def row_factory(self) -> RowFactory:
        """What a row is: "tuple", "namedtuple" or "dict". Setting it affects later cursors.

        Raises
        ------
        ProgrammingError
            If it is set to another value.
        """
        return self._state.row_factory

    @row_factory.setter
    def row_factory(self, value: RowFactory | type) -> None:
        self._state.row_factory = check_row_factory(value)

    @property
    def transport(self) -> Transport:
        """The open transport, for other modules of this package.

        Raises
        ------
        InterfaceError
            If the connection is closed.
        """
        return self._state.transport

    @property
    def service(self) -> Service:
        """Kind and version of the service; fetched on first access, and again when doubtful.

        They are doubtful after five minutes, or if a statement has failed.

        Raises
        ------
        DatabaseError
            If the service cannot be reached; the next access tries again.
        """
        self._state.check_open()
        return self._state.ranges.service()

    def fetch_service(self) -> Service:
        """Fetch kind, version and views of the service anew; an extension of PEP 249.

        Everything else that the driver has learned of it is forgotten, such as the time columns of
        views. Call this after an upgrade of the service.

        Returns
        -------
        Service
            What `service` returns from now on.

        Raises
        ------
        InterfaceError
            If the connection is closed.
        DatabaseError
            If the service cannot be reached.
        """
        self._state.check_open()
        return self._state.ranges.service(anew=True)

    def time_range(
        self, sql: str, parameters: Parameters = None, *, begin: Bound = None, end: Bound = None
    ) -> TimeRange | NoTimeRange:
        """Return the time range that a statement would be sent with; an extension of PEP 249.

        The statement is not run. If it reads a view that is not known yet, the driver may query
        the service for the time columns of that view.

        Parameters
        ----------
        sql : str
            As for `Cursor.execute`.
        parameters : sequence, mapping or None
            As for `Cursor.execute`.
        begin, end : Bound
            As for `Cursor.execute`.

        Returns
        -------
        TimeRange or NoTimeRange
            With its source, or the reason why there is none.

        Raises
        ------
        ProgrammingError
            If the statement, the parameters or the bounds are wrong.
        InterfaceError
            If the connection is closed.
        """
        self._state.check_open()
        with self._state.running(Query(prepare_sql(sql, parameters))) as query:
            levels = [("execute", begin, end)]
            return self._state.ranges.choose(
                query.statement, levels, query.query_id, query.cancellation
            )

    def explicit_range(self, *, begin: Bound = None, end: Bound = None) -> TimeRange | None:
        """Return the time range that is set here, on the connection or in its URL.

        Nothing is inferred from a statement. An extension of PEP 249.

        Parameters
        ----------
        begin, end : Bound
            As for `Cursor.execute`.

        Returns
        -------
        TimeRange or None
            None if no bound is set.

        Raises
        ------
        ProgrammingError
            If the bounds are wrong.
        """
        return self._state.ranges.given([("execute", begin, end)])

    def cursor(
        self,
        *,
        begin: Bound = None,
        end: Bound = None,
        timestamps: Timestamps | None = None,
        row_factory: RowFactory | type | None = None,
    ) -> Cursor:
        """Create a cursor.

        Parameters
        ----------
        begin, end : Bound
            The time range of its statements. A bound that is not set is taken from the
            connection.
        timestamps : {"datetime", "ns"}, optional
            What timestamps become in rows; by default as the connection has it.
        row_factory : {"tuple", "namedtuple", "dict"}, optional
            What a row is; by default as the connection has it.

        Returns
        -------
        Cursor
            Open, without a result.

        Raises
        ------
        ProgrammingError
            If the bounds, `timestamps` or `row_factory` are wrong.
        InterfaceError
            If the connection is closed.
        """
        self._state.check_open()
        return Cursor(self, self._state, begin, end, timestamps, row_factory)

    def execute(
        self, sql: str, parameters: Parameters = None, *, begin: Bound = None, end: Bound = None
    ) -> Cursor:
        """Run a statement on a new cursor; an extension of PEP 249.

        Parameters
        ----------
        sql : str
            As for `Cursor.execute`.
        parameters : sequence, mapping or None
            As for `Cursor.execute`.
        begin, end : Bound
            As for `Cursor.execute`.

        Returns
        -------
        Cursor
            The new cursor, with the result.

        Raises
        ------
        ProgrammingError, NotSupportedError, InterfaceError, DatabaseError
            As for `Cursor.execute`.
        """
        return self.cursor().execute(sql, parameters, begin=begin, end=end)

    def commit(self) -> None:
        """Do nothing: a read-only service has no transactions.

        Raises
        ------
        InterfaceError
            If the connection is closed.
        """
        self._state.check_open()

    def rollback(self) -> None:
        """Do nothing: a read-only service has no transactions.

        Raises
        ------
        InterfaceError
            If the connection is closed.
        """
        self._state.check_open()

    def close(self) -> None:
        """Close the connection. Calling it again has no effect.

        Its cursors cannot be used any more, and statements that other threads are running are
        cancelled.
        """
        self._state.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy("a connection", "its URL and options, and call connect() with them")

    def __enter__(self) -> Connection:
        self._state.check_open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Takes no lock, because any thread may run the garbage collector at any time. What the
        # transport holds is released with the last reference to it: a reader that was handed over
        # may still use a part of it.
        state = getattr(self, "_state", None)  # None if __init__ failed
        if state is not None and not state.closed and not sys.is_finalizing():
            message = f"unclosed {self!r}: use `with`, or call close()"
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)
