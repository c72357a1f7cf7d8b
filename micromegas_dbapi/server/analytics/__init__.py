"""The endpoints of the HTTP service: requests in CBOR, results in Parquet."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import cbor2
import pyarrow as pa

from micromegas_dbapi.errors import Error
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import wsgi
from micromegas_dbapi.server.analytics.parquet_response import ParquetTypeError, write
from micromegas_dbapi.server.analytics.requests import (
    BadRequestError,
    check_time,
    parse,
    time_bounds,
)
from micromegas_dbapi.server.disconnect_monitor import DisconnectMonitor
from micromegas_dbapi.server.error_chain import (
    engine_links,
    format_chain,
    is_view_error,
    service_text,
    view_links,
)
from micromegas_dbapi.server.wsgi import Environ, StartResponse
from micromegas_dbapi.sql.lexer import tokens
from micromegas_dbapi.transport.cancellation import Cancellation

__all__ = ["ENDPOINTS", "analytics", "not_found"]

_QUERIES = ("query", "query_view")
_LOOKUPS = ("find_process", "find_stream", "query_streams", "query_blocks", "query_partitions")
_CHANGES = ("materialize_partitions", "retire_partitions")
#: The name of the call for each path.
ENDPOINTS = {f"/analytics/{name}": name for name in (*_QUERIES, *_LOOKUPS, *_CHANGES)}

_QUERY_LINK = "lakehouse::query::query"
_CORS = [
    ("vary", "origin, access-control-request-method, access-control-request-headers"),
    ("access-control-allow-origin", "*"),
]


def analytics(
    lake: LakeTransport, monitor: DisconnectMonitor, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    """Respond to a request to one of the `ENDPOINTS`.

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
    name, method = ENDPOINTS[environ["PATH_INFO"]], environ["REQUEST_METHOD"]
    if method == "OPTIONS":
        allowed = [("access-control-allow-methods", "POST"), ("allow", "POST")]
        return wsgi.text(start, 200, "", [*allowed, *_CORS])
    if method != "POST":
        return wsgi.text(start, 405, "", [("allow", "POST"), *_CORS])
    body = environ["wsgi.input"].read()
    if name in _CHANGES:
        start("200 OK", _CORS)
        return _progress(lake, name, body)
    try:
        with monitor.watching(environ) as cancellation:
            file, size = write(_result(lake, name, body, cancellation))
    except BadRequestError as error:
        return wsgi.text(start, 500, format_chain(name, *error.causes), _CORS)
    except ParquetTypeError as error:
        return wsgi.text(start, 500, format_chain(name, str(error)), _CORS)
    except Error as error:
        return wsgi.text(start, 500, _error_text(name, error), _CORS)
    return wsgi.file(environ, start, file, size, _CORS)


def not_found(start: StartResponse) -> Iterable[bytes]:
    """Respond to a request to an unknown path.

    Parameters
    ----------
    start : callable
        WSGI's ``start_response``.

    Returns
    -------
    iterable of bytes
        The body, which is empty.
    """
    return wsgi.text(start, 404, "", _CORS)


def _result(
    lake: LakeTransport, name: str, body: bytes, cancellation: Cancellation
) -> pa.RecordBatchReader:
    request, query_id = parse(name, body), str(uuid.uuid4())
    if name in _QUERIES:
        bounds = time_bounds(request["begin"], request["end"])
        _reject_prepare(request["sql"])
        return lake.run_as_service(request["sql"], bounds, query_id, _view(request), cancellation)
    if name == "query_streams":
        for bound in ("begin", "end"):
            if request[bound] is not None:
                check_time(request[bound], bound)
    table = lake.call(name, request, query_id=query_id).read_all()
    # If there are no rows, the service does not know the columns.
    return (table if table.num_rows else pa.table({})).to_reader()


def _view(request: dict[str, Any]) -> tuple[str, str] | None:
    if "view_set_name" not in request:
        return None
    return request["view_set_name"], request["view_instance_id"]


def _reject_prepare(sql: str) -> None:
    """Reject PREPARE, which the service's engine parses, but cannot plan."""
    word = next((part for part in tokens(sql) if part.kind == "word"), None)
    if word is not None and sql[word.start : word.end].upper() == "PREPARE":
        reason = "This feature is not implemented: Unsupported logical plan: Prepare"
        raise BadRequestError(_QUERY_LINK, reason)


def _progress(lake: LakeTransport, name: str, body: bytes) -> Iterator[bytes]:
    try:
        request = parse(name, body)
        for bound in ("begin", "end"):
            check_time(request[bound], bound)
        for line in lake.progress(name, request, query_id=str(uuid.uuid4())):
            yield cbor2.dumps(line)
    except BadRequestError as error:
        yield cbor2.dumps(format_chain(name, *error.causes))
    except Error as error:
        yield cbor2.dumps(_error_text(name, error))


def _error_text(name: str, error: Error) -> str:
    """Return the text of an error as the endpoint with this name sends it."""
    text = service_text(error)
    if is_view_error(text) and name != "query":
        return format_chain(name, *view_links(text))
    if name in _QUERIES:
        return format_chain(name, _QUERY_LINK, *engine_links(text))
    return format_chain(name, text)
