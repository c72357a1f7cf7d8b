"""Let ``polars.read_database`` read Arrow from our cursors.

polars reads Arrow from drivers that it knows by the name of their package, and rows from all
others. Rows have no nanoseconds, and polars must guess what is nested.
"""

from __future__ import annotations

import sys

__all__ = ["register_with_polars"]

_REGISTRY = "polars.io.database._arrow_registry"
_DRIVER = __name__.partition(".")[0]
_PROPERTIES = {
    "fetch_all": "fetch_arrow_table",
    "fetch_batches": "fetch_record_batch",
    "exact_batch_size": False,
    "repeat_batch_calls": False,
    "minimum_version": None,
}


def register_with_polars() -> None:
    """Add this driver to the drivers that polars knows, if polars is imported.

    The registry is private to polars. If it has another form than in the versions 1.28 to 2.1,
    nothing is added, and polars reads rows.
    """
    drivers = getattr(sys.modules.get(_REGISTRY), "ARROW_DRIVER_REGISTRY", None)
    if not isinstance(drivers, dict) or _DRIVER in drivers:
        return
    known = next(iter(drivers.values()), None)
    properties = known[0] if isinstance(known, list) and known else known
    if isinstance(properties, dict) and properties.keys() == _PROPERTIES.keys():
        drivers[_DRIVER] = [_PROPERTIES] if isinstance(known, list) else _PROPERTIES
