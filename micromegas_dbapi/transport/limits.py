"""Limits of the size of a result, for callers that cannot know what a statement returns.

Rows are counted exactly. Bytes are those of the Arrow buffers of all batches, as they were decoded.
Consecutive batches may share the dictionary of a column, which is counted once. A protocol that
collects a response before it decodes any of it counts the bytes of the response, too.

Without a limit, the size of a result is what the caller reads. But a short compressed message can
claim almost any size. So a message that inflates to more than `INFLATED_BYTES` is refused if it
does so by a factor that no data of a service has.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from micromegas_dbapi.arrow.alignment import memory_location
from micromegas_dbapi.arrow.readers import latching_reader
from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.transport.protocol import NO_LIMITS, NoRows, Request

__all__ = ["INFLATED_BYTES", "check_bytes", "check_inflation", "check_message", "limited"]

#: What a compressed message may inflate to by any factor.
INFLATED_BYTES = 256 * 2**20
_FACTOR = 100
# At most half of a message and this many bytes are not those of its batch.
_OVERHEAD = 2**20


def limited(
    result: pa.RecordBatchReader | NoRows, request: Request
) -> pa.RecordBatchReader | NoRows:
    """Apply the limits of a request to its result.

    Parameters
    ----------
    result : pyarrow.RecordBatchReader or NoRows
        As a transport returns it.
    request : Request
        With the limits.

    Returns
    -------
    pyarrow.RecordBatchReader or NoRows
        Returns at most the rows and bytes that the limits allow, and then raises OperationalError
        if there are more. The given result if there are no limits.
    """
    if request.limits == NO_LIMITS or isinstance(result, NoRows):
        return result
    return latching_reader(result.schema, _counted(result, request))


def check_bytes(size: int, request: Request, what: str = "the result has") -> None:
    """Check a number of bytes against the limit of a request.

    Parameters
    ----------
    size : int
        The bytes so far.
    request : Request
        With the limits.
    what : str
        What has this size, with a verb.

    Raises
    ------
    OperationalError
        If there are too many.
    """
    limit = request.limits.max_result_bytes
    if limit is not None and size > limit:
        raise _too_large(f"{what} more than max_result_bytes={limit}", request)


def check_message(size: int, request: Request, what: str = "the result has") -> None:
    """Check the size of a message of a stream before it is received or decoded.

    Its batch is smaller: the message has metadata, padding, and bitmaps without nulls, too.

    Parameters
    ----------
    size : int
        The bytes of the message.
    request : Request
        With the limits.
    what : str
        As for `check_bytes`.

    Raises
    ------
    OperationalError
        If its batch has too many bytes in any case.
    """
    check_bytes((size - _OVERHEAD) // 2, request, what)


def check_inflation(size: int, compressed: int, request: Request) -> None:
    """Check the size that a compressed message claims to have, before it is allocated.

    Parameters
    ----------
    size : int
        The bytes after decompression.
    compressed : int
        The bytes that were received.
    request : Request
        With the limits. ``max_result_bytes`` replaces the limit of this module.

    Raises
    ------
    OperationalError
        If the size is too large.
    """
    if request.limits.max_result_bytes is not None:
        check_message(size, request, f"a message of {compressed} bytes inflates to {size} bytes,")
    elif size > max(INFLATED_BYTES, _FACTOR * compressed):
        raise OperationalError(
            f"a message of {compressed} bytes inflates to {size} bytes, which looks like an attack "
            "and was not decoded: if it is expected, set max_result_bytes to a larger size",
            status=200,
            retryable=False,
            **request.context,
        )


def _too_large(what: str, request: Request) -> OperationalError:
    return OperationalError(
        f"{what}: add a LIMIT, a condition or a shorter time range to the statement, or raise the "
        "limit",
        retryable=False,
        **request.context,
    )


def _counted(reader: pa.RecordBatchReader, request: Request) -> Iterator[pa.RecordBatch]:
    limits, size = request.limits, _Size()
    left = limits.max_rows
    for batch in reader:
        if limits.max_result_bytes is not None:
            size.add(batch)
            check_bytes(size.total, request)
        if left is not None and batch.num_rows > left:
            if left:
                yield batch.slice(0, left)
            raise _too_large(f"the result has more than max_rows={limits.max_rows} rows", request)
        if left is not None:
            left -= batch.num_rows
        yield batch


class _Size:
    """The bytes of the buffers of batches."""

    def __init__(self) -> None:
        self.total = 0
        self._dictionaries: dict[int, pa.Array] = {}  # the last one of each column

    def add(self, batch: pa.RecordBatch) -> None:
        self.total += batch.nbytes
        for number, column in enumerate(batch.columns):
            if isinstance(column, pa.DictionaryArray):
                values, last = column.dictionary, self._dictionaries.get(number)
                if last is not None and memory_location(last) == memory_location(values):
                    self.total -= values.nbytes
                self._dictionaries[number] = values
