"""Scale the sizes of benchmarks, interleave the variants they compare, and judge results.

The environment variable ``BENCHMARK_SCALE`` (default 1) multiplies all rows and repetitions:
``BENCHMARK_SCALE=0.001`` checks in seconds that a benchmark runs. Targets hold at scale 1 only.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping
from typing import TypeVar

SCALE = float(os.environ.get("BENCHMARK_SCALE", "1"))

Key = TypeVar("Key")


def scaled(size: int) -> int:
    """Return a number of rows or repetitions at the scale of this run, at least 1."""
    return max(1, round(size * SCALE))


def interleaved(variants: Mapping[Key, Callable[[], float]], rounds: int) -> dict[Key, float]:
    """Return the median of each variant over several rounds.

    Each round runs all variants, in the opposite order of the round before. So a machine whose
    speed changes affects all of them alike.

    Parameters
    ----------
    variants : mapping
        Functions that return the seconds they measured.
    rounds : int
    """
    seconds: dict[Key, list[float]] = {name: [] for name in variants}
    for number in range(rounds):
        for name in list(variants) if number % 2 else reversed(list(variants)):
            seconds[name].append(variants[name]())
    return {name: statistics.median(values) for name, values in seconds.items()}


class Targets:
    """Print results next to their targets, and remember which targets were missed."""

    def __init__(self) -> None:
        self._missed: list[str] = []

    def check(self, name: str, value: float, sign: str, limit: float, unit: str = "x") -> None:
        """Print a result.

        Parameters
        ----------
        name : str
        value : float
        sign : {"<=", ">="}
        limit : float
        unit : str
        """
        met = value >= limit if sign == ">=" else value <= limit
        if SCALE != 1:
            verdict = "not judged at this scale"
        elif met:
            verdict = "met"
        else:
            verdict = "MISSED"
            self._missed.append(name)
        print(f"{name}: {value:.2f}{unit} (target {sign} {limit:g}{unit}): {verdict}")

    def exit_code(self) -> int:
        """Print which targets were missed; return 1 if there are any, else 0."""
        print(f"\nmissed targets: {'; '.join(self._missed) or 'none'}")
        return 1 if self._missed else 0
