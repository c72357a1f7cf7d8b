"""Fixtures for all tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.wire.recordings import unpack


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`wire("http-0.2.3")` is the folder of that recording, unpacked once."""
    into = tmp_path_factory.mktemp("wire")
    return cache(lambda name: unpack(name, into))
