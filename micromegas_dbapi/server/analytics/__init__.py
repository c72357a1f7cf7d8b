"""The endpoints of the first services: CBOR in, Parquet out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import cbor2
import pyarrow as pa

from micromegas_dbapi.errors import Error
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import wsgi
from micromegas_dbapi.server.analytics.parquet_response import NotInParquet, write
from micromegas_dbapi.server.disconnects import Watch
from micromegas_dbapi.server.error_chain import chain, engine_links, service_text, view_links
from micromegas_dbapi.server.request_bodies import BadRequest, bounds, instant, parse
from micromegas_dbapi.server.wsgi import Environ, StartResponse
from micromegas_dbapi.sql.lexer import tokens
from micromegas_dbapi.transport.cancellation import Cancellation

__all__ = ["ENDPOINTS", "analytics", "not_found"]

_QUERIES = ("query", "query_view")
_LOOKUPS = ("find_process", "find_stream", "query_streams", "query_blocks", "query_partitions")
_CHANGES = ("materialize_partitions", "retire_partitions")
#: Path -> the name of what is called.
ENDPOINTS = {f"/analytics/{name}": name for name in (*_QUERIES, *_LOOKUPS, *_CHANGES)}

_CORS = [
    ("vary", "origin, access-control-request-method, access-control-request-headers"),
    ("access-control-allow-origin", "*"),
]


def analytics(
    lake: LakeTransport, watch: Watch, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    """Answer a request to one of the endpoints."""
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
    cancellation = watch.waits(environ)
    try:
        file, size = write(_result(lake, name, body, cancellation))
    except (BadRequest, NotInParquet) as refusal:
        return wsgi.text(start, 500, chain(name, *map(str, refusal.args)), _CORS)
    except Error as error:
        return wsgi.text(start, 500, _text(name, error), _CORS)
    finally:
        watch.served(cancellation)
    return wsgi.file(environ, start, file, size, _CORS)


def not_found(start: StartResponse) -> Iterable[bytes]:
    """Answer a request to a path that there is not."""
    return wsgi.text(start, 404, "", _CORS)


def _result(
    lake: LakeTransport, name: str, body: bytes, cancellation: Cancellation
) -> pa.RecordBatchReader:
    request, query_id = parse(name, body), str(uuid.uuid4())
    if name in _QUERIES:
        time_range = bounds(request["begin"], request["end"])
        _refuse_prepare(request["sql"])
        return lake.run_as_service(
            request["sql"], time_range, query_id, _view(request), cancellation
        )
    if name == "query_streams":
        for bound in ("begin", "end"):
            if request[bound] is not None:
                instant(request[bound], bound)
    table = lake.call(name, request, query_id=query_id).read_all()
    # Of nothing the service does not know the columns.
    return (table if table.num_rows else pa.table({})).to_reader()


def _view(request: dict[str, Any]) -> tuple[str, str] | None:
    if "view_set_name" not in request:
        return None
    return request["view_set_name"], request["view_instance_id"]


def _refuse_prepare(sql: str) -> None:
    """Refuse, as the service does, what its engine has no plan for."""
    word = next((part for part in tokens(sql) if part.kind == "word"), None)
    if word is not None and sql[word.start : word.end].upper() == "PREPARE":
        what = "This feature is not implemented: Unsupported logical plan: Prepare"
        raise BadRequest("lakehouse::query::query", what)


def _progress(lake: LakeTransport, name: str, body: bytes) -> Iterator[bytes]:
    try:
        request = parse(name, body)
        for bound in ("begin", "end"):
            instant(request[bound], bound)
        for line in lake.progress(name, request, query_id=str(uuid.uuid4())):
            yield cbor2.dumps(line)
    except BadRequest as refusal:
        yield cbor2.dumps(chain(name, *map(str, refusal.args)))
    except Error as error:
        yield cbor2.dumps(_text(name, error))


def _text(name: str, error: Error) -> str:
    """Write the chain of a failure, as the endpoint of that name does."""
    text = service_text(error)
    if name == "query":
        return chain(name, "lakehouse::query::query", *engine_links(text))
    if text.startswith("Error during planning: error making view "):
        return chain(name, *view_links(text))
    if name == "query_view":
        return chain(name, "lakehouse::query::query", *engine_links(text))
    return chain(name, text)
