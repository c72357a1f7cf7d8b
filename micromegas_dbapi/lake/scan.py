"""Read the files of a view as a DataFrame of the engine."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache, reduce
from pathlib import Path

import pyarrow as pa
from datafusion import DataFrame, Expr, SessionConfig, SessionContext, col, lit

from micromegas_dbapi.arrow.readers import cast_batch
from micromegas_dbapi.lake.engine_stack import start_engine
from micromegas_dbapi.lake.folder import Source
from micromegas_dbapi.time_units import NANOSECONDS

__all__ = ["CONFIG", "Scanner", "time_literal"]

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
_TIME = pa.timestamp("ns", tz="+00:00")


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
        start_engine()
        if source.size <= _CACHED_BYTES:
            return self._cached(source)
        # A separate context, because the view's name may be in use in the query's.
        context = SessionContext(SessionConfig(CONFIG))
        if files == ():
            return _empty(source, context)
        whole = source.is_whole and not source.is_mixed
        if files is None or (whole and len(files) >= min(len(source.stamps), _MAX_FILES)):
            return _read_all(source, context) if whole else _union(_read_each(source, context))
        return _union(_read_each(source, context, files))


def time_literal(kind: pa.DataType, ns: int, *, round_up: bool = False) -> Expr:
    """Return a time as a literal of the type of a column, which the engine compares exactly.

    Parameters
    ----------
    kind : pyarrow.DataType
        Of the column. Without a zone, its times are taken to be in UTC.
    ns : int
        Nanoseconds since the epoch.
    round_up : bool
        Whether a time between two units of the column becomes the later one.

    Returns
    -------
    datafusion.Expr
        With a zone and nanoseconds if the column has no times.
    """
    if not pa.types.is_timestamp(kind):
        kind = _TIME
    unit = NANOSECONDS[kind.unit]
    count = -(-ns // unit) if round_up else ns // unit
    return lit(pa.scalar(count, pa.int64()).cast(kind))


def _empty(source: Source, context: SessionContext) -> DataFrame:
    return context.from_arrow(source.schema.empty_table())


def _load(source: Source) -> DataFrame:
    # As one batch: the engine would distribute several, and their rows come in any order then.
    context = SessionContext(SessionConfig(CONFIG).with_target_partitions(1))
    whole = source.is_whole and not source.is_mixed
    frames = [_read_all(source, context)] if whole else _read_each(source, context)
    batches = [batch.to_pyarrow() for frame in frames for batch in frame.execute_stream()]
    if not batches:
        return _empty(source, context)
    try:
        table = pa.Table.from_batches(cast_batch(batch, source.schema) for batch in batches)
        return context.from_arrow(table.unify_dictionaries().combine_chunks())
    except pa.ArrowInvalid:  # the unified dictionary is too large for its index type
        return _union(frames)


def _read_all(source: Source, context: SessionContext) -> DataFrame:
    path = source.path.as_uri() + ("/" if source.path.is_dir() else "")
    return context.read_parquet(path, schema=source.schema)


def _read_each(
    source: Source, context: SessionContext, files: Collection[str] | None = None
) -> list[DataFrame]:
    """Read each file, with the columns and types of the view."""
    frames = []
    for path, schema in zip(source.paths, source.schemas, strict=True):
        if files is not None and path not in files:
            continue
        own = [_own_field(schema, column) for column in source.schema]
        frame = context.read_parquet(Path(path).as_uri(), schema=pa.schema(own))
        if source.is_mixed:
            pairs = zip(own, source.schema, strict=True)
            frame = frame.select(*(_cast(column, view.type) for column, view in pairs))
        frames.append(frame)
    return frames


def _own_field(schema: pa.Schema, column: pa.Field) -> pa.Field:
    at = schema.get_field_index(column.name)
    return column if at < 0 or pa.types.is_null(schema.types[at]) else schema.field(at)


def _cast(column: pa.Field, kind: pa.DataType) -> Expr:
    quoted = column.name.replace('"', '""')
    expression = col(f'"{quoted}"')
    return expression if column.type == kind else expression.cast(kind).alias(column.name)


def _union(frames: list[DataFrame]) -> DataFrame:
    # As a balanced tree, because the engine plans recursively.
    while len(frames) > 1:
        pairs = [frames[at : at + 2] for at in range(0, len(frames), 2)]
        frames = [reduce(DataFrame.union, pair) for pair in pairs]
    return frames[0]
