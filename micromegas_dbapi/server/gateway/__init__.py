"""The endpoints of the JSON gateway: requests in JSON, results as a JSON array of rows."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pyarrow as pa

from micromegas_dbapi.errors import Error
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import wsgi
from micromegas_dbapi.server.disconnect_monitor import DisconnectMonitor
from micromegas_dbapi.server.error_chain import service_text
from micromegas_dbapi.server.gateway import row_json
from micromegas_dbapi.server.json_bodies import FieldType, RejectedRequestError, read_body
from micromegas_dbapi.server.serde import compact_json
from micromegas_dbapi.server.statement_steps import Statement, StatementError
from micromegas_dbapi.server.time_bounds import engine_bounds, parse_rfc3339
from micromegas_dbapi.server.tonic_errors import status_text
from micromegas_dbapi.server.wsgi import Environ, StartResponse
from micromegas_dbapi.timerange import TimeRange

__all__ = ["health", "query"]

_TEXT = [("content-type", "text/plain; charset=utf-8")]
_JSON = [("content-type", "application/json")]
_BEGIN, _END = "time_range_begin", "time_range_end"
_FIELDS = {
    "sql": FieldType.STRING,
    _BEGIN: FieldType.OPTIONAL_STRING,
    _END: FieldType.OPTIONAL_STRING,
}
_MAX_SQL_BYTES = 2**20


def health(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    """Respond to ``GET /gateway/health``.

    Parameters
    ----------
    environ : dict
        Of the request, as WSGI has it.
    start : callable
        WSGI's ``start_response``.

    Returns
    -------
    iterable of bytes
        The body.
    """
    now = time.time_ns()
    status = {"status": "healthy", "timestamp": TimeRange(now, now).begin_text}
    return wsgi.text(start, 200, compact_json(status), _JSON)


def query(
    lake: LakeTransport, monitor: DisconnectMonitor, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    """Respond to ``POST /gateway/query``, after the whole result is computed.

    Parameters
    ----------
    lake : LakeTransport
        The lake to serve.
    monitor : DisconnectMonitor
        Cancels the query if the client disconnects.
    environ : dict
        Of the request, as WSGI has it.
    start : callable
        WSGI's ``start_response``.

    Returns
    -------
    iterable of bytes
        The body.
    """
    try:
        with monitor.watching(environ) as cancellation:
            request = read_body(environ, _FIELDS)
            bounds = _checked_bounds(request)
            statement = Statement(lake, request["sql"], bounds, cancellation, dictionaries=False)
            file, size = row_json.write(statement.schema, statement.batches())
    except RejectedRequestError as error:
        return wsgi.text(start, error.status, error.text, _TEXT)
    except StatementError as error:
        status = status_text(error)
        text = f"Query execution error: Tonic error: {status}\n\nCaused by:\n    {status}"
        return wsgi.text(start, 500, text, _TEXT)
    except row_json.SerializationError as error:
        return wsgi.text(start, 500, f"Failed to serialize results: {error}", _TEXT)
    except (Error, pa.ArrowException) as error:
        return wsgi.text(start, 500, f"Query execution error: {service_text(error)}", _TEXT)
    return wsgi.file(environ, start, file, size, _TEXT)


def _checked_bounds(request: dict[str, str]) -> tuple[int, int] | None:
    """Check a request as the gateway does before it sends the query, and return its time range."""
    if not request["sql"].strip():
        raise RejectedRequestError(400, "SQL query cannot be empty")
    if (size := len(request["sql"].encode())) > _MAX_SQL_BYTES:
        text = f"SQL query too large: {size} bytes (max: {_MAX_SQL_BYTES} bytes)"
        raise RejectedRequestError(400, text)
    for present, missing in ((_BEGIN, _END), (_END, _BEGIN)):
        if request[present] is not None and request[missing] is None:
            text = f"{missing} must be provided when {present} is specified"
            raise RejectedRequestError(400, text)
    if request[_BEGIN] is None:
        return None
    begin, end = (_time(request[name], name) for name in (_BEGIN, _END))
    if begin > end:
        raise RejectedRequestError(400, f"{_BEGIN} must be before {_END}")
    return engine_bounds(begin, end)


def _time(text: str, name: str) -> int:
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        message = f"Invalid {name} format (expected RFC3339): {error}"
        raise RejectedRequestError(400, message) from error
