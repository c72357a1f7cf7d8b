"""Test ``micromegas-sql serve``: the local service, and how it ends."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import cbor2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService
from tests.cli.terminal import COMMAND, run_alone
from tests.server.work import SLOW, needs_proc, rests, works
from tests.waiting import once


@contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run the command; yield the process, its URL and its first line."""
    command = [*COMMAND, "serve", "--port", "0", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, process.communicate()
            yield process, next(word for word in line.split() if word.startswith("http")), line
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals of this kind")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_a_signal(end: signal.Signals) -> None:
    with served("--demo", "--seed", "7") as (process, url, line):
        assert line == f"serving demo data at {url} (Ctrl-C stops)\n"
        assert urlsplit(url).hostname == "127.0.0.1"
        with mm.connect(url) as ours, mm.connect("demo:?seed=7") as theirs:
            sql = "SELECT exe, computer FROM processes ORDER BY start_time, exe"
            assert ours.execute(sql).fetchall() == theirs.execute(sql).fetchall()
            process.send_signal(end)  # while a client keeps its connection
            assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


@pytest.mark.parametrize("follow", [False, True])
def test_links_that_leave_the_lake(tmp_path: Path, follow: bool) -> None:
    (tmp_path / "lake").mkdir()
    pq.write_table(pa.table({"msg": ["linked"]}), tmp_path / "file")
    (tmp_path / "lake" / "log_entries.parquet").symlink_to(tmp_path / "file")
    options = ["--follow-links"] if follow else []
    with served("--lake", str(tmp_path / "lake"), *options) as (_, url, _), mm.connect(url) as lake:
        if follow:
            assert lake.execute("SELECT msg FROM log_entries").fetchall() == [("linked",)]
            return
        with pytest.raises(mm.DatabaseError, match=r"leads out of it.* serve --follow-links"):
            lake.execute("SELECT msg FROM log_entries")


@needs_proc
def test_ends_while_it_works() -> None:
    """A query under way does not keep it from ending, and its client is told."""
    slow = SLOW["cross join"]
    told: list[mm.Error] = []

    def ask(url: str) -> None:
        with mm.connect(url) as connection:
            try:
                connection.execute(slow).fetchall()
            except mm.Error as error:
                told.append(error)

    with served("--demo") as (process, url, _):
        thread = threading.Thread(target=ask, args=(url,))
        thread.start()
        assert works(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) is not None
        thread.join(60)
    assert [type(error) for error in told] == [mm.OperationalError]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals of this kind")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serves_flightsql_until_a_signal(end: signal.Signals) -> None:
    with served("--demo", "--seed", "7", "--flight-port", "0") as (process, url, line):
        flight = next(word for word in line.split() if word.startswith("grpc"))
        assert line == f"serving demo data at {url} and {flight} (Ctrl-C stops)\n"
        assert urlsplit(flight).hostname == "127.0.0.1"
        sql = "SELECT exe, computer FROM processes ORDER BY start_time, exe"
        with mm.connect(url) as http, mm.connect(flight) as grpc:
            assert grpc.execute(sql).fetchall() == http.execute(sql).fetchall()
            process.send_signal(end)  # while clients keep their connections
            assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


@needs_proc
def test_clients_that_cancel_or_fail_or_vanish_are_no_news() -> None:
    """Nothing is printed about them."""
    slow = SLOW["filter"]
    with served("--demo", "--flight-port", "0") as (process, url, line):
        flight = next(word for word in line.split() if word.startswith("grpc"))
        for each in (flight, f"web+{url}/mm"):
            with mm.connect(each) as connection:
                cursor = connection.cursor()
                with once(lambda: works(process.pid), cursor.cancel):
                    with pytest.raises(mm.OperationalError, match="the query was cancelled"):
                        cursor.execute(slow).fetchall()
                assert rests(process.pid)
                with pytest.raises(mm.DataError):
                    cursor.execute("SELECT 1 / (value - 1) FROM generate_series(1, 2)").fetchall()
        client = subprocess.Popen([*COMMAND, slow, "--url", flight], stderr=subprocess.DEVNULL)
        with client:
            assert works(process.pid)
            client.kill()
        assert rests(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "")


@needs_proc
def test_ends_while_flightsql_works() -> None:
    """Promptly: a query under way, and one whose rows nobody takes, are left."""
    slow = SLOW["cross join"]
    told: list[mm.Error] = []

    def ask(url: str) -> None:
        with mm.connect(url) as connection:
            try:
                connection.execute(slow).fetchall()
            except mm.Error as error:
                told.append(error)

    with served("--demo", "--flight-port", "0") as (process, _, line):
        flight = next(word for word in line.split() if word.startswith("grpc"))
        thread = threading.Thread(target=ask, args=(flight,))
        thread.start()
        assert works(process.pid)
        with mm.connect(flight) as connection:
            cursor = connection.execute("SELECT value FROM generate_series(1, 30000000000)")
            assert cursor.fetchone() == (1,)
            process.send_signal(signal.SIGTERM)
            assert process.communicate(timeout=60) == ("", "")
        thread.join(60)
    assert process.returncode == 0
    assert [type(error) for error in told] == [mm.OperationalError]


def test_ports_one_of_which_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for ports in (["0", "--flight-port", port], [port, "--flight-port", "0"]):
            code, shown, errors = run_alone("serve", "--demo", "--port", *ports)
            assert (code, shown) == (1, "")
            assert f"cannot listen on 127.0.0.1:{port}" in errors
            assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("ports", [["65536"], ["-1"], ["0", "--flight-port", "99999"]])
def test_ports_that_are_none(ports: list[str]) -> None:
    code, shown, errors = run_alone("serve", "--demo", "--port", *ports)
    assert (code, shown) == (1, "")
    assert f"cannot listen on 127.0.0.1:{ports[-1]}: the port must be between 0 and 65535" in errors
    assert len(errors.splitlines()) == 1


def test_without_grpcio(wire: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "micromegas_dbapi.server.flight", raising=False)
    lake = LakeTransport(wire("http-0.2.3") / "data")
    with pytest.raises(mm.NotSupportedError, match=r"pip install 'micromegas-dbapi\[lake\]'"):
        LocalService(lake, port=0, flight_port=0)


def test_addresses_and_folders_that_do_not_go(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, shown, errors = run_alone("serve", "--demo", "--port", port)
    assert (code, shown) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}" in errors
    assert len(errors.splitlines()) == 1
    code, shown, errors = run_alone("serve", "--lake", str(tmp_path / "nothing"))
    assert (code, shown) == (1, "")
    assert "is not a folder" in errors


def test_beyond_this_machine_it_warns() -> None:
    with served("--demo", "--host", "0.0.0.0") as (process, url, _):
        assert url.startswith("http://0.0.0.0:")
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert errors == (
        "micromegas-sql: warning: anyone who can reach 0.0.0.0 can read all data: there is no "
        "authentication\n"
    )


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_other_names_of_this_machine(host: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this system has no IPv6 on its loopback")
    with served("--demo", "--host", host) as (process, url, _):
        assert url.startswith("http://localhost:" if host == "localhost" else "http://[::1]:")
        with mm.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
        process.terminate()
        assert process.communicate(timeout=60) == ("", "")


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


# -- the service itself ----------------------------------------------------------------------------


@contextmanager
def service(lake: LakeTransport, **options: int) -> Iterator[LocalService]:
    made = LocalService(lake, port=0, **options)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join(10)
        assert not thread.is_alive()


def post(url: str, body: bytes, path: str = "/analytics/query") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("POST", path, body)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_a_limit_on_bodies(wire: Callable[[str], Path]) -> None:
    with service(LakeTransport(wire("http-0.2.3") / "data"), max_body=1000) as made:
        small = cbor2.dumps({"sql": "SELECT 1", "begin": None, "end": None})
        assert post(made.url, small)[0] == 200
        assert post(made.url, bytes(2000))[0] == 413
        with mm.connect(made.url) as connection:
            with pytest.raises(mm.OperationalError, match="larger than the service") as caught:
                connection.execute("SELECT 1 -- " + "x" * 2000)
            assert caught.value.status == 413
            assert connection.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE UNBOUNDED EXTERNAL TABLE t (a VARCHAR) STORED AS CSV LOCATION '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "SELECT * FROM '/etc/passwd'",
    ],
)
def test_nothing_but_the_lake_is_read(wire: Callable[[str], Path], sql: str) -> None:
    with service(LakeTransport(wire("http-0.2.3") / "data")) as made:
        body = cbor2.dumps({"sql": sql, "begin": None, "end": None})
        status, text = post(made.url, body)
        assert status == 500
        assert text.startswith(b"query\n\nCaused by:\n")
        assert b"root:" not in text


def test_stopping_at_any_moment(wire: Callable[[str], Path]) -> None:
    """Also while answers go out, from several threads, and again after the end."""
    body = cbor2.dumps({"sql": "SELECT 1", "begin": None, "end": None})
    lake = LakeTransport(wire("http-0.2.3") / "data")
    for _ in range(30):
        made = LocalService(lake, port=0)
        running = threading.Thread(target=made.run)
        running.start()
        assert post(made.url, body)[0] == 200
        stoppers = [threading.Thread(target=made.stop) for _ in range(4)]
        for thread in stoppers:
            thread.start()
        for thread in (*stoppers, running):
            thread.join(10)
            assert not thread.is_alive()
        made.stop()


def test_several_clients_at_once(wire: Callable[[str], Path]) -> None:
    """A slow query does not hold up quick ones, and nobody gets another's answer."""
    with service(LakeTransport(wire("http-0.2.3") / "data")) as made:
        wrong: list[object] = []

        def ask(number: int) -> None:
            with mm.connect(made.url) as connection:
                for step in range(20):
                    value = number * 1000 + step
                    found = connection.execute("SELECT ? AS n", [value]).fetchall()
                    if found != [(value,)]:
                        wrong.append(found)

        slow = "SELECT count(*) FROM generate_series(1, 30000000) WHERE value % 7 = 3"
        results: list[pa.Table] = []

        def wait() -> None:
            with mm.connect(made.url) as connection:
                results.append(connection.execute(slow).fetchall())

        waiting = threading.Thread(target=wait)
        waiting.start()
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        waiting.join(60)
    assert wrong == []
    assert results == [[(30_000_000 // 7 + 1,)]] or results == [[(30_000_000 // 7,)]]
