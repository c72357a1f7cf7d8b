"""Statements of mixed types through the whole path: the local service tells what 0.30 tells.

Whatever the wire, a statement gives what the service sends as plain columns, or an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.sql.planned_types import doubt
from micromegas_dbapi.sql.statement import Statement
from tests.integration.serving import warm
from tests.planned_types.statements import Statements
from tests.server.recent_services import serving
from tests.wire import recordings

Wire = Callable[[str], Path]
VIEWS = ("log_entries", "measures", "streams", "log_stats")
# What is another value each time it is asked for.
_FLEETING = ("now()", "current_date", "uuid()", "random()")


@pytest.fixture(scope="module")
def connections(wire: Wire) -> Iterator[dict[str, mm.Connection]]:
    with serving(wire("flight-0.30") / "data") as service:
        flight, web = service.flight_url, f"web+{service.url}/mm"
        made = {
            "plain": mm.connect(flight, preserve_dictionary=False, infer_range="off"),
            "flight": mm.connect(flight, infer_range="off"),
            "gateway": mm.connect(f"gateway+{service.url}", infer_range="off"),
            "web": mm.connect(web, data_source="main", infer_range="off"),
        }
        for connection in made.values():
            warm(connection)
        yield made
        for connection in made.values():
            connection.close()


def rows(connection: mm.Connection, sql: str) -> list[str] | mm.Error:
    try:
        table = connection.execute(sql).fetch_arrow_table()
    except mm.DatabaseError as error:
        return error
    columns = [[v for chunk in c.chunks for v in column(chunk, "ns")] for c in table]
    return sorted(map(repr, zip(*columns, strict=True)))


def statements() -> Iterator[str]:
    number = 0
    while True:
        sql = Statements(f"whole/{number}", 0.12, VIEWS).statement()
        number += 1
        if not any(word in sql for word in _FLEETING):
            yield sql


def test_random_statements(connections: dict[str, mm.Connection]) -> None:
    found = {"rows": 0, "unsure": 0, "refused": 0}
    for sql in statements():
        expected = rows(connections["plain"], sql)
        if isinstance(expected, mm.Error):
            continue
        default, web = rows(connections["flight"], sql), rows(connections["web"], sql)
        assert default == expected, sql
        assert isinstance(web, mm.Error) or web == expected, sql
        found["rows"] += 1
        found["unsure"] += doubt(Statement(sql)) is not None
        if isinstance(web, mm.Error):
            assert isinstance(web, mm.DataError), sql
            assert doubt(Statement(sql)) is not None
            found["refused"] += 1
        if found["rows"] == 80:
            break
    assert found["unsure"] > 20
    assert 1 < found["refused"] < found["unsure"]


@pytest.mark.parametrize(
    "name", [n for n in recordings.names("flight-0.30-mixed") if not n.startswith("dict_")]
)
def test_the_local_service_tells_what_the_real_one_told(
    connections: dict[str, mm.Connection], wire: Wire, name: str
) -> None:
    """The same columns, or the same error, over other data of the same kind."""
    entries = {e["name"]: e for e in recordings.index("flight-0.30-mixed")}
    if name in DIFFERENT:
        assert DIFFERENT[name]
        return
    for how in ("plain", "flight"):
        entry = entries[name]
        sql = entry["sql"].replace(SPANS, own_spans(wire))
        answer: Any
        try:
            cursor = connections[how].execute(sql, begin="2026-11-23T00:00:00Z", end="now")
            answer = cursor.fetch_arrow_table()
        except mm.Error as error:
            answer = error
        if entry["code"] != "OK":
            assert isinstance(answer, mm.Error)
            assert answer.status == entry["code"]
            continue
        kind = (
            entries[f"dict_{name}"] if how == "flight" and doubt(Statement(sql)) is None else entry
        )
        assert [[f.name, str(f.type)] for f in answer.schema] == [
            [told, type_] for told, type_, _ in kind["schema"]
        ]


SPANS = "0b3196df-39fd-4d80-98ba-e358b51e2a19"
# Why the embedded engine, of another release, cannot be like the service here.
DIFFERENT = {
    "coerced_jsonb_keys": "the embedded engine has no jsonb_object_keys",
    "coerced_union_duration": "DataFusion 55 finds it out at another step",
    "coerced_case_nested": "DataFusion 55 has upper() of a dictionary as a dictionary",
}


def own_spans(wire: Wire) -> str:
    return next((wire("flight-0.30") / "data" / "thread_spans").glob("*.parquet")).stem


def test_misread_without_the_rule(
    connections: dict[str, mm.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the local service sends with dictionaries is what misleads a reader, and the net."""
    # Of many rows: pyarrow, which the local service writes with, tells lengths less exactly.
    sql = "SELECT level FROM (SELECT level FROM log_entries LIMIT 300) AS l UNION ALL SELECT 9"
    monkeypatch.setattr("micromegas_dbapi.transport.flight.doubt", lambda sql: None)
    monkeypatch.setattr("micromegas_dbapi.transport.web.doubt", lambda sql: None)
    answer = rows(connections["flight"], sql)
    assert isinstance(answer, mm.DataError)
    assert "column 'level' was declared as int32, but it has" in str(answer)
    # The web app has read it before, and writes what it has read.
    assert rows(connections["web"], sql) != rows(connections["plain"], sql)


def test_values_are_cut_as_the_service_does(connections: dict[str, mm.Connection]) -> None:
    cut = "SELECT CASE WHEN level = 4 THEN 1 ELSE 1.5 END AS c FROM log_entries WHERE level <> 4"
    for how in ("plain", "flight", "gateway"):
        assert set(rows(connections[how], cut)) == {"(1,)"}  # type: ignore[arg-type]
    whole = cut.replace("THEN 1 ", "THEN CAST(1 AS DOUBLE) ")
    for how in ("plain", "flight", "gateway", "web"):
        assert set(rows(connections[how], whole)) == {"(1.5,)"}  # type: ignore[arg-type]


def test_describe_tells_the_columns_that_come(connections: dict[str, mm.Connection]) -> None:
    """Plain ones, where no dictionaries are asked for."""
    sure = "SELECT target FROM log_entries"
    unsure = "SELECT CASE WHEN level = 4 THEN target ELSE exe END AS target FROM log_entries"
    for sql in (sure, unsure):
        cursor = connections["flight"].cursor()
        told = [each.type_code.arrow_type for each in cursor.describe(sql)]
        assert told == cursor.execute(sql).fetch_arrow_table().schema.types
    assert pa.types.is_dictionary(connections["flight"].execute(sure).fetch_arrow_table()[0].type)
