"""The result of a query as rows, which are consumed once and never silently truncated."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any, NoReturn

import pyarrow as pa

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.arrow.readers import reading_error
from micromegas_dbapi.errors import Error, InterfaceError, ProgrammingError
from micromegas_dbapi.query import Query
from micromegas_dbapi.row_factories import RowFactory, row_maker
from micromegas_dbapi.transport.protocol import NoRows

__all__ = ["Result"]

# Rows to convert at once: Python objects take many times the memory of a batch.
_ROWS = 65_536


class Result:
    """The result of a query.

    Parameters
    ----------
    query : Query
        The query, which is ANSWERED.
    timestamps : {"datetime", "ns"}
        What timestamps become in rows.
    row_factory : {"tuple", "namedtuple", "dict"}
        What a row is.

    Attributes
    ----------
    rows : iterator of tuple, namedtuple or dict
        The remaining rows. Reading the first one decides that the result is consumed as rows.
        After an error it raises the same error again and again: the iterators underneath would
        be exhausted, and a partial result would pass for a complete one.
    """

    def __init__(
        self, query: Query, timestamps: rows.Timestamps, row_factory: RowFactory = "tuple"
    ) -> None:
        self._query = query
        self._position = _Position()
        self._as_arrow = False
        self.rows: Iterator[Any] = chain.from_iterable(
            _Batches(query, timestamps, row_factory, self._position)
        )

    @property
    def schema(self) -> pa.Schema:
        """The columns, also when everything is consumed; may send a request to the service."""
        return self._query.schema

    @property
    def total(self) -> int:
        """The number of rows, once all are consumed; -1 before."""
        return self._position.total

    @property
    def rownumber(self) -> int | None:
        """The index of the next row, from 0; None if the result is consumed as Arrow."""
        return None if self._as_arrow else self._position.index()

    def fail(self, error: BaseException) -> Error:
        """Raise an error from every later fetch, because rows are missing.

        Parameters
        ----------
        error : BaseException
            See `Query.fail`.

        Returns
        -------
        Error
            What later fetches raise.
        """
        latched = self._query.fail(error)
        self.rows = _Failure(latched)
        return latched

    def collect(self, iterator: Iterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Collect rows in a list. An interruption, which loses rows, is latched.

        Parameters
        ----------
        iterator : iterator of tuple
            `rows` of this result, or a part of it.

        Returns
        -------
        list of tuple
            All rows of the iterator.
        """
        try:
            return list(iterator)
        except Error:
            raise
        except BaseException as error:
            raise self.interrupted(error)  # noqa: B904  (the same one, or it has its cause)

    def interrupted(self, error: BaseException) -> BaseException:
        """End the result with an error that is not one of this driver.

        Parameters
        ----------
        error : BaseException
            See `Query.fail`.

        Returns
        -------
        BaseException
            What to raise: an OperationalError if memory is exhausted, or else the same error.
        """
        failure = reading_error(error)
        latched = self.fail(failure or error)
        return error if failure is None else latched

    def reader(self) -> pa.RecordBatchReader:
        """Return the complete result as a stream of record batches.

        Returns
        -------
        pyarrow.RecordBatchReader
            Lazy.

        Raises
        ------
        InterfaceError
            If any of it is already consumed.
        """
        self.schema  # noqa: B018  (of an empty result: may raise, before anything is consumed)
        result = self._query.hand_over()
        if result is None:
            raise _consumed(self._query, "as Arrow" if self._as_arrow else "as rows")
        self._as_arrow = True
        self.rows = _Failure(_consumed(self._query, "as Arrow"))
        return result.reader() if isinstance(result, NoRows) else result

    def read_to_end(self, read: Callable[[pa.RecordBatchReader], pa.Table]) -> pa.Table:
        """Return the complete result as a table.

        Parameters
        ----------
        read : callable
            Reads the result to its end.

        Returns
        -------
        pyarrow.Table
            What `read` returns.

        Raises
        ------
        InterfaceError
            If any of it is already consumed.
        DatabaseError
            If the result ends early.
        """
        reader = self.reader()
        try:
            table = read(reader)
        except Error as error:
            raise self._query.fail(error)  # noqa: B904  (the same one, or that of `cancel`)
        except BaseException as error:
            raise self.interrupted(error)  # noqa: B904  (the same one, or it has its cause)
        self._query.finish()
        self._position.total = table.num_rows
        return table

    def close(self, why: str) -> None:
        """Release the rest of the result. An iterator that is still in use fails at its next batch.

        The query is stopped, unless its result is consumed as Arrow: then the consumer owns it.

        Parameters
        ----------
        why : str
            The message of later errors.
        """
        self._query.close(why)
        self.rows = _Failure(InterfaceError(why))


class _Position:
    """How many rows are consumed."""

    def __init__(self) -> None:
        self.total = -1
        self.done = 0  # rows in the batches that are converted so far
        self.batch: Iterator[Any] = iter(())  # what is left of the last one

    def index(self) -> int:
        return self.done - operator.length_hint(self.batch)


class _Failure(Iterator[Any]):
    """An iterator in place of rows that raises an error at every step.

    Parameters
    ----------
    error : Error
        What each step raises.
    first : BaseException, optional
        What the first step raises instead.
    """

    def __init__(self, error: Error, first: BaseException | None = None) -> None:
        self._error = error
        self._first = first

    def __next__(self) -> NoReturn:
        first, self._first = self._first, None
        raise first or self._error


class _Batches(Iterator[Iterator[tuple[Any, ...]]]):
    """The batches of a query, each converted when its first row is read.

    Errors are rows that raise them. Raised here, they would end the iterator that chains the
    batches at the next step, as if all rows had been read.
    """

    def __init__(
        self,
        query: Query,
        timestamps: rows.Timestamps,
        row_factory: RowFactory,
        position: _Position,
    ) -> None:
        self._query = query
        self._generator = _converted(query, timestamps, row_factory, position)

    def __next__(self) -> Iterator[tuple[Any, ...]]:
        if self._query.error is not None:
            return _Failure(self._query.error)
        try:
            batch = next(self._generator)
        except StopIteration:
            raise
        except BaseException as error:  # also an interrupt, which may have lost a batch on its way
            return self._failed(error)
        return batch

    def _failed(self, error: BaseException) -> _Failure:
        at = error.__traceback__
        if isinstance(error, ValueError) and at is not None and at.tb_next is None:
            # Of next(), not of the generator: another thread is executing it.
            error = ProgrammingError(
                "two threads read from one cursor at the same time, and rows are lost: use a "
                "cursor for each thread",
                retryable=False,
            )
        error = reading_error(error) or error
        latched = self._query.fail(error)
        return _Failure(latched, None if isinstance(error, Error) else error)


def _converted(
    query: Query, timestamps: rows.Timestamps, row_factory: RowFactory, position: _Position
) -> Iterator[Iterator[tuple[Any, ...]]]:
    if not query.claim():
        yield _Failure(query.error or _consumed(query, "as Arrow"))
        return
    while (batch := query.read()) is not None:
        for start in range(0, batch.num_rows, _ROWS):
            part = batch if batch.num_rows <= _ROWS else batch.slice(start, _ROWS)
            columns = [iter(column) for column in rows.columns(part, timestamps)]
            position.done += part.num_rows
            # The iterator of the first column knows how many rows are left.
            position.batch = columns[0] if columns else repeat((), part.num_rows)
            tuples = zip(*columns, strict=False) if columns else position.batch
            if row_factory == "tuple":
                yield tuples
            else:
                yield map(row_maker(row_factory, batch.schema.names), tuples)
    position.total = position.done


def _consumed(query: Query, how: str) -> InterfaceError:
    return InterfaceError(
        f"this result was already fetched {how}; it can be consumed once: execute the statement "
        "again",
        sql=query.sql,
        query_id=query.query_id,
    )
