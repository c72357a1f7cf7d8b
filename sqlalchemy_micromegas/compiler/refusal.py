"""The error for what no service can do."""

from __future__ import annotations

from typing import NoReturn

from sqlalchemy.exc import CompileError

__all__ = ["refuse"]


def refuse(what: str, instead: str) -> NoReturn:
    """Raise a CompileError that says what to do instead."""
    raise CompileError(f"Micromegas services do not support {what}: {instead}")
