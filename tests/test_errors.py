"""What a service says, and the exception it becomes: judged by every error that was recorded."""

from __future__ import annotations

import builtins
import json
import pickle
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from datafusion import SessionContext
from hypothesis import example, given
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.errors import ServiceMessage, from_service
from tests.wire import recordings
from tests.wire.recordings import cases, index

Wire = Callable[[str], Path]

# ---- Every recorded error -----------------------------------------------------------------------

# The same case fails for the same reason on every service that has it.
EXPECTED: dict[type[mm.DatabaseError], str] = {
    mm.ProgrammingError: """
        error_syntax error_syntax_end end_bare error_end_unquoted error_recursion
        error_unterminated error_unterminated_ident error_empty error_blank error_comment_only
        error_unknown_table error_unknown_schema error_unknown_column error_unknown_function
        error_ambiguous error_group_by error_type_mismatch error_property_args duplicate_columns
        error_insert error_limit_negative error_placeholder error_qmark
        error_show_tables error_show_columns error_information_schema
        error_view_name error_view_id error_view_unknown_id error_view_args error_view_param
        error_view_upper query_view_unknown query_view_other_table query_view_property_get
        range_begin_only range_end_only range_naive range_garbage header_empty_range spans_no_range
        find_process_bad find_process_missing query_streams_unbounded query_streams_half_range
        wire_empty_body wire_not_cbor wire_json_body wire_truncated_cbor wire_no_sql
        wire_sql_number ticket_empty get_statement
        coerced_empty_union coerced_greatest_mixed coerced_jsonb_keys coerced_union_duration
    """,
    mm.NotSupportedError: """
        error_two_statements error_update error_delete error_begin error_prepare
        type_duration type_duration_s type_interval type_ts_diff coerced_recursive
    """,
    mm.DataError: """
        error_division error_division_rows error_cast error_cast_rows error_timestamp_cast
        error_subquery perfetto
        coerced_union_int coerced_union_float coerced_union_text coerced_union_text_dictionary
        coerced_union_distinct coerced_union_in_cte coerced_case_int coerced_case_float
        coerced_case_text coerced_case_dictionary coerced_unsigned
    """,
}
CLASSES = {case: kind for kind, listed in EXPECTED.items() for case in listed.split()}
# 0.2.3 finds this while it plans, 0.30 while it runs.
PROPERTY_TYPE = {"0.2.3": mm.ProgrammingError, "0.30": mm.DataError}
# FlightSQL 0.2.3 has nothing but `Error executing plan` for these.
MUTE = {"error_update", "error_delete", "error_prepare", "error_view_unknown_id"} | {
    *("error_limit_negative", "spans_no_range")
}
# How many errors each recording has.
RECORDINGS = {
    "http-0.2.3": 70,
    "http-0.2.3-mixed": 16,
    "flight-0.2.3": 48,
    "flight-0.30": 70,
    "gateway-0.30": 37,
    "web-0.30": 39,
}


def recorded(wire: Wire, name: str) -> Iterator[tuple[str, str]]:
    """The cases of a recording that carry an error text of the engine or of the query service."""
    if name.startswith("flight"):
        # The others are FlightSQL's own: refused credentials, calls that are not implemented.
        ours = re.compile(r"error (building|creating) |Error executing plan|Unable to parse query")
        for entry in index(name):
            if entry["code"] != "OK" and ours.match(entry["details"]):
                yield entry["name"].removeprefix("prepare_"), entry["details"]
        return
    for case in cases(wire(name)):
        body = case.body.decode(errors="replace")
        if name.startswith("http"):
            if case.status == 500:
                yield case.name.removeprefix("backtrace_"), body
        elif (text := wrapped(body)) is not None and text != "invalid token":
            yield case.name, text


def wrapped(body: str) -> str | None:
    """The engine's text, which gateway and web service quote as Rust does, the latter in JSON."""
    if (at := body.find('{"type":"error"')) >= 0:
        body = json.loads(body[at:].partition("\n")[0])["message"]
    match = re.search(r'message: "((?:[^"\\]|\\.)*)"', body, re.DOTALL)
    if match is None:
        return None
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), match[1])


def expected(recording: str, case: str) -> type[mm.DatabaseError]:
    service, _, version = recording.partition("-")
    if (service, version) == ("flight", "0.2.3") and case in MUTE:
        return mm.DatabaseError
    return PROPERTY_TYPE[version] if case == "error_property_type" else CLASSES[case]


@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_class_of_every_recorded_error(wire: Wire, recording: str) -> None:
    found = [(case, type(from_service(text))) for case, text in recorded(wire, recording)]
    assert found == [(case, expected(recording, case)) for case, _ in found]
    assert len(found) == RECORDINGS[recording]


def test_no_case_of_the_table_is_made_up(wire: Wire) -> None:
    seen = {case for recording in RECORDINGS for case, _ in recorded(wire, recording)}
    assert seen == {*CLASSES, "error_property_type"}


@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_text_of_every_recorded_error(wire: Wire, recording: str) -> None:
    """Our sentence first, the engine's words, no backtrace; the whole text is the cause."""
    for case, text in recorded(wire, recording):
        error = from_service(text, sql="SELECT 1", query_id="q", status=500)
        message = str(error)
        assert message.isprintable() or "\n" in message, case
        assert "Stack backtrace" not in message, case
        assert "<unknown>" not in message, case
        assert "Caused by" not in message or recording != "http-0.2.3", case
        assert not message.endswith((" ", "\n", ":")), case
        assert isinstance(error.__cause__, ServiceMessage), case
        assert str(error.__cause__) == text, case
        ids = set(re.findall(r"\(query_id=([0-9a-f-]{36})\)", text)) or {"q"}
        assert {error.query_id} == ids, case
        assert "query_id=" not in message, case
        assert (error.sql, error.status) == ("SELECT 1", 500), case
        assert error.retryable is False, case  # it would fail again, even with a 500


def test_a_backtrace_makes_no_difference(wire: Wire) -> None:
    """A service with RUST_BACKTRACE=1 appends some thirty lines to the same words."""
    failed = [case for case in cases(wire("http-0.2.3")) if case.status == 500]
    bodies = {case.name: case.body.decode() for case in failed}
    compared = 0
    for name, body in bodies.items():
        if name.startswith("backtrace_"):
            assert "Stack backtrace" in body
            plain = from_service(bodies[name.removeprefix("backtrace_")])
            assert str(from_service(body)) == str(plain)
            compared += 1
    assert compared == 6


# ---- The words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("error_division", "the query failed: Arrow error: Divide by zero error"),
        (
            "error_unknown_function",
            "the query failed: Error during planning: Invalid function 'nope'.\n"
            "Did you mean 'now'?",
        ),
        (
            "error_view_id",
            "the query failed: Error during planning: error making view Uuid::parse_str: invalid "
            "character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], "
            "found `n` at 1",
        ),
        (
            "spans_no_range",
            "thread_spans needs a time range: use --begin/--end (command line), begin=/end= "
            '(Python) or a condition on begin and "end" (the query engine reported: External '
            "error: query range mandatory for thread spans view)",
        ),
        (
            "type_duration",
            "this protocol returns Parquet, which has no durations: cast the column to BIGINT "
            "(nanoseconds) in the statement (the query engine reported: Arrow: Converting "
            "Duration to parquet not supported)",
        ),
        (
            "error_view_unknown_id",
            "no process or stream has this id (the query engine reported: External error: "
            "find_process: select from processes: no rows returned by a query that expected to "
            "return at least one row)",
        ),
    ],
)
def test_the_message(wire: Wire, case: str, words: str) -> None:
    assert str(from_service(dict(recorded(wire, "http-0.2.3"))[case])) == words


PARQUET = (
    "the column '{}' contains {}, but the service planned {} and cannot write it: it takes the "
    "type of a CASE from the first branch and that of a UNION from the first query; CAST these, or "
    "the whole expression, to the type you want (the query engine reported: Arrow: Incompatible "
    "type. Field '{}' has type {}, array has type {})"
)


@pytest.mark.parametrize(
    ("text", "column", "told", "came"),
    [
        ("coerced_case_int", "c", "Int32", "Int64"),
        ("coerced_case_dictionary", "c", "Utf8", "Dictionary(Int16, Utf8)"),
        ("coerced_union_float", "level", "Int32", "Float64"),
        ("coerced_unsigned", "c", "UInt32", "Int64"),
        ("it's, array has type", "it's, array has type", "Int32", "Utf8"),
        ("a' has type Int64", "a' has type Int64", "Int32", "Utf8"),
        ("two\nlines", "two\nlines", 'Timestamp(Nanosecond, Some("+00:00"))', "Int64"),
    ],
)
def test_the_message_of_mixed_types(
    wire: Wire, text: str, column: str, told: str, came: str
) -> None:
    """Parquet, on the oldest wire, where the types of the rows are not those of the plan."""
    texts = dict(recorded(wire, "http-0.2.3-mixed"))
    words = f"Arrow: Incompatible type. Field '{column}' has type {told}, array has type {came}"
    found = from_service(texts.get(text) or f"query\n\nCaused by:\n    {words}")
    assert type(found) is mm.DataError
    assert str(found) == PARQUET.format(column, came, told, column, told, came)


PLANS = (
    "it takes the type of a CASE from the first branch and that of a UNION from the first query; "
    "CAST these, or the whole expression, to the type you want"
)


@pytest.mark.parametrize(
    ("where", "name", "sentence"),
    [
        (
            "flight-0.30-mixed",
            "coerced_union_text",
            "not all values of the column 'c' can have the type that the service planned: ",
        ),
        (
            "flight-0.30-mixed",
            "dict_coerced_case_dictionary",
            "the column 'c' has another type than the service planned: ",
        ),
        (
            "web-0.30-mixed",
            "coerced_case_text",
            "the rows have another type than the service planned, so the web app cannot read "
            "them: ",
        ),
    ],
)
def test_rows_that_are_not_of_the_planned_type(
    wire: Callable[[str], Path], where: str, name: str, sentence: str
) -> None:
    """As the newest services say it."""
    entry = next(e for e in recordings.index(where) if e["name"] == name)
    if where.startswith("web"):
        body = recordings.case(wire(where), name).body
        text = json.loads(body[body.rindex(b'{"type":"error"') :])["message"]
    else:
        text = entry["details"]
    found = from_service(text)
    assert type(found) is mm.DataError
    assert str(found).startswith(f"{sentence}{PLANS} (the query engine reported: ")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        # As the engines 43 to 55 say it, where no service was recorded saying it.
        ("Resources exhausted: Failed to allocate 9 bytes for X[1]", mm.OperationalError),
        ("External error: Resources exhausted: Failed", mm.OperationalError),
        ("Optimizer rule 'x_y' failed\ncaused by\nResources exhausted: x", mm.OperationalError),
        ("Memory Exhausted while Sorting (DiskManager is disabled)", mm.OperationalError),
        ("Object Store error: Object at location x not found", mm.OperationalError),
        ("Parquet error: EOF: file size of 31 is less than footer", mm.OperationalError),
        ("IO error: No space left on device (os error 28)", mm.OperationalError),
        ("DataFusion error: Arrow error: Divide by zero error", mm.DataError),
        ("External error: Arrow error: Divide by zero error", mm.DataError),
        ("ArrowError(DivideByZero, None)", mm.DataError),
        ("Arrow error: Arithmetic overflow: Overflow happened on: 1 + 2", mm.DataError),
        ("Arrow error: Compute error: bad", mm.DataError),
        ("Arrow error: Parser error: Error parsing timestamp from 'x'", mm.DataError),
        ("Execution error: repeat is too large", mm.DataError),
        ("timestamp is out of range", mm.DataError),
        ('SQL(ParserError("Expected: an expression"), None)', mm.ProgrammingError),
        ("Plan(\"table 'x' not found\")", mm.ProgrammingError),
        ("SchemaError(FieldNotFound { field: x })", mm.ProgrammingError),
        ("type_coercion\ncaused by\nError during planning: Cannot coerce", mm.ProgrammingError),
        ("Execution error: Placeholder '$1' was not provided a value", mm.ProgrammingError),
        ('NotImplemented("x")', mm.NotSupportedError),
        ("Error during planning: DDL not supported: CreateView", mm.ProgrammingError),
        ("Internal error: Failed to downcast", mm.InternalError),
        ("Something that nobody has seen", mm.DatabaseError),
        ("", mm.DatabaseError),
    ],
)
def test_texts_that_were_not_recorded(text: str, kind: type[mm.DatabaseError]) -> None:
    assert type(from_service(text)) is kind


# ---- Hostile texts ------------------------------------------------------------------------------

# A message quotes the user's own values and names. They decide nothing.
PHRASES = [
    "This feature is not implemented: x",
    "Resources exhausted",
    "Resources exhausted: Failed to allocate",
    "Memory Exhausted",
    "Object Store error: x",
    "Parquet error: x",
    "External error: Resources exhausted: x",
    "DDL not supported: x",
    "Arrow error: Divide by zero error",
    "Divide by zero error",
    "Cast error: x",
    "out of range",
    "SQL error: ParserError(x)",
    "ParserError(x",
    "Error during planning: x",
    "Schema error: x",
    "Internal error: x",
    "Execution error: x",
    "Arrow: Incompatible type. Field c has type Int32, array has type Int64",
    "query range mandatory for thread spans view",
    "Arrow: Converting Duration to parquet not supported",
    "find_process: no rows returned by a query that expected to return at least one row",
    "x\n\nCaused by:\n    0: Resources exhausted: y",
    "x\n\nCaused by:\n    Resources exhausted: y",
    "x\ncaused by\nResources exhausted: y",
    "\nStack backtrace:\n   0: y",
]
HOSTILE = [
    ("SELECT CAST({text} AS INT)", mm.DataError),
    ("SELECT {text}::timestamp", mm.DataError),
    ("SELECT CAST(x AS INT) FROM (VALUES ({text})) AS t(x)", mm.DataError),
    ("SELECT * FROM {name}", mm.ProgrammingError),
    ("SELECT {name} FROM (VALUES (1)) AS t(x)", mm.ProgrammingError),
    ("SELECT {name}(1)", mm.ProgrammingError),
    ("SELECT arrow_cast(1, {text})", mm.DataError),
    ("SELECT date_trunc({text}, now())", (mm.DataError, mm.ProgrammingError)),
    ("SELECT 1 + {text}", (mm.DataError, mm.ProgrammingError)),
    ("SELECT 1 1 {name}", mm.ProgrammingError),
]


def engine_error(sql: str) -> str:
    """What the real engine says."""
    with pytest.raises(Exception) as caught:
        SessionContext().sql(sql).collect()
    return str(caught.value)


def chained(text: str) -> str:
    """The same, as a service of 0.2.3 sends it: a chain, continued lines indented."""
    lines = text.replace("\n", "\n       ")
    return f"query\n\nCaused by:\n    0: lakehouse::query::query\n    1: {lines}"


@pytest.mark.parametrize(("template", "kind"), HOSTILE, ids=[template for template, _ in HOSTILE])
@pytest.mark.parametrize("phrase", PHRASES)
def test_quoted_text_never_decides_the_class(
    template: str, kind: type[mm.DatabaseError] | tuple[type[mm.DatabaseError], ...], phrase: str
) -> None:
    text = engine_error(template.format(text=f"'{phrase}'", name=f'"{phrase}"'))
    error, sent = from_service(text), from_service(chained(text))
    assert isinstance(error, kind), text
    assert type(sent) is type(error), text
    for shown in (error, sent):
        assert str(shown).startswith("the query failed: "), text  # and no advice


@example("a\n\nCaused by:\n    0: ")
@example("\n\nCaused by:\n")
@example("Optimizer rule 'x' failed\ncaused by\n")
@given(
    text=st.text() | st.lists(st.sampled_from([*PHRASES, "\n", " ", ": ", "    0: "])).map("".join)
)
def test_any_text_becomes_an_error(text: str) -> None:
    error = from_service(text)
    assert isinstance(error, mm.DatabaseError)
    assert str(error)
    assert str(error.__cause__) == text


def test_long_texts_take_no_time() -> None:
    pieces = ["a", "\n", " ", "a\n", "\ncaused by\n", "External error: ", "    0: x\n"]
    pieces += ["\n\nCaused by:\n    0: a", "\nStack backtrace:\n   0: x\n", "   at x\n", "\t\n "]
    before = time.process_time()
    for piece in pieces:
        for head in ("", "x\n\nCaused by:\n    0: ", "\nStack backtrace:\n"):
            from_service(head + piece * 4000)
    assert time.process_time() - before < 10


# ---- The tree -----------------------------------------------------------------------------------

TREE = {
    "Warning": builtins.Exception,
    "Error": builtins.Exception,
    "InterfaceError": mm.Error,
    "DatabaseError": mm.Error,
    "DataError": mm.DatabaseError,
    "OperationalError": mm.DatabaseError,
    "IntegrityError": mm.DatabaseError,
    "InternalError": mm.DatabaseError,
    "ProgrammingError": mm.DatabaseError,
    "NotSupportedError": mm.DatabaseError,
}


@pytest.mark.parametrize(("name", "base"), TREE.items())
def test_the_tree_is_that_of_pep_249(name: str, base: type[BaseException]) -> None:
    kind = getattr(mm, name)
    assert kind.__bases__ == (base,)
    assert kind.__name__ == name
    assert getattr(mm.Connection, name) is kind


ERRORS = [name for name in TREE if name != "Warning"]


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_pickling(name: str, protocol: int) -> None:
    error = getattr(mm, name)("what", sql="SELECT 1", query_id="q", status=503, retryable=True)
    error.__cause__ = ServiceMessage("whole text")
    error.note = "the user's own"
    copy = pickle.loads(pickle.dumps(error, protocol))
    assert type(copy) is type(error)
    assert copy.args == ("what",)
    assert str(copy) == "what"
    assert vars(copy) == vars(error)
    assert (copy.sql, copy.query_id, copy.status, copy.retryable) == ("SELECT 1", "q", 503, True)
    assert type(copy.__cause__) is ServiceMessage
    assert str(copy.__cause__) == "whole text"


def test_other_causes_stay_behind() -> None:
    """A socket's error may not pickle at all."""
    error = mm.OperationalError("cut")
    error.__cause__ = OSError(lambda: None)
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == "cut"
    assert copy.__cause__ is None


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_knows_nothing_by_default(name: str) -> None:
    error = getattr(mm, name)()
    assert (error.sql, error.query_id, error.status, error.retryable) == (None, None, None, None)
    assert str(error) == ""


def test_a_recorded_error_survives_pickling(wire: Wire) -> None:
    for case, text in recorded(wire, "http-0.2.3"):
        error = from_service(text, sql="SELECT 1", query_id="q", status=500)
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), copy.args, vars(copy)) == (type(error), error.args, vars(error)), case
        assert str(copy.__cause__) == text, case
