"""The local service's FlightSQL equals the newest service's: every recorded call, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.flight as fl
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.server import LocalService
from micromegas_dbapi.transport.flight.messages import TicketStatementQuery, unpack
from tests.server.recent_services import DIFFERENT, check_rows, check_texts, columns, rows, serving
from tests.wire import flight
from tests.wire.recordings import index

Wire = Callable[[str], Path]
WIRE = "flight-0.30"
# The service required credentials in these recordings; the local service never does.
CASES = {e["name"]: e for e in index(WIRE) if not e["name"].startswith("auth_on")}
_SERVICE = "/arrow.flight.protocol.FlightService/"
_ALONE = ("GetFlightInfo", "GetSchema")

# The differences of calls other than statements.
ITS_SOURCE = "the service tells the place in its own source"
NULLS = "of log_stats.count, the service's list says that it is never null, and its answers, not"
OWN_SERVER = "ours is another server, and tells less of its SQL; pyarrow makes unions nullable"
OTHER: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        [
            f"{call}_{what}"
            for call in ("info", "get")
            for what in ("catalogs", "schemas", "table_types", "primary_keys")
        ],
        ("text", ITS_SOURCE),
    ),
    "get_sql_info": ("info", OWN_SERVER),
    "get_tables_schema": ("values", NULLS),
    # Statements that a service plans, and then fails to execute.
    "prepare_error_update": ("fails", DIFFERENT["error_update"][1]),
    "prepare_error_delete": ("fails", DIFFERENT["error_delete"][1]),
    "prepare_error_property_type": ("fails", DIFFERENT["error_property_type"][1]),
}


@dataclass(frozen=True)
class Answer:
    messages: list[bytes]
    code: str
    details: str


@pytest.fixture(scope="module")
def service(wire: Wire) -> Iterator[LocalService]:
    with serving(wire(WIRE) / "data") as made:
        yield made


@pytest.fixture(scope="module")
def channel(service: LocalService) -> Iterator[grpc.Channel]:
    address = service.flight_url.removeprefix("grpc://")
    with grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)]) as opened:
        grpc.channel_ready_future(opened).result(60)
        yield opened


def call(
    channel: grpc.Channel, method: str, request: bytes, headers: list[tuple[str, str]]
) -> Answer:
    messages: list[bytes] = []
    try:
        if method in _ALONE:
            messages = [channel.unary_unary(_SERVICE + method)(request, metadata=headers)]
        else:
            for message in channel.unary_stream(_SERVICE + method)(request, metadata=headers):
                messages.append(message)
    except grpc.RpcError as error:
        return Answer(messages, error.code().name, error.details())
    return Answer(messages, "OK", "")


def difference(name: str) -> str:
    found = OTHER.get(name) or DIFFERENT.get(name.removeprefix("prepare_"), ("", ""))
    return found[0]


@pytest.mark.parametrize("name", CASES)
def test_recorded_call(channel: grpc.Channel, wire: Wire, name: str) -> None:
    entry, how = CASES[name], difference(name)
    request = (wire(WIRE) / "bodies" / f"{name}.request").read_bytes()
    headers = [(key, value) for key, value in entry["metadata"]]
    ours = call(channel, entry["method"], request, headers)
    theirs = Answer(flight.messages(wire(WIRE), name), entry["code"], entry["details"])
    if how == "fails":
        assert theirs.code == "OK", "no longer an exception: the service fails as well"
        assert ours.code != "OK"
        return
    if how == "code":
        assert theirs.code != "OK"
        assert ours.code != "OK"
        assert (ours.code, bool(ours.messages)) != (theirs.code, bool(theirs.messages))
        return
    assert (ours.code, ours.details and "said") == (theirs.code, theirs.details and "said")
    check_texts(ours.details, theirs.details, how if ours.details else "")
    if ours.code != "OK":
        # A statement that fails while it is executed has sent its columns.
        assert len(ours.messages) == len(theirs.messages)
        return
    CHECKS[entry["method"]](ours.messages, theirs.messages, how)


def check_table(ours: list[bytes], theirs: list[bytes], how: str) -> None:
    found, expected = flight.decode(ours), flight.decode(theirs)
    if how == "info":
        check_info(found, expected)
        return
    assert columns(found.schema) == columns(expected.schema)
    check_rows(as_told(found), as_told(expected), how)


def as_told(table: pa.Table) -> list[str]:
    """Return the rows, with the schemas of tables decoded into columns."""
    if table.column_names[-1:] == ["table_schema"] and table.num_columns == 5:
        told = [str(columns(schema_of(each))) for each in table["table_schema"].to_pylist()]
        return [
            f"{row}{schema}"
            for row, schema in zip(rows(table.drop_columns("table_schema")), told, strict=True)
        ]
    return rows(table)


def schema_of(data: bytes) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(data)).remove_metadata()


def check_info(ours: pa.Table, theirs: pa.Table) -> None:
    assert ours.column_names == theirs.column_names
    told, expected = (dict(zip(*t.to_pydict().values(), strict=True)) for t in (ours, theirs))
    assert set(told) - {3} < set(expected)
    assert told[0] != expected[0]
    assert told[3] is True  # FLIGHT_SQL_SERVER_READ_ONLY


def check_action(ours: list[bytes], theirs: list[bytes], how: str) -> None:
    assert len(ours) == len(theirs)
    for found, expected in zip(map(prepared, ours), map(prepared, theirs), strict=True):
        assert found.prepared_statement_handle == expected.prepared_statement_handle
        assert columns(schema_of(found.dataset_schema)) == columns(
            schema_of(expected.dataset_schema)
        )
        with pa.ipc.open_stream(found.dataset_schema) as stream:  # complete, as clients read it
            assert stream.read_all().num_rows == 0


def prepared(message: bytes) -> Any:
    found = unpack(fl.Result.deserialize(message).body.to_pybytes())
    assert found is not None
    assert found[0] == "ActionCreatePreparedStatementResult"
    return found[1]


def check_flight_info(ours: list[bytes], theirs: list[bytes], how: str) -> None:
    """Everything is equal except the encoding of the schema."""
    found, expected = (split(message) for (message,) in (ours, theirs))
    schemas = [schema_of(fields.pop(0)) for fields in (found, expected)]
    assert found == expected
    if "dense_union" not in str(schemas[1]):
        assert columns(schemas[0]) == columns(schemas[1])


def split(message: bytes) -> list[bytes]:
    """Split a FlightInfo into its schema and the rest."""
    assert message[0] == 1 << 3 | 2
    size, at = flight.varint(message, 1)
    return [message[at : at + size], message[at + size :]]


def check_equal(ours: list[bytes], theirs: list[bytes], how: str) -> None:
    assert ours == theirs


CHECKS: dict[str, Callable[[list[bytes], list[bytes], str], None]] = {
    "DoGet": check_table,
    "DoAction": check_action,
    "GetFlightInfo": check_flight_info,
    "ListActions": check_equal,
}


def test_every_recording_is_sent() -> None:
    assert len(CASES) == 391 - len([e for e in index(WIRE) if e["name"].startswith("auth_on")])
    assert set(OTHER) <= set(CASES)
    assert set(DIFFERENT) <= set(CASES)


# -- behaviour without recordings -----------------------------------------------------------------


@pytest.fixture(scope="module")
def client(service: LocalService) -> Iterator[fl.FlightClient]:
    with fl.connect(service.flight_url) as opened:
        opened.do_get(ticket("SELECT 1")).read_all()
        yield opened


def ticket(sql: str) -> fl.Ticket:
    return fl.Ticket(TicketStatementQuery(statement_handle=sql.encode()).SerializeToString())


def options(*headers: tuple[str, str]) -> fl.FlightCallOptions:
    return fl.FlightCallOptions(headers=[(a.encode(), b.encode()) for a, b in headers])


def test_large_answers_come_in_pieces(channel: grpc.Channel) -> None:
    """No message exceeds the default limit of gRPC clients, and the rows keep their order."""
    sql = "SELECT value, repeat('x', 1000) AS text FROM generate_series(1, 20000) ORDER BY value"
    answer = call(channel, "DoGet", ticket(sql).serialize(), [])
    assert answer.code == "OK"
    assert max(map(len, answer.messages)) < 4 * 2**20
    assert len(answer.messages) > 5
    table = flight.decode(answer.messages)
    assert table["value"].to_pylist() == list(range(1, 20001))
    assert table["text"].unique().to_pylist() == ["x" * 1000]


def test_dictionaries_that_change_between_batches(client: fl.FlightClient) -> None:
    sql = (
        "SELECT arrow_cast(CAST(value AS VARCHAR), 'Dictionary(Int32, Utf8)') AS d, value AS v "
        "FROM generate_series(1, 30000)"
    )
    kept = client.do_get(ticket(sql), options(("preserve_dictionary", "true"))).read_all()
    plain = client.do_get(ticket(sql)).read_all()
    assert kept.schema.field("d").type == pa.dictionary(pa.int32(), pa.string())
    assert plain.schema.field("d").type == pa.string()
    for table in (kept, plain):
        assert table["d"].to_pylist() == [str(v) for v in table["v"].to_pylist()]
        assert table.num_rows == 30000


@pytest.mark.parametrize(
    ("sql", "kind", "value"),
    [
        ("[{}]", pa.list_(pa.string()), ["a"]),
        ("named_struct('x', {}, 'y', [{}])", None, {"x": "a", "y": ["a"]}),
        ("MAP([{}], [{}])", pa.map_(pa.string(), pa.string()), [("a", "a")]),
        ("arrow_cast([{}], 'FixedSizeList(1, Dictionary(Int8, Utf8))')", None, ["a"]),
    ],
)
def test_nested_dictionaries_arrive_as_values(
    client: fl.FlightClient, sql: str, kind: pa.DataType | None, value: object
) -> None:
    dictionary = "arrow_cast('a', 'Dictionary(Int8, Utf8)')"
    table = client.do_get(ticket(f"SELECT {sql.replace('{}', dictionary)} AS v")).read_all()
    assert "dictionary" not in str(table.schema)
    assert table["v"].to_pylist() == [value]
    if kind is not None:
        assert str(table.schema.field("v").type).replace(" not null", "") == str(kind)


def test_columns_come_before_rows_are_computed(client: fl.FlightClient) -> None:
    slow = "SELECT sum(a.value * b.value) AS s FROM generate_series(1, 100000) a, "
    reader = client.do_get(ticket(slow + "generate_series(1, 10000000) b"))
    assert reader.schema.names == ["s"]
    reader.cancel()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot parse integer from empty string"),
        ("-1", "invalid digit found in string"),
        ("99999999999999999999", "number too large to fit in target type"),
    ],
)
def test_limits_that_are_none(channel: grpc.Channel, text: str, said: str) -> None:
    answer = call(channel, "DoGet", ticket("SELECT 1").serialize(), [("limit", text)])
    assert (answer.code, answer.details) == ("INVALID_ARGUMENT", f"error parsing limit: {said}")


@pytest.mark.parametrize("limit", [0, 3, 10**6])
def test_limit(client: fl.FlightClient, limit: int) -> None:
    table = client.do_get(ticket("SELECT * FROM log_entries"), options(("limit", str(limit))))
    assert table.read_all().num_rows == min(limit, 1613)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-23T20:51:20.886796480", "premature end of input"),
        ("2026-11-23", "premature end of input"),
        ("2026-13-23T20:51:20Z", "input is out of range"),
        ("2026-11-23T20:51:20 o'clock", "input contains invalid characters"),
    ],
)
def test_bounds_that_are_none(channel: grpc.Channel, text: str, said: str) -> None:
    headers = [("query_range_begin", "2026-11-23T20:51:20Z"), ("query_range_end", text)]
    answer = call(channel, "DoGet", ticket("SELECT 1").serialize(), headers)
    assert answer.code == "INVALID_ARGUMENT"
    assert answer.details == f"Unable to parse query_range_end as a rfc3339 datetime: {said}"


def test_a_text_that_is_too_long_for_a_header(channel: grpc.Channel) -> None:
    for letter in ("x", "é", "%"):
        sql = f"SELECT CAST(repeat('{letter}', 20000) AS INT)"
        answer = call(channel, "DoGet", ticket(sql).serialize(), [])
        assert answer.code == "INTERNAL"
        assert answer.details.startswith("error creating physical plan: Arrow error: Cast error: ")
        assert re.search(r"\.\. \(\d+ more characters\)$", answer.details)


def test_memory_that_is_not_there(channel: grpc.Channel) -> None:
    answer = call(channel, "DoGet", ticket("SELECT repeat('x', 10000000000)").serialize(), [])
    assert answer.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "SELECT * FROM '/etc/passwd'",
    ],
)
def test_nothing_but_the_lake_is_read(channel: grpc.Channel, sql: str) -> None:
    for method, request in (
        ("DoGet", ticket(sql).serialize()),
        ("DoAction", prepare(sql)),
    ):
        answer = call(channel, method, request, [])
        assert answer.code in ("UNIMPLEMENTED", "INVALID_ARGUMENT")
        assert answer.messages == []


def prepare(sql: str) -> bytes:
    from micromegas_dbapi.transport.flight.messages import (
        ActionCreatePreparedStatementRequest,
        pack,
    )

    message = pack(ActionCreatePreparedStatementRequest(query=sql))
    body: bytes = fl.Action("CreatePreparedStatement", message).serialize()
    return body


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("%", ["blocks", "log_entries", "log_stats", "measures", "processes", "streams"]),
        ("log_entr_es", ["log_entries"]),
        ("LOG%", []),
        ("", []),
        (".*", []),
    ],
)
def test_tables_by_pattern(channel: grpc.Channel, pattern: str, names: list[str]) -> None:
    from micromegas_dbapi.transport.flight.messages import CommandGetTables, pack

    command = CommandGetTables(table_name_filter_pattern=pattern)
    answer = call(channel, "DoGet", fl.Ticket(pack(command)).serialize(), [])
    assert flight.decode(answer.messages)["table_name"].to_pylist() == names


@pytest.mark.parametrize("method", ["DoPut", "DoExchange", "Handshake", "PollFlightInfo", "Nope"])
def test_other_methods(channel: grpc.Channel, method: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(channel.stream_stream(_SERVICE + method)(iter([b""])))
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_garbage(channel: grpc.Channel) -> None:
    for method in ("DoGet", "DoAction", "GetFlightInfo"):
        assert call(channel, method, b"\xff\xff\xff", []).code == "INVALID_ARGUMENT", method


def test_our_driver(service: LocalService, wire: Wire) -> None:
    """The same rows as in-process, with and without dictionaries."""
    sql = "SELECT * FROM log_entries ORDER BY time, msg"
    with mm.connect(f"lake:{wire(WIRE) / 'data'}") as lake:
        expected = lake.execute(sql).fetch_arrow_table()
    for keep in (True, False):
        with mm.connect(service.flight_url, preserve_dictionary=keep) as connection:
            table = connection.execute(sql).fetch_arrow_table()
        assert rows(table) == rows(expected)
        if keep:
            assert columns(table.schema) == columns(expected.schema)
        else:
            assert "dictionary" not in str(table.schema)
