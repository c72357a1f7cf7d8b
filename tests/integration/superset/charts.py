"""Charts: their data equal the driver's, and the service receives their range."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from tests.integration.superset.rest import message
from tests.integration.superset.scene import Scene, ranges, table

# Superset's names of the time grains, and the start of a row's interval.
GRAINS = {
    "PT1S": "date_trunc('second', time)",
    "PT5S": "date_bin('5 seconds', time)",
    "PT30S": "date_bin('30 seconds', time)",
    "PT1M": "date_trunc('minute', time)",
    "PT5M": "date_bin('5 minutes', time)",
    "PT10M": "date_bin('10 minutes', time)",
    "PT15M": "date_bin('15 minutes', time)",
    "PT30M": "date_bin('30 minutes', time)",
    "PT1H": "date_bin('1 hour', time)",
    "PT6H": "date_bin('6 hours', time)",
    "P1D": "date_bin('1 day', time)",
    "P1W": "date_bin('7 days', time, TIMESTAMP '1969-12-29')",
    "1969-12-28T00:00:00Z/P1W": "date_bin('7 days', time, TIMESTAMP '1969-12-28')",
    "1969-12-29T00:00:00Z/P1W": "date_bin('7 days', time, TIMESTAMP '1969-12-29')",
    "P1W/1970-01-03T00:00:00Z": "date_bin('7 days', time, TIMESTAMP '1969-12-28') + INTERVAL "
    "'6 days'",
    "P1W/1970-01-04T00:00:00Z": "date_bin('7 days', time, TIMESTAMP '1969-12-29') + INTERVAL "
    "'6 days'",
    "P1M": "date_trunc('month', time)",
    "P3M": "date_trunc('quarter', time)",
    "P1Y": "date_trunc('year', time)",
}
VIRTUAL = {
    "errors": "SELECT time, exe, level, msg FROM log_entries WHERE level <= 4",
    "joined": "SELECT l.time, l.level, p.username FROM log_entries l JOIN processes p ON "
    "p.process_id = l.process_id",
    "spans": "SELECT begin, name, duration FROM view_instance('thread_spans', '{stream}')",
    "limited": "SELECT time, level FROM log_entries ORDER BY time, msg LIMIT 100",
}
P90 = {
    "expressionType": "SQL",
    "sqlExpression": "approx_percentile_cont(value, 0.9)",
    "label": "p90 (%)",
}
MEAN = {
    "expressionType": "SIMPLE",
    "column": {"column_name": "level", "type": "INTEGER"},
    "aggregate": "AVG",
    "label": "AVG(level)",
}
HOUR = "DATEADD(DATETIME('now'), -1, hour) : now"
_DEFAULT = object()


class Chart(NamedTuple):
    """What is asked of a dataset, the driver's SQL for it, and the ranges to be received.

    Without SQL the data are not compared.
    """

    name: str
    dataset: str
    query: dict[str, Any]
    sql: str | None
    ranges: Any = _DEFAULT


def check(scene: Scene) -> None:
    checks = scene.checks
    checks.step("datasets")
    for view in ("log_entries", "measures", "blocks", "processes"):
        _dataset(scene, "http", view, None)
    for name, sql in VIRTUAL.items():
        _dataset(scene, "http", name, sql.format(stream=scene.stream))
    _dataset(scene, "grpc", "metrics", "SELECT * FROM measures")
    _dataset(scene, "lake", "log_entries of lake", "SELECT * FROM log_entries")
    for database in ("gateway", "web"):  # whose results without rows have no columns
        _dataset(
            scene, database, f"spans over {database}", VIRTUAL["spans"].format(stream=scene.stream)
        )
    checks.step("charts")
    for chart in charts(scene):
        _chart(scene, chart)
    _filter_values(scene)


def _dataset(scene: Scene, database: str, name: str, sql: str | None) -> None:
    body = {"database": scene.databases[database], "schema": "public", "table_name": name}
    answer = scene.session(
        "POST", "/api/v1/dataset/", body if sql is None else {**body, "sql": sql}
    )
    if not scene.checks.true(f"dataset {name}", scene.session.status == 201, message(answer)):
        return
    scene.datasets[name] = answer["id"]
    found = scene.session("GET", f"/api/v1/dataset/{answer['id']}")["result"]
    times = [each["column_name"] for each in found["columns"] if each["is_dttm"]]
    scene.checks.true(f"dataset {name} has times", bool(times), found["columns"])
    offered = {grain[0] for grain in found["time_grain_sqla"]}
    scene.checks.equal(f"dataset {name}: grains", offered, set(GRAINS))


def charts(scene: Scene) -> Iterator[Chart]:
    within = scene.within
    span = scene.time_range
    filtered = {"filters": [{"col": "time", "op": "TEMPORAL_RANGE", "val": span}]}
    axis = {
        "columnType": "BASE_AXIS",
        "sqlExpression": "time",
        "label": "time",
        "expressionType": "SQL",
        "timeGrain": "PT1M",
    }
    by_minute = {"columns": [axis], "extras": {"time_grain_sqla": "PT1M"}, **filtered}
    minute = "date_trunc('minute', time)"
    classic = {"granularity": "time", "time_range": span}
    yield Chart(
        "big number", "log_entries", classic, f"SELECT count(*) FROM log_entries WHERE {within}"
    )
    yield Chart(
        "no filter",
        "log_entries",
        {"granularity": "time", "time_range": "No filter"},
        "SELECT count(*) FROM log_entries",
        [None],
    )
    yield Chart("last hour", "log_entries", {**classic, "time_range": HOUR}, None, "last hour")
    yield Chart(
        "raw rows",
        "log_entries",
        {
            **classic,
            "columns": ["time", "exe", "level", "msg"],
            "metrics": [],
            "orderby": [["time", True], ["msg", True]],
            "row_limit": 20,
        },
        f"SELECT time, exe, level, msg FROM log_entries WHERE {within} ORDER BY time, msg LIMIT 20",
    )
    conditions = [
        {"col": "exe", "op": "IS NOT NULL"},
        {"col": "level", "op": "IN", "val": [2, 3, 4, 5]},
        {"col": "msg", "op": "ILIKE", "val": "%E%"},
        {"col": "target", "op": "NOT IN", "val": ["it's", "50%", ":x", "?"]},
    ]
    yield Chart(
        "table with filters",
        "log_entries",
        {
            **classic,
            "columns": ["exe", "target"],
            "metrics": ["count", MEAN],
            "filters": conditions,
        },
        f"SELECT exe, target, count(*), avg(level) FROM log_entries WHERE {within} AND exe IS NOT "
        "NULL AND level IN (2, 3, 4, 5) AND msg ILIKE '%E%' GROUP BY 1, 2",
    )
    yield Chart(
        "own SQL",
        "log_entries",
        {
            **classic,
            "columns": ["target"],
            "extras": {"where": "msg ~ '[0-9]' AND level % 2 = 0", "having": "COUNT(*) > 1"},
        },
        f"SELECT target, count(*) FROM log_entries WHERE {within} AND msg ~ '[0-9]' AND level % 2 "
        "= 0 GROUP BY 1 HAVING count(*) > 1",
    )
    top = f"SELECT exe FROM log_entries WHERE {within} GROUP BY 1 ORDER BY count(*) DESC LIMIT 2"
    yield Chart(
        "lines with a series limit",
        "log_entries",
        {
            **by_minute,
            "columns": [axis, "exe"],
            "series_columns": ["exe"],
            "series_limit": 2,
            "series_limit_metric": "count",
        },
        f"SELECT {minute}, exe, count(*) FROM log_entries WHERE {within} AND exe IN ({top}) GROUP "
        "BY 1, 2",
    )
    yield Chart(
        "percentiles",
        "measures",
        {**by_minute, "columns": [axis, "name"], "metrics": [P90]},
        f"SELECT {minute}, name, approx_percentile_cont(value, 0.9) FROM measures WHERE {within} "
        "GROUP BY 1, 2",
    )
    yield Chart(
        "time comparison",
        "log_entries",
        {**by_minute, "time_offsets": ["10 minutes ago"]},
        None,
        [scene.expected_range(), scene.expected_range(timedelta(minutes=10))],
    )
    yield Chart(
        "virtual dataset",
        "errors",
        by_minute,
        f"SELECT {minute}, count(*) FROM log_entries WHERE level <= 4 AND {within} GROUP BY 1",
    )
    yield Chart(
        "spans of a thread",
        "spans",
        {"granularity": "begin", "time_range": span, "columns": ["name"]},
        f"SELECT name, count(*) FROM view_instance('thread_spans', '{scene.stream}') WHERE "
        f"{within.replace('time', 'begin')} GROUP BY 1",
    )
    yield Chart(
        "join",
        "joined",
        {**classic, "columns": ["username"]},
        f"SELECT username, count(*) FROM log_entries WHERE {within} GROUP BY 1",
        [None],  # the time of processes is not bounded
    )
    yield Chart(
        "dataset with a limit",
        "limited",
        {**classic, "columns": ["level"]},
        "SELECT level, count(*) FROM (SELECT time, level FROM log_entries ORDER BY time, msg LIMIT "
        f"100) WHERE {within} GROUP BY 1",
        [None],  # a range would change which rows the limit leaves
    )
    yield Chart(
        "names with dots",
        "blocks",
        {"granularity": "begin_time", "time_range": "No filter", "columns": ["processes.exe"]},
        'SELECT "processes.exe", count(*) FROM blocks GROUP BY 1',
        [None],
    )
    yield Chart(
        "no metric",
        "processes",
        {
            "granularity": "start_time",
            "time_range": "No filter",
            "columns": ["exe", "username"],
            "metrics": [],
        },
        "SELECT DISTINCT exe, username FROM processes",
        [None],
    )
    yield Chart(
        "nothing there",
        "log_entries",
        {**classic, "time_range": "2001-01-01 : 2001-01-02", "columns": ["exe"]},
        "SELECT exe, count(*) FROM log_entries WHERE time < '2001-01-02' GROUP BY 1",
        [("2000-12-31T23:59:00", "2001-01-02T00:01:00")],
    )
    yield Chart(
        "over FlightSQL",
        "metrics",
        {**by_minute, "columns": [axis, "name"], "metrics": [P90, "count"]},
        f"SELECT {minute}, name, approx_percentile_cont(value, 0.9), count(*) FROM measures WHERE "
        f"{within} GROUP BY 1, 2",
    )
    yield Chart(
        "data of a service 0.30",
        "log_entries of lake",
        {"granularity": "time", "time_range": "No filter", "columns": ["target", "level"]},
        "SELECT target, level, count(*) FROM log_entries GROUP BY 1, 2",
        [],  # its service has no recorder
    )
    for grain, start in GRAINS.items():
        yield Chart(
            f"grain {grain}",
            "log_entries",
            {
                **by_minute,
                "columns": [{**axis, "timeGrain": grain}],
                "row_limit": 10000,
                "extras": {"time_grain_sqla": grain},
            },
            f"SELECT {start}, count(*) FROM log_entries WHERE {within} GROUP BY 1",
        )


def _chart(scene: Scene, chart: Chart) -> None:
    checks, what = scene.checks, f"chart {chart.name}"
    if chart.dataset not in scene.datasets:
        checks.true(what, False, f"no dataset {chart.dataset}")
        return
    result, received = scene.query(scene.datasets[chart.dataset], **chart.query)
    checks.equal(f"{what}: status", result.get("status"), "success")
    if result.get("status") != "success":
        print(f"    {message(result)}")
        return
    sent = ranges(received)
    scene.charts.append(
        (
            chart.name,
            " ".join(received[0].sql.split()) if received else "",
            ", ".join(f"{r[0]} .. {r[1]}" if r else "none" for r in sent),
        )
    )
    if chart.ranges == "last hour":
        checks.true(f"{what}: range", len(sent) == 1 and sent[0] is not None, sent)
    else:
        expected = [scene.expected_range()] if chart.ranges is _DEFAULT else chart.ranges
        checks.equal(f"{what}: ranges", sent, expected)
    if chart.sql is not None:
        connection = scene.lake if chart.dataset.endswith("of lake") else None
        rows = (
            scene.rows(chart.sql)
            if connection is None
            else connection.execute(chart.sql).fetchall()
        )
        got = [tuple(row.values()) for row in result["data"]]
        checks.equal(f"{what}: data", table(got), table(rows))


def _filter_values(scene: Scene) -> None:
    path = f"/api/v1/datasource/table/{scene.datasets['log_entries']}/column/exe/values/"
    values = scene.session("GET", path)["result"]
    expected = {row[0] for row in scene.rows("SELECT DISTINCT exe FROM log_entries")}
    scene.checks.equal("values of a filter", set(values), expected)
