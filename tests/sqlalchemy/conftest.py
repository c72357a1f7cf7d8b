"""Engines: the demo lake in process, and a service of the first generation over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from micromegas_dbapi.transport.lake import LakeTransport
from tests.test_client import serving

pytest.register_assert_rewrite("tests.sqlalchemy.answers")


@pytest.fixture(scope="session")
def demo() -> Iterator[Any]:
    engine = sa.create_engine("micromegas+demo://?seed=7")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def recorded(wire: Callable[[str], Path]) -> Iterator[Any]:
    """The data of the recorded 0.2.3 service, in process."""
    engine = sa.create_engine(f"micromegas+lake:///{wire('http-0.2.3') / 'data'}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def over_http(wire: Callable[[str], Path]) -> Iterator[Any]:
    """The same data, served over HTTP, without an information_schema."""
    with serving(LakeTransport(wire("http-0.2.3") / "data")) as url:
        engine = sa.create_engine(url.replace("http://", "micromegas+http://"))
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def newer(wire: Callable[[str], Path]) -> Iterator[Any]:
    """The data of the recorded 0.30 service, in process."""
    engine = sa.create_engine(f"micromegas+lake:///{wire('flight-0.30') / 'data'}")
    yield engine
    engine.dispose()
