"""The local service's gateway responds like the real one: every recorded request."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from micromegas_dbapi.server import LocalService
from micromegas_dbapi.server.gateway import row_json
from tests.server.recent_services import DIFFERENT, check_texts, serving
from tests.wire.recordings import Case, case, index, names

Wire = Callable[[str], Path]
WIRE, DATA = "gateway-0.30", "flight-0.30"
# The service required credentials in these recordings; the local service never does.
CASES = [name for name in names(WIRE) if not name.startswith("auth_on")]
# Requests whose content was recorded, but not their bytes.
BODIES = {
    "wire_missing_sql": b"{}",
    "wire_huge_sql": json.dumps({"sql": "SELECT 1 -- " + "x" * 1_100_000}).encode(),
}


@pytest.fixture(scope="module")
def service(wire: Wire) -> Iterator[LocalService]:
    with serving(wire(DATA) / "data") as made:
        yield made


def send(
    service: LocalService, method: str, path: str, body: bytes, kind: str = "application/json"
) -> tuple[int, dict[str, str], bytes]:
    netloc = urlsplit(service.url).netloc
    with closing(http.client.HTTPConnection(netloc, timeout=30)) as connection:
        connection.request(method, path, body, {"content-type": kind} if kind else {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


def body_of(recorded: Case) -> bytes:
    if recorded.name in BODIES:
        return BODIES[recorded.name]
    asked = recorded.request
    return (asked if isinstance(asked, str) else json.dumps(asked)).encode()


@pytest.mark.parametrize("name", CASES)
def test_recorded_request(service: LocalService, wire: Wire, name: str) -> None:
    recorded, (how, _) = case(wire(WIRE), name), DIFFERENT.get(name, ("", ""))
    status, headers, body = send(service, recorded.method, recorded.path, body_of(recorded))
    if how == "fails":
        assert (recorded.status, status) == (200, 500)
        return
    assert status == recorded.status
    for header in ("content-type", "allow"):
        assert headers.get(header) == recorded.headers.get(header)
    assert int(headers["content-length"]) == len(body)
    if name == "wire_health":
        stamp = re.compile(rb'{"status":"healthy","timestamp":"\d{4}-[\d-]+T[\d:]+\.\d{9}Z"}')
        assert stamp.fullmatch(recorded.body)
        assert stamp.fullmatch(body)
    elif status == 500:
        (code, said), (expected_code, expected) = parts(body), parts(recorded.body)
        assert code == expected_code
        check_texts(said, expected, "text" if how == "code" else how)
    elif how == "values":
        assert body != recorded.body, "no longer an exception: take it out of the table"
        assert [set(row) for row in json.loads(body)][:1] == [
            set(row) for row in json.loads(recorded.body)
        ][:1]
    else:
        assert body == recorded.body


def parts(body: bytes) -> tuple[str, str]:
    """Return the status and the message of an error; the text has both twice."""
    found = re.fullmatch(
        r"Query execution error: Tonic error: (code: .*?), message: \"(.*)\"\n\nCaused by:\n"
        r"    (code: .*?), message: \"(.*)\"",
        body.decode(),
        re.DOTALL,
    )
    assert found
    assert (found[1], found[2]) == (found[3], found[4])
    return found[1], found[2].replace("\\n", "\n")


def test_every_recording_is_sent() -> None:
    assert len(CASES) == 146
    assert all(entry["method"] in ("POST", "GET") for entry in index(WIRE))


MIXED = "gateway-0.30-mixed"


@pytest.mark.parametrize("name", names(MIXED))
def test_rows_of_other_types_than_told(service: LocalService, wire: Wire, name: str) -> None:
    """Recorded with other data: the response has the same status, and values of the same types."""
    recorded = case(wire(MIXED), name)
    asked = json.dumps({"sql": recorded.request["sql"]}).encode()
    status, _, body = send(service, "POST", "/gateway/query", asked)
    assert status == recorded.status, body
    if status == 200:
        assert kinds(body) == kinds(recorded.body)


def kinds(body: bytes) -> set[tuple[str, type]]:
    return {(key, type(value)) for row in json.loads(body) for key, value in row.items()}


# -- behaviour without recordings -----------------------------------------------------------------


def ask(service: LocalService, **asked: object) -> tuple[int, str]:
    status, _, body = send(service, "POST", "/gateway/query", json.dumps(asked).encode())
    return status, body.decode()


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"{}", "text/plain", 415, "Expected request with `Content-Type: application/json`"),
        (b"{}", "", 415, "Expected request with `Content-Type: application/json`"),
        (b'{"sql": "SELECT 1"}', "application/json; charset=utf-8", 200, ""),
        (b"[1]", "application/json", 422, "invalid type: sequence, expected struct"),
        (b'{\n"sql": 1}', "application/json", 422, "sql: invalid type: integer `1`, expected a"),
        (b'{"sql": null}', "application/json", 422, "sql: invalid type: null, expected a string"),
        (b'{"sql": "SELECT 1"', "application/json", 400, "Failed to parse the request body as"),
        (b'{"sql": "\xff"}', "application/json", 400, "Failed to parse the request body as JSON"),
        (b"[" * 100_000, "application/json", 400, "Failed to parse the request body as JSON"),
        (b'{"sql": "SELECT 1", "more": {"a": [1, "}"]}}', "application/json", 200, ""),
    ],
)
def test_bodies(service: LocalService, body: bytes, kind: str, status: int, said: str) -> None:
    found, _, text = send(service, "POST", "/gateway/query", body, kind)
    assert (found, said in text.decode()) == (status, True), text


def test_the_place_of_what_is_wrong(service: LocalService) -> None:
    body = b'{"sql": "SELECT 1",\n  "time_range_begin": [2026, "}"], "x": 1}'
    _, _, text = send(service, "POST", "/gateway/query", body)
    assert text.decode().endswith(
        "time_range_begin: invalid type: sequence, expected a string at line 2 column 33"
    )


def test_large_answers(service: LocalService) -> None:
    sql = "SELECT value AS v, repeat('é', 300) AS t FROM generate_series(1, 100000) ORDER BY value"
    status, text = ask(service, sql=sql)
    assert status == 200
    found = json.loads(text)
    assert [row["v"] for row in found] == list(range(1, 100001))
    assert {row["t"] for row in found} == {"é" * 300}


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT 1 AS a WHERE false", "[]"),
        ("SELECT CAST(NULL AS INT) AS a FROM generate_series(1, 3)", "[{},{},{}]"),
        ("SELECT named_struct('a', 1, 'b', NULL) AS s", '[{"s":{"a":1}}]'),
        ("SELECT [1.5, NULL] AS l", '[{"l":[1.5,null]}]'),
        ("SELECT 1e10 AS a, 1e-7 AS b, 0.1 AS c", '[{"a":1.0e10,"b":1.0e-7,"c":0.1}]'),
        (r"SELECT E'\n\t\u0001' AS a, '</é🚀>' AS b", '[{"a":"\\n\\t\\u0001","b":"</é🚀>"}]'),
        ('SELECT 1 AS "r", 2 AS "r""}"', '[{"r":1,"r\\"}":2}]'),
    ],
)
def test_rows(service: LocalService, sql: str, answer: str) -> None:
    assert ask(service, sql=sql) == (200, answer)


def test_nothing_but_the_lake_is_read(service: LocalService) -> None:
    sql = "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'"
    status, text = ask(service, sql=sql)
    assert status == 500
    assert "is disabled because it reads local files" in text


def test_a_type_that_has_no_json() -> None:
    union = pa.UnionArray.from_dense(
        pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])]
    )
    batch = pa.record_batch([union], ["u"])
    with pytest.raises(row_json.SerializationError, match="nion"):
        row_json.write(batch.schema, [batch])
