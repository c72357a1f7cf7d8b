"""The service's endpoints, as a WSGI application."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cbor2
import pyarrow as pa

from micromegas_dbapi.errors import Error
from micromegas_dbapi.lake.server.answer import NotInParquet, write
from micromegas_dbapi.lake.server.chain import chain, engine_links, service_text, view_links
from micromegas_dbapi.lake.server.requests import BadRequest, bounds, instant, parse
from micromegas_dbapi.statement import tokens
from micromegas_dbapi.transport.lake import LakeTransport

__all__ = ["application"]

_QUERIES = ("query", "query_view")
_LOOKUPS = ("find_process", "find_stream", "query_streams", "query_blocks", "query_partitions")
_CHANGES = ("materialize_partitions", "retire_partitions")
_ENDPOINTS = {f"/analytics/{name}": name for name in (*_QUERIES, *_LOOKUPS, *_CHANGES)}

_CORS = [
    ("vary", "origin, access-control-request-method, access-control-request-headers"),
    ("access-control-allow-origin", "*"),
]
_CHUNK = 2**18

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def application(lake: LakeTransport) -> Callable[[Environ, StartResponse], Iterable[bytes]]:
    """Make the application that serves a lake; safe in several threads at once."""

    def app(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        name = _ENDPOINTS.get(environ["PATH_INFO"])
        method = environ["REQUEST_METHOD"]
        if name is None:
            return _empty(start, "404 Not Found")
        if method == "OPTIONS":
            allowed = [("access-control-allow-methods", "POST"), ("allow", "POST")]
            return _empty(start, "200 OK", *allowed)
        if method != "POST":
            return _empty(start, "405 Method Not Allowed", ("allow", "POST"))
        body = environ["wsgi.input"].read()
        if name in _CHANGES:
            start("200 OK", _CORS)
            return _progress(lake, name, body)
        try:
            file, size = write(_result(lake, name, body))
        except (BadRequest, NotInParquet) as refusal:
            return _failure(start, chain(name, *map(str, refusal.args)))
        except Error as error:
            return _failure(start, _text(name, error))
        start("200 OK", [("content-length", str(size)), *_CORS])
        if size <= _CHUNK:  # one write, by the thread that has it
            with file:
                return [file.read()]
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file, _CHUNK)
        return wrapped

    return app


def _empty(start: StartResponse, status: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    start(status, [*headers, ("content-length", "0"), *_CORS])
    return []


def _failure(start: StartResponse, text: str) -> Iterable[bytes]:
    body = text.encode()
    start("500 Internal Server Error", [("content-length", str(len(body))), *_CORS])
    return [body]


def _result(lake: LakeTransport, name: str, body: bytes) -> pa.RecordBatchReader:
    request, query_id = parse(name, body), str(uuid.uuid4())
    if name in _QUERIES:
        time_range = bounds(request["begin"], request["end"])
        _refuse_unsafe(request["sql"])
        return lake.run_forgetting(request["sql"], time_range, query_id, view=_view(request))
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


def _refuse_unsafe(sql: str) -> None:
    """Refuse what the service refuses, and what would read any file of this machine."""
    parts = (sql[part.start : part.end] for part in tokens(sql) if part.kind == "word")
    words = [word.upper() for word, _ in zip(parts, range(5), strict=False)]
    what = ""
    if words[:1] == ["PREPARE"]:
        what = "Unsupported logical plan: Prepare"
    elif words[:1] == ["CREATE"] and "EXTERNAL" in words:
        what = "CREATE EXTERNAL TABLE would read the disk of this machine"
    if what:
        raise BadRequest("lakehouse::query::query", f"This feature is not implemented: {what}")


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
