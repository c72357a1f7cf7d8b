"""The dialect: a class for each protocol, all of which use the driver."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import pool
from sqlalchemy.engine import URL as SQLAlchemyURL  # noqa: N811
from sqlalchemy.engine.default import DefaultDialect, DefaultExecutionContext
from sqlalchemy.exc import ArgumentError

import micromegas_dbapi
from micromegas_dbapi import url as driver_url
from micromegas_dbapi.auth import BasicAuth, BearerAuth
from micromegas_dbapi.errors import Error, NotSupportedError
from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.timerange import ALL_TIME
from sqlalchemy_micromegas.compiler import MicromegasCompiler
from sqlalchemy_micromegas.compiler.type_compiler import (
    MicromegasDDLCompiler,
    MicromegasIdentifierPreparer,
    MicromegasTypeCompiler,
)
from sqlalchemy_micromegas.reflection import Reflection
from sqlalchemy_micromegas.results import pause_collection
from sqlalchemy_micromegas.sqlalchemy_version import SQLALCHEMY_2
from sqlalchemy_micromegas.types import COLSPECS, COLSPECS_WITHOUT_INTERVALS
from sqlalchemy_micromegas.url import query_of

__all__ = ["MicromegasDialect"]

_PING = "SELECT 1"
_OPTIONS = tuple(option.name for option in OPTIONS.values() if option.per_statement)


class _Outer:
    """An option of an engine or connection.

    SQLAlchemy merges the options of all levels. This shows where a value comes from, also if
    execute() was passed the very same one.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, _Outer) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


def _mark(owner: Any, options: Mapping[str, Any]) -> None:
    marked = {
        name: _Outer(value)
        for name, value in options.items()
        if name.removeprefix("micromegas_") in _OPTIONS
    }
    if marked:
        owner._execution_options = owner._execution_options.union(marked)


class MicromegasExecutionContext(DefaultExecutionContext):
    """The execution of one statement."""

    def get_result_processor(self, type_: Any, colname: str, coltype: Any) -> Any:
        """Choose by the Arrow type, in which equal type codes can differ."""
        return type_.dialect_impl(self.dialect).result_processor(self.dialect, coltype)

    def _setup_result_proxy(self) -> Any:
        return pause_collection(super()._setup_result_proxy())  # type: ignore[no-untyped-call]

    def _option_levels(self) -> list[Mapping[Any, Any]]:
        """Return the options of engine, connection, statement and execute().

        In SQLAlchemy the connection's options take precedence over the statement's. Here the more
        specific level takes precedence, as everywhere in the driver.
        """
        engine = self.root_connection.engine._execution_options
        connection = self.root_connection._execution_options
        statement = getattr(self.invoked_statement, "_execution_options", None) or {}
        return [
            engine,
            {name: value for name, value in connection.items() if engine.get(name) is not value},
            statement,
            {
                name: value
                for name, value in self.execution_options.items()
                if not isinstance(value, _Outer) and statement.get(name) is not value
            },
        ]

    def driver_options(self) -> dict[str, Any]:
        """Return the driver's options among the execution options: the range and timestamps.

        Returns
        -------
        dict
            By the names that the driver uses.

        Raises
        ------
        ArgumentError
            If an option is unknown, or given with and without its prefix.
        """
        accepted = [f"micromegas_{name}" for name in _OPTIONS]
        for name in self.execution_options:
            # The ORM has keys that are not strings.
            if isinstance(name, str) and name.startswith("micromegas_") and name not in accepted:
                raise ArgumentError(
                    f"unknown execution option {name!r}; accepted: {', '.join(accepted)}"
                )
        options: dict[str, Any] = {}
        for level in self._option_levels():
            options |= _options_of(level)
        return options


def _options_of(level: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the driver's options of one level. None means that an option is not set."""
    options: dict[str, Any] = {}
    for name in _OPTIONS:
        for key in (name, f"micromegas_{name}"):
            value = level.get(key)
            value = value.value if isinstance(value, _Outer) else value
            if value is None:
                continue
            if name in options:
                raise ArgumentError(f"{name} and micromegas_{name} cannot be combined; use one")
            options[name] = value
    bounds = [options[name] for name in ("begin", "end") if name in options]
    if len(bounds) == 1 and bounds[0] is ALL_TIME:  # opens both bounds, as in the driver
        options |= {"begin": ALL_TIME, "end": ALL_TIME}
    return options


class MicromegasDialect(Reflection, DefaultDialect):  # type: ignore[misc]  # 1.4 has others
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
        _mark(engine, opts)

    def set_connection_execution_options(self, connection: Any, opts: Mapping[str, Any]) -> None:
        """Mark the options as those of a connection."""
        super().set_connection_execution_options(connection, opts)
        _mark(connection, opts)

    # -- connecting --------------------------------------------------------------------------

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
        path = quote(url.database or "", safe="/")
        return f"{self.scheme}://{host}{port}{'/' + path if path else ''}"

    # -- executing ---------------------------------------------------------------------------

    def do_execute(
        self, cursor: Any, statement: str, parameters: Any, context: Any | None = None
    ) -> None:
        """Execute a statement within the time range of its execution options."""
        cursor.execute(statement, parameters or None, **_apply_options(cursor, context))

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any | None = None) -> None:
        """Execute a statement without parameters, which is sent unchanged."""
        cursor.execute(statement, None, **_apply_options(cursor, context))

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


def _apply_options(cursor: Any, context: Any | None) -> dict[str, Any]:
    """Set the timestamps of a cursor, and return the arguments of `execute` for the range."""
    options = context.driver_options() if context is not None else {}
    if "timestamps" in options:
        cursor.timestamps = OPTIONS["timestamps"].convert(options.pop("timestamps"))
    return options


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

    @classmethod
    def get_pool_class(cls, url: SQLAlchemyURL) -> type[pool.Pool]:
        """Share one connection, because each connection generates its own lake."""
        return pool.StaticPool

    def _address(self, url: SQLAlchemyURL) -> str:
        if url.host or url.database:
            raise ArgumentError(
                "the URL of the demo lake has no host and no path; accepted: "
                "micromegas+demo://?size=2"
            )
        return "demo:"
