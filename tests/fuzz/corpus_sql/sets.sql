(SELECT id FROM log_entries WHERE time >= $a EXCEPT SELECT id FROM measures WHERE time >= $a) UNION ALL (SELECT id FROM measures WHERE time >= $a EXCEPT SELECT id FROM log_entries WHERE time >= $a)

SELECT id FROM log_entries WHERE time < $b UNION SELECT id FROM measures WHERE time < $b

SELECT count(*) FROM (SELECT id FROM log_entries WHERE time < $b UNION ALL SELECT id FROM measures WHERE time < $b)

SELECT id FROM log_entries WHERE time < $b UNION (SELECT id FROM measures WHERE time < $b UNION SELECT id + 100 FROM measures WHERE time < $b)

SELECT level, sum(id) FROM (SELECT level, id FROM log_entries WHERE time < $b UNION SELECT 2 AS level, 3 UNION SELECT level, count(*) FROM measures WHERE time < $b GROUP BY level) AS a GROUP BY level

SELECT DISTINCT process_id FROM log_entries WHERE time >= $a UNION ALL SELECT DISTINCT process_id FROM measures WHERE time >= $a

SELECT id FROM log_entries WHERE time >= $a EXCEPT ALL SELECT id FROM measures WHERE time >= $a

SELECT id FROM log_entries WHERE time >= $a INTERSECT ALL SELECT id FROM measures WHERE time >= $a

SELECT id FROM log_entries WHERE time >= $a UNION SELECT id FROM measures WHERE time >= $a INTERSECT SELECT level FROM measures WHERE time >= $a

SELECT id FROM log_entries WHERE time >= $a EXCEPT SELECT id FROM measures WHERE time >= $a UNION ALL SELECT 7

SELECT * FROM (SELECT id, time FROM log_entries UNION ALL SELECT id, time FROM measures) AS u WHERE time >= $a

SELECT * FROM (SELECT * FROM measures UNION ALL SELECT * FROM measures) AS u WHERE time >= $a AND time < $b

SELECT * FROM (SELECT * FROM measures UNION SELECT * FROM measures) AS u WHERE u.time < $b

SELECT * FROM (SELECT id, time FROM log_entries UNION ALL BY NAME SELECT time, id FROM measures) AS u WHERE time >= $a

SELECT * FROM (SELECT id, time FROM log_entries UNION BY NAME SELECT insert_time AS time, id FROM log_entries) AS u WHERE time >= $a

SELECT * FROM (SELECT id, time, insert_time FROM log_entries UNION ALL SELECT id, insert_time, time FROM log_entries) AS u WHERE time >= $a

SELECT * FROM (SELECT id, time FROM log_entries EXCEPT SELECT id, time FROM measures) AS u WHERE time >= $a

SELECT * FROM (SELECT id, time FROM log_entries INTERSECT SELECT id, time FROM log_entries) AS u WHERE time >= $a

SELECT * FROM ((SELECT id, time FROM log_entries ORDER BY time, id LIMIT 5) UNION ALL SELECT id, time FROM measures) AS u WHERE time >= $a

SELECT * FROM (SELECT id, time FROM log_entries UNION ALL SELECT id, time FROM measures ORDER BY time, id LIMIT 5) AS u WHERE time >= $a

(SELECT id, time FROM log_entries WHERE time >= $a ORDER BY time DESC, id LIMIT 3) UNION ALL (SELECT id, time FROM measures WHERE time < $b ORDER BY time, id LIMIT 3)

SELECT id, time FROM log_entries WHERE time >= $a UNION ALL SELECT 1, TIMESTAMP '2024-01-01' ORDER BY 2, 1 LIMIT 5

SELECT id, 'l' AS kind, time FROM log_entries WHERE time >= $a UNION ALL SELECT id, 'm', time FROM measures WHERE time >= $a ORDER BY time, id, kind LIMIT 12

SELECT * FROM (SELECT id, CAST(time AS DATE) AS day FROM log_entries UNION ALL SELECT id, CAST(time AS DATE) FROM measures) AS u WHERE day >= $a

SELECT * FROM (SELECT id, time FROM log_entries UNION ALL SELECT id, CAST(time AS TIMESTAMP(0)) FROM measures) AS u WHERE time >= $a

VALUES (1, 'a'), (NULL, 'b'), (3, 'c')

SELECT column1 FROM (VALUES (1), (2)) AS t WHERE column1 IN (SELECT level FROM log_entries WHERE time >= $a)

SELECT * FROM (VALUES (1, TIMESTAMP '2024-01-03'), (2, NULL)) AS t(id, time) UNION ALL SELECT id, time FROM measures WHERE time >= $a

SELECT x.n FROM (SELECT 1 AS n UNION ALL SELECT 2) x ORDER BY n LIMIT 1

SELECT id FROM log_entries WHERE time >= $a UNION ALL SELECT id FROM (SELECT id, time FROM measures WHERE time >= $a UNION SELECT id, time FROM log_entries WHERE time >= $a) AS u WHERE time < $b
