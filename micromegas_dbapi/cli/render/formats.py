"""A result -> CSV, JSON, Parquet or Arrow, batch by batch, with every digit of every value."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import IO, Any

import pyarrow as pa

from micromegas_dbapi.arrow.row_groups import ROWS, row_groups
from micromegas_dbapi.cli.render.json_form import plain
from micromegas_dbapi.errors import DataError, ProgrammingError

__all__ = ["WRITERS"]


def write_csv(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write RFC 4180 with a header line: null is nothing, an empty text ``""``."""
    import pyarrow.csv

    fields = [field.with_type(_in_csv(field.type)) for field in result.schema]
    schema = pa.schema([field.with_nullable(True) for field in fields])
    with _writing("CSV"), pyarrow.csv.CSVWriter(sink, schema) as writer:
        for batch in result:
            columns = list(map(_csv_column, batch.columns))
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _in_csv(kind: pa.DataType) -> pa.DataType:
    """Give the type that the CSV writer is handed: numbers as they are, all else as text."""
    exact = pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64(), pa.bool_())
    return kind if exact else pa.string()


def _csv_column(column: pa.Array) -> pa.Array:
    kind = _in_csv(column.type)
    if kind == column.type:
        return column
    return pa.array([None if v is None else _csv_text(v) for v in plain(column)], kind)


def _csv_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def write_json(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write one array of objects, a line each."""
    before = b"[\n"
    for line in _objects(result):
        sink.write(before + line)
        before = b",\n"
    sink.write(b"\n]\n" if before == b",\n" else b"[]\n")


def write_ndjson(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write an object a line."""
    for line in _objects(result):
        sink.write(line + b"\n")


def _objects(result: pa.RecordBatchReader) -> Iterator[bytes]:
    names = result.schema.names
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ProgrammingError(
            f"JSON cannot hold several columns of one name: {', '.join(twice)}; rename them in "
            "the statement (AS)"
        )
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    for batch in result:
        columns = [plain(column) for column in batch.columns]
        rows = zip(*columns, strict=True) if columns else iter([()] * batch.num_rows)
        for row in rows:
            yield encode(dict(zip(names, row, strict=True))).encode()


def write_parquet(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write a Parquet file with the types of the result; Zstandard halves what logs take."""
    import pyarrow.parquet as pq

    options = {"compression": "zstd", "version": "2.6", "use_compliant_nested_type": False}
    with _writing("Parquet"), pq.ParquetWriter(sink, result.schema, **options) as writer:
        for batches in row_groups(result):
            writer.write_table(pa.Table.from_batches(batches), row_group_size=ROWS)


def write_arrow(result: pa.RecordBatchReader, sink: IO[bytes]) -> None:
    """Write an Arrow IPC stream."""
    with _writing("Arrow"), pa.ipc.new_stream(sink, result.schema) as writer:
        for batch in result:
            writer.write_batch(batch)


class _writing:  # noqa: N801  (used as a function)
    """Turn what a format cannot hold into an error of ours; the result's own errors pass."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, pa.ArrowException):
            raise DataError(f"{self._name} cannot hold the result: {error}") from error


#: Format -> the function that writes it.
WRITERS: dict[str, Callable[[pa.RecordBatchReader, IO[bytes]], None]] = {
    "csv": write_csv,
    "json": write_json,
    "ndjson": write_ndjson,
    "parquet": write_parquet,
    "arrow": write_arrow,
}
