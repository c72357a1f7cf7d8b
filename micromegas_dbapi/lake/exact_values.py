"""Check that the values of a file are read exactly, where its types leave that open."""

from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.errors import DataError, OperationalError

__all__ = ["check_cast", "check_int96"]


def check_cast(path: str, column: pa.Field, kind: pa.DataType) -> None:
    """Check that the values of a column can be cast exactly.

    Parameters
    ----------
    path : str
        A Parquet file.
    column : pyarrow.Field
        Of the file.
    kind : pyarrow.DataType
        The type of the column in the view.

    Raises
    ------
    DataError
        If a value cannot be cast.
    OperationalError
        If the file cannot be read.
    """
    reason = f"from {column.type} to {kind}, the type of the column in other files"
    _cast(path, column.name, [column.type, kind], reason)


def check_int96(path: str, file: pq.ParquetFile, schema: pa.Schema) -> None:
    """Check that the times of 96 bits, as Spark writes them, are within the years 1677 to 2262.

    The engine reads them as nanoseconds in 64 bits, and others would wrap around without an error.

    Parameters
    ----------
    path : str
        A Parquet file.
    file : pyarrow.parquet.ParquetFile
        The same file; only its footer is used.
    schema : pyarrow.Schema
        Its columns.

    Raises
    ------
    DataError
        If a time is outside.
    OperationalError
        If the file cannot be read.
    """
    leaves = [file.schema.column(at) for at in range(len(file.schema.names))]
    for leaf in leaves:
        if leaf.physical_type == "INT96":
            name = leaf.path.split(".")[0] if leaf.path not in schema.names else leaf.path
            kind = file.schema_arrow.field(name).type
            _cast(path, name, [kind], "from 96 bits to 64 bits of nanoseconds")


def _cast(path: str, name: str, kinds: list[pa.DataType], reason: str) -> None:
    file_name = os.path.basename(path)
    try:
        with (
            pa.OSFile(path) as opened,
            pq.ParquetFile(opened, coerce_int96_timestamp_unit="us") as file,
        ):
            for batch in file.iter_batches(columns=[name], use_threads=False):
                values = batch.column(0)
                for kind in kinds:
                    values = values.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"the lake's file {file_name} has a value in column {name} that cannot be cast exactly "
            f"{reason}: {error}"
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise OperationalError(f"the lake's file {file_name} cannot be read: {error}") from error
