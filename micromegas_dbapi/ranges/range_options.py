"""Options of a connection for inferred time ranges and for statements without a range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias

from micromegas_dbapi.errors import NotSupportedError
from micromegas_dbapi.service.catalog import UNFILTERED, TimeColumns

__all__ = ["RangeOptions", "Views", "unmet_requirement"]

#: The time column of each view, by name; or the two columns that the end and the begin of a range
#: are compared with; or None for a table that no range filters.
Views: TypeAlias = Mapping[str, str | tuple[str, str] | None]


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
    NotSupportedError
        If inference is requested and sqloxide is not installed.
    """

    infer_range: Literal["on", "off", "require"] | None = None
    views: Views = field(default_factory=dict)
    clock_skew: float = 600.0
    on_unbounded: Literal["ignore", "warn", "error"] = "ignore"

    def __post_init__(self) -> None:
        if self.infer_range in ("on", "require") and (unmet := unmet_requirement()):
            raise NotSupportedError(f"infer_range={self.infer_range!r}: {unmet}")

    def declared(self) -> dict[str, TimeColumns]:
        """Return the time columns of the views that the user has declared.

        Returns
        -------
        dict of str to TimeColumns
            By the name of the view.
        """
        return {view: _time_columns(columns) for view, columns in self.views.items()}


def _time_columns(columns: str | tuple[str, str] | None) -> TimeColumns:
    if columns is None:
        return UNFILTERED
    pair = (columns, columns) if isinstance(columns, str) else columns
    has_two = pair[0] != pair[1]
    return TimeColumns(*pair, ordered=not has_two, nullable=has_two)


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
