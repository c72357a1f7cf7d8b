"""The embedded engine returns what real services returned: every recorded statement, same data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.errors import from_service
from micromegas_dbapi.transport.analytics.parquet import decode
from micromegas_dbapi.transport.protocol import Request
from tests.wire import flight
from tests.wire.recordings import case, index

OLD, NEW = "http-0.2.3", "flight-0.30"

# The only differences, with reasons. What is checked nevertheless:
#   "text"    columns, types and the number of rows are those recorded, strings may differ
#   "values"  columns and types are those recorded, values may differ
#   "order"   the rows are those recorded, in any order, because the statement has no ORDER BY
#   "answers" the service fails, the engine succeeds
#   "fails"   the service succeeds, the engine fails with the given class
SPELLING = "DataFusion 55 spells types in another way than 43"
PLAN = "plans are those of another version of DataFusion, over other files"
PARQUET = "the engine has durations and intervals, Parquet does not: flight-0.2.3 answers these"
READ_ONLY = "the service forgets it and answers with nothing; the driver refuses it unsent"
EMPTY_RANGE = "the driver refuses a range that ends before it begins; the service answers nothing"
CLAMPED = "the driver clamps bounds that the service would take for none, answering nothing"
HALF = "the driver completes half a range, which the service refuses"
LISTED = "every lake has an information_schema, also one of 0.2.3"
NO_DATA = "the lake has no such view set, function or internal table: it has the public views"
SERVER = "it tells of the server and its version"
FILES = "the partitions are the lake's files, not the service's"

DIFFERENT: dict[str, dict[str, tuple[str, type[mm.Error] | None, str]]] = {
    OLD: {
        **dict.fromkeys(
            [f"describe_{v}" for v in ("log_entries", "measures", "processes", "streams", "blocks")]
            + ["type_now_type"],
            ("text", None, SPELLING),
        ),
        **dict.fromkeys(
            [
                c["name"]
                for c in index(OLD)
                if c["name"].startswith("explain") and "spans" not in c["name"]
            ]
            + ["explain_thread_spans"],
            ("text", None, PLAN),
        ),
        "explain_norange_thread_spans": ("values", None, "55 adds a row with the plan's error"),
        "percentile": ("values", None, "approx_percentile_cont of 55 is another algorithm"),
        "error_subquery": ("fails", mm.DataError, "55 refuses a scalar subquery of many rows"),
        **dict.fromkeys(
            ["type_duration", "type_duration_s", "type_interval", "type_ts_diff"],
            ("answers", None, PARQUET),
        ),
        **dict.fromkeys(
            ["error_create_table", "error_drop_table", "error_set"],
            ("fails", mm.NotSupportedError, READ_ONLY),
        ),
        "range_reversed": ("fails", mm.ProgrammingError, EMPTY_RANGE),
        **dict.fromkeys(
            ["range_year1_9999", "range_past_max", "range_before_min"], ("values", None, CLAMPED)
        ),
        **dict.fromkeys(
            ["range_begin_only", "range_end_only", "backtrace_range_begin_only"],
            ("answers", None, HALF),
        ),
        **dict.fromkeys(
            ["error_show_tables", "error_show_columns", "error_information_schema"],
            ("answers", None, LISTED),
        ),
    },
    NEW: {
        **dict.fromkeys(
            [n for n in flight.queries(NEW) if n.startswith("explain")], ("text", None, PLAN)
        ),
        **dict.fromkeys(
            ["explain_async_events", "explain_net_spans", "explain_images", "explain_otel_spans"],
            ("fails", mm.ProgrammingError, NO_DATA),
        ),
        **dict.fromkeys(
            [
                "async_events",
                "net_spans",
                "images",
                "otel_spans",
                "process_spans",
                "view_sets",
                "jsonb_text",
                "jsonb_object_keys",
                "jsonb_parse",
            ],
            ("fails", mm.ProgrammingError, NO_DATA),
        ),
        **dict.fromkeys(
            [
                "error_show_tables",
                "show_tables",
                "error_information_schema",
                "schema_tables",
                "schema_columns",
                "schema_views",
                "schema_routines",
            ],
            ("values", None, NO_DATA),
        ),
        **dict.fromkeys(["partitions", "materialize"], ("values", None, FILES)),
        "version": ("text", None, SERVER),
        "jsonb_log": ("order", None, "SELECT DISTINCT without ORDER BY"),
        **dict.fromkeys(
            ["error_create_table", "error_drop_table", "error_set", "error_prepare"],
            ("fails", mm.NotSupportedError, READ_ONLY),
        ),
        "range_reversed": ("fails", mm.ProgrammingError, EMPTY_RANGE),
        **dict.fromkeys(
            ["range_year1_9999", "range_past_max", "range_before_min"], ("values", None, CLAMPED)
        ),
    },
}


# Errors whose class is more exact than the one that the service's text implies.
KINDS: dict[str, type[mm.Error]] = {
    "error_insert": mm.NotSupportedError,  # rejected by the driver
    "error_property_type": mm.ProgrammingError,  # found while planning
    "perfetto": mm.ProgrammingError,  # the lake has no such function
}


def statements(generation: str) -> list[str]:
    if generation == NEW:
        return list(flight.queries(NEW))
    return [
        c["name"]
        for c in index(OLD)
        if c["path"] == "/analytics/query"
        and c["method"] == "POST"
        and isinstance(c["request"], dict)
        and isinstance(c["request"].get("sql"), str)
    ]


@pytest.fixture(scope="module")
def lakes(wire: Callable[[str], Path]) -> Iterator[dict[str, mm.Connection]]:
    lakes = {name: mm.connect(f"lake:{wire(name) / 'data'}") for name in (OLD, NEW)}
    yield lakes
    for lake in lakes.values():
        lake.close()


class Recorded(NamedTuple):
    """A statement and the service's response: a table or the text of an error."""

    sql: str
    begin: str | None
    end: str | None
    answer: pa.Table | None
    error: str


def recorded(wire: Callable[[str], Path], generation: str, name: str) -> Recorded:
    folder = wire(generation)
    if generation == NEW:
        entry = flight.queries(NEW)[name]
        answer = flight.table(folder, name) if entry["code"] == "OK" else None
        return Recorded(entry["sql"], entry["begin"], entry["end"], answer, entry["details"])
    one = case(folder, name)
    answer = decode(one.body, Request("", None, "")).read_all() if one.status == 200 else None
    asked = one.request
    error = "" if one.status == 200 else one.body.decode()
    return Recorded(asked["sql"], asked.get("begin"), asked.get("end"), answer, error)


def plain(type_: pa.DataType, decode_batch: bool) -> pa.DataType:
    """Normalize a type whose form depends on the protocol or on pyarrow's version.

    FlightSQL sends decoded dictionaries unless requested otherwise. pyarrow before 21 reads the
    indices of dictionaries from Parquet with 32 bits, and view types as strings.
    """
    if pa.types.is_dictionary(type_):
        value = plain(type_.value_type, decode_batch)
        return value if decode_batch else pa.dictionary(pa.int32(), value)
    if str(type_) == "string_view":
        return pa.string()
    return type_


def columns(table: pa.Table, decode_batch: bool) -> list[tuple[str, pa.DataType, bool]]:
    return [(f.name, plain(f.type, decode_batch), f.nullable) for f in table.schema]


def rows(table: pa.Table) -> list[str]:
    """Return each row as a string, which distinguishes NaN and NULL, 0.0 and -0.0, and keeps ns."""
    batches = table.to_batches()
    return [
        repr(row)
        for batch in batches
        for row in zip(*(column(c, "ns") for c in batch.columns), strict=True)
    ]


@pytest.mark.parametrize(
    ("generation", "name"), [(g, n) for g in (OLD, NEW) for n in statements(g)]
)
def test_recorded_statement(
    lakes: dict[str, mm.Connection], wire: Callable[[str], Path], generation: str, name: str
) -> None:
    sql, begin, end, answer, text = recorded(wire, generation, name)
    how, expected_error, _ = DIFFERENT[generation].get(name, ("", None, ""))
    try:
        ours = lakes[generation].execute(sql, begin=begin, end=end).fetch_arrow_table()
    except mm.Error as raised:
        error, ours = raised, None
    else:
        error = None
    if how == "fails":
        assert type(error) is expected_error
        assert answer is not None, "no longer an exception: the service fails as well"
        return
    if error is not None:
        assert answer is None, error
        assert type(error) is KINDS.get(name, type(from_service(text)))
        return
    if how == "answers":
        assert answer is None, "no longer an exception: the service answers as well"
        return
    assert answer is not None, "the service fails"
    decode_batch = generation == NEW and not name.startswith("dict_")
    assert columns(ours, decode_batch) == columns(answer, decode_batch)
    if how == "order":
        assert sorted(rows(ours)) == sorted(rows(answer))
    elif how == "text":
        assert ours.num_rows == answer.num_rows
        assert rows(ours) != rows(answer), "no longer an exception: take it out of the table"
    elif how == "values":
        assert rows(ours) != rows(answer), "no longer an exception: take it out of the table"
    else:
        assert rows(ours) == rows(answer)


@pytest.mark.parametrize("generation", [OLD, NEW])
def test_exceptions_name_statements(generation: str) -> None:
    assert set(DIFFERENT[generation]) <= set(statements(generation))


def test_durations_and_intervals_are_those_of_the_same_service_on_another_wire(
    lakes: dict[str, mm.Connection], wire: Callable[[str], Path]
) -> None:
    folder = wire("flight-0.2.3")
    for name in ("type_duration", "type_duration_s", "type_interval", "type_ts_diff"):
        answer = flight.table(folder, name)
        ours = lakes[OLD].execute(flight.queries("flight-0.2.3")[name]["sql"]).fetch_arrow_table()
        assert columns(ours, True) == columns(answer, True)
        assert rows(ours) == rows(answer)


def test_all_statements_are_replayed() -> None:
    """The index has 194 statements over HTTP, and those over FlightSQL sent by one method."""
    assert len(statements(OLD)) == 194
    assert len(statements(NEW)) == 237
