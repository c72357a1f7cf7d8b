"""The transport of ``lake:`` and ``demo:``: DataFusion in-process over a lake's folder."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from datafusion import DataFrame

from micromegas_dbapi.errors import ProgrammingError, from_service
from micromegas_dbapi.lake import lookups, partitions
from micromegas_dbapi.lake.execution import PlannedQuery
from micromegas_dbapi.lake.folder import Folder
from micromegas_dbapi.lake.instance_arguments import parse_instance_id
from micromegas_dbapi.lake.scan import Scanner
from micromegas_dbapi.lake.session import Session
from micromegas_dbapi.service import HTTP, RECENT, Service
from micromegas_dbapi.service.catalog import time_columns
from micromegas_dbapi.timerange import to_ns
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import Request

__all__ = ["LakeTransport"]


class LakeTransport:
    """Queries a lake in-process.

    Parameters
    ----------
    path : Path
        The folder; see `micromegas_dbapi.lake.folder`.
    writable : bool
        Whether ``retire_partitions`` may move files.
    temporary : bool
        Whether to remove the folder when the transport is closed, or when neither it nor a result
        can read the folder any longer.

    Raises
    ------
    OperationalError
        If the folder does not exist.
    """

    def __init__(
        self,
        path: Path,
        *,
        writable: bool = False,
        temporary: bool = False,
    ) -> None:
        self._folder = Folder(path)
        self._scanner = Scanner()
        self._writable = writable
        self._removal: weakref.finalize[..., Folder] | None = None
        if temporary:  # results reference the folder, too
            self._removal = weakref.finalize(self._folder, _remove, path, os.getpid())

    @property
    def path(self) -> Path:
        """The lake's folder."""
        return self._folder.path

    @classmethod
    def demo(cls, seed: int = 0, size: int = 1, *, writable: bool = False) -> LakeTransport:
        """Generate a lake in a temporary folder. Its newest event is at the current time.

        Parameters
        ----------
        seed : int
            The same seed generates the same data.
        size : int
            A factor for the amount of data.
        writable : bool
            As for the class.

        Returns
        -------
        LakeTransport
            Removes the folder when it is closed.

        Raises
        ------
        ProgrammingError
            If `seed` or `size` is invalid.
        """
        from micromegas_dbapi.demo import write_demo

        lake = cls(
            Path(tempfile.mkdtemp(prefix="micromegas-demo-")), writable=writable, temporary=True
        )
        try:
            write_demo(lake.path, seed=seed, size=size, now=time.time_ns())
        except ValueError as error:
            lake.close()
            raise ProgrammingError(f"demo: cannot be generated: {error}") from error
        return lake

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Run a query; see `Transport`. The first batch is computed immediately.

        Parameters
        ----------
        request : Request
            The query.

        Returns
        -------
        pyarrow.RecordBatchReader
            Computes the other batches as they are read.

        Raises
        ------
        DatabaseError
            If the query fails.
        """
        time_range = request.time_range
        bounds = None if time_range is None else (time_range.begin, time_range.end)
        session = Session(self._folder, self._scanner, bounds, writable=self._writable)
        return PlannedQuery(session, lambda: session.query(request.sql), request).reader()

    def schema(self, request: Request) -> pa.Schema:
        """Return the columns of a query's result; see `Transport`.

        Parameters
        ----------
        request : Request
            The query.

        Returns
        -------
        pyarrow.Schema
            According to the plan.

        Raises
        ------
        DatabaseError
            If the query cannot be planned.
        """
        session = Session(self._folder, self._scanner, None)
        return PlannedQuery(session, lambda: session.query(request.sql), request).schema

    def views(self) -> dict[str, pa.Schema]:
        """List the views of the lake.

        Returns
        -------
        dict of str to pyarrow.Schema
            The columns of each view.
        """
        return Session(self._folder, self._scanner, None).views()

    def stamp(self) -> object:
        """Return the paths, times and sizes of all files: exports may add and replace some.

        Returns
        -------
        object
            Equal as long as no file changes.
        """
        return self._folder.stamps()

    def presumed(self) -> Service:
        """Return the same as `service`, because no request is needed.

        Returns
        -------
        Service
            See `service`.
        """
        return self.service()

    def service(self, cancellation: Cancellation | None = None) -> Service:
        """Return the kind and version of the service that the lake's files come from.

        Parameters
        ----------
        cancellation : Cancellation, optional
            Not used.

        Returns
        -------
        Service
            Its version is derived from the views.
        """
        views = self.views()
        columns = {view: time_columns(view, schema.names) for view, schema in views.items()}
        return Service("lake", RECENT if "log_stats" in views else HTTP, views, columns)

    def run_as_service(
        self,
        sql: str,
        bounds: tuple[int, int] | None,
        query_id: str,
        view: tuple[str, str] | None = None,
        cancellation: Cancellation | None = None,
    ) -> pa.RecordBatchReader:
        """Run a query like a service of the lake's version.

        Services accept DDL without effect, and any bounds.

        Parameters
        ----------
        sql : str
            The statement.
        bounds : (int, int) or None
            Nanoseconds since the epoch, both included; begin may be after end.
        query_id : str
            For errors.
        view : (str, str), optional
            View set and instance of the only view that the statement can read, under the name of
            the view set.
        cancellation : Cancellation, optional
            Ends the query.

        Returns
        -------
        pyarrow.RecordBatchReader
            The first batch is computed immediately, the others as they are read.

        Raises
        ------
        DatabaseError
            If the query fails.
        """
        session = Session(self._folder, self._scanner, bounds, allow_ddl=True, same_version=True)
        request = Request(sql, None, query_id, cancellation or Cancellation())

        def _plan() -> tuple[DataFrame, list[str] | None]:
            return session.query(sql) if view is None else (session.query_view(*view, sql), None)

        return PlannedQuery(session, _plan, request).reader()

    def plan_as_service(
        self, request: Request, bounds: tuple[int, int] | None, limit: int | None = None
    ) -> PlannedQuery:
        """Plan a query like a service of 0.30, which accepts DDL without effect, and any bounds.

        Parameters
        ----------
        request : Request
            Its time range is ignored.
        bounds : (int, int) or None
            As for `run_as_service`.
        limit : int, optional
            The maximum number of rows.

        Returns
        -------
        PlannedQuery
            Not yet started.

        Raises
        ------
        DatabaseError
            If the query cannot be planned.
        """
        session = Session(
            self._folder, self._scanner, bounds, allow_ddl=True, writable=self._writable
        )

        def _plan() -> tuple[DataFrame, list[str] | None]:
            frame, names = session.query(request.sql)
            return (frame if limit is None else frame.limit(limit)), names

        return PlannedQuery(session, _plan, request)

    def call(
        self, name: str, payload: dict[str, Any], *, sql: str | None = None, query_id: str
    ) -> pa.RecordBatchReader:
        """Make one of the service's calls that return a table; see `Endpoints`.

        Parameters
        ----------
        name : str
            The call.
        payload : dict
            The arguments of the call.
        sql : str, optional
            Not used.
        query_id : str
            For errors.

        Returns
        -------
        pyarrow.RecordBatchReader
            Unlike a service's response, it has all columns even if there are no rows.

        Raises
        ------
        DatabaseError
            If the call fails.
        """
        if name == "query_view":
            bounded = payload["begin"] is not None
            bounds = (_time(payload, "begin"), _time(payload, "end")) if bounded else None
            view = payload["view_set_name"], payload["view_instance_id"]
            return self.run_as_service(payload["sql"], bounds, query_id, view)
        if name == "find_process":
            found = lookups.find_process(self._folder, parse_instance_id(payload["process_id"]))
        elif name == "find_stream":
            found = lookups.find_stream(self._folder, parse_instance_id(payload["stream_id"]))
        elif name == "query_blocks":
            found = lookups.query_blocks(self._folder, parse_instance_id(payload["stream_id"]))
        elif name == "query_streams":
            found = self._query_streams(payload, query_id)
        else:
            found = partitions.query_partitions(self._folder)
        return found.to_reader()

    def progress(self, name: str, payload: dict[str, Any], *, query_id: str) -> Iterator[str]:
        """Make one of the service's calls that report progress; see `Endpoints`.

        Parameters
        ----------
        name : str
            The call.
        payload : dict
            The arguments of the call.
        query_id : str
            Not used.

        Yields
        ------
        str
            A line of progress.

        Raises
        ------
        DatabaseError
            If the call fails.
        """
        view, instance = payload["view_set_name"], payload["view_instance_id"]
        begin, end = _time(payload, "begin"), _time(payload, "end")
        if name == "retire_partitions":
            yield from partitions.retire(
                self._folder, view, instance, begin, end, writable=self._writable
            )
            return
        Session(self._folder, self._scanner, (begin, end)).check_view(view, instance)
        seconds = payload["partition_delta_seconds"]
        yield from partitions.materialize(self._folder, view, instance, begin, end, seconds)

    def close(self) -> None:
        """Remove the files of a demo."""
        if self._removal is not None:
            self._removal()

    def _query_streams(self, payload: dict[str, Any], query_id: str) -> pa.Table:
        begin, end = (
            None if payload[name] is None else _time(payload, name) for name in ("begin", "end")
        )
        process = payload["process_id"]
        if (begin is None or end is None) and process is None:
            raise from_service("Time range or process_id have to be provided", query_id=query_id)
        return lookups.query_streams(
            self._folder,
            (begin, end),
            payload["limit"],
            process and parse_instance_id(process),
            payload["tag_filter"],
        )


def _time(payload: dict[str, Any], name: str) -> int:
    return to_ns(payload[name], time.time_ns(), name)


def _remove(folder: Path, pid: int) -> None:
    """Remove the folder, unless this process is a fork of the one that created it."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
