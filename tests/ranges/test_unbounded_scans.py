"""Which large views a statement reads completely, as the engine plans it."""

from __future__ import annotations

import re

import datafusion
import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.ranges.unbounded_scans import full_scans
from micromegas_dbapi.sql.statement import Statement

SCANS = {
    "SELECT * FROM log_entries": ["log_entries"],
    'select * from "measures" where x': ["measures"],
    "SELECT * FROM public.Log_Entries l": ["log_entries"],
    "SELECT * FROM processes, measures": ["measures"],
    "SELECT * FROM a JOIN log_entries ON log_entries.x = a.x": ["log_entries"],
    "SELECT (SELECT max(time) FROM measures), log_entries FROM a": ["measures"],
    "SELECT * FROM (a LEFT JOIN measures ON true)": ["measures"],
    "WITH x AS (SELECT * FROM log_entries) SELECT * FROM x, measures": ["log_entries", "measures"],
    "WITH log_entries AS (SELECT 1) SELECT * FROM log_entries": [],
    # A CTE hides the view behind its body, unless it is recursive, and as far as its query goes.
    "WITH log_entries AS (SELECT * FROM log_entries) SELECT * FROM log_entries": ["log_entries"],
    "WITH measures AS NOT MATERIALIZED (SELECT * FROM measures) SELECT 1": ["measures"],
    "WITH log_entries (a, b) AS (SELECT 1, 2) SELECT * FROM log_entries": [],
    "WITH RECURSIVE measures AS (SELECT 1 UNION ALL SELECT * FROM measures) SELECT 1": [],
    "WITH measures AS (SELECT 1), x AS (SELECT * FROM measures) SELECT * FROM x": [],
    "WITH x AS (SELECT * FROM measures), measures AS (SELECT 1) SELECT * FROM x": ["measures"],
    "WITH measures AS (SELECT 1) SELECT (SELECT max(a) FROM measures)": [],
    "WITH measures AS (SELECT 1) SELECT * FROM public.measures": ["measures"],
    "SELECT * FROM (WITH measures AS (SELECT 1) SELECT * FROM measures) x, measures": ["measures"],
    "WITH measures AS (SELECT 1) SELECT 1; SELECT * FROM measures": ["measures"],
    "SELECT log_entries, measures FROM x": [],
    "SELECT * FROM x WHERE log_entries IN (measures)": [],
    "SELECT 'FROM log_entries' -- FROM measures": [],
    'SELECT * FROM "Measures"': [],
    "SELECT * FROM view_instance('log_entries', 'x')": [],
    "SELECT * FROM x AS measures": [],
    "EXPLAIN SELECT * FROM measures": [],
    "DESCRIBE measures": [],
    "EXPLAIN ANALYZE SELECT * FROM measures": ["measures"],
    # The views that either of the engines reads.
    "SELECT * FROM x /*! JOIN measures ON true */": ["measures"],
    "SELECT * FROM /*!50000 log_entries, */ measures": ["log_entries", "measures"],
    "/*! WITH log_entries AS (SELECT 1) */ SELECT * FROM log_entries": ["log_entries"],
    "/*! EXPLAIN */ SELECT * FROM log_entries": ["log_entries"],
    "SELECT * FROM x /* /*/ */, measures --*/": ["measures"],
    "SELECT * FROM x /* , measures */ --\r, log_entries": [],
    "SELECT 1 #' FROM measures --'": ["measures"],
    "SELECT * FROM log_entries UNION ALL SELECT measures FROM x": ["log_entries"],
    # Names of schemas, in quotes, in other letters.
    "SELECT * FROM datafusion.public.log_entries": ["log_entries"],
    'SELECT * FROM "datafusion" . Public . LOG_ENTRIES AS l': ["log_entries"],
    "SELECT * FROM 'log_entries'": ["log_entries"],
    "SELECT * FROM public.'log_entries' l, `measures`": ["log_entries", "measures"],
    "SELECT * FROM \"public.log_entries\", 'Measures'": [],
    "WITH log_entries AS (SELECT 1 AS x) SELECT * FROM datafusion.public.log_entries": [
        "log_entries"
    ],
    "WITH LOG_ENTRIES AS (SELECT 1 AS x) SELECT * FROM log_entries": [],
    'WITH "LOG_ENTRIES" AS (SELECT 1 AS x) SELECT * FROM log_entries': ["log_entries"],
    # CTEs in CTEs.
    "SELECT * FROM (WITH log_entries AS (SELECT * FROM log_entries) SELECT * FROM log_entries) q": [
        "log_entries"
    ],
    "WITH a AS (WITH log_entries AS (SELECT 1 AS x) SELECT * FROM log_entries) SELECT * FROM a": [],
    "WITH a AS (WITH log_entries AS (SELECT 1 AS x) SELECT * FROM log_entries), b AS (SELECT * "
    "FROM log_entries) SELECT * FROM a, b": ["log_entries"],
    "WITH a AS (WITH b AS (WITH measures AS (SELECT 1 AS x) SELECT * FROM measures) SELECT * FROM "
    "measures) SELECT * FROM a": ["measures"],
    "WITH log_entries AS (((SELECT x FROM log_entries))) SELECT * FROM log_entries": [
        "log_entries"
    ],
    "WITH log_entries AS (SELECT * FROM measures) SELECT * FROM log_entries": ["measures"],
    "WITH log_entries(x) AS (SELECT x FROM log_entries) SELECT * FROM log_entries": ["log_entries"],
    "WITH log_entries AS (SELECT * FROM view_instance('log_entries', 'p')) SELECT * FROM "
    "log_entries": [],
    "WITH RECURSIVE r AS (SELECT x FROM measures UNION ALL SELECT x + 1 FROM r WHERE x < 3) SELECT "
    "* FROM r": ["measures"],
    "WITH RECURSIVE log_entries AS (SELECT x FROM public.log_entries UNION ALL SELECT x FROM "
    "log_entries) SELECT * FROM log_entries": ["log_entries"],
    # The global instance is the view.
    "SELECT * FROM view_instance('log_entries', 'global')": ["log_entries"],
    "WITH measures AS (SELECT * FROM VIEW_INSTANCE('measures','global')) SELECT * FROM measures": [
        "measures"
    ],
    "SELECT * FROM view_instance('log_entries', 'globals')": [],
    "SELECT * FROM view_instance('thread_spans', 'global')": [],
    # Aliases.
    "SELECT * FROM (SELECT * FROM log_entries) log_entries": ["log_entries"],
    "SELECT * FROM (SELECT 1 AS x) AS log_entries, processes": [],
    "SELECT * FROM processes AS log_entries, log_entries AS measures": ["log_entries"],
    "SELECT * FROM processes log_entries JOIN measures m ON log_entries.x = m.x": ["measures"],
    "SELECT * FROM processes AS using, log_entries": ["log_entries"],
    "SELECT * FROM processes AS where JOIN measures ON true": ["measures"],
    'SELECT q.as FROM (SELECT 1 AS "as") q, log_entries': ["log_entries"],
    "SELECT x AS from, measures FROM (SELECT 1 AS x, 2 AS measures) q": [],
    # Commas behind the condition of a join, and commas in it.
    "SELECT * FROM processes JOIN processes p USING (x), measures": ["measures"],
    "SELECT * FROM processes p JOIN processes q ON p.x = q.x, log_entries": ["log_entries"],
    "SELECT * FROM processes p JOIN processes q ON (p.x IN (1, 2)), log_entries": ["log_entries"],
    "SELECT * FROM processes p JOIN (SELECT 1 AS measures) q ON [p.x, measures][1] = 1": [],
    "SELECT * FROM processes p JOIN (SELECT 1 AS measures) q ON coalesce(p.x, measures) = 1": [],
    "SELECT * FROM processes AS q(a, measures)": [],
    "SELECT * FROM processes JOIN (log_entries CROSS JOIN measures) ON true": [
        "log_entries",
        "measures",
    ],
    "SELECT * FROM ((log_entries))": ["log_entries"],
    "SELECT * FROM unnest([1, 2]) u, log_entries": ["log_entries"],
    "SELECT * FROM (VALUES (1)) AS q(b), log_entries": ["log_entries"],
    # Subqueries in expressions, set operations, LATERAL.
    "SELECT * FROM processes p WHERE EXISTS (SELECT 1 FROM log_entries l WHERE l.x = p.x)": [
        "log_entries"
    ],
    "SELECT * FROM processes WHERE x NOT IN (SELECT x FROM measures)": ["measures"],
    "SELECT * FROM processes ORDER BY (SELECT max(x) FROM measures)": ["measures"],
    "VALUES ((SELECT max(x) FROM log_entries))": ["log_entries"],
    "SELECT count(*) FILTER (WHERE x IN (SELECT x FROM log_entries)) FROM processes": [
        "log_entries"
    ],
    "SELECT * FROM processes p CROSS JOIN LATERAL (SELECT * FROM measures m WHERE m.x = p.x) q": [
        "measures"
    ],
    "SELECT 1 AS x UNION (SELECT x FROM log_entries EXCEPT SELECT x FROM measures)": [
        "log_entries",
        "measures",
    ],
    "(WITH measures AS (SELECT 1 AS x) SELECT * FROM measures) UNION ALL SELECT x FROM measures": [
        "measures"
    ],
    "FROM log_entries": ["log_entries"],
    "FROM processes SELECT x": [],
    # A FROM that begins no clause.
    "SELECT x IS DISTINCT FROM measures FROM (SELECT 1 AS measures, 2 AS x) q": [],
    "SELECT x FROM processes AS measures WHERE x IS NOT DISTINCT FROM measures.x": [],
    "SELECT x FROM processes WHERE x IS DISTINCT FROM (SELECT max(x) FROM measures)": ["measures"],
    "SELECT DISTINCT x FROM measures": ["measures"],
    "SELECT EXTRACT(year FROM measures) FROM (SELECT now() AS measures) q": [],
    "SELECT trim(BOTH 'a' FROM measures), substring(measures FROM 2) FROM (SELECT 'a' AS measures) "
    "q": [],
    # What runs.
    "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM measures": ["measures"],
    "EXPLAIN ANALYZE VERBOSE WITH a AS (SELECT * FROM measures) SELECT * FROM a": ["measures"],
    "EXPLAIN VERBOSE SELECT * FROM measures": [],
    "DESCRIBE SELECT * FROM measures": [],
    "EXPLAIN SELECT * FROM measures; SELECT * FROM log_entries": ["log_entries"],
    "": [],
}


@pytest.mark.parametrize("sql", SCANS)
def test_full_scans(sql: str) -> None:
    assert full_scans(Statement(sql)) == SCANS[sql]


def test_none_of_the_scans_that_the_engine_plans_is_missed() -> None:
    context = datafusion.SessionContext()
    for name in ("log_entries", "measures", "processes"):
        table = pa.table({"time": [1], "level": [2], "x": [3]})
        context.register_record_batches(name, [table.to_batches()])
    planned = 0
    for sql, views in SCANS.items():
        try:
            plan = context.sql(sql).logical_plan().display_indent()
        except BaseException:  # the engine's panics are no Exception
            continue
        planned += 1
        if re.match("explain|describe", sql, re.IGNORECASE) and not views:
            continue  # it shows the plan, and reads nothing
        scanned = [
            view
            for view in ("log_entries", "measures")
            if f"TableScan: {view}" in re.sub(r"TableScan: (?:\w+\.)+", "TableScan: ", plan)
        ]
        assert set(scanned) <= set(views), sql
    assert planned > len(SCANS) * 0.7


def test_all_of_them_are_refused() -> None:
    with mm.connect("demo:", on_unbounded="error", infer_range="off") as connection:
        for sql, views in SCANS.items():
            if views:
                with pytest.raises(mm.ProgrammingError, match="the statement reads all of") as seen:
                    connection.execute(sql)
                assert all(view in str(seen.value) for view in views)
