"""Every statement of our own is sent to DataFusion 43, 54 and 55, and answered alike.

Which there are is read out of the code, so that a new one is noticed: it is sent by what is done
here, or the test of its engine fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.type_names import arrow_type
from micromegas_dbapi.cli import main
from micromegas_dbapi.client import Client
from micromegas_dbapi.harlequin.tree_nodes import child_nodes, view_nodes
from micromegas_dbapi.service.catalog import VIEW_COMMENTS
from micromegas_dbapi.sql.column_queries import types_of_rows, with_one_row_of_nulls
from micromegas_dbapi.sql.statement import Statement
from tests.engines import own
from tests.engines.services import ENGINES, NEW, OLD, Service, serving
from tests.engines.test_command_line import ANSWERED, REFUSED, SCHEMES, SUBJECTS, commands, words

# These make a statement of one that is given.
OF_OTHERS = {
    "micromegas_dbapi.sql.column_queries.count_of_rows",  # of SELECT FROM: not for 43
    "micromegas_dbapi.sql.column_queries.types_of_rows",
    "micromegas_dbapi.sql.column_queries.without_rows",
    "micromegas_dbapi.sql.column_queries.with_one_row_of_nulls",
    "micromegas_dbapi.transport.gateway.GatewayTransport",
}
# What only looks like a statement of ours, or is not for a service.
NOT_SENT = {
    "micromegas_dbapi.demo.scenario.log_messages.MESSAGES": "a line of a log",
    "micromegas_dbapi.lake.session._UNSAFE": "words of an error",
    "micromegas_dbapi.lake.session._numbered": "for the embedded engine alone",
    "sqlalchemy_micromegas.compiler.clauses.Clauses": "a part of what users say",
    "sqlalchemy_micromegas.compiler.statements.MicromegasCompiler": "parts of what users say",
}
# What services of a generation don't answer, or are not asked.
UNANSWERED = {
    OLD: {
        "micromegas_dbapi.client.call_sql._MATERIALIZE": "there is no such function",
        "micromegas_dbapi.client.call_sql._PARTITIONS": "there is no such function",
        "micromegas_dbapi.client.call_sql._RETIRE": "there is no such function",
        "micromegas_dbapi.client.call_sql._SOME_BLOCKS": "all are asked for, as by their endpoint",
        "micromegas_dbapi.cli.commands.tables._LISTED": "there is no information_schema",
        "micromegas_dbapi.cli.commands.tables._VIEW_SETS": "there is no such function",
        "micromegas_dbapi.service.VIEWS_SQL": "no gateway and no web app is before them",
        "micromegas_dbapi.sql.column_queries.count_of_rows": "43 cannot parse SELECT FROM",
        "micromegas_dbapi.transport.gateway.GatewayTransport": "no gateway is before them",
        "sqlalchemy_micromegas.reflection._DEFINITIONS": "they do not tell what is a view",
        "sqlalchemy_micromegas.reflection._SCHEMAS": "there is no information_schema",
        "sqlalchemy_micromegas.reflection._TABLES": "there is no information_schema",
    },
    NEW: {
        "micromegas_dbapi.client.call_sql._BLOCKS": "no more are asked for than the limit",
        "micromegas_dbapi.sql.column_queries.count_of_rows": "for the HTTP service alone",
    },
}

#: A view that Micromegas does not know: a user's own.
THEIRS = "frames"
GIVEN = f"SELECT level, msg FROM {THEIRS} WHERE time > 'MOMENT' ORDER BY time, msg"
# The types of whose rows are asked for over the web: as told, and not.
UNSURE = f"SELECT CASE WHEN level < 4 THEN time END AS t, msg FROM {THEIRS} ORDER BY time, msg"
MIXED = f"SELECT level FROM (SELECT level FROM {THEIRS} UNION ALL SELECT 9.5) AS q ORDER BY level"
COUNT = "SELECT count(*) AS n FROM log_entries"
# The calls that tell of their progress.
FOLLOWED = ("materialize_partitions", "retire_partitions")


def test_statements_are_constants_of_their_modules() -> None:
    elsewhere = {each.place for each in own.found() if not each.constant}
    assert elsewhere - NOT_SENT.keys() == OF_OTHERS


@pytest.fixture(scope="module")
def theirs(wire: Callable[[str], Path], opening: Any) -> Iterator[Callable[[str, str], Service]]:
    """`theirs(python, "http-0.2.3")` has that recording's data, and a view of its users."""
    with ExitStack() as running:

        def start(python: str, recording: str) -> Service:
            with opening():
                return running.enter_context(serving(python, wire(recording) / "data", THEIRS))

        yield cache(start)


def engine_of(url: str) -> Any:
    scheme, rest = url.split("://")
    return sa.create_engine(f"micromegas+{scheme.removesuffix('+http')}://{rest}")


def introspected(url: str) -> dict[str, Any]:
    """Give all that SQLAlchemy can find out."""
    engine = engine_of(url)
    found: dict[str, Any] = {}
    try:
        with engine.connect() as connection:
            inspector = sa.inspect(connection)
            found["schemas"] = inspector.get_schema_names()
            found["tables"] = inspector.get_table_names()
            found["views"] = inspector.get_view_names()
            found["there"] = [inspector.has_table(n) for n in (THEIRS, "processes", "nope")]
            together = sa.MetaData()
            together.reflect(connection, views=True)
            found["together"] = {name: repr(table) for name, table in together.tables.items()}
            for name in (*VIEW_COMMENTS, THEIRS):
                alone = sa.inspect(connection)
                if name in (*found["tables"], THEIRS):
                    found[name] = repr(alone.get_columns(name)), alone.get_foreign_keys(name)
            found["defined"] = [bool(inspector.get_view_definition(n)) for n in found["views"]]
            assert engine.dialect.do_ping(connection.connection.dbapi_connection)
    finally:
        engine.dispose()
    return found


def asked(url: str, recording: str) -> dict[str, Any]:
    """Give what the driver answers that asks something of its own."""
    (sql,) = words(GIVEN, recording)
    with mm.connect(url, timestamps="ns") as connection:
        described = connection.cursor().describe(sql)
        cursor = connection.execute(sql)  # whose range is inferred: by what a range filters a view
        return {
            "described": [(column.name, repr(column.type_code)) for column in described],
            "range": repr(cursor.time_range),
            "rows": cursor.fetchall(),
            "of nulls": connection.execute(with_one_row_of_nulls(Statement(sql))).fetchall(),
            "types": types_told(connection, sql, ["level", "msg"]),
            "unsure": connection.execute(UNSURE).fetchall(),
            "unsure types": types_told(connection, UNSURE, ["t", "msg"]),
            "mixed": mixed(connection),
        }


def types_told(connection: mm.Connection, sql: str, names: list[str]) -> list[pa.DataType]:
    question = types_of_rows(Statement(sql), names)
    assert question is not None
    return types_in(connection.execute(question).fetch_arrow_table())


def types_in(table: pa.Table) -> list[pa.DataType]:
    """Read the names of types, which releases spell in two ways."""
    (row,) = table.to_pylist()
    types = [arrow_type(text, encoded=True) for text in row.values()]
    assert None not in types, row
    return types


def mixed(connection: mm.Connection) -> Any:
    """Give the values, or the kind of the error."""
    try:
        return connection.execute(MIXED).fetchall()
    except mm.Error as error:
        return alike(error)


def called(url: str, recording: str) -> dict[str, Any]:
    """Give what the calls of the official client answer, or the kind of their errors."""
    subject = SUBJECTS[recording]
    process, stream = subject["PROCESS"], subject["STREAM"]
    partitions = ("log_entries", "global", "2026-11-23T00:00:00Z", subject["MOMENT"])
    calls: dict[str, tuple[Any, ...]] = {
        "query": (COUNT,),
        "query_view": ("log_entries", process, None, None, COUNT),
        "find_process": (process,),
        "find_stream": (stream,),
        "query_streams": (None, None, 100, process, "cpu"),
        "query_blocks": (None, None, 100, stream),
        "query_partitions": (),
        "materialize_partitions": (*partitions, 3600),
        "retire_partitions": partitions,
    }
    found: dict[str, Any] = {}
    with Client(url) as client:
        for name, arguments in calls.items():
            lines: list[str] = []
            followed = {"progress": lines.append} if name in FOLLOWED else {"arrow": True}
            try:
                answered = getattr(client, name)(*arguments, **followed)
                found[name] = lines if answered is None else alike(answered)
            except mm.Error as error:
                found[name] = alike(error)
    return found


def browsed(url: str) -> None:
    """Open every node of the tree that harlequin shows."""
    with mm.connect(url) as connection:
        nodes = view_nodes(connection)
        while nodes:
            nodes = [below for node in nodes for below in child_nodes(connection, node)]


def use_everything(service: Service, recording: str, folder: Path) -> None:
    first, *_ = SCHEMES[recording]
    for command in (*commands(ANSWERED), *commands(REFUSED)):
        for name in ("csv", "table"):
            file = str(folder / f"out.{name}")
            source = ["--url", service.url(first), "--format", name, "-o", file]
            main([*words(command, recording), *source])
    for scheme in SCHEMES[recording]:
        url = service.url(scheme)
        introspected(url)
        asked(url, recording)
        called(url, recording)
        browsed(url)


def given(recording: str) -> set[str]:
    """Give the statements of the commands and calls here, which are the users'."""
    texts = [words(line, recording)[0] for line in commands(ANSWERED) + commands(REFUSED)]
    return {*texts, *words(GIVEN, recording), UNSURE, MIXED, COUNT}


def alike(table: pa.Table | mm.Error) -> Any:
    """Write an answer so that it can be compared: in no order, since most have none."""
    if isinstance(table, mm.Error):
        return type(table).__name__
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        for column in table.columns
    ]
    rows = zip(*(map(repr, column.to_pylist()) for column in columns), strict=True)
    return table.schema.names, table.schema.types, sorted(rows)


def answer(service: Service, sql: str, bounds: Any) -> pa.Table | mm.Error:
    try:
        return service.ask(sql, bounds)
    except mm.Error as error:
        return error


Answers = dict[tuple[str, Any], pa.Table | mm.Error]


def answers(service: Service, recording: str, folder: Path) -> Answers:
    """Check that each statement of ours is sent, and give what the engine answers to it."""
    use_everything(service, recording, folder)
    statements = [each for each in own.found() if each.place not in NOT_SENT]
    found, answered = {}, set()
    for sql, bounds in dict.fromkeys(service.sent):
        places = {each.place for each in statements if each.pattern.fullmatch(sql)}
        if not places:
            assert sql in given(recording)
            continue
        found[sql, bounds] = answer(service, sql, bounds)
        if not isinstance(found[sql, bounds], mm.Error):
            answered |= places
    assert {each.place for each in statements} - answered == UNANSWERED[recording].keys()
    return found


EMBEDDED = sys.executable


def test_every_statement(theirs: Any, tmp_path: Path) -> None:
    """On the release of DataFusion that the suite has; also without other environments."""
    answers(theirs(EMBEDDED, NEW), NEW, tmp_path)


@pytest.mark.engines
@pytest.mark.parametrize(("python", "recording"), ENGINES, ids=[data for _, data in ENGINES])
def test_every_statement_on_the_engines_of_services(
    theirs: Any, python: str, recording: str, tmp_path: Path
) -> None:
    other = theirs(EMBEDDED, recording)
    for (sql, bounds), found in answers(theirs(python, recording), recording, tmp_path).items():
        if sql.startswith(("EXPLAIN ", "DESCRIBE ")):  # whose answers are each release's own
            continue
        read = types_in if sql.startswith("SELECT arrow_typeof(") else alike
        assert read(found) == read(answer(other, sql, bounds)), sql


@pytest.mark.engines
@pytest.mark.parametrize(("python", "recording"), ENGINES, ids=[data for _, data in ENGINES])
def test_introspection(theirs: Any, python: str, recording: str) -> None:
    service, other = theirs(python, recording), theirs(EMBEDDED, recording)
    for scheme in SCHEMES[recording]:
        found, expected = (introspected(each.url(scheme)) for each in (service, other))
        assert found == expected
        assert (THEIRS in found["views"]) == (recording == NEW)
        for ask in (asked, called):
            assert ask(service.url(scheme), recording) == ask(other.url(scheme), recording)
