"""Draw numbers over time in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["buckets", "format_number", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"


def buckets(series: Sequence[tuple[int, float | None]], count: int) -> list[list[float]]:
    """Divide the time of a series into equal buckets and return the values in each.

    Parameters
    ----------
    series : sequence of (int, float or None)
        Nanoseconds and value, ordered by time. Null, NaN and infinite values are left out.
    count : int
        Number of buckets.

    Returns
    -------
    list of list of float
        As many lists as `count`; some may be empty.
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
    """Draw a vertical bar for each value.

    Parameters
    ----------
    values : sequence of float or None
        Each in `low` to `high`; None is drawn as a space.
    low, high : float
        The values of the lowest and the highest bar.

    Returns
    -------
    str
        One character for each value.

    Examples
    --------
    >>> sparkline([1.0, 2.0, None, 4.5, 8.0], 1.0, 8.0)
    '▁▂ ▅█'
    """
    # Halved, so that the widest range of floats does not overflow.
    span = high / 2 - low / 2
    bars = []
    for value in values:
        share = 0.0 if value is None or not span else (value / 2 - low / 2) / span
        bars.append(" " if value is None else _BARS[min(len(_BARS) - 1, int(share * len(_BARS)))])
    return "".join(bars)


def format_number(value: float | None) -> str:
    """Format a number for people: whole numbers exactly, others with six digits.

    Parameters
    ----------
    value : float or None
        NaN and infinite values are accepted.

    Returns
    -------
    str
        ``NULL`` for None.

    Examples
    --------
    >>> [format_number(value) for value in (4406721109.0, 16.123456789, float("nan"), None)]
    ['4406721109', '16.1235', 'nan', 'NULL']
    """
    if value is None:
        return "NULL"
    if math.isfinite(value) and value == int(value) and abs(value) < 2**53:
        return str(int(value))
    return f"{value:.6g}"
