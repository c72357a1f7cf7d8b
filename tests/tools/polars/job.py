"""Read frames from connections and engines, whole and in batches."""

from __future__ import annotations

import polars as pl

import micromegas_dbapi as mm
from tests.tools.job import error_of, run_page
from tests.tools.source import Source

LIMIT = "`read_database_uri` knows neither our URLs nor our driver, and says so"
NEWEST = "SELECT * FROM log_entries ORDER BY time DESC, msg LIMIT 100"


def check_page() -> None:
    names = run_page("polars")
    assert names["frame"].height == 20


def check_every_view(source: Source) -> None:
    for view in ("log_entries", "measures", "processes", "streams", "blocks"):
        sql = f"SELECT * FROM {view}"
        with mm.connect(source.url) as connection:
            frame = pl.read_database(sql, connection)
            expected = connection.execute(sql).fetch_arrow_table()
        assert frame.columns == expected.column_names
        assert frame.height == expected.num_rows > 0
        for field in expected.schema:
            if str(field.type).startswith("timestamp"):
                type_ = frame.schema[field.name]
                assert (type_.time_unit, type_.time_zone) == ("ns", "UTC"), (view, type_)


def check_values(source: Source) -> None:
    with mm.connect(source.url) as connection:
        for reader in (connection, connection.cursor()):
            frame = pl.read_database(NEWEST, reader)
            assert frame["msg"].to_list() == [row[7] for row in source.rows(NEWEST)]
            nanoseconds = [row[4] for row in source.rows(NEWEST, timestamps="ns")]
            assert frame["time"].cast(pl.Int64).to_list() == nanoseconds


def check_engine(source: Source) -> None:
    frame = pl.read_database(NEWEST, source.engine)
    assert frame["msg"].to_list() == [row[7] for row in source.rows(NEWEST)]
    assert frame["time"].to_list() == [row[4] for row in source.rows(NEWEST)]
    assert frame.schema["time"].time_zone == "UTC"


def check_parameters(source: Source) -> None:
    sql = "SELECT count(*) AS n FROM log_entries WHERE level <= {}"
    with mm.connect(source.url) as connection:
        frame = pl.read_database(sql.format("?"), connection, execute_options={"parameters": (3,)})
    assert frame["n"].item() == source.value(sql.format(3))


def check_batches(source: Source) -> None:
    sql = "SELECT time, value FROM measures"
    with mm.connect(source.url) as connection:
        batches = pl.read_database(sql, connection, iter_batches=True, batch_size=10_000)
        heights = [batch.height for batch in batches]
    # The HTTP service sends this as one row group of Parquet.
    assert len(heights) > 1 or source.url.startswith("http:")
    assert sum(heights) == source.value("SELECT count(*) FROM measures")


def check_uri_is_refused(source: Source) -> None:
    for engine, text in (("connectorx", "not supported"), ("adbc", "driver not detected")):
        assert text in error_of(
            lambda engine=engine: pl.read_database_uri("SELECT 1", source.engine_url, engine=engine)
        )
