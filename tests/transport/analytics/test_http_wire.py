"""Every call recorded from the HTTP service of 0.2.3, made by the driver over real sockets.

Three kinds of calls, which together are all that were recorded (`test_every_case_is_covered`):

* ``STATEMENTS``: POST /analytics/query with a statement. The driver must send the same map, and
  make of the recorded answer what Parquet, or the error text, says.
* ``ENDPOINTS``: the service's other endpoints, by `HttpTransport.call`.
* ``FOREIGN``: requests that the driver never makes (raw bytes, other methods and paths). An
  ordinary query gets the recorded answer in its place.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import cbor2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.errors import ServiceMessage
from micromegas_dbapi.options.settings import HttpSettings
from micromegas_dbapi.transport.analytics import HttpTransport
from tests.wire import recordings
from tests.wire.recordings import Case
from tests.wire.replay import Server, replay
from tests.wire.unsent import MAX, MIN, REFUSED

Wire = Callable[[str], Path]

INDEX = {entry["name"]: entry for entry in recordings.index("http-0.2.3")}

# -- which call is made how ------------------------------------------------------------------------

FOREIGN = {
    "wire_get": "not POST",
    "wire_options": "not POST",
    "wire_root": "another path",
    "wire_unknown_path": "another path",
    "wire_trailing_slash": "another path",
    "wire_empty_body": "no CBOR map",
    "wire_not_cbor": "no CBOR map",
    "wire_json_body": "no CBOR map",
    "wire_truncated_cbor": "no CBOR map",
    "wire_no_sql": "no statement",
    "wire_sql_number": "a statement that is no text",
    "wire_cbor_datetime_tag": "bounds as tagged date-times, not as text",
}
STATEMENTS = [n for n, e in INDEX.items() if e["path"] == "/analytics/query" and n not in FOREIGN]
ENDPOINTS = [n for n, e in INDEX.items() if e["path"] != "/analytics/query" and n not in FOREIGN]

# -- where the driver asks for something else than was recorded, and why ---------------------------

UTC = "the same instants, written in UTC"
CLAMPED = "beyond 64-bit nanoseconds the service answers with no rows; so the bound is clamped"
COMPLETED = "one bound alone is refused by the service; so the other is sent as open"
ALWAYS = "the driver always sends these three keys"

ASKED_OTHERWISE: dict[str, tuple[str, dict[str, Any]]] = {
    "range_offset": (UTC, {"begin": "2026-11-23T20:39:30Z", "end": "2026-11-23T20:39:50Z"}),
    "range_year1_9999": (CLAMPED, {"begin": MIN, "end": MAX}),
    "range_past_max": (CLAMPED, {"begin": "2026-11-23T20:39:30Z", "end": MAX}),
    "range_before_min": (CLAMPED, {"begin": MIN, "end": "2026-11-23T20:39:50Z"}),
    "range_begin_only": (COMPLETED, {"begin": "2026-11-23T20:39:30Z", "end": MAX}),
    "range_end_only": (COMPLETED, {"begin": MIN, "end": "2026-11-23T20:39:50Z"}),
    "backtrace_range_begin_only": (COMPLETED, {"begin": "2026-11-23T20:39:30Z", "end": MAX}),
    "wire_no_range_keys": (ALWAYS, {"begin": None, "end": None}),
    "wire_extra_key": (ALWAYS, {"begin": None, "end": None}),
}


# -- what the answers mean -------------------------------------------------------------------------

# The error class of every response that is not a result.
ERRORS: dict[str, type[mm.Error]] = {
    **dict.fromkeys(
        [
            "range_begin_only",
            "range_end_only",
            "range_naive",
            "range_garbage",
            "spans_no_range",
            "duplicate_columns",
            "error_syntax",
            "error_syntax_end",
            "error_unknown_table",
            "error_unknown_schema",
            "error_unknown_column",
            "error_unknown_function",
            "error_type_mismatch",
            "error_ambiguous",
            "error_group_by",
            "error_empty",
            "error_blank",
            "error_comment_only",
            "error_show_tables",
            "error_show_columns",
            "error_information_schema",
            "error_placeholder",
            "error_qmark",
            "error_unterminated",
            "error_unterminated_ident",
            "error_view_name",
            "error_view_id",
            "error_view_unknown_id",
            "error_view_args",
            "error_view_param",
            "error_view_upper",
            "error_property_type",
            "error_property_args",
            "error_insert",
            "error_recursion",
            "error_limit_negative",
            "error_end_unquoted",
            "find_process_bad",
            "find_process_missing",
            "query_streams_unbounded",
            "query_streams_half_range",
            "query_view_unknown",
            "query_view_other_table",
            "query_view_property_get",
            "wire_empty_body",
            "wire_not_cbor",
            "wire_json_body",
            "wire_truncated_cbor",
            "wire_no_sql",
            "wire_sql_number",
            "backtrace_range_begin_only",
            "backtrace_error_syntax",
            "backtrace_error_unknown_table",
            "backtrace_error_view_id",
        ],
        mm.ProgrammingError,
    ),
    **dict.fromkeys(
        [
            "error_division",
            "error_division_rows",
            "error_cast",
            "error_cast_rows",
            "error_timestamp_cast",
            "backtrace_error_division",
            "backtrace_error_cast_rows",
        ],
        mm.DataError,
    ),
    **dict.fromkeys(
        [
            "type_duration",
            "type_duration_s",
            "type_interval",
            "type_ts_diff",
            "error_two_statements",
            "error_update",
            "error_delete",
            "error_begin",
            "error_prepare",
        ],
        mm.NotSupportedError,
    ),
    **dict.fromkeys(
        [
            "materialize_log",
            "materialize_unknown",
            "materialize_reversed",
            "retire_spans",
            "retire_unknown",
            "wire_get",
            "wire_options",
            "wire_root",
            "wire_unknown_path",
            "wire_trailing_slash",
        ],
        mm.OperationalError,
    ),
}

# Our messages for these, because the service's own do not help.
SENTENCES = {
    "spans_no_range": "needs a time range: use --begin/--end",
    "type_duration": "cast the column to BIGINT (nanoseconds)",
    "type_duration_s": "cast the column to BIGINT (nanoseconds)",
    "type_ts_diff": "cast the column to BIGINT (nanoseconds)",
    "type_interval": "select the parts as numbers, or cast to VARCHAR",
    "error_view_unknown_id": "no process or stream has this id",
    "materialize_log": "not a Parquet file but begins with b'x}[2026-11-23T20:39:30",
    "materialize_unknown": "not a Parquet file but begins with b'xTmaterialize_partitions",
    "materialize_reversed": "has no body",
    "retire_spans": "has no body",
    "retire_unknown": "has no body",
    "wire_options": "has no body",
    "wire_get": "returned status 405: is this a Micromegas HTTP service",
    "wire_root": "returned status 404: is this a Micromegas HTTP service",
    "wire_unknown_path": "returned status 404: is this a Micromegas HTTP service",
    "wire_trailing_slash": "returned status 404: is this a Micromegas HTTP service",
}

# Types that Parquet does not have: as pyarrow reads them, and as the service declared them.
RESTORED = {
    "type_ts_s": ("int64", pa.timestamp("s")),
    "type_time32": ("int32", pa.time32("s")),
    "type_date64": ("date32[day]", pa.date64()),
}


def spelled(kind: pa.DataType | str) -> str:
    """Spell a type so that all versions of pyarrow agree; for both sides of a comparison.

    The service writes dictionaries with 16-bit keys and string views. pyarrow 16, which spelled
    the types of the recording, reads 32-bit keys and plain strings; newer ones read what is there.
    """
    text = re.sub(r"indices=int(16|32)", "indices=int", str(kind))
    return text.replace("string_view", "string")


# -- checks ----------------------------------------------------------------------------------------


@pytest.fixture
def case(wire: Wire, request: pytest.FixtureRequest) -> Case:
    """The recorded call that a test is parametrized with."""
    return recordings.case(wire("http-0.2.3"), request.param)


def of(names: Sequence[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", names, ids=str, indirect=True)


def is_result(case: Case) -> bool:
    return case.schema is not None


def single_request(server: Server) -> tuple[str, str, Any]:
    [sent] = server.requests
    return sent.method, sent.path, cbor2.loads(sent.body)


def check_result(case: Case, table: pa.Table) -> None:
    """The table has the recorded schema and the values of the file."""
    assert case.schema is not None
    found = [[field.name, spelled(field.type), field.nullable] for field in table.schema]
    assert found == [
        [name, spelled(meant(case, kind)), nullable] for name, kind, nullable in case.schema
    ]
    assert table.num_rows == case.rows
    expected = pq.ParquetFile(pa.BufferReader(case.body)).read()
    for name, column, values in zip(expected.column_names, table, expected, strict=True):
        if case.name in RESTORED:
            values = values.cast(RESTORED[case.name][1])
        assert bits(column).equals(bits(values)), name


def meant(case: Case, kind: str) -> pa.DataType | str:
    if case.name not in RESTORED:
        return kind
    lost, restored = RESTORED[case.name]
    assert kind == lost
    return restored


def bits(column: pa.ChunkedArray) -> pa.Array:
    """Normalize a column: NaN equals NaN, 0.0 and -0.0 differ, dictionary keys are ignored."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_floating(array.type):
        array = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
    return array


def check_error(case: Case, error: mm.Error) -> None:
    """The error has the meaning of the response without noise, and its complete text."""
    assert type(error) is ERRORS[case.name]
    assert SENTENCES.get(case.name, "the query failed: ") in str(error)
    assert "Stack backtrace" not in str(error)
    assert "<unknown>" not in str(error)
    assert error.status == case.status
    assert error.retryable is (None if case.status == 200 and not case.body else False)
    if case.status == 500:
        assert isinstance(error.__cause__, ServiceMessage)
        assert str(error.__cause__) == case.body.decode()


# -- statements ------------------------------------------------------------------------------------


@of([name for name in STATEMENTS if name not in REFUSED])
def test_statement(case: Case) -> None:
    begin, end = case.request.get("begin"), case.request.get("end")
    with replay(case) as server, mm.connect(server.url) as connection:
        cursor = connection.cursor()
        if is_result(case):
            cursor.execute(case.request["sql"], begin=begin, end=end)
            check_result(case, cursor.fetch_arrow_table())
        else:
            with pytest.raises(mm.Error) as caught:
                cursor.execute(case.request["sql"], begin=begin, end=end)
            check_error(case, caught.value)
            assert caught.value.sql == case.request["sql"]
            assert caught.value.query_id == cursor.query_id
        _, bounds = ASKED_OTHERWISE.get(case.name, ("", {"begin": begin, "end": end}))
        expected = {"sql": case.request["sql"], **bounds}
        assert single_request(server) == (case.method, case.path, expected)
        assert server.requests[0].headers["x-request-id"] == str(UUID(cursor.query_id))
        assert server.requests[0].headers["content-type"] == "application/cbor"


@of(list(REFUSED))
def test_refused_before_anything_is_sent(case: Case) -> None:
    _, kind, words = REFUSED[case.name]
    request = case.request
    with replay(case) as server, mm.connect(server.url) as connection:
        with pytest.raises(mm.Error) as caught:
            connection.execute(request["sql"], begin=request["begin"], end=request["end"])
        assert server.requests == []
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.sql == request["sql"]


@of([name for name in INDEX if name.startswith("backtrace_")])
def test_backtrace_adds_nothing_to_the_error(wire: Wire, case: Case) -> None:
    plain = recordings.case(wire("http-0.2.3"), case.name.removeprefix("backtrace_"))
    assert b"Stack backtrace" in case.body
    assert b"Stack backtrace" not in plain.body
    with replay(case, plain) as server, mm.connect(server.url) as connection:
        with pytest.raises(mm.Error) as noisy:
            connection.execute("SELECT 1")
        with pytest.raises(mm.Error) as quiet:
            connection.execute("SELECT 1")
    assert str(noisy.value) == str(quiet.value)
    assert type(noisy.value) is type(quiet.value)


# -- other endpoints, and answers to requests that the driver never makes --------------------------


@of(ENDPOINTS)
def test_endpoint(case: Case) -> None:
    name, query_id = case.path.removeprefix("/analytics/"), "query-1"
    with replay(case) as server:
        transport = HttpTransport(server.url, HttpSettings())
        try:
            if is_result(case):
                reader = transport.call(name, case.request, query_id=query_id)
                check_result(case, reader.read_all())
            else:
                with pytest.raises(mm.Error) as caught:
                    transport.call(name, case.request, query_id=query_id)
                check_error(case, caught.value)
                assert caught.value.sql is None
                assert caught.value.query_id == query_id
        finally:
            transport.close()
        assert single_request(server) == (case.method, case.path, case.request)
        assert server.requests[0].headers["x-request-id"] == query_id


@of([*FOREIGN, *REFUSED])
def test_recorded_answer_to_an_ordinary_query(case: Case) -> None:
    sql = "SELECT 1 AS one"
    with replay(case) as server, mm.connect(server.url) as connection:
        cursor = connection.cursor()
        if is_result(case):
            check_result(case, cursor.execute(sql).fetch_arrow_table())
        else:
            with pytest.raises(mm.Error) as caught:
                cursor.execute(sql)
            check_error(case, caught.value)
            assert (caught.value.sql, caught.value.query_id) == (sql, cursor.query_id)
        assert single_request(server)[2] == {"sql": sql, "begin": None, "end": None}


def test_spooled_answers_are_the_same(wire: Wire) -> None:
    """Every result is the same from a file and from memory."""
    results = [case for case in recordings.cases(wire("http-0.2.3")) if is_result(case)]
    with replay(*results) as server, mm.connect(server.url, spool_bytes=0) as connection:
        for case in results:
            check_result(case, connection.execute("SELECT 1").fetch_arrow_table())
        assert len(server.requests) == len(results)


# -- rows ------------------------------------------------------------------------------------------


def rows(case: Case, *, timestamps: str = "datetime") -> list[tuple[Any, ...]]:
    with replay(case) as server, mm.connect(server.url, timestamps=timestamps) as connection:
        cursor = connection.execute("SELECT 'whatever'")
        fetched = cursor.fetchall()
        assert cursor.rowcount == len(fetched)
        assert len(cursor.description) == len(case.schema)
        assert cursor.fetchall() == []
        return fetched


@of([name for name, entry in INDEX.items() if "schema" in entry])
def test_rows_are_as_many_and_as_wide_as_recorded(case: Case) -> None:
    fetched = rows(case)
    assert len(fetched) == case.rows
    assert {len(row) for row in fetched} <= {len(case.schema)}


# The values of SELECT ... AS v, from the statement.
VALUES: dict[str, Any] = {
    "type_int8": -128,
    "type_int16": -32768,
    "type_int32": -2147483648,
    "type_int64": 9223372036854775807,
    "type_uint8": 255,
    "type_uint16": 65535,
    "type_uint32": 4294967295,
    "type_uint64": 18446744073709551615,
    "type_float32": 1.10000002384185791015625,  # the 32-bit number next to 1.1
    "type_float64": 1e308,
    "type_nan": math.nan,
    "type_inf": -math.inf,
    "type_bool": True,
    "type_utf8": "é'\"\\\\",
    "type_large_utf8": "x",
    "type_utf8view": "a view longer than twelve bytes",
    "type_binary": b"bytes",
    "type_hex": b"\x00\xff\x10",
    "type_date32": dt.date(2024, 2, 29),
    "type_date64": dt.date(2024, 2, 29),
    "type_time": dt.time(23, 59, 59, 123456),
    "type_time32": dt.time(12),
    "type_ts_s": dt.datetime(2024, 2, 29, 12),
    "type_ts_ms": dt.datetime(2024, 2, 29, 12, 0, 0, 123000),
    "type_ts_us": dt.datetime(2024, 2, 29, 12, 0, 0, 123456),
    "type_ts_ns": dt.datetime(2024, 2, 29, 12, 0, 0, 123456),
    "type_ts_utc": dt.datetime(2024, 2, 29, 12, 0, 0, 123456, dt.timezone.utc),
    "type_ts_tz": dt.datetime(2024, 2, 29, 12, tzinfo=dt.timezone.utc),
    "type_decimal": Decimal("123.4560000000"),
    "type_decimal256": Decimal("-1.50"),
    "type_null": None,
    "type_list": [1, None, 3],
    "type_list_str": ["a", ""],
    "type_nested_list": [[1], []],
    "type_struct": {"a": 1, "b": "x"},
    "type_map": {"k1": 1, "k2": 2},
    "type_dictionary": "dict",
    "type_fixed_list": [1, 2],
    "type_fixed_binary": b"\x01\x02",
    "type_now_type": 'Timestamp(Nanosecond, Some("+00:00"))',
    "error_overflow": -9223372036854775808,
    "error_trailing_semicolon": 1,
    "error_nul": "a\0b",
    "error_backslash": "a\\nb",
    "error_estring": "a\nb",
    "error_dollar": "a'b",
}


@of(list(VALUES))
def test_value_of_each_type(case: Case) -> None:
    [(value,)] = rows(case)
    # repr distinguishes 1, 1.0 and True, and datetime and date; NaN equals NaN.
    assert repr(value) == repr(VALUES[case.name])


def test_no_type_is_forgotten() -> None:
    answered = {n for n, e in INDEX.items() if n.startswith("type_") and "schema" in e}
    assert answered - VALUES.keys() == {"type_null_mix"}  # see test_rows


ODD = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 2.0**64, 2.0**53, 0.0]

ROWS: dict[str, list[tuple[Any, ...]]] = {
    "type_null_mix": [(1, "a", None), (2, None, 2.5), (None, "c", 3.5)],
    # The order of the service: by value within each time.
    "measures_odd": [("odd", "none", value) for value in ODD * 3],
    "property_get": [
        ("C:\\Games\\client.exe", "us-east", "1.4.1", 'it\'s "ok"', None),
        ("game-server", "eu-west", "1.4.2", None, None),
        ("worker", None, None, None, None),
    ],
    "duplicate_join_columns": [(1, 2)],
    "odd_names": [(1, 2, 3)],
    "schema_by_join": [(None, None, None)],
    "find_process_unknown": [],
}


@of(list(ROWS))
def test_rows(case: Case) -> None:
    assert repr(rows(case)) == repr(ROWS[case.name])


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(2026, 11, 23, 20, 39, *parts, tzinfo=dt.timezone.utc)


@of(["all_processes"])
def test_all_processes(case: Case) -> None:
    server = "5e289910-c90d-44d6-8cb2-570a36fc332c"
    client = "6b461cbd-84d2-41c8-b8ae-c18f52bfc0ab"
    worker = "17c4a5e7-4842-403a-902f-3693cdc7e800"
    columns = {
        "process_id": (server, client, worker),
        "exe": ("game-server", r"C:\Games\client.exe", "worker"),
        "username": ("svc", "zoë", "svc"),
        "realname": ("Service Account", "Zoë O'Neil", ""),
        "computer": ("node-01", "DESK-7", "node-02"),
        "distro": ("Debian GNU/Linux 12",) * 3,
        "cpu_brand": ("Example CPU @ 3.00GHz",) * 3,
        "tsc_frequency": (2596120000,) * 3,
        "start_time": (utc(30, 151842), utc(36, 327696), utc(38, 826507)),
        "start_ticks": (5499927669367, 5515960926817, 5522448141343),
        "insert_time": (utc(30, 173860), utc(36, 360859), utc(38, 849186)),
        "parent_process_id": ("", server, ""),
        "properties": (
            properties(("Build-Version", "1.4.2"), ("empty", ""), ("region", "eu-west")),
            properties(("region", "us-east"), ("quote", 'it\'s "ok"'), ("BUILD-VERSION", "1.4.1")),
            [],
        ),
    }
    assert [name for name, *_ in case.schema] == list(columns)
    assert rows(case) == list(zip(*columns.values(), strict=True))


def properties(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in pairs]


@of(["log_edge"])
def test_log_edge(case: Case) -> None:
    fetched = rows(case)
    assert fetched[:4] == [
        (utc(30, 152053), "app::edge", 4, ""),
        (utc(30, 152054), "app::edge", 4, " "),
        (utc(30, 152054), "", 4, "empty target"),
        (utc(30, 152054), "app::edge", 4, "NULL"),
    ]
    assert fetched[4] == (utc(30, 152056), "app::edge", 4, "x" * 5000)
    says = {
        "app::sql": "SELECT 1; DROP TABLE x /* comment */ WHERE a = ? AND b = :c AND d = $1",
        "app::unicode": "naïve café 数据 🚀 \u202ertl \\ back\\slash % _ ; -- not a comment",
        "app::multiline": "line one\nline two\ttabbed\r\nline three",
    }
    assert [row[3] for row in fetched[5:]] == [says[row[1]] for row in fetched[5:]]
    assert {row[1] for row in fetched[5:]} == says.keys()
    assert [row[0] for row in fetched] == sorted(row[0] for row in fetched)
    assert {row[2] for row in fetched} == {4}


@of(["range_event_point"])
def test_nanoseconds_in_rows(case: Case) -> None:
    midnight = 1795392000  # 2026-11-23T00:00:00Z
    event = (midnight + 20 * 3600 + 39 * 60 + 30) * 10**9 + 152_052_394
    assert case.request["begin"] == "2026-11-23T20:39:30.152052394Z"
    assert rows(case, timestamps="ns") == [(1, event, event)]
    assert rows(case) == [(1, utc(30, 152052), utc(30, 152052))]


# -- nothing is left out ---------------------------------------------------------------------------


def test_every_case_is_covered() -> None:
    covered = [*STATEMENTS, *ENDPOINTS, *FOREIGN]
    assert sorted(covered) == sorted(INDEX)
    assert len(covered) == 232


def test_every_answer_has_a_meaning() -> None:
    assert ERRORS.keys() == {name for name, entry in INDEX.items() if "schema" not in entry}
    assert SENTENCES.keys() <= ERRORS.keys()


def test_tables_name_statements() -> None:
    assert ASKED_OTHERWISE.keys() | REFUSED.keys() <= set(STATEMENTS)
    assert not ASKED_OTHERWISE.keys() & REFUSED.keys()
    for name in ASKED_OTHERWISE:  # otherwise it does not belong in the table
        begin_end = {key: INDEX[name]["request"].get(key, "missing") for key in ("begin", "end")}
        keys = INDEX[name]["request"].keys()
        assert begin_end != ASKED_OTHERWISE[name][1] or keys != {"sql", "begin", "end"}, name
