"""The result of a statement, consumed once, as rows or as Arrow, and never silently truncated."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any, NoReturn

import pyarrow as pa

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.errors import Error, InterfaceError, OperationalError, ProgrammingError
from micromegas_dbapi.transport.protocol import NoRows, Request
from micromegas_dbapi.transport.streams import check_cancelled

__all__ = ["Result"]


class _Failure(Iterator[Any]):
    """An iterator in place of rows that raises an error at every step.

    Parameters
    ----------
    error : str or Error
        A string is the message of an InterfaceError.
    first : BaseException, optional
        What the first step raises instead.
    """

    def __init__(self, error: str | Error, first: BaseException | None = None) -> None:
        self._error = error
        self._first = first

    def __next__(self) -> NoReturn:
        first, self._first = self._first, None
        if first is not None:
            raise first
        raise self._error if isinstance(self._error, Error) else InterfaceError(self._error)


class _Batches(Iterator[Iterator[tuple[Any, ...]]]):
    """The batches of a generator, whose errors are rows that raise them.

    Parameters
    ----------
    generator : generator
        Raises nothing itself.
    shared : callable
        Returns the rows for a thread that comes while another one runs the generator.
    latch : callable
        Returns the rows after an interrupt, which may have lost a batch on its way.
    """

    def __init__(
        self,
        generator: Iterator[Iterator[tuple[Any, ...]]],
        shared: Callable[[], Iterator[Any]],
        latch: Callable[[BaseException], Iterator[Any]],
    ) -> None:
        self._generator = generator
        self._shared = shared
        self._latch = latch

    def __next__(self) -> Iterator[tuple[Any, ...]]:
        try:
            batch = next(self._generator)
        except StopIteration:
            raise
        except ValueError:  # it is executing already
            return self._shared()
        except BaseException as error:
            return self._latch(error)
        return batch


class Result:
    """The result of a statement.

    Parameters
    ----------
    reader : pyarrow.RecordBatchReader or NoRows
        As a transport returns it.
    timestamps : {"datetime", "ns"}
        What timestamps become in rows.
    request : Request
        The request that it answers: for errors, and for its cancellation.

    Attributes
    ----------
    rows : iterator of tuple
        The remaining rows. Reading the first one decides that the result is consumed as rows.
        After an error it raises the same error again and again: the iterators underneath would
        be exhausted, and a partial result would pass for a complete one.
    total : int
        The number of rows, once all are consumed; -1 before.
    """

    def __init__(
        self,
        reader: pa.RecordBatchReader | NoRows,
        timestamps: rows.Timestamps,
        request: Request,
    ) -> None:
        self._source = reader
        self._request = request
        batches = _Batches(self._converted(), self._shared, self.latch)
        self.rows: Iterator[tuple[Any, ...]] = chain.from_iterable(batches)
        self._error: Error | None = None
        self.total = -1
        self._reader: pa.RecordBatchReader | NoRows | None = reader
        self._timestamps = timestamps
        self._closed: str | None = None
        self._as_rows = False
        self._done = 0  # rows in the batches that are converted so far
        self._batch: Iterator[Any] = iter(())  # what is left of the last one

    @property
    def schema(self) -> pa.Schema:
        """The columns, also when everything is consumed; may send a request to the service."""
        return self._source.schema

    @property
    def rownumber(self) -> int | None:
        """The index of the next row, from 0; None if the result is consumed as Arrow."""
        if self._reader is None and not self._as_rows:
            return None
        return self._done - operator.length_hint(self._batch)

    def _converted(self) -> Iterator[Iterator[tuple[Any, ...]]]:
        """Convert the batches, each one when its first row is read."""
        try:
            reader = self._take_reader()
            self._as_rows = True
            batches = iter(() if isinstance(reader, NoRows) else reader)
            while True:
                if self._closed is not None:
                    raise InterfaceError(self._closed)
                if self._error is not None:  # another thread was here meanwhile
                    raise self._error
                check_cancelled(self._request)
                batch = next(batches, None)
                if batch is None:
                    break
                columns = [iter(column) for column in rows.columns(batch, self._timestamps)]
                self._done += batch.num_rows
                # The iterator of the first column knows how many rows are left.
                self._batch = columns[0] if columns else repeat((), batch.num_rows)
                yield zip(*columns, strict=False) if columns else self._batch
        except GeneratorExit:
            raise
        except BaseException as error:
            # Not raised here: an iterator that somebody holds would end at the next step, as if
            # all rows had been read.
            yield self.latch(error)
            return
        self.total = self._done

    def _shared(self) -> Iterator[Any]:
        """Fail every thread that reads: which of them has got which rows is unknown."""
        self._error = ProgrammingError(
            "two threads read from one cursor at the same time, and rows are lost: use a cursor "
            "for each thread",
            retryable=False,
        )
        return self.latch(self._error)

    def latch(self, error: BaseException) -> Iterator[Any]:
        """Raise an error from every later fetch, because rows are missing.

        Parameters
        ----------
        error : BaseException
            An exception that is not of this driver, such as KeyboardInterrupt, becomes the cause
            of an OperationalError.

        Returns
        -------
        iterator
            Raises the error itself, and then what later fetches raise.
        """
        if isinstance(error, Error):
            self.rows = _Failure(self.attribute(error))
            return self.rows
        interrupted = OperationalError(
            "an earlier fetch of this result was interrupted, and rows are lost: execute the "
            "statement again",
            retryable=True,
            **self._request.context,
        )
        interrupted.__cause__ = error
        self.rows = _Failure(interrupted)
        return _Failure(interrupted, first=error)

    def attribute(self, error: Error) -> Error:
        """Add statement and query id to an error that does not have them.

        Parameters
        ----------
        error : Error
            Raised while the result was read.

        Returns
        -------
        Error
            The same object.
        """
        error.sql = error.sql or self._request.context["sql"]
        error.query_id = error.query_id or self._request.context["query_id"]
        return error

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
            self.latch(error)
            raise

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
        if isinstance(self._reader, NoRows):
            self._reader.schema  # noqa: B018  (may raise, before anything is consumed)
        reader = self._take_reader()
        self.rows = _Failure("this result was already fetched as Arrow; execute it again")
        return reader.reader() if isinstance(reader, NoRows) else reader

    def _take_reader(self) -> pa.RecordBatchReader | NoRows:
        reader, self._reader = self._reader, None
        if reader is not None:
            return reader
        how = "as rows" if self._as_rows else "as Arrow"
        raise InterfaceError(
            self._closed
            or f"this result was already fetched {how}; it can be consumed once: execute the "
            "statement again",
            **self._request.context,
        )

    def close(self, why: str) -> None:
        """Release the rest of the result. An iterator that is still in use fails at its next batch.

        The query is stopped, unless its result is consumed as Arrow: then the consumer owns it.

        Parameters
        ----------
        why : str
            The message of later errors.
        """
        as_arrow = self._reader is None and not self._as_rows
        if not as_arrow and self.total < 0:
            self._request.cancellation.cancel(why)
        self._reader = None
        self._closed = why
        self.rows = _Failure(why)
