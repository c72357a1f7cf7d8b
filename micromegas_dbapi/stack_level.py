"""Whose code it is that a warning is about."""

from __future__ import annotations

import sys

__all__ = ["stacklevel"]


def stacklevel() -> int:
    """Count the frames up to the code that uses this package, as its caller's caller sees them."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith("micromegas_dbapi"):
        frame, level = frame.f_back, level + 1
    return level
