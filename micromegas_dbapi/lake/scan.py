"""The files of a view -> a DataFrame of the engine."""

from __future__ import annotations

from functools import lru_cache, reduce
from pathlib import Path

import pyarrow as pa
from datafusion import DataFrame, SessionConfig, SessionContext

from micromegas_dbapi.lake.folder import Source

__all__ = ["CONFIG", "Scanner"]

#: How every session of the engine is configured.
CONFIG = {
    # The files of view/<id>/*.parquet are seen too.
    "datafusion.execution.listing_table_ignore_subdirectory": "false",
    # Types as in the files, and as a service answers: no view types.
    "datafusion.execution.parquet.schema_force_view_types": "false",
    "datafusion.sql_parser.map_string_types_to_utf8view": "false",
    # Reading all statistics first costs more than it brings to a session of one query.
    "datafusion.execution.collect_statistics": "false",
}
# Views of up to this many bytes on disk are kept, so many of them: a query of ten rows takes a
# third of the time then (benchmarks/service.py), and 64 MB of files are the most that is held.
_SMALL_BYTES = 4 * 2**20
_KEPT = 16
# Each file that is read on its own is a scan of the plan; more are read as the folder they are in.
_MOST_FILES = 64


class Scanner:
    """Reads the files of a lake; small ones once, until they change."""

    def __init__(self) -> None:
        self._kept = lru_cache(_KEPT)(_load)

    def frame(self, source: Source, files: tuple[str, ...] | None = None) -> DataFrame:
        """Give the rows of a view, computed when they are asked for or held in memory.

        Parameters
        ----------
        source : Source
        files : tuple of str, optional
            The files that are enough; more may be read.
        """
        if source.size <= _SMALL_BYTES:
            return self._kept(source)
        # On a context of its own, since a view's name may be taken in the query's.
        context = SessionContext(SessionConfig(CONFIG))
        if files is None or not 0 < len(files) < min(len(source.stamps), _MOST_FILES):
            return _read(source, context) if files != () else _nothing(source, context)
        frames = [context.read_parquet(Path(file).as_uri(), schema=source.schema) for file in files]
        return reduce(DataFrame.union, frames)


def _nothing(source: Source, context: SessionContext) -> DataFrame:
    return context.from_arrow(source.schema.empty_table())


def _load(source: Source) -> DataFrame:
    # As one batch: the engine would share several out, and their rows come in any order then.
    context = SessionContext(SessionConfig(CONFIG).with_target_partitions(1))
    batches = [batch.to_pyarrow() for batch in _read(source, context).execute_stream()]
    if not batches:
        return _nothing(source, context)
    try:
        table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    except pa.ArrowInvalid:  # more words than the keys of a dictionary can count
        return _read(source, context)
    return context.from_arrow(table)


def _read(source: Source, context: SessionContext) -> DataFrame:
    path = source.path.as_uri() + ("/" if source.path.is_dir() else "")
    return context.read_parquet(path, schema=source.schema)
