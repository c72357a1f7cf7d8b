"""A lake's folder: which views it holds, as which files, with which columns.

::

    log_entries.parquet            one file a view, or
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
from micromegas_dbapi.lake.time_extents import Extents, extents, may_lie_within

__all__ = ["Folder", "Source"]


@dataclass(frozen=True)
class Source:
    """The files of a view.

    Attributes
    ----------
    path : Path
        One Parquet file, or a folder of them.
    schema : pyarrow.Schema
        The columns of all files, in the first file's order.
    stamps : tuple of (str, int, int)
        Path, time of change in nanoseconds and size in bytes of each file.
    """

    path: Path
    schema: pa.Schema
    stamps: tuple[tuple[str, int, int], ...]

    @property
    def size(self) -> int:
        """How many bytes the files have."""
        return sum(size for _, _, size in self.stamps)


class Folder:
    """The files below a lake's folder, looked up anew each time, since exports may add some.

    Raises
    ------
    OperationalError
        If the folder does not exist, or later if a file in it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise OperationalError(f"the lake {str(path)!r} is not a folder", retryable=False)
        self.path = path.resolve()
        self._lock = threading.Lock()
        self._base = str(self.path)
        self._footers: dict[str, tuple[_Stamp, pa.Schema, Extents]] = {}

    def source(self, *names: str) -> Source | None:
        """Find a view (``"log_entries"``) or an instance (``"thread_spans", stream_id``)."""
        folder = os.path.join(self._base, *names)
        alone = _stamp(f"{folder}.parquet")
        found = sorted(Path(folder).rglob("*.parquet")) if os.path.isdir(folder) else []
        if alone and found:
            raise OperationalError(
                f"the lake has both {names[-1]}.parquet and the folder {names[-1]}: keep one of "
                "them"
            )
        stamps = (alone,) if alone else tuple(filter(None, map(_stamp, map(str, found))))
        if not stamps:
            return None
        return Source(Path(alone[0] if alone else folder), self._schema(stamps), stamps)

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
                f"the files of {name} have columns of one name but of different types: {error}"
            ) from error
        # A column that a file lacks is null in its rows.
        return pa.schema(
            [f if counts[f.name] == len(stamps) else f.with_nullable(True) for f in schema]
        )

    def within(
        self, source: Source, upto: str, since: str, bounds: tuple[int, int]
    ) -> tuple[str, ...]:
        """List a view's files that may have rows within a range, as a service finds partitions.

        Parameters
        ----------
        source : Source
        upto, since : str
            The columns that are compared with the range's end and begin.
        bounds : (int, int)
            Begin and end in nanoseconds since the epoch, both included.
        """
        return tuple(
            stamp[0]
            for stamp in source.stamps
            if may_lie_within(self._footer(stamp)[1], upto, since, bounds)
        )

    def _footer(self, stamp: _Stamp) -> tuple[pa.Schema, Extents]:
        with self._lock:
            known = self._footers.get(stamp[0])
        if known is None or known[0] != stamp:
            try:
                with pq.ParquetFile(stamp[0]) as file:
                    known = (stamp, _declared(file), extents(file))
            except (pa.ArrowException, OSError) as error:
                name = os.path.basename(stamp[0])
                raise OperationalError(f"the lake's file {name} cannot be read: {error}") from error
            with self._lock:
                self._footers[stamp[0]] = known
        return known[1:]


_Stamp: TypeAlias = tuple[str, int, int]


def _stamp(path: str) -> _Stamp | None:
    """Tell a file's version apart; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:  # or it was taken away since it was listed
        return None
    return (path, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _declared(file: pq.ParquetFile) -> pa.Schema:
    """Give the Arrow schema as its writer declared it, without metadata.

    What pyarrow makes of a file differs with its version, in the width of dictionary keys say.
    """
    encoded = (file.metadata.metadata or {}).get(b"ARROW:schema")
    read: pa.Schema = file.schema_arrow
    if encoded is not None:
        declared = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded)))
        if declared.names == read.names:
            return declared.remove_metadata()
    return read.remove_metadata()
