"""Record batch readers that keep their error, and batches of the schema that was promised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.transport.protocol import Request

__all__ = ["check_cancelled", "conforming", "stream"]


def stream(
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    request: Request | None = None,
) -> pa.RecordBatchReader:
    """Make a reader that, once it has failed or was cancelled, fails the same way for ever.

    A plain generator is finished after an error: whoever asks again is told that the result has
    ended, and takes a part of it for the whole.
    """
    return pa.RecordBatchReader.from_batches(schema, _Latched(batches, request))


def check_cancelled(request: Request, cause: BaseException | None = None) -> None:
    """Raise the error of a request that was cancelled, if it was.

    Parameters
    ----------
    request : Request
    cause : BaseException, optional
        How it showed.

    Raises
    ------
    OperationalError
    """
    why = request.cancellation.why
    if why is not None:
        raise OperationalError(
            why, sql=request.sql, query_id=request.query_id, retryable=False
        ) from cause


def conforming(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Cast the columns of a batch that are of another type than the schema says."""
    if batch.schema.equals(schema):
        return batch
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class _Latched:
    def __init__(self, batches: Iterable[pa.RecordBatch], request: Request | None) -> None:
        self._batches = iter(batches)
        self._request = request
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def __next__(self) -> pa.RecordBatch:
        if self._error is not None:
            raise self._error
        try:
            if self._request is not None:
                check_cancelled(self._request)
            return next(self._batches)
        except StopIteration:
            raise
        except BaseException as error:
            self._error = error
            raise
