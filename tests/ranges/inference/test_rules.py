"""The rules of inference, one statement each: its range, or the reason why it has none."""

from __future__ import annotations

import pytest

from micromegas_dbapi.ranges.inference import Inferred, Reason, infer
from micromegas_dbapi.service import Service
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, format_ns
from tests.ranges.inference.ranges import FLIGHT, HTTP, NOW, OPEN, RECENT, found

A, B, C = (f"2026-11-0{day}T00:00:00Z" for day in (1, 2, 3))
PRESENT = format_ns(NOW)
LOG = "SELECT level FROM log_entries WHERE "
SPANS = "SELECT name FROM view_instance('thread_spans', 'a-stream') WHERE "

# The range that a condition on log_entries implies.
CONDITIONS = {
    "time >= '2026-11-01'": (A, OPEN),
    "time > '2026-11-01'": (A, OPEN),
    "time < '2026-11-02'": (OPEN, B),
    "time <= '2026-11-02'": (OPEN, B),
    "time = '2026-11-01'": (A, A),
    "'2026-11-01' <= time AND '2026-11-02' > time": (A, B),
    "time BETWEEN '2026-11-01' AND '2026-11-02'": (A, B),
    "time IN ('2026-11-02', '2026-11-01', '2026-11-03')": (A, C),
    "time >= '2026-11-01' AND level <= 2 AND time < '2026-11-02'": (A, B),
    "(time >= '2026-11-01' AND time < '2026-11-02') OR time = '2026-11-03'": (A, C),
    "NOT (time < '2026-11-01' OR time > '2026-11-02')": (A, B),
    "NOT (NOT time >= '2026-11-01')": (A, OPEN),
    "NOT time <> '2026-11-01'": (A, A),
    "time >= '2026-11-01' AND time >= '2026-11-02'": (B, OPEN),
    "TRUE AND (((time >= '2026-11-01')))": (A, OPEN),
    "\"time\" >= '2026-11-01'": (A, OPEN),
    "TIME >= '2026-11-01'": (A, OPEN),
    "log_entries.time >= '2026-11-01'": (A, OPEN),
    "public.log_entries.time >= '2026-11-01'": (A, OPEN),
    # Never true: any range is right.
    "time >= '2026-11-02' AND time < '2026-11-01'": (A, B),
    # Rounded columns.
    "date_trunc('hour', time) = '2026-11-01'": (A, "2026-11-01T01:00:00Z"),
    "date_trunc('day', time) >= '2026-11-01'": (A, OPEN),
    "date_trunc('month', time) < '2026-11-01'": (OPEN, "2026-12-02T00:00:00Z"),
    "CAST(time AS DATE) = '2026-11-01'": (A, B),
    "time::date BETWEEN '2026-11-01' AND DATE '2026-11-02'": (A, C),
    "CAST(time AS DATE) >= '2026-11-01T13:00:00'": (A, OPEN),
    "CAST(time AS TIMESTAMP) < '2026-11-02'": (OPEN, B),
    "date_trunc('day', CAST(time AS TIMESTAMP WITH TIME ZONE)) <= '2026-11-01'": (OPEN, B),
    "date_bin(INTERVAL '1 hour', time) = '2026-11-01'": (A, "2026-11-01T01:00:00Z"),
    "date_bin('1 day'::interval, time) >= '2026-11-01'": (A, OPEN),
    "time BETWEEN to_timestamp_seconds(1793491200) AND '2026-11-02'": (
        "2026-10-31T23:59:59Z",
        "2026-11-02T00:00:01Z",
    ),
    "date_trunc('day', time) <= '1960-01-01'": (OPEN, "1960-01-02T00:00:00Z"),
    "date_trunc('day', time) >= '1960-01-02'": ("1960-01-01T00:00:00Z", OPEN),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions(condition: str) -> None:
    assert found(LOG + condition) == CONDITIONS[condition]


# The begin that X implies in `time >= X`; None if it implies nothing.
LITERALS = {
    "'2026-11-01 10:11:12'": "2026-11-01T10:11:12Z",
    "'2026-11-01T10:11:12.5'": "2026-11-01T10:11:12.500000000Z",
    "'2026-11-01 10:11:12.123456789Z'": "2026-11-01T10:11:12.123456789Z",
    "'2026-11-01T10:11:12+02:00'": "2026-11-01T08:11:12Z",
    "'2026-11-01T10:11:12-0530'": "2026-11-01T15:41:12Z",
    "'2026-11-01T10:11:12+02'": "2026-11-01T08:11:12Z",
    "TIMESTAMP '2026-11-01 10:11:12'": "2026-11-01T10:11:12Z",
    "TIMESTAMP WITH TIME ZONE '2026-11-01 10:11:12.000Z'": "2026-11-01T10:11:12Z",
    "CAST('2026-11-01T10:11:12Z' AS TIMESTAMP)": "2026-11-01T10:11:12Z",
    "'2026-11-01'::timestamp": A,
    "'2026-11-01'::timestamptz": A,
    "DATE '2026-11-01'": A,
    "CAST('2026-11-01 13:00:00' AS DATE)": A,
    "to_timestamp('2026-11-01T10:11:12')": "2026-11-01T10:11:12Z",
    "to_timestamp_nanos('2026-11-01')": A,
    "arrow_cast('2026-11-01', 'Timestamp(Nanosecond, Some(\"+00:00\"))')": A,
    "TIMESTAMP '2026-11-02' - INTERVAL '1 day'": A,
    "TIMESTAMP '2026-11-02' - INTERVAL '1' day": A,
    "TIMESTAMP '2026-11-02' + INTERVAL '-24 hours'": A,
    "(TIMESTAMP '2026-11-02') - (INTERVAL '0 days 86400000000 microseconds')": A,
    "TIMESTAMP '2026-12-01' - INTERVAL '1 month'": "2026-10-31T00:00:00Z",
    "DATE '2026-11-02' - INTERVAL '1 hour'": A,
    "date_trunc('day', TIMESTAMP '2026-11-01 10:00:00')": "2026-10-31T10:00:00Z",
    "now()": "2026-11-22T12:34:56Z",
    "now() - INTERVAL '1 hour'": "2026-11-22T11:34:56Z",
    "CURRENT_TIMESTAMP - INTERVAL '90 minutes'": "2026-11-22T11:04:56Z",
    "current_date": "2026-11-22T00:00:00Z",
    "current_date - 7": "2026-11-15T00:00:00Z",
    "current_date() - INTERVAL '7 days'": "2026-11-15T00:00:00Z",
    "today()": "2026-11-22T00:00:00Z",
    "CAST(now() AS DATE) - INTERVAL '1 day'": "2026-11-21T00:00:00Z",
    "date_trunc('hour', now()) - INTERVAL '1 hour'": "2026-11-22T10:34:56Z",
    "'2026-11-01 10:11'": None,
    "'2026-11-1'": None,
    "'2026-11-01T24:00:00'": None,
    "'2026-11-01T10:11:12.1234567890'": None,
    "'2026-02-30'": None,
    "'9999-12-31'": None,
    "'0001-01-01'": None,
    "'now'": None,
    "1793491200": None,
    "NULL": None,
    "CAST('2026-11-01' AS TIMESTAMP(3))": None,
    "to_timestamp_seconds(1793491200)": "2026-10-31T23:59:59Z",
    "from_unixtime(1793491200)": "2026-10-31T23:59:59Z",
    "to_timestamp_millis(1793491200000)": "2026-10-31T23:59:59.999000000Z",
    "to_timestamp_micros(1793491200000000)": "2026-10-31T23:59:59.999999000Z",
    "to_timestamp_nanos(1793491200000000000)": A,
    "CAST(to_timestamp_seconds(1793491200) AS TIMESTAMP)": A,
    "TIMESTAMP '2026-11-02' - '1 day'::interval": A,
    "now() - CAST('1 hour' AS INTERVAL)": "2026-11-22T11:34:56Z",
    "to_timestamp(1793491200)": None,
    "to_timestamp('2026', '%Y')": None,
    "to_timestamp_millis('2026-11-01')": None,
    "arrow_cast('2026-11-01', 'Timestamp(Second, None)')": None,
    "CAST('2026-11-01' AS VARCHAR)": None,
    "'2026-11-01' + INTERVAL '1 day'": None,
    "TIMESTAMP '2026-11-01' + INTERVAL '1.5 days'": None,
    "TIMESTAMP '2026-11-01' + INTERVAL '1 fortnight'": None,
    "TIMESTAMP '2026-11-01' - INTERVAL '1 day 02:00:00'": None,
    "TIMESTAMP '2026-11-01' + INTERVAL '1 hour' * 2": None,
    "TIMESTAMP '2026-11-01' AT TIME ZONE 'Europe/Paris'": None,
    "current_timestamp(3)": None,
    "localtimestamp": None,
    "date_trunc('decade', now())": None,
    "'2026-11-' || '01'": None,
    "(SELECT max(time) FROM log_entries)": None,
}


@pytest.mark.parametrize("literal", LITERALS)
def test_literals(literal: str) -> None:
    begin = LITERALS[literal]
    result = found(LOG + f"time >= {literal}")
    if begin is None:
        assert isinstance(result, Reason)
    else:
        assert result == (begin, OPEN)


# Conditions that do not bound time.
SILENT = [
    "level = 2",
    "time <> '2026-11-01'",
    "time NOT IN ('2026-11-01')",
    "time NOT BETWEEN '2026-11-01' AND '2026-11-02'",
    "time BETWEEN '2026-11-01' AND CAST('2026-11-02' AS TIMESTAMP(0))",
    "time IN ('2026-11-01', CAST('2026-11-02' AS TIMESTAMP(0)))",
    "time IN ('2026-11-01', NULL)",
    "time IS NOT NULL",
    "(time >= '2026-11-01') IS TRUE",
    "(time >= '2026-11-01') IS NOT FALSE",
    "time >= '2026-11-01' OR level = 2",
    "NOT (time >= '2026-11-01' AND level = 2)",
    "CASE WHEN time >= '2026-11-01' THEN TRUE ELSE FALSE END",
    "coalesce(time, now()) >= '2026-11-01'",
    "time + INTERVAL '1 hour' >= '2026-11-01'",
    "time AT TIME ZONE 'Europe/Paris' >= '2026-11-01'",
    "date_bin(INTERVAL '1 hour', time, TIMESTAMP '2026-01-01') >= '2026-11-01'",
    "date_bin(INTERVAL '-1 hour', time) >= '2026-11-01'",
    "time >= TIMESTAMP '2026-11-01' - to_timestamp_seconds(0)",
    "time >= to_timestamp_seconds(1793491200) - INTERVAL '1 day'",
    "time IS DISTINCT FROM '2026-11-01' AND time >= '2026-11-02'",
    "CAST(time AS TIMESTAMP(3)) >= '2026-11-01'",
    "CAST(time AS VARCHAR) >= '2026-11-01'",
    "extract(year FROM time) = 2026",
    "to_unixtime(time) >= 1793491200",
    "insert_time >= '2026-11-01'",
    "process_id IN (SELECT process_id FROM log_entries WHERE time >= '2026-11-01')",
]


@pytest.mark.parametrize("condition", SILENT)
def test_silent_conditions(condition: str) -> None:
    result = found(LOG + condition)
    assert isinstance(result, Reason)
    assert result.text == "log_entries has no condition on time that is understood"


W = "WHERE time >= '2026-11-01' AND time < '2026-11-02'"
OF_L = W.replace("time", "l.time")
JOINED = "SELECT 1 FROM log_entries l {} JOIN measures m ON l.process_id = m.process_id AND {} {}"

# Whole statements: joins, derived tables, WITH, set operations, subqueries.
STATEMENTS = {
    f"SELECT * FROM log_entries {W}": (A, B),
    f"FROM log_entries SELECT level {W}": (A, B),
    f"SELECT count(*) FROM public.log_entries AS l {W}": (A, B),
    f'SELECT count(*) FROM datafusion."public"."log_entries" {W}': (A, B),
    f"SELECT level, count(*) FROM LOG_ENTRIES {W} GROUP BY 1 HAVING count(*) > 1": (A, B),
    f"SELECT level FROM log_entries {W} ORDER BY level LIMIT 3 OFFSET 2": (A, B),
    f"EXPLAIN SELECT * FROM log_entries {W}": (A, B),
    f"/* a note */ EXPLAIN ANALYZE VERBOSE\n SELECT * FROM log_entries {W}": (A, B),
    f"-- a note\nSELECT * FROM log_entries {W};": (A, B),
    f"(SELECT * FROM log_entries {W})": (A, B),
    # Joins: WHERE bounds either side; the ON of an outer join bounds one of them at most.
    "SELECT 1 FROM log_entries l JOIN measures m ON l.process_id = m.process_id "
    "WHERE l.time >= '2026-11-01' AND m.time >= '2026-11-02'": (A, OPEN),
    JOINED.format("", "l.time >= '2026-11-01' AND m.time >= '2026-11-02'", ""): (A, OPEN),
    JOINED.format("LEFT", "m.time >= '2026-11-02'", "WHERE l.time >= '2026-11-01'"): (A, OPEN),
    JOINED.format("RIGHT", "l.time >= '2026-11-02'", "WHERE m.time >= '2026-11-01'"): (A, OPEN),
    JOINED.format("FULL", "TRUE", "WHERE l.time >= '2026-11-01' AND m.time > '2026-11-02'"): (
        A,
        OPEN,
    ),
    JOINED.format("LEFT", "m.time > '2026-11-01'", "WHERE m.time > '2026-11-02'"): None,
    JOINED.format("LEFT", "l.time > '2026-11-01'", "WHERE m.time > '2026-11-02'"): None,
    JOINED.format("RIGHT", "m.time > '2026-11-01'", "WHERE l.time > '2026-11-02'"): None,
    JOINED.format("FULL", "l.time > '2026-11-01' AND m.time > '2026-11-02'", ""): None,
    JOINED.format("LEFT SEMI", "m.time > '2026-11-01'", "WHERE l.time > '2026-11-02'"): None,
    f"SELECT 1 FROM log_entries, log_entries {W}": None,
    f"SELECT 1 FROM log_entries NATURAL JOIN measures {W}": None,
    "SELECT 1 FROM log_entries l JOIN measures m USING (process_id) WHERE l.time > '2026-11-01' "
    "AND m.time > '2026-11-02'": (A, OPEN),
    # The bounds of different scans are different: the hull is sent.
    "SELECT 1 FROM log_entries WHERE time = '2026-11-01' UNION ALL "
    "SELECT 2 FROM measures WHERE time = '2026-11-03'": (A, C),
    "SELECT 1 FROM log_entries WHERE time > '2026-11-01' UNION ALL "
    "SELECT 2 FROM measures WHERE time < '2026-11-03'": None,
    f"SELECT 1 FROM log_entries {W} UNION SELECT 1 FROM measures": None,
    # Derived tables, and the conditions that pass into them.
    f"SELECT * FROM (SELECT * FROM log_entries) AS v {W}": (A, B),
    f"SELECT * FROM (SELECT level, time FROM log_entries) AS v {W}": (A, B),
    "SELECT * FROM (SELECT time AS t FROM log_entries) v WHERE t = '2026-11-01'": (A, A),
    "SELECT * FROM (SELECT date_trunc('day', time) AS t FROM log_entries) v "
    "WHERE t = '2026-11-01'": (A, B),
    "SELECT * FROM (SELECT CAST(time AS TIMESTAMP) AS t FROM log_entries) v "
    "WHERE t >= '2026-11-01'": (A, OPEN),
    f"SELECT * FROM (SELECT DISTINCT time FROM log_entries ORDER BY time) AS v {W}": (A, B),
    "SELECT * FROM (SELECT time FROM log_entries UNION ALL SELECT time FROM measures) AS v "
    "WHERE time = '2026-11-01'": (A, A),
    "SELECT * FROM (SELECT time FROM log_entries UNION ALL SELECT now() FROM measures) AS v "
    "WHERE time = '2026-11-01'": None,
    "SELECT * FROM (SELECT time FROM log_entries EXCEPT SELECT time FROM measures) AS v "
    "WHERE time = '2026-11-01'": None,
    f"SELECT * FROM (SELECT * FROM log_entries LIMIT 10) AS v {W}": None,
    f"SELECT * FROM (SELECT max(time) AS time FROM log_entries) AS v {W}": None,
    f"SELECT * FROM (SELECT time, count(*) FROM log_entries GROUP BY time) AS v {W}": (A, B),
    # A condition on a key of GROUP BY removes whole groups.
    "SELECT * FROM (SELECT date_trunc('hour', time) AS t, count(*) AS n FROM log_entries GROUP BY "
    "date_trunc('hour', time)) AS v WHERE t >= '2026-11-01'": (A, OPEN),
    "SELECT * FROM (SELECT date_bin(INTERVAL '1 hour', time) AS t, count(*) AS n FROM log_entries "
    "GROUP BY 1 HAVING count(*) > 1) AS v WHERE t >= '2026-11-01'": (A, OPEN),
    "SELECT * FROM (SELECT date_trunc('day', time) AS t, max(level) FROM log_entries GROUP BY t) v "
    "WHERE t = '2026-11-01'": (A, B),
    "SELECT * FROM (SELECT date_trunc('day', time) AS t, level FROM log_entries GROUP BY time, "
    "level) v WHERE t = '2026-11-01'": (A, B),
    "SELECT * FROM (SELECT max(time) AS t, level FROM log_entries GROUP BY level) v "
    "WHERE t >= '2026-11-01'": None,
    "SELECT * FROM (SELECT time, level, count(*) FROM log_entries GROUP BY ROLLUP (time, level)) v "
    "WHERE time >= '2026-11-01'": None,
    "SELECT * FROM (SELECT time, count(*) FROM log_entries GROUP BY time LIMIT 3) v "
    "WHERE time >= '2026-11-01'": None,
    "SELECT * FROM (SELECT time, row_number() OVER () FROM log_entries GROUP BY time) v "
    "WHERE time >= '2026-11-01'": None,
    "SELECT * FROM (SELECT time, my_aggregate(level) FROM log_entries) v "
    "WHERE time >= '2026-11-01'": None,
    "SELECT * FROM (SELECT * FROM log_entries UNION ALL SELECT * FROM log_entries) AS v "
    "WHERE time >= '2026-11-01'": (A, OPEN),
    "SELECT * FROM (SELECT * FROM log_entries UNION ALL SELECT * FROM measures) AS v "
    "WHERE time >= '2026-11-01'": None,
    "SELECT * FROM (SELECT * FROM log_entries EXCEPT SELECT * FROM log_entries) AS v "
    "WHERE time >= '2026-11-01'": None,
    # A series limit over a virtual dataset: a query without such an output column does not have it.
    "SELECT count(*) FROM (SELECT * FROM log_entries) AS v JOIN (SELECT exe AS e, count(*) AS n "
    "FROM (SELECT * FROM log_entries) AS v WHERE time >= '2026-11-01' GROUP BY exe) AS s "
    "ON exe = e WHERE time >= '2026-11-02'": (A, OPEN),
    f"SELECT * FROM (SELECT time, row_number() OVER () FROM log_entries) AS v {W}": None,
    f"SELECT * FROM (SELECT DISTINCT ON (level) time FROM log_entries) AS v {W}": None,
    f"SELECT * FROM (SELECT now() AS time FROM log_entries) AS v {W}": None,
    f"SELECT * FROM (SELECT time, level FROM log_entries) AS v(level, time) {W}": None,
    f"SELECT * FROM (SELECT CAST(time AS DATE) AS time FROM log_entries) AS v {W}": None,
    # WITH: each use of a name is a query of its own, and hides a view.
    f"WITH recent AS (SELECT * FROM log_entries {W}) SELECT * FROM recent": (A, B),
    f"WITH v AS (SELECT * FROM log_entries) SELECT * FROM v {W}": (A, B),
    f"WITH v AS (SELECT * FROM log_entries) SELECT * FROM v {W} UNION SELECT * FROM v": None,
    f"WITH log_entries AS (SELECT * FROM measures) SELECT * FROM log_entries {W}": (A, B),
    f"WITH log_entries AS (SELECT 1 AS time) SELECT * FROM log_entries, measures {W}": None,
    f"WITH RECURSIVE v AS (SELECT 1 UNION ALL SELECT 1 FROM v) SELECT * FROM log_entries {W}": None,
    # Subqueries need conditions of their own.
    f"SELECT 1 FROM log_entries {W} AND level = (SELECT max(level) FROM log_entries {W})": (A, B),
    f"SELECT 1 FROM log_entries {W} AND level = (SELECT max(level) FROM log_entries)": None,
    f"SELECT (SELECT count(*) FROM measures), level FROM log_entries {W}": None,
    f"SELECT 1 FROM log_entries {W} ORDER BY (SELECT count(*) FROM measures)": None,
    f"SELECT 1 FROM log_entries {W} LIMIT (SELECT count(*) FROM measures)": None,
    "SELECT 1 FROM log_entries l WHERE time > '2026-11-01' AND EXISTS "
    "(SELECT 1 FROM measures m WHERE m.time = l.time)": None,
    # Names are found as the engine finds them: in several sources, it is the outer query's.
    "SELECT 1 FROM measures o WHERE o.time >= '2026-11-02' AND EXISTS (SELECT 1 FROM log_entries "
    "a, (VALUES (now())) AS b(time) WHERE time >= '2026-11-01' AND a.time < '2026-11-03')": None,
    "SELECT 1 FROM measures o WHERE o.time >= '2026-11-02' AND EXISTS (SELECT 1 FROM log_entries a "
    "WHERE time >= '2026-11-01')": (A, OPEN),
    "SELECT 1 FROM measures o WHERE o.time >= '2026-11-02' AND EXISTS (SELECT 1 FROM log_entries "
    "a, (SELECT 1 AS n) AS b WHERE time >= '2026-11-01')": (A, OPEN),
    "SELECT 1 FROM log_entries o WHERE o.time >= '2026-11-02' AND EXISTS (SELECT 1 FROM my_view "
    "WHERE time >= '2026-11-01')": None,
    # An ON sees its own chain of joins, and what stands before it.
    "SELECT 1 FROM log_entries a, (SELECT * FROM measures) b JOIN (SELECT 1 AS n) c "
    "ON time >= '2026-11-01' WHERE b.time >= '2026-11-02'": None,
    "SELECT 1 FROM (SELECT 1 AS n) c, log_entries a JOIN (SELECT 1 AS m) b "
    "ON time >= '2026-11-01'": (A, OPEN),
    "SELECT 1 FROM (log_entries a JOIN (SELECT 1 AS m) b ON time >= '2026-11-01'), "
    "measures m WHERE m.time >= '2026-11-02'": (A, OPEN),
    "SELECT 1 FROM (SELECT 1 AS n) c LEFT JOIN (log_entries a JOIN (SELECT 1 AS m) b ON true) "
    "ON a.time >= '2026-11-01'": (A, OPEN),
    "SELECT 1 FROM (log_entries JOIN measures ON true) AS v WHERE v.time >= '2026-11-01'": None,
    # Names of columns at any depth of parentheses.
    "SELECT 1 FROM ((SELECT time, level FROM log_entries) AS a(t, time)) "
    "WHERE time >= '2026-11-01'": None,
    "SELECT 1 FROM (((log_entries))) WHERE time >= '2026-11-01'": (A, OPEN),
    # Names with dots are looked up among the CTEs too.
    'WITH "public.log_entries" AS (SELECT * FROM log_entries LIMIT 2) SELECT 1 FROM '
    "public.log_entries WHERE time >= '2026-11-01'": None,
    'WITH "public.log_entries" AS (SELECT * FROM log_entries) SELECT 1 FROM public.log_entries '
    "WHERE time >= '2026-11-01'": (A, OPEN),
    "WITH a AS (SELECT 1), a AS (SELECT 2) SELECT 1 FROM log_entries "
    "WHERE time >= '2026-11-01'": None,
    # What bounds no row before it is read.
    "SELECT max(time) FROM log_entries HAVING max(time) > '2026-11-01'": None,
    "SELECT time > '2026-11-01' FROM log_entries": None,
    "SELECT time FROM log_entries QUALIFY time > '2026-11-01'": None,
    # The time columns of other views.
    SPANS + "begin >= '2026-11-01' AND \"end\" < '2026-11-02'": (A, B),
    SPANS + "begin BETWEEN '2026-11-01' AND '2026-11-02'": (A, B),
    SPANS + "\"end\" >= '2026-11-01'": (A, OPEN),
    SPANS + "begin >= '2026-11-02' AND \"end\" <= '2026-11-01'": (A, B),
    "SELECT 1 FROM view_instance('log_entries', 'global') WHERE time >= '2026-11-01'": (A, OPEN),
    "SELECT 1 FROM view_instance('async_events', 'p') AS e WHERE e.time >= '2026-11-01'": (A, OPEN),
    "SELECT 1 FROM view_instance('net_spans', 'p') WHERE begin_time >= '2026-11-01'": (A, OPEN),
    "SELECT 1 FROM view_instance('otel_spans', 'p') WHERE start_time >= '2026-11-01'": None,
    "SELECT 1 FROM view_instance('otel_spans', 'p') WHERE start_time <= '2026-11-01'": (OPEN, A),
    "SELECT 1 FROM view_instance('otel_spans', 'p') WHERE end_time >= '2026-11-01'": (A, OPEN),
    "SELECT 1 FROM blocks WHERE begin_time >= '2026-11-01'": None,
    "SELECT 1 FROM blocks WHERE begin_time <= '2026-11-02' AND insert_time >= '2026-11-01'": (A, B),
    "SELECT 1 FROM blocks WHERE begin_time <= '2026-11-01' AND insert_time >= '2026-11-02'": (A, B),
    "SELECT 1 FROM log_stats WHERE time_bin >= '2026-11-01'": (A, OPEN),
    "SELECT 1 FROM my_bins WHERE time_bin >= '2026-11-01'": (A, OPEN),
    # Beside sources that are not views.
    f"SELECT 1 FROM log_entries AS l, information_schema.tables {OF_L}": (A, B),
    f"SELECT 1 FROM log_entries AS l, (VALUES (1)) AS v(n) {OF_L}": (A, B),
    f"SELECT 1 FROM (SELECT 1 AS n) AS one JOIN log_entries AS l ON TRUE {OF_L}": (A, B),
    "SELECT 1 FROM generate_series(1, 3) AS g, log_entries AS l WHERE l.time >= '2026-11-01'": (
        A,
        OPEN,
    ),
    # Queries in every place where an expression may stand.
    "SELECT 1 WHERE 1 IS DISTINCT FROM (SELECT max(level) FROM log_entries)": None,
    "SELECT 1 GROUP BY (SELECT max(level) FROM log_entries)": None,
    "SELECT 1 GROUP BY GROUPING SETS ((), ((SELECT max(level) FROM log_entries)))": None,
    "SELECT 1 ORDER BY (SELECT max(level) FROM log_entries)": None,
    "SELECT 1 LIMIT (SELECT max(level) FROM log_entries)": None,
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM log_entries) THEN 1 END": None,
    "SELECT array[(SELECT max(level) FROM log_entries)]": None,
    "VALUES ((SELECT max(level) FROM log_entries))": None,
    "SELECT sum(1) OVER (ORDER BY (SELECT max(level) FROM log_entries))": None,
    "SELECT sum(1) FILTER (WHERE 1 IN (SELECT level FROM log_entries))": None,
    "SELECT * FROM unnest(array[(SELECT max(level) FROM log_entries)])": None,
    "SELECT 1 FROM (SELECT 1) JOIN (VALUES (1)) AS w(m) ON m IN (SELECT 1 FROM measures)": None,
    # No rows of instances, whatever the range is.
    "SELECT * FROM log_entries LIMIT 0": None,
    "SELECT * FROM view_instance('thread_spans', 'a-stream') LIMIT (0) OFFSET 5": (
        PRESENT,
        PRESENT,
    ),
    "SELECT level, max(time) FROM log_stats GROUP BY 1 LIMIT 0": None,
    "WITH q AS (SELECT * FROM view_instance('measures', 'a-process')) "
    "SELECT 1 FROM q UNION SELECT 2 FROM q LIMIT 0": (PRESENT, PRESENT),
    "SELECT * FROM (SELECT * FROM log_entries LIMIT 0)": None,
    "SELECT * FROM log_entries LIMIT 00001": None,
    "SELECT * FROM log_entries LIMIT 0 + 1": None,
    "SELECT * FROM log_entries OFFSET 0": None,
    "SELECT * FROM my_sums LIMIT 0": None,
    "SELECT * FROM unknown_view LIMIT 0": None,
    # A table that is declared as one that no range filters.
    f"SELECT 1 FROM log_entries AS l JOIN hosts ON hosts.name = l.computer {OF_L}": (A, B),
    f"SELECT 1 FROM hosts LEFT JOIN log_entries AS l ON hosts.name = l.computer {OF_L}": (A, B),
    "SELECT 1 FROM log_entries WHERE time >= '2026-11-01' AND exe IN (SELECT exe FROM hosts)": (
        A,
        OPEN,
    ),
}


@pytest.mark.parametrize("sql", STATEMENTS)
def test_statements(sql: str) -> None:
    expected, result = STATEMENTS[sql], found(sql)
    if expected is None:
        assert isinstance(result, Reason)
        assert result.reads_views
    else:
        assert result == expected


# Statements without a range, with the reason, and whether they read views at all.
BEYOND = "a timestamp outside of the years 1677 to 2262 gets no range"
REASONS = {
    LOG + "time >= to_timestamp_seconds(17934912000000)": (BEYOND, True),
    LOG + "time >= DATE '2262-01-01' + INTERVAL '1 year'": (BEYOND, True),
    LOG + "time >= TIMESTAMP '2026-01-01' + INTERVAL '300 years'": (BEYOND, True),
    # Engines fail on it if a row is compared with it, which would depend on the range.
    f"{LOG}time >= '2026-11-01' AND time < now() + INTERVAL '300 years'": (BEYOND, True),
    f"{LOG}time >= '2026-11-01' AND time <> now() - INTERVAL '500 years'": (BEYOND, True),
    "SELECT 1": ("the statement reads no view", False),
    "VALUES (1), (2)": ("the statement reads no view", False),
    "SELECT * FROM information_schema.tables": ("the statement reads no view", False),
    "SELECT * FROM list_partitions()": ("the statement reads no view", False),
    "SELECT * FROM retire_partitions('measures', 'global', '2026-11-01T00:00:00Z', now()) "
    "WHERE time > '2026-11-01'": ("the statement reads no view", False),
    "SELECT * FROM materialize_partitions('measures', now(), now(), 60)": (
        "the statement reads no view",
        False,
    ),
    "SHOW TABLES": ("a statement that begins with SHOW gets no range", False),
    "DESCRIBE log_entries": ("a statement that begins with DESCRIBE gets no range", False),
    'desc public."log_entries" ;': ("a statement that begins with desc gets no range", False),
    # DataFusion 43 takes it for EXPLAIN.
    "DESCRIBE SELECT 1 FROM log_entries": (
        "a statement that begins with DESCRIBE gets no range",
        True,
    ),
    'DESCRIBE SELECT"time"FROM"log_entries"': (
        "a statement that begins with DESCRIBE gets no range",
        True,
    ),
    "": ("a statement that begins with nothing gets no range", True),
    "SELECT * FROM log_entries": (
        "log_entries has no condition on time that is understood",
        True,
    ),
    "SELECT 1 FROM blocks WHERE end_time > '2026-11-01'": (
        "blocks has no condition on begin_time and insert_time that is understood",
        True,
    ),
    "SELECT 1 FROM log_entries WHERE time > '2026-11-01' UNION SELECT 1 FROM measures "
    "WHERE time < '2026-11-02'": (
        "one scan has no lower bound, and another has no upper bound",
        True,
    ),
    "SELECT 1 FROM processes WHERE insert_time > '2026-11-01'": (
        "processes is aggregated from rows that a range would remove, so a condition on it proves "
        "nothing",
        True,
    ),
    "SELECT 1 FROM other WHERE time > '2026-11-01'": (
        "the time columns of other are not known: declare them with views=",
        True,
    ),
    "SELECT 1 FROM hosts WHERE time > '2026-11-01'": ("the statement reads no view", False),
    "SELECT 1 FROM my_sums WHERE time_bin > '2026-11-01'": (
        "the time columns of my_sums could not be determined",
        True,
    ),
    "SELECT 1 FROM other.log_entries WHERE time > '2026-11-01'": (
        "the table other.log_entries is not in the schema public",
        True,
    ),
    "SELECT 1 FROM process_spans('p', 'thread') WHERE begin > '2026-11-01'": (
        "the table function process_spans() is not known",
        True,
    ),
    "SELECT 1 FROM view_instance('log_entries', lower('P')) WHERE time > '2026-11-01'": (
        "view_instance() is understood only with two string literals",
        True,
    ),
    "SELECT 1; SELECT 2": ("the text has 2 statements", True),
    "SELECT 1 FROM log_entries WHERE )": (
        "the statement cannot be parsed at line 1, column 33",
        True,
    ),
    "SELECT 1 FROM LATERAL (SELECT 1) AS l": (
        "a query in FROM with LATERAL is not understood",
        True,
    ),
    "SELECT 1 FROM log_entries TABLESAMPLE (10)": ("a table with SAMPLE is not understood", True),
    "SELECT 1 FROM log_entries ASOF JOIN measures MATCH_CONDITION (time > time) ON TRUE": (
        "ASOF JOIN is not understood",
        True,
    ),
    "SELECT 1 FROM log_entries LEFT SEMI JOIN measures ON TRUE": (
        "LEFT SEMI JOIN is not understood",
        True,
    ),
    "SELECT 1 FROM log_entries |> WHERE time > '2026-11-01'": (
        "a query with PIPE_OPERATORS is not understood",
        True,
    ),
    # The parser stops at END, and would ignore the rest.
    "SELECT 1, end FROM log_entries WHERE time > '2026-11-01'": (
        "the text has parts of two statements",
        True,
    ),
    "SELECT count(*) FROM log_entries -- note\rWHERE time >= '2026-11-05'": (
        "the statement has a comment with a carriage return inside",
        True,
    ),
    "SELECT count(*) /*! FROM log_entries */": (
        "the statement has a comment that may be run",
        True,
    ),
    "SELECT 1 {# x #} FROM log_entries": ("the statement has the symbol {", True),
    "SELECT É FROM log_entries": ("the statement has É, which is not ASCII", True),
    "SELECT E'a' FROM log_entries WHERE time > '2026-11-01'": (
        "the statement has a string with a prefix",
        True,
    ),
    "SELECT $$a$$ FROM log_entries WHERE time > '2026-11-01'": (
        "the statement has a dollar-quoted string",
        True,
    ),
    "SELECT `level` FROM log_entries WHERE time > '2026-11-01'": (
        "the statement has an identifier in backticks",
        True,
    ),
    "SELECT 1 /* a /* b */ c */ FROM log_entries WHERE time > '2026-11-01'": (
        "the statement has a comment inside a comment",
        True,
    ),
    "SELECT 1 FROM log_entries WHERE level = 'a": (
        "the statement has a string, identifier or comment without an end",
        True,
    ),
    "SELECT " + "(" * 3000 + "1" + ")" * 3000: ("the statement cannot be parsed", True),
    "SELECT " + "CASE WHEN 1 = 1 THEN " * 30 + "1" + " END" * 30: (
        "the statement reads no view",
        False,
    ),
    # The parser ignores a part of it.
    "SELECT " + "CASE WHEN 1 = 1 THEN " * 200 + "1" + " END" * 200: (
        "the text has parts of two statements",
        True,
    ),
    "SELECT '" + "a" * 200_000 + "'": ("the statement is longer than 200,000 characters", True),
}


@pytest.mark.parametrize("sql", REASONS, ids=lambda sql: str(sql)[:60])
def test_reasons(sql: str) -> None:
    result = found(sql)
    assert isinstance(result, Reason)
    assert (str(result), result.reads_views) == REASONS[sql]


def test_texts_and_comments_are_no_conditions() -> None:
    texts = "SELECT '-- x' AS a, 'time > ''2026-11-01''' AS b FROM log_entries "
    assert isinstance(found(texts), Reason)
    assert found(f"{texts} -- WHERE level = 1\n WHERE time > '2026-11-01'") == (A, OPEN)
    assert isinstance(found(texts + "-- WHERE time > '2026-11-01'"), Reason)


def test_long_lists_of_conditions() -> None:
    ands = " AND ".join(["level = 1"] * 3000)
    assert found(LOG + f"{ands} AND time > '2026-11-01'") == (A, OPEN)
    instants = ", ".join(["'2026-11-01'", "'2026-11-02'"] * 1000)
    assert found(LOG + f"time IN ({instants})") == (A, B)


# -- services --------------------------------------------------------------------------------------

# A condition on each view, and the ranges for services of 0.1, 0.2 and 0.13.
GENERATIONS = {
    "log_entries": ("time > '2026-11-01'", (A, OPEN), (A, OPEN), (A, OPEN)),
    "measures": ("time > '2026-11-01'", (A, OPEN), (A, OPEN), (A, OPEN)),
    "processes": ("insert_time > '2026-11-01'", (A, OPEN), None, None),
    "streams": ("insert_time > '2026-11-01'", (A, OPEN), None, None),
    "blocks": ("insert_time > '2026-11-01'", (A, OPEN), None, (A, OPEN)),
    "log_stats": ("time_bin > '2026-11-01'", None, (A, OPEN), (A, OPEN)),
    "information_schema.tables AS t, log_entries AS l": (
        "l.time > '2026-11-01'",
        None,
        None,
        (A, OPEN),
    ),
}


@pytest.mark.parametrize("view", GENERATIONS)
def test_generations(view: str) -> None:
    condition, *expected = GENERATIONS[view]
    for service, range_ in zip((HTTP, FLIGHT, RECENT), expected, strict=True):
        result = found(f"SELECT 1 FROM {view} WHERE {condition}", service)
        assert (None if isinstance(result, Reason) else result) == range_


def test_what_could_be_asked() -> None:
    """Version and time columns are requested only if they can lead to a range."""
    ask = found('SELECT 1 FROM "My""Bins" WHERE time > \'2026-11-01\'', RECENT)
    assert isinstance(ask, Reason)
    assert [(item.view, item.relation) for item in ask.unknown] == [('My"Bins', '"My""Bins"')]
    assert not ask.needs_version
    ask = found("SELECT 1 FROM view_instance('own', 'it''s') WHERE t > '2026-11-01'", RECENT)
    assert isinstance(ask, Reason)
    assert [item.relation for item in ask.unknown] == ["view_instance('own', 'it''s')"]
    for sql, version in {
        "SELECT 1 FROM blocks WHERE insert_time > '2026-11-01'": True,
        "SELECT 1 FROM information_schema.tables, log_entries l WHERE l.time > '2026-11-01'": True,
        "SELECT 1 FROM blocks": False,
        "SELECT 1 FROM log_entries": False,
    }.items():
        ask = found(sql, FLIGHT)
        assert isinstance(ask, Reason)
        assert ask.needs_version is version
    nothing = found("SELECT 1 FROM log_entries, other WHERE other.x > '2026-11-01'", RECENT)
    assert isinstance(nothing, Reason)
    assert not nothing.unknown  # log_entries stays unbounded, whatever the other's columns are


# -- padding, clocks, what is known ---------------------------------------------------------------


def test_padding_and_open_ends() -> None:
    minute = 60 * 10**9
    result = infer(Statement(LOG + "time = '2026-11-01'"), RECENT, now=NOW)
    assert isinstance(result, Inferred)
    assert format_ns(result.begin) == "2026-10-31T23:59:00Z"
    assert format_ns(result.end) == "2026-11-01T00:01:00Z"
    edge = infer(Statement(LOG + "time <= '1677-09-21T00:12:45Z'"), RECENT, now=NOW, pad=minute)
    assert edge == Inferred(MIN_NS, MIN_NS + minute + 10**9)
    edge = infer(Statement(LOG + "time >= '2262-04-11T23:47:16Z'"), RECENT, now=NOW, pad=minute)
    assert isinstance(edge, Inferred)
    assert edge.end == MAX_NS


def test_now_is_a_lower_bound_and_may_be_skewed() -> None:
    result = infer(
        Statement(LOG + "time BETWEEN now() - INTERVAL '1 hour' AND now()"), RECENT, now=NOW
    )
    assert isinstance(result, Inferred)
    assert format_ns(result.begin) == "2026-11-22T11:23:56Z"  # an hour, 10 minutes, and the padding
    assert result.end == MAX_NS  # the service's clock may be at any time after


def test_what_is_known_of_the_service_is_part_of_what_is_kept() -> None:
    sql = "SELECT 1 FROM other WHERE t > '2026-11-01'"
    assert isinstance(infer(Statement(sql), RECENT, now=NOW), Reason)
    columns = {"other": RECENT.time_columns["my_bins"]}
    assert isinstance(
        infer(Statement(sql), Service("grpc", "0.13", time_columns=columns), now=NOW), Reason
    )
    sql = "SELECT 1 FROM other WHERE time_bin > '2026-11-01'"
    assert isinstance(infer(Statement(sql), RECENT, now=NOW), Reason)
    assert isinstance(
        infer(Statement(sql), Service("grpc", "0.13", time_columns=columns), now=NOW), Inferred
    )
