"""Arrays of numbers: their types, and the one curve that all changes follow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Ints", "smooth"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def smooth(x: Floats) -> Floats:
    """Go from 0 to 1 as `x` does, without corners."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)
