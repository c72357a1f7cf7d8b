"""Every call recorded from the JSON gateway of 0.30, made by the driver over real sockets.

What an answer should have been is known: FlightSQL of the same service was asked the same, over the
same data. A gateway that answers DESCRIBE, too, has to give the types and the values of that, but
for what JSON loses (``LOST``); one that does not, what its JSON shows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.errors import ServiceMessage
from micromegas_dbapi.sql.column_queries import query_alone
from micromegas_dbapi.sql.statement import Statement
from tests.arrow.test_type_names import in_json
from tests.test_errors import CLASSES, PROPERTY_TYPE
from tests.wire import flight, recordings
from tests.wire.described import answer
from tests.wire.recordings import Case
from tests.wire.replay import Answer, Server, replay
from tests.wire.unsent import OTHER_RANGES, REFUSED

Wire = Callable[[str], Path]

INDEX = {entry["name"]: entry for entry in recordings.index("gateway-0.30")}
ORACLE = {entry["name"]: entry for entry in recordings.index("flight-0.30")}

# -- which call is made how ------------------------------------------------------------------------

FOREIGN = {
    "wire_health": "another path",
    "wire_get": "not POST",
    "wire_unknown": "another path",
    "wire_not_json": "no JSON object",
    "wire_missing_sql": "no statement",
    "wire_empty_sql": "without the keys of the range, which the driver always sends",
    "wire_no_range": "without the keys of the range, which the driver always sends",
    "wire_huge_sql": "a statement that the recording tells of, but does not quote",
    "auth_on_none": "to a service that asks for credentials",
    "auth_on_wrong": "to a service that asks for credentials",
    "auth_on_ok": "to a service that asks for credentials",
}
STATEMENTS = [name for name in INDEX if name not in FOREIGN]

# -- what JSON loses -------------------------------------------------------------------------------

# The only results whose values or types differ from FlightSQL, and how to derive them from these.
LOST = {
    "type_nan": "NaN, -inf and inf are NULL",
    "type_inf": "NaN, -inf and inf are NULL",
    "measures_odd": "NaN, -inf and inf are NULL",
}
# The order of these rows differs each time.
UNORDERED = {"error_show_tables", "error_information_schema"}


def in_json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def values(array: pa.ChunkedArray) -> list[Any]:
    return [value for chunk in array.chunks for value in column(chunk, "ns")]


def expected(wire: Wire, name: str) -> pa.Table:
    """Return the result of FlightSQL, with the types of the service if known."""
    folder = wire("flight-0.30")
    return flight.table(folder, f"dict_{name}" if f"dict_{name}" in ORACLE else name)


# -- checks ----------------------------------------------------------------------------------------


@pytest.fixture
def case(wire: Wire, request: pytest.FixtureRequest) -> Case:
    """The recorded call that a test is parametrized with."""
    return recordings.case(wire("gateway-0.30"), request.param)


def of(names: Sequence[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", names, ids=str, indirect=True)


def is_result(name: str) -> bool:
    return INDEX[name]["status"] == 200


def asked(case: Case, sql: str | None = None) -> dict[str, Any]:
    """Return the request that the driver should send."""
    sent: dict[str, Any] = {**case.request}
    if case.name in OTHER_RANGES:
        _, sent["time_range_begin"], sent["time_range_end"] = OTHER_RANGES[case.name]
    if sql is not None:
        sent["sql"] = sql
    return sent


def execute(connection: mm.Connection, case: Case) -> mm.Cursor:
    request = case.request
    begin, end = request["time_range_begin"], request["time_range_end"]
    return connection.cursor().execute(request["sql"], begin=begin, end=end)


def check_sent(server: Server, *bodies: dict[str, Any]) -> None:
    assert [(sent.method, sent.path) for sent in server.requests] == [
        ("POST", "/gateway/query")
    ] * len(bodies)
    assert [json.loads(sent.body) for sent in server.requests] == list(bodies)
    for sent in server.requests:
        assert sent.headers["content-type"] == "application/json"
        assert sent.headers["x-client-type"] == "python"
        UUID(sent.headers["x-request-id"])


def check_error(case: Case, error: mm.Error) -> None:
    """The error has the meaning of the response without noise, and its complete text."""
    text = case.body.decode()
    assert isinstance(error.__cause__, ServiceMessage)
    assert str(error.__cause__) == text
    for noise in ("Tonic", "code:", "Caused by", "query_id=", "\\n"):
        assert noise not in str(error)
    assert error.retryable is False
    code = ORACLE[case.name]["code"] if case.status == 500 and case.name in ORACLE else None
    assert error.status == (code or case.status)
    if ids := re.findall(r"\(query_id=([0-9a-f-]{36})\)", text):
        assert error.query_id == ids[-1]
    place = re.search(r"\(at line (\d+), column (\d+)\)|at Line: (\d+), Column: (\d+)", text)
    found = tuple(int(n) for n in place.groups() if n) if place else (None, None)
    assert (error.line, error.column) == found


def meant(name: str) -> type[mm.Error]:
    if name == "error_property_type":
        return PROPERTY_TYPE["0.30"]
    return CLASSES[name]


# -- statements ------------------------------------------------------------------------------------

RESULTS = [name for name in STATEMENTS if is_result(name) and name not in REFUSED]
# The types of the others are not queried: they are not queries, or are evident.
BY_ITSELF = ("error_show_tables", "error_show_columns", "type_bool")


@of([name for name in RESULTS if name not in BY_ITSELF])
def test_result_that_the_service_describes(wire: Wire, case: Case) -> None:
    oracle = expected(wire, case.name)
    with replay(case, Answer(body=answer(oracle.schema))) as server:
        with mm.connect("gateway+" + server.url) as connection:
            table = execute(connection, case).fetch_arrow_table()
        sql = f"DESCRIBE {query_alone(Statement(case.request['sql']))}"
        check_sent(server, asked(case), asked(case, sql))
    assert table.schema.names == oracle.schema.names
    assert table.schema.types == [in_json(kind) for kind in oracle.schema.types]
    assert [field.nullable for field in table.schema] == [
        field.nullable or pa.types.is_floating(field.type) for field in oracle.schema
    ]
    table.validate(full=True)
    ours = [values(array) for array in table]
    theirs = [values(array) for array in oracle]
    if case.name in LOST:
        assert repr(ours) != repr(theirs)  # otherwise it does not belong in the table
        theirs = [[in_json_value(value) for value in line] for line in theirs]
    if case.name in UNORDERED:
        ours, theirs = (sorted(zip(*lines, strict=True)) for lines in (ours, theirs))
    # repr distinguishes 1, 1.0 and True, and is equal for Decimals of the same scale.
    assert repr(ours) == repr(theirs)


NOT_KNOWN = Answer(
    500,
    body=b"Query execution error: Tonic error: code: 'Client specified an invalid argument', "
    b'message: "error building dataframe: SQL error: ParserError(\\"Expected: identifier, found: '
    b'SELECT at Line: 1, Column: 10\\") (query_id=7b011db5-2b0a-4e3b-a9f5-29431ccd3b4e)"',
)


def shown(case: Case) -> list[tuple[Any, ...]]:
    """Return the rows of the JSON, in the order of FlightSQL's columns."""
    if case.name == "duplicate_join_columns":
        return [(1, 2)]
    rows = json.loads(case.body)
    names = [name for name in SHOWN_NAMES.get(case.name, ()) or (rows[0] if rows else ())]
    return [tuple(row.get(name) for name in names) for row in rows]


# The first row does not have all columns in order.
SHOWN_NAMES = {"type_null_mix": ["i", "s", "f"], "property_get": ["exe", "region", "v", "q"]}


@of(RESULTS)
def test_result_that_the_service_does_not_describe(case: Case) -> None:
    """Strings stay strings, numbers get the type they look like, all-NULL columns are missing."""
    answers = [case] if case.name in BY_ITSELF else [case, NOT_KNOWN]
    with replay(*answers, case) as server:
        with mm.connect("gateway+" + server.url) as connection:
            cursor = execute(connection, case)
            fetched = cursor.fetchall()
            assert cursor.description is not None
            names = [described.name for described in cursor.description]
            count = len(server.requests)
            execute(connection, case)
        assert count == len(answers)
        assert len(server.requests) == count + 1  # the missing description is cached
    assert repr(fetched) == repr(shown(case))
    assert {len(row) for row in fetched} <= {len(names)}


@of([name for name in STATEMENTS if not is_result(name) and name not in REFUSED])
def test_error(case: Case) -> None:
    with replay(case) as server:
        with mm.connect("gateway+" + server.url) as connection:
            with pytest.raises(mm.Error) as caught:
                execute(connection, case)
        check_sent(server, asked(case))
    assert caught.value.sql == case.request["sql"]
    check_error(case, caught.value)
    assert type(caught.value) is meant(case.name)


@of(list(REFUSED))
def test_refused_before_anything_is_sent(case: Case) -> None:
    _, kind, words = REFUSED[case.name]
    with replay(case) as server, mm.connect("gateway+" + server.url) as connection:
        with pytest.raises(mm.Error) as caught:
            execute(connection, case)
        assert server.requests == []
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.sql == case.request["sql"]


# -- answers to requests that the driver never makes, in place of an ordinary one ------------------

ANSWERED: dict[str, tuple[type[mm.Error], int | str, str]] = {
    "wire_health": (mm.OperationalError, 200, "not a JSON array of rows but begins with"),
    "wire_get": (mm.OperationalError, 405, "and is the path prefix correct?"),
    "wire_unknown": (mm.OperationalError, 404, "and is the path prefix correct?"),
    "wire_not_json": (mm.ProgrammingError, 400, "Failed to parse the request body as JSON"),
    "wire_missing_sql": (mm.OperationalError, 422, "missing field `sql`"),
    "wire_empty_sql": (mm.ProgrammingError, 400, "SQL query cannot be empty"),
    "wire_huge_sql": (mm.ProgrammingError, 400, "SQL query too large: 1100012 bytes"),
    "auth_on_none": (mm.OperationalError, "UNAUTHENTICATED", "missing or refused: invalid token"),
    "auth_on_wrong": (mm.OperationalError, "UNAUTHENTICATED", "missing or refused: invalid token"),
}


@of(list(FOREIGN))
def test_recorded_answer_to_an_ordinary_query(case: Case) -> None:
    sql = "SELECT 1 AS one"
    with replay(case, NOT_KNOWN) as server, mm.connect("gateway+" + server.url) as connection:
        cursor = connection.cursor()
        if case.name not in ANSWERED:
            assert cursor.execute(sql).fetchall() == [(1,)]
            return
        with pytest.raises(mm.Error) as caught:
            cursor.execute(sql)
        assert len(server.requests) == 1
    kind, status, words = ANSWERED[case.name]
    error = caught.value
    assert type(error) is kind
    assert words in str(error)
    assert (error.status, error.sql, error.query_id) == (status, sql, cursor.query_id)


@of(["auth_on_ok"])
def test_credentials_are_sent(case: Case) -> None:
    with replay(case, NOT_KNOWN) as server:
        with mm.connect("gateway+" + server.url, token="testkey") as connection:
            connection.execute("SELECT 1 AS one")
        sent = {request.headers["authorization"] for request in server.requests}
    assert sent == {case.request_headers["authorization"]} == {"Bearer testkey"}


# -- nothing is left out ---------------------------------------------------------------------------


def test_every_case_is_covered() -> None:
    assert sorted([*STATEMENTS, *FOREIGN]) == sorted(INDEX)
    assert len(INDEX) == 149
    assert set(RESULTS) >= {*LOST, *UNORDERED, *BY_ITSELF}
    assert len(RESULTS) == 90


def test_tables_name_statements() -> None:
    assert OTHER_RANGES.keys() | REFUSED.keys() <= set(STATEMENTS)
    assert not OTHER_RANGES.keys() & REFUSED.keys()
    for name, (_, begin, end) in OTHER_RANGES.items():  # otherwise it does not belong in the table
        request = INDEX[name]["request"]
        assert (request["time_range_begin"], request["time_range_end"]) != (begin, end)
    assert ANSWERED.keys() == FOREIGN.keys() - {"wire_no_range", "auth_on_ok"}
