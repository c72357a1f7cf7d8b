"""In process: DataFusion over a lake's folder."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from datafusion import DataFrame

from micromegas_dbapi.errors import ProgrammingError, from_service
from micromegas_dbapi.lake import lookups, partitions
from micromegas_dbapi.lake.execution import Planned, compute
from micromegas_dbapi.lake.folder import Folder
from micromegas_dbapi.lake.scan import Scanner
from micromegas_dbapi.lake.session import Session
from micromegas_dbapi.lake.view_instances import instance_id
from micromegas_dbapi.service import HTTP, RECENT, Service
from micromegas_dbapi.service.catalog import time_columns
from micromegas_dbapi.timerange import to_ns
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import Request

__all__ = ["LakeTransport"]


class LakeTransport:
    """A lake, queried in process.

    Parameters
    ----------
    path : Path
        The folder; see `micromegas_dbapi.lake.folder`.
    writable : bool
        Whether ``retire_partitions`` may move files aside.
    temporary : TemporaryDirectory, optional
        To be removed when the transport is closed.

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
        temporary: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self._folder = Folder(path)
        self._scanner = Scanner()
        self._writable = writable
        self._temporary = temporary

    @property
    def path(self) -> Path:
        """The lake's folder."""
        return self._folder.path

    @classmethod
    def demo(cls, seed: int = 0, size: int = 1, *, writable: bool = False) -> LakeTransport:
        """Generate a lake whose newest event is now, in a temporary folder."""
        from micromegas_dbapi.demo import write_demo

        temporary = tempfile.TemporaryDirectory(prefix="micromegas-demo-")
        try:
            write_demo(Path(temporary.name), seed=seed, size=size, now=time.time_ns())
        except ValueError as error:
            temporary.cleanup()
            raise ProgrammingError(f"demo: cannot be made: {error}") from error
        return cls(Path(temporary.name), writable=writable, temporary=temporary)

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Run a query; see `Transport`. The first batch is computed at once, the rest lazily."""
        time_range = request.time_range
        bounds = None if time_range is None else (time_range.begin, time_range.end)
        session = Session(self._folder, self._scanner, bounds, writable=self._writable)
        return compute(Planned(session, lambda: session.query(request.sql), request), request)

    def schema(self, request: Request) -> pa.Schema:
        """Tell the columns of a query's result; see `Transport`."""
        session = Session(self._folder, self._scanner, None)
        return Planned(session, lambda: session.query(request.sql), request).schema

    def views(self) -> dict[str, pa.Schema]:
        """List the views of the lake, with their columns."""
        return Session(self._folder, self._scanner, None).views()

    def presumed(self) -> Service:
        """Tell what service it is; nobody needs to be asked."""
        return self.service()

    def service(self) -> Service:
        """Tell which services the lake is like."""
        views = self.views()
        columns = {view: time_columns(view, schema.names) for view, schema in views.items()}
        return Service("lake", RECENT if "log_stats" in views else HTTP, views, columns)

    def run_forgetting(
        self,
        sql: str,
        bounds: tuple[int, int] | None,
        query_id: str,
        view: tuple[str, str] | None = None,
        cancellation: Cancellation | None = None,
    ) -> pa.RecordBatchReader:
        """Run a query as a service does, which takes DDL and forgets it, and any bounds.

        Parameters
        ----------
        sql : str
        bounds : (int, int) or None
            Nanoseconds since the epoch, both included; begin may be after end.
        query_id : str
            For errors.
        view : (str, str), optional
            The view set and instance that is all it sees, by the view set's name.
        cancellation : Cancellation, optional
            Ends the computing.
        """
        session = Session(self._folder, self._scanner, bounds, forgetting=True)
        request = Request(sql, None, query_id, cancellation or Cancellation())
        if view is None:
            return compute(Planned(session, lambda: session.query(sql), request), request)
        seen = view
        return compute(
            Planned(session, lambda: (session.query_view(*seen, sql), None), request), request
        )

    def plan_forgetting(
        self, request: Request, bounds: tuple[int, int] | None, limit: int | None = None
    ) -> Planned:
        """Plan a query as `run_forgetting` does, to be run step by step.

        Parameters
        ----------
        request : Request
            Its time range does not count.
        bounds : (int, int) or None
            As there.
        limit : int, optional
            The most rows that it gives.
        """
        session = Session(
            self._folder, self._scanner, bounds, forgetting=True, writable=self._writable
        )

        def plan() -> tuple[DataFrame, list[str] | None]:
            frame, names = session.query(request.sql)
            return (frame if limit is None else frame.limit(limit)), names

        return Planned(session, plan, request)

    def call(
        self, name: str, payload: dict[str, Any], *, sql: str | None = None, query_id: str
    ) -> pa.RecordBatchReader:
        """Make one of the service's calls; see `Transport`. Of nothing it has the columns too."""
        if name == "query_view":
            given = payload["begin"] is not None
            bounds = (_instant(payload, "begin"), _instant(payload, "end")) if given else None
            view = payload["view_set_name"], payload["view_instance_id"]
            return self.run_forgetting(payload["sql"], bounds, query_id, view)
        if name == "find_process":
            found = lookups.find_process(self._folder, instance_id(payload["process_id"]))
        elif name == "find_stream":
            found = lookups.find_stream(self._folder, instance_id(payload["stream_id"]))
        elif name == "query_blocks":
            found = lookups.query_blocks(self._folder, instance_id(payload["stream_id"]))
        elif name == "query_streams":
            found = self._query_streams(payload, query_id)
        else:
            found = partitions.query_partitions(self._folder)
        return found.to_reader()

    def progress(self, name: str, payload: dict[str, Any], *, query_id: str) -> Iterator[str]:
        """Work for a while, a line of progress at a time; see `Transport`."""
        view, instance = payload["view_set_name"], payload["view_instance_id"]
        begin, end = _instant(payload, "begin"), _instant(payload, "end")
        if name == "retire_partitions":
            yield from partitions.retire(
                self._folder, view, instance, begin, end, writable=self._writable
            )
            return
        Session(self._folder, self._scanner, (begin, end)).check_view(view, instance)
        seconds = payload["partition_delta_seconds"]
        yield from partitions.materialize(self._folder, view, instance, begin, end, seconds)

    def close(self) -> None:
        """Remove a demo's files."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def _query_streams(self, payload: dict[str, Any], query_id: str) -> pa.Table:
        begin, end = (
            None if payload[name] is None else _instant(payload, name) for name in ("begin", "end")
        )
        process = payload["process_id"]
        if (begin is None or end is None) and process is None:
            raise from_service("Time range or process_id have to be provided", query_id=query_id)
        return lookups.query_streams(
            self._folder,
            (begin, end),
            payload["limit"],
            process and instance_id(process),
            payload["tag_filter"],
        )


def _instant(payload: dict[str, Any], name: str) -> int:
    return to_ns(payload[name], time.time_ns(), name)
