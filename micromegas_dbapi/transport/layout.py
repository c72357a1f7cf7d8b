"""Checks of record batches whose data may not match the declared schema.

A reader interprets the buffers of a message by the schema. If the sender means other types (see
`micromegas_dbapi.sql.planned_types`), it reads wrong values, or memory outside of the message.
Lengths reveal this: those of buffers, of children and of the whole message, and the targets of
offsets and indices. They are checked before any value is read. They cannot distinguish types of the
same layout, such as 64-bit integers and floats.

Every batch is checked for buffers that are too short for its types, and for its bytes per row. The
check of all lengths, offsets and indices takes up to a fifth of the time of reading. It runs for
the first batches, then at growing intervals, and whenever the bytes per row change. This suffices
because all rows of one plan have the same types.

Services pad the space between two buffers to a multiple of 64 bytes, send the exact length of each
buffer, and send a null bitmap even if there are no nulls, which a reader skips (recorded, for all
versions). pyarrow, in the local service, does neither, and a slice of its buffers may have up to 63
surplus bytes.
"""

from __future__ import annotations

import re

import pyarrow as pa

from micromegas_dbapi.errors import DataError
from micromegas_dbapi.transport.protocol import Request

__all__ = ["LayoutChecker", "check", "decoding_error", "mismatch_error"]

_VIEWS = (pa.string_view(), pa.binary_view())
# pyarrow's numbers of the types that it validates itself.
_COMPLEX = {
    getattr(pa.lib, f"Type_{name}")
    for name in ("SPARSE_UNION", "DENSE_UNION", "LIST_VIEW", "LARGE_LIST_VIEW", "RUN_END_ENCODED")
}
_PADDING = 64  # bytes; services pad buffers to a multiple of it
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
    """

    def __init__(self, request: Request) -> None:
        self._request = request
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
        """
        rows = batch.num_rows
        if not rows:
            return
        self._count += 1
        bytes_per_row = batch.get_total_buffer_size() / rows
        change = abs(bytes_per_row - self._bytes_per_row)
        if self._count >= self._next or change > _TOLERANCE * self._bytes_per_row:
            check(batch, self._request)
            self._bytes_per_row = bytes_per_row
            if self._count >= self._next:
                self._next = self._count + 1 if self._count < _FIRST else 2 * self._count
            return
        try:
            batch.validate()
        except pa.ArrowException as error:
            check(batch, self._request)  # names the column if possible
            raise mismatch_error(str(error), self._request) from error


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


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def _find_mismatch(batch: pa.RecordBatch) -> str | None:
    """Describe the first mismatch of a batch; None if there is none."""
    body, note = _MessageBody(batch), ""
    for field, column in zip(batch.schema, batch.columns, strict=True):
        try:
            _check_array(column, body.exact)
        except _MismatchError as found:
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


class _MismatchError(Exception):
    """An array does not match its type; the message describes the array."""


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
        end, aligned, skipped = 0, whole.size % _PADDING == 0, False
        for buffer in buffers:
            place = buffer.address - whole.address
            if buffer.size:
                if not end <= place < whole.size:  # a buffer of its own: the message was compressed
                    return
                aligned = aligned and place % _PADDING == 0
                skipped = skipped or place - end >= _PADDING
                end = place + buffer.size
        self.exact = aligned and skipped
        if batch.num_rows and whole.size - end >= (_PADDING if aligned else 8):
            self.unread = whole.size - end


def _check_array(array: pa.Array, exact: bool) -> None:
    """Check an array and its children."""
    kind, rows = array.type, len(array)
    if isinstance(kind, pa.BaseExtensionType):
        _check_array(array.storage, exact)
        return
    if not rows or pa.types.is_null(kind):
        return
    if kind.id in _COMPLEX:
        array.validate(full=True)
        return
    buffers = array.buffers()
    if buffers[0] is not None:
        _check_length("nulls", buffers[0], -(-rows // 8), rows, False)
    if pa.types.is_nested(kind):
        _check_nested(array, buffers, exact)
    elif pa.types.is_dictionary(kind):
        _check_length("keys", buffers[1], rows * kind.index_type.bit_width // 8, rows, exact)
        _check_array(array.dictionary, False)  # from another message
        array.validate(full=True)  # the keys are within the dictionary
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        _check_length("offsets", buffers[1], 4 * (rows + 1), rows, exact)
        array.view(pa.binary()).validate(full=True)  # as binary: does not check UTF-8
    elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        _check_length("offsets", buffers[1], 8 * (rows + 1), rows, exact)
        array.view(pa.large_binary()).validate(full=True)
    elif kind in _VIEWS:
        _check_length("views", buffers[1], 16 * rows, rows, exact)
        array.validate(full=True)
    else:
        _check_length("values", buffers[1], -(-rows * kind.bit_width // 8), rows, exact)


def _check_nested(array: pa.Array, buffers: list[pa.Buffer | None], exact: bool) -> None:
    """Check a struct, a map or a list, and its children."""
    kind, rows = array.type, len(array)
    if pa.types.is_struct(kind):
        array.validate()
        for place in range(kind.num_fields):
            _check_array(array.field(place), exact)
        return
    if not pa.types.is_fixed_size_list(kind):
        width = 8 if pa.types.is_large_list(kind) else 4
        _check_length("offsets", buffers[1], width * (rows + 1), rows, exact)
    array.validate()
    if not pa.types.is_fixed_size_list(kind) and not _is_monotonic(array.offsets):
        raise _MismatchError("decreasing offsets")
    _check_array(array.values, exact)


def _check_length(what: str, buffer: pa.Buffer | None, needed: int, rows: int, exact: bool) -> None:
    size = 0 if buffer is None else buffer.size
    most = needed if exact else -(-needed // _PADDING) * _PADDING
    if not needed <= size <= most:
        raise _MismatchError(f"{what} of {size} bytes for {rows} rows, which need {needed}")


def _is_monotonic(offsets: pa.Array) -> bool:
    import pyarrow.compute as pc  # not at the top: few results have lists

    return bool(pc.all(pc.less_equal(offsets[:-1], offsets[1:])).as_py())
