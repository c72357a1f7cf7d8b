SELECT * FROM (WITH source AS (SELECT id FROM log_entries WHERE time >= $a) SELECT * FROM source) t1, (WITH source AS (SELECT level FROM measures WHERE time >= $a AND id < 4) SELECT * FROM source) t2

WITH "T" AS (SELECT id, time FROM log_entries) SELECT "T".* FROM "T" WHERE time >= $a

WITH "NUMBERS" AS (SELECT id AS a, time AS b FROM log_entries) SELECT "NUMBERS".a FROM "NUMBERS" WHERE "NUMBERS".b < $b

WITH recent AS (SELECT * FROM log_entries) SELECT * FROM "recent" WHERE time >= $a

WITH Recent AS (SELECT * FROM log_entries) SELECT * FROM RECENT WHERE time >= $a

WITH a AS (SELECT id, time FROM log_entries), b AS (SELECT * FROM a WHERE time >= $a) SELECT * FROM b

WITH a AS (SELECT id, time FROM log_entries), b AS (SELECT * FROM a WHERE time >= $a) SELECT a.id FROM a JOIN b ON a.id = b.id

WITH a AS (SELECT id, time FROM log_entries WHERE time >= $a) SELECT x.id FROM a x JOIN a y ON x.id = y.id

WITH a(i, t) AS (SELECT id, time FROM log_entries) SELECT i FROM a WHERE t >= $a

WITH a(time, id) AS (SELECT time, id FROM log_entries) SELECT id FROM a WHERE time >= $a

WITH a(time, other) AS (SELECT insert_time, time FROM log_entries) SELECT count(*) FROM a WHERE time >= $a

WITH a AS (SELECT id, time FROM log_entries ORDER BY time, id LIMIT 5) SELECT * FROM a WHERE time >= $a

WITH a AS (SELECT level, max(time) AS time FROM log_entries GROUP BY level) SELECT * FROM a WHERE time >= $a

WITH a AS (SELECT id FROM log_entries WHERE time >= $a) SELECT count(*) FROM measures WHERE id IN (SELECT id FROM a) AND time >= $a

WITH a AS (WITH b AS (SELECT id, time FROM log_entries) SELECT * FROM b) SELECT id FROM a WHERE time < $b

WITH a AS (WITH b AS (SELECT id, time FROM log_entries WHERE time < $b) SELECT * FROM b), c AS (SELECT id FROM measures WHERE time < $b) SELECT count(*) FROM a, c WHERE a.id = c.id

WITH measures AS (SELECT id, time FROM log_entries) SELECT * FROM measures WHERE time < $b

WITH measures AS (SELECT id, time FROM log_entries) SELECT measures.id FROM measures JOIN public.log_entries ON measures.id = log_entries.id WHERE measures.time < $b AND log_entries.time < $b

WITH RECURSIVE nodes AS (SELECT 1 AS id UNION ALL SELECT id + 1 AS id FROM nodes WHERE id < 10) SELECT n.id, l.level FROM nodes n JOIN log_entries l ON n.id = l.id WHERE l.time >= $a

WITH RECURSIVE nodes AS (SELECT id, time FROM log_entries WHERE time >= $a UNION ALL SELECT id + 100, time FROM nodes WHERE id < 100) SELECT count(*) FROM nodes

WITH RECURSIVE nodes AS (SELECT id, time FROM log_entries UNION SELECT id + 100, time FROM nodes WHERE id < 100) SELECT count(*) FROM nodes WHERE time >= $a

WITH unused AS (SELECT * FROM measures) SELECT id FROM log_entries WHERE time >= $a

WITH v AS (VALUES (1), (2)) SELECT count(*) FROM log_entries WHERE time >= $a AND level IN (SELECT column1 FROM v)

WITH u AS (SELECT id, time FROM log_entries UNION ALL SELECT id, time FROM measures) SELECT count(*) FROM u WHERE time >= $a AND time < $b

WITH a AS (SELECT id, time FROM log_entries) SELECT * FROM a WHERE time >= $a UNION ALL SELECT * FROM a WHERE time < $a

(WITH a AS (SELECT id FROM log_entries WHERE time >= $a) SELECT * FROM a) UNION ALL SELECT id FROM measures WHERE time >= $a

SELECT id FROM log_entries WHERE time >= $a AND id IN (WITH a AS (SELECT id, time FROM measures) SELECT id FROM a WHERE time >= $a)

SELECT id FROM log_entries WHERE time >= $a |> WHERE id > 2 |> ORDER BY id |> LIMIT 3

SELECT id, time FROM log_entries |> WHERE time >= $a |> EXTEND id + 1 AS next

SELECT id, level FROM log_entries WHERE time >= $a |> AGGREGATE count(*) AS n, sum(id) AS s GROUP BY level |> WHERE n > 1

SELECT id, time FROM log_entries WHERE time >= $a |> AS p |> SELECT p.id

SELECT id FROM log_entries WHERE time >= $a |> UNION ALL (SELECT id FROM measures WHERE time >= $a)
