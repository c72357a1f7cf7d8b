"""A lake's folder: its views, their files and their columns.

::

    log_entries.parquet            one file per view, or
    log_entries/*.parquet          a folder of files
    thread_spans/<stream_id>.parquet, thread_spans/<stream_id>/*.parquet
"""

from __future__ import annotations

import base64
import os
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.lake.time_extents import TimeExtents, may_overlap, time_extents

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
    """

    path: Path
    schema: pa.Schema
    stamps: tuple[tuple[str, int, int], ...]

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

    Attributes
    ----------
    path : Path
        The folder, without symbolic links.

    Raises
    ------
    OperationalError
        If the folder does not exist.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise OperationalError(f"the lake {str(path)!r} is not a folder", retryable=False)
        self.path = path.resolve()
        self._lock = threading.Lock()
        self._base = str(self.path)
        self._footers: dict[str, tuple[_Stamp, pa.Schema, TimeExtents]] = {}

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
            If a file cannot be read, or if the files contradict each other.
        """
        folder = os.path.join(self._base, *names)
        single = _stamp(f"{folder}.parquet")
        found = sorted(Path(folder).rglob("*.parquet")) if os.path.isdir(folder) else []
        if single and found:
            raise OperationalError(
                f"the lake has both a file {names[-1]}.parquet and a folder {names[-1]}; remove "
                "one of them"
            )
        stamps = (single,) if single else tuple(filter(None, map(_stamp, map(str, found))))
        if not stamps:
            return None
        return Source(Path(single[0] if single else folder), self._schema(stamps), stamps)

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

    def _schema(self, stamps: tuple[_Stamp, ...]) -> pa.Schema:
        schemas = [self._footer(stamp)[0] for stamp in stamps]
        if len(schemas) == 1:
            return schemas[0]
        counts: dict[str, int] = {}
        for schema in schemas:
            for name in schema.names:
                counts[name] = counts.get(name, 0) + 1
        try:
            schema = pa.unify_schemas(schemas)
        except pa.ArrowException as error:
            name = Path(stamps[0][0]).parent.name
            raise OperationalError(
                f"the files of {name} have columns of the same name but different types: {error}"
            ) from error
        # A column that is missing in a file is null in the file's rows.
        return pa.schema(
            [f if counts[f.name] == len(stamps) else f.with_nullable(True) for f in schema]
        )

    def _footer(self, stamp: _Stamp) -> tuple[pa.Schema, TimeExtents]:
        with self._lock:
            known = self._footers.get(stamp[0])
        if known is None or known[0] != stamp:
            try:
                with pq.ParquetFile(stamp[0]) as file:
                    known = (stamp, _declared_schema(file), time_extents(file))
            except (pa.ArrowException, OSError) as error:
                name = os.path.basename(stamp[0])
                raise OperationalError(f"the lake's file {name} cannot be read: {error}") from error
            with self._lock:
                self._footers[stamp[0]] = known
        return known[1:]


_Stamp: TypeAlias = tuple[str, int, int]


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
