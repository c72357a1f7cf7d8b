"""Write record batches as a JSON array of rows, in the format of the arrow-json crate.

The engine writes its JSON files with this crate, one object per line, so these files are used.
Each row is a single struct there, because the columns of a table need distinct names, and the
fields of a struct do not.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
from datafusion import SessionConfig, SessionContext

from micromegas_dbapi.server.ipc_messages import batch_bytes

__all__ = ["SerializationError", "write"]

_MEMORY_BYTES = 8 * 2**20
_GROUP_BYTES = 32 * 2**20
_BEGIN, _END = b'{"r":', b"}"
# What the engine says before the words of arrow-json.
_WRAPPED = re.compile(r"(?:DataFusion error: |Arrow error: )+")


class SerializationError(Exception):
    """The rows have a type that cannot be written as JSON; in the words of arrow-json."""


def write(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> tuple[IO[bytes], int]:
    """Write a complete result.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the batches.
    batches : iterable of pyarrow.RecordBatch
        The rows.

    Returns
    -------
    file : binary file
        At its start; in memory, or on disk if it is large.
    size : int
        In bytes.

    Raises
    ------
    SerializationError
        If a type cannot be written as JSON.
    """
    rows = pa.struct(list(schema))
    file: IO[bytes] = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115  (returned)
    try:
        separator = b"["
        for group in _groups(batches):
            for line in _lines(group, rows):
                file.write(separator)
                file.write(line)
                separator = b","
        file.write(b"[]" if separator == b"[" else b"]")
        written = file.tell()
        file.seek(0)
        return file, written
    except BaseException:
        file.close()
        raise


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Collect batches, because each file takes one or two milliseconds."""
    group: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows:
            group.append(batch)
        if sum(map(batch_bytes, group)) >= _GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group


def _lines(group: list[pa.RecordBatch], rows: pa.StructType) -> Iterator[bytes]:
    structs = [_structs(batch, rows) for batch in group]
    # A single partition preserves the order.
    context = SessionContext(SessionConfig().with_target_partitions(1))
    with tempfile.TemporaryDirectory(prefix="micromegas-json-") as folder:
        path = Path(folder) / "rows.json"
        try:
            context.from_arrow(pa.table({"r": pa.chunked_array(structs)})).write_json(path)
        except Exception as error:
            raise SerializationError(_WRAPPED.sub("", str(error), count=1)) from error
        with path.open("rb") as lines:
            for line in lines:
                yield line.rstrip(b"\n")[len(_BEGIN) : -len(_END)]


def _structs(batch: pa.RecordBatch, rows: pa.StructType) -> pa.StructArray:
    if not rows.num_fields:
        return pa.array([{}] * batch.num_rows, rows)
    return pa.StructArray.from_arrays(batch.columns, fields=list(rows))
