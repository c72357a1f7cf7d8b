"""Rows of log entries and measures before they become tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from micromegas_dbapi.demo.curves import Ints

__all__ = ["EventRows", "merge"]


class EventRows(NamedTuple):
    """Rows of log_entries or measures, ordered by time.

    Attributes
    ----------
    times : numpy.ndarray
        In ns relative to the newest event.
    sources : list of dict
        The distinct values of all columns except the time and the payload.
    source : numpy.ndarray
        For each row, the index of its values in `sources`.
    payload : numpy.ndarray
        The messages of log entries, or the values of measures.
    """

    times: Ints
    sources: list[dict[str, Any]]
    source: Ints
    payload: npt.NDArray[Any]


def merge(parts: Sequence[EventRows]) -> EventRows:
    """Merge rows by time.

    Parameters
    ----------
    parts : sequence of EventRows
        Rows of one view.

    Returns
    -------
    EventRows
        Rows with the same time are in the order of the parts.
    """
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    sources: list[dict[str, Any]] = []
    source = []
    for part in parts:
        source.append(part.source + len(sources))
        sources += part.sources
    payload = np.concatenate([part.payload for part in parts])
    return EventRows(times[order], sources, np.concatenate(source)[order], payload[order])
