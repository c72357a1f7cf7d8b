"""Cursor: execute, fetch, description, Arrow hand-over."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from micromegas_dbapi.arrow.handover import consolidated_reader, consolidated_table
from micromegas_dbapi.arrow.rows import Timestamps
from micromegas_dbapi.arrow.type_codes import Column, describe
from micromegas_dbapi.errors import Error, InterfaceError, ProgrammingError
from micromegas_dbapi.result import Result
from micromegas_dbapi.sql.mixed_types import react
from micromegas_dbapi.sql.statement import Parameters, bind, refuse_changes
from micromegas_dbapi.timerange import Bound, NoTimeRange, TimeRange, resolve
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import Request

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from micromegas_dbapi.connection import Connection

__all__ = ["Cursor", "prepared"]


class Cursor:
    """Runs statements and hands out their results, as rows or as Arrow.

    Made by `Connection.cursor`; not for use by several threads at once.

    Attributes
    ----------
    begin, end : Bound
        The time range of this cursor's statements where ``execute`` gives none.
    timestamps : {"datetime", "ns"}
        What timestamps become in rows: datetime, floored to microseconds, or int nanoseconds
        since the epoch.
    arraysize : int
        How many rows `fetchmany` gives by default.
    query_id : str or None
        A UUID that names the last attempt, also in errors; set before anything is sent.
    time_range : TimeRange, NoTimeRange or None
        The range that the last statement was sent with, and where it came from, or, which counts
        as false, why it was sent without one; None before a statement was run.
    """

    def __init__(
        self,
        connection: Connection,
        begin: Bound = None,
        end: Bound = None,
        timestamps: Timestamps = "datetime",
    ) -> None:
        resolve([("cursor", begin, end)], time.time_ns())  # bad bounds fail here, not later
        self.connection = connection
        self.begin = begin
        self.end = end
        self.timestamps = timestamps
        self.arraysize = 1
        self.query_id: str | None = None
        self.time_range: TimeRange | NoTimeRange | None = None
        self._closed = False
        self._pending: list[str] = []
        self._result: Result | None = None
        self._cancellation = Cancellation()

    def _reset(self) -> None:
        """Forget the last result."""
        if self._result is not None:
            self._result.close("the cursor was closed or has run another statement")
        self._result = None

    # -- running -----------------------------------------------------------------------------

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
            With ``?`` markers for a sequence of parameters, ``:name`` markers for a mapping; sent
            byte for byte without parameters.
        parameters : sequence, mapping or None
            See `micromegas_dbapi.sql.literals.literal` for the types.
        begin, end : Bound
            The time range, both ends included. What is not given here is taken from the cursor,
            the connection, the URL, in this order; a bound given nowhere is open. `ALL_TIME` as
            ``begin`` asks for no range at all. Where nothing is given, the range is inferred from
            the statement if that cannot change the result; see `time_range`.

        Returns
        -------
        Cursor
            This cursor, so that a fetch can follow in the same expression.

        Raises
        ------
        ProgrammingError
            If statement, parameters or bounds are wrong.
        NotSupportedError
            If the statement would change something; nothing is sent then.
        DatabaseError
            What the service reports, or the way to it.
        """
        self._open()
        self._pending = []
        return self._run(prepared(sql, parameters), begin, end)

    def executemany(
        self,
        sql: str,
        seq_of_parameters: Iterable[Any],
        *,
        begin: Bound = None,
        end: Bound = None,
    ) -> Cursor:
        """Run a statement with the first of several sets of parameters.

        All sets are rendered at once, so that a bad one fails before anything is sent. The result
        of the first is there to be fetched; `nextset` runs the statement with the next one.

        Parameters
        ----------
        sql, begin, end
            As for `execute`.
        seq_of_parameters : iterable of sequences or mappings
        """
        self._open()
        texts = [prepared(sql, parameters) for parameters in seq_of_parameters]
        self._reset()
        self._pending = texts[1:]
        self._range = (begin, end)
        return self._run(texts[0], begin, end) if texts else self

    def nextset(self) -> bool | None:
        """Go on to the next of the results that `executemany` asked for.

        Returns
        -------
        True, or None if there are no more.
        """
        self._open()
        if not self._pending:
            self._reset()
            return None
        self._run(self._pending.pop(0), *self._range)
        return True

    def _run(self, sql: str, begin: Bound, end: Bound) -> Cursor:
        self._reset()
        self.query_id = str(uuid.uuid4())
        self.time_range = None
        self._cancellation = Cancellation()
        try:
            transport = self.connection._transport_in_use()
            react(sql, self.connection._on_mixed_types, self.query_id)
            chosen = self.time_range = self._chosen(sql, begin, end)
            sent = chosen if isinstance(chosen, TimeRange) else None
            request = Request(sql, sent, self.query_id, self._cancellation)
            reader = transport.run(request)
        except Error as error:
            error.sql = error.sql or sql
            error.query_id = error.query_id or self.query_id
            raise
        self._result = Result(reader, self.timestamps, self.query_id, request.cancellation)
        return self

    def _chosen(self, sql: str, begin: Bound, end: Bound) -> TimeRange | NoTimeRange:
        return self.connection._ranges.choose(
            sql,
            [("execute", begin, end), ("cursor", self.begin, self.end)],
            self.query_id or str(uuid.uuid4()),
            self._cancellation,
        )

    def cancel(self) -> None:
        """Stop the statement that runs, or whose result is being read; from any thread.

        Returns at once. The thread that waits for it gets an OperationalError, as does every
        later fetch of what was not read yet; the cursor can be used again. An extension of PEP 249.
        """
        self._cancellation.cancel("the query was cancelled")

    def describe(self, sql: str, parameters: Parameters = None) -> tuple[Column, ...]:
        """Tell the columns of a statement's result without computing it; an extension of PEP 249.

        The result that the cursor holds stays as it is.

        Parameters
        ----------
        sql, parameters
            As for `execute`.

        Returns
        -------
        tuple of Column
            As `description`.

        Raises
        ------
        DatabaseError
            As `execute` does; what only computing would find is not found.
        """
        self._open()
        text, query_id = prepared(sql, parameters), str(uuid.uuid4())
        try:
            transport = self.connection._transport_in_use()
            return describe(transport.schema(Request(text, None, query_id)))
        except Error as error:
            error.sql = error.sql or text
            error.query_id = error.query_id or query_id
            raise

    # -- what came back ----------------------------------------------------------------------

    @property
    def description(self) -> tuple[Column, ...] | None:
        """The columns of the result, seven items each; None before a statement was run."""
        return None if self._result is None else describe(self._result.schema)

    @property
    def rowcount(self) -> int:
        """The number of rows, once all have been fetched; -1 before, since results stream."""
        return -1 if self._result is None else self._result.total

    @property
    def rownumber(self) -> int | None:
        """The index of the next row, from 0; None where there is no result fetched as rows."""
        return None if self._result is None else self._result.rownumber

    def _fetching(self) -> Result:
        if self._result is not None:
            return self._result
        self._open()
        raise InterfaceError("there is no result to fetch: call execute() first")

    # -- rows --------------------------------------------------------------------------------

    def fetchone(self) -> tuple[Any, ...] | None:
        """Give the next row, or None after the last.

        Returns
        -------
        tuple or None
            One value a column: str, int, float, bool, bytes, None, Decimal, date, time,
            timedelta, list, dict; timestamps as `timestamps` says.

        Raises
        ------
        InterfaceError
            If there is no result, or it was handed over as Arrow.
        DatabaseError
            If the result broke off; every later fetch raises the same error.
        """
        result = self._result or self._fetching()  # no call more than needed for each row
        return next(result.rows, None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Give up to `size` rows (`arraysize` by default), an empty list after the last."""
        count = self.arraysize if size is None else size
        if count < 0:
            raise ProgrammingError(f"size={count} rows cannot be fetched; accepted: 0 and more")
        result = self._fetching()
        return result.collect(islice(result.rows, count))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give all remaining rows; see `fetchone` for the values and errors."""
        result = self._fetching()
        return result.collect(result.rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._fetching().rows

    def __next__(self) -> tuple[Any, ...]:
        return next(self._fetching().rows)

    # -- Arrow -------------------------------------------------------------------------------

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        """Hand the result over as a stream of Arrow record batches; an extension of PEP 249.

        Returns
        -------
        pyarrow.RecordBatchReader
            Lazy; an error in mid-stream is raised by whoever reads it, again at every try. The
            dictionaries of a batch hold each value once; they differ from batch to batch.

        Raises
        ------
        InterfaceError
            If there is no result, or part of it was fetched already.
        """
        return consolidated_reader(self._fetching().reader())

    def fetch_arrow_table(self) -> pa.Table:
        """Give the whole result as a table; an extension of PEP 249.

        Returns
        -------
        pyarrow.Table
            With the types of the wire: dictionaries, nanoseconds and zones kept. A column has one
            dictionary, which holds each value once; several if its keys cannot count all values.
        """
        result = self._fetching()
        table = consolidated_table(result.reader())
        result.total = table.num_rows
        return table

    def fetch_df(self) -> pd.DataFrame:
        """Give the whole result as a pandas DataFrame; an extension of PEP 249.

        Returns
        -------
        pandas.DataFrame
            Timestamps in nanoseconds, dictionaries as categories, duplicate names kept.

        Raises
        ------
        NotSupportedError
            If pandas is not installed.
        """
        from micromegas_dbapi.arrow.pandas_frames import (
            to_pandas,  # without pandas, nothing is consumed
        )

        return to_pandas(self.fetch_arrow_table())

    def fetch_polars(self) -> pl.DataFrame:
        """Give the whole result as a polars DataFrame; an extension of PEP 249.

        Raises
        ------
        NotSupportedError
            If polars is not installed.
        DataError
            If polars cannot hold the result, for example two columns of one name.
        """
        from micromegas_dbapi.arrow.polars_frames import (  # without polars, likewise
            check_names,
            to_polars,
        )

        check_names(self._fetching().schema.names)
        return to_polars(self.fetch_arrow_table())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.fetch_record_batch().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._fetching().schema.__arrow_c_schema__()

    # -- the rest of PEP 249 -------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the result; the cursor is unusable afterwards. May be called again."""
        self._reset()
        self._pending = []
        self._closed = True

    def setinputsizes(self, sizes: object) -> None:
        """Do nothing: values carry their own types."""

    def setoutputsize(self, size: object, column: object = None) -> None:
        """Do nothing: values come whole."""

    def _open(self) -> None:
        if self._closed:
            raise InterfaceError("the cursor is closed")

    def __enter__(self) -> Cursor:
        self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def prepared(sql: str, parameters: Parameters) -> str:
    """Check a statement and give the text to send."""
    if not isinstance(sql, str):
        raise ProgrammingError(f"the statement is of type {type(sql).__name__}; accepted: str")
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise ProgrammingError(
            f"the statement has a lone surrogate at character {error.start + 1}, which UTF-8 "
            "does not have"
        ) from None
    refuse_changes(sql)
    return bind(sql, parameters)
