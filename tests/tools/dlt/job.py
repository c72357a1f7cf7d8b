"""Load views by time in two steps, with nothing lost and nothing twice."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import dlt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
from dlt.sources.sql_database import sql_database, sql_table

from micromegas_dbapi.demo import write_demo
from tests.tools.job import run_page
from tests.tools.source import Source

LIMIT = (
    "of rows that are alike in all columns to the microsecond, at the time that the last load "
    "ended with, it loads one"
)


def pipeline(name: str) -> dlt.Pipeline:
    return dlt.pipeline(
        name,
        destination=dlt.destinations.duckdb(f"{name}.duckdb"),
        dataset_name="telemetry",
        pipelines_dir=str(Path.cwd() / "state"),
    )


def check_page() -> None:
    run_page("dlt")


def check_incremental(source: Source) -> None:
    """The first load sees the rows before a time in the middle, the second all, the third too."""
    newest = source.value("SELECT max(time) FROM log_entries")
    middle = newest - timedelta(minutes=20)
    expected = source.rows("SELECT time, level, msg FROM log_entries ORDER BY time, level, msg")
    for backend in ("sqlalchemy", "pyarrow"):
        load = pipeline(f"{source.url.partition(':')[0]}_{backend}")
        counts = []
        for end in (middle, None, None):
            engine = sa.create_engine(source.engine_url)
            if end:
                engine = engine.execution_options(begin=newest - timedelta(days=1), end=end)
            table = sql_table(
                engine,
                table="log_entries",
                backend=backend,
                included_columns=["time", "level", "msg"],
                incremental=dlt.sources.incremental("time"),
            )
            load.run(table)
            with load.sql_client() as client:
                sql = "SELECT time, level, msg FROM log_entries ORDER BY time, level, msg"
                loaded = client.execute_sql(sql)
            counts.append(len(loaded))
        assert 0 < counts[0] < counts[1] == counts[2] == len(expected), (backend, counts)
        assert sorted(loaded) == sorted(expected), backend


def check_what_is_taken_for_the_same() -> None:
    """A row that differs from the newest loaded one in nanoseconds only is not loaded."""
    folder = Path("repeated")
    write_demo(folder, now=time.time_ns() // 1000 * 1000)
    load, counts = pipeline("repeated"), []
    for _ in range(2):
        source = Source(f"lake:{folder.absolute()}")
        table = sql_table(
            source.engine,
            table="log_entries",
            included_columns=["time", "level", "msg"],
            incremental=dlt.sources.incremental("time"),
        )
        load.run(table)
        with load.sql_client() as client:
            counts.append(client.execute_sql("SELECT count(*) FROM log_entries")[0][0])
        rows = pq.read_table(folder / "log_entries.parquet")
        newest = rows.slice(rows.num_rows - 1)
        place = newest.column_names.index("time")
        later = pc.add(newest["time"], pa.scalar(1, pa.duration("ns")))
        more = newest.set_column(place, newest.schema.field("time"), later)
        pq.write_table(pa.concat_tables([rows, more]), folder / "log_entries.parquet")
    assert counts == [19549, 19549]


def check_all_views(source: Source) -> None:
    load = pipeline(f"{source.url.partition(':')[0]}_all")
    load.run(sql_database(source.engine))
    loaded = load.last_trace.last_normalize_info.row_counts
    for view in sa.inspect(source.engine).get_table_names():
        assert loaded[view] == source.value(f"SELECT count(*) FROM {view}"), view
