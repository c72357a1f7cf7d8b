"""A Parquet file as it came over a wire -> record batches of the types that the service meant."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from micromegas_dbapi.arrow.readers import cast_batch, latching_reader
from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.transport.http.spool import Spool

__all__ = ["decode"]

# Threads cost more than they bring below this size; above, batches of this many rows are fastest.
_SMALL_BYTES = 2**20
_ROWS = 65_536
# Read from a file, memory stays bounded with small reads, small batches and no threads, which
# would each hold buffers (a third of the memory, and no slower: benchmarks/http.py).
_SPOOL_ROWS = 8192
_SPOOL_BUFFER = 256 * 2**10
# How much of both ends of a body is looked at.
_MARKS = 200


def decode(body: bytes | Spool, about: dict[str, Any]) -> pa.RecordBatchReader:
    """Read a Parquet file lazily.

    Parameters
    ----------
    body : bytes or Spool
        The whole file. Bytes are used as they are, without a copy.
    about : dict
        ``sql`` and ``query_id``, for errors.

    Returns
    -------
    pyarrow.RecordBatchReader
        With the types of the Arrow schema in the file, also those that pyarrow alone does not
        restore: seconds (of timestamps and times) and Date64.

    Raises
    ------
    OperationalError
        If it is no Parquet file, or a damaged one; also mid-stream.
    """
    try:
        return _decode(body, about)
    except BaseException as error:
        if isinstance(body, Spool):
            body.close()
        if isinstance(error, (pa.ArrowException, OSError, ValueError)):
            raise _damaged(error, about) from error
        raise


def _decode(body: bytes | Spool, about: dict[str, Any]) -> pa.RecordBatchReader:
    import pyarrow.parquet as pq

    if isinstance(body, Spool):
        _check_marks(*body.edges(_MARKS), about)
        file = pq.ParquetFile(body.source(), pre_buffer=False, buffer_size=_SPOOL_BUFFER)
        batches = file.iter_batches(_SPOOL_ROWS, use_threads=False)
    else:
        _check_marks(body[:_MARKS], body[-_MARKS:], len(body), about)
        small = len(body) < _SMALL_BYTES
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(body)), pre_buffer=not small)
        if not file.num_row_groups:  # which pyarrow 18 cannot read
            batches = iter([])
        elif small:
            batches = iter(file.read(use_threads=False).to_batches())
        else:
            batches = file.iter_batches(_ROWS)
    first = next(batches, None)
    # Of the batches, not of the file: older pyarrow gives dictionaries wider keys there.
    read = file.schema_arrow if first is None else first.schema
    schema = _meant(read, file.metadata.metadata)
    return latching_reader(schema, _batches(schema, first, batches, body, about))


def _check_marks(first: bytes, last: bytes, size: int, about: dict[str, Any]) -> None:
    if not size:
        raise OperationalError("the answer has no body", status=200, retryable=None, **about)
    if first[:4] != b"PAR1":
        what = "a page of HTML" if first.lstrip()[:1] == b"<" else repr(first[:40])
        raise OperationalError(
            f"the answer is no Parquet file but begins with {what}: is this a Micromegas HTTP "
            "service?",
            status=200,
            retryable=False,
            **about,
        )
    if last[-4:] != b"PAR1":
        raise OperationalError(
            f"the answer ends too early: a Parquet file without its end, {size} bytes",
            status=200,
            retryable=None,
            **about,
        )


def _damaged(error: BaseException, about: dict[str, Any]) -> OperationalError:
    return OperationalError(
        f"the answer is a damaged Parquet file: {error}", status=200, retryable=None, **about
    )


def _batches(
    schema: pa.Schema,
    first: pa.RecordBatch | None,
    rest: Iterator[pa.RecordBatch],
    body: bytes | Spool,
    about: dict[str, Any],
) -> Iterator[pa.RecordBatch]:
    try:
        while first is not None:
            yield cast_batch(first, schema)
            first = next(rest, None)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(error, about) from error
    finally:
        if isinstance(body, Spool):
            body.close()


def _meant(read: pa.Schema, metadata: dict[bytes, bytes] | None) -> pa.Schema:
    """Give the schema as read, with the types that Parquet lost as the writer declared them."""
    encoded = (metadata or {}).get(b"ARROW:schema")
    if encoded is None:
        return read
    try:
        written = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded)))
    except (pa.ArrowException, NotImplementedError, ValueError):
        return read  # a type that this pyarrow does not know: nothing to restore from
    if len(written) != len(read) or written.equals(read):
        return read
    fields = [_meant_field(a, b) for a, b in zip(read, written, strict=True)]
    return pa.schema(fields, read.metadata)


_LOST = {
    (pa.int64().id, pa.timestamp("s").id): "s",
    (pa.int32().id, pa.time32("s").id): "s",
    (pa.date32().id, pa.date64().id): "ms",
    (pa.int64().id, pa.date64().id): "ms",  # as newer writers store it
}


def _meant_field(read: pa.Field, written: pa.Field) -> pa.Field:
    return read.with_type(_meant_type(read.type, written.type))


def _meant_type(read: pa.DataType, written: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(written) and not pa.types.is_dictionary(read):
        written = written.value_type  # pyarrow keeps dictionaries of strings and binary only
    unit = _LOST.get((read.id, written.id))
    if unit is not None and getattr(written, "unit", unit) == unit:
        return written
    kinds = pa.types
    if kinds.is_struct(read) and kinds.is_struct(written) and read.num_fields == written.num_fields:
        pairs = zip(read, written, strict=True)
        return pa.struct([_meant_field(a, b) for a, b in pairs])
    if kinds.is_map(read) and kinds.is_map(written):
        key = _meant_field(read.key_field, written.key_field)
        return pa.map_(key, _meant_field(read.item_field, written.item_field), read.keys_sorted)
    for is_kind, make in (
        (kinds.is_list, pa.list_),
        (kinds.is_large_list, pa.large_list),
        (kinds.is_fixed_size_list, lambda field: pa.list_(field, read.list_size)),
    ):
        if is_kind(read) and is_kind(written):
            return make(_meant_field(read.value_field, written.value_field))
    return read
