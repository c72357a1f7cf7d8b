"""Checks of record batches whose data may not match the declared schema.

A reader interprets the buffers of a message by the schema. If the sender means other types (see
`micromegas_dbapi.sql.planned_types`), it reads wrong values, or memory outside of the message.
Lengths reveal this: those of buffers, of children and of the whole message, and the targets of
offsets and indices. They are checked before any value is read. They cannot distinguish types of the
same layout, such as 64-bit integers and floats.

Every batch is checked for buffers that are too short for its types, for offsets and dictionary keys
that point outside of its data, and for its bytes per row. The check of exact lengths takes up to a
fifth of the time of reading. It runs for the first batches, then at growing intervals, and whenever
the bytes per row change. This suffices because all rows of one plan have the same types.

Services pad the space between two buffers to a multiple of 64 bytes, send the exact length of each
buffer, and send a null bitmap even if there are no nulls, which a reader skips (recorded, for all
versions). pyarrow, in the local service, does neither, and a slice of its buffers may have up to 63
surplus bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from micromegas_dbapi.arrow.alignment import memory_location
from micromegas_dbapi.errors import DataError, OperationalError
from micromegas_dbapi.options.settings import Validation
from micromegas_dbapi.transport.array_layout import (
    PADDING,
    MismatchError,
    check_array,
    check_keys,
)
from micromegas_dbapi.transport.protocol import Request

__all__ = ["LayoutChecker", "check", "decoding_error", "mismatch_error"]

_FIRST = 3  # batches of a stream that are checked completely
_TOLERANCE = 1 / 16  # relative change of the bytes per row that triggers a complete check
# Errors of pyarrow (16 to 26) for a message whose buffers do not match its schema.
_SCHEMA_MISMATCH = re.compile(
    "No record of dictionary type|did not have the expected number|Ran out of field metadata"
    "|buffer_index out of range|Array length did not match|variadicBufferCounts"
)


class LayoutChecker:
    """Checks the batches of one stream in order.

    Parameters
    ----------
    request : Request
        The query.
    validation : {"layout", "full"}
        Whether to check the values of every batch, too.
    """

    def __init__(self, request: Request, validation: Validation = "layout") -> None:
        self._request = request
        self._full = validation == "full"
        self._referring: list[int] = []  # the columns with offsets or keys
        self._dictionaries: dict[int, tuple[Any, ...]] = {}  # the last place and dictionary
        self._count = 0
        self._next = 0
        self._bytes_per_row = 0.0

    def check(self, batch: pa.RecordBatch) -> None:
        """Check the next batch as `check` does, or only that it resembles the ones before.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            As decoded from one message, not sliced.

        Raises
        ------
        DataError
            If its data does not match its schema.
        OperationalError
            If a value is invalid.
        """
        if not batch.num_rows:
            return
        self._check_layout(batch)
        if self._full:
            try:
                batch.validate(full=True)
            except pa.ArrowException as error:
                raise OperationalError(
                    f"a batch of the result is damaged: {error}",
                    retryable=None,
                    **self._request.context,
                ) from error

    def checked(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Check each batch before it is returned.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch
            As for `check`.

        Yields
        ------
        pyarrow.RecordBatch
            Each batch.

        Raises
        ------
        DataError, OperationalError
            As for `check`.
        """
        for batch in batches:
            self.check(batch)
            yield batch

    def _check_layout(self, batch: pa.RecordBatch) -> None:
        rows = batch.num_rows
        self._count += 1
        bytes_per_row = batch.get_total_buffer_size() / rows
        change = abs(bytes_per_row - self._bytes_per_row)
        if self._count >= self._next or change > _TOLERANCE * self._bytes_per_row:
            check(batch, self._request)
            self._referring = [n for n, kind in enumerate(batch.schema.types) if _refers(kind)]
            self._bytes_per_row = bytes_per_row
            if self._count >= self._next:
                self._next = self._count + 1 if self._count < _FIRST else 2 * self._count
            return
        try:
            batch.validate()
            for number in self._referring:
                self._check_references(number, batch.column(number))
        except (pa.ArrowException, MismatchError) as error:
            check(batch, self._request)  # names the column if possible
            raise mismatch_error(str(error), self._request) from error

    def _check_references(self, number: int, column: pa.Array) -> None:
        """Check that no offset and no key points outside of the data."""
        if not isinstance(column, pa.DictionaryArray):
            check_array(column, False)
            return
        values = column.dictionary
        place = memory_location(values)
        if self._dictionaries.get(number, (None,))[0] != place:
            check_array(values, False)
            # It is kept, so that its memory is not used for another one meanwhile.
            self._dictionaries[number] = place, values
        check_keys(column)


def check(batch: pa.RecordBatch, request: Request) -> None:
    """Check that the data of a batch matches its schema.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        As decoded from one message, not sliced.
    request : Request
        The query.

    Raises
    ------
    DataError
        Names the column, its declared type, and what its data is instead.
    """
    found = _find_mismatch(batch)
    if found is not None:
        raise mismatch_error(found, request)


def mismatch_error(what: str, request: Request) -> DataError:
    """Create the error of rows that do not have the declared types.

    Parameters
    ----------
    what : str
        The difference.
    request : Request
        The query.

    Returns
    -------
    DataError
        Suggests a CAST.
    """
    return DataError(
        f"the rows do not match the schema that the service declared: {what}. It declares the "
        "types of the first branch of CASE, and of the first query of UNION, EXCEPT and INTERSECT: "
        "CAST these to a type that all branches have in common",
        retryable=False,
        **request.context,
    )


def decoding_error(error: BaseException, schema: pa.Schema, request: Request) -> DataError | None:
    """Create the error of a message that pyarrow cannot decode with the declared schema.

    Parameters
    ----------
    error : BaseException
        The error of pyarrow.
    schema : pyarrow.Schema
        The declared schema.
    request : Request
        The query.

    Returns
    -------
    DataError or None
        None if the error has another cause.
    """
    if not _SCHEMA_MISMATCH.search(str(error)):
        return None
    return mismatch_error(
        f"the columns were declared as {_columns(schema)}, but the data cannot be decoded as these "
        f"({error})",
        request,
    )


def _refers(kind: pa.DataType) -> bool:
    """Return whether arrays of a type have offsets or keys."""
    return not pa.types.is_primitive(kind)


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def _find_mismatch(batch: pa.RecordBatch) -> str | None:
    """Describe the first mismatch of a batch; None if there is none."""
    body, note = _MessageBody(batch), ""
    for field, column in zip(batch.schema, batch.columns, strict=True):
        try:
            check_array(column, body.exact)
        except MismatchError as found:
            return f"column {field.name!r} was declared as {field.type}, but it has {found}{note}"
        except pa.ArrowException as error:
            reason = str(error).partition("\n")[0][:200]
            return f"column {field.name!r} was declared as {field.type}, but: {reason}{note}"
        note = " (unless a column before it has another type with more buffers)"
    if body.unread:
        return (
            f"the columns were declared as {_columns(batch.schema)}, but there are {body.unread} "
            "more bytes: some column has a type with more buffers"
        )
    return None


class _MessageBody:
    """The body of the message of a batch, if all buffers are still slices of it.

    Attributes
    ----------
    exact : bool
        Whether the layout is that of services, which send exact lengths.
    unread : int
        Bytes at the end that belong to no column.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.exact, self.unread = False, 0
        buffers = [b for column in batch.columns for b in column.buffers() if b is not None]
        whole = buffers[0].parent if buffers else None
        if whole is None:
            return
        end, aligned, skipped = 0, whole.size % PADDING == 0, False
        for buffer in buffers:
            place = buffer.address - whole.address
            if buffer.size:
                if not end <= place < whole.size:  # a buffer of its own: the message was compressed
                    return
                aligned = aligned and place % PADDING == 0
                skipped = skipped or place - end >= PADDING
                end = place + buffer.size
        self.exact = aligned and skipped
        if batch.num_rows and whole.size - end >= (PADDING if aligned else 8):
            self.unread = whole.size - end
