select time, exe, level, msg from log_entries order by time desc limit 3

select count(*) as n from log_entries where msg !~* 'FRAME'

select count(*) as n from log_entries where msg !~ 'FRAME'

select count(*) as n from log_entries where msg ~* 'FRAME'

select '?' as q, ':x' as c, 'it''s' as s

select property_get(properties, 'thread-name') as t from streams order by 1 limit 2

select date_bin(interval '5 minutes', time) as b, count(*) as n, approx_percentile_cont(level, 0.5) as p from log_entries group by b order by b limit 3

select date_bin('15 minutes', time, timestamp '2000-01-01') as b, avg(value) as v from measures group by 1 order by 1 limit 2

with t as (select exe, level, time from log_entries) select exe, count(*) filter (where level <= 3) as errors, row_number() over (order by exe) as r from t group by exe order by exe

select make_array(1, 2)[1] as a, array_has(tags, 'cpu') as h, tags from streams order by stream_id limit 1

select [1,2,3][2] as a, [1,2,3][1:2] as b

select array[1,2,3] as a

select "processes.exe" as e, "streams.tags" as t from blocks order by block_id limit 1

select try_cast('x' as int) as a, arrow_cast(1, 'Int8') as b, arrow_typeof(time) as t, cast(time as date) as d, time::varchar as s from log_entries order by time limit 1

select column1 as v from (values (1), (null), (2)) as t order by v desc nulls last

select column1 as v from (values (1), (null), (2)) as t order by v desc

select column1 as v from (values (1), (null), (2)) as t order by v nulls first

select column1 as v from (values (1), (null), (2)) as t order by v

select column1 as v, row_number() over (order by column1 desc nulls last) as r from (values (1), (null), (2)) as t order by r

select array_agg(column1 order by column1 desc nulls last) as v from (values (1), (null), (2)) as t

select 5 ^ 1 as x, power(2, 3) as p, 7 / 2 as i, strpos('abc', 'c') as s

select 5 & 3 as a, 5 | 3 as o, 5 << 2 as l, 5 >> 1 as r

select date_part('hour', time) as h, extract(minute from time) as m, to_char(time, '%Y-%m-%d') as c from log_entries order by time limit 1

select extract(epoch from time) as e, extract(dow from time) as d, extract(year from time) as y from log_entries order by time limit 1

select to_char(time, '%H:%M') as c, to_char(date '2024-01-02', '%d/%m/%y') as d from log_entries order by time limit 1

select to_timestamp('2024-01-02T03:04:05') as t, to_timestamp_millis(1) as m, to_timestamp_seconds(1) as s, to_timestamp('02/01/2024', '%d/%m/%Y') as f

select from_unixtime(1) as f, to_unixtime('2024-01-02') as u, to_date('2024-01-02') as d, make_date(2024, 1, 2) as md

explain select count(*) from log_entries

describe log_entries

select exe from log_entries union select exe from measures order by exe

select exe from log_entries union all select exe from measures order by exe limit 5

select exe from log_entries except select exe from measures order by exe

select exe from log_entries intersect select exe from measures order by exe

select * from generate_series(1, 3) as t order by 1

select * from range(1, 3) as t order by 1

select * from generate_series(1, 3)

select count(*) as n from view_instance('log_entries', '{process}')

select v.exe, count(*) as n from view_instance('log_entries', '{process}') as v group by v.exe

select v.exe, count(*) as n from view_instance('log_entries', '{process}') v group by 1

select l.exe, p.username from log_entries l join processes p on l.process_id = p.process_id order by l.time, l.msg limit 2

select l.exe from log_entries l join processes p using (process_id) order by l.time limit 2

select l.exe from log_entries l left join processes p on l.process_id = p.process_id and p.exe ~ 'x' order by l.time limit 2

select l.exe from log_entries l left semi join processes p on l.process_id = p.process_id order by l.time limit 2

select l.exe from log_entries l left anti join processes p on l.process_id = p.process_id order by l.time limit 2

select count(*) from log_entries l cross join processes p

select count(*) from log_entries l natural join processes p

select count(*) from log_entries l full outer join processes p on l.process_id = p.process_id

select count(*) from log_entries, processes

select a.x from (values (1), (2)) as a(x) order by x

select distinct exe from log_entries order by exe

select distinct on (exe) exe, level from log_entries order by exe, level

select level, count(distinct exe) as n from log_entries group by level having count(*) > 1 order by level

select level, exe, count(*) from log_entries group by rollup(level, exe) order by 1, 2

select level, exe, count(*) from log_entries group by cube(level, exe) order by 1, 2

select level, exe, count(*) from log_entries group by grouping sets ((level), (exe), ()) order by 1, 2

select level, exe, grouping(level) from log_entries group by grouping sets ((level), (exe)) order by 1, 2

select var_pop(value) as v, var_samp(value) as vs, stddev(value) as s, stddev_pop(value) as sp, corr(value, value) as c, covar_pop(value, value) cp from measures

select first_value(exe order by time, msg) as f, last_value(exe order by time, msg) as l, nth_value(exe, 2 order by time, msg) as n from log_entries

select string_agg(exe, ',') as s from processes

select string_agg(exe, ',' order by exe) as s from processes

select array_agg(exe order by exe) as s from processes

select percentile_cont(0.9) within group (order by value) as p from measures

select approx_percentile_cont(0.9) within group (order by value) as p from measures

select approx_percentile_cont(value, 0.9, 200) as p from measures

select sum(value) over (order by time rows between 3 preceding and current row) as s from measures order by time, s limit 5

select lag(value, 1, 0.0) over (partition by name order by time, value) as s, lead(value) over (partition by name order by time, value) as l from measures order by name, time, value limit 5

select sum(value) over w as s from measures window w as (partition by name order by time, value) order by 1 limit 3

select name, value from (select name, value, row_number() over (partition by name order by value desc, time) as r from measures) where r = 1 order by name

select name, value from measures qualify row_number() over (partition by name order by value desc, time) = 1 order by name

select case when level <= 2 then 'bad' when level = 3 then 'warn' else 'ok' end as c, count(*) from log_entries group by 1 order by 1

select case level when 2 then 'e' else 'o' end as c, count(*) from log_entries group by 1 order by 1

select coalesce(null, 1) as c, nullif(1, 1) as n, greatest(1, 2) as g, least(1, 2) as l, nvl(null, 3) as v, ifnull(null, 4) as i, nvl2(null, 1, 2) as n2

select concat('a', null, 'b') as c, concat_ws('-', 'a', null, 'b') as w, 'a' || 'b' as p, 'a' || null as n

select upper('a') as u, lower('A') as l, initcap('ab c') as i, length('abc') as n, char_length('abc') as c, character_length('ab') as cl, octet_length('a') as o, bit_length('a') as b

select trim('  a ') as t, ltrim(' a') as l, rtrim('a ') as r, btrim('xax', 'x') as b, trim(both 'x' from 'xax') as tb, trim(leading 'x' from 'xax') as tl

select substr('abcdef', 2, 3) as a, substring('abcdef' from 2 for 3) as b, substring('abcdef', 2) as c, left('abc', 2) as l, right('abc', 2) as r

select position('c' in 'abc') as p, strpos('abc', 'b') as s, instr('abc', 'c') as i, replace('abc', 'b', 'x') as r, translate('abc', 'ab', 'xy') as t, overlay('abcdef' placing 'xx' from 2 for 3) as o

select split_part('a-b-c', '-', 2) as s, repeat('a', 3) as r, reverse('abc') as v, lpad('a', 3, 'x') as l, rpad('a', 3) as rp, starts_with('abc', 'a') as st, ends_with('abc', 'c') as e, contains('abc', 'b') as c

select regexp_match('abc', 'b(c)') as m, regexp_replace('abc', 'b', 'x', 'g') as r, regexp_like('abc', 'b') as l, regexp_count('abab', 'a') as c, regexp_instr('abc', 'b') as i

select ascii('a') as a, chr(97) as c, md5('a') as m, sha256('a') as s, encode('a', 'hex') as e, to_hex(255) as h, levenshtein('a', 'b') as v, find_in_set('b', 'a,b') as f, substr_index('a.b.c', '.', 2) as si

select date_trunc('hour', time) as h, date_trunc('week', time) as w, count(*) from log_entries group by 1, 2 order by 1, 2

select datetrunc('hour', time) as h from log_entries order by time limit 1

select time + interval '1 hour' as a, time - interval '1' day as b, interval '1 year 2 months' as c, interval '90 minutes' as d from log_entries order by time limit 1

select '1 hour'::interval as a, cast('2 days' as interval) as b

select now() > timestamp '2020-01-01' as n, current_timestamp > timestamp '2020-01-01' as c, current_date > date '2020-01-01' as d, now() - interval '1 hour' < now() as i, today() > date '2020-01-01' as t

select time at time zone 'Europe/Paris' as p from log_entries order by time limit 1

select timestamp '2024-01-02 03:04:05.123456789' as t, date '2024-01-02' as d, time '01:02:03' as x, timestamp with time zone '2024-01-02T00:00:00Z' as z

select '2024-01-02T00:00:00Z'::timestamptz as z, cast('2024-01-02' as timestamp with time zone) as y, cast('2024-01-02' as timestamp) as t, cast('2024-01-02' as timestamp(3)) as m, cast('2024-01-02' as timestamp(9)) as n9

select cast(1 as bigint) as a, cast(1 as double) as b, cast(1 as float) as c, cast(1 as real) as d, cast(1 as smallint) as e, cast(1 as tinyint) as f, cast(1 as decimal(10,2)) as g, cast(1 as numeric) as h, cast(1 as varchar) as i, cast(1 as text) as j, cast(1 as string) as k, cast(1 as boolean) as l, cast('a' as bytea) as m, cast(1 as int) as n, cast(1 as integer) as o, cast(1 as double precision) as p, cast(1 as char) as q, cast(1 as varchar(10)) as r

select cast(1 as bigint unsigned) as a, cast(1 as int unsigned) as b, cast(1 as tinyint unsigned) as c, cast(1 as smallint unsigned) as d

select 1::bigint unsigned as a

select cast(1 as int2) as a, cast(1 as int4) as b, cast(1 as int8) as c, cast(1 as float4) as d, cast(1 as float8) as e

select cast([1] as int[]) as a

select cast(1.5 as decimal) as a, arrow_typeof(cast(1 as decimal)) as b, arrow_typeof(1.5) as t, arrow_typeof(1e3) as e, arrow_typeof(cast(1 as numeric(5))) as n

select arrow_typeof(cast(1 as float)) as a, arrow_typeof(cast(1 as real)) as b, arrow_typeof(cast(1 as double)) as c, arrow_typeof(cast('2020-01-01' as timestamp)) as d, arrow_typeof(cast('2020-01-01' as timestamptz)) as e, arrow_typeof(timestamp '2020-01-01') as f, arrow_typeof(cast('x' as text)) as g, arrow_typeof(cast(1 as int)) as h

select struct(1, 'a') as s, named_struct('a', 1, 'b', 2)['b'] as n, named_struct('a', 1) as m

select {'a': 1, 'b': 2} as s

select map {'a': 1, 'b': 2} as m

select map(['a', 'b'], [1, 2]) as m, map_keys(map(['a'], [1])) as k, map(['a'], [1])['a'] as v

select array_length([1,2]) as l, array_to_string(['a','b'], '-') as s, string_to_array('a-b', '-') as r, array_append([1], 2) as a, array_concat([1], [2]) as c, array_contains([1], 1) as ct, array_position([1,2], 2) as p, array_slice([1,2,3], 1, 2) as sl, array_element([1,2], 1) as e, array_distinct([1,1]) as d, array_sort([2,1]) as so, list_has_all([1,2],[1]) as h, cardinality([1,2]) as cd, flatten([[1],[2]]) as fl, array_max([1,2]) as mx, array_remove([1,2], 1) as rm, array_repeat(1, 2) as rp, array_reverse([1,2]) as rv, range(0, 3) as rg, empty([1]) as em, generate_series(1, 3) as gs

select unnest([1, 2]) as u order by 1

select * from unnest([1, 2]) as t(u) order by 1

select u from unnest(make_array(1, 2)) as t(u) order by u

select unnest(tags) as tag, count(*) from streams group by 1 order by 1

select stream_id, tag from (select stream_id, unnest(tags) as tag from streams) order by 1, 2 limit 4

select exe from log_entries where exe is not null and level is not distinct from 2 order by 1 limit 1

select exe from log_entries where level is distinct from 2 order by 1 limit 1

select count(*) from log_entries where (level > 2) is true

select count(*) from log_entries where (level > 2) is not true

select count(*) from log_entries where (level > 2) is unknown

select count(*) from log_entries where exe like '%a%' and exe ilike '%A%' and exe not like 'x%' and exe not ilike 'y_'

select count(*) from log_entries where exe similar to '.*a.*'

select count(*) from log_entries where level between 2 and 3 and level not between 5 and 6 and level in (2, 3) and level not in (4)

select count(*) from log_entries where level in (select level from log_entries where level < 3)

select count(*) from log_entries l where exists (select 1 from processes p where p.process_id = l.process_id)

select count(*) from log_entries l where not exists (select 1 from processes p where p.process_id = l.process_id)

select (select max(level) from log_entries) as m

select count(*) from log_entries where level = any([2, 3])

select count(*) from log_entries where level <> all([2, 3])

select count(*) from log_entries where level >= all (select level from log_entries)

select * replace (upper(exe) as exe) from processes order by process_id limit 1

select l.* from log_entries l order by time, msg limit 1

select exe as "Exe", level as "Level X", 1 as "a""b" from log_entries order by time limit 1

select 1 as `b`, `exe` from processes order by 2 limit 1

select EXE from PROCESSES order by 1 limit 1

select 'a\nb' as x, E'a\nb' as y, '\' as z

select $$it's$$ as d

select x'4142' as h

select true and not false as a, null is null as b, 1 <> 2 as c, 1 != 2 as d, 1 == 1 as e, 1 <=> 1 as f

select -(-1) as a, - -1 as b, +1 as c, not not true as d

select (1, 2) = (1, 2) as r

select time from log_entries order by time offset 1 limit 2

select time from log_entries order by time limit 2 offset 1

select time from log_entries order by time limit all offset 5

select a.n from (select count(*) n from log_entries) a

(select 1 as a) union all (select 2) order by a

select * from (values (1, 'a'), (2, 'b')) as t(x, y) order by x

values (1, 'a'), (2, 'b')

with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select n from r order by n

with a(x) as (select 1), b as (select x + 1 as y from a) select * from a, b

select * from log_entries tablesample (10 percent)

select count(*) from log_entries where time >= '2020-01-01' and time < timestamp '2030-01-01T00:00:00'

select count(*) from log_entries where cast(time as date) >= current_date

select count(*) from log_entries where date_trunc('day', time) = date '2020-01-01'

select count(*) from public.log_entries

select count(*) from datafusion.public.log_entries

select struct_col.a from (select named_struct('a', 1) as struct_col)

select struct_col['a'] from (select named_struct('a', 1) as struct_col)

select -- a comment
 1 as a /* b */

select 'percent %' as p, '%s' as q, '{x}' as r

select date as date, timestamp, value as values from (select 1 as date, 2 as timestamp, 3 as value)

select level, min(time), max(time), avg(level), sum(level), count(exe) from log_entries group by level order by level

select date_bin(interval '10 seconds', time, timestamp '2020-01-01') from log_entries order by 1 limit 1

select to_local_time(time) from log_entries order by 1 limit 1

select time::date as d, time::time as t, level::text || 'x' as s, '5'::int + 1 as i from log_entries order by time limit 1

select sum(value) filter (where value > 1) over (partition by name) as s from measures order by 1 limit 2

select count(*) over () as n from processes limit 1

select any_value(exe) from processes

select regr_slope(value, value) as r, regr_count(value, value) as c from measures

select rank() over (order by level) r, dense_rank() over (order by level) d, percent_rank() over (order by level) p, cume_dist() over (order by level) c, ntile(3) over (order by level) n from log_entries order by 1, 2, 3, 4, 5 limit 3

select last_value(value) ignore nulls over (partition by name order by time, value) from measures order by 1 limit 2

select sum(value) over (order by time range between interval '1 minute' preceding and current row) as s from measures order by 1 limit 2

select arrow_cast(time, 'Timestamp(Millisecond, None)') t from log_entries order by time limit 1

select decode('6162', 'hex') as d, uuid() is not null as u, version() is not null as v, digest('a', 'md5') g

select date_part('epoch', interval '1 hour') e

select time - time as d from log_entries limit 1

select lower(exe) = 'a' as "l=a" from processes limit 1

select sum(case when level <= 2 then 1 else 0 end) / count(*) as r, sum(case when level <= 2 then 1 else 0 end) * 100.0 / count(*) as p from log_entries

select * from processes p join (select process_id, count(*) n from log_entries group by 1) q on q.process_id = p.process_id order by 1 limit 1

select exe from log_entries where time between '2020-01-01' and '2030-01-01' group by exe order by exe

select corr(a.value, b.value) from measures a join measures b on a.time = b.time

select count(*) from log_entries where msg = 'a;b' -- c;d

select array_agg(distinct exe order by exe) from processes

select substring(exe, 1, 2) from processes order by 1 limit 1

select log(100) l, log(2, 8) m, round(2.567, 2) r, trunc(2.5) t

select extract(millisecond from time) ms, extract(microsecond from time) us, extract(nanosecond from time) ns, extract(week from time) w, extract(doy from time) dy, extract(quarter from time) q from log_entries order by time limit 1

select substring('abc' from 2) s, position('b' IN 'abc') p, char_length('x') c, ltrim('xxa', 'x') l

select left(exe, 2) l, right(exe, 2) r from processes order by 1 limit 1

select row_number() over () r, exe from processes order by exe

select cast(null as int) n, cast('1.5' as decimal(5, 2)) d

select to_timestamp_nanos(1) n, to_timestamp_micros(1) m, date_format(time, '%Y') from log_entries order by time limit 1

select current_time is not null c

select count(*) from streams where tags @> ['cpu']

select count(*) from streams where ['cpu'] <@ tags

select level, count(*) from log_entries group by all order by 1

select level, exe from processes cross join unnest([1,2]) as t(level) order by 1, 2

select 1 as a union by name select 2 as a order by a

select 1 as a, 2 as b union all by name select 3 as b, 4 as a order by a

select COUNT(*), SUM(level), AVG(level) as "AVG(level)", MAX(time) from log_entries

select map {'a': 1, 'b': 2}['a'] as m

select map from (select 1 as map)

select first_value(value) respect nulls over (partition by name order by time, value) from measures order by 1 limit 2

select interval '3 days 04 hours' as a, interval '1' day + interval '2 hours' b, interval '1 month -2 days' c

select if, next from (select 1 as if, 2 as next)

select a.level, b.n from (select distinct level from log_entries) a, lateral (select count(*) n from processes) b order by 1

select count(*) from log_entries where exe in ('a', null) or exe is null

select exe, (select count(*) from log_entries l where l.process_id = p.process_id) n from processes p order by 1, 2

select * from (select level, count(*) as n from log_entries group by level) t where n > 5 order by level

select avg(value) over (partition by name order by time rows between unbounded preceding and unbounded following) a from measures order by 1 limit 1

select sum(value) over (order by time groups between 1 preceding and 1 following) a from measures order by 1 limit 1

select '2020-01-01'::timestamp + '1 day'::interval x

select string_agg(distinct exe, ',' order by exe desc nulls last) s from processes

select unnest(named_struct('a', 1, 'b', 2))

select exe e from processes where exe <> '' group by e order by e

select (1 = 1) is false f, 1 in (1, 2) i, not 1 in (1) n

select min(msg) as m, count(*) as n from log_entries where msg ~ '[0-9]+'

select p.exe from log_entries l right semi join processes p on l.process_id = p.process_id order by 1 limit 2

select median(level) as m, approx_distinct(level) as d, approx_median(level) as a, bool_and(level > 1) as ba from log_entries

select abs(-1) as a, ceil(1.2) as c, floor(1.8) as f, round(1.25, 1) as r, trunc(1.27, 1) as t, exp(0) as e, ln(1) as l, log(10, 100) as lg, log2(8) as l2, pow(2, 3) as pw, isnan(1.0) as n, nanvl(1.0, 2.0) as nv, atan2(1, 1) as at

select interval '1' hour as a, interval '3 days 4 hours 5 minutes' as b, interval '1' year as y, interval 1 day as d

select count(*) from log_entries where not (level > 2 and exe = 'a') or exe like 'a%'

select count(*) as n from (select * exclude (msg, properties) from log_entries)

select count(*) as n from (select * except (msg, properties) from log_entries)

select begin, "end", name from view_instance('thread_spans', '{stream}') limit 0

select bit_xor(level) as b, bool_or(level > 1) as o from log_entries

select arrow_typeof(cast(1 as double precision)) as a, arrow_typeof(cast(1 as float8)) as b, arrow_typeof(cast(1 as tinyint)) as c, arrow_typeof(cast('a' as char)) as d, arrow_typeof(cast(1 as bigint unsigned)) as e

select arrow_typeof(cast('2020-01-01' as timestamp(0))) as a, arrow_typeof(cast('2020-01-01' as timestamp without time zone)) as b, arrow_typeof(cast('10:00:00' as time)) as c, arrow_typeof(cast('a' as bytea)) as d

select [(select max(level) from log_entries), 1] as a, [[1, 2], [3]][1][2] as b, make_array(1)[1] as c
