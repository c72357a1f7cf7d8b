"""Statements of mixed types, with the recorded responses of both versions over every protocol.

Whatever is read is what the service of 0.30 sends as plain columns (``coerced_*``), and that of
0.2.3 anyway; or it is an error. Each is read in a process of its own: what is misread may end it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.sql.column_queries import types_of_rows
from micromegas_dbapi.sql.planned_types import doubt
from micromegas_dbapi.sql.statement import Statement
from tests.transport.reading import values
from tests.wire import flight, recordings
from tests.wire.apart import Apart, CrashedError, apart
from tests.wire.described import answer
from tests.wire.grpcreplay import Replay, replaying, reply
from tests.wire.replay import Answer, replay

Wire = Callable[[str], Path]
NEW, OLD, WEB = "flight-0.30-mixed", "flight-0.2.3-mixed", "web-0.30-mixed"
GATEWAY, HTTP = "gateway-0.30-mixed", "http-0.2.3-mixed"
CASES = [name for name in recordings.names(NEW) if not name.startswith("dict_")]
ENTRIES = {name: {e["name"]: e for e in recordings.index(name)} for name in (NEW, OLD)}


@pytest.fixture(scope="module")
def reader() -> Iterator[Apart]:
    with apart("tests.transport.reading") as made:
        yield made


@pytest.fixture(scope="module")
def services(wire: Wire) -> Iterator[dict[str, Replay]]:
    with (
        replaying(wire(NEW), recordings.index(NEW)) as new,
        replaying(wire(OLD), recordings.index(OLD)) as old,
    ):
        yield {NEW: new, OLD: old}


def asked(name: str, generation: str = NEW) -> tuple[str, str, str]:
    entry = ENTRIES[generation][name]
    return entry["sql"], entry["begin"], entry["end"]


def right(wire: Wire, name: str, generation: str = NEW) -> list[Any] | None:
    """Return the values that a service sends as plain columns; None if it sends an error."""
    if ENTRIES[generation][name]["code"] != "OK":
        return None
    return values(flight.table(wire(generation), name))


def check(found: list[Any], expected: list[Any] | None) -> None:
    if found[0] == "rows":
        assert found[2] == expected
    else:
        assert issubclass(getattr(mm, found[1]), mm.DatabaseError)


# -- FlightSQL -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dictionaries", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_flight(
    wire: Wire, services: dict[str, Replay], reader: Apart, name: str, dictionaries: bool
) -> None:
    service, options = services[NEW], {"preserve_dictionary": dictionaries}
    service.calls.clear()
    found = reader.call("read", service.url, *asked(name), options)
    expected = right(wire, name)
    check(found, expected)
    assert (found[0] == "error") is (expected is None)
    sent = service.calls[0].headers.get("preserve_dictionary")
    assert (sent == "true") is (dictionaries and doubt(Statement(asked(name)[0])) is None)


@pytest.mark.parametrize("name", CASES)
def test_flight_of_the_first_generation(
    wire: Wire, services: dict[str, Replay], reader: Apart, name: str
) -> None:
    found = reader.call("read", services[OLD].url, *asked(name, OLD), {})
    expected = right(wire, name, OLD)
    check(found, expected)
    assert (found[0] == "error") is (expected is None)


MISREAD = {
    "union_int",
    "union_float",
    "union_text",
    "union_distinct",
    "union_in_cte",
    "empty_union",
    "case_int",
    "case_float",
    "case_text",
    "case_nested",
    "unsigned",
}


@pytest.mark.parametrize("name", CASES)
def test_the_net(wire: Wire, reader: Apart, name: str) -> None:
    """If the rule called it safe: every mismatch is an error, and everything else is correct."""
    entry = ENTRIES[NEW][f"dict_{name}"]
    sql, begin, end = "SELECT * FROM log_entries", entry["begin"], entry["end"]
    with replaying(None, [], reply(wire(NEW), entry)) as service:
        found = reader.call("read", service.url, sql, begin, end, {})
        assert service.calls[0].headers["preserve_dictionary"] == "true"
    if entry["code"] != "OK":
        assert found[0] == "error"
        return
    if found[0] == "rows":
        assert found[2] == right(wire, name)
    short = name.removeprefix("coerced_")
    assert (found[:2] == ["error", "DataError"]) is (short in MISREAD)
    if short in MISREAD:
        column_ = entry["schema"][0]
        assert f"column '{column_[0]}' was declared as {column_[1]}, but" in found[2]
        assert "CAST" in found[2]


def test_a_reader_without_the_net_is_misled(wire: Wire, reader: Apart) -> None:
    """Without the checks: the recorded values, read with the declared types."""
    table = flight.table(wire(NEW), "dict_coerced_union_int")
    assert table["level"].to_pylist() == [9, 4, 0]
    with pytest.raises(CrashedError):
        reader.call("crash")


# -- the web ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lake(wire: Wire) -> Iterator[LakeTransport]:
    lake = LakeTransport(wire("flight-0.30") / "data")
    yield lake
    lake.close()


def types_told(lake: LakeTransport, sql: str, told: list[str]) -> Answer:
    """Respond to a query for the types of rows as the engine does."""
    question = types_of_rows(Statement(sql), told)
    assert question is not None
    try:
        table = lake.run_as_service(question, (0, 0), "").read_all()
    except mm.Error as error:
        refused = {"type": "error", "code": "INVALID_SQL", "message": str(error)}
        return Answer(200, {}, json.dumps(refused).encode() + b"\n")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream, size = sink.getvalue().to_pybytes(), len(table.schema.serialize())
    batch = stream[size:-8]
    return Answer(
        200,
        {},
        json.dumps({"type": "schema", "size": size}).encode()
        + b"\n"
        + stream[:size]
        + json.dumps({"type": "batch", "size": len(batch), "rows": 1}).encode()
        + b"\n"
        + batch
        + b'{"type":"done"}\n',
    )


# Statements whose types are equal according to the engine, which the rule cannot know.
THE_SAME = {
    "union_dictionary_text",
    "union_same",
    "union_time",
    "intersect_int",
    "except_int",
    "case_dictionaries",
    "case_null",
    "recursive",
}


@pytest.mark.parametrize("name", CASES)
def test_web(wire: Wire, lake: LakeTransport, reader: Apart, name: str) -> None:
    case = recordings.case(wire(WEB), name)
    sql, begin, end = asked(name)
    schemas = (ENTRIES[NEW][kind].get("schema") for kind in (f"dict_{name}", name))
    told = [column_[0] for column_ in next(filter(None, schemas), ())]
    unsure = doubt(Statement(sql)) is not None
    answers = [case, types_told(lake, sql, told)] if told and unsure else [case]
    with replay(*answers) as server:
        url = f"web+{server.url}/mm?data_source=main"
        found = reader.call("read", url, case.request["sql"], begin, end, {})
        questions = [json.loads(sent.body)["sql"] for sent in server.requests]
    check(found, right(wire, name))
    assert questions[1:] == ([types_of_rows(Statement(sql), told)] if len(answers) > 1 else [])
    short = name.removeprefix("coerced_")
    if unsure:
        assert (found[0] == "rows") is (short in THE_SAME)
    if found[0] == "error" and len(answers) > 1:
        assert found[1] == "DataError"
        assert "CAST" in found[2]


# -- the gateway and the first services ------------------------------------------------------------


@pytest.mark.parametrize("describes", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_gateway(wire: Wire, reader: Apart, name: str, describes: bool) -> None:
    case = recordings.case(wire(GATEWAY), name)
    request, expected = case.request, right(wire, name)
    told = pa.schema([])
    if expected is not None:
        told = flight.table(wire(NEW), name).schema
    described = Answer(200, {}, answer(told) if describes else b"[]")
    with replay(case, described) as server:
        bounds = request["time_range_begin"], request["time_range_end"]
        url = f"gateway+{server.url}"
        found = reader.call("read", url, request["sql"], *bounds, {})
    if describes or expected is None:
        check(found, expected)
        assert (found[0] == "error") is (expected is None)
    else:
        assert found[0] == "rows"


@pytest.mark.parametrize("name", CASES)
def test_http(wire: Wire, reader: Apart, name: str) -> None:
    case = recordings.case(wire(HTTP), name)
    with replay(case) as server:
        found = reader.call(
            "read", server.url, case.request["sql"], case.request["begin"], case.request["end"], {}
        )
    if case.status == 200:
        assert found == ["rows", *_parquet(case.body)]
    else:
        check(found, None)


def _parquet(body: bytes) -> tuple[list[str], list[Any]]:
    table = pq.ParquetFile(pa.BufferReader(body)).read()
    return table.schema.names, values(table)
