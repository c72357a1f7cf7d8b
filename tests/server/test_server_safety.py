"""No statement opens a file outside of the lake, however it is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2
import grpc
import pytest
import sqlalchemy as sa

import micromegas_dbapi as mm
from micromegas_dbapi.server import LocalService
from tests.server.recent_services import serving
from tests.server.test_server_flight import call, prepare, ticket
from tests.server.test_server_gateway import send

CREATE = "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'"
#: Statements, and whether the engine parses them as one that creates such a table.
STATEMENTS = {
    CREATE: True,
    f"{CREATE};": True,
    f"; {CREATE}": True,
    CREATE.replace("EXTERNAL", "UNBOUNDED EXTERNAL"): True,
    f"/*! {CREATE} */": True,
    f"/*!50000 {CREATE} */": True,
    f"/*!50000{CREATE}*/": True,
    CREATE.replace("CREATE EXTERNAL", "/*! CREATE */ EXTERNAL"): True,
    CREATE.replace("CREATE EXTERNAL", "CREATE/*!EXTERNAL*/"): True,
    CREATE.replace("'/etc/passwd'", "/*! '/etc/passwd' */"): True,
    f"/* x /* y */ */ /*! -- x\n {CREATE} */": True,
    f"-- x\r\n{CREATE}": True,
    f"--\r\n/*!{CREATE}*/ -- x": True,
    f"EXPLAIN {CREATE}": True,
    f"EXPLAIN /*! {CREATE} */": True,
    f"/*! EXPLAIN */ {CREATE}": True,
    f"/*! EXPLAIN ANALYZE {CREATE} */": True,
    f"EXPLAIN ANALYZE VERBOSE /*!{CREATE}*/": True,
    f"SELECT 1; {CREATE}": False,
    f"SELECT 1; /*! {CREATE} */": False,
    f"SELECT 1 /*!; {CREATE} */": False,
    f"-- x\r{CREATE}": False,
    f"DESCRIBE /*! {CREATE} */": False,
    f"PREPARE p AS /*! {CREATE} */": False,
}


@pytest.fixture(scope="module", params=["http-0.2.3", "flight-0.30"])
def service(request: pytest.FixtureRequest, wire: Callable[[str], Path]) -> Iterator[LocalService]:
    with serving(wire(request.param) / "data") as made:
        yield made


def over_http(service: LocalService, sql: str) -> Iterator[tuple[bool, str]]:
    """Send a statement to each endpoint; yield whether the response is an error, and its text."""
    asked = {"sql": sql, "begin": None, "end": None}
    of_view = {**asked, "view_set_name": "log_entries", "view_instance_id": "global"}
    for path, body in (
        ("/analytics/query", cbor2.dumps(asked)),
        ("/analytics/query_view", cbor2.dumps(of_view)),
        ("/gateway/query", json.dumps({"sql": sql}).encode()),
        ("/mm/api/query-stream", json.dumps({"sql": sql, "data_source": "main"}).encode()),
    ):
        status, _, answer = send(service, "POST", path, body)
        yield status >= 400 or b'"type":"error"' in answer, answer.decode("utf-8", "replace")


def over_grpc(service: LocalService, sql: str) -> Iterator[tuple[bool, str]]:
    address = service.flight_url.removeprefix("grpc://")
    with grpc.insecure_channel(address) as channel:
        for method, request in (("DoGet", ticket(sql).serialize()), ("DoAction", prepare(sql))):
            answer = call(channel, method, request, [])
            assert answer.messages == []
            yield answer.code != "OK", answer.details


@pytest.mark.parametrize("sql", STATEMENTS)
@pytest.mark.parametrize("over", [over_http, over_grpc])
def test_the_service(
    service: LocalService,
    over: Callable[[LocalService, str], Iterator[tuple[bool, str]]],
    sql: str,
) -> None:
    for failed, text in over(service, sql):
        assert failed, text
        assert "root:" not in text
        assert ("is disabled because it reads local files" in text) == STATEMENTS[sql], text


REFUSED = [sql for sql in STATEMENTS if not sql.startswith("-- x\rCREATE")]  # a comment as a whole


@pytest.mark.parametrize("sql", REFUSED)
def test_driver_and_dialect_send_nothing(sql: str) -> None:
    said = r"^(CREATE|PREPARE) is rejected, and nothing was sent"
    with mm.connect("http://localhost:1") as connection:
        with pytest.raises(mm.NotSupportedError, match=said):
            connection.execute(sql)
        with pytest.raises(mm.NotSupportedError, match=said):
            connection.cursor().describe(sql)
    engine = sa.create_engine("micromegas+demo://")
    with engine.connect() as opened, pytest.raises(sa.exc.NotSupportedError) as caught:
        opened.execute(sa.text(sql))
    assert "is rejected, and nothing was sent" in str(caught.value.orig)
    engine.dispose()
