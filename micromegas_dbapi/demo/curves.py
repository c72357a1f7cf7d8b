"""Types of number arrays, and the curve of all changes over time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Ints", "smoothstep"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def smoothstep(x: Floats) -> Floats:
    """Return a smooth transition from 0 to 1.

    Parameters
    ----------
    x : numpy.ndarray
        Clipped to 0 and 1.

    Returns
    -------
    numpy.ndarray
        The polynomial ``3 x**2 - 2 x**3``.
    """
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)
