"""Services with engines of their own, for the tests of what is sent to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.engines.services import Service, serving


@pytest.fixture(scope="session")
def service(wire: Callable[[str], Path], opening: Any) -> Iterator[Callable[[str, str], Service]]:
    """`service(python, "http-0.2.3")` serves the data of that recording, started once."""
    with ExitStack() as running:

        def start(python: str, recording: str) -> Service:
            with opening():
                return running.enter_context(serving(python, wire(recording) / "data"))

        yield cache(start)
