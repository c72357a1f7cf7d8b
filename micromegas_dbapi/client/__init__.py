"""The calls of the official Python client, on any connection.

A script that was written for ``micromegas`` 0.2.3 changes its import only::

    import micromegas_dbapi.client as micromegas

    client = micromegas.connect()
    client.query("SELECT * FROM processes", begin, end)

A service of 0.13 or newer is asked as the official client of its age asks: ``find_process``,
``find_stream``, ``query_streams`` and ``query_blocks`` give all columns of their views.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import pyarrow as pa

from micromegas_dbapi.client import calls
from micromegas_dbapi.client.call_arguments import integer, string, time_string, uuid_string
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.open_connection import connect as open_connection
from micromegas_dbapi.timerange import Bound

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Client", "connect"]


def connect() -> Client:
    """Make a client of the service at ``http://localhost:8082/``."""
    return Client("http://localhost:8082/")


class Client:
    """A client of one service, or of a lake.

    Every call but the last two gives a ``pandas.DataFrame``, or a ``pyarrow.Table`` with
    ``arrow=True``: of an empty answer with its columns too, which a service leaves out. Times are
    what `micromegas_dbapi.connect` takes: an aware datetime, a pandas Timestamp, RFC 3339 text,
    ``"-2h"``. Errors are those of `micromegas_dbapi.errors`.

    Parameters
    ----------
    base_url : str or Connection
        Any URL of `micromegas_dbapi.connect`, or an open connection, which `close` leaves open.
    headers : mapping of str to str
        Sent with every request to a service.

    Raises
    ------
    ProgrammingError
        If the URL is wrong.
    """

    def __init__(self, base_url: str | Connection, headers: Mapping[str, str] = {}) -> None:
        self._owned = not isinstance(base_url, Connection)
        if isinstance(base_url, Connection):
            if headers:
                raise ProgrammingError("headers are given with the connection, not beside it")
            self._connection = base_url
        else:
            self._connection = open_connection(base_url, headers=headers or None)

    # -- SQL ---------------------------------------------------------------------------------

    @overload
    def query(
        self, sql: str, begin: Bound = ..., end: Bound = ..., *, arrow: Literal[False] = ...
    ) -> pd.DataFrame: ...
    @overload
    def query(
        self, sql: str, begin: Bound = ..., end: Bound = ..., *, arrow: Literal[True]
    ) -> pa.Table: ...
    def query(
        self, sql: str, begin: Bound = None, end: Bound = None, *, arrow: bool = False
    ) -> pd.DataFrame | pa.Table:
        """Run a statement.

        Parameters
        ----------
        sql : str
        begin, end : Bound
            The time range, both ends included; one that is not given is open.
        arrow : bool
            Give a table instead of a DataFrame.
        """
        cursor = self._connection.execute(sql, begin=begin, end=end)
        return cursor.fetch_arrow_table() if arrow else cursor.fetch_df()

    @overload
    def query_view(
        self,
        view_set_name: str,
        view_instance_id: str,
        begin: Bound,
        end: Bound,
        sql: str,
        *,
        arrow: Literal[False] = ...,
    ) -> pd.DataFrame: ...
    @overload
    def query_view(
        self,
        view_set_name: str,
        view_instance_id: str,
        begin: Bound,
        end: Bound,
        sql: str,
        *,
        arrow: Literal[True],
    ) -> pa.Table: ...
    def query_view(
        self,
        view_set_name: str,
        view_instance_id: str,
        begin: Bound,
        end: Bound,
        sql: str,
        *,
        arrow: bool = False,
    ) -> pd.DataFrame | pa.Table:
        """Run a statement that sees one view instance, under its view set's name.

        Other wires than HTTP have the other views beside it.

        Parameters
        ----------
        view_set_name, view_instance_id : str
            ``"log_entries", "global"``, or ``"thread_spans"`` and the id of a stream.
        begin, end, sql, arrow
            As for `query`.
        """
        time_range = self._connection.explicit_range(begin=begin, end=end)
        payload = {
            "view_set_name": string(view_set_name, "view_set_name"),
            "view_instance_id": string(view_instance_id, "view_instance_id"),
            "begin": time_range and time_range.begin_text,
            "end": time_range and time_range.end_text,
            "sql": string(sql, "sql"),
        }
        return self._call("query_view", payload, arrow)

    # -- processes, streams, blocks ----------------------------------------------------------

    @overload
    def find_process(
        self, process_id: str | uuid.UUID, *, arrow: Literal[False] = ...
    ) -> pd.DataFrame: ...
    @overload
    def find_process(self, process_id: str | uuid.UUID, *, arrow: Literal[True]) -> pa.Table: ...
    def find_process(
        self, process_id: str | uuid.UUID, *, arrow: bool = False
    ) -> pd.DataFrame | pa.Table:
        """Find a process by its id: one row, or none."""
        return self._call(
            "find_process", {"process_id": uuid_string(process_id, "process_id")}, arrow
        )

    @overload
    def find_stream(
        self, stream_id: str | uuid.UUID, *, arrow: Literal[False] = ...
    ) -> pd.DataFrame: ...
    @overload
    def find_stream(self, stream_id: str | uuid.UUID, *, arrow: Literal[True]) -> pa.Table: ...
    def find_stream(
        self, stream_id: str | uuid.UUID, *, arrow: bool = False
    ) -> pd.DataFrame | pa.Table:
        """Find a stream by its id: one row, or none."""
        return self._call("find_stream", {"stream_id": uuid_string(stream_id, "stream_id")}, arrow)

    @overload
    def query_streams(
        self,
        begin: Bound,
        end: Bound,
        limit: int,
        process_id: str | uuid.UUID | None = ...,
        tag_filter: str | None = ...,
        *,
        arrow: Literal[False] = ...,
    ) -> pd.DataFrame: ...
    @overload
    def query_streams(
        self,
        begin: Bound,
        end: Bound,
        limit: int,
        process_id: str | uuid.UUID | None = ...,
        tag_filter: str | None = ...,
        *,
        arrow: Literal[True],
    ) -> pa.Table: ...
    def query_streams(
        self,
        begin: Bound,
        end: Bound,
        limit: int,
        process_id: str | uuid.UUID | None = None,
        tag_filter: str | None = None,
        *,
        arrow: bool = False,
    ) -> pd.DataFrame | pa.Table:
        """List streams by the time of their insertion, oldest first.

        Parameters
        ----------
        begin, end : Bound
            Of that time; the end is not included. On services of 0.13 and newer streams come that
            lived in that range, both ends included. Either may be None if `process_id` is given.
        limit : int
            How many at most.
        process_id : str, optional
            Only the streams of this process.
        tag_filter : str, optional
            Only those with this tag: ``"log"``, ``"metrics"``, ``"cpu"``.
        arrow : bool
            Give a table instead of a DataFrame.
        """
        payload = {
            "begin": time_string(begin, "begin", optional=True),
            "end": time_string(end, "end", optional=True),
            "limit": integer(limit, "limit"),
            "process_id": None if process_id is None else uuid_string(process_id, "process_id"),
            "tag_filter": None if tag_filter is None else string(tag_filter, "tag_filter"),
        }
        return self._call("query_streams", payload, arrow)

    @overload
    def query_blocks(
        self,
        begin: Bound,
        end: Bound,
        limit: int,
        stream_id: str | uuid.UUID,
        *,
        arrow: Literal[False] = ...,
    ) -> pd.DataFrame: ...
    @overload
    def query_blocks(
        self,
        begin: Bound,
        end: Bound,
        limit: int,
        stream_id: str | uuid.UUID,
        *,
        arrow: Literal[True],
    ) -> pa.Table: ...
    def query_blocks(
        self,
        begin: Bound,
        end: Bound,
        limit: int,
        stream_id: str | uuid.UUID,
        *,
        arrow: bool = False,
    ) -> pd.DataFrame | pa.Table:
        """List the blocks of a stream, by their begin.

        Parameters
        ----------
        begin, end : Bound
        limit : int
            Services before 0.13 don't look at these three: all blocks come.
        stream_id : str
        arrow : bool
            Give a table instead of a DataFrame.
        """
        payload = {
            "begin": time_string(begin, "begin", optional=True),
            "end": time_string(end, "end", optional=True),
            "limit": integer(limit, "limit"),
            "stream_id": uuid_string(stream_id, "stream_id"),
        }
        return self._call("query_blocks", payload, arrow)

    # -- partitions --------------------------------------------------------------------------

    @overload
    def query_partitions(self, *, arrow: Literal[False] = ...) -> pd.DataFrame: ...
    @overload
    def query_partitions(self, *, arrow: Literal[True]) -> pa.Table: ...
    def query_partitions(self, *, arrow: bool = False) -> pd.DataFrame | pa.Table:
        """List the partitions of all views: the files of the lakehouse.

        Raises
        ------
        NotSupportedError
            By services of 0.2 over FlightSQL, which list them over HTTP only.
        """
        return self._call("query_partitions", {}, arrow)

    def materialize_partitions(
        self,
        view_set_name: str,
        view_instance_id: str,
        begin: Bound,
        end: Bound,
        partition_delta_seconds: int,
        progress: Callable[[str], object] = print,
    ) -> None:
        """Make the partitions of a view instance, or bring them up to date.

        Parameters
        ----------
        view_set_name, view_instance_id : str
            Only the HTTP service takes other instances than ``"global"``.
        begin, end : Bound
            Of the insertion of the data. What is left after the last whole partition is not made.
        partition_delta_seconds : int
            The length of a partition.
        progress : callable
            Called with each line that the service tells of its work, while it works.

        Raises
        ------
        NotSupportedError
            If the service does not have the call, or not for this user.
        DatabaseError
            Also where it fails on the way, after lines of progress; services before 0.10 do not
            tell that over FlightSQL.
        """
        payload = {
            **_partitions(view_set_name, view_instance_id, begin, end),
            "partition_delta_seconds": integer(partition_delta_seconds, "partition_delta_seconds"),
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
        """Remove the partitions of a view instance that lie within a range.

        Parameters
        ----------
        view_set_name, view_instance_id, begin, end, progress
            As for `materialize_partitions`.

        Raises
        ------
        NotSupportedError
            On a lake: its files are removed by a local service that was started as writable. By
            the web app, and where the service does not have the call, or not for this user.
        DatabaseError
            Services do not tell over FlightSQL that they failed on the way.
        """
        payload = _partitions(view_set_name, view_instance_id, begin, end)
        self._follow("retire_partitions", payload, progress)

    # ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the connection, unless it was given as one. May be called again."""
        if self._owned:
            self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _call(self, name: str, payload: dict[str, Any], arrow: bool) -> pd.DataFrame | pa.Table:
        if arrow:
            return calls.answer(self._connection, name, payload)
        from micromegas_dbapi.arrow.pandas_frames import (
            to_pandas,  # without pandas, nothing is sent
        )

        return to_pandas(calls.answer(self._connection, name, payload))

    def _follow(
        self, name: str, payload: dict[str, Any], progress: Callable[[str], object]
    ) -> None:
        for line in calls.progress(self._connection, name, payload):
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
