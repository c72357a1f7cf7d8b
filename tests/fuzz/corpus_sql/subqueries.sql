SELECT a.id, a.process_id FROM log_entries a WHERE a.time >= $a AND a.id + 1 IN (SELECT b.id + 1 FROM measures b WHERE a.level > 0 AND b.time >= $a)

SELECT a.id FROM log_entries a WHERE a.time < $b AND a.id + 1 NOT IN (SELECT b.id + 1 FROM measures b WHERE a.level > 1 AND b.time < $b)

SELECT a.id FROM log_entries a WHERE NOT a.id + 1 IN (SELECT b.id FROM measures b WHERE b.time BETWEEN $a AND $b) AND a.time BETWEEN $a AND $b

SELECT id FROM log_entries WHERE time >= $a AND id IN ((SELECT id FROM measures WHERE time >= $a))

SELECT id FROM log_entries WHERE time >= $a AND level = (SELECT max(i) FROM (VALUES (1), (2)) AS s(i))

SELECT id, (SELECT sum(level) FROM measures WHERE measures.id = log_entries.id AND measures.time >= $a) AS total FROM log_entries WHERE time >= $a

SELECT id, (SELECT sum(m.level * 1.0) + 1 FROM measures m WHERE m.id = l.id AND m.time < $b) AS total FROM log_entries l WHERE l.time < $b

SELECT id, (SELECT sum(m.level) FROM measures m WHERE m.id = l.id AND m.time < $b GROUP BY m.id, 'a') AS total FROM log_entries l WHERE l.time < $b

SELECT id, (SELECT sum(m.level) FROM measures m WHERE m.id = l.id AND m.time < $b HAVING sum(m.level) < 3) AS total FROM log_entries l WHERE l.time < $b

SELECT l.id FROM log_entries l WHERE l.time >= $a AND l.id < (SELECT sum(m.id) FROM measures m WHERE m.process_id = l.process_id AND m.time >= $a AND m.level < (SELECT sum(s.level) AS price FROM log_entries s WHERE s.id = m.id AND s.time >= $a)) ORDER BY l.id

SELECT id FROM log_entries WHERE process_id IN (SELECT process_id FROM measures WHERE measures.id = log_entries.id AND measures.time >= $a) AND time >= $a

SELECT 1 WHERE EXISTS (SELECT 1)

SELECT id, level FROM log_entries WHERE EXISTS (SELECT level FROM log_entries WHERE log_entries.id > log_entries.level AND time >= $a) AND time >= $a

SELECT id, level FROM log_entries WHERE id IN (SELECT level FROM log_entries WHERE log_entries.id > log_entries.level AND time < $b) AND time < $b

SELECT id FROM log_entries l WHERE l.time >= $a AND l.id IN (SELECT m.id FROM measures m WHERE m.time >= $a AND EXISTS (SELECT * FROM log_entries i WHERE i.level > m.level AND i.time >= $a))

SELECT id FROM log_entries l WHERE l.time >= $a AND EXISTS (SELECT DISTINCT m.id FROM measures m WHERE l.id + 1 > m.id * 2 AND m.time >= $a)

SELECT id FROM log_entries l WHERE l.time < $b AND NOT EXISTS (SELECT DISTINCT 1, m.level FROM measures m WHERE l.id + 1 > m.id * 2 AND m.time < $b)

SELECT id FROM log_entries l WHERE l.time < $b AND NOT EXISTS (SELECT m.id FROM measures m WHERE m.id = l.id AND m.time < $b LIMIT 1)

SELECT id FROM log_entries l WHERE l.time >= $a AND EXISTS (SELECT count(*) FROM measures m WHERE m.id = l.id AND m.time >= $a)

SELECT id FROM log_entries l WHERE l.time >= $a AND EXISTS (SELECT m.id FROM measures m WHERE m.id = l.id AND m.time >= $a UNION ALL SELECT i.id FROM log_entries i WHERE i.level = l.level AND i.time >= $a)

SELECT l.id, (SELECT m.level FROM measures m WHERE m.id = l.id AND m.time BETWEEN $a AND $b LIMIT 1) AS one FROM log_entries l WHERE l.time BETWEEN $a AND $b AND l.id < 4

SELECT l.id, CASE WHEN (SELECT count(*) FROM measures m WHERE m.id = l.id AND m.time >= $a) > 0 THEN 'some' ELSE 'none' END AS word FROM log_entries l WHERE l.time >= $a

SELECT l.id, (SELECT count(*) + 2 AS n FROM measures m WHERE m.process_id = l.process_id AND m.time >= $a) AS n FROM log_entries l WHERE l.time >= $a

SELECT l.id FROM log_entries l WHERE l.time >= $a AND (SELECT count(*) FROM measures m WHERE m.id = l.id AND m.time >= $a) = 0

SELECT l.id FROM log_entries l WHERE l.time >= $a AND (SELECT count(*) FROM measures m WHERE m.id = l.id AND m.time >= $a HAVING count(*) > 1) IS NULL

SELECT * FROM (SELECT 1 AS n) AS d WHERE n = (SELECT min(level) FROM log_entries WHERE time BETWEEN $a AND $b)

SELECT id FROM log_entries WHERE time >= $a OR id IN (SELECT id FROM measures WHERE time >= $a)

SELECT id FROM log_entries WHERE time >= $a AND (level = 1 OR id IN (SELECT id FROM measures WHERE time >= $a))

SELECT id FROM log_entries WHERE time > ALL (SELECT time FROM measures WHERE time < $a) AND time >= $a

SELECT id FROM log_entries WHERE id = ANY (SELECT id FROM measures WHERE time >= $a) AND time >= $a

SELECT count(*) FROM log_entries l WHERE time >= $a AND (l.id, l.level) IN (SELECT id, level FROM measures WHERE time >= $a)

SELECT l.process_id, count(*) FROM log_entries l WHERE l.time >= $a GROUP BY l.process_id HAVING count(*) > (SELECT count(*) / 10 FROM measures WHERE time >= $a)

SELECT id FROM log_entries WHERE time >= (SELECT min(time) FROM measures WHERE time >= $a)

SELECT id FROM log_entries WHERE time >= $a AND time <= (SELECT max(time) FROM measures WHERE time >= $a AND time < $b)

SELECT id FROM log_entries l, measures m WHERE l.id = m.id AND l.time >= $a AND m.time >= $a AND l.level < (SELECT avg(i.level) FROM log_entries i WHERE i.process_id = l.process_id AND i.time >= $a)

SELECT d.n FROM (SELECT count(*) AS n FROM log_entries WHERE time >= $a) AS d WHERE d.n > (SELECT 0)

SELECT (SELECT max(time) FROM log_entries WHERE time < $b) AS one, (SELECT min(time) FROM measures WHERE time < $b) AS other

SELECT id, (SELECT (SELECT max(level) FROM measures WHERE time >= $a)) AS n FROM log_entries WHERE time >= $a

SELECT id FROM log_entries l WHERE l.time >= $a AND l.id IN (SELECT CASE WHEN m.level = 1 THEN m.id ELSE NULL END FROM measures m WHERE m.time >= $a)
