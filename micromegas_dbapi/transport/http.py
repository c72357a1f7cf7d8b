"""The HTTP service: POST analytics/<name>, CBOR in, one Parquet file out."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import cbor2
import pyarrow as pa
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError

from micromegas_dbapi.errors import (
    DatabaseError,
    OperationalError,
    ProgrammingError,
    ServiceMessage,
    from_service,
)
from micromegas_dbapi.settings import HttpSettings, Progress
from micromegas_dbapi.transport import Request
from micromegas_dbapi.transport.body import causes, read, reading, reason
from micromegas_dbapi.transport.parquet import decode
from micromegas_dbapi.transport.progress import texts

__all__ = ["HttpTransport"]

_ERROR_TEXT_BYTES = 4 * 2**20
_CHUNK = 2**16
_SECRET_HEADER = re.compile(r"auth|token|key|secret|cookie|password|session", re.IGNORECASE)


class HttpTransport:
    """One service, over sockets that are kept alive.

    Parameters
    ----------
    address : str
        Base URL, with a path prefix or without, ending in no slash.
    settings : HttpSettings
    report : callable, optional
        Told of the bytes of an answer as they arrive: how many so far, and of how many.

    Raises
    ------
    ProgrammingError
        If credentials would go over plain HTTP to a host that is not loopback, and
        ``allow_insecure_auth`` does not allow that.
    """

    def __init__(
        self, address: str, settings: HttpSettings, report: Progress | None = None
    ) -> None:
        self._address = address
        self._settings = settings
        self._report = report
        self._lock = threading.Lock()
        self._adapter: HTTPAdapter | None = None
        self._pid = 0
        self._requests: dict[str, requests.PreparedRequest] = {}
        self._connect: dict[str, Any] | None = None
        _refuse_insecure(address, settings)

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Run a query; see `Transport`."""
        time_range = request.time_range
        payload = {
            "sql": request.sql,
            "begin": time_range and time_range.begin_text,
            "end": time_range and time_range.end_text,
        }
        return self.call("query", payload, sql=request.sql, query_id=request.query_id)

    def call(
        self, name: str, payload: dict[str, Any], *, sql: str | None = None, query_id: str
    ) -> pa.RecordBatchReader:
        """Make one of the service's calls; see `Transport`."""
        about = {"sql": sql, "query_id": query_id}
        response = self._post(name, payload, about)
        with response:
            if response.status_code != 200:
                raise self._failure(response, about)
            body = read(response, self._settings, self._report, about)
        return decode(body, about)

    def progress(self, name: str, payload: dict[str, Any], *, query_id: str) -> Iterator[str]:
        """Work for a while, a line of progress at a time; see `Transport`.

        The service answers with status 200 before it has begun, and tells of a failure as the
        last line.
        """
        about = {"sql": None, "query_id": query_id}
        response = self._post(name, payload, about)
        with response:
            if response.status_code != 200:
                raise self._failure(response, about)
            raw = response.raw
            # Chunks come as the service sends them; without these, what is there is unknown.
            pieces = raw.stream(_CHUNK if raw.chunked else 1, decode_content=True)
            with reading(raw, self._settings.timeout.read, None, about):
                for line in texts(pieces, about):
                    if line.startswith(f"{name}\n\nCaused by:\n"):
                        raise from_service(line, status=200, **about)
                    yield line

    def close(self) -> None:
        """Close the sockets."""
        with self._lock:
            adapter, self._adapter = self._adapter, None
        if adapter is not None:
            adapter.close()

    def _sockets(self) -> HTTPAdapter:
        # A forked child must not write into its parent's sockets.
        with self._lock:
            if self._adapter is None or self._pid != os.getpid():
                self._adapter, self._pid = HTTPAdapter(pool_maxsize=32), os.getpid()
            return self._adapter

    def _environment(self) -> dict[str, Any]:
        """Give proxies and certificates, from the settings or as requests finds them."""
        settings = self._settings
        with requests.Session() as session:
            found = session.merge_environment_settings(
                self._address, dict(settings.proxies or {}), None, settings.verify, settings.cert
            )
        return {name: found[name] for name in ("proxies", "verify", "cert")}

    def _prepared(self, name: str) -> requests.PreparedRequest:
        """Prepare all of a request but its body, once for each endpoint.

        No session of requests is in between: it would double the time of a small query, take
        credentials from ~/.netrc, keep cookies, and follow redirects.
        """
        if name not in self._requests:
            headers = {
                "Accept-Encoding": "identity",  # Parquet is compressed already
                "Content-Type": "application/cbor",
                "User-Agent": _user_agent(),
                **self._settings.headers,
            }
            if self._settings.auth is not None:
                headers["Authorization"] = self._settings.auth.header()
            url = f"{self._address}/analytics/{name}"
            self._requests[name] = requests.Request("POST", url, headers).prepare()
        return self._requests[name].copy()

    def _post(self, name: str, payload: dict[str, Any], about: dict[str, Any]) -> requests.Response:
        timeout = self._settings.timeout
        host = urlsplit(self._address).netloc
        try:
            request = self._prepared(name)
            request.body = cbor2.dumps(payload)
            request.headers["Content-Length"] = str(len(request.body))
            request.headers["X-Request-Id"] = about["query_id"]
            if self._connect is None:
                self._connect = self._environment()
            return self._sockets().send(
                request, stream=True, timeout=(timeout.connect, timeout.read), **self._connect
            )
        except requests.exceptions.ConnectTimeout as error:
            message = f"no connection to {host} within {timeout.connect:g} s"
            raise OperationalError(message, retryable=True, **about) from error
        except requests.exceptions.ReadTimeout as error:
            message = (
                f"no answer from {host} within {timeout.read:g} s; the query may still be running "
                "there (timeout=Timeout(read=...) waits longer)"
            )
            raise OperationalError(message, retryable=False, **about) from error
        except requests.exceptions.SSLError as error:
            message = f"the TLS connection to {host} failed: {reason(error)}"
            raise OperationalError(message, retryable=False, **about) from error
        except requests.exceptions.ConnectionError as error:
            message = f"no answer from {host}: {reason(error)}"
            unsent = any(isinstance(cause, NewConnectionError) for cause in causes(error))
            raise OperationalError(message, retryable=unsent or None, **about) from error
        except (ValueError, requests.exceptions.RequestException, OSError) as error:
            message = f"the request to {host} could not be made: {reason(error)}"
            raise ProgrammingError(message, retryable=False, **about) from error

    def _failure(self, response: requests.Response, about: dict[str, Any]) -> DatabaseError:
        """Say what an answer of another status than 200 means."""
        status, host = response.status_code, urlsplit(self._address).netloc
        try:
            body = response.raw.read(_ERROR_TEXT_BYTES, decode_content=True)
        except (HTTPError, OSError):
            body = b""
        text = body.decode(errors="replace").strip()
        page = "html" in response.headers.get("content-type", "") or _is_page(body)
        if status == 500 and text and not page:
            return from_service(text, status=status, **about)
        retryable = status in (429, 502, 503, 504)
        error = OperationalError(
            f"{host} answered with status {status}{_MEANING.get(status, '')}",
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


def _user_agent() -> str:
    try:
        return f"micromegas-dbapi/{version('micromegas-dbapi')}"
    except PackageNotFoundError:  # imported from a checkout, or packed into an archive
        return "micromegas-dbapi"


def _refuse_insecure(address: str, settings: HttpSettings) -> None:
    parts = urlsplit(address)
    host = parts.hostname or ""
    secret = settings.auth is not None or any(map(_SECRET_HEADER.search, settings.headers))
    loopback = host in ("localhost", "::1") or host.endswith(".localhost")
    loopback = loopback or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
    if secret and parts.scheme == "http" and not loopback and not settings.allow_insecure_auth:
        raise ProgrammingError(
            f"credentials would go to {host} in the clear, over http: use https, or say "
            "allow_insecure_auth=True"
        )


def _is_page(body: bytes) -> bool:
    return body[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml"))
