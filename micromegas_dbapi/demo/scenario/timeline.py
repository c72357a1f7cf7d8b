"""The timeline of the demo lake: its length, and the severity of the incident over time.

Times are in ns relative to the newest event, so they are negative. In the data of the scenario they
are in seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from micromegas_dbapi.demo.curves import Floats, Ints, smoothstep
from micromegas_dbapi.time_units import SECOND

__all__ = ["FLUSH_INTERVAL", "LENGTH", "severity_at", "ticks"]

#: The length of the lake, in ns.
LENGTH = 3600 * SECOND
#: The interval in which a process sends a block of each of its streams, in ns.
FLUSH_INTERVAL = 150 * SECOND

# The start, the worst, the start of the recovery, and the end of the incident, in seconds.
_INCIDENT = (-1500, -1440, -1110, -1000)


def severity_at(times: Ints) -> Floats:
    """Return the severity of the incident.

    Parameters
    ----------
    times : numpy.ndarray
        Times of the lake.

    Returns
    -------
    numpy.ndarray
        From 0, normal operation, to 1, the worst.
    """
    start, worst, recovery, end = (second * SECOND for second in _INCIDENT)
    rise = smoothstep((times - start) / (worst - start))
    return rise * (1.0 - smoothstep((times - recovery) / (end - recovery)))


def ticks(nanoseconds: Any, frequency: Any) -> Any:
    """Convert durations to ticks.

    Parameters
    ----------
    nanoseconds : int or numpy.ndarray
        The durations.
    frequency : int or numpy.ndarray
        Ticks per second.

    Returns
    -------
    int or numpy.ndarray
        Rounded down.
    """
    # In two steps, because an hour in ns times the frequency exceeds 64 bits.
    seconds, rest = np.divmod(nanoseconds, SECOND)
    return seconds * frequency + rest * frequency // SECOND
