"""Fixtures for the tests of transports."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Disable finalizers, which fail themselves in the deepest recursion."""
    gc.disable()
    yield
    gc.enable()
