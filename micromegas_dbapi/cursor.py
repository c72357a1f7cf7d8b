"""Cursor: run statements and fetch their results."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NoReturn

from micromegas_dbapi.arrow.polars_registry import register_with_polars
from micromegas_dbapi.arrow.rows import Timestamps
from micromegas_dbapi.arrow.type_codes import Column, describe
from micromegas_dbapi.connection_state import (
    ConnectionState,
    check_row_factory,
    check_timestamps,
    refuse_copy,
)
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.fetch_methods import FetchMethods
from micromegas_dbapi.query import Query, State
from micromegas_dbapi.result import Result
from micromegas_dbapi.row_factories import RowFactory
from micromegas_dbapi.sql.mixed_types import react
from micromegas_dbapi.sql.parameters import Parameters, bind
from micromegas_dbapi.sql.refusal import refuse_changes
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import Bound, NoTimeRange, TimeRange, resolve
from micromegas_dbapi.transport.limits import limited

__all__ = ["Cursor", "prepare_sql"]


class Cursor(FetchMethods):
    """Run statements and fetch their results, as rows or as Arrow.

    Created by `Connection.cursor`. Threads must not share a cursor.

    Parameters
    ----------
    connection : Connection
        Kept as an attribute only; what the cursor uses is in `state`.
    state : ConnectionState
        The transport and the settings of the connection.
    begin, end : Bound
        The time range of this cursor's statements.
    timestamps : {"datetime", "ns"}, optional
        By default as the connection has it.
    row_factory : {"tuple", "namedtuple", "dict"}, optional
        By default as the connection has it.

    Attributes
    ----------
    connection : Connection
        The connection that created this cursor.
    begin, end : Bound
        The time range of this cursor's statements, unless ``execute`` is given one.
    timestamps : {"datetime", "ns"}
        What timestamps become in rows: datetime, rounded down to microseconds, or int nanoseconds
        since the epoch.
    query_id : str or None
        A UUID that identifies the last attempt, also in errors; set before anything is sent.
    time_range : TimeRange, NoTimeRange or None
        The range that the last statement was sent with and its source, or, as a false value, the
        reason why it was sent without one; None before a statement is executed.

    Raises
    ------
    ProgrammingError
        If the bounds, `timestamps` or `row_factory` are wrong.
    """

    def __init__(
        self,
        connection: Any,
        state: ConnectionState,
        begin: Bound = None,
        end: Bound = None,
        timestamps: Timestamps | None = None,
        row_factory: RowFactory | type | None = None,
    ) -> None:
        super().__init__(state)
        resolve([("cursor", begin, end)], time.time_ns())  # report bad bounds here, not later
        self.connection = connection
        self.begin = begin
        self.end = end
        self.timestamps = state.timestamps if timestamps is None else check_timestamps(timestamps)
        self.row_factory = state.row_factory if row_factory is None else row_factory
        self.query_id: str | None = None
        self.time_range: TimeRange | NoTimeRange | None = None
        self._pending: list[Statement] = []  # the statements that nextset() runs
        self._pending_range: tuple[Bound, Bound] = (None, None)
        self._query: Query | None = None
        self._running: dict[str, Query] = {}  # by "query", the one that `_run` runs

    @property
    def row_factory(self) -> RowFactory:
        """What a row is: "tuple", "namedtuple" or "dict". Setting it affects later statements.

        Raises
        ------
        ProgrammingError
            If it is set to another value.
        """
        return self._row_factory

    @row_factory.setter
    def row_factory(self, value: RowFactory | type) -> None:
        self._row_factory = check_row_factory(value)

    def execute(
        self,
        sql: str,
        parameters: Parameters = None,
        *,
        begin: Bound = None,
        end: Bound = None,
    ) -> Cursor:
        """Run a statement.

        Parameters
        ----------
        sql : str
            With ``?`` placeholders for a sequence of parameters, ``:name`` placeholders for a
            mapping. Without parameters it is sent byte for byte.
        parameters : sequence, mapping or None
            See `micromegas_dbapi.sql.literals.literal` for the types.
        begin, end : Bound
            The time range, both bounds inclusive. A bound that is not set here is taken from the
            cursor, the connection or the URL, in this order; a bound that is set nowhere is open.
            `ALL_TIME` as ``begin`` sends no range at all. If no bound is set, the range is
            inferred from the statement if that cannot change the result; see `time_range`.

        Returns
        -------
        Cursor
            This cursor, so that a fetch can follow in the same expression.

        Raises
        ------
        ProgrammingError
            If the statement, the parameters or the bounds are wrong.
        NotSupportedError
            If the statement would change something. Nothing is sent then.
        InterfaceError
            If the cursor or its connection is closed.
        DatabaseError
            If the service reports an error or cannot be reached.
        """
        self._check_open()
        register_with_polars()
        self._pending = []
        return self._run(prepare_sql(sql, parameters), begin, end)

    def executemany(
        self,
        sql: str,
        seq_of_parameters: Iterable[Any],
        *,
        begin: Bound = None,
        end: Bound = None,
    ) -> Cursor:
        """Run a statement with the first of several sets of parameters.

        All sets are checked before anything is sent. The result of the first set can be fetched
        at once; `nextset` runs the statement with the next one.

        Parameters
        ----------
        sql : str
            As for `execute`.
        seq_of_parameters : iterable of sequences or mappings
            One item for each execution.
        begin, end : Bound
            As for `execute`.

        Returns
        -------
        Cursor
            This cursor.

        Raises
        ------
        ProgrammingError, NotSupportedError, InterfaceError, DatabaseError
            As for `execute`.
        """
        self._check_open()
        template = prepare_sql(sql, None)
        statements = [bind(template, parameters) for parameters in seq_of_parameters]
        self._drop_result()
        self._pending = statements[1:]
        self._pending_range = (begin, end)
        return self._run(statements[0], begin, end) if statements else self

    def nextset(self) -> bool | None:
        """Run the statement of `executemany` with the next set of parameters.

        Returns
        -------
        bool or None
            True, or None if there are no more sets.

        Raises
        ------
        InterfaceError, DatabaseError
            As for `execute`.
        """
        self._check_open()
        if not self._pending:
            self._drop_result()
            return None
        self._run(self._pending.pop(0), *self._pending_range)
        return True

    def _run(self, statement: Statement, begin: Bound, end: Bound) -> Cursor:
        query = Query(statement, self._state.limits)
        try:
            # One thread only succeeds, without a lock that an interrupt could leave locked.
            if self._running.setdefault("query", query) is not query:
                raise ProgrammingError(
                    "the cursor is running another statement: use a cursor for each thread",
                    sql=statement.text,
                    retryable=False,
                )
            self._drop_result()
            self._query, self.query_id, self.time_range = query, query.query_id, None
            with self._state.running(query):
                self._check_open()  # from here on, `close` in another thread closes the query
                react(statement, self._state.on_mixed_types, query.query_id)
                levels = [("execute", begin, end), ("cursor", self.begin, self.end)]
                query.time_range = self.time_range = self._state.ranges.choose(
                    statement, levels, query.query_id, query.cancellation
                )
                request = query.request()
                query.answer(limited(self._state.transport.run(request), request))
                self._result = Result(query, self.timestamps, self._row_factory)
        finally:
            if self._running.get("query") is query:
                self._running.clear()
        return self

    def cancel(self) -> None:
        """Stop the statement that is running or whose result is being read; from any thread.

        Returns at once. The thread that waits for the statement gets an OperationalError, and so
        does every later fetch of rows that were not read yet. The cursor can be used again. An
        extension of PEP 249.
        """
        if self._query is not None:
            self._query.cancel()

    def describe(self, sql: str, parameters: Parameters = None) -> tuple[Column, ...]:
        """Return the columns of a statement's result without running it; an extension of PEP 249.

        The current result of the cursor is not affected.

        Parameters
        ----------
        sql : str
            As for `execute`.
        parameters : sequence, mapping or None
            As for `execute`.

        Returns
        -------
        tuple of Column
            As `description`.

        Raises
        ------
        ProgrammingError, NotSupportedError, InterfaceError, DatabaseError
            As for `execute`, except for errors that only running the statement would cause.
        """
        self._check_open()
        with self._state.running(Query(prepare_sql(sql, parameters))) as query:
            schema = self._state.transport.schema(query.request())
            query.finish()
            return describe(schema)

    def setinputsizes(self, sizes: object) -> None:
        """Do nothing: values carry their own types.

        Parameters
        ----------
        sizes : object
            Ignored.
        """

    def setoutputsize(self, size: object, column: object = None) -> None:
        """Do nothing: values are always fetched in full.

        Parameters
        ----------
        size : object
            Ignored.
        column : object
            Ignored.
        """

    def close(self) -> None:
        """Close the cursor and release its result. Calling it again has no effect.

        A statement that another thread is running on it is cancelled.
        """
        self._closed = True
        if self._query is not None and self._query.state is State.RUNNING:
            self._query.close("the cursor was closed while its statement ran")
        self._drop_result()
        self._pending = []

    def _drop_result(self) -> None:
        if self._result is not None:
            self._result.close("the cursor was closed or has run another statement")
        self._result = None

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy("a cursor", "its rows, or the statement and its parameters")

    def __enter__(self) -> Cursor:
        self._check_open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def prepare_sql(sql: str, parameters: Parameters) -> Statement:
    """Check a statement, insert its parameters and return the statement to send.

    Parameters
    ----------
    sql : str
        As for `Cursor.execute`.
    parameters : sequence, mapping or None
        As for `Cursor.execute`.

    Returns
    -------
    Statement
        With the final SQL.

    Raises
    ------
    ProgrammingError
        If the statement or a parameter is wrong.
    NotSupportedError
        If the statement would change something.
    """
    statement = Statement(sql)
    refuse_changes(statement)
    return bind(statement, parameters)
