"""The calls of the official Python client, on any connection.

A script for ``micromegas`` 0.2.3 only needs another import::

    import micromegas_dbapi.client as micromegas

    client = micromegas.connect()
    client.query("SELECT * FROM processes", begin, end)

Services of 0.13 and newer get the statements of the official client of that age: ``find_process``,
``find_stream``, ``query_streams`` and ``query_blocks`` return all columns of their views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from micromegas_dbapi.client import calls
from micromegas_dbapi.client.call_arguments import integer, string, time_string
from micromegas_dbapi.client.table_calls import TableCalls
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.open_connection import connect as open_connection
from micromegas_dbapi.timerange import Bound

__all__ = ["Client", "connect"]


def connect() -> Client:
    """Return a client for the service at ``http://localhost:8082/``.

    Returns
    -------
    Client
        Nothing is sent before the first call.
    """
    return Client("http://localhost:8082/")


class Client(TableCalls):
    """A client for a service or a lake.

    Calls that return a table return a ``pandas.DataFrame``, or with ``arrow=True`` a
    ``pyarrow.Table``. An empty result has its columns, too, although services omit them. Times
    have the forms that `micromegas_dbapi.connect` accepts: an aware datetime, a pandas Timestamp,
    an RFC 3339 string, ``"-2h"``. Errors are those of `micromegas_dbapi.errors`.

    Parameters
    ----------
    base_url : str or Connection
        Any URL of `micromegas_dbapi.connect`, or an open connection, which `close` does not close.
    headers : mapping of str to str
        Sent with every request to a service.

    Raises
    ------
    ProgrammingError
        If the URL is wrong.
    """

    def __init__(self, base_url: str | Connection, headers: Mapping[str, str] = {}) -> None:
        self._owns_connection = not isinstance(base_url, Connection)
        if isinstance(base_url, Connection):
            if headers:
                raise ProgrammingError("headers cannot be set here: set them on the connection")
            super().__init__(base_url)
        else:
            super().__init__(open_connection(base_url, headers=headers or None))

    def materialize_partitions(
        self,
        view_set_name: str,
        view_instance_id: str,
        begin: Bound,
        end: Bound,
        partition_delta_seconds: int,
        progress: Callable[[str], object] = print,
    ) -> None:
        """Create the partitions of a view instance, or update them.

        Parameters
        ----------
        view_set_name : str
            For example ``"log_entries"``.
        view_instance_id : str
            Only the HTTP service accepts other instances than ``"global"``.
        begin, end : Bound
            Range of the insertion time of the data. The rest after the last complete partition is
            not materialized.
        partition_delta_seconds : int
            The length of a partition.
        progress : callable
            Called with each line in which the service reports its progress.

        Raises
        ------
        ProgrammingError
            If an argument is wrong.
        NotSupportedError
            If the service does not have the call, or not for this user.
        DatabaseError
            If the call fails, possibly after lines of progress. Services before 0.10 do not report
            such a failure over FlightSQL.
        """
        payload = {
            **_partitions(view_set_name, view_instance_id, begin, end),
            "partition_delta_seconds": integer(
                partition_delta_seconds, "partition_delta_seconds", least=1
            ),
        }
        self._follow("materialize_partitions", payload, progress)

    def retire_partitions(
        self,
        view_set_name: str,
        view_instance_id: str,
        begin: Bound,
        end: Bound,
        progress: Callable[[str], object] = print,
    ) -> None:
        """Remove the partitions of a view instance that lie within a time range.

        Parameters
        ----------
        view_set_name : str
            For example ``"log_entries"``.
        view_instance_id : str
            ``"global"``, or the id of a process or stream.
        begin, end : Bound
            Range of the insertion time of the data.
        progress : callable
            Called with each line in which the service reports its progress.

        Raises
        ------
        ProgrammingError
            If an argument is wrong.
        NotSupportedError
            On a lake, whose files only a local service that was started as writable removes; with
            the web app; and if the service does not have the call, or not for this user.
        DatabaseError
            If the call fails. Over FlightSQL, services do not report a failure after lines of
            progress.
        """
        payload = _partitions(view_set_name, view_instance_id, begin, end)
        self._follow("retire_partitions", payload, progress)

    def close(self) -> None:
        """Close the connection, unless it was passed as one. Calling it again has no effect."""
        if self._owns_connection:
            self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _follow(
        self, name: str, payload: dict[str, Any], progress: Callable[[str], object]
    ) -> None:
        if not callable(progress):
            raise ProgrammingError(
                f"progress={progress!r} is of type {type(progress).__name__}; accepted: a callable"
            )
        for line in calls.stream_progress(self._connection, name, payload):
            progress(line)


def _partitions(
    view_set_name: str, view_instance_id: str, begin: Bound, end: Bound
) -> dict[str, Any]:
    return {
        "view_set_name": string(view_set_name, "view_set_name"),
        "view_instance_id": string(view_instance_id, "view_instance_id"),
        "begin": time_string(begin, "begin"),
        "end": time_string(end, "end"),
    }
