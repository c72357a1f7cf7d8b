"""Every call recorded from the web app of 0.30, made by the driver over real sockets.

What an answer should have been is known: FlightSQL of the same service was asked the same, over the
same data. Types and values have to be those.
"""

from __future__ import annotations

import json
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
from tests.arrow.test_type_names import in_json
from tests.test_errors import CLASSES, PROPERTY_TYPE
from tests.wire import flight, recordings
from tests.wire.recordings import Case
from tests.wire.replay import Server, replay
from tests.wire.unsent import OTHER_RANGES, REFUSED

Wire = Callable[[str], Path]

INDEX = {entry["name"]: entry for entry in recordings.index("web-0.30")}
ORACLE = {entry["name"]: entry for entry in recordings.index("flight-0.30")}

# -- which call is made how ------------------------------------------------------------------------

FOREIGN = {
    "wire_no_source": "without a data source, which the driver always names",
    "wire_bad_source": "another data source than that of the others",
    "wire_params": "with parameters, which the driver has no use for",
    "wire_retire": "without the keys of the range, which the driver always sends",
    "wire_sources": "another path",
    "wire_not_json": "no JSON object",
    "auth_on_none": "to a service that asks for credentials",
    "auth_on_wrong": "to a service that asks for credentials",
    "auth_on_ok": "to a service that asks for other credentials than these",
}
STATEMENTS = [name for name in INDEX if name not in FOREIGN]

# The order of these rows differs each time.
UNORDERED = {"error_show_tables", "error_information_schema"}

# -- checks ----------------------------------------------------------------------------------------


@pytest.fixture
def case(wire: Wire, request: pytest.FixtureRequest) -> Case:
    """The recorded call that a test is parametrized with."""
    return recordings.case(wire("web-0.30"), request.param)


def of(names: Sequence[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", names, ids=str, indirect=True)


def fails(name: str) -> bool:
    """Return whether FlightSQL returned an error."""
    return ORACLE[name]["code"] != "OK"


def connect(server: Server, **options: Any) -> mm.Connection:
    return mm.connect(f"web+{server.url}/mm?data_source=main", **options)


def execute(connection: mm.Connection, case: Case) -> mm.Cursor:
    request = case.request
    return connection.cursor().execute(request["sql"], begin=request["begin"], end=request["end"])


def check_sent(case: Case, server: Server) -> None:
    expected = {**case.request}
    if case.name in OTHER_RANGES:
        _, expected["begin"], expected["end"] = OTHER_RANGES[case.name]
    [sent] = server.requests
    assert (sent.method, sent.path) == (case.method, case.path) == ("POST", "/mm/api/query-stream")
    assert json.loads(sent.body) == expected
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["x-client-type"] == "python"
    UUID(sent.headers["x-request-id"])


def values(array: pa.ChunkedArray) -> list[Any]:
    return [value for chunk in array.chunks for value in column(chunk, "ns")]


def check_error(case: Case, error: mm.Error) -> None:
    """The error has the meaning of the response without noise, and its complete text."""
    text = json.loads(case.body[case.body.rindex(b'{"type":"error"') :])["message"]
    assert isinstance(error.__cause__, ServiceMessage)
    assert str(error.__cause__) == text
    for noise in ("Tonic", "code:", "query_id=", "\\n"):
        assert noise not in str(error)
    assert error.retryable is False
    assert error.status == ORACLE[case.name]["code"]
    if ids := re.findall(r"\(query_id=([0-9a-f-]{36})\)", text):
        assert error.query_id == ids[-1]
    place = re.search(r"\(at line (\d+), column (\d+)\)|at Line: (\d+), Column: (\d+)", text)
    found = tuple(int(n) for n in place.groups() if n) if place else (None, None)
    assert (error.line, error.column) == found


# -- statements ------------------------------------------------------------------------------------

ASKED = [name for name in STATEMENTS if name not in REFUSED]


@of([name for name in ASKED if not fails(name)])
def test_result(wire: Wire, case: Case) -> None:
    with replay(case) as server, connect(server) as connection:
        table = execute(connection, case).fetch_arrow_table()
        check_sent(case, server)
    folder = wire("flight-0.30")
    oracle = flight.table(folder, case.name)
    # With dictionaries, which FlightSQL sends on request.
    exact = f"dict_{case.name}" in ORACLE
    schema = flight.table(folder, f"dict_{case.name}").schema if exact else oracle.schema
    assert table.schema.names == schema.names
    types = table.schema.types if exact else [in_json(kind) for kind in table.schema.types]
    assert types == schema.types
    assert [f.nullable for f in table.schema] == [f.nullable for f in schema]
    table.validate(full=True)
    ours = [values(array) for array in table]
    theirs = [values(array) for array in oracle]
    if case.name in UNORDERED:
        ours, theirs = (sorted(zip(*lines, strict=True)) for lines in (ours, theirs))
    # repr distinguishes 1, 1.0 and True, and 0.0 and -0.0; NaN equals NaN.
    assert repr(ours) == repr(theirs)


@of([name for name in ASKED if fails(name)])
def test_error(case: Case) -> None:
    with replay(case) as server, connect(server) as connection:
        cursor = connection.cursor()
        request = case.request
        with pytest.raises(mm.Error) as caught:
            cursor.execute(request["sql"], begin=request["begin"], end=request["end"])
            assert case.body.startswith(b'{"type":"schema"')
            assert cursor.description is not None
            cursor.fetchall()
        check_sent(case, server)
        if case.body.startswith(b'{"type":"schema"'):
            for fetch in (cursor.fetchone, cursor.fetchall):
                with pytest.raises(mm.Error) as again:
                    fetch()
                assert again.value is caught.value
    check_error(case, caught.value)
    name = case.name
    assert type(caught.value) is (
        PROPERTY_TYPE["0.30"] if name == "error_property_type" else CLASSES[name]
    )
    assert caught.value.sql == request["sql"]


@of(list(REFUSED))
def test_refused_before_anything_is_sent(case: Case) -> None:
    _, kind, words = REFUSED[case.name]
    with replay(case) as server, connect(server) as connection:
        with pytest.raises(mm.Error) as caught:
            execute(connection, case)
        assert server.requests == []
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.sql == case.request["sql"]


# -- answers to requests that the driver never makes, in place of an ordinary one ------------------

NO_TOKEN = "credentials are missing or refused: invalid token"
ANSWERED: dict[str, tuple[type[mm.Error], int | str, str]] = {
    "wire_no_source": (mm.ProgrammingError, 400, "unknown data source: No data source specified"),
    "wire_bad_source": (
        mm.ProgrammingError,
        404,
        "unknown data source: Data source 'nope' not found",
    ),
    "wire_retire": (mm.NotSupportedError, 403, "the web app does not allow this: The function"),
    "wire_sources": (mm.OperationalError, 200, "and is the base path correct?"),
    "wire_not_json": (mm.OperationalError, 400, "Failed to parse the request body as JSON"),
    "auth_on_none": (mm.OperationalError, "UNAUTHENTICATED", NO_TOKEN),
    "auth_on_wrong": (mm.OperationalError, "UNAUTHENTICATED", NO_TOKEN),
    "auth_on_ok": (mm.OperationalError, "UNAUTHENTICATED", NO_TOKEN),
}


@of(list(FOREIGN))
def test_recorded_answer_to_an_ordinary_query(case: Case) -> None:
    sql = "SELECT 1 AS one"
    with replay(case) as server, connect(server) as connection:
        cursor = connection.cursor()
        if case.name not in ANSWERED:
            assert cursor.execute(sql).fetchall() == [("o'neil", 5)]
            return
        with pytest.raises(mm.Error) as caught:
            cursor.execute(sql)
        assert len(server.requests) == 1
    kind, status, words = ANSWERED[case.name]
    error = caught.value
    assert type(error) is kind
    assert words in str(error)
    assert (error.status, error.sql, error.query_id) == (status, sql, cursor.query_id)


def test_the_only_data_source(wire: Wire) -> None:
    """Queried once."""
    sources, one = (recordings.case(wire("web-0.30"), n) for n in ("wire_sources", "type_int8"))
    with replay(sources, one) as server, mm.connect(f"web+{server.url}/mm") as connection:
        for _ in range(2):
            assert connection.execute(one.request["sql"]).fetchall() == [(-128,)]
        asked, first, second = server.requests
    assert (asked.method, asked.path, asked.body) == (sources.method, sources.path, b"")
    assert [json.loads(sent.body) for sent in (first, second)] == [one.request] * 2


# -- nothing is left out ---------------------------------------------------------------------------


def test_every_case_is_covered() -> None:
    assert sorted([*STATEMENTS, *FOREIGN]) == sorted(INDEX)
    assert len(INDEX) == 147
    assert set(STATEMENTS) <= set(ORACLE)


def test_tables_name_statements() -> None:
    assert OTHER_RANGES.keys() | REFUSED.keys() | UNORDERED <= set(STATEMENTS)
    assert not OTHER_RANGES.keys() & REFUSED.keys()
    for name, (_, begin, end) in OTHER_RANGES.items():  # otherwise it does not belong in the table
        request = INDEX[name]["request"]
        assert (request["begin"], request["end"]) != (begin, end)
    assert ANSWERED.keys() == FOREIGN.keys() - {"wire_params"}
