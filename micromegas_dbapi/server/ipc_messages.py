"""Record batches -> the messages of an Arrow IPC stream, piece by piece as they are computed."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa

__all__ = ["Encoder", "as_read", "size"]

# Pieces of about this size: what is on the way stays small, and within what clients of gRPC take
# if nobody tells them to take more, which is 4 MB.
_PIECE = 2 * 2**20


def size(batch: pa.RecordBatch) -> int:
    """Tell how many bytes a batch takes, about."""
    try:
        return int(batch.nbytes)
    except pa.ArrowTypeError:  # older pyarrow does not count views
        return int(batch.get_total_buffer_size())


class Encoder:
    """Encodes the batches of one result.

    Parameters
    ----------
    schema : pyarrow.Schema
    compression : str, optional
        Of the buffers: ``"lz4"``.

    Attributes
    ----------
    schema : bytes
        The message that comes first.
    """

    def __init__(self, schema: pa.Schema, compression: str | None = None) -> None:
        self.schema: bytes = schema.serialize().to_pybytes()
        self._options = pa.ipc.IpcWriteOptions(compression=compression)
        self._write_as(schema)

    def _write_as(self, schema: pa.Schema) -> None:
        self._written = schema
        self._sink = io.BytesIO()
        self._writer = pa.ipc.new_stream(self._sink, schema, options=self._options)
        self._to_skip = len(schema.serialize())

    def pieces(self, batch: pa.RecordBatch) -> Iterator[tuple[bytes, int]]:
        """Encode a batch, as it is: of other types than the schema, it cannot be read.

        Yields
        ------
        messages, rows : bytes, int
            The messages of some of its rows; those of dictionaries first, where these are new.
        """
        if not batch.schema.equals(self._written):
            self._write_as(batch.schema)
        rows = batch.num_rows
        step = max(1, rows * _PIECE // max(size(batch), 1))
        for at in range(0, rows, step):
            piece = batch.slice(at, step)
            yield self._encoded(piece), piece.num_rows

    def _encoded(self, batch: pa.RecordBatch) -> bytes:
        self._writer.write_batch(batch)
        self._sink.seek(self._to_skip)
        messages = self._sink.read()
        self._to_skip = 0
        self._sink.seek(0)
        self._sink.truncate()
        return messages


def as_read(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Read a batch as one of a schema, right or wrong, as the web app does with what it is sent.

    Raises
    ------
    pyarrow.ArrowException
        Where it cannot be read so.
    OSError
        Likewise.
    """
    if batch.schema.types == schema.types:
        return batch
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    messages = sink.getvalue()[len(batch.schema.serialize()) :]
    stream = schema.serialize().to_pybytes() + messages.to_pybytes()
    read = pa.ipc.open_stream(stream).read_next_batch()
    read.validate(full=True)
    return read
