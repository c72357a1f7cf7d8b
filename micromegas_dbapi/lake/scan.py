"""Read the files of a view as a DataFrame of the engine."""

from __future__ import annotations

from functools import lru_cache, reduce
from pathlib import Path

import pyarrow as pa
from datafusion import DataFrame, SessionConfig, SessionContext

from micromegas_dbapi.lake.folder import Source

__all__ = ["CONFIG", "Scanner"]

#: The configuration of all sessions of the engine.
CONFIG = {
    # Includes the files of view/<id>/*.parquet.
    "datafusion.execution.listing_table_ignore_subdirectory": "false",
    # Types as in the files, like a service, and not view types.
    "datafusion.execution.parquet.schema_force_view_types": "false",
    "datafusion.sql_parser.map_string_types_to_utf8view": "false",
    # Collecting statistics first costs more than it saves in a session of one query.
    "datafusion.execution.collect_statistics": "false",
}
# Views of up to this many bytes on disk are cached, up to this many of them. This reduces the time
# of a query of ten rows to a third (benchmarks/), for at most 64 MB of cached files.
_CACHED_BYTES = 4 * 2**20
_CACHED_VIEWS = 16
# Each file that is read separately is a scan in the plan. If there are more, the whole folder is
# read.
_MAX_FILES = 64


class Scanner:
    """Reads the files of a lake. Small views are cached until their files change."""

    def __init__(self) -> None:
        self._cached = lru_cache(_CACHED_VIEWS)(_load)

    def frame(self, source: Source, files: tuple[str, ...] | None = None) -> DataFrame:
        """Return the rows of a view.

        Parameters
        ----------
        source : Source
            The view's files.
        files : tuple of str, optional
            A subset that is sufficient. Other files may be read too.

        Returns
        -------
        datafusion.DataFrame
            Computed on demand, or cached in memory.
        """
        if source.size <= _CACHED_BYTES:
            return self._cached(source)
        # A separate context, because the view's name may be in use in the query's.
        context = SessionContext(SessionConfig(CONFIG))
        if files == ():
            return _empty(source, context)
        if files is None or len(files) >= min(len(source.stamps), _MAX_FILES):
            return _read(source, context)
        frames = [context.read_parquet(Path(file).as_uri(), schema=source.schema) for file in files]
        return reduce(DataFrame.union, frames)


def _empty(source: Source, context: SessionContext) -> DataFrame:
    return context.from_arrow(source.schema.empty_table())


def _load(source: Source) -> DataFrame:
    # As one batch: the engine would distribute several, and their rows come in any order then.
    context = SessionContext(SessionConfig(CONFIG).with_target_partitions(1))
    batches = [batch.to_pyarrow() for batch in _read(source, context).execute_stream()]
    if not batches:
        return _empty(source, context)
    try:
        table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    except pa.ArrowInvalid:  # the unified dictionary is too large for its index type
        return _read(source, context)
    return context.from_arrow(table)


def _read(source: Source, context: SessionContext) -> DataFrame:
    path = source.path.as_uri() + ("/" if source.path.is_dir() else "")
    return context.read_parquet(path, schema=source.schema)
