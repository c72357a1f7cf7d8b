"""``inspect(engine)`` of a lake, in-process and over HTTP without information_schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import sqlalchemy.orm
from sqlalchemy.exc import NoSuchTableError, UnreflectableTableError
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

import micromegas_dbapi as mm
from micromegas_dbapi.errors import from_service
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.service.catalog import SCHEMAS
from tests.integration.serving import WIRES, served
from tests.sqlalchemy.answers import RECORDED
from tests.wire.grpcreplay import replaying
from tests.wire.recordings import case, index
from tests.wire.replay import Answer, replay

PROPERTIES, TIME = "Properties()", "TIMESTAMP(timezone=True)"

# view -> its columns: "name type", with a question mark where NULL may be.
COLUMNS = {
    "log_entries": f"""process_id VARCHAR() | exe VARCHAR() | username VARCHAR()
        | computer VARCHAR() | time {TIME} | target VARCHAR() | level INTEGER() | msg VARCHAR()
        | properties {PROPERTIES}""",
    "measures": f"""process_id VARCHAR() | exe VARCHAR() | username VARCHAR() | computer VARCHAR()
        | time {TIME} | target VARCHAR() | name VARCHAR() | unit VARCHAR() | value DOUBLE()
        | properties {PROPERTIES}""",
    "processes": f"""process_id VARCHAR() | exe VARCHAR() | username VARCHAR() | realname VARCHAR()
        | computer VARCHAR() | distro VARCHAR() | cpu_brand VARCHAR() | tsc_frequency BIGINT()
        | start_time {TIME} | start_ticks BIGINT() | insert_time {TIME}
        | parent_process_id VARCHAR() | properties {PROPERTIES}""",
    "streams": f"""stream_id VARCHAR() | process_id VARCHAR() | dependencies_metadata BYTEA()
        | objects_metadata BYTEA() | tags ARRAY(VARCHAR()) ? | properties {PROPERTIES}
        | insert_time {TIME}""",
    "blocks": f"""block_id VARCHAR() | stream_id VARCHAR() | process_id VARCHAR()
        | begin_time {TIME} | begin_ticks BIGINT() | end_time {TIME} | end_ticks BIGINT()
        | nb_objects INTEGER() | object_offset BIGINT() | payload_size BIGINT()
        | insert_time {TIME} | streams.dependencies_metadata BYTEA()
        | streams.objects_metadata BYTEA() | streams.tags ARRAY(VARCHAR()) ?
        | streams.properties {PROPERTIES} | processes.start_time {TIME}
        | processes.start_ticks BIGINT() | processes.tsc_frequency BIGINT()
        | processes.exe VARCHAR() | processes.username VARCHAR() | processes.realname VARCHAR()
        | processes.computer VARCHAR() | processes.distro VARCHAR() | processes.cpu_brand VARCHAR()
        | processes.insert_time {TIME} | processes.parent_process_id VARCHAR()
        | processes.properties {PROPERTIES}""",
}
KEYS = {
    "log_entries": ([], [("process_id", "processes.process_id")]),
    "measures": ([], [("process_id", "processes.process_id")]),
    "processes": (["process_id"], [("parent_process_id", "processes.process_id")]),
    "streams": (["stream_id"], [("process_id", "processes.process_id")]),
    "blocks": (
        ["block_id"],
        [("stream_id", "streams.stream_id"), ("process_id", "processes.process_id")],
    ),
}


@pytest.mark.parametrize("wire", WIRES)
def test_a_new_inspector_sees_the_service_as_it_is(wire: str, tmp_path: Path) -> None:
    """Views may change while the connection is in the pool."""
    newer = pa.field("last_update_time", pa.timestamp("ns", "+00:00"))
    pq.write_table(SCHEMAS["processes"].append(newer).empty_table(), tmp_path / "processes.parquet")
    pq.write_table(SCHEMAS["measures"].empty_table(), tmp_path / "measures.parquet")
    with served(tmp_path) as urls:
        scheme, _, rest = urls[wire].partition(":")
        rest = rest if wire != "lake" else f"///{rest}"
        engine = sa.create_engine(f"micromegas+{scheme.replace('+http', '')}:{rest}", future=True)
        names = SCHEMAS["measures"].names
        inspector = sa.inspect(engine)
        assert [column["name"] for column in inspector.get_columns("measures")] == names
        added = SCHEMAS["measures"].append(pa.field("added", pa.int64()))
        pq.write_table(added.empty_table(), tmp_path / "measures.parquet")
        pq.write_table(SCHEMAS["log_entries"].empty_table(), tmp_path / "log_entries.parquet")
        found = sa.inspect(engine)
        assert [column["name"] for column in found.get_columns("measures")] == [*names, "added"]
        assert found.has_table("log_entries")
        assert "log_entries" in found.get_table_names()
        engine.dispose()


@pytest.fixture(params=[*RECORDED, "demo_lake", "demo_http"])
def engine(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def written(columns: list[dict[str, Any]]) -> list[str]:
    return [f"{c['name']} {c['type']!r}{' ?' if c['nullable'] else ''}" for c in columns]


def expected(engine: Any, view: str) -> list[str]:
    """Return the columns of a view. Over the gateway floats are nullable, because NaN is NULL."""
    lossy = engine.driver == "gateway"
    each = (" ".join(column.split()) for column in COLUMNS[view].split("|"))
    return [f"{c} ?" if lossy and c.endswith("DOUBLE()") else c for c in each]


def test_names(engine: Any) -> None:
    inspector = sa.inspect(engine)
    assert inspector.get_schema_names() == ["public"]
    assert inspector.default_schema_name == "public"
    assert sorted(inspector.get_table_names()) == sorted(KEYS)
    assert inspector.get_view_names() == []


@pytest.mark.parametrize("view", COLUMNS)
def test_columns(engine: Any, view: str) -> None:
    columns = sa.inspect(engine).get_columns(view)
    assert written(columns) == expected(engine, view)
    assert all(column["comment"] for column in columns)
    assert columns == sa.inspect(engine).get_columns(view, schema="public") or [
        repr(c) for c in columns
    ] == [repr(c) for c in sa.inspect(engine).get_columns(view, schema="public")]


def test_every_type_has_a_name(engine: Any) -> None:
    """Tools display type names, and compare them with those that they know."""
    columns = [c for view in KEYS for c in sa.inspect(engine).get_columns(view)]
    names = {c["type"].compile(dialect=engine.dialect) for c in columns}
    assert names == {
        "VARCHAR", "TIMESTAMP WITH TIME ZONE", "INTEGER", "BIGINT", "DOUBLE", "BYTEA", "VARCHAR[]",
        "JSON",
    }  # fmt: skip
    assert all(str(c["type"]) == c["type"].compile(dialect=engine.dialect) for c in columns)


@pytest.mark.parametrize("view", KEYS)
def test_keys_and_comments(engine: Any, view: str) -> None:
    inspector = sa.inspect(engine)
    primary, foreign = KEYS[view]
    name = f"{view}_pkey" if primary else None
    assert inspector.get_pk_constraint(view) == {"constrained_columns": primary, "name": name}
    keys = inspector.get_foreign_keys(view)
    assert [
        (key["constrained_columns"][0], f"{key['referred_table']}.{key['referred_columns'][0]}")
        for key in keys
    ] == foreign
    assert [key["name"] for key in keys] == [f"{view}_{own}_fkey" for own, _ in foreign]
    assert inspector.get_table_comment(view)["text"]


#: What no service has: method -> its answer, in full and for a table.
NOTHING: dict[str, Any] = {
    "get_temp_table_names": [],
    "get_temp_view_names": [],
    "get_sequence_names": [],
    "get_materialized_view_names": [],
}
NOTHING_OF_A_TABLE: dict[str, Any] = {
    "get_indexes": [],
    "get_unique_constraints": [],
    "get_check_constraints": [],
    "get_table_options": {},
}


def test_what_no_service_has(engine: Any) -> None:
    inspector = sa.inspect(engine)
    for ask, answer in NOTHING.items():
        if hasattr(inspector, ask):  # 1.4 knows no materialized views
            assert getattr(inspector, ask)() == answer
    for ask, answer in NOTHING_OF_A_TABLE.items():
        assert getattr(inspector, ask)("measures") == answer
        many = getattr(inspector, ask.replace("get_", "get_multi_"), None)
        if many is not None:
            assert many() == {(None, view): answer for view in inspector.get_table_names()}
        with pytest.raises(NoSuchTableError, match="nope"):
            getattr(inspector, ask)("nope")
    with engine.connect() as connection:
        assert not engine.dialect.has_sequence(connection, "nope")
        assert not engine.dialect.has_index(connection, "measures", "nope")
    dependencies = inspector.get_sorted_table_and_fkc_names()
    assert dependencies[0][0] == "processes"
    assert {name for name, _ in dependencies} == {*KEYS, None}


def test_metadata(engine: Any) -> None:
    """MetaData.reflect() returns all of it at once, including keys and comments."""
    metadata = sa.MetaData()
    metadata.reflect(engine, views=True)
    assert metadata.sorted_tables[0].name == "processes"
    assert sorted(metadata.tables) == sorted(KEYS)
    for view, table in metadata.tables.items():
        written_ = [f"{c.name} {c.type!r}{' ?' if c.nullable else ''}" for c in table.columns]
        if KEYS[view][0]:  # a key is never NULL
            assert [c.name for c in table.primary_key] == KEYS[view][0]
        assert written_ == expected(engine, view)
        assert table.comment
        referred = {(key.parent.name, key.target_fullname) for key in table.foreign_keys}
        assert referred == set(KEYS[view][1])


def test_what_is_not_there(engine: Any) -> None:
    inspector = sa.inspect(engine)
    assert not inspector.has_table("nope")
    assert not inspector.has_table("SELECT 1")
    assert inspector.has_table("measures")
    for ask in ("get_columns", "get_pk_constraint", "get_foreign_keys", "get_indexes"):
        with pytest.raises(NoSuchTableError, match="nope"):
            getattr(inspector, ask)("nope")


def sent(engine: Any) -> list[str]:
    statements: list[str] = []
    sa.event.listen(
        engine, "before_cursor_execute", lambda c, cur, sql, *rest: statements.append(sql)
    )
    return statements


def test_queries(recorded: Any) -> None:
    """A name with whitespace sends no query. All columns are fetched in one round trip."""
    inspector, statements = sa.inspect(recorded), sent(recorded)
    assert not inspector.has_table("SELECT * FROM log_entries")
    assert statements == []
    if hasattr(inspector, "get_multi_columns"):
        assert len(inspector.get_multi_columns(filter_names=["blocks", "streams"])) == 2
        described = [sql for sql in statements if "information_schema" not in sql]
        assert len(described) == 1
    statements.clear()
    sa.Table("blocks", sa.MetaData(), autoload_with=recorded)
    loaded = [sql.split()[3] for sql in statements]
    assert loaded == ["blocks", "streams", "processes"]  # which it refers to
    statements.clear()
    with pytest.raises(NoSuchTableError):
        sa.Table("nope", sa.MetaData(), autoload_with=recorded)


def test_automap(engine: Any) -> None:
    """Relationships work. A process with an empty parent id has no parent."""
    base = automap_base()
    base.prepare(autoload_with=engine)
    process = base.classes.processes
    with Session(engine) as session:
        for each in session.query(process):
            parent = each.processes
            assert (parent is None) == (each.parent_process_id == "")
            assert {stream.process_id for stream in each.streams_collection} <= {each.process_id}
        parents = sa.orm.aliased(process)
        joined = session.query(process.process_id).join(
            parents, process.parent_process_id == parents.process_id
        )
        having = session.query(process).filter(process.parent_process_id != "").count()
        assert joined.count() == having


NEWER = {
    "log_entries": f"""process_id VARCHAR() | stream_id VARCHAR() | block_id VARCHAR()
        | insert_time {TIME} | exe VARCHAR() | username VARCHAR() | computer VARCHAR()
        | time {TIME} | target VARCHAR() | level INTEGER() | msg VARCHAR()
        | properties Properties() | process_properties Properties()""",
    "measures": f"""process_id VARCHAR() | stream_id VARCHAR() | block_id VARCHAR()
        | insert_time {TIME} | exe VARCHAR() | username VARCHAR() | computer VARCHAR()
        | time {TIME} | target VARCHAR() | name VARCHAR() | unit VARCHAR() | value DOUBLE()
        | properties Properties() | process_properties Properties()""",
    "log_stats": f"""time_bin {TIME} ? | process_id VARCHAR() | level INTEGER() | target VARCHAR()
        | count BIGINT() ?""",
    "streams": f"""stream_id VARCHAR() | process_id VARCHAR() ?
        | dependencies_metadata BYTEA() ? | objects_metadata BYTEA() ?
        | tags ARRAY(VARCHAR()) ? | properties Properties() ? | insert_time {TIME} ?
        | format VARCHAR() ? | last_update_time {TIME} ?""",
}


@pytest.mark.parametrize("view", NEWER)
def test_reflection_of_the_newer_lake(newer: Any, view: str) -> None:
    """Columns of newer services are included, because the service itself is queried."""
    columns = sa.inspect(newer).get_columns(view)
    found = [f"{c['name']} {c['type']!r}{' ?' if c['nullable'] else ''}" for c in columns]
    assert found == [" ".join(each.split()) for each in NEWER[view].split("|")]


@pytest.mark.parametrize(
    ("where", "view", "columns"),
    [("flight-0.2.3", view, columns) for view, columns in COLUMNS.items()]
    + [("flight-0.30", view, columns) for view, columns in NEWER.items() if view != "log_stats"],
)
def test_reflection_of_recorded_services(wire: Any, where: str, view: str, columns: str) -> None:
    """The list of real services over FlightSQL, in one call for all their views."""
    listed = [entry for entry in index(where) if entry["name"] == "get_tables_schema"]
    with replaying(wire(where), listed) as service:
        engine = sa.create_engine(service.url.replace("grpc://", "micromegas+grpc://"))
        inspector = sa.inspect(engine)
        found = [
            f"{c['name']} {c['type']!r}{' ?' if c['nullable'] else ''}"
            for c in inspector.get_columns(view)
        ]
        assert found == [" ".join(each.split()) for each in columns.split("|")]
        assert view in inspector.get_table_names()
        assert not inspector.has_table("nope")
        asked = [call.request for call in service.calls]
        # Inspector.has_table() of 1.4 has no part in the inspector's cache.
        expected = 1 if sa.__version__ >= "2" else 2
        assert sum(b"CommandGetTables" in request for request in asked) == expected
        engine.dispose()


LISTED = ["blocks", "log_entries", "log_stats", "measures", "processes", "streams"]


def test_names_of_the_newer_lake(newer: Any) -> None:
    """The engine of a service reports all of them as views."""
    assert sa.inspect(newer).get_table_names() == LISTED
    assert sa.inspect(newer).get_view_names() == []


@contextmanager
def listing(wire: Any, where: str) -> Iterator[str]:
    """Replay a recorded 0.30 service with an information_schema; return its URL."""
    name = "error_information_schema"  # of the statements that older services refuse
    if where == "flight-0.30":
        entries = [entry for entry in index(where) if entry["name"] == name]
        with replaying(wire(where), entries) as service:
            yield (
                service.url.replace("grpc://", "micromegas+grpc://") + "?preserve_dictionary=false"
            )
    else:
        driver, prefix = where.partition("-")[0], "/mm?data_source=main"
        with replay(case(wire(where), name)) as server:
            address = server.url.removeprefix("http://")
            yield f"micromegas+{driver}://{address}{prefix if driver == 'web' else ''}"


@pytest.mark.parametrize("where", ["flight-0.30", "gateway-0.30", "web-0.30"])
def test_tables_of_recorded_services(wire: Any, where: str) -> None:
    """All views of a service are tables. The tables that store their rows are not listed."""
    with listing(wire, where) as url:
        engine = sa.create_engine(url)
        inspector = sa.inspect(engine)
        assert inspector.get_table_names() == LISTED
        assert inspector.get_view_names() == []
        assert "columns" in inspector.get_view_names(schema="information_schema")
        assert inspector.has_table("__streams__partitions")
        assert not inspector.has_table("__nothing__partitions")
        engine.dispose()


class OneViewBroken:
    """A service with one view that cannot be planned."""

    def __init__(self, inner: Any, view: str, text: str) -> None:
        self._inner, self._view, self._text = inner, view, text

    def run(self, request: Any) -> Any:
        if self._view in request.sql:
            raise from_service(self._text, sql=request.sql, query_id=request.query_id)
        return self._inner.run(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@contextmanager
def over(transport: Any) -> Iterator[Any]:
    with mm.Connection(transport, Ranges(transport), "datetime") as connection:
        yield sa.create_engine(
            "micromegas+demo://", creator=lambda: connection, poolclass=sa.pool.StaticPool
        )


@pytest.mark.parametrize(
    "text",
    [
        "Error during planning: query range mandatory for this view",
        "Execution error: the view's own query is out of date",
        "Schema error: No field named level.",
    ],
)
def test_a_view_that_cannot_be_planned(wire: Any, text: str) -> None:
    """It is reported with its error, and the other tables are reflected."""
    transport = OneViewBroken(LakeTransport(wire("flight-0.30") / "data"), "log_stats", text)
    with over(transport) as engine:
        inspector = sa.inspect(engine)
        assert inspector.has_table("log_stats")
        with pytest.raises(UnreflectableTableError, match="log_stats: .*" + text[-10:]):
            inspector.get_columns("log_stats")
        with pytest.raises(NoSuchTableError, match="nope"):
            inspector.get_columns("nope")
        metadata = sa.MetaData()
        with pytest.warns(sa.exc.SAWarning, match="Skipping table log_stats"):
            metadata.reflect(inspector.bind)
        assert sorted(metadata.tables) == sorted(KEYS)


def test_a_fault_is_no_absence(wire: Any) -> None:
    """A view that fails also exists on a service that does not list its views."""
    text = "Internal error: expects single batch"
    transport = OneViewBroken(LakeTransport(wire("http-0.2.3") / "data"), "measures", text)
    with over(transport) as engine:
        inspector = sa.inspect(engine)
        assert inspector.has_table("measures")
        assert sorted(inspector.get_table_names()) == sorted(KEYS)
        with pytest.raises(UnreflectableTableError, match=text):
            inspector.get_columns("measures")
        assert inspector.get_columns("streams")


def test_a_failure_is_not_kept(wire: Any) -> None:
    """The same inspector asks again: only what a service has, or does not have, is kept."""
    transport = OneViewBroken(
        LakeTransport(wire("http-0.2.3") / "data"), "measures", "Internal error: for a moment"
    )
    with over(transport) as engine:
        inspector = sa.inspect(engine)
        with pytest.raises(UnreflectableTableError, match="for a moment"):
            inspector.get_columns("measures")
        transport._view = "no view"
        assert inspector.get_columns("measures")


def test_a_service_that_cannot_be_asked_is_not_empty() -> None:
    """The web app rejects the statement, because it has several data sources."""
    sources = Answer(body=b'[{"name":"main"},{"name":"other"}]')
    with replay(sources) as server:
        engine = sa.create_engine(server.url.replace("http:", "micromegas+web:"))
        inspector = sa.inspect(engine)
        for ask in (
            inspector.get_table_names,
            inspector.get_view_names,
            inspector.get_schema_names,
            lambda: inspector.has_table("measures"),
            lambda: inspector.has_table("another"),
            lambda: inspector.get_columns("measures"),
        ):
            with pytest.raises(sa.exc.ProgrammingError, match="select a data source"):
                ask()
        engine.dispose()
