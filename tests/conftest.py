"""Fixtures for all tests."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.wire.recordings import unpack

# How long an example takes depends on the machine.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_collection_finish() -> None:
    """Keep the collected tests out of garbage collection, which takes a third of the time else."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`wire("http-0.2.3")` is the folder of that recording, unpacked once."""
    into = tmp_path_factory.mktemp("wire")
    return cache(lambda name: unpack(name, into))
