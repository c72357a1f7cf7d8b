"""Statements written out whole, whose names are looked up where a reader would not look.

``{a}`` and ``{b}`` are views, ``{t}`` is a column of time of the first, ``{c}`` a condition on it.
"""

from __future__ import annotations

#: Statements that read no view, or that seem to.
NO_VIEW = (
    "SELECT 1",
    "VALUES (1), (2)",
    "SELECT count(*) /*! FROM {a} */",
    "SELECT 1 /*!50000 FROM {a} */",
    "SELECT 1 AS n -- \r FROM {a}\n",
    "SELECT 1 WHERE (SELECT count(*) FROM {a}) > 0",
    "SELECT (SELECT max(id) FROM {a}) AS n",
    "SELECT 1 AS n WHERE 1 IN (SELECT id FROM {a})",
    "WITH x AS (SELECT * FROM {a}) SELECT 1",
    "WITH x AS (SELECT * FROM {a}) SELECT count(*) FROM x",
    'WITH "information_schema.tables" AS (SELECT * FROM {a}) SELECT count(*) FROM'
    " information_schema.tables",
    'WITH "information_schema.x" AS (SELECT 1 AS n) SELECT n FROM information_schema.x',
    "SELECT * FROM (VALUES ((SELECT max(id) FROM {a}))) AS v(n)",
    "SELECT * FROM (VALUES (1)) AS v(n) LIMIT 1 |> UNION ALL (SELECT id FROM {a})",
    "SELECT 1 AS id |> UNION ALL (SELECT id FROM {a})",
    "SELECT 1 AS id UNION ALL SELECT id FROM {a}",
    "SELECT * FROM generate_series(1, 3) AS g(n) WHERE n IN (SELECT id FROM {a})",
    "SELECT * FROM generate_series(1, 3) AS g(n)",
    "SELECT * FROM generate_series(1, 2) AS g(n), {a}",
    "SELECT * FROM unnest([(SELECT max(id) FROM {a})]) AS u(n)",
    "SELECT * FROM unnest([1, 2]) AS u(n)",
    "SELECT 1 ORDER BY (SELECT max(id) FROM {a})",
    "SELECT CASE WHEN 1 = 1 THEN (SELECT max(id) FROM {a}) END AS n",
    "SELECT * FROM (SELECT 1 AS n) AS d JOIN (SELECT id FROM {a}) AS e ON d.n = e.id",
    "SHOW TABLES",
    "DESCRIBE {a}",
    "DESCRIBE SELECT * FROM {a}",
    "SET datafusion.optimizer.max_passes = 3",
    "SELECT 1; SELECT * FROM {a}",
    "FROM {a}",
    "FROM {a} SELECT id",
    "TABLE {a}",
    "(SELECT 1) UNION ALL (SELECT id FROM {a})",
    "SELECT 1 AS n QUALIFY (SELECT count(*) FROM {a}) > 0",
    "SELECT 1 AS n GROUP BY 1 HAVING (SELECT count(*) FROM {a}) > 0",
    "SELECT sum(1) OVER (ORDER BY (SELECT max(id) FROM {a})) AS n",
    "SELECT 1 AS n GROUP BY (SELECT max(id) FROM {a})",
    "SELECT 1 IS DISTINCT FROM (SELECT max(id) FROM {a}) AS n",
    "SELECT 1 AS n LIMIT (SELECT min(id) FROM {a})",
    "SELECT sum(1) FILTER (WHERE 1 IN (SELECT id FROM {a})) AS n",
    "SELECT [(SELECT max(id) FROM {a})] AS n",
    "SELECT n FROM (SELECT 1 AS n) AS d JOIN (SELECT 2 AS m) AS e ON m IN (SELECT id FROM {a})",
)
#: Names of WITH, and their columns.
WITHS = (
    'WITH "public.{a}" AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2)'
    " SELECT count(*) FROM public.{a} WHERE {c}",
    'WITH "datafusion.public.{a}" AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2)'
    " SELECT count(*) FROM datafusion.public.{a} WHERE {c}",
    'WITH "public.{a}" AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2)'
    ' SELECT count(*) FROM "public.{a}" WHERE {c}',
    "WITH {a} AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2) SELECT count(*) FROM {a} WHERE {c}",
    "WITH {a} AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2)"
    " SELECT count(*) FROM public.{a} WHERE {c}",
    "WITH x AS (WITH {a} AS (SELECT * FROM {a} LIMIT 0) SELECT count(*) AS n FROM {a})"
    " SELECT x.n, {a}.id FROM x, {a} WHERE {c}",
    "SELECT * FROM (WITH {a} AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2) SELECT * FROM {a})"
    " AS one JOIN {a} ON {a}.id = one.id WHERE {a}.{c}",
    "SELECT * FROM (WITH s AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2) SELECT * FROM s) AS x,"
    " (WITH s AS (SELECT * FROM {b}) SELECT id AS i FROM s) AS y WHERE x.{c}",
    "WITH x AS (SELECT * FROM {a}), y AS (SELECT * FROM x ORDER BY {t}, id LIMIT 3)"
    " SELECT * FROM y WHERE {c} UNION ALL SELECT * FROM x WHERE {c}",
    'WITH É AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2), "é" AS (SELECT * FROM {a})'
    " SELECT count(*) FROM É WHERE {c}",
    'WITH "É" AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2), é AS (SELECT * FROM {a})'
    " SELECT count(*) FROM é WHERE {c}",
    'WITH "X" AS (SELECT * FROM {a} ORDER BY {t}, id LIMIT 2), x AS (SELECT * FROM {a})'
    " SELECT count(*) FROM X WHERE {c}",
    "WITH x(id, level, process_id, {t}) AS (SELECT id, level, process_id, {t} + INTERVAL '3 days'"
    " FROM {a}) SELECT * FROM x WHERE {c}",
    "WITH x AS (SELECT id, level, process_id, {t} + INTERVAL '3 days' AS {t} FROM {a})"
    " SELECT * FROM x WHERE {c}",
    "WITH RECURSIVE x AS (SELECT id, {t} FROM {a} WHERE {c} UNION ALL SELECT x.id + 40, x.{t}"
    " FROM x WHERE x.id < 40) SELECT * FROM x",
    "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x WHERE n < 3)"
    " SELECT * FROM x, {a} WHERE {c}",
    "SELECT * FROM (SELECT id, {t} AS É, {t} + INTERVAL '3 days' AS \"é\" FROM {a}) AS d"
    " WHERE {e} >= {l}",
    "SELECT * FROM (SELECT id, {t} AS \"É\", {t} + INTERVAL '3 days' AS É FROM {a}) AS d"
    " WHERE {e} >= {l}",
    "SELECT * FROM (SELECT id, {t} + INTERVAL '3 days' AS \"d.{t}\", {t} FROM {a}) AS d"
    ' WHERE "d.{t}" >= {l}',
    "SELECT * FROM (SELECT id, {t} AS \"T\", {t} + INTERVAL '3 days' AS t FROM {a}) AS d"
    " WHERE T >= {l}",
    "SELECT * FROM (SELECT id, {t} AS k, named_struct('{t}', {t} + INTERVAL '3 days') AS d"
    " FROM {a}) AS d WHERE d.{t} >= {l}",
    "SELECT d.id FROM (SELECT *, named_struct('{t}', {t} + INTERVAL '3 days') AS d FROM {a}) AS d"
    " WHERE d.{t} >= {l}",
    "SELECT * FROM (SELECT {t}, {t} + INTERVAL '3 days' AS later FROM {a} UNION ALL BY NAME"
    " SELECT {t} AS later, {t} + INTERVAL '3 days' AS {t} FROM {a}) AS u WHERE {c}",
    "WITH x AS (SELECT {t}, {t} + INTERVAL '3 days' AS later FROM {a}), y AS (SELECT {t} +"
    " INTERVAL '3 days' AS later, {t} FROM {a}) SELECT * FROM (SELECT * FROM x UNION ALL"
    " SELECT * FROM y) AS u WHERE {c}",
    "SELECT {t} + INTERVAL '3 days' AS {t} FROM {a} WHERE {c} ORDER BY {t}",
    "SELECT date_trunc('day', {t} + INTERVAL '3 days') AS {t}, count(*) FROM {a} WHERE {c}"
    " GROUP BY {t}",
    "SELECT max({t}) AS {t}, level FROM {a} GROUP BY level HAVING max({t}) >= {l}",
    "SELECT max({t}) AS {t}, level FROM {a} GROUP BY level HAVING {t} >= {l}",
    "SELECT id, row_number() OVER (ORDER BY id) AS n FROM {a} QUALIFY n < 9 AND {c}",
)
