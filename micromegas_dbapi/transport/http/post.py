"""POST and GET to one HTTP service, over sockets that are kept alive."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from micromegas_dbapi.errors import (
    DatabaseError,
    OperationalError,
    ProgrammingError,
    ServiceMessage,
)
from micromegas_dbapi.options import HttpSettings, refuse_insecure
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.http.response_body import causes, reason

__all__ = ["Poster", "Refusal", "user_agent"]

_ERROR_TEXT_BYTES = 4 * 2**20

#: Makes of the status and the text of an answer the error that it means, or None.
Refusal = Callable[[int, str], DatabaseError | None]


class Poster:
    """One HTTP service.

    Parameters
    ----------
    address : str
        Base URL, with a path prefix or without, ending in no slash.
    settings : HttpSettings
    headers : mapping
        What every request says beside the settings' own headers, which count more.

    Raises
    ------
    ProgrammingError
        If credentials would go in the clear to another host; see `refuse_insecure`.
    """

    def __init__(self, address: str, settings: HttpSettings, headers: Mapping[str, str]) -> None:
        refuse_insecure(address, settings)
        self._address = address
        self._settings = settings
        self._headers = {"User-Agent": user_agent(), **headers, **settings.headers}
        self._lock = threading.Lock()
        self._adapter: HTTPAdapter | None = None
        self._pid = 0
        self._prepared: dict[tuple[str, str], requests.PreparedRequest] = {}
        self._connect: dict[str, Any] | None = None

    @property
    def host(self) -> str:
        """Host and port, for errors."""
        return urlsplit(self._address).netloc

    def send(
        self,
        path: str,
        body: bytes | None,
        about: dict[str, Any],
        cancellation: Cancellation,
    ) -> requests.Response:
        """Send a request: a POST with a body, a GET without.

        Parameters
        ----------
        path : str
            Behind the base URL, beginning with a slash.
        body : bytes or None
        about : dict
            ``sql`` and ``query_id``, for errors and as ``X-Request-Id``.
        cancellation : Cancellation
            Shuts the socket down, so that the service can see that nobody waits any more; to be
            settled once the body is read, since the socket is used again.

        Returns
        -------
        requests.Response
            Of any status, its body not read yet.

        Raises
        ------
        OperationalError, ProgrammingError
        """
        timeout = self._settings.timeout
        try:
            request = self._request("GET" if body is None else "POST", path)
            if self._settings.auth is not None:
                request.headers["Authorization"] = self._settings.auth.header()
            if body is not None:
                request.body = body
                request.headers["Content-Length"] = str(len(body))
            request.headers["X-Request-Id"] = about["query_id"]
            if self._connect is None:
                self._connect = self._environment()
            with _stoppable(cancellation):
                return self._sockets().send(
                    request, stream=True, timeout=(timeout.connect, timeout.read), **self._connect
                )
        except (ValueError, requests.exceptions.RequestException, OSError) as error:
            if cancellation.why is not None:
                raise OperationalError(cancellation.why, retryable=False, **about) from error
            raise self._broken(error, about) from error

    def close(self) -> None:
        """Close the sockets."""
        with self._lock:
            adapter, self._adapter = self._adapter, None
        if adapter is not None:
            adapter.close()

    def failure(
        self, response: requests.Response, about: dict[str, Any], meaning: Refusal
    ) -> DatabaseError:
        """Say what an answer of another status than 200 means.

        Parameters
        ----------
        response : requests.Response
        about : dict
        meaning : callable
            What the service itself means by it; not asked of pages of HTML, which no service sends.
        """
        status = response.status_code
        try:
            body = response.raw.read(_ERROR_TEXT_BYTES, decode_content=True)
        except (HTTPError, OSError):
            body = b""
        text = body.decode(errors="replace").strip()
        page = "html" in response.headers.get("content-type", "") or _is_page(body)
        if text and not page and (meant := meaning(status, text)) is not None:
            return meant
        retryable = status in (429, 502, 503, 504)
        error = OperationalError(
            f"{self.host} answered with status {status}{_MEANING.get(status, '')}",
            status=status,
            retryable=retryable,
            **about,
        )
        if 300 <= status < 400:
            error.args = (
                f"{error.args[0]}: it redirects to {response.headers.get('location', '?')}; "
                "connect to that URL itself if you trust it",
            )
        elif page:
            error.args = (f"{error.args[0]}, and a page of HTML: a proxy or a login page?",)
        elif text:
            error.args = (f"{error.args[0]}: {text[:500]}",)
        if text:
            error.__cause__ = ServiceMessage(text)
        return error

    def _sockets(self) -> HTTPAdapter:
        # A forked child must not write into its parent's sockets.
        with self._lock:
            if self._adapter is None or self._pid != os.getpid():
                self._adapter, self._pid = HTTPAdapter(pool_maxsize=32), os.getpid()
                self._adapter.poolmanager.pool_classes_by_scheme = _POOLS
            return self._adapter

    def _environment(self) -> dict[str, Any]:
        """Give proxies and certificates, from the settings or as requests finds them."""
        settings = self._settings
        with requests.Session() as session:
            found = session.merge_environment_settings(
                self._address, dict(settings.proxies or {}), None, settings.verify, settings.cert
            )
        return {name: found[name] for name in ("proxies", "verify", "cert")}

    def _request(self, method: str, path: str) -> requests.PreparedRequest:
        """Prepare all of a request but its body, once for each endpoint.

        No session of requests is in between: it would double the time of a small query, take
        credentials from ~/.netrc, keep cookies, and follow redirects.
        """
        if (method, path) not in self._prepared:
            request = requests.Request(method, self._address + path, self._headers)
            self._prepared[method, path] = request.prepare()
        return self._prepared[method, path].copy()

    def _broken(self, error: Exception, about: dict[str, Any]) -> DatabaseError:
        """Say what went wrong before there was an answer."""
        host, timeout = self.host, self._settings.timeout
        if isinstance(error, requests.exceptions.ConnectTimeout):
            message = f"no connection to {host} within {timeout.connect:g} s"
            return OperationalError(message, retryable=True, **about)
        if isinstance(error, requests.exceptions.ReadTimeout):
            message = (
                f"no answer from {host} within {timeout.read:g} s; the query may still be running "
                "there (timeout=Timeout(read=...) waits longer)"
            )
            return OperationalError(message, retryable=False, **about)
        if isinstance(error, requests.exceptions.SSLError):
            message = f"the TLS connection to {host} failed: {reason(error)}"
            return OperationalError(message, retryable=False, **about)
        if isinstance(error, requests.exceptions.ConnectionError):
            message = f"no answer from {host}: {reason(error)}"
            unsent = any(isinstance(cause, NewConnectionError) for cause in causes(error))
            return OperationalError(message, retryable=unsent or None, **about)
        message = f"the request to {host} could not be made: {reason(error)}"
        return ProgrammingError(message, retryable=False, **about)


_MEANING = {
    401: " (unauthorized): credentials are missing or refused",
    403: " (forbidden): the credentials do not allow this",
    404: ": is this a Micromegas HTTP service, and the path prefix right?",
    405: ": is this a Micromegas HTTP service, and the path prefix right?",
    408: ": the query took longer than the service allows (5 minutes); narrow the time range",
    413: ": the statement is larger than the service, or a proxy before it, accepts",
    429: " (too many requests)",
    502: " (bad gateway): the service behind the proxy is down",
    503: " (unavailable): the service is down or overloaded",
    504: " (gateway timeout): the proxy gave up before the service answered",
}


def user_agent() -> str:
    """Name this driver and its version."""
    try:
        return f"micromegas-dbapi/{version('micromegas-dbapi')}"
    except PackageNotFoundError:  # imported from a checkout, or packed into an archive
        return "micromegas-dbapi"


def _is_page(body: bytes) -> bool:
    return body[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml"))


# -- cancelling a request: its socket is known while it waits, and leased to it -------------------

_current = threading.local()


@contextmanager
def _stoppable(cancellation: Cancellation) -> Iterator[None]:
    """Let the connection that this thread uses be shut down when the request is cancelled."""
    _current.cancellation = cancellation
    try:
        yield
    finally:
        _current.cancellation = None


class _Stoppable:
    """A connection that is shut down when the request is cancelled that leases it."""

    sock: socket.socket | None
    _lease: tuple[Cancellation, object] | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)  # type: ignore[misc]
        cancellation = getattr(_current, "cancellation", None)
        if cancellation is not None and self.sock is not None:
            # The socket itself: a connection forgets it where it is to be used once only.
            stop = partial(_shut_down, self.sock)
            self._lease = cancellation, cancellation.on_cancel(stop)

    def end_lease(self) -> bool:
        """Return whether the socket is free for another request: no cancel is shutting it down."""
        lease, self._lease = self._lease, None
        return lease is None or lease[0].release(lease[1])


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):  # closed meanwhile
        sock.shutdown(socket.SHUT_RDWR)


class _StoppableHTTP(_Stoppable, HTTPConnection):
    pass


class _StoppableHTTPS(_Stoppable, HTTPSConnection):
    pass


class _Leasing:
    """A pool into which a connection returns without its lease, or closed."""

    def _put_conn(self, conn: Any) -> None:
        if conn is not None and not conn.end_lease():
            conn.close()
        super()._put_conn(conn)  # type: ignore[misc]


class _Pool(_Leasing, HTTPConnectionPool):
    ConnectionCls = _StoppableHTTP


class _SecurePool(_Leasing, HTTPSConnectionPool):
    ConnectionCls = _StoppableHTTPS


_POOLS = {"http": _Pool, "https": _SecurePool}
