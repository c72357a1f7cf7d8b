"""The endpoints of the web app: requests in JSON, results as Arrow IPC messages framed by JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import wsgi
from micromegas_dbapi.server.disconnect_monitor import DisconnectMonitor
from micromegas_dbapi.server.ipc_messages import Encoder, reinterpret
from micromegas_dbapi.server.json_bodies import FieldType, RejectedRequestError, read_body
from micromegas_dbapi.server.serde import compact_json
from micromegas_dbapi.server.statement_steps import Statement, StatementError
from micromegas_dbapi.server.time_bounds import engine_bounds
from micromegas_dbapi.server.tonic_errors import status_text
from micromegas_dbapi.server.wsgi import Environ, StartResponse

__all__ = ["query_stream", "sources"]

_SOURCE = "main"
_FIELDS = {
    "sql": FieldType.STRING,
    "params": FieldType.STRING_MAP,
    "begin": FieldType.OPTIONAL_TIME,
    "end": FieldType.OPTIONAL_TIME,
    "data_source": FieldType.OPTIONAL_STRING,
}
_TEXT = [("content-type", "text/plain; charset=utf-8")]
_JSON = [("content-type", "application/json")]
_STREAM = [("content-type", "application/x-micromegas-arrow-stream")]
# Functions of a service that delete data. The web app rejects statements that contain their names.
_BLOCKED = ("retire_partitions", "retire_partition_by_metadata", "retire_partition_by_file")


def sources(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    """Respond to ``GET /api/data-sources``.

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
    return wsgi.text(start, 200, compact_json([{"name": _SOURCE, "is_default": True}]), _JSON)


def query_stream(
    lake: LakeTransport, monitor: DisconnectMonitor, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    """Respond to ``POST /api/query-stream``.

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
        The body, computed batch by batch.
    """
    try:
        request = read_body(environ, _FIELDS)
    except RejectedRequestError as error:
        return wsgi.text(start, error.status, error.text, _TEXT)
    rejection = _rejection(request)
    if rejection is not None:
        status, code, message = rejection
        return wsgi.text(start, status, compact_json(_error(code, message)), _JSON)
    start("200 OK", _STREAM)
    return _frames(lake, monitor, environ, request)


def _rejection(request: dict[str, Any]) -> tuple[int, str, str] | None:
    """Return status, code and message if the web app rejects a request."""
    lower = request["sql"].lower()
    if blocked := [name for name in _BLOCKED if name in lower]:
        message = f"The function '{blocked[0]}' is not allowed in web queries for security reasons"
        return 403, "FORBIDDEN", message
    source = request["data_source"]
    if not source:
        return 400, "DATA_SOURCE_NOT_FOUND", "No data source specified"
    if source != _SOURCE:
        return 404, "DATA_SOURCE_NOT_FOUND", f"Data source '{source}' not found"
    return None


def _frames(
    lake: LakeTransport, monitor: DisconnectMonitor, environ: Environ, request: dict[str, Any]
) -> Iterator[bytes]:
    begin, end = request["begin"], request["end"]
    # The web app ignores a single bound.
    bounds = None if begin is None or end is None else engine_bounds(begin, end)
    sql = _substituted(request["sql"], request["params"])
    code = "INVALID_SQL"
    try:
        with monitor.watching(environ) as cancellation:
            statement = Statement(lake, sql, bounds, cancellation)
            encoder = Encoder(statement.schema, compression="lz4")
            yield _line({"type": "schema", "size": len(encoder.schema)}) + encoder.schema
            code = "INTERNAL"
            for received in statement.batches():
                batch = reinterpret(received, statement.schema)
                for messages, rows in encoder.pieces(batch):
                    yield _line({"type": "batch", "size": len(messages), "rows": rows}) + messages
            yield _line({"type": "done"})
    except StatementError as error:
        yield _line(_error(code, f"Tonic error: {status_text(error)}"))
    except (pa.ArrowException, OSError) as error:
        yield _line(_error("INTERNAL", f"Decode error: Error decoding ipc RecordBatch: {error}"))


def _substituted(sql: str, values: dict[str, str]) -> str:
    """Replace each ``$name`` in a statement; quotes are doubled, as inside of a literal."""
    for name, value in values.items():
        sql = sql.replace(f"${name}", value.replace("'", "''"))
    return sql


def _error(code: str, message: str) -> dict[str, str]:
    return {"type": "error", "code": code, "message": message}


def _line(value: dict[str, Any]) -> bytes:
    return compact_json(value).encode() + b"\n"
