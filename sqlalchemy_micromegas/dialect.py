"""The dialect: a class for each protocol, all of which use the driver."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy.engine import URL as SQLAlchemyURL  # noqa: N811
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import ArgumentError

import micromegas_dbapi
from micromegas_dbapi import url as driver_url
from micromegas_dbapi.auth import BasicAuth, BearerAuth
from micromegas_dbapi.errors import Error, NotSupportedError
from sqlalchemy_micromegas.compiler import MicromegasCompiler
from sqlalchemy_micromegas.compiler.type_compiler import (
    MicromegasDDLCompiler,
    MicromegasIdentifierPreparer,
    MicromegasTypeCompiler,
)
from sqlalchemy_micromegas.demo_lakes import shared_demo_lake
from sqlalchemy_micromegas.execution import MicromegasExecutionContext, apply_options, mark
from sqlalchemy_micromegas.reflected_keys import ReflectedKeys
from sqlalchemy_micromegas.reflection import Reflection
from sqlalchemy_micromegas.sqlalchemy_version import SQLALCHEMY_2
from sqlalchemy_micromegas.types import COLSPECS, COLSPECS_WITHOUT_INTERVALS
from sqlalchemy_micromegas.url import query_of

__all__ = ["MicromegasDialect"]

#: The catalog of every service. In a URL it means the same as no database.
CATALOG = "datafusion"

_PING = "SELECT 1"


class MicromegasDialect(Reflection, ReflectedKeys, DefaultDialect):  # type: ignore[misc]  # 1.4 has others
    """The dialect for Micromegas, on `micromegas_dbapi`; ``micromegas://`` uses HTTP."""

    name = "micromegas"
    driver = "http"
    default_paramstyle = "qmark"
    statement_compiler = MicromegasCompiler
    ddl_compiler = MicromegasDDLCompiler
    type_compiler = type_compiler_cls = MicromegasTypeCompiler
    preparer = MicromegasIdentifierPreparer
    execution_ctx_cls = MicromegasExecutionContext
    colspecs = COLSPECS_WITHOUT_INTERVALS

    supports_statement_cache = True
    supports_native_boolean = True
    supports_native_decimal = True
    supports_native_uuid = True
    supports_native_enum = False
    returns_native_bytes = True
    supports_sane_rowcount = False
    supports_sane_multi_rowcount = False
    supports_sequences = False
    supports_alter = False
    supports_comments = True
    inline_comments = True
    supports_default_values = False
    supports_empty_insert = False
    supports_multivalues_insert = True
    use_insertmanyvalues = False
    insert_returning = update_returning = delete_returning = False
    implicit_returning = False
    postfetch_lastrowid = False
    supports_is_distinct_from = True
    supports_simple_order_by_label = True
    tuple_in_values = False
    div_is_floordiv = True
    max_identifier_length = 9999
    default_schema_name = "public"
    _json_serializer = None
    _json_deserializer = None

    #: The scheme of the driver's URL.
    scheme = "http"

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """Return the driver."""
        return micromegas_dbapi

    # -- execution options -------------------------------------------------------------------

    def set_engine_execution_options(self, engine: Any, opts: Mapping[str, Any]) -> None:
        """Mark the options as those of an engine."""
        super().set_engine_execution_options(engine, opts)
        mark(engine, opts)

    def set_connection_execution_options(self, connection: Any, opts: Mapping[str, Any]) -> None:
        """Mark the options as those of a connection."""
        super().set_connection_execution_options(connection, opts)
        mark(connection, opts)

    # -- connecting --------------------------------------------------------------------------

    @classmethod
    def engine_created(cls, engine: Any) -> None:
        """Name the catalog in the engine's URL.

        Tools such as marimo list the schemas of the database that the URL names, and none without.
        """
        if not engine.url.database:
            engine.url = engine.url.set(database=CATALOG)

    def create_connect_args(self, url: SQLAlchemyURL) -> Any:
        """Convert a URL to the arguments of `micromegas_dbapi.connect`, and check it."""
        options = query_of(url)
        address = self._address(url) + (f"?{options}" if options else "")
        arguments: dict[str, Any] = {}
        if url.username and url.password is None:
            raise ArgumentError(
                "the URL has a user but no password; accepted: :TOKEN@HOST, USER:PASSWORD@HOST"
            )
        try:
            if url.password is not None:
                # No variable has the password, because a traceback may show the variables.
                arguments["auth"] = (
                    BasicAuth(url.username, str(url.password))
                    if url.username
                    else BearerAuth(str(url.password))
                )
            driver_url.parse(address)
        except Error as error:
            raise ArgumentError(str(error)) from error
        return (address,), arguments

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """Connect with the arguments that `create_connect_args` and ``connect_args`` set."""
        if "address" in cparams:
            raise ArgumentError("connect_args has an address, but the URL is the address")
        if "row_factory" in cparams:
            raise ArgumentError(
                "connect_args has a row_factory, but SQLAlchemy creates its own rows; use "
                "result.mappings() for rows by name"
            )
        return super().connect(*cargs, **cparams)

    def _address(self, url: SQLAlchemyURL) -> str:
        if not url.host:
            raise ArgumentError(
                f"the URL has no host; accepted: micromegas+{self.driver}://HOST[:PORT][/PREFIX]"
            )
        host = f"[{url.host}]" if ":" in url.host else url.host
        port = "" if url.port is None else f":{url.port}"
        path = quote(_database(url) or "", safe="/")
        return f"{self.scheme}://{host}{port}{'/' + path if path else ''}"

    # -- executing ---------------------------------------------------------------------------

    def do_execute(
        self, cursor: Any, statement: str, parameters: Any, context: Any | None = None
    ) -> None:
        """Execute a statement within the time range of its execution options."""
        cursor.execute(statement, parameters or None, **apply_options(cursor, context))

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any | None = None) -> None:
        """Execute a statement without parameters, which is sent unchanged."""
        cursor.execute(statement, None, **apply_options(cursor, context))

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any | None = None
    ) -> None:
        """Reject several sets of parameters: SQLAlchemy would return the first one's rows only."""
        raise NotSupportedError(
            f"cannot execute a statement with {len(parameters)} sets of parameters, because only "
            "the rows of the first could be fetched; execute it once for each"
        )

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Query the service for one row."""
        cursor = dbapi_connection.cursor()
        try:
            cursor.execute(_PING, begin=micromegas_dbapi.ALL_TIME)
        finally:
            cursor.close()
        return True

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        """Return whether the error means that the connection is closed."""
        closed = "the connection is closed", "the connection was closed"
        return isinstance(e, micromegas_dbapi.InterfaceError) and str(e).startswith(closed)

    # -- what services do not have -----------------------------------------------------------

    def _get_server_version_info(self, connection: Any) -> None:
        return None

    def _get_default_schema_name(self, connection: Any) -> str:
        return "public"

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        """Return the only level."""
        return "AUTOCOMMIT"

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        """Return the only level."""
        return "AUTOCOMMIT"

    def get_isolation_level_values(self, dbapi_conn: Any) -> Any:
        """Return the list of the only level."""
        return ["AUTOCOMMIT"]

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Accept the only level."""
        if level != "AUTOCOMMIT":
            raise ArgumentError(f"invalid isolation_level={level!r}; accepted: 'AUTOCOMMIT'")

    def do_savepoint(self, connection: Any, name: str) -> None:
        """Reject savepoints: there are no transactions."""
        raise NotSupportedError(
            "begin_nested() needs savepoints, but a read-only service has no transactions; leave "
            "it out"
        )


def _database(url: SQLAlchemyURL) -> str | None:
    return None if url.database == CATALOG else url.database


if not SQLALCHEMY_2:  # 2.x warns if a dialect has both
    MicromegasDialect.dbapi = MicromegasDialect.import_dbapi  # type: ignore[assignment]


class MicromegasHTTP(MicromegasDialect):
    """``micromegas+http://``."""

    supports_statement_cache = True


class MicromegasHTTPS(MicromegasDialect):
    """``micromegas+https://``."""

    driver = scheme = "https"
    supports_statement_cache = True


class MicromegasGRPC(MicromegasDialect):
    """``micromegas+grpc://``."""

    driver = scheme = "grpc"
    colspecs = COLSPECS
    supports_statement_cache = True


class MicromegasGRPCS(MicromegasDialect):
    """``micromegas+grpcs://``."""

    driver, scheme = "grpcs", "grpc+tls"
    colspecs = COLSPECS
    supports_statement_cache = True


class MicromegasGateway(MicromegasDialect):
    """``micromegas+gateway://``."""

    driver, scheme = "gateway", "gateway+http"
    supports_statement_cache = True


class MicromegasGateways(MicromegasDialect):
    """``micromegas+gateways://``."""

    driver, scheme = "gateways", "gateway+https"
    supports_statement_cache = True


class MicromegasWeb(MicromegasDialect):
    """``micromegas+web://``."""

    driver, scheme = "web", "web+http"
    colspecs = COLSPECS
    supports_statement_cache = True


class MicromegasWebs(MicromegasDialect):
    """``micromegas+webs://``."""

    driver, scheme = "webs", "web+https"
    colspecs = COLSPECS
    supports_statement_cache = True


class MicromegasLake(MicromegasDialect):
    """``micromegas+lake:///FOLDER``; an absolute path has four slashes."""

    driver = scheme = "lake"
    colspecs = COLSPECS
    supports_statement_cache = True

    def _address(self, url: SQLAlchemyURL) -> str:
        if url.host or not url.database:
            raise ArgumentError(
                "the URL of a lake needs a folder and no host; accepted: "
                "micromegas+lake:///FOLDER, or micromegas+lake:////FOLDER for an absolute path"
            )
        return "lake:" + quote(url.database, safe="/")


class MicromegasDemo(MicromegasDialect):
    """``micromegas+demo://``."""

    driver = scheme = "demo"
    colspecs = COLSPECS
    supports_statement_cache = True

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """Connect to a lake that is generated once."""
        address, *others = cargs
        return super().connect(shared_demo_lake(address), *others, **cparams)

    def _address(self, url: SQLAlchemyURL) -> str:
        if url.host or _database(url):
            raise ArgumentError(
                "the URL of the demo lake has no host and no path; accepted: "
                "micromegas+demo://?size=2"
            )
        return "demo:"
