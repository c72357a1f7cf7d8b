"""A clock that tests set."""

from __future__ import annotations


class Clock:
    """Like `time.monotonic`, but `now` changes only if a test changes it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now
