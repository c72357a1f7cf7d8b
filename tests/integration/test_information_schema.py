"""Which protocols of the local service have an information_schema, and what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.flight as fl
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.transport.flight.messages import CommandGetTables, pack
from tests.integration.serving import WIRES, served, warm
from tests.wire.recordings import case

OLD, NEW = "http-0.2.3", "flight-0.30"

# (statement, its rows over data of 0.2.3, and of 0.30)
STATEMENTS: list[tuple[str, list[tuple[object, ...]], list[tuple[object, ...]]]] = [
    (
        "SELECT table_name, table_type FROM information_schema.tables "
        "WHERE table_schema = 'public' ORDER BY table_name",
        [
            *[("blocks", "BASE TABLE"), ("log_entries", "BASE TABLE"), ("measures", "BASE TABLE")],
            *[("processes", "VIEW"), ("streams", "VIEW")],
        ],
        [
            *[("blocks", "BASE TABLE"), ("log_entries", "BASE TABLE"), ("log_stats", "VIEW")],
            *[("measures", "BASE TABLE"), ("processes", "VIEW"), ("streams", "VIEW")],
        ],
    ),
    (
        "SELECT column_name, data_type, ordinal_position FROM information_schema.columns "
        "WHERE table_name = 'measures' AND is_nullable = 'NO' "
        "ORDER BY ordinal_position DESC LIMIT 2",
        [
            (
                "properties",
                'List(non-null Struct("key": non-null Utf8, "value": non-null Utf8), '
                "field: 'Property')",
                9,
            ),
            ("value", "Float64", 8),
        ],
        [
            ("process_properties", "Dictionary(Int32, Binary)", 13),
            ("properties", "Dictionary(Int32, Binary)", 12),
        ],
    ),
    (
        "SELECT count(*), count(DISTINCT table_name) FROM information_schema.columns "
        "WHERE table_schema = 'public'",
        [(66, 5)],
        [(86, 6)],
    ),
    (
        "SELECT name, value FROM information_schema.df_settings "
        "WHERE name = 'datafusion.execution.time_zone'",
        [("datafusion.execution.time_zone", "+00:00")],
        [("datafusion.execution.time_zone", None)],
    ),
    (
        "SELECT DISTINCT routine_name FROM information_schema.routines "
        "WHERE routine_name LIKE 'property%'",
        [("property_get",)],
        [("property_get",)],
    ),
]
# Over data of 0.2.3, the HTTP service has none, as recorded.
REFUSED = {
    "SHOW TABLES": "error_show_tables",
    "SHOW COLUMNS FROM log_entries": "error_show_columns",
    "SELECT * FROM information_schema.tables": "error_information_schema",
}
HAVE_ONE = [(OLD, wire) for wire in WIRES if wire != "http"] + [(NEW, wire) for wire in WIRES]


@pytest.fixture(scope="module")
def urls(wire: Callable[[str], Path]) -> Iterator[dict[str, dict[str, str]]]:
    with served(wire(OLD) / "data") as old, served(wire(NEW) / "data") as new:
        list_tables(old["grpc"], False)  # gRPC opens pipes for its first call of this kind
        yield {OLD: old, NEW: new}


@pytest.fixture(scope="module")
def connections(
    urls: dict[str, dict[str, str]],
) -> Iterator[dict[tuple[str, str], mm.Connection]]:
    opened = {(g, where): mm.connect(urls[g][where]) for g in urls for where in WIRES}
    for connection in opened.values():
        warm(connection)
    yield opened
    for connection in opened.values():
        connection.close()


@pytest.mark.parametrize(("generation", "where"), HAVE_ONE)
@pytest.mark.parametrize(("sql", "old", "new"), STATEMENTS)
def test_statement(
    connections: dict[tuple[str, str], mm.Connection],
    generation: str,
    where: str,
    sql: str,
    old: list[tuple[object, ...]],
    new: list[tuple[object, ...]],
) -> None:
    cursor = connections[generation, where].execute(sql)
    assert cursor.fetchall() == (old if generation == OLD else new)


@pytest.mark.parametrize(("generation", "where"), HAVE_ONE)
def test_show_tables(
    connections: dict[tuple[str, str], mm.Connection], generation: str, where: str
) -> None:
    connection = connections[generation, where]
    shown = connection.execute("SHOW TABLES", begin="-1h").fetchall()
    assert sorted(shown) == sorted(connection.execute("SELECT * FROM information_schema.tables"))
    assert len(shown) == 7 + (5 if generation == OLD else 6)


@pytest.mark.parametrize(("sql", "name"), REFUSED.items())
def test_refused(
    connections: dict[tuple[str, str], mm.Connection],
    wire: Callable[[str], Path],
    sql: str,
    name: str,
) -> None:
    with pytest.raises(mm.ProgrammingError) as raised:
        connections[OLD, "http"].execute(sql)
    text = case(wire(OLD), name).body.decode()
    reason = text.splitlines()[-1].partition(": ")[2]
    assert reason in str(raised.value)


@pytest.mark.parametrize("sql", ["SET a = 1", "RESET datafusion.execution.time_zone"])
def test_settings_stay_refused(connections: dict[tuple[str, str], mm.Connection], sql: str) -> None:
    for connection in connections.values():
        with pytest.raises(mm.NotSupportedError):
            connection.execute(sql)


def list_tables(url: str, include_schema: bool) -> tuple[fl.FlightInfo, pa.Table]:
    command = pack(CommandGetTables(include_schema=include_schema))
    with fl.connect(url) as client:
        info = client.get_flight_info(fl.FlightDescriptor.for_command(command))
        return info, client.do_get(info.endpoints[0].ticket).read_all()


@pytest.mark.parametrize("generation", [OLD, NEW])
@pytest.mark.parametrize("include_schema", [False, True])
def test_the_list_of_tables_of_flightsql(
    urls: dict[str, dict[str, str]], generation: str, include_schema: bool
) -> None:
    """As clients ask that know nothing of Micromegas: with `GetFlightInfo` first."""
    info, table = list_tables(urls[generation]["grpc"], include_schema)
    assert table.schema == info.schema
    views = [row[0] for row in STATEMENTS[0][1 if generation == OLD else 2]]
    assert table["table_name"].to_pylist() == views
    assert ("table_schema" in table.column_names) is include_schema
