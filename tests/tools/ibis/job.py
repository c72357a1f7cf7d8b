"""Compile expressions to SQL of DataFusion, run it here, and go on with the Arrow result."""

from __future__ import annotations

import ibis
import pyarrow as pa

import micromegas_dbapi as mm
from tests.tools.job import run_page
from tests.tools.source import Source

LIMIT = "it has no backend for drivers: compile to SQL, run it, and go on with the Arrow table"


def check_page() -> None:
    run_page("ibis")


def schema(connection: mm.Connection, view: str) -> ibis.Schema:
    """Return the columns of a view that Ibis has types for."""
    table = connection.execute(f"SELECT * FROM {view} LIMIT 0").fetch_arrow_table()
    return ibis.schema({f.name: f.type for f in table.schema if not pa.types.is_nested(f.type)})


def check_expressions(source: Source) -> None:
    with mm.connect(source.url) as connection:
        log = ibis.table(schema(connection, "log_entries"), name="log_entries")
        measures = ibis.table(schema(connection, "measures"), name="measures")
        expressions = {
            log.group_by("level").agg(n=log.count()).order_by("level"): (
                "SELECT level, count(*) FROM log_entries GROUP BY level ORDER BY level"
            ),
            log.filter(log.msg.contains("timed out")).agg(
                n=ibis._.count(), last=ibis._.time.max()
            ): ("SELECT count(*), max(time) FROM log_entries WHERE msg LIKE '%timed out%'"),
            measures.group_by(minute=measures.time.truncate("m"))
            .agg(mean=ibis._.value.mean())
            .order_by("minute")
            .limit(5): (
                "SELECT date_trunc('minute', time) AS minute, avg(value) FROM measures "
                "GROUP BY 1 ORDER BY 1 LIMIT 5"
            ),
        }
        for expression, sql in expressions.items():
            compiled = str(ibis.to_sql(expression, dialect="datafusion"))
            assert connection.execute(compiled).fetchall() == source.rows(sql), compiled


def check_memory(source: Source) -> None:
    with mm.connect(source.url) as connection:
        cursor = connection.execute("SELECT time, level, msg FROM log_entries")
        log = ibis.memtable(cursor.fetch_arrow_table())
    counted = log.group_by("level").agg(n=log.count()).order_by("level").to_pyarrow()
    expected = source.rows("SELECT level, count(*) FROM log_entries GROUP BY level ORDER BY level")
    assert [tuple(row.values()) for row in counted.to_pylist()] == expected
