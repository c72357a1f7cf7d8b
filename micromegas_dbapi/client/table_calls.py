"""The calls of the official client that return tables."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

import pyarrow as pa

from micromegas_dbapi.client import calls
from micromegas_dbapi.client.call_arguments import integer, string, time_string, uuid_string
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.timerange import Bound

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TableCalls"]

_UUID: TypeAlias = str | uuid.UUID


class TableCalls:
    """Base class of `Client` with the calls that return tables.

    Parameters
    ----------
    connection : Connection
        To a service or a lake.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _call(self, name: str, payload: dict[str, Any], arrow: bool) -> pd.DataFrame | pa.Table:
        if arrow:
            return calls.fetch_table(self._connection, name, payload)
        # raises before anything is sent
        from micromegas_dbapi.arrow.pandas_frames import to_pandas

        return to_pandas(calls.fetch_table(self._connection, name, payload))

    # -- SQL ---------------------------------------------------------------------------------

    @overload
    def query(  # numpydoc ignore=GL08
        self, sql: str, begin: Bound = ..., end: Bound = ..., *, arrow: Literal[False] = ...
    ) -> pd.DataFrame: ...
    @overload
    def query(  # numpydoc ignore=GL08
        self, sql: str, begin: Bound = ..., end: Bound = ..., *, arrow: Literal[True]
    ) -> pa.Table: ...
    def query(
        self, sql: str, begin: Bound = None, end: Bound = None, *, arrow: bool = False
    ) -> pd.DataFrame | pa.Table:
        """Run a statement.

        Parameters
        ----------
        sql : str
            Sent byte for byte.
        begin, end : Bound
            The time range, both bounds inclusive. A bound that is not set is open.
        arrow : bool
            Whether to return an Arrow table.

        Returns
        -------
        pandas.DataFrame or pyarrow.Table
            The complete result.

        Raises
        ------
        DatabaseError
            As for `Cursor.execute`.
        """
        cursor = self._connection.execute(sql, begin=begin, end=end)
        return cursor.fetch_arrow_table() if arrow else cursor.fetch_df()

    @overload
    def query_view(  # numpydoc ignore=GL08
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
    def query_view(  # numpydoc ignore=GL08
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
        """Run a statement in which the name of a view set means one of its instances.

        Over HTTP, the statement can read no other view.

        Parameters
        ----------
        view_set_name : str
            For example ``"log_entries"`` or ``"thread_spans"``.
        view_instance_id : str
            ``"global"``, or the id of a process or stream.
        begin, end : Bound
            As for `query`.
        sql : str
            The statement.
        arrow : bool
            As for `query`.

        Returns
        -------
        pandas.DataFrame or pyarrow.Table
            The complete result.

        Raises
        ------
        ProgrammingError
            If an argument is wrong, or the statement names the view with its schema.
        DatabaseError
            As for `Cursor.execute`.
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
    def find_process(  # numpydoc ignore=GL08
        self, process_id: _UUID, *, arrow: Literal[False] = ...
    ) -> pd.DataFrame: ...
    @overload
    def find_process(  # numpydoc ignore=GL08
        self, process_id: _UUID, *, arrow: Literal[True]
    ) -> pa.Table: ...
    def find_process(self, process_id: _UUID, *, arrow: bool = False) -> pd.DataFrame | pa.Table:
        """Find a process by its id.

        Parameters
        ----------
        process_id : str or uuid.UUID
            A UUID.
        arrow : bool
            Whether to return an Arrow table.

        Returns
        -------
        pandas.DataFrame or pyarrow.Table
            One row, or none if there is no such process.

        Raises
        ------
        ProgrammingError
            If the id is not a UUID.
        DatabaseError
            If the call fails.
        """
        payload = {"process_id": uuid_string(process_id, "process_id")}
        return self._call("find_process", payload, arrow)

    @overload
    def find_stream(  # numpydoc ignore=GL08
        self, stream_id: _UUID, *, arrow: Literal[False] = ...
    ) -> pd.DataFrame: ...
    @overload
    def find_stream(  # numpydoc ignore=GL08
        self, stream_id: _UUID, *, arrow: Literal[True]
    ) -> pa.Table: ...
    def find_stream(self, stream_id: _UUID, *, arrow: bool = False) -> pd.DataFrame | pa.Table:
        """Find a stream by its id.

        Parameters
        ----------
        stream_id : str or uuid.UUID
            A UUID.
        arrow : bool
            Whether to return an Arrow table.

        Returns
        -------
        pandas.DataFrame or pyarrow.Table
            One row, or none if there is no such stream.

        Raises
        ------
        ProgrammingError
            If the id is not a UUID.
        DatabaseError
            If the call fails.
        """
        payload = {"stream_id": uuid_string(stream_id, "stream_id")}
        return self._call("find_stream", payload, arrow)

    @overload
    def query_streams(  # numpydoc ignore=GL08
        self,
        begin: Bound,
        end: Bound,
        limit: int,
        process_id: _UUID | None = ...,
        tag_filter: str | None = ...,
        *,
        arrow: Literal[False] = ...,
    ) -> pd.DataFrame: ...
    @overload
    def query_streams(  # numpydoc ignore=GL08
        self,
        begin: Bound,
        end: Bound,
        limit: int,
        process_id: _UUID | None = ...,
        tag_filter: str | None = ...,
        *,
        arrow: Literal[True],
    ) -> pa.Table: ...
    def query_streams(
        self,
        begin: Bound,
        end: Bound,
        limit: int,
        process_id: _UUID | None = None,
        tag_filter: str | None = None,
        *,
        arrow: bool = False,
    ) -> pd.DataFrame | pa.Table:
        """List streams by insertion time, oldest first.

        Parameters
        ----------
        begin, end : Bound
            Range of the insertion time, without its end. For services of 0.13 and newer, the
            range in which a stream must have been active, both bounds inclusive. None is accepted
            if `process_id` is set.
        limit : int
            Maximum number of streams.
        process_id : str or uuid.UUID, optional
            Only the streams of this process.
        tag_filter : str, optional
            Only the streams with this tag: ``"log"``, ``"metrics"``, ``"cpu"``.
        arrow : bool
            Whether to return an Arrow table.

        Returns
        -------
        pandas.DataFrame or pyarrow.Table
            One row per stream.

        Raises
        ------
        ProgrammingError
            If an argument is wrong.
        DatabaseError
            If the call fails.
        """
        payload = {
            "begin": time_string(begin, "begin", optional=True),
            "end": time_string(end, "end", optional=True),
            "limit": integer(limit, "limit", least=0),
            "process_id": None if process_id is None else uuid_string(process_id, "process_id"),
            "tag_filter": None if tag_filter is None else string(tag_filter, "tag_filter"),
        }
        return self._call("query_streams", payload, arrow)

    @overload
    def query_blocks(  # numpydoc ignore=GL08
        self, begin: Bound, end: Bound, limit: int, stream_id: _UUID, *, arrow: Literal[False] = ...
    ) -> pd.DataFrame: ...
    @overload
    def query_blocks(  # numpydoc ignore=GL08
        self, begin: Bound, end: Bound, limit: int, stream_id: _UUID, *, arrow: Literal[True]
    ) -> pa.Table: ...
    def query_blocks(
        self, begin: Bound, end: Bound, limit: int, stream_id: _UUID, *, arrow: bool = False
    ) -> pd.DataFrame | pa.Table:
        """List the blocks of a stream by their begin.

        Services before 0.13 ignore `begin`, `end` and `limit` and return all blocks.

        Parameters
        ----------
        begin, end : Bound
            The time range, both bounds inclusive.
        limit : int
            Maximum number of blocks.
        stream_id : str or uuid.UUID
            A UUID.
        arrow : bool
            Whether to return an Arrow table.

        Returns
        -------
        pandas.DataFrame or pyarrow.Table
            One row per block.

        Raises
        ------
        ProgrammingError
            If an argument is wrong.
        DatabaseError
            If the call fails.
        """
        payload = {
            "begin": time_string(begin, "begin", optional=True),
            "end": time_string(end, "end", optional=True),
            "limit": integer(limit, "limit", least=0),
            "stream_id": uuid_string(stream_id, "stream_id"),
        }
        return self._call("query_blocks", payload, arrow)

    # -- partitions --------------------------------------------------------------------------

    @overload
    def query_partitions(  # numpydoc ignore=GL08
        self, *, arrow: Literal[False] = ...
    ) -> pd.DataFrame: ...
    @overload
    def query_partitions(self, *, arrow: Literal[True]) -> pa.Table: ...  # numpydoc ignore=GL08
    def query_partitions(self, *, arrow: bool = False) -> pd.DataFrame | pa.Table:
        """List the partitions of all views, which are the files of the lakehouse.

        Parameters
        ----------
        arrow : bool
            Whether to return an Arrow table.

        Returns
        -------
        pandas.DataFrame or pyarrow.Table
            One row per partition.

        Raises
        ------
        NotSupportedError
            With services of 0.2 over FlightSQL, which list partitions over HTTP only.
        DatabaseError
            If the call fails.
        """
        return self._call("query_partitions", {}, arrow)
