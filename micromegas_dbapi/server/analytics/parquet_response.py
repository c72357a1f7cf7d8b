"""Write a result as the Parquet file that the HTTP service sends."""

from __future__ import annotations

import base64
import functools
import tempfile
from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.arrow.row_groups import ROWS, row_groups

__all__ = ["ParquetTypeError", "write"]

_MEMORY_BYTES = 8 * 2**20


class ParquetTypeError(Exception):
    """A type that the service's Parquet writer does not support; with the service's message."""


def write(result: pa.RecordBatchReader) -> tuple[IO[bytes], int]:
    """Write a complete result.

    Parameters
    ----------
    result : pyarrow.RecordBatchReader
        Must not have been read.

    Returns
    -------
    file : binary file
        At its start; in memory, or on disk if it is large.
    size : int
        In bytes.

    Raises
    ------
    ParquetTypeError
        If a column cannot be written.
    DatabaseError
        If the computation of the result fails.
    """
    file: IO[bytes] = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115  (returned)
    try:
        unsupported = _unsupported(result.schema)
        if unsupported is not None:
            for _ in result:  # errors of the computation take precedence
                pass
            raise ParquetTypeError(unsupported)
        try:
            _write(result, file)
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
            raise ParquetTypeError(f"Arrow: {error}") from error
        size = file.tell()
        file.seek(0)
        return file, size
    except BaseException:
        file.close()
        raise


def _write(result: pa.RecordBatchReader, file: IO[bytes]) -> None:
    schema = result.schema.remove_metadata()
    has_metadata = hasattr(pq.ParquetWriter, "add_key_value_metadata")  # pyarrow 17
    stored = pa.schema([field.with_type(_stored(field.type)) for field in schema])
    declared = {"ARROW:schema": base64.b64encode(schema.serialize().to_pybytes()).decode()}
    writer = pq.ParquetWriter(
        file,
        # Older versions write the schema's metadata, followed by their own declaration.
        stored if has_metadata else stored.with_metadata(declared),
        version="2.6",
        compression="lz4",
        use_compliant_nested_type=False,  # keeps the names of list elements
        store_schema=not has_metadata,
    )
    with writer:
        if has_metadata:
            writer.add_key_value_metadata(declared)
        for batches in row_groups(_as_stored(batch, stored) for batch in result):
            writer.write_table(pa.Table.from_batches(batches), row_group_size=ROWS)


def _stored(kind: pa.DataType) -> pa.DataType:
    """Return the type that the service's writer stores; the declared schema has the original."""
    if pa.types.is_timestamp(kind):
        return pa.int64() if kind.unit == "s" else kind
    if kind in _VIEWS and not _writes_views():
        return _VIEWS[kind]
    return _STORED.get(kind, kind)


@functools.cache
def _writes_views() -> bool:
    try:  # some releases of pyarrow have view types, but cannot write them
        pq.write_table(pa.table({"v": pa.array([], pa.string_view())}), pa.BufferOutputStream())
    except pa.ArrowNotImplementedError:
        return False
    return True


_STORED = {pa.time32("s"): pa.int32(), pa.date64(): pa.date32()}
_VIEWS = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


def _as_stored(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = list(map(_cast, batch.columns, schema.types))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type) and column.dictionary.null_count:
        column = column.dictionary_decode().dictionary_encode()  # no nulls in Parquet's
    if column.type == kind:
        return column
    if column.type in _VIEWS:  # older versions of pyarrow cannot cast them either
        return pa.array(column.to_pylist(), kind)
    return column.cast(kind)


def _unsupported(schema: pa.Schema) -> str | None:
    for field in schema:
        for kind in _nested(field.type):
            if pa.types.is_duration(kind):
                return "Arrow: Converting Duration to parquet not supported"
            if pa.types.is_interval(kind):
                return (
                    "NYI: Attempting to write an Arrow interval type MonthDayNano to parquet "
                    "that is not yet implemented"
                )
    return None


def _nested(kind: pa.DataType) -> Iterator[pa.DataType]:
    yield kind
    for at in range(kind.num_fields):
        yield from _nested(kind.field(at).type)
