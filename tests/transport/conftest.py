"""Fixtures for the tests of transports."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Keep finalizers from running within the deepest recursion, where they fail themselves."""
    gc.disable()
    yield
    gc.enable()
