"""The dialect: how SQLAlchemy talks through the driver, one small class for each wire."""

from __future__ import annotations

import time
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
from micromegas_dbapi.timerange import resolve
from sqlalchemy_micromegas.compiler import MicromegasCompiler
from sqlalchemy_micromegas.compiler.type_compiler import (
    MicromegasDDLCompiler,
    MicromegasIdentifierPreparer,
    MicromegasTypeCompiler,
)
from sqlalchemy_micromegas.reflection import Reflection
from sqlalchemy_micromegas.results import without_collections
from sqlalchemy_micromegas.types import COLSPECS, COLSPECS_WITHOUT_INTERVALS, SQLALCHEMY_2
from sqlalchemy_micromegas.url import query_of

__all__ = ["MicromegasDialect"]

_PING = "SELECT 1"
_OPTIONS = ("begin", "end", "timestamps")


class MicromegasExecutionContext(DefaultExecutionContext):
    """One run of a statement."""

    def get_result_processor(self, type_: Any, colname: str, coltype: Any) -> Any:
        """Choose by the column's Arrow type too, which equal type codes may differ in."""
        return type_.dialect_impl(self.dialect).result_processor(self.dialect, coltype)

    def _setup_result_proxy(self) -> Any:
        return without_collections(super()._setup_result_proxy())  # type: ignore[no-untyped-call]

    def _narrowest_options(self) -> dict[Any, Any]:
        # SQLAlchemy lets the connection's options win over the statement's. For a time range the
        # narrower level counts, as everywhere in the driver; what execute() itself was given is
        # in neither of the two, and stays.
        merged: dict[Any, Any] = dict(self.execution_options)
        outer = self.root_connection.get_execution_options()
        statement = getattr(self.invoked_statement, "_execution_options", None) or {}
        for name, value in statement.items():
            if name in outer and merged.get(name) is outer[name]:
                merged[name] = value
        return merged

    def time_range(self) -> dict[str, Any]:
        """Read the time range out of the execution options."""
        given: dict[str, Any] = {}
        for name, value in self._narrowest_options().items():
            if not isinstance(name, str):  # the ORM keeps things of its own there
                continue
            own = name.startswith("micromegas_")
            short = name[len("micromegas_") :] if own else name
            if short not in _OPTIONS:
                if own:
                    raise ArgumentError(
                        f"the execution option {name!r} is not known; accepted: "
                        + ", ".join(f"micromegas_{option}" for option in _OPTIONS)
                    )
                continue
            if short in given:
                raise ArgumentError(f"both {short} and micromegas_{short} are given; give one")
            given[short] = value
        return given


class MicromegasDialect(Reflection, DefaultDialect):  # type: ignore[misc]  # 1.4 has others
    """Micromegas, through `micromegas_dbapi`; ``micromegas://`` is its HTTP wire."""

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
        """Give the driver."""
        return micromegas_dbapi

    # -- connecting --------------------------------------------------------------------------

    def create_connect_args(self, url: SQLAlchemyURL) -> Any:
        """Turn a URL into the arguments of `micromegas_dbapi.connect`; a bad one fails here."""
        options = query_of(url)
        address = self._address(url) + (f"?{options}" if options else "")
        arguments: dict[str, Any] = {}
        if url.username and url.password is None:
            raise ArgumentError(
                "the URL has a user but no password; accepted: :TOKEN@host, USER:PASSWORD@host"
            )
        try:
            if url.password is not None:
                user, password = url.username, str(url.password)
                arguments["auth"] = BasicAuth(user, password) if user else BearerAuth(password)
            target = driver_url.parse(address)
            bounds = target.options.get("begin"), target.options.get("end")
            resolve([("url", *bounds)], time.time_ns())
        except Error as error:
            raise ArgumentError(str(error)) from error
        return (address,), arguments

    def _address(self, url: SQLAlchemyURL) -> str:
        if not url.host:
            raise ArgumentError(
                f"the URL names no host; accepted: micromegas+{self.driver}://HOST[:PORT][/PREFIX]"
            )
        host = f"[{url.host}]" if ":" in url.host else url.host
        port = "" if url.port is None else f":{url.port}"
        path = quote(url.database or "", safe="/")
        return f"{self.scheme}://{host}{port}{'/' + path if path else ''}"

    # -- executing ---------------------------------------------------------------------------

    def do_execute(
        self, cursor: Any, statement: str, parameters: Any, context: Any | None = None
    ) -> None:
        """Run a statement within the time range of its execution options."""
        bounds = _apply(cursor, context)
        cursor.execute(statement, parameters or None, **bounds)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any | None = None) -> None:
        """Run a statement that has no parameters, byte for byte."""
        cursor.execute(statement, None, **_apply(cursor, context))

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any | None = None
    ) -> None:
        """Refuse several sets of parameters: SQLAlchemy would show the first one's rows alone."""
        raise NotSupportedError(
            f"{len(parameters)} sets of parameters are given, and only the rows of the first could "
            "be fetched; execute the statement once for each"
        )

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Ask the service for a row."""
        cursor = dbapi_connection.cursor()
        try:
            cursor.execute(_PING, begin=micromegas_dbapi.ALL_TIME)
        finally:
            cursor.close()
        return True

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        """Tell whether a connection was closed; the service itself keeps none open."""
        return isinstance(e, micromegas_dbapi.InterfaceError) and "connection is closed" in str(e)

    # -- what there is not -------------------------------------------------------------------

    def _get_server_version_info(self, connection: Any) -> None:
        return None

    def _get_default_schema_name(self, connection: Any) -> str:
        return "public"

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        """Give the one level there is."""
        return "AUTOCOMMIT"

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        """Give the one level there is."""
        return "AUTOCOMMIT"

    def get_isolation_level_values(self, dbapi_conn: Any) -> Any:
        """Give the levels there are."""
        return ["AUTOCOMMIT"]

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Take the one level there is."""
        if level != "AUTOCOMMIT":
            raise ArgumentError(f"isolation_level={level!r}; accepted: 'AUTOCOMMIT'")

    def do_savepoint(self, connection: Any, name: str) -> None:
        """Refuse: there are no transactions."""
        raise NotSupportedError(
            "begin_nested() needs savepoints, and a read-only service has no transactions; leave "
            "it out"
        )


def _apply(cursor: Any, context: Any | None) -> dict[str, Any]:
    given = context.time_range() if context is not None else {}
    shown = given.pop("timestamps", None)
    if shown is not None:
        if shown not in ("datetime", "ns"):
            raise ArgumentError(f"timestamps={shown!r}; accepted: 'datetime', 'ns'")
        cursor.timestamps = shown
    return given


if not SQLALCHEMY_2:  # where both are there, 2.x warns
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
    """``micromegas+lake:///FOLDER``, with four slashes for a path from the root."""

    driver = scheme = "lake"
    colspecs = COLSPECS
    supports_statement_cache = True

    def _address(self, url: SQLAlchemyURL) -> str:
        if url.host or not url.database:
            raise ArgumentError(
                "a lake's URL has a folder and no host; accepted: micromegas+lake:///FOLDER, and "
                "micromegas+lake:////FOLDER for a path from the root"
            )
        return "lake:" + quote(url.database, safe="/")


class MicromegasDemo(MicromegasDialect):
    """``micromegas+demo://``."""

    driver = scheme = "demo"
    colspecs = COLSPECS
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: SQLAlchemyURL) -> type[pool.Pool]:
        """Share one connection: each would generate a lake of its own."""
        return pool.StaticPool

    def _address(self, url: SQLAlchemyURL) -> str:
        if url.host or url.database:
            raise ArgumentError(
                "demo: has no host and no path; accepted: micromegas+demo://?size=2"
            )
        return "demo:"
