"""The calls of the official Python client, on any connection.

A script that was written for ``micromegas`` 0.2.3 changes its import only::

    import micromegas_dbapi.client as micromegas

    client = micromegas.connect()
    client.query("SELECT * FROM processes", begin, end)
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import pyarrow as pa

from micromegas_dbapi.catalog import LOOKUPS
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.connection import connect as open_connection
from micromegas_dbapi.errors import Error, ProgrammingError
from micromegas_dbapi.handover import handed_table
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, Bound, format_ns, to_ns

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

        Parameters
        ----------
        view_set_name, view_instance_id : str
            ``"log_entries", "global"``, or ``"thread_spans"`` and the id of a stream.
        begin, end, sql, arrow
            As for `query`.
        """
        time_range = self._connection._ranges.given([("execute", begin, end)])
        payload = {
            "view_set_name": _text(view_set_name, "view_set_name"),
            "view_instance_id": _text(view_instance_id, "view_instance_id"),
            "begin": time_range and time_range.begin_text,
            "end": time_range and time_range.end_text,
            "sql": _text(sql, "sql"),
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
        return self._call("find_process", {"process_id": _id(process_id, "process_id")}, arrow)

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
        return self._call("find_stream", {"stream_id": _id(stream_id, "stream_id")}, arrow)

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
            Of that time; the end is not included. Either may be None if `process_id` is given.
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
            "begin": _moment(begin, "begin", optional=True),
            "end": _moment(end, "end", optional=True),
            "limit": _integer(limit, "limit"),
            "process_id": None if process_id is None else _id(process_id, "process_id"),
            "tag_filter": None if tag_filter is None else _text(tag_filter, "tag_filter"),
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
            These three are sent, and no service looks at them: all blocks come.
        stream_id : str
        arrow : bool
            Give a table instead of a DataFrame.
        """
        payload = {
            "begin": _moment(begin, "begin", optional=True),
            "end": _moment(end, "end", optional=True),
            "limit": limit,
            "stream_id": _id(stream_id, "stream_id"),
        }
        return self._call("query_blocks", payload, arrow)

    # -- partitions --------------------------------------------------------------------------

    @overload
    def query_partitions(self, *, arrow: Literal[False] = ...) -> pd.DataFrame: ...
    @overload
    def query_partitions(self, *, arrow: Literal[True]) -> pa.Table: ...
    def query_partitions(self, *, arrow: bool = False) -> pd.DataFrame | pa.Table:
        """List the partitions of all views: the files of the lakehouse."""
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
        begin, end : Bound
            Of the insertion of the data. What is left after the last whole partition is not made.
        partition_delta_seconds : int
            The length of a partition.
        progress : callable
            Called with each line that the service tells of its work, while it works.

        Raises
        ------
        DatabaseError
            Also where it fails on the way, after lines of progress.
        """
        payload = {
            **_partitions(view_set_name, view_instance_id, begin, end),
            "partition_delta_seconds": _integer(partition_delta_seconds, "partition_delta_seconds"),
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
            On a lake: its files are removed by a local service that was started as writable.
        DatabaseError
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
        if not arrow:
            from micromegas_dbapi.frames import to_pandas  # without pandas, nothing is sent
        query_id = str(uuid.uuid4())
        try:
            transport = self._connection._transport_in_use()
            reader = transport.call(name, payload, sql=payload.get("sql"), query_id=query_id)
            table = handed_table(reader)
        except Error as error:
            error.query_id = error.query_id or query_id
            raise
        if not table.num_columns and name in LOOKUPS:
            table = LOOKUPS[name].empty_table()
        return table if arrow else to_pandas(table)

    def _follow(
        self, name: str, payload: dict[str, Any], progress: Callable[[str], object]
    ) -> None:
        transport = self._connection._transport_in_use()
        for line in transport.progress(name, payload, query_id=str(uuid.uuid4())):
            progress(line)


def _partitions(
    view_set_name: str, view_instance_id: str, begin: Bound, end: Bound
) -> dict[str, Any]:
    return {
        "view_set_name": _text(view_set_name, "view_set_name"),
        "view_instance_id": _text(view_instance_id, "view_instance_id"),
        "begin": _moment(begin, "begin"),
        "end": _moment(end, "end"),
    }


def _text(value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    raise ProgrammingError(f"{name}={value!r} is of type {type(value).__name__}; accepted: str")


def _id(value: str | uuid.UUID, name: str) -> str:
    if isinstance(value, uuid.UUID):
        return str(value)
    try:
        uuid.UUID(_text(value, name))
    except ValueError as error:
        raise ProgrammingError(f"{name}={value!r} is no UUID") from error
    return value


def _integer(value: object, name: str) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        kind = type(value).__name__
        raise ProgrammingError(f"{name}={value!r} is of type {kind}; accepted: int")
    return int(value)  # of numpy too


def _moment(bound: Bound, name: str, *, optional: bool = False) -> str | None:
    if bound is None and optional:
        return None
    return format_ns(min(max(to_ns(bound, time.time_ns(), name), MIN_NS), MAX_NS))
