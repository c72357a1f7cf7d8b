"""The statements of the official client's calls: what is sent, and what engines make of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.client.call_sql import call_statement, progress_error, unavailable_call
from micromegas_dbapi.errors import from_service
from micromegas_dbapi.service.catalog import LOOKUPS
from micromegas_dbapi.sql.refusal import refuse_changes
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import ALL_TIME

PID = "5e289910-c90d-44d6-8cb2-570a36fc332c"
SID = "d2d5dd90-1bff-425b-a431-f3f7e1ee906c"
BEGIN, END = "2026-11-23T20:39:30Z", "2026-11-23T20:39:50.000000001Z"
ALL = (ALL_TIME, ALL_TIME)
SINCE = f"insert_time >= CAST('{BEGIN}' AS TIMESTAMP)"
BEFORE = f"insert_time < CAST('{END}' AS TIMESTAMP)"


def streams(begin: Any = None, end: Any = None, process: Any = None, tag: Any = None) -> Any:
    return {"begin": begin, "end": end, "limit": 9, "process_id": process, "tag_filter": tag}


BLOCKS = {"begin": BEGIN, "end": END, "limit": 9, "stream_id": SID}
PARTS = {"view_set_name": "it's", "view_instance_id": "global", "begin": BEGIN, "end": END}
PARTS |= {"partition_delta_seconds": 60}
FOUR = "SELECT stream_id, process_id, tags, properties FROM streams"
BY_INSERTION = "ORDER BY insert_time, stream_id LIMIT 9"

SENT: list[tuple[str, bool, dict[str, Any], str, tuple[Any, Any]]] = [
    (
        "find_process",
        False,
        {"process_id": PID},
        "SELECT process_id, exe, username, realname, computer, distro, cpu_brand, tsc_frequency, "
        "start_time, start_ticks, insert_time, nullif(parent_process_id, '') AS parent_process_id, "
        f"properties FROM processes WHERE process_id = '{PID}'",
        ALL,
    ),
    (
        "find_process",
        True,
        {"process_id": PID},
        f"SELECT * FROM processes WHERE process_id = '{PID}'",
        ALL,
    ),
    (
        "find_stream",
        True,
        {"stream_id": SID},
        f"SELECT * FROM streams WHERE stream_id = '{SID}'",
        ALL,
    ),
    (
        "query_streams",
        False,
        streams(BEGIN, END),
        f"{FOUR} WHERE {SINCE} AND {BEFORE} {BY_INSERTION}",
        (BEGIN, END),
    ),
    (
        "query_streams",
        False,
        streams(None, None, PID, "log"),
        f"{FOUR} WHERE process_id = '{PID}' AND array_has(tags, 'log') {BY_INSERTION}",
        ALL,
    ),
    (
        "query_streams",
        False,
        streams(None, END, PID),
        f"{FOUR} WHERE process_id = '{PID}' AND {BEFORE} {BY_INSERTION}",
        (ALL_TIME, END),
    ),
    (
        "query_streams",
        True,
        streams(BEGIN, END, None, "it's"),
        f"SELECT * FROM streams WHERE array_has(tags, 'it''s') {BY_INSERTION}",
        (BEGIN, END),
    ),
    (
        "query_streams",
        True,
        streams(BEGIN, END),
        f"SELECT * FROM streams {BY_INSERTION}",
        (BEGIN, END),
    ),
    (
        "query_blocks",
        False,
        BLOCKS,
        "SELECT block_id, stream_id, process_id, begin_time, begin_ticks, end_time, end_ticks, "
        f"nb_objects, object_offset, payload_size FROM blocks WHERE stream_id = '{SID}' "
        "ORDER BY begin_time, block_id",
        ALL,
    ),
    (
        "query_blocks",
        True,
        BLOCKS,
        f"SELECT * FROM blocks WHERE stream_id = '{SID}' ORDER BY begin_time, block_id LIMIT 9",
        (BEGIN, END),
    ),
    (
        "query_partitions",
        True,
        {},
        "SELECT * FROM list_partitions() "
        "ORDER BY view_set_name, view_instance_id, begin_insert_time, file_path",
        ALL,
    ),
    (
        "materialize_partitions",
        True,
        PARTS,
        f"SELECT time, msg FROM materialize_partitions('it''s', '{BEGIN}', '{END}', 60)",
        ALL,
    ),
    (
        "retire_partitions",
        True,
        PARTS,
        f"SELECT time, msg FROM retire_partitions('it''s', 'global', '{BEGIN}', '{END}')",
        ALL,
    ),
]


@pytest.mark.parametrize(("call", "recent", "given", "sql", "bounds"), SENT)
def test_what_is_sent(
    call: str, recent: bool, given: dict[str, Any], sql: str, bounds: tuple[Any, Any]
) -> None:
    assert call_statement(call, given, recent=recent) == (sql, *bounds)
    refuse_changes(Statement(sql))


def view(sql: str, name: str = "log_entries", instance: str = "global") -> dict[str, Any]:
    names = {"view_set_name": name, "view_instance_id": instance}
    return {**names, "begin": None, "end": None, "sql": sql}


SEEN = "WITH \"log_entries\" AS (SELECT * FROM view_instance('log_entries', 'global')) "


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("SELECT 1", f"{SEEN}(SELECT 1)"),
        ("SELECT 1;", f"{SEEN}(SELECT 1)"),
        ("/* a */ SELECT 1 -- b", f"/* a */ {SEEN}(SELECT 1)"),
        ("with a as (select 1) select 2", f"{SEEN}(with a as (select 1) select 2)"),
        ("(SELECT 1) LIMIT 1", f"{SEEN}((SELECT 1) LIMIT 1)"),
        ("EXPLAIN SELECT 1", f"EXPLAIN {SEEN}(SELECT 1)"),
        ("explain analyze verbose select 1", f"explain analyze verbose {SEEN}(select 1)"),
        ("EXPLAIN FORMAT tree SELECT 1", f"EXPLAIN FORMAT tree {SEEN}(SELECT 1)"),
        ("EXPLAIN /* ( */ VALUES (1)", f"EXPLAIN /* ( */ {SEEN}(VALUES (1))"),
        ("DESCRIBE log_entries", "DESCRIBE log_entries"),
        ("SHOW COLUMNS FROM log_entries", "SHOW COLUMNS FROM log_entries"),
        ("DROP TABLE log_entries", "DROP TABLE log_entries"),
        ("EXPLAIN", "EXPLAIN"),
        ("", ""),
        ("SELECT ':a ? {x} public.log_entries'", f"{SEEN}(SELECT ':a ? {{x}} public.log_entries')"),
    ],
)
def test_what_a_view_is_asked(sql: str, sent: str) -> None:
    assert call_statement("query_view", view(sql), recent=True).sql == sent


@pytest.mark.parametrize(
    "sql",
    [
        # To an older engine, or to a newer one, the query would stand behind the view's definition.
        "/*! SELECT 1 */ SELECT * FROM log_entries",
        "/*! EXPLAIN */ SELECT * FROM log_entries",
        "SELECT 1 /* /*/ */ UNION SELECT level FROM public.log_entries --*/",
    ],
)
def test_what_a_view_is_not_asked(sql: str) -> None:
    with pytest.raises(mm.ProgrammingError, match="what it reads depends on the query engine"):
        call_statement("query_view", view(sql), recent=True)


def test_names_of_views_are_quoted() -> None:
    given = view("SELECT 1", 'a"b?', "it's {}?")
    sent = "WITH \"a\"\"b?\" AS (SELECT * FROM view_instance('a\"b?', 'it''s {}?')) (SELECT 1)"
    assert call_statement("query_view", given, recent=False).sql == sent


NOT_FOUND = "Error during planning: table function '{}' not found"
FORBIDDEN = "The function 'retire_partitions' is not allowed in web queries for security reasons"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("query_partitions", from_service(NOT_FOUND.format("list_partitions")), "HTTP address"),
        (
            "retire_partitions",
            from_service(NOT_FOUND.format("retire_partitions")),
            "administrators",
        ),
        ("retire_partitions", mm.NotSupportedError(FORBIDDEN), "by FlightSQL"),
        ("retire_partitions", from_service(NOT_FOUND.format("list_partitions")), None),
        ("query_view", from_service(NOT_FOUND.format("list_partitions")), None),
        ("materialize_partitions", mm.NotSupportedError(FORBIDDEN), None),
        ("find_process", mm.OperationalError("no connection"), None),
    ],
)
def test_what_to_use_instead(call: str, error: mm.DatabaseError, words: str | None) -> None:
    error.sql, error.query_id, error.status = "SELECT", "id", 403
    found = unavailable_call(call, error)
    if words is None:
        assert found is None
        return
    assert found is not None
    assert words in str(found)
    assert (found.sql, found.query_id, found.status) == ("SELECT", "id", 403)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("materialize_partitions_impl\n\nCaused by:\n    can't find view x", mm.ProgrammingError),
        (
            "materialize_partitions_impl\n\nCaused by:\n    0: writing\n    1: disk",
            mm.DatabaseError,
        ),
        ("materialize_partitions_impl", None),
        ("[a, b] log_entries global: materialize_partitions_impl\n\nCaused by:\n  x", None),
    ],
)
def test_lines_that_tell_of_a_failure(line: str, kind: type[mm.Error] | None) -> None:
    found = progress_error("materialize_partitions", line)
    assert (None if found is None else type(found)) == kind


# -- the engines of services ---------------------------------------------------------------------

ROOT = Path(__file__).parents[2]
PYTHONS = os.environ.get(
    "MICROMEGAS_ENGINES", ".venv-43.1.0/bin/python:.venv-54.1.0/bin/python"
).split(":")
INSTANCE = re.compile(r"view_instance\('(\w+)', '([^']*)'\)")

ENGINE = """
import json, sys
import pyarrow as pa
from datafusion import SessionContext

folder, into = sys.argv[1:]
context = SessionContext()
for view in ("processes", "streams", "blocks", "log_entries"):
    context.register_parquet(view, f"{folder}/{view}.parquet")
for number, sql in enumerate(json.load(sys.stdin)):
    frame = context.sql(sql)
    schema = pa.schema([field.with_nullable(True) for field in frame.schema()])
    batches = [pa.RecordBatch.from_arrays(b.columns, schema=schema) for b in frame.collect()]
    with pa.ipc.new_file(f"{into}/{number}", schema) as file:
        file.write_table(pa.Table.from_batches(batches, schema).unify_dictionaries())
"""


def on_engine(python: str, folder: Path, into: Path, statements: list[str]) -> list[pa.Table]:
    """Run statements on another engine, over files; instances are conditions there."""
    bare = [
        INSTANCE.sub(r"(SELECT * FROM \1 WHERE process_id = '\2' OR '\2' = 'global')", sql)
        for sql in statements
    ]
    done = subprocess.run(
        [ROOT / python, "-c", ENGINE, folder, into],
        input=json.dumps(bare),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [pa.ipc.open_file(into / str(number)).read_all() for number in range(len(bare))]


VIEWS = [
    "SELECT time, msg FROM log_entries ORDER BY time DESC, msg LIMIT 7",
    "WITH a AS (SELECT level FROM log_entries) SELECT level, count(*) AS n FROM a "
    "GROUP BY level ORDER BY level;",
    "SELECT count(*) AS n FROM (WITH b AS (SELECT * FROM log_entries) SELECT * FROM b) AS c",
    'SELECT max("log_entries".time) AS t FROM "log_entries"',
]


@pytest.mark.engines
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("age", "recent"), [("http-0.2.3", False), ("flight-0.30", True)])
def test_engines_of_services(
    wire: Callable[[str], Path], tmp_path: Path, python: str, age: str, recent: bool
) -> None:
    """They answer as the embedded engine does, whose answers are those recorded."""
    folder = wire(age) / "data"
    process = str(pq.read_table(folder / "processes.parquet")["process_id"][0])
    stream = str(pq.read_table(folder / "blocks.parquet")["stream_id"][0])
    calls: list[tuple[str, dict[str, Any]]] = [
        ("find_process", {"process_id": process}),
        ("find_stream", {"stream_id": stream}),
        ("query_streams", streams(BEGIN, "2026-11-23T21:00:00Z", process, "log")),
        ("query_streams", streams(BEGIN, "2026-11-23T21:00:00Z")),
        ("query_blocks", {**BLOCKS, "stream_id": stream}),
        *(("query_view", view(sql, "log_entries", process)) for sql in VIEWS),
        *(("query_view", view(sql)) for sql in VIEWS),
    ]
    statements = [call_statement(call, given, recent=recent).sql for call, given in calls]
    found = on_engine(python, folder, tmp_path, statements)
    with mm.connect(f"lake:{folder}") as lake:
        for (call, _), sql, theirs in zip(calls, statements, found, strict=True):
            ours = lake.execute(sql, begin=ALL_TIME).fetch_arrow_table()
            assert theirs.column_names == ours.column_names, sql
            assert theirs.to_pylist() == ours.to_pylist(), sql
            assert theirs.num_rows > 0, sql
            if call in LOOKUPS and not recent:
                assert plain(theirs.schema) == LOOKUPS[call].types


VALUES = {"string_view": pa.string(), "binary_view": pa.binary()}


def plain(schema: pa.Schema) -> list[pa.DataType]:
    """Leave out the views of texts and bytes that these engines make of files."""
    return [VALUES.get(str(kind), kind) for kind in schema.types]
