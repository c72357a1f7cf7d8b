"""A lake's folder: which views it holds, as which files, with which columns.

::

    log_entries.parquet            one file a view, or
    log_entries/*.parquet          a folder of files
    thread_spans/<stream_id>.parquet, thread_spans/<stream_id>/*.parquet
"""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.errors import OperationalError

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
    """

    path: Path
    schema: pa.Schema


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
        self._footers: dict[Path, tuple[tuple[int, int], pa.Schema]] = {}

    def source(self, *names: str) -> Source | None:
        """Find a view (``"log_entries"``) or an instance (``"thread_spans", stream_id``)."""
        folder = self.path.joinpath(*names)
        file = folder.with_name(folder.name + ".parquet")
        files = sorted(folder.rglob("*.parquet")) if folder.is_dir() else []
        if file.is_file() and files:
            raise OperationalError(
                f"the lake has both {file.name} and the folder {folder.name}: keep one of them"
            )
        if file.is_file():
            return Source(file, self._schema([file]))
        return Source(folder, self._schema(files)) if files else None

    def _schema(self, files: list[Path]) -> pa.Schema:
        schemas = [self._footer(file) for file in files]
        if len(schemas) == 1:
            return schemas[0]
        counts: dict[str, int] = {}
        for schema in schemas:
            for name in schema.names:
                counts[name] = counts.get(name, 0) + 1
        try:
            schema = pa.unify_schemas(schemas)
        except pa.ArrowException as error:
            raise OperationalError(
                f"the files of {files[0].parent.name} have columns of one name but of different "
                f"types: {error}"
            ) from error
        # A column that a file lacks is null in its rows.
        return pa.schema(
            [f if counts[f.name] == len(files) else f.with_nullable(True) for f in schema]
        )

    def _footer(self, file: Path) -> pa.Schema:
        try:
            stat = file.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            with self._lock:
                known = self._footers.get(file)
            if known is None or known[0] != stamp:
                known = (stamp, _declared(pq.ParquetFile(file)))
                with self._lock:
                    self._footers[file] = known
            return known[1]
        except (pa.ArrowException, OSError) as error:
            raise OperationalError(
                f"the lake's file {file.name} cannot be read: {error}"
            ) from error


def _declared(file: pq.ParquetFile) -> pa.Schema:
    """Give the Arrow schema as its writer declared it, without metadata.

    What pyarrow makes of a file differs with its version, in the width of dictionary keys say.
    """
    with file:
        encoded = (file.metadata.metadata or {}).get(b"ARROW:schema")
        read: pa.Schema = file.schema_arrow
    if encoded is not None:
        declared = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded)))
        if declared.names == read.names:
            return declared.remove_metadata()
    return read.remove_metadata()
