"""Faults of the JSON gateway: descriptions, truncated and stalled responses, credentials."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Any

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.service.knowledge import LIFETIME, PAUSE, Facts
from tests.clock import Clock
from tests.waiting import until
from tests.wire.described import answer
from tests.wire.replay import Answer, Server, replay

SQL = "SELECT time, level FROM some"
CHUNKED = {"transfer-encoding": "chunked"}
SCHEMA = pa.schema([("time", pa.timestamp("ns", "+00:00")), ("level", pa.int32())])
ROWS = Answer(body=b'[{"time":"2026-11-23T20:51:20Z","level":4},{"level":3}]')
DESCRIBED = Answer(body=answer(SCHEMA))
NOTHING = Answer(body=b"[]")
TYPES, UNTYPED = [SCHEMA.field(0).type, pa.int32()], [pa.string(), pa.int64()]


def connect(server: Server, **options: Any) -> mm.Connection:
    return mm.connect(f"gateway+{server.url}", **options)


def failure(*answers: Answer, **options: Any) -> mm.Error:
    with replay(*answers) as server, connect(server, **options) as connection:
        return failed(connection)


def failed(connection: mm.Connection) -> mm.Error:
    cursor = connection.cursor()
    with pytest.raises(mm.Error) as caught:
        cursor.execute(SQL).fetchall()
    assert caught.value.sql == SQL
    assert caught.value.query_id == cursor.query_id is not None
    return caught.value


def statements(server: Server) -> list[str]:
    return [json.loads(request.body)["sql"] for request in server.requests]


def types(connection: mm.Connection, sql: str = SQL) -> list[pa.DataType]:
    found: list[pa.DataType] = connection.execute(sql).fetch_arrow_table().schema.types
    return found


def tonic(code: str, text: str) -> Answer:
    words = f"Query execution error: Tonic error: code: '{code}', message: {json.dumps(text)}"
    return Answer(500, body=words.encode())


# -- when the columns are asked for ----------------------------------------------------------------


def test_columns_are_asked_for_once() -> None:
    """And again for a result without rows, which cannot show that they are outdated."""
    answers = ROWS, DESCRIBED, ROWS, NOTHING, DESCRIBED
    with replay(*answers) as server, connect(server) as connection:
        assert [types(connection) for _ in range(3)] == [TYPES] * 3
        describe = f"DESCRIBE {SQL}"
        assert statements(server) == [SQL, describe, SQL, SQL, describe]


@pytest.mark.parametrize(
    ("sql", "asked"),
    [
        ("SELECT 1 ; -- that is all", "SELECT 1"),
        ("-- first\nWITH a AS (SELECT 1 AS x) SELECT * FROM a", None),
        ("VALUES (1)", "VALUES (1)"),
        ("(SELECT 1)", "(SELECT 1)"),
        ("select 'DESCRIBE;' -- ;\n  ;;", "select 'DESCRIBE;'"),
    ],
)
def test_which_query_is_described(sql: str, asked: str | None) -> None:
    with replay(NOTHING, DESCRIBED) as server, connect(server) as connection:
        connection.execute(sql)
        assert statements(server) == [sql, f"DESCRIBE {asked or sql.partition(chr(10))[2]}"]


@pytest.mark.parametrize(
    "sql", ["SHOW TABLES", "DESCRIBE log_entries", "EXPLAIN SELECT 1", "/* */ DESC x"]
)
def test_other_statements_are_not_described(sql: str) -> None:
    with replay(Answer(body=b'[{"a":"x"}]')) as server, connect(server) as connection:
        assert types(connection, sql) == [pa.string()]
        assert statements(server) == [sql]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ('[{"a":true,"b":false}]', 1),
        ('[{"a":true},{"a":false}]', 1),
        ('[{"a":true},{}]', 2),
        ('[{"a":null}]', 2),
        ("[{}]", 2),
        ("[]", 2),
        ('[{"a":1}]', 2),  # may be a decimal
        ('[{"a":1.5}]', 2),
        ('[{"a":"x"}]', 2),
        ('[{"a":[]}]', 2),
        ('[{"a":[true]}]', 2),
        ('[{"a":{"b":true}}]', 2),
    ],
)
def test_rows_that_show_their_types_are_not_described(body: str, count: int) -> None:
    with replay(Answer(body=body.encode()), NOTHING) as server, connect(server) as connection:
        connection.execute(SQL)
        assert len(server.requests) == count


def test_the_range_is_that_of_the_query() -> None:
    with replay(ROWS, DESCRIBED) as server, connect(server) as connection:
        connection.cursor().execute(SQL, begin="2026-11-23T00:00:00Z", end="2026-11-24T00:00:00Z")
        sent = [json.loads(request.body) for request in server.requests]
    assert [one["time_range_begin"] for one in sent] == ["2026-11-23T00:00:00Z"] * 2
    assert [one["time_range_end"] for one in sent] == ["2026-11-24T00:00:00Z"] * 2


def test_no_rows_have_columns() -> None:
    with replay(NOTHING, DESCRIBED) as server, connect(server) as connection:
        cursor = connection.execute(SQL)
        assert [column.name for column in cursor.description or ()] == ["time", "level"]
        assert cursor.fetchall() == []


def test_the_latest_statements_are_kept() -> None:
    with replay(Answer(body=b'[{"a":1}]'), NOTHING) as server, connect(server) as connection:
        for number in range(200):
            connection.execute(f"SELECT {number}")
        before = len(server.requests)
        connection.execute("SELECT 199")
        connection.execute("SELECT 150")
        assert len(server.requests) == before + 2
        connection.execute("SELECT 1")
        assert len(server.requests) == before + 4
        long = f"SELECT '{'x' * 200_000}'"
        connection.execute(long)
        connection.execute(long)
        assert len(server.requests) == before + 8


# -- what may be wrong with it ---------------------------------------------------------------------

PLAN = Answer(body=b'[{"plan_type":"logical_plan","plan":"Projection"}]')
REFUSALS = {
    "not understood": tonic("Client specified an invalid argument", "SQL error: ParserError"),
    "not known": tonic("Operation is not implemented or not supported", "DESCRIBE"),
    "not allowed": tonic(
        "The caller does not have permission to execute the specified operation", ""
    ),
    "internal": tonic("Internal error", "Internal error: a bug"),
    "too large": Answer(400, body=b"SQL query too large: 1048580 bytes (max: 1048576 bytes)"),
    "a plan": PLAN,
    "nothing": NOTHING,
    "a proxy's no": Answer(403, body=b"not by me"),
    "not found": Answer(404),
    "some failure": Answer(500),
    "other columns": Answer(body=answer(pa.schema([("x", pa.int8()), ("level", pa.int8())]))),
    "fewer columns": Answer(body=answer(SCHEMA.remove(0))),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_service_that_does_not_describe(refusal: str) -> None:
    """The result arrives anyway, with inferred types."""
    with replay(ROWS, REFUSALS[refusal], ROWS) as server, connect(server) as connection:
        assert types(connection) == UNTYPED
        assert len(server.requests) == 2
        assert connection.execute(SQL).fetchall() == [("2026-11-23T20:51:20Z", 4), (None, 3)]


@pytest.mark.parametrize("refusal", [each for each in REFUSALS if "columns" not in each])
def test_a_service_that_refuses_is_not_asked_again_at_once(refusal: str) -> None:
    """But soon, because it may have been upgraded."""
    clock = Clock()
    answers = ROWS, REFUSALS[refusal], ROWS, ROWS, ROWS, DESCRIBED
    with replay(*answers) as server, connect(server) as connection:
        connection.transport._types = Facts(128, clock)  # type: ignore[attr-defined]
        assert [types(connection), types(connection)] == [UNTYPED] * 2
        clock.now += PAUSE - 1
        assert types(connection) == UNTYPED
        assert len(server.requests) == 4
        clock.now += 1
        assert types(connection) == TYPES
        assert len(server.requests) == 6


def test_types_are_asked_for_again_after_a_while() -> None:
    """Nothing shows that numbers of another type are sent as these were."""
    clock = Clock()
    small, large = (
        Answer(body=answer(pa.schema([("n", kind)]))) for kind in (pa.int32(), pa.int64())
    )
    rows = Answer(body=b'[{"n":1}]')
    with replay(rows, small, rows, rows, large, rows) as server, connect(server) as connection:
        connection.transport._types = Facts(128, clock)  # type: ignore[attr-defined]
        assert [types(connection), types(connection)] == [[pa.int32()]] * 2
        clock.now += LIFETIME
        assert [types(connection), types(connection)] == [[pa.int64()]] * 2
        assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        ("a proxy's no", TYPES),
        ("some failure", TYPES),
        ("not understood", UNTYPED),
        ("a plan", UNTYPED),
    ],
)
def test_a_service_that_refuses_what_it_described_before(
    refusal: str, expected: list[pa.DataType]
) -> None:
    """A failure on the way does not change the types; the engine's rejection does."""
    clock = Clock()
    answers = ROWS, DESCRIBED, ROWS, REFUSALS[refusal], ROWS
    with replay(*answers) as server, connect(server) as connection:
        connection.transport._types = Facts(128, clock)  # type: ignore[attr-defined]
        assert types(connection) == TYPES
        clock.now += LIFETIME
        assert [types(connection), types(connection)] == [expected] * 2
        assert len(server.requests) == 5


LUCK: dict[str, tuple[Answer, str]] = {
    "overloaded": (Answer(503, body=b"busy"), "returned status 503"),
    "no gateway": (Answer(502), "returned status 502"),
    "too many": (Answer(429), "returned status 429"),
    "too slow": (Answer(408), "returned status 408"),
    "gone": (Answer(drop=True), "no response from 127.0.0.1"),
    "cut": (Answer(body=DESCRIBED.body, cut_after=30), "the response was truncated after 30"),
    "cut chunk": (
        Answer(200, CHUNKED, DESCRIBED.body, cut_after=30),
        "the response was truncated after",
    ),
    "no JSON": (Answer(body=b"[{]"), "is damaged"),
    "stalled": (Answer(body=b"[]", body_delay=60), "the response stalled"),
    "late": (Answer(delay=60), "no response from 127.0.0.1"),
    "refused": (Answer(401), "credentials are missing or refused"),
    "no token": (
        tonic("The request does not have valid authentication credentials", "invalid token"),
        "credentials are missing or refused",
    ),
    "unavailable": (tonic("The service is currently unavailable", "x"), "cannot be reached"),
    "memory": (tonic("Some resource has been exhausted", "x"), "does not have the resources"),
    "deadline": (
        tonic("Deadline expired before operation could complete", "x"),
        "was not complete",
    ),
}


@pytest.mark.parametrize("what", LUCK)
def test_types_are_no_matter_of_luck(what: str) -> None:
    """Transient failures are errors; otherwise the type of a column would depend on them."""
    bad, words = LUCK[what]
    timeout = 2 if bad.body_delay or bad.delay else 30
    answers = ROWS, bad, ROWS, DESCRIBED
    with replay(*answers) as server, connect(server, timeout=timeout) as connection:
        found = failed(connection)
        assert type(found) is mm.OperationalError
        assert words in str(found)
        assert types(connection) == TYPES


def test_what_is_kept_may_be_out_of_date() -> None:
    """A view has a new column: the columns are described again."""
    wider = SCHEMA.append(pa.field("msg", pa.string()))
    more = Answer(body=b'[{"level":4,"msg":"x"}]')
    answers = [ROWS, DESCRIBED, more, Answer(body=answer(wider)), more]
    with replay(*answers) as server, connect(server) as connection:
        assert types(connection) == TYPES
        assert types(connection) == wider.types
        assert types(connection) == wider.types
        assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("value", "asked_again"),
    [
        ("2026-01-01T00:00:00Z", True),
        ("12:30:00", True),
        ("-12.50", True),
        ("deadbeef", True),
        ("", True),
        ("1 days 2 hours", True),
        ("connected to tcp://host:1", False),
        ("Küstenstadt", False),
    ],
)
def test_strings_that_may_be_of_another_type_by_now(value: str, asked_again: bool) -> None:
    """What was a column of strings may be one of times: nothing else would show it."""
    rows = Answer(body=json.dumps([{"a": None}, {"a": value}]).encode())
    string = Answer(body=answer(pa.schema([("a", pa.string())])))
    with replay(rows, string, rows, string) as server, connect(server) as connection:
        for _ in range(2):
            assert connection.execute("SELECT a FROM v").fetchall() == [(None,), (value,)]
        assert len(server.requests) == (4 if asked_again else 3)


def test_values_of_another_type_than_was_said() -> None:
    """The columns are described again; an error if the values do not match that either."""
    texts = Answer(body=b'[{"time":"2026-11-23T20:51:20Z","level":"high"}]')
    now = Answer(body=answer(SCHEMA.set(1, pa.field("level", pa.string()))))
    with replay(ROWS, DESCRIBED, texts, now) as server, connect(server) as connection:
        assert types(connection) == TYPES
        assert types(connection) == [SCHEMA.field(0).type, pa.string()]
    with replay(ROWS, DESCRIBED, texts, DESCRIBED, texts, now) as server:
        connection = connect(server)
        assert types(connection) == TYPES
        found = failed(connection)
        assert type(found) is mm.OperationalError
        assert (
            "does not match its description by the service: column 'level': unexpected value 'high'"
            in str(found)
        )
        assert found.status == 200
        assert types(connection) == [SCHEMA.field(0).type, pa.string()]
        connection.close()


def test_which_of_two_columns_is_null_cannot_be_told() -> None:
    twins = pa.schema([("a", pa.int64()), ("a", pa.int64())])
    found = failure(Answer(body=b'[{"a":1}]'), Answer(body=answer(twins)))
    assert type(found) is mm.DataError
    assert "JSON does not show which: give the columns different names in the statement" in str(
        found
    )


def test_a_type_that_is_not_known_is_what_the_values_show() -> None:
    said = json.loads(answer(SCHEMA))
    said[1]["data_type"] = "Novel(Type)"
    told = Answer(body=json.dumps(said).encode())
    with replay(ROWS, told) as server, connect(server) as connection:
        assert types(connection) == [SCHEMA.field(0).type, pa.int64()]


# -- bodies ----------------------------------------------------------------------------------------

BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a JSON array of rows but begins with b''"),
    "a page": (
        b"<html><body>an app</body></html>",
        "is this a Micromegas gateway, and is the path",
    ),
    "an object": (
        b'{"status":"healthy"}',
        'not a JSON array of rows but begins with b\'{"status":',
    ),
    "numbers": (b"[1,2]", "is damaged: it is not an array of objects"),
    "arrays": (b"[[]]", "is damaged: it is not an array of objects"),
    "ends early": (b'[{"a":1}', "of 8 bytes, is damaged"),
    "trailing": (b"[] []", "is damaged"),
    "no utf-8": (b'[{"a":"\xff"}]', "is damaged"),
    "NaN": (b'[{"a":NaN}]', "is damaged: NaN is not JSON"),
    "deep": (b"[" * 200_000, "is damaged"),
    "mixed": (
        b'[{"a":1},{"a":"x"}]',
        "does not match its description by the service: it has values of",
    ),
    "surrogate": (
        b'[{"a":"\\ud800"}]',
        "does not match its description by the service: column 'a'",
    ),
}


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_no_rows(what: str) -> None:
    body, words = BODIES[what]
    found = failure(Answer(body=body), NOTHING)
    assert type(found) is mm.OperationalError
    assert words in str(found)
    assert len(str(found)) < 400
    assert found.status == 200


@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_cut_body(headers: dict[str, str], share: float) -> None:
    body = ROWS.body
    found = failure(Answer(200, headers, body, cut_after=int(len(body) * share)))
    assert type(found) is mm.OperationalError
    assert "the response was truncated after" in str(found)
    assert (found.status, found.retryable) == (200, None)


@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["length", "chunked"])
def test_gzip(headers: dict[str, str]) -> None:
    packed = Answer(200, {**headers, "content-encoding": "gzip"}, gzip.compress(ROWS.body))
    with replay(packed, DESCRIBED) as server, connect(server) as connection:
        assert types(connection) == TYPES
        assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


# -- what errors mean ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "text", "kind", "words"),
    [
        (400, "time_range_begin must be ..", mm.ProgrammingError, "gateway rejected the request"),
        (400, "Error during planning: no table", mm.ProgrammingError, "the query failed: Error d"),
        (400, "Arrow error: Divide by zero error", mm.DataError, "the query failed: Arrow error"),
        (401, "invalid token", mm.OperationalError, "credentials are missing or refused"),
        (403, "not you", mm.OperationalError, "the credentials do not allow this"),
        (422, "missing field", mm.OperationalError, "returned status 422: missing field"),
        (500, "Query failed: Arrow error: Divide by zero error", mm.DataError, "the query failed:"),
        (500, "Query execution error: x", mm.OperationalError, "returned status 500: Query"),
        (
            500,
            "Failed to serialize results: Json error: Only UTF8 keys supported by JSON MapArray",
            mm.NotSupportedError,
            "responds in JSON, which cannot represent the result: Json error: Only UTF8 keys",
        ),
        (503, "Failed to connect to FlightSQL: x", mm.OperationalError, "down or overloaded"),
        (302, "", mm.OperationalError, "it redirects to ?"),
    ],
)
def test_error(status: int, text: str, kind: type[mm.Error], words: str) -> None:
    found = failure(Answer(status, body=text.encode()))
    assert type(found) is kind
    assert words in str(found)
    assert found.status == status
    assert found.retryable is (status == 503)
    assert str(found.__cause__) == text or not text


# -- time, and giving up ---------------------------------------------------------------------------


def test_a_stall() -> None:
    found = failure(Answer(body=b"[]", body_delay=60), timeout=1)
    assert "the response stalled: no data for 1 s" in str(found)


@pytest.mark.parametrize("slow", [0, 1], ids=["query", "describe"])
def test_the_total_time(slow: int) -> None:
    answers = [ROWS, DESCRIBED]
    answers[slow] = Answer(delay=60)
    found = failure(*answers, timeout=mm.Timeout(total=0.2))
    assert type(found) is mm.OperationalError
    assert "was not complete within 0.2 s" in str(found)


@pytest.mark.parametrize("slow", [0, 1], ids=["query", "describe"])
def test_cancel_ends_a_wait(slow: int) -> None:
    answers = [ROWS, DESCRIBED]
    answers[slow] = Answer(delay=60)
    with replay(*answers) as server, connect(server) as connection:
        cursor = connection.cursor()
        raised: list[BaseException] = []

        def ask() -> None:
            try:
                cursor.execute(SQL)
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: len(server.requests) > slow)
        cursor.cancel()
        thread.join(50)
    [error] = raised
    assert type(error) is mm.OperationalError
    assert str(error) == "the query was cancelled"


def test_cancelled_behind_its_end() -> None:
    with replay(ROWS, DESCRIBED, ROWS) as server, connect(server) as connection:
        cursor = connection.execute(SQL)
        cursor.cancel()
        with pytest.raises(mm.OperationalError, match="the query was cancelled"):
            cursor.fetchall()
        assert len(connection.execute(SQL).fetchall()) == 2
        assert len({request.port for request in server.requests}) == 1  # no socket was shut down


# -- who asks --------------------------------------------------------------------------------------

NO_TOKEN = "The request does not have valid authentication credentials"


class Tokens:
    """A provider that returns a different token each time."""

    def __init__(self) -> None:
        self.given = 0

    def get_token(self) -> str:
        self.given += 1
        return f"token-{self.given}"


@pytest.mark.parametrize("refusal", [Answer(401), tonic(NO_TOKEN, "invalid token")])
@pytest.mark.parametrize("behind", [0, 1], ids=["query", "describe"])
def test_a_refused_token_is_asked_for_anew(refusal: Answer, behind: int) -> None:
    answers = [ROWS, DESCRIBED]
    answers.insert(behind, refusal)
    with replay(*answers) as server, connect(server, auth=Tokens()) as connection:
        assert types(connection) == TYPES
        sent = [request.headers["authorization"] for request in server.requests]
    assert sent == [f"Bearer token-{number}" for number in (1, 2, 3)]


@pytest.mark.parametrize("refusal", [Answer(401), tonic(NO_TOKEN, "invalid token")])
@pytest.mark.parametrize("options", [{}, {"token": "abc"}, {"auth": Tokens()}])
def test_refused_for_good(refusal: Answer, options: dict[str, Any]) -> None:
    with replay(refusal) as server, connect(server, **options) as connection:
        found = failed(connection)
        assert len(server.requests) == (2 if "auth" in options else 1)
    assert type(found) is mm.OperationalError
    assert "credentials are missing or refused" in str(found)
    assert found.status in (401, "UNAUTHENTICATED")


def test_headers() -> None:
    with replay(ROWS, DESCRIBED) as server:
        with connect(server, headers={"X-Client-Type": "report"}) as connection:
            connection.execute(SQL)
        sent = server.requests
    assert sent[0].headers.get_all("x-client-type") == ["report"]
    assert sent[0].headers["x-client-session"] == sent[1].headers["x-client-session"] is not None


# -- the rest of the protocol ----------------------------------------------------------------------


def test_describe() -> None:
    with replay(DESCRIBED, ROWS) as server, connect(server) as connection:
        described = connection.cursor().describe(SQL)
        assert [column.type_code.arrow_type for column in described] == TYPES
        assert types(connection) == TYPES  # from the cache
        assert statements(server) == [f"DESCRIBE {SQL}", SQL]


def test_describe_of_other_statements() -> None:
    with replay(Answer(body=b'[{"a":"x"}]')) as server, connect(server) as connection:
        assert [column.name for column in connection.cursor().describe("SHOW TABLES")] == ["a"]
        assert statements(server) == ["SHOW TABLES"]


@pytest.mark.parametrize("told", [PLAN, NOTHING], ids=["a plan", "nothing"])
def test_a_service_that_cannot_describe_says_so(told: Answer) -> None:
    with replay(told) as server, connect(server) as connection:
        with pytest.raises(mm.NotSupportedError, match="does not return the schema") as caught:
            connection.cursor().describe(SQL)
    assert caught.value.sql == SQL
    assert caught.value.query_id is not None


def test_an_error_in_what_is_described() -> None:
    refusal = tonic("Client specified an invalid argument", "Error during planning: no table")
    with replay(refusal) as server, connect(server) as connection:
        with pytest.raises(mm.ProgrammingError, match="Error during planning: no table"):
            connection.cursor().describe(SQL)


def names(*found: str) -> Answer:
    return Answer(body=json.dumps([{"table_name": name} for name in found]).encode())


@pytest.mark.parametrize(
    ("told", "generation"),
    [
        (names("log_entries", "log_stats"), "0.13"),
        (names("log_entries"), "0.2"),
        (tonic("Client specified an invalid argument", "Error during planning: no table"), "0.2"),
    ],
)
def test_service(told: Answer, generation: str) -> None:
    with replay(told) as server, connect(server) as connection:
        service = connection.service
        assert (service.wire, service.generation, service.views) == ("gateway", generation, None)
        [sql] = statements(server)
    assert "information_schema.tables" in sql


def test_service_that_cannot_be_asked() -> None:
    with replay(Answer(503)) as server, connect(server) as connection:
        with pytest.raises(mm.OperationalError, match="status 503"):
            _ = connection.service


def test_threads() -> None:
    with replay(ROWS, DESCRIBED, ROWS) as server, connect(server) as connection:
        expected = connection.execute(SQL).fetchall()
        found: list[list[Any]] = []

        def ask() -> None:
            for _ in range(5):
                found.append(connection.execute(SQL).fetchall())

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [expected] * 40
    assert len(server.requests) == 42
