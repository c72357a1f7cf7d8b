"""A lake's folder: its views, their files and their columns.

::

    log_entries.parquet            one file per view, or
    log_entries/*.parquet          a folder of files
    thread_spans/<stream_id>.parquet, thread_spans/<stream_id>/*.parquet

Folders may contain folders. The files of one view may differ in their types: see `unified_types`.
"""

from __future__ import annotations

import base64
import os
import stat
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.lake.exact_values import check_cast, check_int96
from micromegas_dbapi.lake.listing import Listing
from micromegas_dbapi.lake.time_extents import TimeExtents, may_overlap, time_extents
from micromegas_dbapi.lake.unified_types import may_lose, unified_type

__all__ = ["Folder", "Source"]


@dataclass(frozen=True)
class Source:
    """The files of a view.

    Attributes
    ----------
    path : Path
        One Parquet file, or a folder of Parquet files.
    schema : pyarrow.Schema
        The columns of all files, in the order of the first file.
    stamps : tuple of (str, int, int)
        Path, modification time in nanoseconds and size in bytes of each file.
    schemas : tuple of pyarrow.Schema
        The columns of each file. Their types may differ from those of `schema`, which represent
        the same values.
    is_whole : bool
        Whether the Parquet files below `path` are exactly these, without links.
    """

    path: Path
    schema: pa.Schema
    stamps: tuple[tuple[str, int, int], ...]
    schemas: tuple[pa.Schema, ...] = field(compare=False)
    is_whole: bool = field(compare=False)

    @cached_property
    def is_mixed(self) -> bool:
        """Whether a file has a column of another type than the view."""
        kinds = {column.name: column.type for column in self.schema}
        return any(
            column.type != kinds[column.name]
            for schema in self.schemas
            if not schema.equals(self.schema)
            for column in schema
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the files."""
        return tuple(path for path, _, _ in self.stamps)

    @property
    def size(self) -> int:
        """The total size of the files in bytes."""
        return sum(size for _, _, size in self.stamps)


class Folder:
    """The files of a lake. They are listed on each access, because exports may add files.

    Parameters
    ----------
    path : Path
        The folder.
    follow_links : bool
        Whether symbolic links may lead out of it.

    Attributes
    ----------
    path : Path
        The folder, without symbolic links.

    Raises
    ------
    OperationalError
        If the folder does not exist.
    """

    def __init__(self, path: Path, *, follow_links: bool = False) -> None:
        if not path.is_dir():
            raise OperationalError(f"the lake {str(path)!r} is not a folder", retryable=False)
        self.path = path.resolve()
        self._follow_links = follow_links
        self._lock = threading.Lock()
        self._base = str(self.path)
        self._footers: dict[str, tuple[_Stamp, pa.Schema, TimeExtents]] = {}
        self._exact: set[tuple[_Stamp, str, pa.DataType]] = set()

    def source(self, *names: str) -> Source | None:
        """Find the files of a view or an instance.

        Parameters
        ----------
        *names : str
            ``"log_entries"``, or ``"thread_spans", stream_id``.

        Returns
        -------
        Source or None
            None if there are no files.

        Raises
        ------
        OperationalError
            If a file cannot be read, if the types of a column have no common type, or if a link
            leads out of the lake and must not.
        DataError
            If a value cannot be cast exactly to the type of its column in the view.
        """
        folder = os.path.join(self._base, *names)
        single = _stamp(f"{folder}.parquet")
        listing = Listing(self._base, folder, follow_links=self._follow_links)
        if single:
            listing.check(single[0])
        if single and listing.paths:
            raise OperationalError(
                f"the lake has both a file {names[-1]}.parquet and a folder {names[-1]}; remove "
                "one of them"
            )
        stamps = (single,) if single else tuple(filter(None, map(_stamp, listing.paths)))
        if not stamps:
            return None
        schemas = tuple(self._footer(stamp)[0] for stamp in stamps)
        schema = _unified(names[0], stamps, schemas)
        for stamp, found in zip(stamps, schemas, strict=True):
            if not found.equals(schema):
                self._check_exact(stamp, found, schema)
        path = Path(single[0] if single else folder)
        return Source(path, schema, stamps, schemas, listing.is_whole)

    def stamps(self) -> tuple[_Stamp, ...]:
        """List all files of the lake.

        Returns
        -------
        tuple of (str, int, int)
            Path, modification time in nanoseconds and size in bytes, in order of the paths.
        """
        paths = sorted(
            os.path.join(folder, name)
            for folder, _, names in os.walk(self._base)
            for name in names
            if name.endswith(".parquet")
        )
        return tuple(filter(None, map(_stamp, paths)))

    def files_within(
        self, source: Source, start_column: str, end_column: str, bounds: tuple[int, int]
    ) -> tuple[str, ...]:
        """List the files of a view that may contain rows within a time range.

        Parameters
        ----------
        source : Source
            Of the view.
        start_column, end_column : str
            A row is within the range if ``start_column <= end`` and ``end_column >= begin``.
        bounds : (int, int)
            Begin and end in nanoseconds since the epoch, both included.

        Returns
        -------
        tuple of str
            Paths.

        Raises
        ------
        OperationalError
            If a file cannot be read.
        """
        return tuple(
            stamp[0]
            for stamp in source.stamps
            if may_overlap(self._footer(stamp)[1], start_column, end_column, bounds)
        )

    def _check_exact(self, stamp: _Stamp, schema: pa.Schema, unified: pa.Schema) -> None:
        """Check that all values of a file can be cast exactly, by its footer if that suffices."""
        for column in schema:
            kind = unified.field(column.name).type
            if kind == column.type or not may_lose(column.type, kind):
                continue
            extent = self._footer(stamp)[1].get(column.name, (-(2**64), 2**64))
            if extent[0] >= -(2**63) and extent[1] < 2**63:
                continue
            checked = (stamp, column.name, kind)
            if checked not in self._exact:
                check_cast(stamp[0], column, kind)
                self._exact.add(checked)

    def _footer(self, stamp: _Stamp) -> tuple[pa.Schema, TimeExtents]:
        with self._lock:
            known = self._footers.get(stamp[0])
        if known is None or known[0] != stamp:
            try:
                # Not by its path: the file would stay open after an error.
                with pa.OSFile(stamp[0]) as opened, pq.ParquetFile(opened) as file:
                    known = (stamp, _declared_schema(file), time_extents(file))
                    check_int96(stamp[0], file, known[1])
            except (pa.ArrowException, OSError) as error:
                name = os.path.basename(stamp[0])
                raise OperationalError(f"the lake's file {name} cannot be read: {error}") from error
            with self._lock:
                self._footers[stamp[0]] = known
        return known[1:]


_Stamp: TypeAlias = tuple[str, int, int]


def _unified(view: str, stamps: tuple[_Stamp, ...], schemas: tuple[pa.Schema, ...]) -> pa.Schema:
    """Return the columns of a view. One that is missing in a file is null in the file's rows."""
    if all(schema.equals(schemas[0]) for schema in schemas):
        return schemas[0]
    fields: dict[str, pa.Field] = {}
    counts: dict[str, int] = {}
    for stamp, schema in zip(stamps, schemas, strict=True):
        for column in schema:
            known = fields.setdefault(column.name, column)
            counts[column.name] = counts.get(column.name, 0) + 1
            if known.equals(column):
                continue
            kind = unified_type(known.type, column.type)
            if kind is None:
                raise OperationalError(
                    f"the files of {view} have different types that have no common type: column "
                    f"{column.name} is {column.type} in {os.path.basename(stamp[0])}, and "
                    f"{known.type} in files before it"
                )
            nullable = known.nullable or column.nullable
            fields[column.name] = pa.field(column.name, kind, nullable)
    return pa.schema(
        [f if counts[f.name] == len(stamps) else f.with_nullable(True) for f in fields.values()]
    )


def _stamp(path: str) -> _Stamp | None:
    """Return what identifies a version of a file, or None if there is no such file."""
    try:
        found = os.stat(path)
    except OSError:  # also if it was removed after it was listed
        return None
    return (path, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _declared_schema(file: pq.ParquetFile) -> pa.Schema:
    """Return the Arrow schema as the writer declared it, without metadata.

    The schema that pyarrow derives depends on its version, for example the width of dictionary
    indices.
    """
    encoded = (file.metadata.metadata or {}).get(b"ARROW:schema")
    read: pa.Schema = file.schema_arrow
    if encoded is not None:
        declared = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded)))
        if declared.names == read.names:
            return declared.remove_metadata()
    return read.remove_metadata()
