"""The endpoints of the JSON gateway: a statement in, an array of rows out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

import pyarrow as pa

from micromegas_dbapi.errors import Error
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import wsgi
from micromegas_dbapi.server.disconnects import Watch
from micromegas_dbapi.server.error_chain import service_text
from micromegas_dbapi.server.gateway import row_json
from micromegas_dbapi.server.json_bodies import MAYBE, TEXT, RefusedError, body
from micromegas_dbapi.server.request_bodies import rfc3339, within
from micromegas_dbapi.server.statement_steps import FailedError, Statement
from micromegas_dbapi.server.tonic_errors import tonic
from micromegas_dbapi.server.wsgi import Environ, StartResponse
from micromegas_dbapi.timerange import TimeRange

__all__ = ["health", "query"]

_TEXT = [("content-type", "text/plain; charset=utf-8")]
_JSON = [("content-type", "application/json")]
_BEGIN, _END = "time_range_begin", "time_range_end"
_FIELDS = {"sql": TEXT, _BEGIN: MAYBE, _END: MAYBE}
_SQL_BYTES = 2**20


def health(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    """Answer ``GET /gateway/health``."""
    now = time.time_ns()
    stamp = TimeRange(now, now).begin_text
    return wsgi.text(start, 200, _compact({"status": "healthy", "timestamp": stamp}), _JSON)


def query(
    lake: LakeTransport, watch: Watch, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    """Answer ``POST /gateway/query``, once the whole result is there."""
    cancellation = watch.waits(environ)
    try:
        asked = body(environ, _FIELDS)
        bounds = _checked(asked)
        statement = Statement(lake, asked["sql"], bounds, cancellation, dictionaries=False)
        file, size = row_json.write(statement.schema, statement.batches())
    except RefusedError as error:
        return wsgi.text(start, error.status, error.text, _TEXT)
    except FailedError as error:
        said = tonic(error)
        failed = f"Query execution error: Tonic error: {said}\n\nCaused by:\n    {said}"
        return wsgi.text(start, 500, failed, _TEXT)
    except (Error, pa.ArrowException) as error:
        return wsgi.text(start, 500, f"Query execution error: {service_text(error)}", _TEXT)
    finally:
        watch.served(cancellation)
    return wsgi.file(environ, start, file, size, _TEXT)


def _checked(asked: dict[str, str]) -> tuple[int, int] | None:
    """Check what the gateway checks before it asks the service, and give the range."""
    if not asked["sql"].strip():
        raise RefusedError(400, "SQL query cannot be empty")
    if (size := len(asked["sql"].encode())) > _SQL_BYTES:
        raise RefusedError(400, f"SQL query too large: {size} bytes (max: {_SQL_BYTES} bytes)")
    for given, other in ((_BEGIN, _END), (_END, _BEGIN)):
        if asked[given] is not None and asked[other] is None:
            raise RefusedError(400, f"{other} must be provided when {given} is specified")
    if asked[_BEGIN] is None:
        return None
    low, high = (_instant(asked[name], name) for name in (_BEGIN, _END))
    if low > high:
        raise RefusedError(400, f"{_BEGIN} must be before {_END}")
    return within(low, high)


def _instant(text: str, name: str) -> int:
    try:
        return rfc3339(text)
    except ValueError as error:
        said = f"Invalid {name} format (expected RFC3339): {error}"
        raise RefusedError(400, said) from error


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
