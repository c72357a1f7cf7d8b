"""Describe the service behind a connection: its protocol, version and views."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.service.catalog import TimeColumns

__all__ = ["FLIGHT", "HTTP", "RECENT", "VIEWS_SQL", "Service", "may_lack_table"]

#: The versions that are told apart, each the oldest of its kind.
HTTP, FLIGHT, RECENT = "0.1", "0.2", "0.13"
#: Lists the views if the protocol has no call for that. Services before 0.18 do not support it.
VIEWS_SQL = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"

_UNPLANNED = r"Error during planning|\bPlan\(|Schema error|SchemaError\("


@dataclass(frozen=True)
class Service:
    """Kind and version of the service behind a connection, as far as they are known.

    Attributes
    ----------
    wire : str
        The protocol: ``http``, ``grpc``, ``gateway``, ``web`` or ``lake``.
    generation : str
        The oldest version that the service may have: ``0.1`` for the HTTP service and for lakes of
        that version, ``0.2`` for a FlightSQL service of unknown version, ``0.13`` for a service
        with the view ``log_stats``, which older versions do not have.
    views : mapping of str to pyarrow.Schema, or None
        The views with their columns, by name; None if the protocol cannot list them.
    time_columns : mapping of str to TimeColumns or None
        The time columns of views that the catalog does not know: declared by the user, read from
        the files of a lake, or read from a plan of the service. None for a view whose plan has no
        usable time filter.
    """

    wire: str
    generation: str
    views: Mapping[str, pa.Schema] | None = field(default=None, repr=False)
    time_columns: Mapping[str, TimeColumns | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, wire: str, names: Collection[str], views: Mapping[str, pa.Schema] | None = None
    ) -> Service:
        """Determine the version from the names of the views.

        Parameters
        ----------
        wire : str
            The protocol, as in `Service.wire`.
        names : collection of str
            The names of all views of the service.
        views : mapping of str to pyarrow.Schema, optional
            The views with their columns, if known.

        Returns
        -------
        Service
            Without time columns.
        """
        return cls(wire, RECENT if "log_stats" in names else FLIGHT, views)


def may_lack_table(error: BaseException | None) -> bool:
    """Return whether a service rejects a statement as it does if a table does not exist.

    Other errors do not show whether it does, such as those of a web app without a data source.

    Parameters
    ----------
    error : BaseException or None
        The error of a statement.

    Returns
    -------
    bool
        Whether the query engine could not plan the statement.
    """
    if not isinstance(error, ProgrammingError):
        return False
    return error.status == "NOT_FOUND" or re.search(_UNPLANNED, str(error)) is not None
