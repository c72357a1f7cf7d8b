"""The error for what no service supports."""

from __future__ import annotations

from typing import NoReturn

from sqlalchemy.exc import CompileError

__all__ = ["refuse"]


def refuse(feature: str, alternative: str) -> NoReturn:
    """Reject a feature and suggest an alternative.

    Parameters
    ----------
    feature : str
        Such as ``"LATERAL"``.
    alternative : str
        What to use instead.

    Raises
    ------
    CompileError
        Always.
    """
    raise CompileError(f"Micromegas services do not support {feature}: {alternative}")
