"""The files of a view -> a DataFrame of the engine."""

from __future__ import annotations

from functools import lru_cache

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


class Scanner:
    """Reads the files of a lake; small ones once, until they change."""

    def __init__(self) -> None:
        self._kept = lru_cache(_KEPT)(lambda source: _read(source).cache())

    def frame(self, source: Source) -> DataFrame:
        """Give all rows of a view, computed when they are asked for or held in memory."""
        return self._kept(source) if source.size <= _SMALL_BYTES else _read(source)


def _read(source: Source) -> DataFrame:
    # On a context of its own, since a view's name may be taken in the query's.
    context = SessionContext(SessionConfig(CONFIG))
    path = source.path.as_uri() + ("/" if source.path.is_dir() else "")
    return context.read_parquet(path, schema=source.schema)
