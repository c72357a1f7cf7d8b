"""Statements in SQL Lab: their rows equal the driver's."""

from __future__ import annotations

import csv
import io

from tests.integration.superset.rest import message
from tests.integration.superset.scene import Scene

STATEMENTS = {
    "limit": "SELECT time, exe, level, msg FROM log_entries ORDER BY time DESC, msg LIMIT 3",
    "comments": "-- the newest\nSELECT max(time) AS newest /* all */ FROM log_entries",
    "percent": "SELECT count(*) AS n FROM log_entries WHERE msg LIKE '%e%' AND 7 % 4 = 3",
    "regular expressions": "SELECT count(*) AS n FROM log_entries WHERE msg ~ '[0-9]+' AND msg "
    "!~* 'FRAME'",
    "marks": "SELECT '?' AS q, ':x' AS c, 'it''s' AS s, '%' AS p",
    "properties": "SELECT property_get(properties, 'thread-name') AS t FROM streams ORDER BY "
    "stream_id LIMIT 5",
    "view_instance": "SELECT name, count(*) AS n, max(duration) AS worst FROM "
    "view_instance('thread_spans', '{stream}') WHERE begin >= '{since}' AND \"end\" <= '{until}' "
    "GROUP BY name ORDER BY n DESC, name",
    "view_instance of a process": "SELECT count(*) AS n FROM view_instance('log_entries', "
    "'{process}')",
    "date_bin": "SELECT date_bin(INTERVAL '5 minutes', time) AS b, count(*) AS n, "
    "approx_percentile_cont(level, 0.5) AS p FROM log_entries GROUP BY b ORDER BY b",
    "origin": "SELECT date_bin('15 minutes', time, TIMESTAMP '2000-01-01') AS b, max(value) AS v "
    "FROM measures GROUP BY 1 ORDER BY 1",
    "filter and window": "WITH t AS (SELECT exe, level FROM log_entries) SELECT exe, count(*) "
    "FILTER (WHERE level <= 3) AS errors, row_number() OVER (ORDER BY exe) AS r FROM t GROUP BY "
    "exe ORDER BY exe",
    "lists": "SELECT make_array(1, 2)[1] AS a, array_has(tags, 'cpu') AS h FROM streams ORDER BY "
    "stream_id",
    "names with dots": 'SELECT "processes.exe" AS e, count(*) AS n FROM blocks GROUP BY 1 ORDER '
    "BY 1",
    "casts": "SELECT try_cast('x' AS INT) AS a, arrow_cast(1, 'Int8') AS b, '7'::INT AS c, "
    "arrow_typeof(CAST(1 AS FLOAT)) AS f",
    "nulls": "SELECT column1 AS v FROM (VALUES (1), (NULL), (2)) AS t ORDER BY v DESC NULLS LAST",
    "operators": "SELECT 5 ^ 1 AS x, power(2, 3) AS p, 7 / 2 AS i, strpos('abc', 'c') AS s",
    "formats": "SELECT to_char(min(time), '%Y-%m-%d') AS c, date_part('hour', min(time)) AS h "
    "FROM log_entries",
    "intervals": "SELECT count(*) AS n FROM log_entries WHERE time > TIMESTAMP '{until}' - "
    "INTERVAL '1 hours 30 minutes'",
    "union": "SELECT exe FROM log_entries UNION SELECT exe FROM measures ORDER BY exe",
    "join": "SELECT p.exe, count(*) AS n FROM log_entries l JOIN processes p ON p.process_id = "
    "l.process_id GROUP BY p.exe ORDER BY p.exe",
    "template": "SELECT {{{{ 1 + 1 }}}} AS two, 2 AS driver",
}
# The type and a part of the text of errors.
ERRORS = {
    "SELECT * FROM nosuch": ("TABLE_DOES_NOT_EXIST_ERROR", '"nosuch"'),
    "SELECT nocol FROM log_entries": ("COLUMN_DOES_NOT_EXIST_ERROR", "nocol"),
    "SELECT l.nocol FROM log_entries l": ("COLUMN_DOES_NOT_EXIST_ERROR", "l.nocol"),
    "SELECT nofunc(level) FROM log_entries": ("GENERIC_DB_ENGINE_ERROR", "nofunc"),
    "SELECT 1 FROM log_entries |> LIMIT 1": ("INVALID_SQL_ERROR", ""),
    "DROP TABLE log_entries": ("DML_NOT_ALLOWED_ERROR", ""),
}


def check(scene: Scene) -> None:
    scene.checks.step("SQL Lab")
    for database in ("http", "grpc"):
        for name, template in STATEMENTS.items():
            _statement(scene, f"{database}: {name}", database, template)
    for sql, (kind, part) in ERRORS.items():
        answer, _ = scene.execute("http", sql)
        scene.checks.contains(f"error of {sql}", message(answer), kind, part)
    _download(scene)
    _range(scene)


def _statement(scene: Scene, what: str, database: str, template: str) -> None:
    sql = template.format(
        stream=scene.stream,
        process=scene.process,
        since=scene.since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        until=scene.until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    answer, _ = scene.execute(database, sql)
    if "data" not in answer:
        scene.checks.true(what, False, message(answer))
        return
    expected = scene.direct.execute(sql.replace("{{ 1 + 1 }}", "2")).fetch_arrow_table()
    rows = [tuple(row.values()) for row in expected.to_pylist()]
    names = [each["column_name"] for each in answer["columns"]]
    scene.checks.equal(f"{what}: columns", names, expected.column_names)
    got = [tuple(row[name] for name in names) for row in answer["data"]]
    scene.checks.equal(what, _shown(got), _shown(rows))


def _shown(rows: list[tuple[object, ...]]) -> list[list[str]]:
    """Rows as texts: instants to the second, numbers rounded."""
    return [[_cell(value) for value in row] for row in rows]


def _cell(value: object) -> str:
    if hasattr(value, "isoformat"):
        value = value.isoformat()
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text[:19].replace(" ", "T") if text[4:5] == "-" and text[7:8] == "-" else text


def _download(scene: Scene) -> None:
    sql = "SELECT level, target FROM log_entries ORDER BY time, target LIMIT 50"
    answer, _ = scene.execute("http", sql, client_id="download001")
    scene.checks.equal("rows to download", len(answer.get("data", [])), 50)
    text = scene.session.raw("GET", "/api/v1/sqllab/export/download001/").decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text))
    scene.checks.equal("CSV, header", header, ["level", "target"])
    expected = [[str(level), target] for level, target in scene.rows(sql)]
    scene.checks.equal("CSV", rows, expected)


def _range(scene: Scene) -> None:
    """A condition on time is a range in SQL Lab, too."""
    sql = f"SELECT count(*) AS n FROM log_entries WHERE {scene.within}"
    for database in ("http", "grpc"):
        answer, received = scene.execute(database, sql)
        got = [(each.begin or "")[:19] for each in received]
        scene.checks.equal(f"{database}: range", got, [scene.expected_range()[0]])
        scene.checks.equal(f"{database}: rows", answer["data"], [{"n": scene.one(sql)}])
