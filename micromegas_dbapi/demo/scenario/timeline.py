"""The timeline of the demo lake: how long it is, and how bad things are when.

Times are ns after the newest event, so they are negative; those of the scene are seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from micromegas_dbapi.demo.arrays import Floats, Ints, smooth
from micromegas_dbapi.time_units import SECOND

__all__ = ["FLUSH", "LENGTH", "ticks", "trouble_at"]

#: How long the lake is, and how often a process sends a block of each of its streams.
LENGTH = 3600 * SECOND
FLUSH = 150 * SECOND

# When the trouble starts, is at its worst, is being repaired, and is over.
_TROUBLE = (-1500, -1440, -1110, -1000)


def trouble_at(times: Ints) -> Floats:
    """Tell how bad things are at each time: 0 is well, 1 is the worst."""
    starts, worst, repaired, over = (second * SECOND for second in _TROUBLE)
    rise = smooth((times - starts) / (worst - starts))
    return rise * (1.0 - smooth((times - repaired) / (over - repaired)))


def ticks(nanoseconds: Any, frequency: Any) -> Any:
    """Count the ticks of a clock, or of an array of clocks."""
    # In two steps: an hour of ns times the frequency does not fit into 64 bits.
    seconds, rest = np.divmod(nanoseconds, SECOND)
    return seconds * frequency + rest * frequency // SECOND
