"""The information_schema of a lake: as recorded, whole, and nothing else of the engine in it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.lake import information_schema
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.service.catalog import SCHEMAS, storage_of
from tests.lake.test_equals_service import NEW, OLD, columns, recorded, rows

Wire = Callable[[str], Path]

VIEWS = {
    OLD: ["blocks", "log_entries", "measures", "processes", "streams"],
    NEW: ["blocks", "log_entries", "log_stats", "measures", "processes", "streams"],
}
OWN = ["columns", "df_settings", "parameters", "routines", "schemata", "tables", "views"]


@pytest.fixture(scope="module")
def lakes(wire: Wire) -> Iterator[dict[str, mm.Connection]]:
    opened = {name: mm.connect(f"lake:{wire(name) / 'data'}") for name in (OLD, NEW)}
    opened["demo"] = mm.connect("demo:")
    yield opened
    for lake in opened.values():
        lake.close()


@pytest.mark.parametrize(
    "name",
    [
        *("error_show_tables", "show_tables", "error_information_schema", "schema_tables"),
        *("schema_columns", "error_show_columns", "schema_schemata", "schema_settings"),
    ],
)
def test_equals_the_service_but_for_its_storage(
    lakes: dict[str, mm.Connection], wire: Wire, name: str
) -> None:
    """The service also lists the tables that store the rows of views, and no lake has these."""
    sql, _, _, answer, _ = recorded(wire, NEW, name)
    assert answer is not None
    ours = lakes[NEW].execute(sql).fetch_arrow_table()
    assert columns(ours, True) == columns(answer, True)
    tables = answer["table_name"].to_pylist() if "table_name" in answer.column_names else []
    stored = [storage_of(table) is not None for table in tables] or [False] * answer.num_rows
    assert any(stored) == (len(set(tables)) > 1)
    theirs = [row for row, is_stored in zip(rows(answer), stored, strict=True) if not is_stored]
    if "ORDER BY" in sql:
        assert rows(ours) == theirs
    else:
        assert sorted(rows(ours)) == sorted(theirs)


# (statement, {lake: its rows}); a list alone is that of every lake. Where the order is not asked
# for, the engine lists tables in any.
STATEMENTS: list[tuple[str, Any]] = [
    (
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
        {name: [(view,) for view in views] for name, views in VIEWS.items()},
    ),
    (
        "SELECT table_name FROM information_schema.tables WHERE table_schema <> 'public' "
        "ORDER BY table_name",
        [(table,) for table in OWN],
    ),
    (
        "SELECT table_type, count(*) FROM Information_Schema.TABLES "
        "WHERE table_schema = 'public' GROUP BY 1 ORDER BY 1",
        {OLD: [("BASE TABLE", 3), ("VIEW", 2)], NEW: [("BASE TABLE", 3), ("VIEW", 3)]},
    ),
    (
        "SELECT table_name, definition FROM information_schema.views ORDER BY 1",
        {name: [(view, None) for view in views] for name, views in VIEWS.items()},
    ),
    (
        "SELECT column_name, ordinal_position FROM information_schema.columns "
        "WHERE table_name = 'measures' AND ordinal_position < 2 ORDER BY ordinal_position",
        {
            OLD: [("process_id", 0), ("exe", 1)],
            NEW: [("process_id", 0), ("stream_id", 1)],
        },
    ),
    (
        "SELECT data_type, is_nullable, numeric_precision "
        "FROM datafusion.information_schema.columns WHERE table_name = 'log_entries' "
        "AND column_name IN ('time', 'level') ORDER BY 1",
        [("Int32", "NO", 32), ('Timestamp(ns, "+00:00")', "NO", None)],
    ),
    (
        "SELECT DISTINCT t.table_type FROM information_schema.tables AS t "
        'JOIN "information_schema"."columns" AS c USING (table_name) WHERE column_name = \'msg\'',
        [("BASE TABLE",)],
    ),
    # The rows of a view in the same statement are those of the view.
    (
        "SELECT c.column_name, count(l.level) > 0 FROM information_schema.columns AS c "
        "LEFT JOIN log_entries AS l ON c.column_name = 'level' "
        "WHERE c.table_name = 'log_entries' AND c.column_name IN ('exe', 'level') "
        "GROUP BY 1 ORDER BY 1",
        [("exe", False), ("level", True)],
    ),
    (
        "SELECT catalog_name, schema_name FROM information_schema.schemata",
        [("datafusion", "public")],
    ),
    (
        "SELECT DISTINCT routine_name, function_type, data_type FROM information_schema.routines "
        "WHERE routine_name IN ('property_get', 'md5') ORDER BY 1",
        [("md5", "SCALAR", "String"), ("property_get", "SCALAR", "String")],
    ),
    ("SELECT count(*) > 1000 FROM information_schema.parameters", [(True,)]),
    (
        "SHOW datafusion.catalog.information_schema",
        [("datafusion.catalog.information_schema", "true")],
    ),
    (
        "-- a comment\nshow /* all */ TIME ZONE",
        {
            OLD: [("datafusion.execution.time_zone", "+00:00")],
            NEW: [("datafusion.execution.time_zone", None)],
        },
    ),
    ("SELECT 'show' AS a, 'information_schema' AS b", [("show", "information_schema")]),
    (
        "WITH information_schema AS (SELECT 1 AS tables) SELECT tables FROM information_schema",
        [(1,)],
    ),
]


@pytest.mark.parametrize(("sql", "expected"), STATEMENTS)
@pytest.mark.parametrize("lake", [OLD, NEW, "demo"])
def test_statement(lakes: dict[str, mm.Connection], lake: str, sql: str, expected: Any) -> None:
    found = lakes[lake].execute(sql).fetchall()
    version = OLD if lake == "demo" else lake
    assert found == (expected if isinstance(expected, list) else expected[version])


@pytest.mark.parametrize("lake", [OLD, NEW, "demo"])
def test_show_functions(lakes: dict[str, mm.Connection], lake: str) -> None:
    (row,) = lakes[lake].execute("SHOW FUNCTIONS LIKE 'md5'").fetchmany(1)
    assert row[:2] == ("md5", "String")


@pytest.mark.parametrize("lake", [OLD, NEW, "demo"])
def test_columns_equal_those_of_describe(lakes: dict[str, mm.Connection], lake: str) -> None:
    for view in VIEWS[OLD]:
        listed = lakes[lake].execute(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_name = ? ORDER BY ordinal_position",
            (view,),
        )
        described = lakes[lake].execute(f"DESCRIBE {view}").fetchall()
        assert listed.fetchall() == described
        shown = lakes[lake].execute(f"SHOW COLUMNS FROM {view}").fetchall()
        assert [row[3:] for row in shown] == described


@pytest.mark.parametrize("name", ["schema_tables", "schema_columns", "schema_routines"])
def test_a_time_range_changes_nothing(
    lakes: dict[str, mm.Connection], wire: Wire, name: str
) -> None:
    lake, sql = lakes[NEW], recorded(wire, NEW, name).sql
    # Equal names come in any order.
    found = sorted(lake.execute(sql, begin="1980-01-01T00:00:00Z", end="1980-01-02T00:00:00Z"))
    assert found == sorted(lake.execute(sql))
    assert len(found) > 10


@pytest.mark.parametrize("statement", ["SHOW ALL VERBOSE", "SELECT * FROM information_schema.{}"])
def test_nothing_of_this_machine_is_listed(
    lakes: dict[str, mm.Connection], wire: Wire, statement: str
) -> None:
    for name in (OLD, NEW):
        for table in OWN if "{}" in statement else [""]:
            found = repr(lakes[name].execute(statement.format(table)).fetchall())
            assert len(found) > 20
            for place in (wire(name), Path.cwd(), Path.home(), tempfile.gettempdir()):
                assert str(place) not in found


@pytest.mark.parametrize("sql", ["SHOW TABLES", "SELECT table_name FROM information_schema.tables"])
def test_a_range_is_not_required(sql: str) -> None:
    with mm.connect("demo:", on_unbounded="error") as demo:
        assert len(demo.execute(sql).fetchall()) == len(VIEWS[OLD]) + len(OWN)


def test_files_that_are_added_are_listed(tmp_path: Path) -> None:
    sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    with mm.connect(f"lake:{tmp_path}") as lake:
        assert lake.execute(sql).fetchall() == []
        pq.write_table(SCHEMAS["streams"].empty_table(), tmp_path / "streams.parquet")
        assert lake.execute(sql).fetchall() == [("streams",)]
        added = SCHEMAS["streams"].append(pa.field("own", pa.int64()))
        pq.write_table(added.empty_table(), tmp_path / "streams.parquet")
        (last,) = lake.execute("SHOW COLUMNS FROM streams").fetchall()[-1:]
        assert last[3:] == ("own", "Int64", "YES")


@pytest.mark.parametrize("sql", ["SET datafusion.catalog.information_schema = false", "RESET a"])
def test_settings_stay_refused(lakes: dict[str, mm.Connection], sql: str) -> None:
    with pytest.raises(mm.NotSupportedError):
        lakes["demo"].execute(sql)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", False),
        ("SELECT shown, x_show FROM t", False),
        ("SHOW TABLES", True),
        ("EXPLAIN show tables", True),
        ('SELECT * FROM "information_schema".tables', True),
        ("SELECT * FROM INFORMATION_SCHEMA.tables", True),
    ],
)
def test_only_statements_that_mention_it_have_one(sql: str, expected: bool) -> None:
    """It costs about as much as a small query."""
    assert information_schema.is_mentioned(sql) is expected


def test_the_http_service_has_none_over_data_of_0_2_3(wire: Wire) -> None:
    lake = LakeTransport(wire(OLD) / "data")
    with pytest.raises(mm.ProgrammingError) as raised:
        lake.run_as_service("SELECT * FROM information_schema.tables", None, "")
    words = "Error during planning: table 'datafusion.information_schema.tables' not found"
    assert str(raised.value.__cause__) == words


def test_the_http_service_has_one_over_data_of_0_30(wire: Wire) -> None:
    """No service of that age speaks its protocol, and clients find views that way."""
    lake = LakeTransport(wire(NEW) / "data")
    found = lake.run_as_service("SELECT * FROM information_schema.tables", None, "").read_all()
    assert sorted(found["table_name"].to_pylist()) == sorted(VIEWS[NEW] + OWN)
