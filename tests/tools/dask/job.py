"""Read views and queries in partitions by time, with every row exactly once."""

from __future__ import annotations

import dask.dataframe as dd
import sqlalchemy as sa

from tests.tools.job import run_page
from tests.tools.source import Source


def check_page() -> None:
    run_page("dask")


def check_table(source: Source) -> None:
    for view in ("log_entries", "measures"):
        frame = dd.read_sql_table(view, source.engine_url, index_col="time", npartitions=5)
        assert frame.npartitions == 5
        assert len(frame) == source.value(f"SELECT count(*) FROM {view}"), view


def check_values(source: Source) -> None:
    frame = dd.read_sql_table(
        "measures",
        source.engine_url,
        index_col="time",
        columns=["process_id", "value"],
        npartitions=4,
    )
    read = frame.compute()
    expected = source.rows("SELECT time, process_id, value FROM measures")
    assert sorted(read.itertuples(name=None)) == sorted(expected)
    assert str(read.index.dtype).endswith("UTC]"), read.index.dtype


def check_limits(source: Source) -> None:
    """Datetimes as limits are whole microseconds too."""
    [limits] = source.rows("SELECT min(time), max(time) FROM log_entries")
    frame = dd.read_sql_table(
        "log_entries", source.engine_url, index_col="time", npartitions=3, limits=limits
    )
    assert len(frame) == source.value("SELECT count(*) FROM log_entries")


def check_query(source: Source) -> None:
    log = sa.Table("log_entries", sa.MetaData(), autoload_with=source.engine)
    statement = sa.select(log.c.time, log.c.level).where(log.c.level <= 4)
    frame = dd.read_sql_query(statement, source.engine_url, index_col="time", npartitions=3)
    assert len(frame) == source.value("SELECT count(*) FROM log_entries WHERE level <= 4")
