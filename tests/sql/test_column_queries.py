"""Queries that have the columns of a given query, tried on the engine."""

from __future__ import annotations

import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.sql.column_queries import count_of_rows, with_one_row_of_nulls, without_rows
from micromegas_dbapi.sql.statement import Statement

STATEMENTS = [
    "SELECT 1 AS one",
    "SELECT level, msg FROM log_entries ORDER BY time LIMIT 3;",
    " -- first\nSELECT 1 AS level -- last",
    "/* a */ SELECT ';' AS semicolon /* ; */ ; ; -- end",
    "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
    "VALUES (1, 'a')",
    "(SELECT 1 AS a) UNION ALL (SELECT 2)",
    "SELECT * FROM processes",
    "SELECT 1 /*! AS one */",
    "/*!50000 SELECT */ 1 AS one /*!, 2 AS two -- all */ ;",
    "SELECT 1 #' -- one",
]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_columns_are_those_of_the_statement(sql: str) -> None:
    with mm.connect("demo:?seed=7") as connection:
        whole = connection.execute(sql).fetch_arrow_table()
        nothing = connection.execute(without_rows(Statement(sql))).fetch_arrow_table()
        nulls = connection.execute(with_one_row_of_nulls(Statement(sql))).fetch_arrow_table()
        described = connection.cursor().describe(sql)
    assert nothing.schema.names == nulls.schema.names == whole.schema.names
    assert nothing.schema.types == nulls.schema.types == whole.schema.types
    assert [column.name for column in described] == whole.schema.names
    assert [column.type_code.arrow_type for column in described] == whole.schema.types
    assert nothing.num_rows == 0
    assert nulls.to_pylist() == [dict.fromkeys(whole.schema.names)]


@pytest.mark.parametrize(
    "sql", ["DESCRIBE log_entries", "EXPLAIN SELECT 1", "SHOW TABLES", "", ";"]
)
def test_what_is_no_query_stays_as_it_is(sql: str) -> None:
    assert without_rows(Statement(sql)) == with_one_row_of_nulls(Statement(sql)) == sql


def test_describe_computes_nothing_and_keeps_the_result() -> None:
    with mm.connect("demo:?seed=7") as connection:
        cursor = connection.execute("SELECT 1 AS one UNION ALL SELECT 2 ORDER BY one")
        assert cursor.fetchone() == (1,)
        [column] = cursor.describe(
            "SELECT 1 / (level - level) AS v FROM log_entries WHERE level = ?", (4,)
        )
        assert column.name == "v"
        assert cursor.fetchall() == [(2,)]
        with pytest.raises(mm.ProgrammingError, match="nope") as caught:
            cursor.describe("SELECT nope FROM log_entries")
        assert caught.value.sql == "SELECT nope FROM log_entries"
        with pytest.raises(mm.NotSupportedError, match="DROP is rejected"):
            cursor.describe("DROP TABLE x")
        cursor.close()
        with pytest.raises(mm.InterfaceError):
            cursor.describe("SELECT 1")


def test_service_of_a_lake() -> None:
    with mm.connect("demo:?seed=7") as connection:
        service = connection.service
        assert (service.wire, service.generation) == ("lake", "0.1")
        assert service.views is not None
        assert set(service.views) == {"blocks", "log_entries", "measures", "processes", "streams"}
    with pytest.raises(mm.InterfaceError):
        _ = connection.service


@pytest.mark.parametrize(
    ("sql", "counts"),
    [
        ("SELECT FROM (VALUES (1), (2)) AS t (a)", True),
        ("select /* none */ from (VALUES (1), (2)) AS t (a); -- end", True),
        ("WITH x AS (VALUES (1), (2)) SELECT FROM x", True),
        ("SELECT 'SELECT FROM x' AS a", False),
        ("EXPLAIN SELECT FROM (VALUES (1)) AS t (a)", False),
    ],
)
def test_the_count_of_rows_without_columns(sql: str, counts: bool) -> None:
    count = count_of_rows(Statement(sql))
    assert (count is not None) is counts
    if count is not None:
        with mm.connect("demo:") as connection:
            assert connection.execute(sql).fetchall() == [(), ()]
            assert connection.execute(count).fetchall() == [(2,)]
