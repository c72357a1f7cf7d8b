"""The engine spec: what Superset must know of services. It is imported by Superset only."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote
from weakref import WeakKeyDictionary

from celery import current_task
from flask import current_app
from sqlalchemy import types
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import DBAPIError
from superset import db
from superset.common.db_query_status import QueryStatus
from superset.db_engine_specs.base import BaseEngineSpec
from superset.db_engine_specs.exceptions import (
    SupersetDBAPIDatabaseError,
    SupersetDBAPIOperationalError,
    SupersetDBAPIProgrammingError,
)
from superset.errors import ErrorLevel, SupersetErrorType
from superset.exceptions import SupersetTimeoutException
from superset.sql.parse import SQLGLOT_DIALECTS
from superset.sql_lab import SqlLabQueryStoppedException
from superset.utils import json
from superset.utils.core import GenericDataType

import micromegas_dbapi
from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.sql.engine_functions import FUNCTIONS, ROW_BY_ROW
from sqlalchemy_micromegas.sqlglot_dialect import Micromegas
from sqlalchemy_micromegas.superset.error_patterns import ERROR_PATTERNS
from sqlalchemy_micromegas.superset.time_grains import (
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    TIME_GRAINS,
    time_literal,
)
from sqlalchemy_micromegas.superset.watched_cursor import WatchedCursor

__all__ = ["MicromegasEngineSpec"]

# Superset reads every statement with sqlglot, and sends what sqlglot writes.
SQLGLOT_DIALECTS.setdefault("micromegas", Micromegas)

_DRIVERS = {
    "grpcs": "FlightSQL over TLS",
    "grpc": "FlightSQL",
    "https": "HTTPS (services 0.1 to 0.3)",
    "http": "HTTP (services 0.1 to 0.3)",
    "gateways": "JSON gateway over HTTPS",
    "gateway": "JSON gateway over HTTP",
    "webs": "web app over HTTPS",
    "web": "web app over HTTP",
    "lake": "folder of Parquet files",
    "demo": "generated lake",
}
_LOCAL = ("lake", "demo")
_SECRETS = ("token", "auth")
_TABLE_FUNCTIONS = ("view_instance",)
# How often the state of a running statement is read, in seconds.
_POLL_INTERVAL = 0.25


class MicromegasEngineSpec(BaseEngineSpec):  # type: ignore[misc]  # it has no types
    """The engine spec for all protocols of the dialect."""

    engine = "micromegas"
    engine_name = "Micromegas"
    drivers = _DRIVERS
    default_driver = "grpcs"
    sqlalchemy_uri_placeholder = "micromegas+grpcs://:TOKEN@HOST[:PORT]/[?begin=-30d]"
    supports_file_upload = False
    metadata: ClassVar[dict[str, Any]] = {
        "description": "Micromegas is a telemetry lakehouse for logs, metrics and traces.",
        "homepage_url": "https://github.com/madesroches/micromegas",
        "categories": ["Time Series Databases", "Open Source"],
        "pypi_packages": ["micromegas-dbapi[sqlalchemy,infer]"],
        "connection_string": "micromegas+grpcs://:{token}@{host}:{port}",
        "default_port": 443,
        "parameters": {
            "token": "The bearer token or API key, as the password of the URL",
            "host": "The host of the service",
            "port": "443 with TLS (grpcs), 50051 without (grpc)",
        },
        "drivers": [
            {
                "name": name,
                "pypi_package": "micromegas-dbapi[sqlalchemy,infer]",
                "connection_string": f"micromegas+{name}://:{{token}}@{{host}}:{{port}}",
                "is_recommended": name == "grpcs",
                "notes": text,
            }
            for name, text in _DRIVERS.items()
            if name not in _LOCAL
        ],
        "notes": "Every chart with a time filter is sent with that time range, so that the "
        "service reads little.",
    }

    _time_grain_expressions = TIME_GRAINS
    column_type_mappings = (
        (
            re.compile(r"^(array|list|map|struct)|\[\]$", re.IGNORECASE),
            types.String(),
            GenericDataType.STRING,
        ),
        (re.compile(r"^(json|properties)", re.IGNORECASE), types.JSON(), GenericDataType.STRING),
        (re.compile(r"^tinyint", re.IGNORECASE), types.SmallInteger(), GenericDataType.NUMERIC),
        (
            re.compile(r"^(duration|interval|binary|bytea|blob)", re.IGNORECASE),
            types.String(),
            GenericDataType.STRING,
        ),
    )
    custom_errors: ClassVar[dict[re.Pattern[str], tuple[str, Any, dict[str, Any]]]] = {
        pattern: (message, SupersetErrorType[name], {}) for pattern, message, name in ERROR_PATTERNS
    }
    supports_oauth2 = True
    oauth2_exception = OperationalError

    _watched: ClassVar[WeakKeyDictionary[Any, WatchedCursor]] = WeakKeyDictionary()

    # -- time and types ----------------------------------------------------------------------

    @classmethod
    def convert_dttm(cls, target_type: str, dttm: datetime, db_extra: Any = None) -> str | None:
        """Return a literal for the columns that have times."""
        column_type = cls.get_sqla_column_type(target_type)
        if isinstance(column_type, types.Date):
            return time_literal(dttm, date_only=True)
        if isinstance(column_type, types.DateTime):
            return time_literal(dttm, date_only=False)
        return None

    @classmethod
    def epoch_to_dttm(cls) -> str:
        """Return the conversion of seconds."""
        return EPOCH_SECONDS

    @classmethod
    def epoch_ms_to_dttm(cls) -> str:
        """Return the conversion of milliseconds."""
        return EPOCH_MILLISECONDS

    @classmethod
    def get_datatype(cls, type_code: Any) -> str | None:
        """Return the SQL name of a column's type, whose capitals polars reads otherwise."""
        return str(type_code) or None

    # -- what the editor shows ---------------------------------------------------------------

    @classmethod
    def get_function_names(cls, database: Any) -> list[str]:
        """Return the functions that SQL Lab suggests."""
        return sorted({*FUNCTIONS, *ROW_BY_ROW, *_TABLE_FUNCTIONS})

    @classmethod
    def get_column_description_limit_size(cls) -> int:
        """Fetch no row to learn the columns of a dataset: some views then need no time range."""
        return 0

    @classmethod
    def apply_limit_to_sql(
        cls, sql: str, limit: int, database: Any, force: bool = False
    ) -> Any:  # of Superset 5, which fetches one row for that
        """Fetch no row to learn the columns of a dataset."""
        return super().apply_limit_to_sql(
            sql, 0 if limit == 1 and not force else limit, database, force
        )

    # -- errors ------------------------------------------------------------------------------

    @classmethod
    def get_dbapi_exception_mapping(cls) -> dict[type[Exception], type[Exception]]:
        """Map the driver's errors to Superset's."""
        return {
            micromegas_dbapi.ProgrammingError: SupersetDBAPIProgrammingError,
            micromegas_dbapi.NotSupportedError: SupersetDBAPIProgrammingError,
            micromegas_dbapi.OperationalError: SupersetDBAPIOperationalError,
            micromegas_dbapi.DatabaseError: SupersetDBAPIDatabaseError,
        }

    @classmethod
    def _extract_error_message(cls, ex: Exception) -> str:
        """Return the driver's message without what SQLAlchemy and Superset put around it."""
        if isinstance(ex, DBAPIError):
            return str(ex.orig) if ex.orig is not None else str(ex.statement)
        return str(super()._extract_error_message(ex))

    @classmethod
    def needs_oauth2(cls, ex: Exception) -> bool:
        """Return whether the service has rejected the credentials."""
        cause: BaseException | None = ex
        while cause is not None and not isinstance(cause, OperationalError):
            cause = cause.__cause__
        return getattr(cause, "status", None) in (401, "UNAUTHENTICATED")

    # -- stopping ----------------------------------------------------------------------------

    @classmethod
    def has_implicit_cancel(cls) -> bool:
        """Let the thread that waits for a statement cancel it, in whatever process it is."""
        return True

    @classmethod
    def execute_with_cursor(cls, cursor: Any, sql: str, query: Any) -> None:
        """Run a statement of SQL Lab until it is stopped."""
        interval = current_app.config["DB_POLL_INTERVAL_SECONDS"].get(cls.engine, _POLL_INTERVAL)
        watched = WatchedCursor(cursor, _query_is_wanted(query), interval)
        cls._watched[cursor] = watched
        cls.execute(watched, sql, query.database)
        cls.handle_cursor(cursor, query)

    @classmethod
    def fetch_data(cls, cursor: Any, limit: int | None = None) -> list[tuple[Any, ...]]:
        """Fetch the rows until the statement is stopped."""
        rows: list[tuple[Any, ...]] = super().fetch_data(cls._watched.get(cursor, cursor), limit)
        if limit == 1 and not rows:  # Superset 5 needs a row to learn the columns of a dataset
            return [(None,) * len(cursor.description)]
        return rows

    # -- users and their secrets -------------------------------------------------------------

    @classmethod
    def adjust_engine_params(
        cls, uri: Any, connect_args: dict[str, Any], *args: Any, **kwargs: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Reject secrets where Superset would show them."""
        if shown := [name for name in _SECRETS if name in connect_args]:
            raise ValueError(
                f"{shown[0]!r} is among the connect_args of Engine Parameters, which Superset "
                "shows; accepted: the password of the URL (:TOKEN@HOST), Secure Extra"
            )
        adjusted: tuple[Any, dict[str, Any]] = super().adjust_engine_params(
            uri, connect_args, *args, **kwargs
        )
        return adjusted

    @classmethod
    def get_url_for_impersonation(
        cls, url: Any, impersonate_user: bool, username: str | None, access_token: str | None
    ) -> Any:
        """Remove the database's own credentials if the user has a token."""
        if not (impersonate_user and access_token):
            return url
        return url._replace(username=None, password=None)

    @classmethod
    def update_impersonation_config(
        cls,
        database: Any,
        connect_args: dict[str, Any],
        uri: Any,
        username: str | None,
        access_token: str | None,
    ) -> None:
        """Send the user's own token, or else the user's name for the log of the service."""
        if access_token:
            connect_args["token"] = access_token
        if username and make_url(uri).get_driver_name() not in _LOCAL:
            headers = {**connect_args.get("headers", {}), "x-user-id": quote(username, safe="@+ ")}
            connect_args["headers"] = headers

    @staticmethod
    def update_params_from_encrypted_extra(database: Any, params: dict[str, Any]) -> None:
        """Add Secure Extra, but keep the arguments that are there, such as a user's token."""
        if not database.encrypted_extra:
            return
        secure = json.loads(database.encrypted_extra)
        own = params.get("connect_args", {})
        params.update(secure)
        merged = {**secure.get("connect_args", {}), **own}
        if "token" in own:
            merged.pop("auth", None)
        params["connect_args"] = merged


def _query_is_wanted(query: Any) -> Any:
    """Return the check of a running query: it raises an error if it is stopped or runs too long."""
    in_worker = bool(current_task) and not current_task.request.called_directly
    limit = 0 if in_worker else current_app.config["SQLLAB_TIMEOUT"]  # Celery has its own
    begun = time.monotonic()

    def check() -> None:
        db.session.commit()  # another process has changed the row
        db.session.refresh(query)
        if query.status in (QueryStatus.STOPPED, QueryStatus.TIMED_OUT):
            raise SqlLabQueryStoppedException
        if limit and time.monotonic() - begun > limit:  # threads of a worker get no SIGALRM
            raise SupersetTimeoutException(
                error_type=SupersetErrorType.SQLLAB_TIMEOUT_ERROR,
                message=f"The query exceeded the {limit} seconds timeout.",
                level=ErrorLevel.ERROR,
            )

    return check
