"""What inference knows of a service that changes: no rows are lost, and it is seldom asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.ranges.service_knowledge import ServiceKnowledge
from micromegas_dbapi.service.catalog import SCHEMAS, TimeColumns
from micromegas_dbapi.service.knowledge import LIFETIME, PAUSE
from tests.clock import Clock
from tests.integration.serving import served
from tests.waiting import until

# A block from a machine whose clock is ahead.
INSERTED = datetime(2026, 11, 1, tzinfo=timezone.utc)
BEGAN = INSERTED + timedelta(hours=1)
SQL = "SELECT count(*) FROM blocks WHERE insert_time <= TIMESTAMP '2026-11-01T00:00:30Z'"
SINCE = "SELECT count(*) FROM blocks WHERE insert_time >= TIMESTAMP '2026-11-01T00:00:00Z'"
PLAN = "EXPLAIN SELECT * FROM blocks"
LIST = "the list of views"
TIME = pa.timestamp("ns", "+00:00")
# Services of unknown version, which change while a connection is open.
WIRES = ("grpc", "gateway", "web")


def write(folder: Path, view: str, schema: pa.Schema, *rows: dict[str, Any]) -> None:
    nullable = pa.schema([each.with_nullable(True) for each in schema])
    pq.write_table(pa.Table.from_pylist(rows, schema=nullable), folder / f"{view}.parquet")


def write_blocks(folder: Path, *, recent: bool) -> None:
    """Write the view with the columns of services before or since 0.13."""
    schema = SCHEMAS["blocks"]
    if recent:
        schema = schema.append(pa.field("streams.insert_time", TIME))
    row = {"insert_time": INSERTED, "begin_time": BEGAN, "end_time": BEGAN}
    write(folder, "blocks", schema, row)


def upgrade(folder: Path) -> None:
    """Let the service be one of 0.13, whose blocks a range filters by two columns."""
    write_blocks(folder, recent=True)
    minutes = [("time_bin", TIME), ("process_id", pa.string()), ("level", pa.int32())]
    write(folder, "log_stats", pa.schema([*minutes, ("target", pa.string()), ("count", "int64")]))
    write(folder, "processes", SCHEMAS["processes"].append(pa.field("last_update_time", TIME)))


class Watched:
    """A connection to a service over a folder, with what it is asked in the order of requests."""

    def __init__(self, connection: mm.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connection, self.clock, self.asked = connection, Clock(), list[str]()
        transport: Any = connection.transport
        run, service = transport.run, transport.service

        def watched_run(request: Any) -> Any:
            self.asked.append(request.sql)
            return run(request)

        def watched_service(*arguments: Any) -> Any:
            self.asked.append(LIST)
            listed = len(self.asked)
            found = service(*arguments)
            del self.asked[listed:]  # the request that it made
            return found

        monkeypatch.setattr(transport, "run", watched_run)
        monkeypatch.setattr(transport, "service", watched_service)
        connection._state.ranges._knowledge = ServiceKnowledge(transport, {}, self.clock)

    def count(self, sql: str = SQL) -> int:
        (found,) = self.connection.execute(sql).fetchall()
        return int(found[0])

    def fail(self, sql: str = "SELECT nothing FROM blocks") -> None:
        with pytest.raises(mm.Error):
            self.connection.execute(sql).fetchall()

    def learned(self) -> list[str]:
        """Return what inference has asked since the last call."""
        found = [each for each in self.asked if each == LIST or each.startswith("EXPLAIN")]
        self.asked.clear()
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "processes", SCHEMAS["processes"])
    return tmp_path


@pytest.fixture(params=WIRES)
def service(
    request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    with served(folder) as urls, mm.connect(urls[request.param]) as connection:
        yield Watched(connection, monkeypatch)


def at_once(service: Watched) -> None:
    pass


def wait(service: Watched) -> None:
    service.clock.now += LIFETIME


def almost(service: Watched) -> None:
    service.clock.now += LIFETIME - 1


def fetch(service: Watched) -> None:
    service.connection.fetch_service()


def fail(service: Watched) -> None:
    service.clock.now += PAUSE
    service.fail()


def fail_at_once(service: Watched) -> None:
    service.fail()


def fail_to_describe(service: Watched) -> None:
    service.clock.now += PAUSE
    with pytest.raises(mm.Error):
        service.connection.cursor().describe("SELECT nothing FROM blocks")


# What happens, and what the service is asked before the next two statements.
EVENTS: list[tuple[Callable[[Watched], None], list[str]]] = [
    (at_once, []),
    (almost, []),
    (wait, [LIST, PLAN]),
    (fetch, [LIST, PLAN]),
    (fail, [LIST, PLAN]),
    (fail_at_once, []),
    (fail_to_describe, [LIST, PLAN]),
]


@pytest.mark.parametrize(("event", "expected"), EVENTS)
def test_what_makes_knowledge_doubtful(
    service: Watched, folder: Path, event: Callable[[Watched], None], expected: list[str]
) -> None:
    write_blocks(folder, recent=False)
    assert (service.count(), service.learned()) == (1, [LIST, PLAN])
    event(service)
    assert [service.count(), service.count()] == [1, 1]
    assert service.learned() == expected


@pytest.mark.parametrize("event", [wait, fetch, fail, fail_to_describe])
def test_no_row_is_lost_after_an_upgrade(
    service: Watched, folder: Path, event: Callable[[Watched], None]
) -> None:
    """The range was inferred for insert_time, and the new version also filters by begin_time."""
    write_blocks(folder, recent=False)
    assert service.count() == 1
    upgrade(folder)
    assert service.count() == 0  # which is why knowledge must age: nothing has shown it yet
    event(service)
    assert service.count() == 1
    assert service.connection.service.generation == "0.13"
    assert "blocks" not in service.connection.service.time_columns  # those of the catalog apply


def test_a_view_that_comes_later(service: Watched, folder: Path) -> None:
    """Its absence is not known: the service is asked again, but not before each statement."""
    for _ in range(3):
        service.fail(SINCE)
    assert service.learned() == [LIST, PLAN]
    write_blocks(folder, recent=False)
    assert (service.count(SINCE), service.learned()) == (1, [])  # without a range
    service.clock.now += PAUSE
    cursor = service.connection.execute(SINCE)
    assert cursor.time_range
    assert cursor.time_range.source == "inferred"
    assert cursor.fetchall() == [(1,)]
    assert service.learned() == [LIST, PLAN]  # a failed statement may be due to an upgrade


def test_a_service_that_is_away_is_not_asked_before_each_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with mm.connect("grpc://127.0.0.1:9", timeout=2) as connection:
        service = Watched(connection, monkeypatch)
        for _ in range(3):
            service.fail(SQL)
        assert service.asked == [LIST, SQL, SQL, SQL]
        service.clock.now += PAUSE
        service.fail(SQL)
        assert service.asked[4:] == [LIST, SQL]
        service.asked.clear()
        for _ in range(2):  # whoever asks for it wants to know
            with pytest.raises(mm.OperationalError):
                _ = connection.service
        assert service.asked == [LIST, LIST]


def test_what_cannot_be_learned_again_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement runs without a range, which loses nothing."""
    write_blocks(folder, recent=False)
    with served(folder) as urls, mm.connect(urls["grpc"]) as connection:
        service = Watched(connection, monkeypatch)
        assert service.connection.time_range(SQL)
        service.clock.now += LIFETIME

        def refuse(*_: Any) -> None:
            service.asked.append(LIST)
            raise mm.OperationalError("not now")

        monkeypatch.setattr(connection.transport, "service", refuse)
        upgrade(folder)
        service.asked.clear()
        assert [service.count(), service.count()] == [1, 1]
        assert service.learned() == [LIST]


@pytest.mark.parametrize("asks", ["run", "service"])
def test_a_cancelled_question_is_asked_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, asks: str
) -> None:
    """The service has not failed: the next statement gets its range."""
    write_blocks(folder, recent=False)
    with served(folder) as urls, mm.connect(urls["grpc"]) as connection:
        transport: Any = connection.transport
        if asks == "run":
            _ = connection.service
        ask = getattr(transport, asks)
        cursor = connection.cursor()

        def cancelled(*arguments: Any) -> Any:
            cursor.cancel()
            return ask(*arguments)

        monkeypatch.setattr(transport, asks, cancelled)
        with pytest.raises(mm.OperationalError, match="cancelled"):
            cursor.execute(SINCE)
        monkeypatch.setattr(transport, asks, ask)
        assert connection.time_range(SINCE)


def test_fetch_service_does_not_use_what_was_asked_for_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread's request was answered before the upgrade, and its response comes after."""
    begun, go = threading.Event(), threading.Event()
    with served(folder) as urls, mm.connect(urls["grpc"]) as connection:
        transport: Any = connection.transport
        ask = transport.service

        def slow(*arguments: Any) -> Any:
            found = ask(*arguments)
            begun.set()
            assert go.wait(60)
            return found

        monkeypatch.setattr(transport, "service", slow)
        thread = threading.Thread(target=lambda: connection.service)
        thread.start()
        assert begun.wait(60)
        upgrade(folder)
        monkeypatch.setattr(transport, "service", ask)
        assert connection.fetch_service().generation == "0.13"
        go.set()
        thread.join(60)
        assert not thread.is_alive()
        assert connection.service.generation == "0.13"


def test_threads_ask_once(service: Watched, folder: Path) -> None:
    write_blocks(folder, recent=False)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(service.count())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [1] * 8
    assert sorted(service.learned()) == [PLAN, LIST]


def test_a_statement_that_waits_for_another_one_s_question_can_be_cancelled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_blocks(folder, recent=False)
    with served(folder) as urls, mm.connect(urls["grpc"]) as connection:
        transport: Any = connection.transport
        ask = transport.service
        begun, go, errors = threading.Event(), threading.Event(), list[mm.Error]()

        def slow_at_first(*arguments: Any) -> Any:
            if not begun.is_set():
                begun.set()
                assert go.wait(60)
            return ask(*arguments)

        def execute(cursor: mm.Cursor) -> None:
            try:
                cursor.execute(SINCE)
            except mm.Error as error:
                errors.append(error)

        cursors = [connection.cursor(), connection.cursor()]
        threads = [threading.Thread(target=execute, args=(cursor,)) for cursor in cursors]
        monkeypatch.setattr(transport, "service", slow_at_first)
        threads[0].start()
        assert begun.wait(60)
        threads[1].start()
        until(lambda: cursors[1].query_id)
        threads[1].join(0.1)
        assert threads[1].is_alive()
        cursors[1].cancel()
        threads[1].join(5)
        assert not threads[1].is_alive()
        go.set()
        threads[0].join(60)
        assert [str(error) for error in errors] == ["the query was cancelled"]


def test_many_unknown_views_in_one_statement(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than are kept: the statement is sent without a range, and not analysed forever."""
    from micromegas_dbapi.ranges import service_knowledge

    monkeypatch.setattr(service_knowledge, "_MAX_VIEWS", 2)
    with served(folder) as urls, mm.connect(urls["grpc"]) as connection:
        service = Watched(connection, monkeypatch)
        monkeypatch.setattr(
            service.connection._state.ranges._knowledge,
            "_fetch_time_columns",
            lambda *_: TimeColumns("t", "t"),
        )
        views = " UNION ALL ".join(f"SELECT 1 FROM v{i} WHERE t > now()" for i in range(3))
        with suppress(mm.ProgrammingError):
            connection.execute(views)
        assert service.asked == [LIST, views]


# -- a lake ----------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_fails_only_statements_on_its_view(folder: Path) -> None:
    """Such as one that is being copied into the lake."""
    with mm.connect(f"lake:{folder}") as connection:
        sql = "SELECT count(*) FROM processes WHERE insert_time > now()"
        assert connection.execute(sql).fetchall() == [(0,)]
        (folder / "blocks.parquet").write_bytes(b"PAR1, and half of the rest")
        cursor = connection.execute(sql)
        assert cursor.fetchall() == [(0,)]
        assert cursor.time_range
        with pytest.raises(mm.OperationalError, match=r"blocks\.parquet cannot be read"):
            connection.execute(SQL)
        write_blocks(folder, recent=True)
        assert connection.execute(SQL).fetchall() == [(1,)]
        assert connection.execute(sql).time_range
