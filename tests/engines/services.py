"""A service of any generation, with its own engine: DataFusion in another interpreter."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from micromegas_dbapi.errors import from_service
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import Request
from tests.engines.pipe import PYTHONS, Pipe, RefusedError
from tests.integration.serving import running

__all__ = ["ENGINES", "NEW", "OLD", "Service", "serving"]

#: The recordings whose data services of the two generations have.
OLD, NEW = "http-0.2.3", "flight-0.30"
#: Interpreter and data: the first of the interpreters has the engine of the old services.
ENGINES = [(PYTHONS[0], OLD), *((python, NEW) for python in PYTHONS[1:])]
_SCRIPT = Path(__file__).with_name("lake_engine.py")

Bounds = tuple[int, int] | None


class _Planned:
    """What `micromegas_dbapi.lake.execution.PlannedQuery` is to a local service."""

    def __init__(self, lake: _Lake, request: Request, bounds: Bounds) -> None:
        self._asked = lake, request, bounds
        self.schema = lake.ask(request, bounds, plan=True).schema

    def start(self) -> Iterator[pa.RecordBatch]:
        lake, request, bounds = self._asked
        return iter(lake.ask(request, bounds).to_batches())


class _Lake(LakeTransport):
    """A lake on the engine of another interpreter; the calls beside SQL need no engine."""

    def __init__(self, python: str, folder: Path, views: tuple[str, ...]) -> None:
        super().__init__(folder)
        self._pipe = Pipe(python, _SCRIPT, str(folder), *views)
        self.sent: list[tuple[str, Bounds]] = []

    def ask(self, request: Request, bounds: Bounds, plan: bool = False) -> pa.Table:
        try:
            return self._pipe.ask({"sql": request.sql, "bounds": bounds, "plan": plan})
        except RefusedError as error:
            about = {"sql": request.sql, "query_id": request.query_id}
            raise from_service(str(error), **about)  # noqa: B904  (it has its cause)

    def run_as_service(
        self,
        sql: str,
        bounds: Bounds,
        query_id: str,
        view: tuple[str, str] | None = None,
        cancellation: Cancellation | None = None,
    ) -> pa.RecordBatchReader:
        if view is not None:  # a call beside SQL
            return super().run_as_service(sql, bounds, query_id, view, cancellation)
        self.sent.append((sql, bounds))
        return self.ask(Request(sql, None, query_id), bounds).to_reader()

    def plan_as_service(self, request: Request, bounds: Bounds, limit: int | None = None) -> Any:
        assert limit is None
        self.sent.append((request.sql, bounds))
        return _Planned(self, request, bounds)

    def close(self) -> None:
        self._pipe.close()
        super().close()


class Service:
    """A service that answers while it is here.

    Attributes
    ----------
    folder : Path
        Of its data: a lake.
    release : str
        Of DataFusion, without what follows the first dot.
    sent : list of (str, (int, int) or None)
        The statements that it was sent, on any wire, and their ranges.
    """

    def __init__(self, lake: _Lake, local: LocalService) -> None:
        self.folder = lake.path
        self.sent = lake.sent
        self._lake = lake
        self._local = local
        version = self.ask("SELECT version() AS v", None)["v"][0]
        self.release = re.findall(r"\d+", str(version))[0]

    def ask(self, sql: str, bounds: Bounds) -> pa.Table:
        """Ask the engine itself.

        Raises
        ------
        DatabaseError
        """
        return self._lake.ask(Request(sql, None, str(uuid.uuid4())), bounds)

    def url(self, wire: str) -> str:
        """Give the URL for a wire, by the scheme of URLs over it."""
        if wire == "grpc":
            return self._local.flight_url
        return f"{wire}{self._local.url.removeprefix('http')}"


@contextmanager
def serving(python: str, folder: Path, *views: str) -> Iterator[Service]:
    """Serve a lake with the DataFusion of another interpreter, and views of its users."""
    lake = _Lake(python, folder, views)
    local = LocalService(lake, port=0, flight_port=0)
    try:
        with running(local):
            yield Service(lake, local)
    finally:
        lake.close()
