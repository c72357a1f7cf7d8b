"""Names, numbers and colours of log levels."""

from __future__ import annotations

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.service.catalog import LEVELS

__all__ = ["LEVEL_COLOURS", "level_label", "level_number"]

#: The colour of each level, as rich names it.
LEVEL_COLOURS = {
    1: "bold white on red",
    2: "bold red",
    3: "yellow",
    4: "green",
    5: "blue",
    6: "magenta",
}

_NUMBERS = {name.lower(): level for level, name in LEVELS.items()}


def level_number(name: str) -> int:
    """Return the number of a level.

    Parameters
    ----------
    name : str
        In upper or lower case.

    Returns
    -------
    int
        1 for fatal to 6 for trace.

    Raises
    ------
    ProgrammingError
        If there is no such level.
    """
    try:
        return _NUMBERS[name.lower()]
    except KeyError:
        raise ProgrammingError(f"unknown level {name!r}; accepted: {', '.join(_NUMBERS)}") from None


def level_label(level: int) -> str:
    """Return the name of a level, right-aligned in five columns.

    Parameters
    ----------
    level : int
        As entries have it; it may be unknown.

    Returns
    -------
    str
        In upper case; the number itself for an unknown level.
    """
    return LEVELS.get(level, f"{level}").upper().rjust(5)
