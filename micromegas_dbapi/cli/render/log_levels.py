"""Levels of log entries: names, numbers, colours."""

from __future__ import annotations

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.service.catalog import LEVELS

__all__ = ["COLOURS", "label", "number"]

#: Level -> what rich calls its colour.
COLOURS = {1: "bold white on red", 2: "bold red", 3: "yellow", 4: "green", 5: "blue", 6: "magenta"}

_NUMBERS = {name.lower(): level for level, name in LEVELS.items()}


def number(name: str) -> int:
    """Give the number of a level, named in any case.

    Raises
    ------
    ProgrammingError
        If there is no such level.
    """
    try:
        return _NUMBERS[name.lower()]
    except KeyError:
        raise ProgrammingError(
            f"there is no level {name!r}; there are {', '.join(_NUMBERS)}"
        ) from None


def label(level: int) -> str:
    """Name a level in five letters; one that is unknown by its number."""
    return LEVELS.get(level, f"{level}").upper().rjust(5)
