"""Readers of results that stop when the request is cancelled."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pyarrow as pa

from micromegas_dbapi.arrow.readers import latching_reader
from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.forks import check_process
from micromegas_dbapi.transport.protocol import Request

__all__ = ["check_cancelled", "stream"]


def stream(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], request: Request
) -> pa.RecordBatchReader:
    """Create the reader of a request's result.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of all batches.
    batches : iterable of pyarrow.RecordBatch
        Read lazily.
    request : Request
        The reader raises after its cancellation, and in a forked process.

    Returns
    -------
    pyarrow.RecordBatchReader
        Raises its first error again on every later read.
    """
    pid = os.getpid()

    def check() -> None:
        check_process(pid)
        check_cancelled(request)

    return latching_reader(schema, batches, check)


def check_cancelled(request: Request, cause: BaseException | None = None) -> None:
    """Raise the error of a cancelled request; return if it was not cancelled.

    Parameters
    ----------
    request : Request
        The request to check.
    cause : BaseException, optional
        The error that the cancellation caused, for ``__cause__``.

    Raises
    ------
    OperationalError
        If the request was cancelled.
    """
    why = request.cancellation.why
    if why is not None:
        raise OperationalError(why, retryable=False, **request.context) from cause
