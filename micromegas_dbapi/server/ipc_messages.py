"""Encode record batches as messages of an Arrow IPC stream, in pieces."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa

__all__ = ["Encoder", "batch_bytes", "reinterpret"]

# The approximate size of a piece. It limits what is in transit, and is within the limit that gRPC
# clients have by default, 4 MB.
_PIECE_BYTES = 2 * 2**20


def batch_bytes(batch: pa.RecordBatch) -> int:
    """Return the approximate size of a batch.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Of any type.

    Returns
    -------
    int
        In bytes.
    """
    try:
        return int(batch.nbytes)
    except pa.ArrowTypeError:  # older versions of pyarrow do not support view types here
        return int(batch.get_total_buffer_size())


class Encoder:
    """Encodes the batches of one result.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the result.
    compression : str, optional
        Of the buffers, for example ``"lz4"``.

    Attributes
    ----------
    schema : bytes
        The message that starts the stream.
    """

    def __init__(self, schema: pa.Schema, compression: str | None = None) -> None:
        self.schema: bytes = schema.serialize().to_pybytes()
        self._options = pa.ipc.IpcWriteOptions(compression=compression)
        self._open(schema)

    def _open(self, schema: pa.Schema) -> None:
        self._written = schema
        self._sink = io.BytesIO()
        self._writer = pa.ipc.new_stream(self._sink, schema, options=self._options)
        self._skip_bytes = len(schema.serialize())

    def pieces(self, batch: pa.RecordBatch) -> Iterator[tuple[bytes, int]]:
        """Encode a batch.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Encoded with its own types. If they differ from the schema's, clients cannot read it.

        Yields
        ------
        messages : bytes
            The messages of some of its rows, after those of new dictionaries.
        rows : int
            The number of these rows.
        """
        if not batch.schema.equals(self._written):
            self._open(batch.schema)
        rows = batch.num_rows
        step = max(1, rows * _PIECE_BYTES // max(batch_bytes(batch), 1))
        for at in range(0, rows, step):
            piece = batch.slice(at, step)
            yield self._encode(piece), piece.num_rows

    def _encode(self, batch: pa.RecordBatch) -> bytes:
        self._writer.write_batch(batch)
        self._sink.seek(self._skip_bytes)
        messages = self._sink.read()
        self._skip_bytes = 0
        self._sink.seek(0)
        self._sink.truncate()
        return messages


def reinterpret(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Decode the messages of a batch with another schema, right or wrong, like the web app.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        The batch to encode.
    schema : pyarrow.Schema
        The schema to decode it with.

    Returns
    -------
    pyarrow.RecordBatch
        With the types of the schema.

    Raises
    ------
    pyarrow.ArrowException
        If the messages cannot be decoded.
    OSError
        For the same reason.
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
