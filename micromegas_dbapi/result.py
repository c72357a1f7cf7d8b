"""One result: consumed once, as rows or as Arrow, and never silently shorter than it is."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, NoReturn

import pyarrow as pa

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.errors import Error, InterfaceError, OperationalError
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import NoRows

__all__ = ["Refusal", "Result"]


class Refusal(Iterator[Any]):
    """The rows of a result that has none to give: every fetch says why."""

    def __init__(self, why: str | Error) -> None:
        self._why = why

    def __next__(self) -> NoReturn:
        raise self._why if isinstance(self._why, Error) else InterfaceError(self._why)


class Result:
    """What a statement answered.

    Attributes
    ----------
    rows : iterator of tuple
        The rows that are left. Asking for the first one decides that the result is consumed as
        rows. After an error it raises that error again for ever: the iterators underneath would
        be at their end, and a part would pass for the whole.
    total : int
        The number of rows, once all were consumed; -1 before.
    """

    def __init__(
        self,
        reader: pa.RecordBatchReader | NoRows,
        timestamps: rows.Timestamps,
        query_id: str | None,
        cancellation: Cancellation | None = None,
    ) -> None:
        self._source = reader
        self._cancellation = cancellation
        self.rows: Iterator[tuple[Any, ...]] = chain.from_iterable(self._converted())
        self.total = -1
        self._reader: pa.RecordBatchReader | NoRows | None = reader
        self._timestamps = timestamps
        self._query_id = query_id
        self._closed: str | None = None
        self._as_rows = False
        self._done = 0  # rows of the batches that have been converted so far
        self._batch: Iterator[Any] = iter(())  # what is left of the newest of them

    @property
    def schema(self) -> pa.Schema:
        """The columns, also after everything was consumed; may ask the service for them."""
        return self._source.schema

    @property
    def rownumber(self) -> int | None:
        """The index of the next row, from 0; None where the result was handed over as Arrow."""
        if self._reader is None and not self._as_rows:
            return None
        return self._done - operator.length_hint(self._batch)

    def _converted(self) -> Iterator[Iterator[tuple[Any, ...]]]:
        """Convert one batch after the other, each only when its first row is asked for."""
        reader = self._taken()
        self._as_rows = True
        try:
            batches = iter(() if isinstance(reader, NoRows) else reader)
            while True:
                if self._closed is not None:
                    raise InterfaceError(self._closed)
                if self._cancellation is not None and self._cancellation.why is not None:
                    raise OperationalError(self._cancellation.why, retryable=False)
                batch = next(batches, None)
                if batch is None:
                    break
                columns = [iter(column) for column in rows.columns(batch, self._timestamps)]
                self._done += batch.num_rows
                # The first column's iterator knows how many rows are left, so nobody counts.
                self._batch = columns[0] if columns else repeat((), batch.num_rows)
                yield zip(*columns, strict=False) if columns else self._batch
        except GeneratorExit:
            raise
        except BaseException as error:
            self.latch(error)
            raise
        self.total = self._done

    def latch(self, error: BaseException) -> None:
        """From now on fail with this error, since rows are missing."""
        if isinstance(error, Error):
            error.query_id = error.query_id or self._query_id
        else:
            broken = OperationalError(
                "an earlier fetch of this result was interrupted, and rows are lost: execute the "
                "statement again",
                query_id=self._query_id,
                retryable=True,
            )
            broken.__cause__ = error
            error = broken
        self.rows = Refusal(error)

    def collect(self, some: Iterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Collect rows; an interruption in between, which loses them, is latched."""
        try:
            return list(some)
        except Error:
            raise
        except BaseException as error:
            self.latch(error)
            raise

    def reader(self) -> pa.RecordBatchReader:
        """Hand the whole over as a stream of record batches.

        Raises
        ------
        InterfaceError
            If it was consumed before, or begun to be.
        """
        if isinstance(self._reader, NoRows):
            self._reader.schema  # noqa: B018  (asked for before anything is consumed)
        reader = self._taken()
        self.rows = Refusal("this result was already fetched as Arrow; execute it again")
        return reader.reader() if isinstance(reader, NoRows) else reader

    def _taken(self) -> pa.RecordBatchReader | NoRows:
        reader, self._reader = self._reader, None
        if reader is not None:
            return reader
        how = "as rows" if self._as_rows else "as Arrow"
        raise InterfaceError(
            self._closed
            or f"this result was already fetched {how}; it can be consumed once: execute the "
            "statement again",
            query_id=self._query_id,
        )

    def close(self, why: str) -> None:
        """Let go of what is not consumed; an iterator still held fails at its next batch.

        The work for it is stopped, unless it was handed over, and is somebody else's.
        """
        handed_over = self._reader is None and not self._as_rows
        if self._cancellation is not None and not handed_over and self.total < 0:
            self._cancellation.cancel(why)
        self._reader = None
        self._closed = why
        self.rows = Refusal(why)
