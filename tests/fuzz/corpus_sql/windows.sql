SELECT id, row_number() OVER (PARTITION BY level ORDER BY id) AS n FROM log_entries WHERE time >= $a

SELECT id, rank() OVER (ORDER BY level) AS r, dense_rank() OVER (ORDER BY level) AS d FROM log_entries WHERE time >= $a

SELECT id, lag(id, 1, 0) OVER w AS before, lead(id) OVER w AS after FROM log_entries WHERE time >= $a WINDOW w AS (PARTITION BY process_id ORDER BY id)

SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS s FROM log_entries WHERE time >= $a

SELECT id, sum(id) OVER (ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS s FROM log_entries WHERE time >= $a

SELECT id, count(*) OVER (ORDER BY id GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s FROM log_entries WHERE time < $b

SELECT id, first_value(time) OVER (PARTITION BY level ORDER BY id) AS f FROM log_entries WHERE time < $b

SELECT id, nth_value(id, 2) OVER (PARTITION BY level ORDER BY id) AS f FROM log_entries WHERE time < $b

SELECT id, ntile(3) OVER (ORDER BY id) AS f FROM log_entries WHERE time < $b

SELECT id FROM (SELECT id, time, row_number() OVER (ORDER BY id) AS n FROM log_entries) AS d WHERE n < 9 AND time >= $a

SELECT id FROM (SELECT id, time, count(*) OVER () AS n FROM log_entries) AS d WHERE time >= $a AND n > 20

SELECT n FROM (SELECT time, count(*) OVER (PARTITION BY time) AS n FROM log_entries) AS d WHERE time >= $a

SELECT id, row_number() OVER (PARTITION BY level ORDER BY id) AS n FROM log_entries WHERE time >= $a QUALIFY n = 1

SELECT id FROM log_entries WHERE time >= $a QUALIFY count(*) OVER () > 1 ORDER BY id

SELECT id FROM log_entries QUALIFY count(*) OVER () > 1 AND time >= $a

SELECT level, sum(id) AS s FROM log_entries WHERE time >= $a GROUP BY level QUALIFY rank() OVER (ORDER BY s DESC) = 1

SELECT level, avg(id) OVER (PARTITION BY level) AS r FROM log_entries WHERE time >= $a GROUP BY level, id HAVING sum(id) > 2 QUALIFY r > 1

SELECT id, max(time) OVER (PARTITION BY level) AS time FROM log_entries WHERE time >= $a

SELECT * FROM (SELECT id, max(time) OVER (PARTITION BY level) AS time FROM log_entries) AS d WHERE time >= $a

SELECT id, sum(id) FILTER (WHERE level > 1) OVER (ORDER BY id) AS s FROM log_entries WHERE time >= $a

SELECT sum(sum(id)) OVER (ORDER BY level) AS s FROM log_entries WHERE time >= $a GROUP BY level

SELECT id FROM log_entries WHERE time >= $a ORDER BY row_number() OVER (ORDER BY id DESC) LIMIT 4
