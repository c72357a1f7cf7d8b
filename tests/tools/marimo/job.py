"""Run SQL cells over engines and connections, and list the data sources."""

from __future__ import annotations

import marimo as mo
import sqlalchemy as sa
from marimo._sql.engines.sqlalchemy import SQLAlchemyEngine

import micromegas_dbapi as mm
from tests.tools.job import run_page
from tests.tools.source import Source

LEVELS = "SELECT level, count(*) AS n FROM log_entries GROUP BY level ORDER BY level"


def check_page() -> None:
    names = run_page("marimo")
    assert names["levels"].height == 6


def check_cells(source: Source) -> None:
    with mm.connect(source.url) as connection:
        for engine in (source.engine, connection):
            frame = mo.sql(LEVELS, engine=engine, output=False)
            assert frame.rows() == source.rows(LEVELS)
            sql = "SELECT * FROM measures ORDER BY time DESC, value LIMIT 50"
            frame = mo.sql(sql, engine=engine, output=False)
            assert frame["time"].to_list() == [row[4] for row in source.rows(sql)]
            assert frame["value"].to_list() == [row[8] for row in source.rows(sql)]


def views_in_panel(engine: sa.Engine) -> list[str]:
    databases = SQLAlchemyEngine(engine, engine_name="engine").get_databases(
        include_schemas=True, include_tables=True, include_table_details=True
    )
    return [t.name for d in databases for s in d.schemas for t in s.tables if t.columns]


def check_panel(source: Source) -> None:
    expected = sorted(sa.inspect(source.engine).get_table_names())
    assert len(expected) == 5
    assert sorted(views_in_panel(source.engine)) == expected
