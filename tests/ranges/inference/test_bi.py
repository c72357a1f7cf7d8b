"""The statements of BI tools, as they arrive at `execute()`: what range each is sent with.

Superset's as measured on its 6.1 (with the engine's own spec, with the generic one, and re-printed
by sqlglot before execution); Metabase's as its PostgreSQL driver writes them; Grafana's as its SQL
and FlightSQL data sources expand their macros; pandas and SQLAlchemy as this project renders them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from micromegas_dbapi.ranges.inference import Reason
from micromegas_dbapi.sql.parameters import Parameters, bind
from micromegas_dbapi.sql.statement import Statement
from sqlalchemy_micromegas.dialect import MicromegasDialect
from tests.ranges.inference.ranges import OPEN, found

A, B = "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"
# The clock of these tests stands at 2026-11-22T12:34:56Z, and truncation to a day takes up to one.
LAST_HOUR = "2026-11-22T11:34:56Z", OPEN

SUPERSET = {
    "SELECT time AS time, exe AS exe, level AS level FROM public.log_entries WHERE time >= "
    "'2026-11-22 00:00:00.000000' AND time < '2026-11-23 00:00:00.000000' GROUP BY time, exe, "
    "level LIMIT 3": (A, B),
    "SELECT date_trunc('hour', time) AS __timestamp, COUNT(*) AS count FROM public.log_entries "
    "WHERE time >= TIMESTAMP '2026-11-22T00:00:00.000000' AND time < TIMESTAMP "
    "'2026-11-23T00:00:00.000000' GROUP BY date_trunc('hour', time) LIMIT 100": (A, B),
    # The alias of the truncated time hides nothing in WHERE; and a series limit.
    "SELECT date_trunc('hour', time) AS time, exe AS exe, COUNT(*) AS count, "
    'approx_percentile_cont(level, 0.9) AS "p90 (%)" FROM public.log_entries JOIN (SELECT exe AS '
    "exe__, COUNT(*) AS mme_inner__ FROM public.log_entries WHERE time >= TIMESTAMP "
    "'2026-11-22T00:00:00.000000' AND time < TIMESTAMP '2026-11-23T00:00:00.000000' GROUP BY exe "
    "ORDER BY COUNT(*) DESC LIMIT 2) AS series_limit ON exe = exe__ WHERE time >= TIMESTAMP "
    "'2026-11-22T00:00:00.000000' AND time < TIMESTAMP '2026-11-23T00:00:00.000000' GROUP BY "
    "date_trunc('hour', time), exe ORDER BY count DESC LIMIT 100": (A, B),
    # As sqlglot prints it again.
    "SELECT\n  DATE_TRUNC('HOUR', time) AS __timestamp,\n  COUNT(*) AS count\nFROM "
    "public.log_entries\nWHERE\n  time >= CAST('2026-11-22T00:00:00.000000' AS TIMESTAMP)\n  AND "
    "time < CAST('2026-11-23T00:00:00.000000' AS TIMESTAMP)\nGROUP BY\n  DATE_TRUNC('HOUR', "
    "time)\nLIMIT 100": (A, B),
    # A virtual dataset, with and without a limit of its own.
    "SELECT date_bin(INTERVAL '5 minutes', time) AS __timestamp, sum(value) AS v FROM (SELECT time, "
    "name, value FROM measures WHERE name = 'frame time') AS virtual_table WHERE time >= TIMESTAMP "
    "'2026-11-22T00:00:00.000000' AND time < TIMESTAMP '2026-11-23T00:00:00.000000' GROUP BY 1": (
        A,
        B,
    ),
    "SELECT * FROM (SELECT * FROM log_entries) AS virtual_table WHERE (level <= 2) AND time >= "
    "TIMESTAMP '2026-11-22T00:00:00.000000' LIMIT 1001": (A, OPEN),
    "SELECT count(*) FROM (SELECT time FROM log_entries LIMIT 1000) AS virtual_table WHERE time >= "
    "TIMESTAMP '2026-11-22T00:00:00.000000'": None,
    "SELECT time AS time, level FROM (SELECT time, level FROM log_entries UNION ALL SELECT time, 0 "
    "FROM measures) AS virtual_table WHERE time >= TIMESTAMP '2026-11-22T00:00:00.000000' AND time "
    "< TIMESTAMP '2026-11-23T00:00:00.000000'": (A, B),
    "WITH __cte AS (SELECT * FROM log_entries) SELECT date_trunc('day', time) AS d, count(*) FROM "
    "__cte WHERE time >= TIMESTAMP '2026-11-22T00:00:00.000000' GROUP BY 1": (A, OPEN),
    # The time comparison's second query, and one without any range.
    "SELECT date_trunc('day', time) AS __timestamp, COUNT(*) AS count FROM public.log_entries WHERE "
    "time >= TIMESTAMP '2026-11-21T00:00:00.000000' AND time < TIMESTAMP "
    "'2026-11-22T00:00:00.000000' GROUP BY date_trunc('day', time)": ("2026-11-21T00:00:00Z", A),
    "SELECT exe AS exe, COUNT(*) AS count FROM public.log_entries GROUP BY exe LIMIT 100": None,
    # The filter's values, and the preview of a table.
    "SELECT exe AS exe FROM public.log_entries WHERE time >= TIMESTAMP "
    "'2026-11-22T00:00:00.000000' GROUP BY exe ORDER BY exe LIMIT 1000": (A, OPEN),
    "SELECT time, level, msg FROM public.log_entries LIMIT 101": None,
    # PostgreSQL's own format of instants is none that is understood here.
    "SELECT 1 FROM log_entries WHERE time >= TO_TIMESTAMP('2026-11-22 00:00:00.000000', "
    "'YYYY-MM-DD HH24:MI:SS.US')": None,
}

LOG = '"public"."log_entries"'
METABASE = {
    f'SELECT {LOG}."time" AS "time", {LOG}."msg" AS "msg" FROM {LOG} LIMIT 1048575': None,
    f"SELECT DATE_TRUNC('hour', {LOG}.\"time\") AS \"time\", COUNT(*) AS \"count\" FROM {LOG} WHERE "
    f"({LOG}.\"time\" >= timestamp with time zone '2026-11-22 00:00:00.000Z') AND ({LOG}.\"time\" < "
    f"timestamp with time zone '2026-11-23 00:00:00.000Z') GROUP BY DATE_TRUNC('hour', "
    f"{LOG}.\"time\") ORDER BY DATE_TRUNC('hour', {LOG}.\"time\") ASC": (A, B),
    f"SELECT COUNT(*) AS \"count\" FROM {LOG} WHERE ({LOG}.\"time\" >= DATE_TRUNC('day', (NOW() + "
    f"(INTERVAL '-7 day')))) AND ({LOG}.\"time\" < DATE_TRUNC('day', NOW()))": (
        "2026-11-14T12:34:56Z",
        OPEN,
    ),
    f"SELECT COUNT(*) FROM {LOG} WHERE {LOG}.\"time\" >= NOW() + (INTERVAL '-1 hour')": LAST_HOUR,
    f"SELECT COUNT(*) FROM {LOG} WHERE CAST({LOG}.\"time\" AS date) BETWEEN date '2026-11-22' AND "
    "date '2026-11-22'": (A, B),
    f"SELECT COUNT(*) FROM {LOG} WHERE CAST({LOG}.\"time\" AS date) = date '2026-11-22'": (A, B),
    f"SELECT COUNT(*) FROM {LOG} WHERE ({LOG}.\"time\" >= CAST((CAST(NOW() AS timestamp) + "
    f"(INTERVAL '-1 day')) AS date)) AND ({LOG}.\"time\" < CAST(NOW() AS date))": (
        "2026-11-21T00:00:00Z",
        OPEN,
    ),
    'SELECT "source"."level" AS "level", COUNT(*) AS "count" FROM (SELECT '
    f'{LOG}."time" AS "time", {LOG}."level" AS "level" FROM {LOG}) AS "source" WHERE '
    "\"source\".\"time\" >= timestamp with time zone '2026-11-22 00:00:00.000Z' GROUP BY "
    '"source"."level"': (A, OPEN),
    'SELECT "source"."time" AS "time", "source"."sum" AS "sum" FROM (SELECT DATE_TRUNC(\'day\', '
    f'{LOG}."time") AS "time", COUNT(*) AS "sum" FROM {LOG} WHERE {LOG}."time" >= '
    f"timestamp with time zone '2026-11-22 00:00:00.000Z' GROUP BY DATE_TRUNC('day', {LOG}.\"time\"))"
    ' AS "source" WHERE "source"."sum" > 5': (A, OPEN),
    "SELECT \"source\".\"day\" FROM (SELECT DATE_TRUNC('day', CAST(\"time\" AS timestamp)) AS "
    '"day" FROM log_entries) AS "source" WHERE "source"."day" = \'2026-11-22\'': (A, B),
    # A field filter in a native question, and one that nobody has set.
    "SELECT COUNT(*) FROM log_entries WHERE level = 2 AND (\"public\".\"log_entries\".\"time\" >= "
    "date '2026-11-22' AND \"public\".\"log_entries\".\"time\" < date '2026-11-23')": (A, B),
    "SELECT COUNT(*) FROM log_entries WHERE level = 2 AND 1 = 1": None,
    f'SELECT COUNT(*) FROM {LOG} LEFT JOIN (SELECT "public"."measures"."process_id" AS "process_id" '
    "FROM \"public\".\"measures\" WHERE \"public\".\"measures\".\"time\" >= date '2026-11-22') AS "
    f'"m" ON {LOG}."process_id" = "m"."process_id" WHERE {LOG}."time" >= date \'2026-11-22\'': (
        A,
        OPEN,
    ),
    f"SELECT COUNT(*) FROM {LOG} WHERE extract(dow FROM {LOG}.\"time\") = 1": None,
}  # fmt: skip

FROM, TO = "'2026-11-22T00:00:00Z'", "'2026-11-23T00:00:00Z'"
GRAFANA = {
    f"SELECT time AS \"time\", value FROM measures WHERE time BETWEEN {FROM} AND {TO}": (A, B),
    f"SELECT floor(extract(epoch from time)/300)*300 AS \"time\", avg(value) FROM measures WHERE "
    f"time BETWEEN {FROM} AND {TO} GROUP BY 1 ORDER BY 1": (A, B),
    f"SELECT time, value FROM measures WHERE time >= {FROM} AND time <= {TO}": (A, B),
    "SELECT date_bin(interval '15 second', time, timestamp '1970-01-01T00:00:00Z') AS t, avg(value) "
    f"FROM measures WHERE time >= cast({FROM} as timestamp) AND time <= cast({TO} as timestamp) "
    "GROUP BY 1 ORDER BY 1": (A, B),
    f"SELECT time, msg FROM log_entries WHERE time >= timestamp {FROM} AND time < timestamp {TO} "
    "AND level <= 3 ORDER BY time DESC LIMIT 500": (A, B),
    f"SELECT time, value FROM measures WHERE ({FROM} <= time) AND ({TO} >= time)": (A, B),
    "SELECT count(*) FROM log_entries WHERE extract(epoch from time) >= 1795305600": None,
    "SELECT count(*) FROM log_entries WHERE $__timeFilter(time)": None,
    "SELECT DISTINCT name FROM measures WHERE time > now() - interval '1 hour' ORDER BY 1": LAST_HOUR,
    f"SELECT time, sum(count) FROM (SELECT time_bin AS time, count FROM log_stats) s WHERE time "
    f"BETWEEN {FROM} AND {TO} GROUP BY 1": (A, B),
    f"SELECT begin AS time, duration FROM view_instance('thread_spans', 'x') WHERE begin BETWEEN {FROM} "
    f"AND {TO}": (A, B),
    f"SELECT time, name, value FROM view_instance('measures', 'p') WHERE time BETWEEN {FROM} AND {TO} "
    "AND name IN ('cpu', 'memory')": (A, B),
    f"WITH m AS (SELECT * FROM measures WHERE time BETWEEN {FROM} AND {TO}) SELECT a.time, a.value / "
    "b.value FROM m a JOIN m b ON a.time = b.time": (A, B),
}  # fmt: skip


@pytest.mark.parametrize("sql", [*SUPERSET, *METABASE, *GRAFANA])
def test_tools(sql: str) -> None:
    expected = {**SUPERSET, **METABASE, **GRAFANA}[sql]
    result = found(sql)
    if expected is None:
        assert isinstance(result, Reason)
    else:
        assert result == expected


DAY = datetime(2026, 11, 22)
UTC_DAY = DAY.replace(tzinfo=timezone.utc)
PARIS = timezone(timedelta(hours=1))
BOUND = [
    ("time >= ? AND time < ?", (DAY, DAY + timedelta(days=1)), (A, B)),
    ("time >= ?", (UTC_DAY,), (A, OPEN)),
    ("time >= ?", (datetime(2026, 11, 22, 1, tzinfo=PARIS),), (A, OPEN)),
    ("time >= ?", (date(2026, 11, 22),), (A, OPEN)),
    ("time >= ?", ("2026-11-22T00:00:00Z",), (A, OPEN)),
    ("time IN ?", ([DAY, DAY + timedelta(days=1)],), (A, B)),
    ("time BETWEEN ? AND ?", (UTC_DAY, UTC_DAY + timedelta(days=1)), (A, B)),
    ("time >= now() - ?", (timedelta(hours=1),), LAST_HOUR),
    ("time >= ? - ?", (DAY + timedelta(days=1), timedelta(hours=24)), (A, OPEN)),
    ("CAST(time AS DATE) = ?", (date(2026, 11, 22),), (A, B)),
    ("properties = ? AND time >= ?", (b"\x01\x02", DAY), (A, OPEN)),
]


def bound(sql: str, parameters: Parameters) -> str:
    return bind(Statement(sql), parameters).text


@pytest.mark.parametrize(("condition", "parameters", "expected"), BOUND)
def test_parameters(condition: str, parameters: tuple, expected: tuple) -> None:  # type: ignore[type-arg]
    assert found(bound(f"SELECT 1 FROM log_entries WHERE {condition}", parameters)) == expected


METADATA = sa.MetaData()
TABLE = sa.Table(
    "log_entries",
    METADATA,
    sa.Column("time", sa.TIMESTAMP(timezone=True)),
    sa.Column("level", sa.Integer),
    schema="public",
)
TIME = TABLE.c.time
# A datetime of Python names its whole microsecond.
NEXT, LAST = "2026-11-23T00:00:00.000001000Z", "2026-11-23T00:00:00.000000999Z"
SUB = sa.select(TIME, TABLE.c.level).subquery()
BUILT = [
    (sa.select(TABLE).where(TIME >= UTC_DAY, UTC_DAY + timedelta(days=1) > TIME), (A, B)),
    (sa.select(sa.func.count()).where(TIME.between(UTC_DAY, UTC_DAY + timedelta(days=1))), (A, NEXT)),
    (sa.select(TABLE).where(sa.or_(TIME == UTC_DAY, TIME.in_([UTC_DAY + timedelta(days=1)]))), (A, LAST)),
    (sa.select(SUB.c.level).where(SUB.c.time >= UTC_DAY), (A, OPEN)),
    (sa.select(sa.func.date_trunc("hour", TIME)).where(~(TIME < UTC_DAY)).limit(3), (A, OPEN)),
    (sa.select(TABLE).where(sa.func.now() - timedelta(hours=1) <= TIME), LAST_HOUR),
    (sa.select(TABLE).where(sa.cast(TIME, sa.Date) == date(2026, 11, 22)), (A, B)),
    (sa.select(TABLE).where(TABLE.c.level == 2), None),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "expected"), BUILT)
@pytest.mark.parametrize("literal_binds", [True, False])
def test_sqlalchemy(statement: sa.Select, expected: tuple | None, literal_binds: bool) -> None:  # type: ignore[type-arg]
    compiled = statement.compile(
        dialect=MicromegasDialect(),
        compile_kwargs={"literal_binds": True} if literal_binds else {"render_postcompile": True},
    )
    parameters = [compiled.params[name] for name in compiled.positiontup or ()]
    result = found(bound(str(compiled), None if literal_binds else parameters))
    if expected is None:
        assert isinstance(result, Reason)
    else:
        assert result == expected


def test_there_are_enough_of_them() -> None:
    tools = [*SUPERSET, *METABASE, *GRAFANA]
    assert len(tools) == len(set(tools)) >= 40
