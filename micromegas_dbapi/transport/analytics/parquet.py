"""Decoder of Parquet responses that restores the Arrow types Parquet does not have."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from micromegas_dbapi.arrow.readers import cast_batch, latching_reader
from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.transport.http.spool import Spool
from micromegas_dbapi.transport.protocol import Request

__all__ = ["decode"]

# Threads are slower than one thread below this size. Above, batches of this many rows are fastest.
_SMALL_BYTES = 2**20
_ROWS = 65_536
# For files, small reads, small batches and a single thread bound the memory: each thread would
# hold buffers (a third of the memory, and no slower: benchmarks/).
_SPOOL_ROWS = 8192
_SPOOL_BUFFER = 256 * 2**10
# The bytes to check at both ends of a body.
_EDGE = 200


def decode(body: bytes | Spool, request: Request) -> pa.RecordBatchReader:
    """Decode a Parquet file lazily.

    Parameters
    ----------
    body : bytes or Spool
        The complete file. Bytes are not copied.
    request : Request
        The query.

    Returns
    -------
    pyarrow.RecordBatchReader
        Has the types of the Arrow schema in the file, including those that pyarrow does not
        restore: timestamps and times in seconds, and Date64.

    Raises
    ------
    OperationalError
        If the body is not a Parquet file, or a damaged one; also while the reader is read.
    """
    try:
        return _decode(body, request)
    except BaseException as error:
        if isinstance(body, Spool):
            body.close()
        if isinstance(error, (pa.ArrowException, OSError, ValueError)):
            raise _damaged(error, request) from error
        raise


def _decode(body: bytes | Spool, request: Request) -> pa.RecordBatchReader:
    import pyarrow.parquet as pq

    if isinstance(body, Spool):
        first_bytes, last_bytes, size = body.edges(_EDGE)
        _check_edges(first_bytes, last_bytes, size, request)
        file = pq.ParquetFile(body.source(), pre_buffer=False, buffer_size=_SPOOL_BUFFER)
        _check_sizes(file, size)
        batches = file.iter_batches(_SPOOL_ROWS, use_threads=False)
    else:
        _check_edges(body[:_EDGE], body[-_EDGE:], len(body), request)
        small = len(body) < _SMALL_BYTES
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(body)), pre_buffer=not small)
        _check_sizes(file, len(body))
        if not file.num_row_groups:  # pyarrow 18 cannot read such a file
            batches = iter([])
        elif small and file.metadata.num_rows <= _ROWS:
            batches = iter(file.read(use_threads=False).to_batches())
        else:  # also a small body, which may have any number of equal rows
            batches = file.iter_batches(_ROWS, use_threads=not small)
    first = next(batches, None)
    # The schema of the batches, not of the file, where older pyarrow has wider dictionary keys.
    read = file.schema_arrow if first is None else first.schema
    schema = _restore_schema(read, file.metadata.metadata)
    rows = file.metadata.num_rows
    return latching_reader(schema, _batches(schema, first, batches, body, rows, request))


def _check_edges(first: bytes, last: bytes, size: int, request: Request) -> None:
    if not size:
        raise OperationalError(
            "the response has no body", status=200, retryable=None, **request.context
        )
    if first[:4] != b"PAR1":
        what = "an HTML page" if first.lstrip()[:1] == b"<" else repr(first[:40])
        raise OperationalError(
            f"the response is not a Parquet file but begins with {what}: is this a Micromegas HTTP "
            "service?",
            status=200,
            retryable=False,
            **request.context,
        )
    if last[-4:] != b"PAR1":
        raise OperationalError(
            f"the response is incomplete: a Parquet file without its end, {size} bytes",
            status=200,
            retryable=None,
            **request.context,
        )


def _check_sizes(file: Any, size: int) -> None:
    """Check the sizes in a file's metadata that pyarrow allocates memory for."""
    metadata = file.metadata
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    if min(groups, default=0) < 0 or sum(groups) != metadata.num_rows:
        raise ValueError(f"it declares {metadata.num_rows} rows, but its row groups {sum(groups)}")
    for number in range(metadata.num_columns):
        column = file.schema.column(number)
        if column.physical_type == "FIXED_LEN_BYTE_ARRAY" and column.length > size:
            raise ValueError(f"values of {column.length} bytes in a file of {size} bytes")


def _damaged(error: BaseException, request: Request) -> OperationalError:
    return OperationalError(
        f"the response is a damaged Parquet file: {error}",
        status=200,
        retryable=None,
        **request.context,
    )


def _batches(
    schema: pa.Schema,
    first: pa.RecordBatch | None,
    rest: Iterator[pa.RecordBatch],
    body: bytes | Spool,
    rows: int,
    request: Request,
) -> Iterator[pa.RecordBatch]:
    missing = rows
    try:
        while first is not None:
            missing -= first.num_rows
            if missing < 0:
                break
            yield cast_batch(first, schema)
            first = next(rest, None)
        if missing:
            raise ValueError(f"its metadata declares {rows} rows, but it has {rows - missing}")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(error, request) from error
    finally:
        if isinstance(body, Spool):
            body.close()


def _restore_schema(read: pa.Schema, metadata: dict[bytes, bytes] | None) -> pa.Schema:
    """Return the schema with the types that the writer declared and Parquet does not have."""
    encoded = (metadata or {}).get(b"ARROW:schema")
    if encoded is None:
        return read
    try:
        written = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded)))
    except (pa.ArrowException, NotImplementedError, ValueError):
        return read  # the schema has a type that this pyarrow does not know
    if len(written) != len(read) or written.equals(read):
        return read
    fields = [_restore_field(a, b) for a, b in zip(read, written, strict=True)]
    return pa.schema(fields, read.metadata)


_LOST = {
    (pa.int64().id, pa.timestamp("s").id): "s",
    (pa.int32().id, pa.time32("s").id): "s",
    (pa.date32().id, pa.date64().id): "ms",
    (pa.int64().id, pa.date64().id): "ms",  # in files of newer writers
}


def _restore_field(read: pa.Field, written: pa.Field) -> pa.Field:
    return read.with_type(_restore_type(read.type, written.type))


def _restore_type(read: pa.DataType, written: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(written) and not pa.types.is_dictionary(read):
        written = written.value_type  # pyarrow keeps dictionaries of strings and binary only
    unit = _LOST.get((read.id, written.id))
    if unit is not None and getattr(written, "unit", unit) == unit:
        return written
    kinds = pa.types
    if kinds.is_struct(read) and kinds.is_struct(written) and read.num_fields == written.num_fields:
        pairs = zip(read, written, strict=True)
        return pa.struct([_restore_field(a, b) for a, b in pairs])
    if kinds.is_map(read) and kinds.is_map(written):
        key = _restore_field(read.key_field, written.key_field)
        return pa.map_(key, _restore_field(read.item_field, written.item_field), read.keys_sorted)
    for is_kind, make in (
        (kinds.is_list, pa.list_),
        (kinds.is_large_list, pa.large_list),
        (kinds.is_fixed_size_list, lambda field: pa.list_(field, read.list_size)),
    ):
        if is_kind(read) and is_kind(written):
            return make(_restore_field(read.value_field, written.value_field))
    return read
