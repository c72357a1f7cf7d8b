"""The embedded engine opened for DDL, behind the real driver, for SQLAlchemy's own suite.

The suite creates its tables and fills them. A service keeps nothing of that, and the driver and
the dialect refuse it: here, and nowhere else, both are opened. Queries go the way of all queries.
"""

from __future__ import annotations

import threading
from typing import Any

import pyarrow as pa
from datafusion import SessionConfig, SessionContext
from sqlalchemy.dialects import registry
from sqlalchemy.sql.compiler import DDLCompiler, SQLCompiler

import micromegas_dbapi.cursor
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.errors import from_service
from micromegas_dbapi.lake.scan import CONFIG
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.ranges.range_options import RangeOptions
from micromegas_dbapi.service import Service
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.transport.protocol import Request
from sqlalchemy_micromegas.compiler import MicromegasCompiler
from sqlalchemy_micromegas.dialect import MicromegasDialect
from sqlalchemy_micromegas.types import COLSPECS

CHANGES = ("CREATE", "DROP", "INSERT", "UPDATE", "DELETE", "SET")


class OpenTransport:
    """One DataFusion context that lasts, for all connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._context = SessionContext(
            SessionConfig(
                {
                    **CONFIG,
                    "datafusion.catalog.information_schema": "true",
                    "datafusion.execution.time_zone": "+00:00",
                }
            )
        )
        self._context.sql("CREATE SCHEMA test_schema").collect()

    def run(self, request: Request) -> pa.RecordBatchReader:
        try:
            with self._lock:
                table = self._context.sql(request.sql).to_arrow_table()
        except BaseException as error:  # PanicException is one
            raise from_service(str(error), sql=request.sql, query_id=request.query_id) from error
        return table.to_reader()

    def service(self) -> Service:
        return Service("lake", "0.1")

    def close(self) -> None:
        """Stay open: the tables are shared."""


class OpenCursor(Cursor):
    @property
    def description(self) -> Any:
        """None for a change, which has no rows."""
        return None if self._changed else super().description

    _changed = False

    def _run(self, statement: Statement, begin: Any, end: Any) -> Cursor:
        self._changed = statement.text.lstrip().upper().startswith(CHANGES)
        return super()._run(statement, begin, end)


class OpenConnection(Connection):
    def cursor(self, **kw: Any) -> Cursor:
        return OpenCursor(self, self._state)


class OpenCompiler(MicromegasCompiler):
    visit_insert = SQLCompiler.visit_insert
    visit_update = SQLCompiler.visit_update
    visit_delete = SQLCompiler.visit_delete


class OpenDDLCompiler(DDLCompiler):
    """Leaves out what the engine does not parse: constraints other than keys, and indexes."""

    def visit_foreign_key_constraint(self, constraint: Any, **kw: Any) -> None:
        return None

    def visit_check_constraint(self, constraint: Any, **kw: Any) -> None:
        return None

    def visit_unique_constraint(self, constraint: Any, **kw: Any) -> None:
        return None

    def visit_create_index(self, create: Any, **kw: Any) -> str:
        return "SELECT 1"

    def visit_drop_index(self, drop: Any, **kw: Any) -> str:
        return "SELECT 1"


class OpenDialect(MicromegasDialect):
    driver = "open"
    colspecs = COLSPECS
    statement_compiler = OpenCompiler
    ddl_compiler = OpenDDLCompiler
    supports_statement_cache = True
    supports_comments = False
    _transport: OpenTransport | None = None

    def create_connect_args(self, url: Any) -> Any:
        return (), {}

    def connect(self, *args: Any, **kw: Any) -> Any:
        cls = type(self)
        cls._transport = cls._transport or OpenTransport()
        ranges = Ranges(cls._transport, options=RangeOptions(infer_range="off"))  # it has no views
        return OpenConnection(cls._transport, ranges, "datetime")

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        for each in parameters:
            cursor.execute(statement, each)


def install() -> None:
    """Register the dialect as ``micromegas+open://``, and open the driver."""
    micromegas_dbapi.cursor.refuse_changes = lambda statement: None  # type: ignore[assignment]
    registry.register("micromegas.open", __name__, "OpenDialect")
