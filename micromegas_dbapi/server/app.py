"""The services' endpoints, as one WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import gateway, web, wsgi
from micromegas_dbapi.server.analytics import ENDPOINTS, analytics, not_found
from micromegas_dbapi.server.disconnects import Watch
from micromegas_dbapi.server.wsgi import Environ, StartResponse

__all__ = ["application"]

Answer = Callable[[Environ, StartResponse], Iterable[bytes]]


def application(lake: LakeTransport, watch: Watch) -> Answer:
    """Make the application that serves a lake; safe in several threads at once."""

    def query(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        return gateway.query(lake, watch, environ, start)

    def query_stream(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        return web.query_stream(lake, watch, environ, start)

    endpoints: dict[str, tuple[str, Answer]] = {
        "/gateway/query": ("POST", query),
        "/gateway/health": ("GET", gateway.health),
    }
    for base in ("", "/mm"):  # a web server has a base path of its own
        endpoints[f"{base}/api/query-stream"] = "POST", query_stream
        endpoints[f"{base}/api/data-sources"] = "GET", web.sources

    def app(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in ENDPOINTS:
            return analytics(lake, watch, environ, start)
        if path not in endpoints:
            return not_found(start)
        method, answer = endpoints[path]
        if environ["REQUEST_METHOD"] != method:
            return wsgi.text(start, 405, "", [("allow", method)])
        return answer(environ, start)

    return app
