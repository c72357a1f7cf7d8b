"""Write results as CSV, JSON, Parquet or Arrow, batch by batch and without loss."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.arrow.row_groups import ROWS, row_groups
from micromegas_dbapi.errors import DataError, ProgrammingError

__all__ = ["WRITERS"]


def _write_csv(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write CSV with a header line; null is an empty field, an empty string is ``""``."""
    import pyarrow.csv

    fields = [field.with_type(_csv_type(field.type)) for field in result.schema]
    schema = pa.schema([field.with_nullable(True) for field in fields])
    with _arrow_errors("CSV"), pyarrow.csv.CSVWriter(sink, schema) as writer:
        for batch in result:
            columns = list(map(_csv_column, batch.columns, schema.names))
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _csv_type(kind: pa.DataType) -> pa.DataType:
    """Return the type to pass to the CSV writer: numbers and booleans unchanged, else string."""
    exact = pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64(), pa.bool_())
    return kind if exact else pa.string()


def _csv_column(column: pa.Array, name: str) -> pa.Array:
    kind = _csv_type(column.type)
    if kind == column.type:
        return column
    values = rows.column(column, "json", name)
    return pa.array([None if v is None else _csv_text(v) for v in values], kind)


def _csv_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write_json(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write one JSON array, each object on a line of its own."""
    before = b"[\n"
    for line in _json_objects(result):
        sink.write(before + line)
        before = b",\n"
    sink.write(b"\n]\n" if before == b",\n" else b"[]\n")


def _write_ndjson(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write newline-delimited JSON."""
    for line in _json_objects(result):
        sink.write(line + b"\n")


def _json_objects(result: pa.RecordBatchReader) -> Iterator[bytes]:
    names = result.schema.names
    if duplicates := [name for name, count in Counter(names).items() if count > 1]:
        raise ProgrammingError(
            f"duplicate column names cannot be written as JSON: {', '.join(duplicates)}; rename "
            "them with AS"
        )
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    for batch in result:
        columns = rows.columns(batch, "json")
        objects = zip(*columns, strict=True) if columns else iter([()] * batch.num_rows)
        for row in objects:
            yield encode(dict(zip(names, row, strict=True))).encode()


def _write_parquet(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write Parquet with the types of the result; Zstandard halves the size of logs."""
    import pyarrow.parquet as pq

    options = {"compression": "zstd", "version": "2.6", "use_compliant_nested_type": False}
    with _arrow_errors("Parquet"), pq.ParquetWriter(sink, result.schema, **options) as writer:
        for batches in row_groups(result):
            writer.write_table(pa.Table.from_batches(batches), row_group_size=ROWS)


def _write_arrow(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write an Arrow IPC stream."""
    with _arrow_errors("Arrow"), pa.ipc.new_stream(sink, result.schema) as writer:
        for batch in result:
            writer.write_batch(batch)


@contextmanager
def _arrow_errors(name: str) -> Iterator[None]:
    """Convert Arrow's errors to DataError. Errors of the result itself are ours and pass."""
    try:
        yield
    except pa.ArrowException as error:
        raise DataError(f"cannot write the result as {name}: {error}") from error


#: The function that writes each format.
WRITERS: dict[str, Callable[[pa.RecordBatchReader, IO[bytes]], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "ndjson": _write_ndjson,
    "parquet": _write_parquet,
    "arrow": _write_arrow,
}
