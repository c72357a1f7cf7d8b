SELECT a.id, b.id FROM log_entries a JOIN measures b ON a.id = b.id WHERE a.time >= $a AND b.time >= $a

SELECT a.id, b.id FROM log_entries a LEFT JOIN measures b ON a.id = b.id AND b.time >= $a WHERE a.time >= $a

SELECT a.id, b.id FROM log_entries a LEFT JOIN measures b ON a.id = b.id AND a.time >= $a WHERE b.time >= $a

SELECT a.id, b.id FROM log_entries a RIGHT JOIN measures b ON a.id = b.id AND a.time < $b AND b.level > 1 WHERE b.time < $b

SELECT a.id, b.id FROM log_entries a FULL JOIN measures b ON a.id = b.id AND a.time < $b AND b.time < $b

SELECT a.id, b.id FROM log_entries a FULL JOIN measures b ON a.id = b.id WHERE a.time < $b AND b.time < $b

SELECT a.id, b.id FROM log_entries a FULL OUTER JOIN measures b ON a.id = b.id WHERE a.time < $b OR b.time < $b

SELECT a.id, b.id FROM log_entries a LEFT OUTER JOIN measures b ON a.id = b.id WHERE a.time BETWEEN $a AND $b AND b.id IS NULL

SELECT a.id, b.id FROM log_entries a CROSS JOIN measures b WHERE a.time >= $b AND b.time >= $b

SELECT a.id, b.id FROM log_entries a, measures b WHERE a.id = b.id AND a.time >= $a AND b.time >= $a

SELECT a.id FROM log_entries a, measures b, log_entries c WHERE a.id = b.id AND b.id = c.id AND a.time >= $a AND b.time >= $a AND c.time >= $a

SELECT a.id FROM log_entries a, measures b JOIN log_entries c ON b.id = c.id AND c.time >= $b WHERE a.id = b.id AND a.time >= $b AND b.time >= $b

SELECT a.id FROM log_entries a INNER JOIN measures b ON a.id = b.id INNER JOIN log_entries c ON b.id = c.id AND a.time >= $a WHERE b.time >= $a AND c.time >= $a

SELECT a.id, c.id FROM log_entries a LEFT JOIN measures b ON a.id = b.id LEFT JOIN log_entries c ON b.id = c.id AND c.time < $b WHERE a.time < $b AND b.time < $b

SELECT a.id FROM log_entries a LEFT SEMI JOIN measures b ON a.id = b.id AND b.time >= $a WHERE a.time >= $a

SELECT b.id FROM log_entries a RIGHT SEMI JOIN measures b ON a.id = b.id AND a.time >= $a WHERE b.time >= $a

SELECT a.id FROM log_entries a LEFT ANTI JOIN measures b ON a.id = b.id AND b.time < $b WHERE a.time < $b

SELECT b.id FROM log_entries a RIGHT ANTI JOIN measures b ON a.id = b.id AND a.time < $b WHERE b.time < $b

SELECT * FROM log_entries a LEFT SEMI JOIN (SELECT id, time FROM measures WHERE time >= $a) b ON a.id = b.id WHERE a.time >= $a

SELECT a.id FROM log_entries a JOIN measures b USING (id) WHERE a.time >= $a AND b.time >= $a

SELECT id FROM log_entries JOIN measures USING (id) WHERE log_entries.time >= $a AND measures.time >= $a

SELECT id FROM log_entries a LEFT JOIN measures b USING (id, time) WHERE time >= $a

SELECT id FROM log_entries a RIGHT JOIN measures b USING (id, time) WHERE time < $b

SELECT id FROM log_entries a FULL JOIN measures b USING (id, time) WHERE time < $b

SELECT time, count(*) FROM (SELECT id, time FROM log_entries) a NATURAL JOIN (SELECT id, time FROM measures) b WHERE time >= $a GROUP BY time

SELECT * FROM (SELECT id, time AS t FROM log_entries) a NATURAL LEFT JOIN (SELECT id, time FROM measures) b WHERE t >= $a AND time >= $a

SELECT * FROM (SELECT id FROM log_entries WHERE time >= $a) a NATURAL FULL JOIN (SELECT id FROM measures WHERE time >= $a) b

SELECT a.id FROM log_entries a JOIN measures b ON a.time = b.time WHERE a.time >= $a

SELECT a.id FROM log_entries a JOIN measures b ON a.time = b.time AND a.time >= $a AND b.time >= $a

SELECT a.id FROM log_entries a JOIN measures b ON date_trunc('day', a.time) = date_trunc('day', b.time) WHERE a.time BETWEEN $a AND $b AND b.time BETWEEN $a AND $b

SELECT a.id FROM log_entries a JOIN measures b ON a.id = b.id OR a.level = b.level WHERE a.time >= $b AND b.time >= $b

SELECT a.id FROM log_entries a JOIN measures b ON a.id < b.id AND b.id < 3 WHERE a.time >= $b AND b.time >= $b

SELECT a.id FROM log_entries a JOIN measures b ON TRUE WHERE a.id = b.id AND a.time < $a AND b.time < $a

SELECT a.id FROM log_entries a JOIN measures b ON 1 = 1 AND a.id = 1 WHERE a.time < $a AND b.time < $a

SELECT a.id FROM log_entries a JOIN (SELECT id, max(time) AS time FROM measures GROUP BY id) b ON a.id = b.id WHERE a.time >= $a AND b.time >= $a

SELECT a.id FROM log_entries a JOIN (SELECT id, time FROM measures ORDER BY time, id LIMIT 9) b ON a.id = b.id WHERE a.time >= $a AND b.time >= $a

SELECT a.id FROM (log_entries a JOIN measures b ON a.id = b.id) WHERE a.time >= $a AND b.time >= $a

SELECT a.id FROM log_entries a LEFT JOIN (measures b JOIN log_entries c ON b.id = c.id AND c.time >= $a) ON a.id = b.id AND b.time >= $a WHERE a.time >= $a

SELECT * FROM ((SELECT id, time FROM log_entries) "T1" CROSS JOIN (SELECT level FROM measures WHERE time >= $a) "T2") WHERE "T1".time >= $a

SELECT a.id, s.n FROM log_entries a, (VALUES (1, 'x'), (2, 'y')) AS s(n, word) WHERE a.level = s.n AND a.time >= $a

SELECT a.id, s.n FROM log_entries a JOIN (SELECT 1 AS n UNION ALL SELECT 2) AS s ON a.level = s.n AND a.time >= $a

SELECT a.id, s.n FROM (VALUES (1), (2)) AS s(n) LEFT JOIN log_entries a ON a.level = s.n AND a.time >= $a

SELECT a.id, g.n FROM log_entries a JOIN generate_series(1, 3) AS g(n) ON a.level = g.n WHERE a.time < $b

SELECT a.id, u.n FROM log_entries a, unnest([1, 2, 3]) AS u(n) WHERE a.time < $b AND a.level = u.n

SELECT a.id, unnest([a.id, a.level]) AS n FROM log_entries a WHERE a.time < $b

SELECT a.id, c.day FROM log_entries a JOIN calendar c ON a.id = c.id WHERE a.time >= $a

SELECT a.id, c.day FROM log_entries a JOIN calendar c ON a.time >= c.time WHERE c.time >= $a AND a.time < $b

SELECT a.id, b.m FROM log_entries a, LATERAL (SELECT max(m.id) AS m FROM measures m WHERE m.level = a.level AND m.time >= $a) b WHERE a.time >= $a

SELECT a.id, b.m FROM log_entries a CROSS JOIN LATERAL (SELECT count(*) AS m FROM measures m WHERE m.id = a.id AND m.time >= $a) b WHERE a.time >= $a

SELECT a.id, b.id FROM log_entries a LEFT JOIN LATERAL (SELECT m.id FROM measures m WHERE m.id = a.id AND m.time < $b) b ON true WHERE a.time < $b

SELECT l1.id FROM log_entries l1 JOIN log_entries l2 ON l1.id = l2.id AND l1.time >= $a AND l2.time >= $a JOIN measures l3 ON l3.id = l2.id AND l3.time >= $a

SELECT count(*) FROM log_entries AS measures, measures AS log_entries WHERE log_entries.time >= $a AND measures.time >= $a

SELECT count(*) FROM view_instance('log_entries', 'p1') AS a JOIN log_entries AS b ON a.id = b.id AND a.time >= $a WHERE b.time >= $a

SELECT a.id, b.begin FROM view_instance('thread_spans', 's1') AS b LEFT JOIN log_entries AS a ON a.time >= b.begin AND a.time < b."end" AND a.time < $b WHERE b.begin >= $a AND b."end" < $b
