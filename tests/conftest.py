"""Fixtures for all tests."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.held_resources import UNKNOWN_DESCRIPTORS, Held, held, left_since
from tests.wire.recordings import unpack

# How long an example takes depends on the machine.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_collection_finish() -> None:
    """Keep the collected tests out of garbage collection, which takes a third of the time else."""
    gc.collect()
    gc.freeze()


def pytest_report_header() -> str | None:
    """Say what `nothing_left` does not compare on this system."""
    return UNKNOWN_DESCRIPTORS


class SharedFixtures:
    """Counts what fixtures open that tests share. Hooks of a conftest do not see the session's."""

    def __init__(self) -> None:
        self.opened: Held = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        if fixturedef.scope == "function":
            return (yield)
        with self.opening():
            return (yield)

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Count what the block opens, for fixtures that open it when a test asks for it."""
        before = held()
        try:
            yield
        finally:
            self.opened |= {each: what for each, what in held().items() if each not in before}


_shared_fixtures = SharedFixtures()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_shared_fixtures)


@pytest.fixture(scope="session")
def opening() -> Callable[[], AbstractContextManager[None]]:
    """`with opening(): ...` is for what a fixture opens later, for tests that share it."""
    return _shared_fixtures.opening


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fail a test that leaves a thread, a socket, an open file or an open connection.

    Its own fixtures are set up later and torn down earlier than this one. Those of a module or
    session open in their setup all that they keep, and may be set up while the test runs.
    """
    _shared_fixtures.opened.clear()
    before = held()
    yield
    assert left_since(before | _shared_fixtures.opened) == []


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`wire("http-0.2.3")` is the folder of that recording, unpacked once."""
    into = tmp_path_factory.mktemp("wire")
    return cache(lambda name: unpack(name, into))
