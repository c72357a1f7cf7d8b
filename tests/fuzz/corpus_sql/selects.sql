SELECT DISTINCT * FROM log_entries WHERE time >= $a

SELECT ALL id FROM log_entries WHERE time >= $a ORDER BY id

SELECT DISTINCT ON (level) level, id, time FROM log_entries WHERE time >= $a ORDER BY level, id DESC

SELECT * FROM (SELECT DISTINCT ON (level) level, id, time FROM log_entries ORDER BY level, id) AS d WHERE time >= $a

SELECT * EXCEPT (level) FROM log_entries WHERE time >= $a

SELECT * EXCLUDE (level, process_id) FROM log_entries WHERE time >= $a

SELECT * REPLACE (id * 2 AS id) FROM log_entries WHERE time >= $a

SELECT * FROM (SELECT * REPLACE (insert_time AS time) FROM log_entries) AS d WHERE time >= $a

SELECT * FROM (SELECT * EXCEPT (time), insert_time AS time FROM log_entries) AS d WHERE time >= $a

SELECT l.*, l.id AS again FROM log_entries l WHERE l.time >= $a

SELECT "T".* FROM (SELECT id AS "a", time FROM log_entries) AS "T" WHERE "T".time >= $a

SELECT log_entries.id FROM public.log_entries WHERE public.log_entries.time >= $a

SELECT id FROM log_entries WHERE NOT(time < $a)

SELECT id FROM log_entries WHERE time > $a = TRUE

SELECT id FROM log_entries WHERE (level = 1 OR level = 2) = (time >= $a) AND time >= $a

SELECT id FROM log_entries WHERE (process_id LIKE 'p%') = true AND time >= $a

SELECT id FROM log_entries WHERE process_id NOT ILIKE 'P1' AND time >= $a

SELECT id FROM log_entries WHERE process_id !~ '2$' AND time < $b

SELECT id FROM log_entries WHERE process_id ~~ '_2' AND time < $b

SELECT id FROM log_entries WHERE (id & 3) = 1 AND time < $b

SELECT id FROM log_entries WHERE id >= -2 AND -id < -3 AND time < $b

SELECT id FROM log_entries WHERE id IN ('25', '3', '4') AND time < $b

SELECT id FROM log_entries WHERE NULL IN (id, level) OR time < $b

SELECT id FROM log_entries WHERE id IN (level, level + 1, 7, NULL) AND time < $b

SELECT id FROM log_entries WHERE time IN ($a, $b, NULL)

SELECT id FROM log_entries WHERE time NOT IN ($a) AND time <= $b

SELECT id FROM log_entries WHERE time = $a OR time = $b OR time BETWEEN $a AND $b OR FALSE

SELECT id FROM log_entries WHERE time >= $a AND (level = 1 OR time < $b) AND NOT (level = 2 AND time < $a)

SELECT id FROM log_entries WHERE time IS NOT DISTINCT FROM $a

SELECT id FROM log_entries WHERE level IS DISTINCT FROM 1 AND time >= $a

SELECT id FROM log_entries WHERE (time >= $a) IS NOT DISTINCT FROM TRUE AND time < $b

SELECT id FROM log_entries WHERE time >= $a IS TRUE

SELECT id FROM log_entries WHERE time >= $a IS NOT FALSE

SELECT id FROM log_entries WHERE CASE WHEN level = 1 THEN time >= $a ELSE time < $b END

SELECT id FROM log_entries WHERE CASE level WHEN 1 THEN 2 ELSE 3 END = 2 AND time >= $a

SELECT id, CASE WHEN time >= $a THEN 'late' WHEN time < $b THEN 'early' END AS w FROM log_entries WHERE time >= $a

SELECT coalesce(level, 0) AS level, nullif(id, 3) AS id FROM log_entries WHERE time >= $a

SELECT id FROM log_entries WHERE time >= $a ORDER BY time DESC NULLS LAST, id ASC LIMIT 3 OFFSET 1

SELECT id FROM log_entries WHERE time >= $a ORDER BY id OFFSET 3 LIMIT 10 * 1

SELECT id FROM log_entries WHERE time >= $a ORDER BY id LIMIT NULL

SELECT id FROM log_entries WHERE time >= $a ORDER BY id LIMIT 0

SELECT id FROM (SELECT id, time FROM log_entries ORDER BY time, id LIMIT 1 + 4) AS d WHERE time >= $a

SELECT id FROM (SELECT id, time FROM log_entries ORDER BY time, id OFFSET 5) AS d WHERE time >= $a

SELECT id FROM (SELECT id, time FROM log_entries ORDER BY time, id LIMIT NULL) AS d WHERE time >= $a

SELECT id FROM (SELECT id, time FROM log_entries WHERE time >= $a) WHERE id > 3

SELECT d.id FROM (SELECT id, time AS t FROM (SELECT id, time FROM log_entries) AS e) AS d WHERE d.t >= $a

SELECT id FROM (SELECT id, time + INTERVAL '1 day' AS time FROM log_entries) AS d WHERE time >= $a

SELECT time + INTERVAL '1 day' AS time FROM log_entries WHERE time >= $a

SELECT id, 'time' AS time FROM log_entries WHERE time >= $a

SELECT id AS time FROM log_entries WHERE time >= $a ORDER BY time

SELECT extract(hour FROM time) AS h, date_part('day', time) AS d, id FROM log_entries WHERE time >= $a

SELECT to_char(time, '%Y-%m-%d') AS day, id FROM log_entries WHERE time >= $a

SELECT arrow_typeof(time) AS t, id FROM log_entries WHERE time >= $a

SELECT id FROM log_entries WHERE time::date = $a::date

SELECT id FROM log_entries WHERE date_trunc('day', time) = $a

SELECT id FROM log_entries WHERE date_bin(INTERVAL '15 minutes', time, TIMESTAMP '2001-01-01T00:00:00Z') >= $a

SELECT id FROM log_entries WHERE time - $a > INTERVAL '1 day'

SELECT id FROM log_entries WHERE time AT TIME ZONE 'Europe/Brussels' >= $a

SELECT id FROM log_entries WHERE time >= to_timestamp('2024-01-03 12/00/00+00:00', '%Y-%m-%d %H/%M/%S%#z')

SELECT id FROM log_entries WHERE cast(time AS varchar) >= '2024-01-03'

SELECT id FROM log_entries WHERE cast(time AS bigint) >= 1704240000000000000

SELECT [id, level][1] AS one, {'a': id}['a'] AS two FROM log_entries WHERE time >= $a

SELECT struct(id, time).c1 AS t FROM log_entries WHERE time >= $a

SELECT d.s['c1'] AS t FROM (SELECT struct(id, time) AS s FROM log_entries WHERE time >= $a) AS d

FROM log_entries SELECT id WHERE time >= $a

SELECT id FROM log_entries WHERE time >= $a; 
