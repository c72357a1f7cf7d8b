"""Options of a connection for inferred time ranges and for statements without a range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeAlias

from micromegas_dbapi.errors import NotSupportedError, ProgrammingError
from micromegas_dbapi.service.catalog import UNFILTERED, TimeColumns

__all__ = ["RangeOptions", "Views", "unmet_requirement"]

#: The time column of each view, by name; or the two columns that the end and the begin of a range
#: are compared with; or None for a table that no range filters.
Views: TypeAlias = Mapping[str, str | tuple[str, str] | None]

_MODES = ("on", "off", "require")
_REACTIONS = ("ignore", "warn", "error")


@dataclass(frozen=True)
class RangeOptions:
    """Options of range inference.

    Attributes
    ----------
    infer_range : {"on", "off", "require"} or None
        "require" rejects statements without a range. None is "on" if sqloxide is installed, else
        "off".
    views : mapping of str to str, (str, str) or None
        The time columns of views that the catalog does not know; see `Views`.
    clock_skew : float
        The seconds by which this machine's clock may be ahead of the service's.
    on_unbounded : {"ignore", "warn", "error"}
        The reaction to a statement that reads a large view without a range.

    Raises
    ------
    ProgrammingError
        If a value is not accepted.
    NotSupportedError
        If inference is requested and sqloxide is not installed.
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
        if self.infer_range in ("on", "require") and (unmet := unmet_requirement()):
            raise NotSupportedError(f"infer_range={self.infer_range!r}: {unmet}")

    def declared(self) -> dict[str, TimeColumns]:
        """Return the time columns of the views that the user has declared.

        Returns
        -------
        dict of str to TimeColumns
            By the name of the view.

        Raises
        ------
        ProgrammingError
            If `views` is invalid.
        """
        if not isinstance(self.views, Mapping):
            raise _invalid_views(self.views)
        declared = {}
        for view, columns in self.views.items():
            if columns is None and isinstance(view, str) and view:
                declared[view] = UNFILTERED
                continue
            pair = (columns, columns) if isinstance(columns, str) else columns
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise _invalid_views(self.views)
            if not all(isinstance(name, str) and name for name in (view, *pair)):
                raise _invalid_views(self.views)
            has_two = pair[0] != pair[1]
            declared[view] = TimeColumns(*pair, ordered=not has_two, nullable=has_two)
        return declared


def _invalid_views(views: object) -> ProgrammingError:
    return ProgrammingError(
        f"views={views!r}; accepted: a mapping of view names to a time column, to the two columns "
        "that the end and the begin of a range are compared with, or to None if no range filters "
        "the view: {'my_bins': 'time_bin', 'my_spans': ('begin', 'end'), 'hosts': None}"
    )


@cache
def unmet_requirement() -> str | None:
    """Return why ranges cannot be inferred in this environment.

    Returns
    -------
    str or None
        A clause for error messages; None if sqloxide is installed in a supported version.
    """
    from importlib.metadata import PackageNotFoundError, version  # not at the top: takes long

    try:
        installed = version("sqloxide")
    except PackageNotFoundError:
        return "inference needs sqloxide: pip install 'micromegas-dbapi[infer]'"
    if installed.split(".")[:2] != ["0", "61"]:
        return f"inference needs sqloxide 0.61, but {installed} is installed"
    return None
