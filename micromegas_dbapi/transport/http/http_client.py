"""Requests to one HTTP service: persistent connections, deadlines, cancellation and errors."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from micromegas_dbapi.errors import DatabaseError
from micromegas_dbapi.options.settings import HttpSettings, Progress, refuse_insecure
from micromegas_dbapi.redaction import redact
from micromegas_dbapi.transport.client_headers import user_agent
from micromegas_dbapi.transport.http.connection_pools import Sending, cancellable, create_adapter
from micromegas_dbapi.transport.http.http_errors import (
    ErrorParser,
    error_of_request,
    error_of_response,
)
from micromegas_dbapi.transport.http.response_body import read, read_spooled
from micromegas_dbapi.transport.http.spool import Spool
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.status import retry_with_fresh_token
from micromegas_dbapi.transport.streams import check_cancelled

__all__ = ["HttpClient", "settle"]


class HttpClient:
    """The client of one HTTP service. Thread-safe.

    Parameters
    ----------
    address : str
        Base URL, with or without a path prefix, without a trailing slash.
    settings : HttpSettings
        Its headers take precedence over those below.
    headers : mapping
        Headers of every request.
    parse_error : ErrorParser
        Creates the errors of responses whose status is not 200.

    Raises
    ------
    ProgrammingError
        If credentials would be sent unencrypted to another host; see `refuse_insecure`.
    """

    def __init__(
        self,
        address: str,
        settings: HttpSettings,
        headers: Mapping[str, str],
        parse_error: ErrorParser,
    ) -> None:
        refuse_insecure(address, settings)
        self._address = address
        self._settings = settings
        self._headers = {"User-Agent": user_agent(), **headers, **settings.headers}
        self._parse_error = parse_error
        self._lock = threading.Lock()
        self._adapter: HTTPAdapter | None = None
        self._pid = 0
        self._prepared: dict[tuple[str, str], requests.PreparedRequest] = {}
        self._environment: dict[str, Any] | None = None

    @property
    def host(self) -> str:
        """Host and port, for errors."""
        return urlsplit(self._address).netloc

    @contextmanager
    def running(self, request: Request, *, streamed: bool = False) -> Iterator[None]:
        """Apply the total timeout to everything that a request does in the block.

        If the request is cancelled, its cancellation replaces the error that this causes.

        Parameters
        ----------
        request : Request
            Settled when the block ends.
        streamed : bool
            Do not settle the request if the block succeeds, because its result is still to be
            read. Call `settle` at the end of the result.

        Yields
        ------
        None

        Raises
        ------
        OperationalError
            If the request is cancelled.
        """
        request.cancellation.cancel_after(self._settings.timeout.total)
        try:
            yield
        except BaseException as error:
            settle(request, error)
            raise
        if not streamed:
            settle(request)

    def fetch(self, path: str, body: bytes | None, request: Request) -> bytes:
        """Send a request and read the complete response into memory.

        If the service rejects the token, the request is sent again with a fresh one.

        Parameters
        ----------
        path : str
            Relative to the base URL, with a leading slash.
        body : bytes or None
            None sends a GET, else a POST.
        request : Request
            The query.

        Returns
        -------
        bytes
            The body.

        Raises
        ------
        DatabaseError
            If there is no response, an error response, or an incomplete one.
        """
        with self.open(path, body, request) as response:
            return read(response, self._settings, request)

    def fetch_spooled(
        self, path: str, body: bytes | None, request: Request, report: Progress | None
    ) -> bytes | Spool:
        """Send a request and read the complete response, to a temporary file if it is large.

        Parameters
        ----------
        path : str
            As for `fetch`.
        body : bytes or None
            As for `fetch`.
        request : Request
            The query.
        report : callable or None
            Called with the number of bytes after each chunk.

        Returns
        -------
        bytes or Spool
            The body.

        Raises
        ------
        DatabaseError
            As for `fetch`, and if the disk is full.
        """
        with self.open(path, body, request) as response:
            return read_spooled(response, self._settings, report, request)

    def open(self, path: str, body: bytes | None, request: Request) -> requests.Response:
        """Send a request and return the response before its body is read.

        If the service rejects the token, the request is sent again with a fresh one.

        Parameters
        ----------
        path : str
            As for `fetch`.
        body : bytes or None
            As for `fetch`.
        request : Request
            Its cancellation shuts down the socket until the body is read.

        Returns
        -------
        requests.Response
            Of status 200.

        Raises
        ------
        DatabaseError
            If there is no response, or an error response.
        """
        return retry_with_fresh_token(self._settings.auth, lambda: self.send(path, body, request))

    def send(self, path: str, body: bytes | None, request: Request) -> requests.Response:
        """Send a request once, and return the response before its body is read.

        Parameters
        ----------
        path : str
            As for `open`.
        body : bytes or None
            As for `open`.
        request : Request
            As for `open`.

        Returns
        -------
        requests.Response
            Of status 200.

        Raises
        ------
        DatabaseError
            As for `open`.
        """
        timeout = self._settings.timeout
        sending = Sending(request.cancellation)
        try:
            prepared = self._prepare("GET" if body is None else "POST", path)
            if self._settings.auth is not None:
                prepared.headers["Authorization"] = self._settings.auth.header()
            if body is not None:
                prepared.body = body
                prepared.headers["Content-Length"] = str(len(body))
            prepared.headers["X-Request-Id"] = request.query_id
            if self._environment is None:
                self._environment = self._read_environment()
            with cancellable(sending):
                response = self._adapter_of_process().send(
                    prepared,
                    stream=True,
                    timeout=(timeout.connect, timeout.read),
                    **self._environment,
                )
        except (ValueError, requests.exceptions.RequestException, OSError) as error:
            redact(error)
            check_cancelled(request, error)
            raise error_of_request(
                error, self.host, timeout, request, sent=sending.started
            ) from error
        if response.status_code == 200:
            return response
        with response:
            raise error_of_response(response, self.host, request, self._parse_error)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            adapter, self._adapter = self._adapter, None
        if adapter is not None:
            adapter.close()

    def _adapter_of_process(self) -> HTTPAdapter:
        # A forked child must not write to its parent's sockets.
        with self._lock:
            if self._adapter is None or self._pid != os.getpid():
                self._adapter, self._pid = create_adapter(), os.getpid()
            return self._adapter

    def _read_environment(self) -> dict[str, Any]:
        """Return proxies and certificates, from the settings or where requests finds them."""
        settings = self._settings
        with requests.Session() as session:
            found = session.merge_environment_settings(
                self._address, dict(settings.proxies or {}), None, settings.verify, settings.cert
            )
        return {name: found[name] for name in ("proxies", "verify", "cert")}

    def _prepare(self, method: str, path: str) -> requests.PreparedRequest:
        """Return a request without its body, which is prepared once for each endpoint.

        This does not use a session of requests: it would double the time of a small query, take
        credentials from ~/.netrc, keep cookies, and follow redirects.
        """
        if (method, path) not in self._prepared:
            prepared = requests.Request(method, self._address + path, self._headers).prepare()
            self._prepared[method, path] = prepared
        return self._prepared[method, path].copy()


def settle(request: Request, error: BaseException | None = None) -> None:
    """End a request: remove its callbacks and stop its timeout.

    Parameters
    ----------
    request : Request
        The request that succeeded or failed.
    error : BaseException, optional
        The error that the request failed with.

    Raises
    ------
    OperationalError
        If a cancellation may be the cause of a `DatabaseError`.
    """
    request.cancellation.settled()
    if isinstance(error, DatabaseError):
        check_cancelled(request, error)
