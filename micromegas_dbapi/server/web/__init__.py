"""The endpoints of the web server: a statement in, Arrow IPC messages between lines of JSON out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import wsgi
from micromegas_dbapi.server.disconnects import Watch
from micromegas_dbapi.server.ipc_messages import Encoder, as_read
from micromegas_dbapi.server.json_bodies import MAYBE, TEXT, TEXTS, TIME, RefusedError, body
from micromegas_dbapi.server.request_bodies import within
from micromegas_dbapi.server.statement_steps import FailedError, Statement
from micromegas_dbapi.server.tonic_errors import tonic
from micromegas_dbapi.server.wsgi import Environ, StartResponse

__all__ = ["query_stream", "sources"]

_SOURCE = "main"
_FIELDS = {"sql": TEXT, "params": TEXTS, "begin": TIME, "end": TIME, "data_source": MAYBE}
_TEXT = [("content-type", "text/plain; charset=utf-8")]
_JSON = [("content-type", "application/json")]
_STREAM = [("content-type", "application/x-micromegas-arrow-stream")]
# Functions of a service that take data away, which the web refuses wherever they are named.
_BLOCKED = ("retire_partitions", "retire_partition_by_metadata", "retire_partition_by_file")


def sources(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    """Answer ``GET /api/data-sources``."""
    return wsgi.text(start, 200, _compact([{"name": _SOURCE, "is_default": True}]), _JSON)


def query_stream(
    lake: LakeTransport, watch: Watch, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    """Answer ``POST /api/query-stream``, batch by batch as they are computed."""
    try:
        asked = body(environ, _FIELDS)
    except RefusedError as error:
        return wsgi.text(start, error.status, error.text, _TEXT)
    refused = _refused(asked)
    if refused is not None:
        status, code, said = refused
        return wsgi.text(start, status, _compact(_error(code, said)), _JSON)
    start("200 OK", _STREAM)
    return _frames(lake, watch, environ, asked)


def _refused(asked: dict[str, Any]) -> tuple[int, str, str] | None:
    lower = asked["sql"].lower()
    if blocked := [name for name in _BLOCKED if name in lower]:
        said = f"The function '{blocked[0]}' is not allowed in web queries for security reasons"
        return 403, "FORBIDDEN", said
    source = asked["data_source"]
    if not source:
        return 400, "DATA_SOURCE_NOT_FOUND", "No data source specified"
    if source != _SOURCE:
        return 404, "DATA_SOURCE_NOT_FOUND", f"Data source '{source}' not found"
    return None


def _frames(
    lake: LakeTransport, watch: Watch, environ: Environ, asked: dict[str, Any]
) -> Iterator[bytes]:
    cancellation = watch.waits(environ)
    begin, end = asked["begin"], asked["end"]
    # One bound alone is none, in silence.
    bounds = None if begin is None or end is None else within(begin, end)
    code = "INVALID_SQL"
    try:
        statement = Statement(lake, _replaced(asked["sql"], asked["params"]), bounds, cancellation)
        encoder = Encoder(statement.schema, compression="lz4")
        yield _line({"type": "schema", "size": len(encoder.schema)}) + encoder.schema
        code = "INTERNAL"
        for sent in statement.batches():
            batch = as_read(sent, statement.schema)
            for messages, rows in encoder.pieces(batch):
                yield _line({"type": "batch", "size": len(messages), "rows": rows}) + messages
        yield _line({"type": "done"})
    except FailedError as error:
        yield _line(_error(code, f"Tonic error: {tonic(error)}"))
    except (pa.ArrowException, OSError) as error:
        yield _line(_error("INTERNAL", f"Decode error: Error decoding ipc RecordBatch: {error}"))
    finally:
        cancellation.cancel("the answer is over")
        watch.served(cancellation)


def _replaced(sql: str, values: dict[str, str]) -> str:
    """Put the values of ``$name`` into a statement; quotes are doubled, as inside of a literal."""
    for name, value in values.items():
        sql = sql.replace(f"${name}", value.replace("'", "''"))
    return sql


def _error(code: str, said: str) -> dict[str, str]:
    return {"type": "error", "code": code, "message": said}


def _line(value: dict[str, Any]) -> bytes:
    return _compact(value).encode() + b"\n"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
