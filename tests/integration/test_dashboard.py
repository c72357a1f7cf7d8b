"""A dashboard of twenty queries: each gets a range, over both wires, and no answer changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.demo import write_demo
from micromegas_dbapi.timerange import MAX_NS, format_ns
from tests.integration.serving import served

MINUTE = 60 * 10**9
#: What `time BETWEEN {since} AND {until}` leaves of the demo's hour: minutes before its end.
SINCE, UNTIL = 6, 2

LAST = "time >= now() - INTERVAL '1 day'"  # of an hour of data, or the answer would move on
SLICE = "time >= '{since}' AND time < '{until}'"
STAMPS = "time >= TIMESTAMP '{since}' AND time < TIMESTAMP '{until}'"

# What a dashboard shows -> its query, and whether it reads the service's clock.
DASHBOARD = {
    "errors": (f"SELECT count(*) FROM log_entries WHERE level <= 2 AND {SLICE}", False),
    "last errors": (f"SELECT count(*) FROM log_entries WHERE level <= 2 AND {LAST}", True),
    "by level": (
        f"SELECT level, count(*) AS n FROM log_entries WHERE {SLICE} GROUP BY 1 ORDER BY 1",
        False,
    ),
    "by minute": (
        "SELECT date_trunc('minute', time) AS time, count(*) AS n FROM log_entries "
        f"WHERE {STAMPS} GROUP BY 1 ORDER BY 1",
        False,
    ),
    "bins": (
        "SELECT date_bin(INTERVAL '30 seconds', time) AS t, count(*) AS n FROM public.log_entries "
        f"WHERE {STAMPS} GROUP BY 1 ORDER BY 1",
        False,
    ),
    "targets": (
        "SELECT target, count(*) AS n FROM log_entries WHERE time BETWEEN '{since}' AND '{until}' "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5",
        False,
    ),
    "newest lines": (
        f"SELECT time, level, msg FROM log_entries WHERE {SLICE} ORDER BY time DESC, msg LIMIT 20",
        False,
    ),
    "virtual dataset": (
        "SELECT exe, count(*) AS n FROM (SELECT * FROM log_entries) AS virtual_table "
        f"WHERE {STAMPS} GROUP BY exe ORDER BY exe",
        False,
    ),
    "series limit": (
        "SELECT date_trunc('minute', time) AS time, exe, count(*) AS n FROM log_entries JOIN "
        f"(SELECT exe AS exe__, count(*) FROM log_entries WHERE {STAMPS} GROUP BY exe ORDER BY 2 "
        f"DESC, 1 LIMIT 2) AS series_limit ON exe = exe__ WHERE {STAMPS} GROUP BY 1, 2 ORDER BY "
        "1, 2",
        False,
    ),
    "today": ("SELECT count(*) FROM log_entries WHERE CAST(time AS DATE) >= current_date", True),
    "metrics": (
        f"SELECT name, count(*) AS n, max(value) AS hi FROM measures WHERE {SLICE} GROUP BY 1 "
        "ORDER BY 1",
        False,
    ),
    "a metric": (f"SELECT time, value FROM measures WHERE {SLICE} ORDER BY time, value", False),
    "percentiles": (
        f"SELECT name, median(value) AS p50 FROM measures WHERE {SLICE} GROUP BY 1 ORDER BY 1",
        False,
    ),
    "moving average": (
        "SELECT time, name, max(value) OVER (PARTITION BY name ORDER BY time ROWS 3 PRECEDING) m "
        f"FROM measures WHERE {SLICE} ORDER BY time, name, m",
        False,
    ),
    "logs and metrics": (
        f"SELECT 'log' AS kind, count(*) AS n FROM log_entries WHERE {SLICE} UNION ALL SELECT "
        f"'metric', count(*) FROM measures WHERE {SLICE} ORDER BY 1",
        False,
    ),
    "with": (
        f"WITH recent AS (SELECT * FROM measures WHERE {LAST}) SELECT name, count(*) AS n FROM "
        "recent GROUP BY 1 ORDER BY 1",
        True,
    ),
    "above the mean": (
        f"SELECT count(*) FROM measures WHERE {SLICE} AND value > (SELECT avg(value) FROM measures "
        f"WHERE {SLICE})",
        False,
    ),
    "one process": (
        "SELECT count(*) FROM view_instance('log_entries', '{process}') "
        "WHERE time BETWEEN '{since}' AND '{until}'",
        False,
    ),
    "slowest calls": (
        "SELECT name, max(duration) AS slowest FROM view_instance('thread_spans', '{stream}') "
        "WHERE begin >= '{since}' AND begin < '{until}' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5",
        False,
    ),
    "either": (
        "SELECT count(*) FROM log_entries WHERE (time >= '{since}' AND time < '{until}' AND level "
        "= 2) OR time IN ('{since}', '{until}')",
        False,
    ),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder, now = tmp_path_factory.mktemp("dashboard"), time.time_ns()
    write_demo(Path(folder), seed=7, size=1, now=now)
    with served(folder) as urls, mm.connect(urls["lake"]) as lake:
        process = lake.execute("SELECT process_id FROM processes ORDER BY 1 LIMIT 1").fetchone()
        stream = lake.execute(
            "SELECT stream_id FROM streams WHERE array_has(tags, 'cpu') ORDER BY 1 LIMIT 1"
        ).fetchone()
        assert process is not None
        assert stream is not None
        instants = {
            "since": format_ns(now - SINCE * MINUTE),
            "until": format_ns(now - UNTIL * MINUTE),
        }
        yield {**urls, **instants, "process": process[0], "stream": stream[0]}


def test_there_are_twenty() -> None:
    assert len(DASHBOARD) == 20


@pytest.mark.parametrize("wire", ["http", "grpc"])
@pytest.mark.parametrize("name", DASHBOARD)
def test_dashboard(service: dict[str, str], wire: str, name: str) -> None:
    template, clock = DASHBOARD[name]
    sql = template.format(**service)
    with mm.connect(service[wire], begin=None) as connection:
        cursor = connection.execute(sql)
        found, rows = cursor.time_range, cursor.fetchall()
    print(f"{wire} {name}: {found}")
    assert found
    assert found.source == "inferred"
    if clock:
        assert found.end == MAX_NS
        assert time.time_ns() - found.begin < (24 * 60 + 20) * MINUTE
    else:
        assert format_ns(found.begin + MINUTE) == service["since"]
        assert format_ns(found.end - MINUTE) == service["until"]
    with mm.connect(service[wire], infer_range="off") as plain:
        # thread_spans are refused without any range.
        bounds = {"begin": "2000-01-01T00:00:00Z"} if "thread_spans" in sql else {}
        everything = plain.execute(sql, **bounds)
        assert everything.fetchall() == rows
    assert rows
