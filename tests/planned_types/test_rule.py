"""The rule: which statements surely have the types of their plans; each row of its tables."""

from __future__ import annotations

import pytest

from micromegas_dbapi.sql.engine_functions import FUNCTIONS, UNSIGNED
from micromegas_dbapi.sql.planned_types import (
    EFFECTS,
    KIND_TEXTS,
    KIND_WORDS,
    KINDS,
    TABLE_FUNCTIONS,
    UNSURE,
    VIEWS,
    calls,
    doubt,
)
from micromegas_dbapi.sql.statement import Statement

SURE = [
    "SELECT * FROM log_entries",
    "SELECT target, count(*) AS n FROM log_entries WHERE level <= 3 GROUP BY target ORDER BY n",
    "SELECT level + 1, level * 1.5, -level, level % 2, level / 2 FROM log_entries",
    "SELECT l.msg, m.value FROM log_entries AS l JOIN measures m ON l.process_id = m.process_id",
    "SELECT * FROM processes p, streams s WHERE p.process_id = s.process_id",
    "SELECT a.level, b.level FROM log_entries a LEFT JOIN log_entries b USING (process_id)",
    "SELECT * FROM public.log_entries",
    "SELECT * FROM datafusion.public.log_entries",
    'SELECT * FROM "log_entries"',
    "select * from LOG_ENTRIES",
    "SELECT * FROM view_instance('thread_spans', 'an id')",
    "SELECT * FROM view_instance(concat('log', '_entries'), 'global')",
    "SELECT * FROM view_instance('log' || '_entries', 'global')",
    "SELECT t.* FROM (SELECT level FROM log_entries LIMIT 3) AS t",
    "SELECT * FROM ((log_entries))",
    "SELECT * FROM (log_entries l JOIN measures m ON true)",
    "SELECT * FROM (VALUES (1, 'a'), (2.5, NULL)) AS t(n, s)",
    "SELECT * FROM (VALUES (1)) t(n)",
    "VALUES (1), (2.5)",
    "WITH a AS (SELECT level FROM log_entries), b (x) AS (SELECT level FROM a) SELECT * FROM a, b",
    "WITH a AS (SELECT 1 AS x) SELECT * FROM (SELECT * FROM a) AS b",
    "WITH a AS MATERIALIZED (SELECT 1 AS x) SELECT * FROM a",
    'WITH "A b" AS (SELECT 1 AS x) SELECT * FROM "A b"',
    "FROM log_entries SELECT level",
    "SELECT level FROM log_entries WHERE msg LIKE '%CASE%' OR msg = 'UNION ALL'",
    'SELECT level AS "case" FROM log_entries',
    "SELECT level FROM log_entries -- the lowest",
    "SELECT EXTRACT(hour FROM time), trim(both 'x' FROM msg) FROM log_entries",
    "SELECT substring(msg FROM 1 FOR 2) FROM log_entries",
    "SELECT level IS DISTINCT FROM 3, level IS NOT DISTINCT FROM 3 FROM log_entries",
    "SELECT CAST(level AS VARCHAR(10)), level::BIGINT, TRY_CAST(msg AS INT) FROM log_entries",
    "SELECT count(*) FILTER (WHERE level < 3) FROM log_entries",
    "SELECT row_number() OVER (PARTITION BY target ORDER BY time) AS n FROM log_entries",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY value) FROM measures",
    "SELECT level FROM log_entries WHERE level IN (SELECT level FROM log_stats)",
    "SELECT count(*) FROM log_entries WHERE EXISTS (SELECT 1 FROM streams)",
    "SELECT target FROM log_entries GROUP BY ROLLUP (target)",
    "SELECT property_get(properties, 'x') FROM processes",
    "SELECT array_length(tags) FROM streams",
    "SELECT duration / 1000000.0 FROM view_instance('thread_spans', 'an id')",
    "SELECT depth - 1, max(line) + 1 FROM view_instance('thread_spans', 'x') GROUP BY depth",
    "SELECT sum(level) - 1 FROM log_entries",
    "SELECT table_name FROM information_schema.tables",
    "SELECT * FROM list_partitions()",
    "SELECT time, msg FROM materialize_partitions('log_entries', 'a', 'b', 60)",
    "SELECT * FROM unnest([1, 2])",
    "SELECT [1, 2.5], make_array(level, 2.5) FROM log_entries",
    "SELECT CAST(level AS DECIMAL(10, 2)) FROM log_entries",
    "SELECT arrow_cast(level, 'Decimal256(40, 2)') FROM log_entries",
    "SELECT time AT TIME ZONE 'UTC' FROM log_entries",
    "SELECT arrow_cast('2026-01-01', 'Timestamp(Second, None)')",
    "SELECT arrow_cast(level, 'UInt64') FROM log_entries",
    "EXPLAIN SELECT CASE WHEN true THEN 1 ELSE 2.5 END",
    "DESCRIBE log_entries",
    "SHOW TABLES",
    "/* a comment */ SELECT level FROM log_entries",
    "SELECT 1",
    "",
]
UNSURE_STATEMENTS = [
    ("SELECT CASE WHEN level = 4 THEN 1 ELSE 0.5 END FROM log_entries", "CASE"),
    ("SELECT sum(case when level = 4 then 1 end) FROM log_entries", "CASE"),
    ("SELECT level FROM log_entries UNION ALL SELECT 9", "UNION"),
    ("SELECT level FROM log_entries UNION SELECT 9", "UNION"),
    ("SELECT level FROM log_entries EXCEPT SELECT 4", "EXCEPT"),
    ("SELECT level FROM log_entries INTERSECT SELECT 4", "INTERSECT"),
    ("SELECT level FROM log_entries MINUS SELECT 4", "MINUS"),
    ("WITH u AS (SELECT 1 AS a UNION ALL SELECT 2.5) SELECT * FROM u", "UNION"),
    ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", "UNION"),
    ("SELECT * FROM my_view", "my_view"),
    ("SELECT * FROM log_entries, my_view", "my_view"),
    ("SELECT * FROM log_entries l JOIN streams s ON true, my_view", "my_view"),
    ("SELECT * FROM log_entries JOIN my_view USING (process_id)", "my_view"),
    ("SELECT * FROM (my_view)", "my_view"),
    ("SELECT * FROM (SELECT * FROM my_view) AS t", "my_view"),
    ("SELECT level FROM log_entries WHERE level IN (SELECT x FROM my_view)", "my_view"),
    ("SELECT * FROM other.log_entries", "other.log_entries"),
    ("SELECT * FROM other.public.log_entries", "other.public.log_entries"),
    ("SELECT * FROM information_schema.other", "information_schema.other"),
    ('SELECT * FROM "LOG_ENTRIES"', "LOG_ENTRIES"),
    ("SELECT * FROM 'file.parquet'", "file.parquet"),
    ("SELECT * FROM view_instance('my_view', 'x')", "my_view"),
    ("SELECT * FROM view_instance(lower('LOG_ENTRIES'), 'x')", "view_instance"),
    ("SELECT * FROM my_function(1)", "my_function"),
    ("SELECT my_function(level) FROM log_entries", "my_function"),
    ("SELECT jsonb_object_keys(properties) FROM processes", "jsonb_object_keys"),
    ('SELECT "My_Function"(level) FROM log_entries', "My_Function"),
    ("SELECT a.upper(level) FROM log_entries", "upper"),
    # The name of a CTE is visible neither outside of its query nor inside itself.
    ("SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT * FROM a) AS t, a", "definition of a"),
    ("WITH my_view AS (SELECT * FROM my_view) SELECT * FROM my_view", "my_view"),
    ("SELECT sum(x) OVER w FROM log_entries, w WINDOW w AS (ORDER BY time)", "definition of w"),
    # Text that another reader takes for a comment, or runs inside one.
    ("SELECT level FROM log_entries /*! UNION ALL SELECT 9 */", "comment"),
    ("SELECT level FROM log_entries -- x\rUNION ALL SELECT 9", "UNION"),
    ("SELECT level FROM log_entries /* UNION */", "UNION"),
    ("SELECT {'a': level} FROM log_entries", "{"),
    ("FROM log_entries |> SELECT level", "|>"),
    ("SELECT ?", "?"),
    ("SELECT 'never ends", "'never ends"),
    # Decimals, unsigned numbers and zones: the comparison found wrong types for these too.
    ("SELECT round(CAST(level AS DECIMAL(10, 2))) FROM log_entries", "decimals"),
    ("SELECT level::NUMERIC + 1 FROM log_entries", "decimals"),
    ("SELECT nullif(arrow_cast(level, 'Decimal128(10, 2)'), 4) FROM log_entries", "decimals"),
    ("SELECT row_number() OVER (ORDER BY time) - 1 FROM log_entries", "unsigned"),
    ("SELECT array_length(tags) / 2 FROM streams", "unsigned"),
    ("SELECT array_length(tags) * 2 FROM streams", "unsigned"),
    ("SELECT sum(depth) - 1 FROM view_instance('thread_spans', 'x')", "unsigned"),
    ("SELECT level + 18446744073709551615 FROM log_entries", "unsigned"),
    ("SELECT arrow_cast(level, 'UInt64') - 1 FROM log_entries", "unsigned"),
    ("SELECT CAST(level AS BIGINT UNSIGNED) % 3 FROM log_entries", "unsigned"),
    ("SELECT ordinal_position + 1 FROM information_schema.columns", "unsigned"),
    ("SELECT max(time AT TIME ZONE 'UTC') FROM log_entries", "zone"),
    ("SELECT array_agg('2026-01-01'::timestamptz)", "zone"),
    ("SELECT min(arrow_cast('2026-01-01', 'Timestamp(Second, None)'))", "zone"),
]


@pytest.mark.parametrize("sql", SURE)
def test_sure(sql: str) -> None:
    assert doubt(Statement(sql)) is None


@pytest.mark.parametrize(("sql", "word"), UNSURE_STATEMENTS)
def test_unsure(sql: str, word: str) -> None:
    reason = doubt(Statement(sql))
    assert reason is not None
    assert word in reason


@pytest.mark.parametrize("word", UNSURE)
def test_each_word(word: str) -> None:
    for spelled in (word, word.lower()):
        assert doubt(Statement(f"SELECT level {spelled} x FROM log_entries")) == UNSURE[word]
        assert doubt(Statement(f'SELECT "{spelled}" FROM log_entries')) is None
        assert doubt(Statement(f"SELECT '{spelled}' FROM log_entries")) is None


@pytest.mark.parametrize(
    "value",
    [
        *(f"CAST(level AS {word})" for word in KIND_WORDS),
        *(f"arrow_cast(level, '{text}..')" for text in KIND_TEXTS),
    ],
)
def test_each_kind(value: str) -> None:
    words = {**KIND_WORDS, **KIND_TEXTS}
    kind = next(kind for sign, kind in words.items() if sign in value)
    assert doubt(Statement(f"SELECT {value} FROM log_entries")) is None
    assert doubt(Statement(f"SELECT max({value} + 1) FROM log_entries")) == KINDS[kind]


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_each_view(view: str) -> None:
    assert doubt(Statement(f"SELECT * FROM {view}")) is None
    assert doubt(Statement(f"SELECT * FROM view_instance('{view}', 'x')")) is None


@pytest.mark.parametrize("name", sorted(TABLE_FUNCTIONS - {"view_instance"}))
def test_each_table_function(name: str) -> None:
    assert doubt(Statement(f"SELECT * FROM {name}('x')")) is None
    assert f"{name}s is not known" in str(doubt(Statement(f"SELECT * FROM {name}s('x')")))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_function(name: str) -> None:
    assert doubt(Statement(f"SELECT {name}(level) FROM log_entries")) is None
    assert "is not known" in str(doubt(Statement(f"SELECT {name}_(level) FROM log_entries")))


@pytest.mark.parametrize("name", sorted(UNSIGNED))
def test_each_unsigned_function(name: str) -> None:
    assert "unsigned" in str(doubt(Statement(f"SELECT {name}(level) - 1 FROM log_entries")))


def test_effects_are_seen_in_any_form() -> None:
    for name in EFFECTS:
        assert name in calls(Statement(f"SELECT CASE WHEN true THEN {name.upper()} ('x') END"))
        assert name in calls(Statement(f'SELECT * FROM "{name}"(1)'))
    assert calls(Statement("SELECT 'upper(', upper (msg) -- lower(")) == {"upper"}
