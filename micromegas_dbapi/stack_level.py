"""Find the stack level of the code that uses this package, for warnings."""

from __future__ import annotations

import inspect

__all__ = ["stacklevel"]


def stacklevel() -> int:
    """Return the ``stacklevel`` for a warning about the code that called this package.

    Returns
    -------
    int
        To be passed to `warnings.warn` by the caller of this function.
    """
    frame, level = inspect.currentframe(), 0
    while frame and str(frame.f_globals.get("__name__")).startswith("micromegas_dbapi"):
        frame, level = frame.f_back, level + 1
    return level
