"""Record batches against the schema that was told for them, by what their messages show.

A reader takes the buffers of a message for what the schema says they are. Where the sender means
something else (see `micromegas_dbapi.sql.planned_types`), it reads nonsense, or memory that is not
there. What shows it are lengths: those of buffers, of children, of all that the message has, and
what offsets and indices point to. They are looked at before anybody reads a value. Types of one
layout, such as 64-bit integers and floats, cannot be told apart by them.

Of every batch is looked at whether it has no less than its types take, and how many bytes it has
for a row. All lengths, offsets and indices take as long as a fifth of the reading: so they are
looked at in the first batches, then in ever fewer, and whenever the bytes for a row are others than
before. The rows of one plan are all of one type.

Services fill the space between two buffers up to a multiple of 64 bytes, say exactly how long each
is, and send the bits of nulls where there are none, too, which a reader skips (recorded, of all
generations). pyarrow, as of our local service, does neither, and a slice of its buffers may have up
to 63 bytes more than are needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa

from micromegas_dbapi.errors import DataError
from micromegas_dbapi.transport.protocol import Request

__all__ = ["Layout", "check", "does_not_fit", "undecodable"]

_VIEWS = (pa.string_view(), pa.binary_view())
# Kinds whose insides are pyarrow's to check; the oldest pyarrow has not all of them.
_INTRICATE = tuple(
    kind
    for name in ("is_union", "is_list_view", "is_large_list_view", "is_run_end_encoded")
    if (kind := getattr(pa.types, name, None)) is not None
)
_FILL = 64  # bytes, to a multiple of which services fill up
_FIRST = 3  # batches of a stream, all of whose lengths are looked at
_OTHERWISE = 1 / 16  # by how much of them the bytes for a row are others
# What pyarrow (16 to 26) says of a message that has other buffers than its schema.
_UNDECODABLE = re.compile(
    "No record of dictionary type|did not have the expected number|Ran out of field metadata"
    "|buffer_index out of range|Array length did not match|variadicBufferCounts"
)


class Layout:
    """Checks the batches of one stream, as they come.

    Parameters
    ----------
    request : Request
        For the error.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._count = 0
        self._next = 0
        self._usual = 0.0

    def check(self, batch: pa.RecordBatch) -> None:
        """Check the next batch, as `check` does, or whether it is like those before it.

        Raises
        ------
        DataError
        """
        rows = batch.num_rows
        if not rows:
            return
        self._count += 1
        each = batch.get_total_buffer_size() / rows
        if self._count >= self._next or abs(each - self._usual) > _OTHERWISE * self._usual:
            check(batch, self._request)
            self._usual = each
            if self._count >= self._next:
                self._next = self._count + 1 if self._count < _FIRST else 2 * self._count
            return
        try:
            batch.validate()
        except pa.ArrowException as error:
            check(batch, self._request)  # which can name the column
            raise does_not_fit(str(error), self._request) from error


def check(batch: pa.RecordBatch, request: Request) -> None:
    """Check that the columns of a batch are what their types say.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        As it was decoded from one message, not sliced.
    request : Request
        For the error.

    Raises
    ------
    DataError
        Names the column, what was told, and what came.
    """
    found = _misfit(batch)
    if found is not None:
        raise does_not_fit(found, request)


def does_not_fit(what: str, request: Request) -> DataError:
    """Make the error of rows that are not of the types told; not yet raised."""
    return DataError(
        f"the rows are not what the service told of them: {what}. It tells the types of the first "
        "branch of CASE, and of the first query of UNION, EXCEPT and INTERSECT: CAST these to the "
        "type that all have in common",
        sql=request.sql,
        query_id=request.query_id,
        retryable=False,
    )


def undecodable(error: BaseException, schema: pa.Schema, request: Request) -> DataError | None:
    """Make the error of a message that pyarrow cannot read as the columns that were told.

    Returns
    -------
    DataError or None
        None where something else is wrong with the message.
    """
    if not _UNDECODABLE.search(str(error)):
        return None
    told = ", ".join(f"{field.name} {field.type}" for field in schema)
    return does_not_fit(f"the columns were told as {told}, and what came is not ({error})", request)


def _misfit(batch: pa.RecordBatch) -> str | None:
    body, before = _Body(batch), ""
    for field, column in zip(batch.schema, batch.columns, strict=True):
        try:
            _check(column, body.exact)
        except _FoundError as found:
            return (
                f"column {field.name!r} was told as {field.type}, and what came is {found}{before}"
            )
        except pa.ArrowException as error:
            words = str(error).partition("\n")[0][:200]
            return (
                f"column {field.name!r} was told as {field.type}, which it is not: {words}{before}"
            )
        before = " (unless one before it is of another type, and has more to it)"
    if body.unread:
        told = ", ".join(f"{field.name} {field.type}" for field in batch.schema)
        return (
            f"the columns were told as {told}, and what came has {body.unread} bytes more: some "
            "column is of a type with more to it"
        )
    return None


class _FoundError(Exception):
    """Something does not fit; the text says what came."""


class _Body:
    """The bytes of a message behind its batch, where all buffers are still slices of them.

    Attributes
    ----------
    exact : bool
        Whether they are laid out as services do it, so that lengths are exact.
    unread : int
        Bytes at the end that no column has.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.exact, self.unread = False, 0
        buffers = [b for column in batch.columns for b in column.buffers() if b is not None]
        whole = buffers[0].parent if buffers else None
        if whole is None:
            return
        end, aligned, skipped = 0, whole.size % _FILL == 0, False
        for buffer in buffers:
            place = buffer.address - whole.address
            if buffer.size:
                if not end <= place < whole.size:  # of their own: they were compressed
                    return
                aligned = aligned and place % _FILL == 0
                skipped = skipped or place - end >= _FILL
                end = place + buffer.size
        self.exact = aligned and skipped
        if batch.num_rows and whole.size - end >= (_FILL if aligned else 8):
            self.unread = whole.size - end


def _check(array: pa.Array, exact: bool) -> None:
    """Check an array and all that it has inside."""
    kind, rows = array.type, len(array)
    if isinstance(kind, pa.BaseExtensionType):
        _check(array.storage, exact)
        return
    if not rows or pa.types.is_null(kind):
        return
    if any(is_kind(kind) for is_kind in _INTRICATE):
        array.validate(full=True)
        return
    buffers = array.buffers()
    if buffers[0] is not None:
        _length("nulls", buffers[0], -(-rows // 8), rows, False)
    if pa.types.is_dictionary(kind):
        _length("keys", buffers[1], rows * kind.index_type.bit_width // 8, rows, exact)
        _check(array.dictionary, False)  # which came in another message
        array.validate(full=True)  # the keys are within the dictionary
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        _length("offsets", buffers[1], 4 * (rows + 1), rows, exact)
        array.view(pa.binary()).validate(full=True)  # not whether texts are UTF-8
    elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        _length("offsets", buffers[1], 8 * (rows + 1), rows, exact)
        array.view(pa.large_binary()).validate(full=True)
    elif pa.types.is_list(kind) or pa.types.is_map(kind) or pa.types.is_large_list(kind):
        width = 8 if pa.types.is_large_list(kind) else 4
        _length("offsets", buffers[1], width * (rows + 1), rows, exact)
        array.validate()
        if not _rising(array.offsets):
            raise _FoundError("one whose offsets fall")
        _check(array.values, exact)
    elif pa.types.is_struct(kind) or pa.types.is_fixed_size_list(kind):
        array.validate()
        for child in _children(array):
            _check(child, exact)
    elif kind in _VIEWS:
        _length("views", buffers[1], 16 * rows, rows, exact)
        array.validate(full=True)
    else:
        _length("values", buffers[1], -(-rows * kind.bit_width // 8), rows, exact)


def _length(what: str, buffer: pa.Buffer | None, needed: int, rows: int, exact: bool) -> None:
    size = 0 if buffer is None else buffer.size
    most = needed if exact else -(-needed // _FILL) * _FILL
    if not needed <= size <= most:
        raise _FoundError(f"{what} of {size} bytes for {rows} rows, where these take {needed}")


def _children(array: pa.Array) -> Iterator[pa.Array]:
    if pa.types.is_struct(array.type):
        return (array.field(at) for at in range(array.type.num_fields))
    return iter((array.values,))


def _rising(offsets: pa.Array) -> bool:
    import pyarrow.compute as pc  # few results have lists

    return bool(pc.all(pc.less_equal(offsets[:-1], offsets[1:])).as_py())
