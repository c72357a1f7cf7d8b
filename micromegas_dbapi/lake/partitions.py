"""The files of a lake as partitions: list them, report them for a time range, or retire them.

A partition is one Parquet file of a view. A service records when its rows were inserted. A lake's
files contain only the times of their events, which are used for both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from micromegas_dbapi.errors import NotSupportedError, OperationalError
from micromegas_dbapi.lake.folder import Folder
from micromegas_dbapi.service.catalog import LOOKUPS, SCHEMAS, time_columns
from micromegas_dbapi.time_units import SECOND
from micromegas_dbapi.timerange import format_ns

__all__ = ["RETIRED", "list_partitions", "materialize", "query_partitions", "retire"]

#: The folder of a lake that retired files are moved to; no view reads it.
RETIRED = ".retired"

_TIME = LOOKUPS["query_partitions"].field("updated").type
# As recorded from 0.30.
_NULLABLE = ("min_event_time", "max_event_time", "file_path", "sort_order", "max_sort_key_time")
_LISTED = pa.schema(
    [
        field.with_nullable(field.name in _NULLABLE)
        for field in [
            *list(LOOKUPS["query_partitions"])[:-1],
            pa.field("num_rows", pa.int64()),
            pa.field("partition_format_version", pa.int32()),
            pa.field("sort_order", SCHEMAS["streams"].field("tags").type),
            pa.field("max_sort_key_time", _TIME),
        ]
    ]
)


class _Partition(NamedTuple):
    """One file; `begin` and `end` are None if it has no rows."""

    view_set: str
    instance: str
    begin: int | None
    end: int | None
    updated: int
    path: Path
    size: int
    schema: pa.Schema
    rows: int
    footer: bytes


def query_partitions(folder: Folder) -> pa.Table:
    """List the files of a lake.

    Parameters
    ----------
    folder : Folder
        The lake.

    Returns
    -------
    pyarrow.Table
        One row per file, with the columns of the service's ``lakehouse_partitions``:
        ``file_path`` is relative to the lake, ``source_data_hash`` is the number of rows as 8
        bytes little endian, ``file_metadata`` is the file's Parquet footer.

    Raises
    ------
    OperationalError
        If a file cannot be read.
    """
    return _table(folder, LOOKUPS["query_partitions"])


def list_partitions(folder: Folder) -> pa.Table:
    """List the files of a lake like ``list_partitions()`` of newer services.

    Parameters
    ----------
    folder : Folder
        The lake.

    Returns
    -------
    pyarrow.Table
        As `query_partitions`, with the number of rows, and without footers. The sort order is
        null, because it is not known.

    Raises
    ------
    OperationalError
        If a file cannot be read.
    """
    return _table(folder, _LISTED)


def _table(folder: Folder, schema: pa.Schema) -> pa.Table:
    rows = [_values(part, folder) for part in _partitions(folder)]
    columns = [[row[name] for row in rows] for name in schema.names]
    arrays = [
        pa.array(values, pa.int64() if kind == _TIME else kind).cast(kind)
        for values, kind in zip(columns, schema.types, strict=True)
    ]
    return pa.table(arrays, schema=schema)


def _values(part: _Partition, folder: Folder) -> dict[str, Any]:
    return {
        "view_set_name": part.view_set,
        "view_instance_id": part.instance,
        # A file without rows has only the time at which it was written.
        "begin_insert_time": part.updated if part.begin is None else part.begin,
        "end_insert_time": part.updated if part.end is None else part.end,
        "min_event_time": part.begin,
        "max_event_time": part.end,
        "updated": part.updated,
        "file_path": part.path.relative_to(folder.path).as_posix(),
        "file_size": part.size,
        "file_schema_hash": hashlib.sha256(str(part.schema).encode()).digest()[:8],
        "source_data_hash": part.rows.to_bytes(8, "little"),
        "file_metadata": part.footer,
        "num_rows": part.rows,
        "partition_format_version": 2,
        "sort_order": None,
        "max_sort_key_time": None,
    }


def materialize(
    folder: Folder, view_set: str, instance: str, begin: int, end: int, seconds: int
) -> Iterator[str]:
    """Report the files of a view instance for each step of a time range.

    A lake has no other data, so it cannot build partitions. It does not merge them either.

    Parameters
    ----------
    folder : Folder
        The lake.
    view_set, instance : str
        The view instance.
    begin, end : int
        In nanoseconds since the epoch.
    seconds : int
        The length of a step.

    Yields
    ------
    str
        A line of progress.

    Raises
    ------
    OperationalError
        If a file cannot be read.
    """
    step = seconds * SECOND
    parts = [p for p in _partitions(folder) if (p.view_set, p.instance) == (view_set, instance)]
    while step > 0 and begin + step <= end:
        step_end = begin + step
        what = f"[{_format_time(begin)}, {_format_time(step_end)}] {view_set} {instance}"
        found = [p for p in parts if p.begin is not None and p.begin < step_end]
        found = [p for p in found if p.end is not None and p.end >= begin]
        if not found:
            yield f"{what}: matching partitions not found"
        for part in found:
            path = part.path.relative_to(folder.path).as_posix()
            yield f"{what}: up to date path={path} size={part.size} rows={part.rows}"
        begin = step_end


def retire(
    folder: Folder, view_set: str, instance: str, begin: int, end: int, writable: bool
) -> Iterator[str]:
    """Move the files whose events all lie within a time range to the lake's folder `RETIRED`.

    Parameters
    ----------
    folder : Folder
        The lake.
    view_set, instance : str
        The view instance.
    begin, end : int
        In nanoseconds since the epoch, both included.
    writable : bool
        Whether files may be moved.

    Yields
    ------
    str
        A line for each file.

    Raises
    ------
    NotSupportedError
        If the lake is not writable and there is something to retire.
    OperationalError
        If a file cannot be read or moved.
    """
    for part in _partitions(folder):
        if (part.view_set, part.instance) != (view_set, instance):
            continue
        if part.begin is None or part.end is None or part.begin < begin or part.end > end:
            continue
        path = part.path.relative_to(folder.path)
        if not writable:
            raise NotSupportedError(
                f"the lake is served read-only, so {path.as_posix()} is not retired; use serve "
                "--writable"
            )
        target = folder.path / RETIRED / f"{path}.{part.updated}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part.path, target)
        except OSError as error:
            raise OperationalError(f"{path.as_posix()} cannot be moved: {error}") from error
        yield f"moved out of date partition {path.as_posix()} to {RETIRED}"


def _format_time(ns: int) -> str:
    """Format a time as in the service's lines of progress."""
    return format_ns(ns).replace("Z", "+00:00")


def _partitions(folder: Folder) -> Iterator[_Partition]:
    for view in (*SCHEMAS, "log_stats"):
        if view == "thread_spans":
            names = {p.name.removesuffix(".parquet") for p in (folder.path / view).glob("[!._]*")}
            for name in sorted(names):
                yield from _files(folder, view, name, (view, name))
        else:
            yield from _files(folder, view, "global", (view,))


def _files(
    folder: Folder, view: str, instance: str, names: tuple[str, ...]
) -> Iterator[_Partition]:
    source = folder.source(*names)
    if source is None:
        return
    for path in map(Path, source.paths):
        try:
            found = _partition(path, view, instance)
        except (pa.ArrowException, OSError) as error:
            raise OperationalError(
                f"the lake's file {path.name} cannot be read: {error}"
            ) from error
        yield found


def _partition(path: Path, view: str, instance: str) -> _Partition:
    stat, file = path.stat(), pq.ParquetFile(path)
    with file:
        start_column, end_column, *_ = time_columns(view, file.schema_arrow.names)
        footer = pa.BufferOutputStream()
        file.metadata.write_metadata_file(footer)
        return _Partition(
            view_set=view,
            instance=instance,
            begin=min((low for low, _ in _extremes(file, start_column)), default=None),
            end=max((high for _, high in _extremes(file, end_column)), default=None),
            updated=stat.st_mtime_ns,
            path=path,
            size=stat.st_size,
            schema=file.schema_arrow,
            rows=file.metadata.num_rows,
            footer=footer.getvalue().to_pybytes(),
        )


def _extremes(file: pq.ParquetFile, column: str) -> list[tuple[int, int]]:
    """Return the minimum and maximum of a time column in each batch, in nanoseconds."""
    found = []
    for batch in file.iter_batches(columns=[column], use_threads=False):
        both = pc.min_max(batch.column(0).cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()))
        if both["min"].is_valid:
            found.append((both["min"].as_py(), both["max"].as_py()))
    return found
