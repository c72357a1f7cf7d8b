SELECT level, count(*), max(time) FROM log_entries WHERE time >= $a GROUP BY level

SELECT level, count(*) AS n FROM log_entries WHERE time >= $a GROUP BY level HAVING count(*) > 2 ORDER BY n DESC, level LIMIT 3

SELECT level % 2 AS odd, count(DISTINCT process_id) FROM log_entries WHERE time >= $a GROUP BY odd

SELECT date_trunc('day', time) AS day, count(*) FROM log_entries WHERE time >= $a GROUP BY 1 ORDER BY 1

SELECT date_trunc('day', time) AS day, count(*) FROM log_entries GROUP BY 1 HAVING date_trunc('day', time) >= $a

SELECT day, n FROM (SELECT date_trunc('day', time) AS day, count(*) AS n FROM log_entries GROUP BY 1) AS d WHERE day >= $a AND day < $b

SELECT time, n FROM (SELECT time, level, count(*) AS n FROM log_entries GROUP BY time, level) AS d WHERE time >= $a

SELECT time, n FROM (SELECT level, max(time) AS time, count(*) AS n FROM log_entries GROUP BY level) AS d WHERE time >= $a

SELECT time, n FROM (SELECT time, count(*) AS n FROM log_entries GROUP BY ROLLUP (time, level)) AS d WHERE time >= $a OR time IS NULL

SELECT level, process_id, count(*) FROM log_entries WHERE time >= $a GROUP BY GROUPING SETS ((level), (process_id), ())

SELECT level, process_id, count(*), grouping(level) FROM log_entries WHERE time >= $a GROUP BY CUBE (level, process_id)

SELECT level, process_id, count(*) FROM log_entries WHERE time >= $a GROUP BY ROLLUP (level, process_id)

SELECT level, count(*) FROM log_entries WHERE time >= $a GROUP BY ALL

SELECT count(*) FILTER (WHERE time >= $a) AS late, count(*) AS n FROM log_entries

SELECT count(*) FILTER (WHERE level > 1) AS n FROM log_entries WHERE time >= $a

SELECT sum(CASE WHEN time >= $a THEN 1 ELSE 0 END) AS n FROM log_entries

SELECT array_agg(id ORDER BY id) AS ids, level FROM log_entries WHERE time >= $a GROUP BY level

SELECT string_agg(process_id, ',' ORDER BY id) AS p FROM log_entries WHERE time < $b

SELECT first_value(id ORDER BY time, id) AS f, last_value(id ORDER BY time, id) AS l FROM log_entries WHERE time < $b

SELECT f FROM (SELECT first_value(time ORDER BY time) AS f, level FROM log_entries GROUP BY level) AS d WHERE f >= $a

SELECT approx_distinct(id) > 0 AS some, median(id) AS m FROM log_entries WHERE time < $b

SELECT stddev(id) > 0 AS s, bool_and(level > 0) AS b, bit_or(id) AS o FROM log_entries WHERE time < $b

SELECT count(*) FROM log_entries WHERE time < $b HAVING count(*) > 1

SELECT 1 FROM log_entries WHERE time < $b HAVING max(time) < $b

SELECT count(1), count(time), count(level) FROM log_entries WHERE time BETWEEN $a AND $b

SELECT max(time) - min(time) AS span FROM log_entries WHERE time BETWEEN $a AND $b

SELECT DISTINCT level, count(*) OVER (PARTITION BY level) FROM log_entries WHERE time BETWEEN $a AND $b

SELECT level, (SELECT count(*) FROM measures m WHERE m.level = d.level AND m.time >= $a) AS n FROM (SELECT level FROM log_entries WHERE time >= $a GROUP BY level) AS d

SELECT level, sum(n) FROM (SELECT level, id % 3 AS k, count(*) AS n FROM log_entries WHERE time >= $a GROUP BY level, id % 3) AS d GROUP BY level

SELECT id, level FROM log_entries WHERE time >= $a GROUP BY id, level, time HAVING time < $b
