"""What a connection is told of time ranges: whether to infer them, and what to do without."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeAlias

from micromegas_dbapi.errors import NotSupportedError, ProgrammingError
from micromegas_dbapi.service.catalog import UNFILTERED, TimeColumns

__all__ = ["RangeOptions", "Views", "missing"]

#: View -> the column of its time, or the two that a range's end and begin are compared with, or
#: None of a table that no range filters.
Views: TypeAlias = Mapping[str, str | tuple[str, str] | None]

_MODES = ("on", "off", "require")
_REACTIONS = ("ignore", "warn", "error")


@dataclass(frozen=True)
class RangeOptions:
    """How time ranges are found.

    Attributes
    ----------
    infer_range : {"on", "off", "require"} or None
        None is "on" where sqloxide is installed, else "off".
    views : mapping of str to str, (str, str) or None
    clock_skew : float
        By how many seconds this machine's clock may be ahead of the service's.
    on_unbounded : {"ignore", "warn", "error"}

    Raises
    ------
    ProgrammingError
        If a value is none of these.
    NotSupportedError
        If inference is asked for and sqloxide is not installed.
    """

    infer_range: Literal["on", "off", "require"] | None = None
    views: Views = field(default_factory=dict)
    clock_skew: float = 600.0
    on_unbounded: Literal["ignore", "warn", "error"] = "ignore"

    def __post_init__(self) -> None:
        if self.infer_range not in (None, *_MODES):
            raise ProgrammingError(
                f"infer_range={self.infer_range!r}; accepted: {', '.join(map(repr, _MODES))}"
            )
        if self.on_unbounded not in _REACTIONS:
            raise ProgrammingError(
                f"on_unbounded={self.on_unbounded!r}; accepted: {', '.join(map(repr, _REACTIONS))}"
            )
        skew: Any = self.clock_skew
        if not isinstance(skew, (int, float)) or not 0 <= skew <= 86_400:
            raise ProgrammingError(f"clock_skew={skew!r}; accepted: 0 to 86400 seconds")
        self.declared()
        if self.infer_range in ("on", "require") and (lacking := missing()):
            raise NotSupportedError(f"infer_range={self.infer_range!r}: {lacking}")

    def declared(self) -> dict[str, TimeColumns]:
        """Give the time columns of the views that the user has declared."""
        if not isinstance(self.views, Mapping):
            raise _bad_views(self.views)
        found = {}
        for view, columns in self.views.items():
            if columns is None and isinstance(view, str) and view:
                found[view] = UNFILTERED
                continue
            pair = (columns, columns) if isinstance(columns, str) else columns
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise _bad_views(self.views)
            if not all(isinstance(name, str) and name for name in (view, *pair)):
                raise _bad_views(self.views)
            both = pair[0] != pair[1]
            found[view] = TimeColumns(*pair, ordered=not both, nullable=both)
        return found


def _bad_views(given: object) -> ProgrammingError:
    return ProgrammingError(
        f"views={given!r}; accepted: a mapping of a view's name to its time column, to the two "
        "columns that a range's end and begin are compared with, or to None where no range "
        "filters it, as in {'my_bins': 'time_bin', 'my_spans': ('begin', 'end'), 'hosts': None}"
    )


@cache
def missing() -> str | None:
    """Tell what inference needs and has not."""
    try:
        installed = importlib.metadata.version("sqloxide")
    except importlib.metadata.PackageNotFoundError:
        return "it needs sqloxide: pip install 'micromegas-dbapi[infer]'"
    if installed.split(".")[:2] != ["0", "61"]:
        return f"its rules are tested with sqloxide 0.61, and {installed} is installed"
    return None
