"""Engines: a demo lake and recorded ones, in-process and over each protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from micromegas_dbapi.lake.transport import LakeTransport
from tests.integration.serving import served

pytest.register_assert_rewrite("tests.sqlalchemy.answers")

_NAMES = {
    "lake:": "micromegas+lake:///",
    "gateway+http://": "micromegas+gateway://",
    "web+http://": "micromegas+web://",
    "http://": "micromegas+http://",
    "grpc://": "micromegas+grpc://",
}


def _engine(url: str) -> Iterator[Any]:
    scheme = next(scheme for scheme in _NAMES if url.startswith(scheme))
    engine = sa.create_engine(_NAMES[scheme] + url[len(scheme) :], pool_size=1)
    with engine.connect() as connection:  # the only one that the pool keeps open
        connection.execute(sa.text("SELECT 1"))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def demo_urls() -> Iterator[dict[str, str]]:
    lake = LakeTransport.demo(seed=7)
    with served(lake.path) as urls:
        yield urls
    lake.close()


@pytest.fixture(scope="session", params=["lake", "http", "grpc"])
def demo(request: pytest.FixtureRequest, demo_urls: dict[str, str]) -> Iterator[Any]:
    """A demo lake, shared by all engines."""
    yield from _engine(demo_urls[request.param])


@pytest.fixture(scope="session")
def demo_lake(demo_urls: dict[str, str]) -> Iterator[Any]:
    """The demo lake, in-process."""
    yield from _engine(demo_urls["lake"])


@pytest.fixture(scope="session")
def demo_http(demo_urls: dict[str, str]) -> Iterator[Any]:
    """The demo lake over HTTP, without information_schema."""
    yield from _engine(demo_urls["http"])


@pytest.fixture(scope="session")
def recorded_urls(wire: Callable[[str], Path]) -> Iterator[dict[str, str]]:
    with served(wire("http-0.2.3") / "data") as urls:
        yield urls


@pytest.fixture(scope="session")
def recorded(recorded_urls: dict[str, str]) -> Iterator[Any]:
    """The data of the recorded 0.2.3 service, in-process."""
    yield from _engine(recorded_urls["lake"])


@pytest.fixture(scope="session")
def over_http(recorded_urls: dict[str, str]) -> Iterator[Any]:
    """The same data over HTTP, without information_schema."""
    yield from _engine(recorded_urls["http"])


@pytest.fixture(scope="session")
def over_grpc(recorded_urls: dict[str, str]) -> Iterator[Any]:
    """The same data over FlightSQL."""
    yield from _engine(recorded_urls["grpc"])


@pytest.fixture(scope="session")
def over_gateway(recorded_urls: dict[str, str]) -> Iterator[Any]:
    """The same data through the gateway."""
    yield from _engine(recorded_urls["gateway"])


@pytest.fixture(scope="session")
def over_web(recorded_urls: dict[str, str]) -> Iterator[Any]:
    """The same data through the web app."""
    yield from _engine(recorded_urls["web"])


@pytest.fixture(scope="session")
def newer(wire: Callable[[str], Path]) -> Iterator[Any]:
    """The data of the recorded 0.30 service, in-process."""
    yield from _engine(f"lake:{wire('flight-0.30') / 'data'}")
