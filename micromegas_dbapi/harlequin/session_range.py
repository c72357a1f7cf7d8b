"""The time range of a session: which ones the catalog offers, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from micromegas_dbapi.timerange import ALL_TIME, Bound, format_ns

__all__ = ["RANGES", "SessionRange", "range_at_start", "range_since"]


@dataclass(frozen=True)
class SessionRange:
    """A time range of all statements of a session.

    Attributes
    ----------
    title : str
        Its name in the catalog.
    begin, end : Bound
        As for `Cursor.execute`. Relative bounds are re-evaluated at every execute.
    """

    title: str
    begin: Bound = None
    end: Bound = None

    @property
    def bounds(self) -> dict[str, Any]:
        """The arguments for `Cursor.execute` and `Connection.explicit_range`."""
        return {"begin": self.begin, "end": self.end}


#: The ranges that can be chosen in every session.
RANGES = (
    SessionRange("last 15 minutes", "-15m", "now"),
    SessionRange("last hour", "-1h", "now"),
    SessionRange("last day", "-1d", "now"),
    SessionRange("last 7 days", "-7d", "now"),
    SessionRange("all time", ALL_TIME),
)


def range_at_start(begin: Bound, end: Bound) -> SessionRange:
    """Return the range of a session until another one is chosen: that of its connection.

    Parameters
    ----------
    begin, end : Bound
        The bounds that the options or the URL set, for the title.

    Returns
    -------
    SessionRange
        Without bounds, so that those of the connection apply.
    """
    words = {"from": begin, "until": end}
    set_here = {word: bound for word, bound in words.items() if bound is not None}
    if set_here and all(bound is ALL_TIME for bound in set_here.values()):
        return SessionRange("all time")
    limits = [f"{word} {bound}" for word, bound in set_here.items() if bound is not ALL_TIME]
    return SessionRange(" ".join(limits) or "from each statement")


def range_since(start: int) -> SessionRange:
    """Return the range from an instant until now.

    Parameters
    ----------
    start : int
        Nanoseconds since the epoch.

    Returns
    -------
    SessionRange
        Its end is re-evaluated at every execute.
    """
    return SessionRange(f"{format_ns(start)} to now", np.datetime64(start, "ns"), "now")
