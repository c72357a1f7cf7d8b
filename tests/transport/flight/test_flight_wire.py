"""Every call recorded from the FlightSQL services of 0.2.3 and 0.30, made by the driver over gRPC.

Four kinds of calls, which together are all that were recorded (`test_every_case_is_covered`):

* statements: DoGet with a ticket of SQL. The server answers only what was recorded, so the driver
  must ask for just that; it must make of the answer what the messages say.
* ``prepare_*``: the columns of a statement, by `Cursor.describe`.
* ``FOREIGN``: calls that the driver makes otherwise (other tickets, headers, credentials). An
  ordinary query gets the recorded answer in its place.
* ``NEVER``: calls whose answers are no results, and which the driver never makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.errors import ServiceMessage
from micromegas_dbapi.service.knowledge import LIFETIME, Fact
from micromegas_dbapi.sql.column_queries import with_one_row_of_nulls
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.transport.flight.messages import TicketStatementQuery, unpack
from tests.clock import Clock
from tests.test_errors import CLASSES, MUTE, PROPERTY_TYPE
from tests.wire import flight
from tests.wire.grpcreplay import RANGE, Replay, Reply, replaying, reply
from tests.wire.recordings import index
from tests.wire.unsent import MAX, MIN
from tests.wire.unsent import REFUSED as UNSENT

Wire = Callable[[str], Path]
OLD, NEW = "flight-0.2.3", "flight-0.30"
CASES = {(where, e["name"]): e for where in (OLD, NEW) for e in index(where)}

# -- which call is made how ------------------------------------------------------------------------

NEVER = ("GetFlightInfo", "GetSchema", "ListFlights", "ListActions", "Handshake")
FOREIGN = re.compile(r"(ticket|header|auth|action|get)_")
BY_ITSELF = ("get_tables_schema",)  # sent by Connection.service


def kind(where: str, name: str) -> str:
    entry = CASES[where, name]
    if entry["method"] in NEVER or name == "action_close":  # no response
        return "never"
    if name in BY_ITSELF:
        return "service"
    if FOREIGN.match(name) or name.startswith("auth_on_prepare"):
        return "foreign"
    return "prepare" if entry["method"] == "DoAction" else "statement"


# -- where the driver asks for something else than was recorded, and why ---------------------------

CLAMPED = "beyond 64-bit nanoseconds the service answers with no rows; so the bound is clamped"
COMPLETED = "one bound alone is no range to the service, in silence; so the other is sent as open"
# The range that is sent. None: the recorded bound, unchanged.
ASKED_OTHERWISE: dict[str, tuple[str, str | None, str | None]] = {
    "range_year1_9999": (CLAMPED, MIN, MAX),
    "range_past_max": (CLAMPED, None, MAX),
    "range_before_min": (CLAMPED, MIN, None),
    "range_begin_only": (COMPLETED, None, MAX),
    "range_end_only": (COMPLETED, MIN, None),
}
REFUSED = {
    **UNSENT,
    **{f"prepare_{name}": why for name, why in UNSENT.items() if name.startswith("error_")},
}


def of(wanted: str, where: tuple[str, ...] = (OLD, NEW)) -> pytest.MarkDecorator:
    chosen = [
        case
        for case in CASES
        if case[0] in where
        and kind(*case) == wanted
        and case[1] not in REFUSED
        and case[1] not in ASKED_OTHERWISE
    ]
    return pytest.mark.parametrize(("where", "name"), chosen, ids=map("-".join, chosen))


# -- checks ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def services(wire: Wire) -> Iterator[dict[str, Replay]]:
    """Each recorded service, without authentication."""

    def open_to_all(where: str) -> list[dict[str, Any]]:
        kinds = ("statement", "prepare", "service")
        return [e for (w, n), e in CASES.items() if w == where and kind(w, n) in kinds]

    with (
        replaying(wire(OLD), open_to_all(OLD)) as old,
        replaying(wire(NEW), open_to_all(NEW)) as new,
    ):
        yield {OLD: old, NEW: new}


def connect(url: str, entry: dict[str, Any], **options: Any) -> mm.Connection:
    asked = dict(map(tuple, entry["metadata"]))
    return mm.connect(url, preserve_dictionary="preserve_dictionary" in asked, **options)


def bits(column_: pa.ChunkedArray) -> list[Any]:
    """Normalize a column: NaN equals NaN, 0.0 and -0.0 differ, dictionary keys are ignored."""
    if pa.types.is_union(column_.type):  # of GetSqlInfo
        return [column_.to_pylist()]
    return [repr(value) for chunk in column_.chunks for value in column(chunk, "ns")]


def check_result(folder: Path, entry: dict[str, Any], table: pa.Table) -> None:
    """The table has the schema of the messages, and their values."""
    expected = flight.table(folder, entry["name"])
    assert table.schema.equals(expected.schema.remove_metadata())
    assert [f.nullable for f in table.schema] == [f.nullable for f in expected.schema]
    assert table.num_rows == entry["rows"]
    for name, ours, theirs in zip(table.column_names, table, expected, strict=True):
        assert bits(ours) == bits(theirs), name


def meant(where: str, name: str) -> type[mm.Error]:
    name = name.removeprefix("prepare_")
    version = where.removeprefix("flight-")
    if version == "0.2.3" and name in MUTE:
        return mm.DatabaseError
    return PROPERTY_TYPE[version] if name == "error_property_type" else CLASSES[name]


def check_error(entry: dict[str, Any], error: mm.Error) -> None:
    """The error has the meaning of the status without noise, and its complete text."""
    text = entry["details"]
    assert error.status == entry["code"]
    assert isinstance(error.__cause__, ServiceMessage)
    assert str(error.__cause__) == text
    assert isinstance(error.__cause__.__cause__, pa.ArrowException)
    for noise in (".rs:", "query_id=", "gRPC client", "Client context", "with message"):
        assert noise not in str(error)
    if ids := re.findall(r"\(query_id=([0-9a-f-]{36})\)", text):
        assert error.query_id == ids[-1]
    place = re.search(r"\(at line (\d+), column (\d+)\)|at Line: (\d+), Column: (\d+)", text)
    expected = tuple(int(n) for n in place.groups() if n) if place else (None, None)
    assert (error.line, error.column) == expected


# -- statements ------------------------------------------------------------------------------------


@of("statement")
def test_statement(services: dict[str, Replay], wire: Wire, where: str, name: str) -> None:
    entry, service = CASES[where, name], services[where]
    service.wanted = name
    with connect(service.url, entry) as connection:
        cursor = connection.cursor()
        if entry["code"] != "OK":
            with pytest.raises(mm.Error) as caught:
                # Errors of the computation arrive after the schema.
                cursor.execute(entry["sql"], begin=entry["begin"], end=entry["end"]).fetchall()
            check_error(entry, caught.value)
            assert type(caught.value) is meant(where, name)
            assert caught.value.sql == entry["sql"]
            return
        cursor.execute(entry["sql"], begin=entry["begin"], end=entry["end"])
        if entry["messages"]:
            check_result(wire(where), entry, cursor.fetch_arrow_table())
        else:
            assert where == OLD
            assert cursor.fetchall() == []
            assert cursor.rowcount == 0
        assert service.calls[-1].headers["x-client-type"] == "python"


@pytest.mark.parametrize(("where", "name"), [case for case in CASES if case[1] in REFUSED])
def test_refused_before_anything_is_sent(
    services: dict[str, Replay], where: str, name: str
) -> None:
    _, expected, words = REFUSED[name]
    entry, service = CASES[where, name], services[where]
    before = len(service.calls)
    with connect(service.url, entry) as connection:
        cursor = connection.cursor()
        with pytest.raises(mm.Error) as caught:
            if entry["method"] == "DoAction":
                cursor.describe(entry["sql"])
            else:
                cursor.execute(entry["sql"], begin=entry["begin"], end=entry["end"])
    assert type(caught.value) is expected
    assert words in str(caught.value)
    assert len(service.calls) == before


@pytest.mark.parametrize("where", [OLD, NEW])
@pytest.mark.parametrize("name", ASKED_OTHERWISE)
def test_asked_otherwise(wire: Wire, where: str, name: str) -> None:
    entry = CASES[where, name]
    _, begin, end = ASKED_OTHERWISE[name]
    with replaying(None, [], reply(wire(where), entry)) as service:
        with connect(service.url, entry) as connection:
            cursor = connection.execute(entry["sql"], begin=entry["begin"], end=entry["end"])
            cursor.fetchall()
        [call] = service.calls
    assert [call.headers[bound] for bound in RANGE] == [
        begin or entry["begin"],
        end or entry["end"],
    ]
    assert (
        TicketStatementQuery.FromString(_ticket(call.request)).statement_handle.decode()
        == (entry["sql"])
    )


def _ticket(request: bytes) -> bytes:
    """Parse a ticket from Ticket{ticket = 1}, which is encoded like a query's ticket."""
    found: bytes = TicketStatementQuery.FromString(request).statement_handle
    return found


# -- columns without rows --------------------------------------------------------------------------


@of("prepare", (NEW,))
def test_prepare(services: dict[str, Replay], wire: Wire, where: str, name: str) -> None:
    entry = CASES[where, name]
    with mm.connect(services[where].url) as connection:
        cursor = connection.cursor()
        if entry["code"] != "OK":
            with pytest.raises(mm.Error) as caught:
                cursor.describe(entry["sql"])
            check_error(entry, caught.value)
            assert type(caught.value) is meant(where, name)
            return
        described = cursor.describe(entry["sql"])
        assert services[where].calls[-1].method == "DoAction"
    [message] = reply(wire(where), entry).messages
    # Result{body = 1} is encoded like a ticket, too.
    _, result = unpack(_ticket(message)) or ("", None)
    schema = pa.ipc.read_schema(pa.py_buffer(result.dataset_schema))
    assert [(c.name, c.type_code.arrow_type, c.null_ok) for c in described] == [
        (f.name, f.type, f.nullable) for f in schema
    ]


@of("prepare", (OLD,))
def test_where_nothing_is_prepared_the_statement_is_joined_to_one_row(
    wire: Wire, where: str, name: str
) -> None:
    """UNIMPLEMENTED, then not called for a while; the range keeps the service from scanning."""
    entry = CASES[where, name]
    refusal, answer = reply(wire(where), entry), reply(wire(where), CASES[OLD, "type_null_mix"])
    assert refusal.code == "UNIMPLEMENTED"
    clock = Clock()
    with replaying(None, [], refusal, answer, answer, refusal, answer) as service:
        with mm.connect(service.url) as connection:
            connection.transport._refuses_to_prepare = Fact(clock=clock)  # type: ignore[attr-defined]
            cursor = connection.cursor()
            described = [cursor.describe(entry["sql"]), cursor.describe(entry["sql"])]
            clock.now += LIFETIME  # it may have been upgraded
            described.append(cursor.describe(entry["sql"]))
        methods = [call.method for call in service.calls]
        second = service.calls[1]
    assert methods == ["DoAction", "DoGet", "DoGet", "DoAction", "DoGet"]
    asked = TicketStatementQuery.FromString(_ticket(second.request)).statement_handle.decode()
    assert asked == with_one_row_of_nulls(Statement(entry["sql"]))
    assert [second.headers[bound] for bound in RANGE] == [MIN, MIN]
    expected = flight.table(wire(OLD), "type_null_mix").schema
    assert [[c.type_code.arrow_type for c in one] for one in described] == [expected.types] * 3


def test_the_columns_of_no_rows_are_asked_for_when_somebody_looks(wire: Wire) -> None:
    nothing = reply(wire(OLD), CASES[OLD, "empty_log_entries"])
    refusal = reply(wire(OLD), CASES[OLD, "prepare_limit0_log_entries"])
    answer = reply(wire(OLD), CASES[OLD, "type_null_mix"])
    assert nothing == Reply([], "OK", "")
    with replaying(None, [], nothing, refusal, answer) as service:
        with mm.connect(service.url) as connection:
            cursor = connection.execute("SELECT nothing")
            assert cursor.fetchall() == []
            assert len(service.calls) == 1
            assert [column.name for column in cursor.description] == ["i", "s", "f"]
            assert len(service.calls) == 3
            assert cursor.description is not None
            assert len(service.calls) == 3
    with replaying(None, [], nothing, refusal, answer) as service:
        with mm.connect(service.url) as connection:
            table = connection.execute("SELECT nothing").fetch_arrow_table()
    assert table.num_rows == 0
    assert table.schema.names == ["i", "s", "f"]


@of("service")
def test_service(services: dict[str, Replay], where: str, name: str) -> None:
    with mm.connect(services[where].url) as connection:
        service = connection.service
        calls = len(services[where].calls)
        assert connection.service is service
        assert len(services[where].calls) == calls
    assert service.wire == "grpc"
    assert service.generation == {OLD: "0.2", NEW: "0.13"}[where]
    views = {"blocks", "log_entries", "measures", "processes", "streams"}
    assert service.views is not None
    assert set(service.views) == (views if where == OLD else views | {"log_stats"})
    assert len(service.views["log_entries"]) == {OLD: 9, NEW: 13}[where]


# -- other calls, whose answers come in place of an ordinary one -----------------------------------


@of("foreign")
def test_recorded_answer_to_an_ordinary_query(wire: Wire, where: str, name: str) -> None:
    entry = CASES[where, name]
    with replaying(None, [], reply(wire(where), entry)) as service:
        with mm.connect(service.url) as connection:
            cursor = connection.cursor()
            if entry["code"] == "OK":
                check_result(wire(where), entry, cursor.execute("SELECT 1").fetch_arrow_table())
                return
            with pytest.raises(mm.DatabaseError) as caught:
                cursor.execute("SELECT 1").fetchall()
    error = caught.value
    check_error(entry, error)
    if entry["code"] == "UNAUTHENTICATED":
        assert type(error) is mm.OperationalError
        assert str(error).startswith("credentials are missing or refused")
    elif entry["code"] == "UNIMPLEMENTED":
        assert type(error) is mm.NotSupportedError
    else:
        assert type(error) is CLASSES.get(name, mm.ProgrammingError)


# -- nothing is left out ---------------------------------------------------------------------------


def test_every_case_is_covered() -> None:
    counts: dict[str, int] = {}
    for where, name in CASES:
        counts[f"{where} {kind(where, name)}"] = counts.get(f"{where} {kind(where, name)}", 0) + 1
    assert counts == {
        "flight-0.2.3 statement": 187,
        "flight-0.2.3 prepare": 3,
        "flight-0.2.3 service": 1,
        "flight-0.2.3 foreign": 22,
        "flight-0.2.3 never": 13,
        "flight-0.30 statement": 237,
        "flight-0.30 prepare": 111,
        "flight-0.30 service": 1,
        "flight-0.30 foreign": 28,
        "flight-0.30 never": 14,
    }
    assert len(CASES) == 226 + 391


def test_tables_name_statements() -> None:
    names = {name for where, name in CASES if kind(where, name) in ("statement", "prepare")}
    assert ASKED_OTHERWISE.keys() | REFUSED.keys() <= names


def test_described_as_it_would_be_sent(services: dict[str, Replay], wire: Wire) -> None:
    """Without dictionaries if none are requested; the prepared schema always has them."""
    sql = CASES[NEW, "limit0_log_entries"]["sql"]
    for asked, name in [(True, "dict_limit0_log_entries"), (False, "limit0_log_entries")]:
        with mm.connect(services[NEW].url, preserve_dictionary=asked) as connection:
            described = connection.cursor().describe(sql)
        expected = flight.table(wire(NEW), name).schema
        assert [c.type_code.arrow_type for c in described] == expected.types
