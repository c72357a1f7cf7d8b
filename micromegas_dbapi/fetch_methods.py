"""The fetch methods of a cursor: rows, Arrow and data frames."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from micromegas_dbapi.arrow.handover import consolidated_reader, consolidated_table
from micromegas_dbapi.arrow.type_codes import Column, describe
from micromegas_dbapi.connection_state import ConnectionState
from micromegas_dbapi.errors import Error, InterfaceError, ProgrammingError
from micromegas_dbapi.result import Result

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["FetchMethods"]


class FetchMethods:
    """Base class of `Cursor` with everything that reads the current result.

    Parameters
    ----------
    state : ConnectionState
        A result cannot be read any more once the connection is closed.

    Attributes
    ----------
    arraysize : int
        The number of rows that `fetchmany` returns by default: 1.
    """

    def __init__(self, state: ConnectionState) -> None:
        self.arraysize = 1
        self._state = state
        self._result: Result | None = None
        self._closed = False

    def _check_open(self) -> None:
        if self._closed:
            raise InterfaceError("the cursor is closed")
        self._state.check_open()

    def _current(self) -> Result:
        """Return the result of the last statement, or raise InterfaceError if there is none."""
        self._check_open()
        if self._result is not None:
            return self._result
        raise InterfaceError("there is no result to fetch: call execute() first")

    # -- the result --------------------------------------------------------------------------

    @property
    def description(self) -> tuple[Column, ...] | None:
        """The columns of the result, seven items each; None before a statement is executed."""
        return None if self._result is None else describe(self._result.schema)

    @property
    def rowcount(self) -> int:
        """The number of rows, once all are fetched; -1 before, because results are streamed."""
        return -1 if self._result is None else self._result.total

    @property
    def rownumber(self) -> int | None:
        """The index of the next row, from 0; None if there is no result or it is read as Arrow."""
        return None if self._result is None else self._result.rownumber

    # -- rows --------------------------------------------------------------------------------

    def fetchone(self) -> Any:
        """Return the next row, or None after the last.

        Returns
        -------
        tuple, namedtuple, dict or None
            As `Cursor.row_factory` says. One value per column: str, int, float, bool, bytes, None,
            Decimal, date, time, timedelta, list, dict; timestamps as `Cursor.timestamps` says.

        Raises
        ------
        InterfaceError
            If there is no result, or it was fetched as Arrow.
        DatabaseError
            If the result ends early; every later fetch raises the same error.
        """
        result = self._result
        if result is None or self._state.closed:  # no extra call per row
            result = self._current()
        try:
            row = next(result.rows, None)
        except Error:
            raise
        except BaseException as error:  # the row may be lost
            raise result.interrupted(error)  # noqa: B904  (the same one, or it has its cause)
        if row is None:
            self._check_open()
        return row

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, an empty list after the last.

        Parameters
        ----------
        size : int, optional
            Maximum number of rows; `arraysize` by default.

        Returns
        -------
        list of tuple, namedtuple or dict
            Values as for `fetchone`.

        Raises
        ------
        ProgrammingError
            If `size`, or `arraysize` in its place, is not an integer or is negative.
        InterfaceError, DatabaseError
            As for `fetchone`.
        """
        name, value = ("arraysize", self.arraysize) if size is None else ("size", size)
        count = _count(name, value)
        result = self._current()
        return result.collect(islice(result.rows, count))

    def fetchall(self) -> list[Any]:
        """Return all remaining rows.

        Returns
        -------
        list of tuple, namedtuple or dict
            Values as for `fetchone`.

        Raises
        ------
        InterfaceError, DatabaseError
            As for `fetchone`.
        """
        result = self._current()
        return result.collect(result.rows)

    def __iter__(self) -> Iterator[Any]:
        return self._current().rows

    def __next__(self) -> Any:
        return next(self._current().rows)

    # -- Arrow and data frames: extensions of PEP 249 ----------------------------------------

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        """Return the result as a stream of Arrow record batches; an extension of PEP 249.

        Returns
        -------
        pyarrow.RecordBatchReader
            Lazy. An error in mid-stream is raised on reading, and again on every later attempt.
            The dictionaries of a batch contain each value once; they differ from batch to batch.

        Raises
        ------
        InterfaceError
            If there is no result, or part of it was already fetched.
        """
        return consolidated_reader(self._current().reader())

    def fetch_arrow_table(self) -> pa.Table:
        """Return the complete result as an Arrow table; an extension of PEP 249.

        Returns
        -------
        pyarrow.Table
            With the types that the service sent: dictionaries, nanoseconds and time zones are
            kept. A column has one dictionary, which contains each value once, or several if its
            index type cannot number all values.

        Raises
        ------
        InterfaceError
            If there is no result, or part of it was already fetched.
        DatabaseError
            If the result ends early.
        """
        return self._current().read_to_end(consolidated_table)

    def fetch_df(self) -> pd.DataFrame:
        """Return the complete result as a pandas DataFrame; an extension of PEP 249.

        Returns
        -------
        pandas.DataFrame
            Timestamps in nanoseconds, dictionaries as categories, duplicate names kept.

        Raises
        ------
        NotSupportedError
            If pandas is not installed. Nothing is fetched then.
        DataError
            If pandas cannot represent a value.
        InterfaceError, DatabaseError
            As for `fetch_arrow_table`.
        """
        # raises before anything is read
        from micromegas_dbapi.arrow.pandas_frames import to_pandas

        return to_pandas(self.fetch_arrow_table())

    def fetch_polars(self) -> pl.DataFrame:
        """Return the complete result as a polars DataFrame; an extension of PEP 249.

        Returns
        -------
        polars.DataFrame
            With the types of the Arrow table.

        Raises
        ------
        NotSupportedError
            If polars is not installed. Nothing is fetched then.
        DataError
            If polars cannot represent the result, for example two columns of the same name.
        InterfaceError, DatabaseError
            As for `fetch_arrow_table`.
        """
        # raises before anything is read
        from micromegas_dbapi.arrow.polars_frames import check_names, to_polars

        check_names(self._current().schema.names)
        return to_polars(self.fetch_arrow_table())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.fetch_record_batch().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._current().schema.__arrow_c_schema__()


def _count(name: str, value: object) -> int:
    """Return a number of rows, checked."""
    try:
        # Older numpy converts its bool, too.
        boolean = type(value).__name__ in ("bool", "bool_")
        count = -1 if boolean else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        count = -1
    if count < 0:
        raise ProgrammingError(
            f"{name}={value!r} rows cannot be fetched; accepted: an integer, 0 and more",
            retryable=False,
        )
    return min(count, sys.maxsize)
