"""A WSGI application with the endpoints of all services."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import gateway, web, wsgi
from micromegas_dbapi.server.analytics import ENDPOINTS, analytics, not_found
from micromegas_dbapi.server.disconnect_monitor import DisconnectMonitor
from micromegas_dbapi.server.wsgi import Application, Environ, StartResponse

__all__ = ["application"]


def application(lake: LakeTransport, monitor: DisconnectMonitor) -> Application:
    """Create the application that serves a lake.

    Parameters
    ----------
    lake : LakeTransport
        The lake to serve.
    monitor : DisconnectMonitor
        Cancels the work for clients that disconnect.

    Returns
    -------
    callable
        Safe to call in several threads at once.
    """
    query_stream = partial(web.query_stream, lake, monitor)
    endpoints: dict[str, tuple[str, Application]] = {
        "/gateway/query": ("POST", partial(gateway.query, lake, monitor)),
        "/gateway/health": ("GET", gateway.health),
    }
    for base in ("", "/mm"):  # a web app may be deployed below a base path
        endpoints[f"{base}/api/query-stream"] = "POST", query_stream
        endpoints[f"{base}/api/data-sources"] = "GET", web.sources

    def _respond(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in ENDPOINTS:
            return analytics(lake, monitor, environ, start)
        if path not in endpoints:
            return not_found(start)
        method, endpoint = endpoints[path]
        if environ["REQUEST_METHOD"] != method:
            return wsgi.text(start, 405, "", [("allow", method)])
        return endpoint(environ, start)

    return _respond
