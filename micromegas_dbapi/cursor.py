"""Cursor: execute, fetch, description, Arrow hand-over."""

from __future__ import annotations

import operator
import time
import uuid
from collections.abc import Iterable, Iterator
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any, NoReturn

import pyarrow as pa

from micromegas_dbapi import rows
from micromegas_dbapi.errors import (
    DataError,
    Error,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from micromegas_dbapi.statement import Parameters, bind, refuse_changes
from micromegas_dbapi.timerange import Bound, TimeRange, resolve
from micromegas_dbapi.transport import Request
from micromegas_dbapi.typecodes import Column, describe

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from micromegas_dbapi.connection import Connection

__all__ = ["Cursor"]


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
    time_range : TimeRange or None
        The range that the last statement was sent with, and where it came from; None if it was
        sent without one.
    """

    def __init__(
        self,
        connection: Connection,
        begin: Bound = None,
        end: Bound = None,
        timestamps: rows.Timestamps = "datetime",
    ) -> None:
        resolve([("cursor", begin, end)], time.time_ns())  # bad bounds fail here, not later
        self.connection = connection
        self.begin = begin
        self.end = end
        self.timestamps = timestamps
        self.arraysize = 1
        self.query_id: str | None = None
        self.time_range: TimeRange | None = None
        self._closed = False
        self._pending: list[str] = []
        self._reset()

    def _reset(self) -> None:
        """Forget the last result."""
        self._result: pa.RecordBatchReader | None = None
        self._reader: pa.RecordBatchReader | None = None  # the result, until it is consumed
        self._schema: pa.Schema | None = None
        self._rows: Iterator[tuple[Any, ...]] = _Refusal(
            "there is no result to fetch: call execute() first"
        )
        self._begun = False
        self._converted = 0  # rows of the batches that have been converted so far
        self._batch: Iterator[Any] = iter(())  # what is left of the newest of them
        self._total = -1

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
            See `micromegas_dbapi.literals.literal` for the types.
        begin, end : Bound
            The time range, both ends included. What is not given here is taken from the cursor,
            the connection, the URL, in this order; a bound given nowhere is open. `ALL_TIME` as
            ``begin`` asks for no range at all.

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
        return self._run(_prepared(sql, parameters), begin, end)

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
        prepared = [_prepared(sql, parameters) for parameters in seq_of_parameters]
        self._reset()
        self._pending = prepared[1:]
        self._range = (begin, end)
        return self._run(prepared[0], begin, end) if prepared else self

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
        try:
            self.time_range = resolve(
                [
                    ("execute", begin, end),
                    ("cursor", self.begin, self.end),
                    *self.connection._ranges,
                ],
                time.time_ns(),
            )
            transport = self.connection._transport_in_use()
            reader = transport.run(Request(sql, self.time_range, self.query_id))
        except Error as error:
            error.sql = error.sql or sql
            error.query_id = error.query_id or self.query_id
            raise
        self._result = self._reader = reader
        self._schema = reader.schema
        self._rows = chain.from_iterable(self._converted_batches(reader))
        return self

    # -- what came back ----------------------------------------------------------------------

    @property
    def description(self) -> tuple[Column, ...] | None:
        """The columns of the result, seven items each; None before a statement was run."""
        return None if self._schema is None else describe(self._schema)

    @property
    def rowcount(self) -> int:
        """The number of rows, once all have been fetched; -1 before, since results stream."""
        return self._total

    @property
    def rownumber(self) -> int | None:
        """The index of the next row, from 0; None where there is no result fetched as rows."""
        if self._schema is None or (self._reader is None and not self._begun):
            return None
        return self._converted - operator.length_hint(self._batch)

    # -- rows --------------------------------------------------------------------------------

    def _converted_batches(
        self, reader: pa.RecordBatchReader
    ) -> Iterator[Iterator[tuple[Any, ...]]]:
        """Convert one batch after the other, each only when its first row is asked for."""
        self._begun = True
        self._reader = None
        try:
            for batch in reader:
                if self._result is not reader:
                    raise InterfaceError("the cursor was closed or has run another statement")
                columns = [iter(c) for c in rows.columns(batch, self.timestamps)]
                self._converted += batch.num_rows
                self._batch = columns[0] if columns else repeat((), batch.num_rows)
                yield zip(*columns, strict=False) if columns else self._batch
        except Error as error:
            error.query_id = error.query_id or self.query_id
            self._latch(error)
            raise
        except GeneratorExit:
            raise
        except BaseException as error:
            self._latch(error)
            raise
        self._total = self._converted

    def _latch(self, error: BaseException) -> None:
        """From now on fail, since rows are missing: the end of the result was not reached."""
        if not isinstance(error, Error):
            broken = OperationalError(
                "an earlier fetch of this result was interrupted, and rows are lost: execute the "
                "statement again",
                query_id=self.query_id,
                retryable=True,
            )
            broken.__cause__ = error
            error = broken
        self._rows = _Refusal(error)
        self._total = -1

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
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Give up to `size` rows (`arraysize` by default), an empty list after the last."""
        count = self.arraysize if size is None else size
        if count < 0:
            raise ProgrammingError(f"size={count} rows cannot be fetched; accepted: 0 and more")
        return self._list(islice(self._rows, count))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give all remaining rows; see `fetchone` for the values and errors."""
        return self._list(self._rows)

    def _list(self, some: Iterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        try:
            return list(some)
        except Error:
            raise
        except BaseException as error:  # Ctrl-C between batches loses what the list held
            self._latch(error)
            raise

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def __next__(self) -> tuple[Any, ...]:
        return next(self._rows)

    # -- Arrow -------------------------------------------------------------------------------

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        """Hand the result over as a stream of Arrow record batches; an extension of PEP 249.

        Returns
        -------
        pyarrow.RecordBatchReader
            Lazy; an error in mid-stream is raised by whoever reads it, again at every try.

        Raises
        ------
        InterfaceError
            If there is no result, or part of it was fetched already.
        """
        reader = self._reader
        if reader is None:
            if self._schema is None:
                next(self._rows)  # raises: closed, or nothing executed
            how = "as rows" if self._begun else "as Arrow"
            raise InterfaceError(
                f"this result was already fetched {how}; it can be consumed once: execute the "
                "statement again",
                query_id=self.query_id,
            )
        self._reader = None
        self._rows = _Refusal("this result was already fetched as Arrow; execute it again")
        return reader

    def fetch_arrow_table(self) -> pa.Table:
        """Give the whole result as a table; an extension of PEP 249.

        Returns
        -------
        pyarrow.Table
            With the types of the wire: dictionaries, nanoseconds and zones kept.
        """
        reader = self.fetch_record_batch()
        try:
            table = reader.read_all()
        except pa.ArrowException as error:
            raise OperationalError(f"the result cannot be read: {error}") from error
        self._total = table.num_rows
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
        try:
            import pandas as pd
        except ImportError as error:
            raise NotSupportedError(
                "fetch_df() needs pandas: pip install 'micromegas-dbapi[pandas]'"
            ) from error
        table = self.fetch_arrow_table()
        # Looking for equal strings costs more than it saves where pandas keeps objects.
        deduplicate = int(pd.__version__.partition(".")[0]) >= 3
        try:
            frame: pd.DataFrame = table.to_pandas(deduplicate_objects=deduplicate)
        except (pa.ArrowException, ValueError, OverflowError) as error:
            raise DataError(f"pandas cannot hold the result: {error}") from error
        return frame

    def fetch_polars(self) -> pl.DataFrame:
        """Give the whole result as a polars DataFrame; an extension of PEP 249.

        Raises
        ------
        NotSupportedError
            If polars is not installed.
        DataError
            If polars cannot hold the result, for example two columns of one name.
        """
        try:
            import polars as pl
        except ImportError as error:
            raise NotSupportedError(
                "fetch_polars() needs polars: pip install 'micromegas-dbapi[polars]'"
            ) from error
        table = self.fetch_arrow_table()
        try:
            frame = pl.from_arrow(table)
        except (pl.exceptions.PolarsError, pa.ArrowException, ValueError, TypeError) as error:
            raise DataError(f"polars cannot hold the result: {error}") from error
        assert isinstance(frame, pl.DataFrame)
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.fetch_record_batch().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        if self._schema is None:
            next(self._rows)  # raises: closed, or nothing executed
        assert self._schema is not None
        return self._schema.__arrow_c_schema__()

    # -- the rest of PEP 249 -------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the result; the cursor is unusable afterwards. May be called again."""
        self._reset()
        self._pending = []
        self._closed = True
        self._rows = _Refusal("the cursor is closed")

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


def _prepared(sql: str, parameters: Parameters) -> str:
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


class _Refusal(Iterator[Any]):
    """The rows of a cursor that has none to give: every fetch says why."""

    def __init__(self, why: str | Error) -> None:
        self._why = why

    def __next__(self) -> NoReturn:
        raise self._why if isinstance(self._why, Error) else InterfaceError(self._why)
