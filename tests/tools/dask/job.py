"""Read views and queries in partitions by time, with every row exactly once."""

from __future__ import annotations

from datetime import datetime

import dask.dataframe as dd
import sqlalchemy as sa

from tests.tools.job import run_page
from tests.tools.source import Source

LIMIT = "pass `limits=`: without it, rows of the newest microsecond are left out"


def limits(source: Source, view: str) -> tuple[datetime, datetime]:
    [extent] = source.rows(f"SELECT min(time), max(time) FROM {view}")
    return extent


def check_page() -> None:
    run_page("dask")


def check_table(source: Source) -> None:
    for view in ("log_entries", "measures"):
        frame = dd.read_sql_table(
            view, source.engine_url, index_col="time", npartitions=5, limits=limits(source, view)
        )
        assert frame.npartitions == 5
        assert len(frame) == source.value(f"SELECT count(*) FROM {view}"), view


def check_values(source: Source) -> None:
    frame = dd.read_sql_table(
        "measures",
        source.engine_url,
        index_col="time",
        columns=["process_id", "value"],
        npartitions=4,
        limits=limits(source, "measures"),
    )
    read = frame.compute()
    expected = source.rows("SELECT time, process_id, value FROM measures")
    assert sorted(read.itertuples(name=None)) == sorted(expected)
    assert str(read.index.dtype).endswith("UTC]"), read.index.dtype


def check_query(source: Source) -> None:
    log = sa.Table("log_entries", sa.MetaData(), autoload_with=source.engine)
    statement = sa.select(log.c.time, log.c.level).where(log.c.level <= 4)
    span = limits(source, "log_entries")
    frame = dd.read_sql_query(
        statement, source.engine_url, index_col="time", npartitions=3, limits=span
    )
    assert len(frame) == source.value("SELECT count(*) FROM log_entries WHERE level <= 4")


def check_what_is_left_out_without_limits(source: Source) -> None:
    frame = dd.read_sql_table("log_entries", source.engine_url, index_col="time", npartitions=3)
    newest = int(source.rows("SELECT max(time) FROM log_entries", timestamps="ns")[0][0])
    truncated = newest // 1000 * 1000
    sql = f"SELECT count(*) FROM log_entries WHERE CAST(time AS BIGINT) <= {truncated}"
    assert len(frame) == source.value(sql)
