"""Record batch readers over batches that arrive one by one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import pyarrow as pa

from micromegas_dbapi.errors import OperationalError

__all__ = ["cast_batch", "latching_reader", "reading_error"]


def reading_error(error: BaseException) -> OperationalError | None:
    """Create the error for one of Python or pyarrow that reading a result caused.

    Parameters
    ----------
    error : BaseException
        Becomes the cause.

    Returns
    -------
    OperationalError or None
        None for an error that is not about the result, such as KeyboardInterrupt.
    """
    if isinstance(error, MemoryError):
        reason = f" ({error})" if str(error) else ""
        failure = OperationalError(
            f"the result does not fit in memory{reason}: read it in parts with fetchmany() or "
            "fetch_record_batch(), or select less",
            retryable=False,
        )
    elif isinstance(error, pa.ArrowException):
        failure = OperationalError(f"the result cannot be read: {error}", retryable=None)
    else:
        return None
    failure.__cause__ = error
    return failure


def latching_reader(
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    check: Callable[[], None] | None = None,
) -> pa.RecordBatchReader:
    """Create a reader that raises its first error again on every later read.

    A plain generator is exhausted after an error: the next read would report the end of the
    result, and a partial result would look complete.

    Parameters
    ----------
    schema : pyarrow.Schema
        The schema of the batches.
    batches : iterable of pyarrow.RecordBatch
        Read lazily.
    check : callable, optional
        Called before each batch; raises to end the stream.

    Returns
    -------
    pyarrow.RecordBatchReader
        Over the batches, which it releases after an error. A later error is a copy of the first.
    """
    return pa.RecordBatchReader.from_batches(schema, _Latched(batches, check))


def cast_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Cast the columns of a batch whose types differ from a schema.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        The batch to cast.
    schema : pyarrow.Schema
        With as many fields as the batch has columns.

    Returns
    -------
    pyarrow.RecordBatch
        With the given schema. The given batch if its schema equals that.

    Raises
    ------
    pyarrow.ArrowException
        If a column cannot be cast.
    """
    if batch.schema.equals(schema):
        return batch
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class _Latched:
    def __init__(self, batches: Iterable[pa.RecordBatch], check: Callable[[], None] | None) -> None:
        self._batches = iter(batches)
        self._check = check
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def __next__(self) -> pa.RecordBatch:
        if self._error is not None:
            raise _copied(self._error)
        try:
            if self._check is not None:
                self._check()
            return next(self._batches)
        except StopIteration:
            raise
        except BaseException as error:
            failure = reading_error(error)
            self._error = _latched(failure or error)
            self._batches = iter(())
            if failure is not None:
                raise failure  # noqa: B904  (it has its cause)
            raise


def _latched(error: BaseException) -> BaseException:
    copied = _copied(error)
    if isinstance(error, Exception):
        return copied
    interrupted = OperationalError(
        "an earlier read of this result was interrupted, and rows are lost: execute the statement "
        "again",
        retryable=True,
    )
    interrupted.__cause__ = copied
    return interrupted


def _copied(error: BaseException) -> BaseException:
    """Copy an error without tracebacks.

    The frames of a traceback reference the reader, which references its error in a way that the
    garbage collector does not see: it would never release either of them.
    """
    copied = copy.copy(error)
    if error.__cause__ is not None:
        with suppress(Exception):  # that of another library may not be copyable
            copied.__cause__ = _copied(error.__cause__)
    return copied
