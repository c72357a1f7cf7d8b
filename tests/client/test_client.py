"""The official client's calls: what they send, what they give, on every kind of connection."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi import client as micromegas
from micromegas_dbapi.client import Client
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService
from micromegas_dbapi.service.catalog import LOOKUPS
from tests.integration.serving import running
from tests.wire.recordings import case
from tests.wire.replay import Answer, replay

pd = pytest.importorskip("pandas", reason="pandas is not installed")

WIRE = "http-0.2.3"
BEGIN, END = "2026-11-23T20:39:30Z", "2026-11-23T20:39:50Z"
PROCESS = "5e289910-c90d-44d6-8cb2-570a36fc332c"
STREAM = "87af451a-bbbb-4460-8629-0ed687891ded"
BLOCKS = "d2d5dd90-1bff-425b-a431-f3f7e1ee906c"
NOBODY = "00000000-0000-4000-8000-000000000000"
LOG = "SELECT time, level, msg FROM log_entries ORDER BY time LIMIT 5"
COUNT = "SELECT count(*) AS n FROM measures"
SPANS = "SELECT id, name, duration FROM thread_spans ORDER BY id LIMIT 5"

# Recorded case -> the call that asks the same.
CALLS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "find_process": ("find_process", (PROCESS,)),
    "find_process_unknown": ("find_process", (NOBODY,)),
    "find_stream": ("find_stream", (uuid.UUID(STREAM),)),
    "find_stream_unknown": ("find_stream", (NOBODY,)),
    "query_streams_process": ("query_streams", (None, None, 1024, PROCESS)),
    "query_streams_range": ("query_streams", (BEGIN, END, 1024)),
    "query_streams_tag": ("query_streams", (BEGIN, END, np.int64(1024), None, "log")),
    "query_streams_limit": ("query_streams", (BEGIN, END, 2)),
    "query_blocks": ("query_blocks", (BEGIN, END, 10, BLOCKS)),
    "query_blocks_unknown": ("query_blocks", (None, None, 10, NOBODY)),
    "query_partitions": ("query_partitions", ()),
    "query_view_log": ("query_view", ("log_entries", PROCESS, BEGIN, END, LOG)),
    "query_view_global": ("query_view", ("measures", "global", BEGIN, END, COUNT)),
    "query_view_spans": ("query_view", ("thread_spans", STREAM, BEGIN, END, SPANS)),
}
# On a lake these differ: its files are its partitions.
LAKES_OWN = {"query_partitions"}


@contextmanager
def serving(lake: LakeTransport) -> Iterator[str]:
    service = LocalService(lake, port=0)
    with running(service):
        yield service.url


@pytest.fixture(scope="module")
def service(wire: Callable[[str], Path]) -> Iterator[str]:
    with serving(LakeTransport(wire(WIRE) / "data")) as url:
        yield url


@pytest.fixture(params=["http", "http/", "lake", "connection"])
def client(
    request: pytest.FixtureRequest, service: str, wire: Callable[[str], Path]
) -> Iterator[Client]:
    lake = f"lake:{wire(WIRE) / 'data'}"
    target = {"http": service, "http/": f"{service}/", "lake": lake}
    with mm.connect(lake) as connection, Client(target.get(request.param, connection)) as opened:
        yield opened


def official(body: bytes) -> Any:
    """Decode an answer as the official client does."""
    return pq.read_table(io.BytesIO(body)).to_pandas()


@pytest.mark.parametrize("name", CALLS)
def test_sends_and_gives_what_the_official_client_does(
    wire: Callable[[str], Path], name: str
) -> None:
    method, arguments = CALLS[name]
    recorded = case(wire(WIRE), name)
    with replay(recorded) as server, Client(server.url, {"X-Team": "reports"}) as opened:
        frame = getattr(opened, method)(*arguments)
        table = getattr(opened, method)(*arguments, arrow=True)
    for sent in server.requests:
        assert sent.path == recorded.path
        assert cbor2.loads(sent.body) == recorded.request
        assert sent.headers["X-Team"] == "reports"
    if recorded.rows:
        pd.testing.assert_frame_equal(frame, official(recorded.body))
    else:  # the official client gives a frame without columns
        assert not len(official(recorded.body).columns)
        assert list(frame.columns) == LOOKUPS[method].names
        assert len(frame) == 0
    pd.testing.assert_frame_equal(frame, table.to_pandas())


@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_connection_gives_the_same(
    client: Client, wire: Callable[[str], Path], name: str
) -> None:
    method, arguments = CALLS[name]
    frame = getattr(client, method)(*arguments)
    recorded = case(wire(WIRE), name)
    if not recorded.rows:
        assert list(frame.columns) == LOOKUPS[method].names
        assert len(frame) == 0
    elif name in LAKES_OWN:
        expected = official(recorded.body)
        assert list(frame.columns) == list(expected.columns)
        assert list(frame.dtypes) == list(expected.dtypes)
    else:  # dictionaries may hold words that no row of the answer has
        pd.testing.assert_frame_equal(frame, official(recorded.body), check_categorical=False)


@pytest.mark.parametrize("name", [n for n, (m, _) in CALLS.items() if m in LOOKUPS])
def test_columns_of_empty_answers_are_those_of_full_ones(
    wire: Callable[[str], Path], name: str
) -> None:
    recorded = case(wire(WIRE), name)
    if recorded.rows:
        seen = pq.read_table(io.BytesIO(recorded.body)).schema
        assert seen.remove_metadata() == LOOKUPS[CALLS[name][0]]


HOUR = timedelta(hours=1)
BEGIN_TIME = datetime(2026, 11, 23, 20, 39, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("begin", "end", "rows"),
    [
        (None, None, 1),
        (BEGIN, END, 1),
        (BEGIN_TIME, BEGIN_TIME + timedelta(seconds=20), 1),
        (pd.Timestamp(BEGIN), pd.Timestamp(END), 1),
        (pd.Timestamp(BEGIN).tz_convert("Asia/Tokyo"), None, 1),
        ("2026-11-23 21:39:30+01:00", END, 1),
    ],
)
def test_query(client: Client, begin: Any, end: Any, rows: int) -> None:
    frame = client.query("SELECT count(*) AS n FROM log_entries", begin, end)
    assert list(frame.columns) == ["n"]
    assert frame["n"].tolist()[0] > 0
    assert client.query("SELECT 1 AS one", arrow=True).to_pylist() == [{"one": 1}]
    assert len(frame) == rows


def test_a_query_of_nothing_has_its_columns(client: Client) -> None:
    frame = client.query("SELECT time, msg FROM log_entries WHERE false")
    assert list(frame.columns) == ["time", "msg"]
    assert str(frame["time"].dtype).startswith("datetime64[ns, ")


WRONG: list[tuple[str, tuple[Any, ...], str]] = [
    ("query", ("SELECT 1", datetime(2026, 11, 1), None), "has no time zone"),
    ("query", ("SELECT 1", 17, None), "begin=17 is of type int"),
    ("query_streams", ("yesterday", None, 1), "begin='yesterday' is not a valid time"),
    ("query_streams", (None, None, "many"), "limit='many' is of type str; accepted: int"),
    ("query_streams", (None, None, True), "limit=True is of type bool; accepted: int"),
    ("query_streams", (None, None, 5), "Time range or process_id have to be provided"),
    ("query_view", ("log_entries", None, None, None, "SELECT 1"), "view_instance_id=None"),
    ("query_view", ("nope", "global", BEGIN, END, "SELECT 1"), "view set nope not found"),
    ("query_view", ("measures", "global", END, BEGIN, "SELECT 1"), "is after end"),
    ("find_process", (17,), "process_id=17 is of type int; accepted: str"),
    ("find_process", ("not-a-uuid",), "invalid process_id 'not-a-uuid': expected a UUID"),
    ("materialize_partitions", ("measures", "global", None, END, 10), "begin=None"),
    ("materialize_partitions", ("measures", "global", BEGIN, END, 0.5), "accepted: int"),
    ("materialize_partitions", ("nope", "global", BEGIN, END, 10), "view set nope not found"),
    ("retire_partitions", ("measures", "global", BEGIN, "2026-11-01"), "end='2026-11-01'"),
]


@pytest.mark.parametrize(("method", "arguments", "words"), WRONG)
def test_wrong_arguments(
    client: Client, method: str, arguments: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        getattr(client, method)(*arguments)
    assert words in str(caught.value)


def test_half_open_bounds_go_to_the_edge(client: Client) -> None:
    every = client.query_view("measures", "global", None, None, COUNT)["n"][0]
    assert client.query_view("measures", "global", None, END, COUNT)["n"][0] == every
    assert client.query_view("measures", "global", END, None, COUNT)["n"][0] < every


def test_demo() -> None:
    with Client("demo:?seed=3") as opened:
        process = opened.query("SELECT process_id FROM processes LIMIT 1")["process_id"][0]
        found = opened.find_process(process)
        assert found["process_id"].tolist() == [process]
        streams = opened.query_streams(None, None, 100, process)
        assert len(streams) > 0
        assert len(opened.query_blocks(None, None, 100, streams["stream_id"][0])) > 0
        assert set(opened.query_partitions()["view_set_name"]) >= {"log_entries", "thread_spans"}


def test_defaults_and_closing(service: str) -> None:
    with micromegas.connect() as opened, pytest.raises(mm.ProgrammingError):
        opened.query("SELECT 1", "yesterday")
    opened = Client(service)
    opened.close()
    opened.close()
    with pytest.raises(mm.InterfaceError, match="closed"):
        opened.find_process(NOBODY)
    with mm.connect(service) as connection:
        Client(connection).close()
        assert len(Client(connection).find_process(NOBODY)) == 0
        with pytest.raises(mm.ProgrammingError, match="headers cannot be set here"):
            Client(connection, {"X-Team": "reports"})


def test_errors_carry_what_is_known(service: str) -> None:
    with Client(service) as opened, pytest.raises(mm.ProgrammingError) as caught:
        opened.query_view("log_entries", "global", BEGIN, END, "SELECT nope FROM log_entries")
    error = caught.value
    assert error.sql == "SELECT nope FROM log_entries"
    assert error.status == 500
    assert error.query_id is not None
    assert str(error.__cause__).startswith("query_view\n\nCaused by:")


# -- progress --------------------------------------------------------------------------------------


def test_materialize_tells_of_each_step(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    arguments = ("log_entries", "global", BEGIN, END, 10)
    client.materialize_partitions(*arguments, progress=told.append)
    assert len(told) == 2
    assert told[0].startswith("[2026-11-23T20:39:30+00:00, 2026-11-23T20:39:40+00:00] log_entries")
    client.materialize_partitions(*arguments)
    assert capsys.readouterr().out.splitlines() == told


def test_retire(tmp_path: Path, wire: Callable[[str], Path]) -> None:
    import shutil

    folder = tmp_path / "lake"
    shutil.copytree(wire(WIRE) / "data", folder)
    files = {path.name for path in folder.rglob("*.parquet")}
    arguments = ("measures", "global", "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
    with serving(LakeTransport(folder)) as url, Client(url) as opened:
        with pytest.raises(mm.NotSupportedError, match="use serve --writable"):
            opened.retire_partitions(*arguments)
        assert {path.name for path in folder.rglob("*.parquet")} == files
    with serving(LakeTransport(folder, writable=True)) as url, Client(url) as opened:
        told: list[str] = []
        opened.retire_partitions("measures", "global", BEGIN, BEGIN, told.append)
        assert told == []
        before = opened.query("SELECT count(*) AS n FROM measures")["n"][0]
        opened.retire_partitions(*arguments, progress=told.append)
        assert told == ["moved out of date partition measures.parquet to .retired"]
        assert "measures" not in set(opened.query_partitions()["view_set_name"])
    aside = list((folder / ".retired").iterdir())
    assert [pq.read_metadata(path).num_rows for path in aside] == [before]


@contextmanager
def hesitant(pieces: list[bytes], go_on: threading.Event) -> Iterator[str]:
    """Serve the pieces as chunks of one answer, each after the first only once it is asked for."""
    import socket

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for piece in pieces:
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
                assert go_on.wait(20)
                go_on.clear()
            connection.sendall(b"0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(20)
        assert not thread.is_alive()


def test_progress_arrives_while_the_service_works() -> None:
    """Each line is told before the service sends the next: it waits for that."""
    lines = ["one", "", "three " * 100, "häß" * 30_000]
    go_on, told = threading.Event(), list[str]()

    def progress(line: str) -> None:
        told.append(line)
        go_on.set()

    with hesitant([cbor2.dumps(line) for line in lines], go_on) as url, Client(url) as opened:
        opened.retire_partitions("v", "i", BEGIN, END, progress)
    assert told == lines


FAILED = "retire_partitions\n\nCaused by:\n    view set nope not found"
STREAMS: list[tuple[str, bytes, list[str], type[mm.Error] | None, str]] = [
    ("nothing to do", b"", [], None, ""),
    ("lines", cbor2.dumps("one") + cbor2.dumps("two"), ["one", "two"], None, ""),
    ("long heads", b"\x78\x01a\x79\0\x01b\x7a\0\0\0\x01c", ["a", "b", "c"], None, ""),
    ("fails", cbor2.dumps("one") + cbor2.dumps(FAILED), ["one"], mm.ProgrammingError, "nope"),
    (
        "cut",
        cbor2.dumps("one") + b"\x63tw",
        ["one"],
        mm.OperationalError,
        "truncated inside a string",
    ),
    ("cut head", cbor2.dumps("one") + b"\x79\0", ["one"], mm.OperationalError, "truncated inside"),
    ("html", b"<html>", [], mm.OperationalError, "not a stream of CBOR strings"),
    ("numbers", cbor2.dumps(17), [], mm.OperationalError, "not a stream of CBOR strings"),
    ("endless text", b"\x7f\x61a\xff", [], mm.OperationalError, "not a stream of CBOR strings"),
    ("no UTF-8", b"\x62\xff\xff", [], mm.OperationalError, "not a stream of CBOR strings"),
]


@pytest.mark.parametrize("framing", ["chunked", "length"])
@pytest.mark.parametrize(
    ("body", "told", "kind", "words"), [s[1:] for s in STREAMS], ids=[s[0] for s in STREAMS]
)
def test_streams_of_progress(
    framing: str, body: bytes, told: list[str], kind: type[mm.Error] | None, words: str
) -> None:
    headers = {"transfer-encoding": "chunked"} if framing == "chunked" else {}
    seen: list[str] = []
    with replay(Answer(headers=headers, body=body)) as server, Client(server.url) as opened:
        if kind is None:
            opened.retire_partitions("v", "i", BEGIN, END, seen.append)
        else:
            with pytest.raises(kind, match=words) as caught:
                opened.retire_partitions("v", "i", BEGIN, END, seen.append)
            assert caught.value.query_id is not None
            assert caught.value.status == 200
    assert seen == told


def test_a_cut_stream_of_progress() -> None:
    body = cbor2.dumps("one") + cbor2.dumps("two")
    answer = Answer(headers={"transfer-encoding": "chunked"}, body=body, cut_after=4)
    seen: list[str] = []
    with (
        replay(answer) as server,
        Client(server.url) as opened,
        pytest.raises(mm.OperationalError, match="was truncated"),
    ):
        opened.materialize_partitions("v", "i", BEGIN, END, 10, seen.append)
    assert seen == ["one"]


def test_statuses_of_progress() -> None:
    with (
        replay(Answer(503)) as server,
        Client(server.url) as opened,
        pytest.raises(mm.OperationalError, match="unavailable") as caught,
    ):
        opened.retire_partitions("v", "i", BEGIN, END)
    assert caught.value.retryable is True


def test_what_a_callback_raises_comes_through(service: str) -> None:
    def refuse(line: str) -> None:
        raise RuntimeError(line)

    with Client(service) as opened:
        with pytest.raises(RuntimeError, match="log_entries"):
            opened.materialize_partitions("log_entries", "global", BEGIN, END, 10, refuse)
        assert len(opened.query("SELECT 1")) == 1  # the connection goes on


def test_without_pandas_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "micromegas_dbapi.arrow.pandas_frames", raising=False)
    table = pa.table({"one": [1]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    with replay(Answer(body=sink.getvalue())) as server, Client(server.url) as opened:
        with pytest.raises(mm.NotSupportedError, match=r"pip install 'micromegas-dbapi\[pandas\]'"):
            opened.find_process(NOBODY)
        assert server.requests == []
        assert opened.find_process(NOBODY, arrow=True) == table
