"""Numbers over time in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["buckets", "figure", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"


def buckets(series: Sequence[tuple[int, float | None]], count: int) -> list[list[float]]:
    """Divide the time of a series into equal parts, and give the numbers in each.

    Parameters
    ----------
    series : sequence of (int, float or None)
        Nanoseconds and value, by time; null, NaN and the infinities belong to no part.
    count : int
        How many parts.
    """
    parts: list[list[float]] = [[] for _ in range(count)]
    if series:
        begin = series[0][0]
        span = series[-1][0] - begin + 1
        for time, value in series:
            if value is not None and math.isfinite(value):
                parts[(time - begin) * count // span].append(value)
    return parts


def sparkline(values: Sequence[float | None], low: float, high: float) -> str:
    """Draw a bar for each value, the lowest at `low`, the highest at `high`; blank for None.

    >>> sparkline([1.0, 2.0, None, 4.5, 8.0], 1.0, 8.0)
    '▁▂ ▄█'
    """
    # Halved, so that the widest range of floats does not overflow.
    span = high / 2 - low / 2
    drawn = []
    for value in values:
        share = 0.0 if value is None or not span else (value / 2 - low / 2) / span
        drawn.append(" " if value is None else _BARS[min(len(_BARS) - 1, int(share * len(_BARS)))])
    return "".join(drawn)


def figure(value: float | None) -> str:
    """Write a number for people: whole ones exactly, others with six digits.

    >>> figure(4406721109.0), figure(16.123456789), figure(float("nan")), figure(None)
    ('4406721109', '16.1235', 'nan', 'NULL')
    """
    if value is None:
        return "NULL"
    if math.isfinite(value) and value == int(value) and abs(value) < 2**53:
        return str(int(value))
    return f"{value:.6g}"
