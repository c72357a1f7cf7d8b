"""Wait for what happens in other threads, however long that takes on a busy machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def until(condition: Callable[[], object], within: float = 60) -> None:
    """Return once a condition holds."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.01)


@contextmanager
def once(condition: Callable[[], object], action: Callable[[], object]) -> Iterator[None]:
    """Act in another thread once a condition holds, while the block runs."""
    failures: list[BaseException] = []

    def act() -> None:
        try:
            until(condition)
            action()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert failures == []
