"""No credential is in what a caller can see of an error, on any protocol, given in any way."""

from __future__ import annotations

import base64
import logging
import pickle
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import micromegas_dbapi as mm

CANARY = "canary-4711"
BASIC = base64.b64encode(f"user:{CANARY}".encode()).decode()
# The frames whose variables are looked at. Neither the caller's own, nor those of SQLAlchemy, to
# which the caller passes the URL, are the driver's.
PACKAGES = ("micromegas_dbapi", "sqlalchemy_micromegas", "requests", "urllib3", "http", "ssl")


class Provider:
    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def get_token(self) -> str:
        if isinstance(self._answer, Exception):
            raise self._answer
        token: str = self._answer
        return token


class RefusedError(Exception):
    """As of a library that obtains tokens: the request hangs on it."""

    def __init__(self) -> None:
        super().__init__("the authority refuses")
        self.request = {"client_secret": CANARY}


def everything(error: BaseException, log: str = "") -> Iterator[tuple[str, str]]:
    """Yield where a text is found, and the text."""
    yield "log", log
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        name = type(each).__name__
        yield f"{name} as text", f"{each} {each!r} {each.args}"
        for key, value in vars(each).items():
            yield f"{name}.{key}", f"{value!r} {getattr(value, '__dict__', '')}"
            pending.append(value if isinstance(value, BaseException) else None)
        with suppress(Exception):
            yield f"pickle of {name}", repr(pickle.dumps(each))
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if str(frame.f_globals.get("__name__")).partition(".")[0] in PACKAGES:
                for key, value in frame.f_locals.items():
                    yield f"{name}: {frame.f_code.co_name}: {key}", repr(value)
        pending += [each.__cause__, each.__context__]
        pending += [each for each in each.args if isinstance(each, BaseException)]
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert list(lines)  # each frame was looked at above; the caller's own are the caller's


def shown(error: BaseException, log: str = "") -> list[str]:
    return [
        where for where, text in everything(error, log) if any(s in text for s in (CANARY, BASIC))
    ]


# -- faults of the network -------------------------------------------------------------------------

HTTP_ERROR = b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno"
CUT = b"HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\nno"
UNAUTHORIZED = b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"
FAULTS: dict[str, bytes | None] = {
    "refused": None,
    "closed": b"",
    "rubbish": b"\x00\x01 rubbish\r\n\r\n",
    "error": HTTP_ERROR,
    "401": UNAUTHORIZED,
    "cut": CUT,
    "stalled": b"stall",
}


@contextmanager
def faulty(answer: bytes | None) -> Iterator[int]:
    """A server that answers each connection like this; None: one that refuses them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answer is None:
            server.close()
            yield port
            return
        stopped = threading.Event()
        server.settimeout(0.05)

        def serve() -> None:
            while not stopped.is_set():
                with suppress(OSError):
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(2)
                        connection.recv(65536)
                        if answer == b"stall":
                            stopped.wait(0.6)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield port
        finally:
            stopped.set()
            thread.join()


def credentials(way: str, folder: Path) -> tuple[str, dict[str, Any]]:
    """What the URL has in front of the host, and the options."""
    file = folder / "token"
    file.write_text(CANARY)
    options: dict[str, dict[str, Any]] = {
        "token": {"token": CANARY},
        "token_file": {"token_file": file},
        "auth": {"auth": mm.BasicAuth("user", CANARY)},
        "provider": {"auth": Provider(CANARY)},
        "headers": {"headers": {"X-Api-Key": CANARY, "Cookie": f"session={CANARY}"}},
        "basic in the URL": {},
        "token in the URL": {},
    }
    user = {"basic in the URL": f"user:{CANARY}@", "token in the URL": f":{CANARY}@"}
    return user.get(way, ""), options[way]


WAYS = [
    *("token", "token_file", "auth", "provider", "headers", "basic in the URL"),
    "token in the URL",
]
SCHEMES = ["http", "https", "gateway+http", "web+http", "grpc", "grpc+tls"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_faults_show_no_credentials(
    scheme: str, fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ways = WAYS if scheme in ("http", "https") else ["auth", "headers", "token in the URL"]
    timeout = mm.Timeout(connect=0.5, read=0.3)
    with faulty(FAULTS[fault]) as port:
        for way in ways:
            user, options = credentials(way, tmp_path)
            url = f"{scheme}://{user}127.0.0.1:{port}"
            with mm.connect(url, timeout=timeout, **options) as connection:
                with pytest.raises(mm.Error) as caught:
                    connection.execute("SELECT 1").fetchall()
            assert shown(caught.value, caplog.text) == [], way


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_proxy_show_no_password(
    scheme: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with faulty(FAULTS[fault]) as port:
        proxies = {scheme: f"http://user:{CANARY}@127.0.0.1:{port}"}
        url, timeout = f"{scheme}://service.example", mm.Timeout(connect=0.5, read=0.3)
        with mm.connect(url, proxies=proxies, timeout=timeout) as connection:
            with pytest.raises(mm.Error) as caught:
                connection.execute("SELECT 1").fetchall()
    assert shown(caught.value, caplog.text) == []


# -- faults of the credentials themselves ----------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "grpc", "gateway+http", "web+http"])
@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({"token": f"{CANARY}\n"}, "127.0.0.1:9"),
        ({"token": 4711}, "127.0.0.1:9"),
        ({"headers": {"X-Api-Key": f"{CANARY}\n"}}, "127.0.0.1:9"),
        ({"headers": {"X-Api-Key": CANARY.encode()}}, "127.0.0.1:9"),
        ({"headers": [CANARY]}, "127.0.0.1:9"),
        ({"headers": {"X-Api-Key": CANARY}}, "service.example"),  # unencrypted
        ({"token": CANARY}, "service.example"),
        ({"token": CANARY, "auth": Provider(CANARY)}, "127.0.0.1:9"),
        ({"token": CANARY, "timeout": -1}, "127.0.0.1:9"),
        ({"password": CANARY}, "127.0.0.1:9"),
        ({}, f"user:{CANARY}@127.0.0.1:port"),
        ({}, f"us%3Aer:{CANARY}@127.0.0.1"),
        ({}, f":{CANARY}%0A@127.0.0.1"),
        ({}, f":{CANARY}@127.0.0.1?nonsense=1"),
        ({"auth": Provider(f"{CANARY}\n")}, "127.0.0.1:9"),
        ({"auth": Provider(CANARY.encode())}, "127.0.0.1:9"),
        ({"auth": Provider(RefusedError())}, "127.0.0.1:9"),
    ],
)
def test_credentials_that_are_wrong_are_not_shown(
    scheme: str, options: dict[str, Any], address: str
) -> None:
    with pytest.raises(mm.Error) as caught:
        with mm.connect(f"{scheme}://{address}", **options) as connection:
            connection.execute("SELECT 1")
    assert shown(caught.value) == []


@pytest.mark.parametrize(
    "create",
    [
        lambda: mm.BearerAuth(f"{CANARY}\n"),
        lambda: mm.BearerAuth(CANARY.encode()),  # type: ignore[arg-type]
        lambda: mm.BasicAuth("us:er", CANARY),
        lambda: mm.BasicAuth("user", CANARY.encode()),  # type: ignore[arg-type]
    ],
)
def test_wrong_credentials_are_not_shown(create: Callable[[], object]) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        create()
    assert shown(caught.value) == []


@pytest.mark.parametrize(
    "url",
    [
        f"micromegas+http://user:{CANARY}@127.0.0.1:9",
        f"micromegas+grpc://:{CANARY}@127.0.0.1:9",
        f"micromegas+gateway://us%3Aer:{CANARY}@127.0.0.1:9",
        f"micromegas+http://user:{CANARY}@127.0.0.1:9/?nonsense=1",
        f"micromegas+http://user:{CANARY}@service.example",  # unencrypted
    ],
)
def test_sqlalchemy_shows_no_credentials(url: str) -> None:
    with pytest.raises((sa.exc.DBAPIError, sa.exc.ArgumentError, mm.Error)) as caught:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    assert shown(caught.value) == []


def test_a_token_file_that_is_not_text_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(CANARY.encode() + b"\xff")
    with mm.connect("http://127.0.0.1:9", token_file=file) as connection:
        with pytest.raises(mm.OperationalError, match="it is not UTF-8") as caught:
            connection.execute("SELECT 1")
    assert shown(caught.value) == []


def test_the_lines_of_a_traceback_are_kept() -> None:
    """Only the variables are removed: the place where a provider fails can still be found."""
    with mm.connect("http://127.0.0.1:9", auth=Provider(RefusedError())) as connection:
        with pytest.raises(mm.OperationalError, match="the authority refuses") as caught:
            connection.execute("SELECT 1")
    cause = caught.value.__cause__
    assert isinstance(cause, RefusedError)
    assert traceback.extract_tb(cause.__traceback__)[-1].line == "raise self._answer"
