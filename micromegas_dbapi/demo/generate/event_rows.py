"""Rows of events: what log entries and measures are made as before they become tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from micromegas_dbapi.demo.arrays import Ints

__all__ = ["Rows", "merged"]


class Rows(NamedTuple):
    """Rows of log_entries or measures in order of time.

    `times` are ns after the newest event. All columns but the time and the payload (the message
    or the value) repeat themselves: they are in `sources`, and `source` is the number of each
    row's.
    """

    times: Ints
    sources: list[dict[str, Any]]
    source: Ints
    payload: npt.NDArray[Any]


def merged(parts: Sequence[Rows]) -> Rows:
    """Bring rows together in order of time; of the same time, in order of the parts."""
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    sources: list[dict[str, Any]] = []
    source = []
    for part in parts:
        source.append(part.source + len(sources))
        sources += part.sources
    payload = np.concatenate([part.payload for part in parts])
    return Rows(times[order], sources, np.concatenate(source)[order], payload[order])
