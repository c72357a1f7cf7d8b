"""The lengths of the units of time, in nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["DAY", "HOUR", "MINUTE", "NANOSECONDS", "SECOND", "WEEK"]

SECOND: Final = 10**9
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY

#: By the codes of Arrow and numpy.
NANOSECONDS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "ns": 1,
        "us": 10**3,
        "ms": 10**6,
        "s": SECOND,
        "m": MINUTE,
        "h": HOUR,
        "D": DAY,
        "W": WEEK,
    }
)
