"""Connections: what opens, what is refused, which range is sent, and who may share them."""

from __future__ import annotations

import gc
import io
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cbor2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.timerange import to_ns
from tests.waiting import until
from tests.wire.recordings import case
from tests.wire.replay import Answer, Request, Server, replay

Wire = Callable[[str], Path]


def answer(value: object) -> Answer:
    sink = io.BytesIO()
    pq.write_table(pa.table({"value": [value]}), sink)
    return Answer(body=sink.getvalue())


@pytest.fixture
def server() -> Iterator[Server]:
    """A service that answers 1 to everything."""
    with replay(answer(1)) as running:
        yield running


@pytest.fixture
def lake(wire: Wire) -> Iterator[mm.Connection]:
    with mm.connect(f"lake:{wire('http-0.2.3') / 'data'}") as connection:
        yield connection


# -- opening ---------------------------------------------------------------------------------------


def test_nothing_is_sent_before_a_statement(server: Server) -> None:
    with mm.connect(server.url) as connection:
        connection.cursor()
        connection.commit()
        assert server.requests == []
        connection.execute("SELECT 1")
        assert len(server.requests) == 1


def test_schemes(wire: Wire, server: Server) -> None:
    data = wire("http-0.2.3") / "data"
    for address in (server.url, server.url.upper().replace("HTTP", "HtTp"), f"LAKE:{data}"):
        with mm.connect(address) as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("address", "options", "words"),
    [
        ("", {}, "no scheme"),
        ("localhost", {}, "no scheme"),
        ("localhost:8082", {}, "the scheme 'localhost'"),
        ("ftp://localhost", {}, "the scheme 'ftp'"),
        (5, {}, "of type int"),
        ("http://", {}, "has no host"),
        ("http://h?nope=1", {}, "unknown option 'nope'"),
        ("lake:", {}, "has no folder"),
        ("demo:path", {}, "takes no path"),
        ("http://h", {"begin": datetime(2026, 1, 1)}, "has no time zone"),
        ("http://h", {"begin": "now", "end": "-1h"}, "is after end"),
        ("http://h?begin=yesterday", {}, "is not a valid time"),
        ("http://h?begin=now&end=-1h", {}, "is after end"),
        ("http://h", {"timestamps": "text"}, "timestamps='text'"),
        ("http://h?timestamps=text", {}, "timestamps='text'"),
        ("demo:", {"auth": mm.BearerAuth("secret")}, "`demo:` does not accept the options: auth"),
        (
            "lake:.",
            {"timeout": 5, "verify": False},
            "`lake:` does not accept the options: timeout, verify",
        ),
    ],
)
def test_bad_addresses_and_options(address: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        mm.connect(address, **options)
    assert words in str(caught.value)


def test_unknown_option() -> None:
    """Type checkers report it, too."""
    with pytest.raises(mm.ProgrammingError, match="unknown option 'nope' in connect"):
        mm.connect("http://h", nope=1)  # type: ignore[arg-type]


def test_a_lake_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(mm.OperationalError, match="is not a folder"):
        mm.connect(f"lake:{tmp_path / 'none'}")


def test_a_lake_without_datafusion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith("micromegas_dbapi.lake"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "datafusion", None)
    with pytest.raises(mm.NotSupportedError, match=r"pip install 'micromegas-dbapi\[lake\]'"):
        mm.connect(f"lake:{tmp_path}")


# -- the rest of PEP 249 ---------------------------------------------------------------------------


def test_exceptions_are_attributes(lake: mm.Connection) -> None:
    names = [name for name in mm.__all__ if name.endswith("Error") or name == "Warning"]
    assert len(names) == 10
    for name in names:
        assert getattr(lake, name) is getattr(mm, name)
        assert getattr(type(lake), name) is getattr(mm, name)
    with pytest.raises(lake.ProgrammingError):
        lake.execute("SELEC 1")


def test_execute_is_a_short_cut(lake: mm.Connection) -> None:
    first = lake.execute("SELECT ? AS a", ("one",))
    second = lake.execute("SELECT :x AS a", {"x": "two"})
    assert isinstance(first, mm.Cursor)
    assert first.connection is second.connection is lake
    assert (first.fetchall(), second.fetchall()) == ([("one",)], [("two",)])


def test_transactions_are_nothing(lake: mm.Connection) -> None:
    cursor = lake.execute("SELECT 1")
    lake.commit()
    lake.rollback()
    assert cursor.fetchall() == [(1,)]
    for sql in ("BEGIN", "COMMIT", "ROLLBACK"):
        with pytest.raises(mm.NotSupportedError, match="read-only"):
            lake.execute(sql)


def test_closed(lake: mm.Connection) -> None:
    cursors = [lake.cursor(), lake.execute("SELECT 1"), lake.execute("SELECT 1")]
    cursors[2].fetchall()
    lake.close()
    lake.close()
    for use in (
        lake.cursor,
        lake.commit,
        lake.rollback,
        lambda: lake.execute("SELECT 1"),
        lambda: lake.time_range("SELECT 1"),
        lambda: lake.transport,
        lambda: lake.service,
        lake.__enter__,
    ):
        with pytest.raises(mm.InterfaceError, match="the connection is closed"):
            use()
    for cursor in cursors:
        for use in (lambda c=cursor: c.execute("SELECT 1"), cursor.fetchone, cursor.fetchall):
            with pytest.raises(mm.InterfaceError, match="closed"):
                use()


def test_with_block_closes(wire: Wire) -> None:
    address = f"lake:{wire('http-0.2.3') / 'data'}"
    with mm.connect(address) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(mm.InterfaceError):
        connection.cursor()
    broken = mm.connect(address)
    with pytest.raises(ZeroDivisionError), broken:
        raise ZeroDivisionError
    with pytest.raises(mm.InterfaceError):
        broken.cursor()


def test_close_closes_the_sockets(server: Server) -> None:
    connection = mm.connect(server.url)
    connection.execute("SELECT 1")
    assert len(server._connections) == 1
    held = connection.transport._client._adapter  # type: ignore[union-attr]  # its end would close them
    connection.close()
    until(lambda: server._connections == set())
    assert held is not None


def test_cursors_are_not_kept(lake: mm.Connection) -> None:
    gone = weakref.ref(lake.execute("SELECT 1"))
    gc.collect()
    assert gone() is None


def test_timestamps(wire: Wire) -> None:
    """As datetime, or in full nanoseconds: by URL, connection, cursor; the nearest counts."""
    recorded = case(wire("http-0.2.3"), "type_ts_utc")  # 2024-02-29T12:00:00.123456789Z
    ns = 1_709_208_000_123_456_789
    floored = datetime(2024, 2, 29, 12, 0, 0, 123456, timezone.utc)

    def value(query: str, connection: Any, cursor: Any) -> object:
        with replay(recorded) as server, mm.connect(server.url + query, timestamps=connection) as c:
            [(found,)] = c.cursor(timestamps=cursor).execute("SELECT 1").fetchall()
            return found

    assert value("", None, None) == floored
    assert value("?timestamps=ns", None, None) == ns
    assert value("?timestamps=ns", "datetime", None) == floored
    assert value("", "ns", None) == ns
    assert value("", "ns", "datetime") == floored
    assert value("?timestamps=datetime", "datetime", "ns") == ns
    with mm.connect("http://h") as connection, pytest.raises(mm.ProgrammingError, match="'text'"):
        connection.cursor(timestamps="text")  # type: ignore[arg-type]


# -- the time range, seen on the wire --------------------------------------------------------------

DAYS = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 10)]
FIRST, LAST = "1677-09-21T00:12:44Z", "2262-04-11T23:47:16.854775807Z"


def bounds(server: Server) -> tuple[str | None, str | None]:
    sent = cbor2.loads(server.requests[-1].body)
    return sent["begin"], sent["end"]


VIEW = "SELECT count(*) FROM log_entries"
LEVELS = ["execute", "cursor", "connection", "url"]


@pytest.mark.parametrize("begin", range(5))
@pytest.mark.parametrize("end", range(5))
def test_the_nearest_bound_counts(server: Server, begin: int, end: int) -> None:
    """Each level from `begin` on gives a begin of its own, each from `end` on an end."""
    given = [
        {
            **({"begin": DAYS[level]} if level >= begin else {}),
            **({"end": DAYS[level + 4]} if level >= end else {}),
        }
        for level in range(4)
    ]
    query = "&".join(f"{name}={value}" for name, value in given[3].items())
    with mm.connect(f"{server.url}?{query}", **given[2]) as connection:
        cursor = connection.cursor(**given[1])
        cursor.execute(VIEW, **given[0])
    if begin == end == 4:
        assert bounds(server) == (None, None)
        assert not cursor.time_range
        return
    expected = DAYS[begin] if begin < 4 else FIRST, DAYS[end + 4] if end < 4 else LAST
    assert bounds(server) == expected
    assert cursor.time_range
    assert (cursor.time_range.begin_text, cursor.time_range.end_text) == expected
    sources = {LEVELS[level] for level in (begin, end) if level < 4}
    assert set(cursor.time_range.source.split("+")) == sources


def test_the_explicit_range(server: Server) -> None:
    """What is set on the call, the connection or the URL; no statement, so nothing is inferred."""
    with mm.connect(f"{server.url}?begin={DAYS[0]}", end=DAYS[3]) as connection:
        default = connection.explicit_range()
        assert default is not None
        assert (default.begin_text, default.end_text) == (DAYS[0], DAYS[3])
        assert default.source == "connection+url"
        own = connection.explicit_range(begin=DAYS[1])
        assert own is not None
        assert (own.begin_text, own.end_text) == (DAYS[1], DAYS[3])
        assert connection.explicit_range(begin=mm.ALL_TIME) is None
    with mm.connect(server.url) as connection:
        assert connection.explicit_range() is None
    assert server.requests == []


def test_all_time_means_no_range(server: Server) -> None:
    range_ = {"begin": DAYS[0], "end": DAYS[1]}
    with mm.connect(server.url, **range_) as connection:
        cursor = connection.execute(VIEW, begin=mm.ALL_TIME)
        assert bounds(server) == (None, None)
        assert not cursor.time_range
        connection.cursor(begin=mm.ALL_TIME).execute(VIEW)
        assert bounds(server) == (None, None)
        connection.execute(VIEW, begin=mm.ALL_TIME, end=DAYS[2])
        assert bounds(server) == (FIRST, DAYS[2])
        cursor.execute(VIEW)
        assert bounds(server) == tuple(range_.values())


def test_relative_bounds_count_from_each_execute(server: Server) -> None:
    hour = 3600 * 10**9
    with mm.connect(server.url, begin="-2h", end=timedelta(hours=-1)) as connection:
        sent = []
        for _ in range(2):
            before = time.time_ns()
            connection.execute(VIEW)
            after = time.time_ns()
            begin, end = (to_ns(bound, 0) for bound in bounds(server))
            assert before <= begin + 2 * hour <= after
            assert end - begin == hour
            sent.append(begin)
        assert sent[0] < sent[1]


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        (datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-01-01T10:00:00Z"),
        (datetime(2026, 1, 1, 12, 0, 0, 1, timezone.utc), "2026-01-01T12:00:00.000001000Z"),
        ("2026-01-01T12:00:00.123456789+01:00", "2026-01-01T11:00:00.123456789Z"),
    ],
)
def test_bounds_arrive_exactly(server: Server, bound: Any, text: str) -> None:
    with mm.connect(server.url) as connection:
        connection.execute(VIEW, begin=bound, end=bound)
        assert bounds(server) == (text, text)


def test_bounds_of_a_cursor_may_be_changed(server: Server) -> None:
    with mm.connect(server.url) as connection:
        cursor = connection.cursor(begin=DAYS[0], end=DAYS[1])
        cursor.begin, cursor.end = DAYS[2], DAYS[3]
        cursor.execute(VIEW)
        assert bounds(server) == (DAYS[2], DAYS[3])


@pytest.mark.parametrize(
    ("begin", "end"), [(datetime(2026, 1, 1), None), ("soon", None), (DAYS[1], DAYS[0]), (5, None)]
)
def test_bad_bounds_are_refused_where_they_are_given(server: Server, begin: Any, end: Any) -> None:
    with mm.connect(server.url) as connection:
        for refuse in (
            lambda: mm.connect(server.url, begin=begin, end=end),
            lambda: connection.cursor(begin=begin, end=end),
            lambda: connection.execute(VIEW, begin=begin, end=end),
        ):
            with pytest.raises(mm.ProgrammingError):
                refuse()
        assert server.requests == []


def test_the_lake_has_the_same_range(lake: mm.Connection) -> None:
    sql = "SELECT count(*) FROM log_entries"
    [(everything,)] = lake.execute(sql).fetchall()
    [(half,)] = lake.execute(
        sql, begin="2026-11-23T20:39:30Z", end="2026-11-23T20:39:35Z"
    ).fetchall()
    [(none,)] = lake.execute(sql, end="2000-01-01T00:00:00Z").fetchall()
    assert everything == 1694
    assert 0 < half < everything
    assert none == 0


# -- threads ---------------------------------------------------------------------------------------

THREADS, QUERIES = 8, 200


def ask_from_threads(connection: mm.Connection) -> None:
    """Each thread has cursors of its own, and each query an answer of its own."""
    wrong: list[object] = []
    barrier = threading.Barrier(THREADS)

    def ask(thread: int) -> None:
        barrier.wait()
        cursor = connection.cursor()
        for number in range(thread, QUERIES, THREADS):
            try:
                if number % 3 == 0:
                    cursor = connection.cursor()
                begin = DAYS[number % 9]
                found = cursor.execute("SELECT ? AS value", (number,), begin=begin).fetchall()
                sent = cursor.time_range and cursor.time_range.begin_text
                if (found, sent) != ([(number,)], begin):
                    wrong.append((number, found, sent))
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_threads_share_a_lake(lake: mm.Connection) -> None:
    ask_from_threads(lake)


def test_threads_share_an_http_connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[Request] = []

    def receive(request: Request) -> Answer:
        received.append(request)
        sql = cbor2.loads(request.body)["sql"]
        return answer(int(sql.removeprefix("SELECT ").removesuffix(" AS value")))

    monkeypatch.setattr(server, "receive", receive)
    with mm.connect(server.url) as connection:
        ask_from_threads(connection)
    assert len(received) == QUERIES
    ids = {request.headers["x-request-id"] for request in received}
    assert len(ids) == QUERIES
    assert len({request.port for request in received}) <= THREADS
