"""What is known of the service behind a connection."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from micromegas_dbapi.service.catalog import TimeColumns

__all__ = ["FLIGHT", "HTTP", "RECENT", "VIEWS_SQL", "Service"]

#: The generations.
HTTP, FLIGHT, RECENT = "0.1", "0.2", "0.13"
#: Lists the views where the wire has no call for that; only services since 0.18 understand it.
VIEWS_SQL = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"


@dataclass(frozen=True)
class Service:
    """The service behind a connection, as far as it tells.

    Attributes
    ----------
    wire : str
        ``http``, ``grpc``, ``gateway``, ``web`` or ``lake``.
    generation : str
        The oldest version that it may be: ``0.1`` for the HTTP service and lakes of its age,
        ``0.2`` for a FlightSQL service of unknown age, ``0.13`` for one with the view
        ``log_stats``, which these have and older ones don't.
    views : mapping of str to pyarrow.Schema, or None
        The views by name, with their columns, where the wire has a call that lists them.
    time_columns : mapping of str to TimeColumns or None
        By what a query's range filters views of which the catalog does not know it: as the user
        has declared, as the files of a lake have it, or as the service has shown; None where it
        has shown nothing that can be used.
    """

    wire: str
    generation: str
    views: Mapping[str, pa.Schema] | None = field(default=None, repr=False)
    time_columns: Mapping[str, TimeColumns | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, wire: str, names: Collection[str], views: Mapping[str, pa.Schema] | None = None
    ) -> Service:
        """Tell the generation from the names of the views."""
        return cls(wire, RECENT if "log_stats" in names else FLIGHT, views)
