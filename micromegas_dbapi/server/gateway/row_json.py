"""Record batches -> a JSON array of rows, as arrow-json writes them.

Which is what writes the engine's own files of JSON: so they are its, one object a line. Each row is
one struct there, because columns of a table cannot have one name, while fields of a struct can.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
from datafusion import SessionConfig, SessionContext

from micromegas_dbapi.errors import from_service
from micromegas_dbapi.server.ipc_messages import size

__all__ = ["write"]

_IN_MEMORY = 8 * 2**20
_BYTES = 32 * 2**20
_BEGIN, _END = b'{"r":', b"}"


def write(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> tuple[IO[bytes], int]:
    """Write a whole result.

    Returns
    -------
    file, size : binary file at its begin, int
        In memory, or on disk where it is large.

    Raises
    ------
    DatabaseError
        For a type that JSON is not written of.
    """
    rows = pa.struct(list(schema))
    file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (handed over)
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
    """Put batches together, since each file takes a millisecond or two."""
    group: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows:
            group.append(batch)
        if sum(map(size, group)) >= _BYTES:
            yield group
            group = []
    if group:
        yield group


def _lines(group: list[pa.RecordBatch], rows: pa.StructType) -> Iterator[bytes]:
    structs = [_structs(batch, rows) for batch in group]
    # One partition, which keeps the order.
    context = SessionContext(SessionConfig().with_target_partitions(1))
    with tempfile.TemporaryDirectory(prefix="micromegas-json-") as folder:
        path = Path(folder) / "rows.json"
        try:
            context.from_arrow(pa.table({"r": pa.chunked_array(structs)})).write_json(path)
        except Exception as error:
            raise from_service(str(error)) from error
        with path.open("rb") as lines:
            for line in lines:
                yield line.rstrip(b"\n")[len(_BEGIN) : -len(_END)]


def _structs(batch: pa.RecordBatch, rows: pa.StructType) -> pa.StructArray:
    if not rows.num_fields:
        return pa.array([{}] * batch.num_rows, rows)
    return pa.StructArray.from_arrays(batch.columns, fields=list(rows))
