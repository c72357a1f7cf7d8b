"""The gRPC channel to a FlightSQL service: TLS, keepalive, and the headers of each call."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.flight as fl

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.forks import OneProcess
from micromegas_dbapi.options.settings import FlightSettings, refuse_insecure
from micromegas_dbapi.transport.client_headers import attribution

__all__ = ["Call", "Channel", "silence_grpc"]

_Header = tuple[bytes, bytes]

# A service sends the text of an error in the metadata of the response, which gRPC limits to 8 to 16
# KiB by default and replaces by an error about the size. It accepts no larger limit than this.
_METADATA_BYTES = 16 * 2**20
_GRPC = OneProcess("gRPC", "FlightSQL")
_lock = threading.Lock()


class Call:
    """The client and the headers of one call. Its repr shows no credentials, unlike pyarrow's.

    Parameters
    ----------
    client : pyarrow.flight.FlightClient
        Makes the call.
    options : pyarrow.flight.FlightCallOptions
        Headers and deadline.
    """

    def __init__(self, client: fl.FlightClient, options: fl.FlightCallOptions) -> None:
        self._client = client
        self._options = options

    def do_get(self, ticket: fl.Ticket) -> fl.FlightStreamReader:
        """Make a DoGet call.

        Parameters
        ----------
        ticket : pyarrow.flight.Ticket
            The query.

        Returns
        -------
        pyarrow.flight.FlightStreamReader
            The result.
        """
        return self._client.do_get(ticket, self._options)

    def do_action(self, action: fl.Action) -> Iterator[fl.Result]:
        """Make a DoAction call.

        Parameters
        ----------
        action : pyarrow.flight.Action
            The action.

        Returns
        -------
        iterator of pyarrow.flight.Result
            The results.
        """
        results: Iterator[fl.Result] = self._client.do_action(action, self._options)
        return results


class Channel:
    """A connection to one service, which opens on first use. Thread-safe.

    Parameters
    ----------
    address : str
        ``grpc://host:port`` or ``grpc+tls://host:port``.
    settings : FlightSettings
        Timeouts, credentials, certificates and headers.

    Raises
    ------
    ProgrammingError
        If a header cannot be sent, a certificate file cannot be read, or credentials would be sent
        unencrypted to another host.
    """

    def __init__(self, address: str, settings: FlightSettings) -> None:
        refuse_insecure(address, settings)
        self._address = address
        self._settings = settings
        self._client: fl.FlightClient | None = None
        self._pid = os.getpid()  # of the client
        self._tls = _tls(settings) if urlsplit(address).scheme == "grpc+tls" else {}
        self._headers = [_header(n, v) for n, v in {**attribution(), **settings.headers}.items()]

    def _open_client(self) -> fl.FlightClient:
        """Return the client of this process."""
        _GRPC.check()  # before the lock, which another thread may have held at the fork
        with _lock:
            if self._client is None:
                self._client, self._pid = self._open(), os.getpid()
            return self._client

    def call(self, headers: Iterable[tuple[str, str]] = ()) -> Call:
        """Prepare one call.

        The total timeout is the deadline of the call, which gRPC sends to the service.

        Parameters
        ----------
        headers : iterable of (str, str)
            Additional headers.

        Returns
        -------
        Call
            Has the headers of the connection, too.

        Raises
        ------
        NotSupportedError
            In a forked child of a process that has used gRPC.
        OperationalError
            If a provider fails to return a token.
        ProgrammingError
            If a header cannot be sent.
        """
        client = self._open_client()
        auth = self._settings.auth
        # First: if the provider fails, a traceback may show the local variables.
        own = [] if auth is None else [_header("authorization", auth.header())]
        found = self._headers + [_header(name, value) for name, value in headers]
        if auth is not None:
            found = [each for each in found if each[0] != b"authorization"] + own
        options = fl.FlightCallOptions(timeout=self._settings.timeout.total, headers=found)
        return Call(client, options)

    def close(self) -> None:
        """Close the connection, or let the last running call close it.

        gRPC would crash if the client was closed while another thread begins a call. So it is only
        dropped here: each call refers to it.

        In a forked child this does nothing, because the connection belongs to the parent.
        """
        if self._pid != os.getpid():
            return
        with _lock:
            client, self._client = self._client, None
        del client  # behind the lock, since this may take a while

    def _open(self) -> fl.FlightClient:
        settings = self._settings
        # This is also the timeout of a connection attempt.
        options = [
            ("grpc.min_reconnect_backoff_ms", int(settings.timeout.connect * 1000)),
            ("grpc.max_metadata_size", _METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
        ]
        if settings.keepalive_ms:
            # A small response has two messages. Some services send the second only after the
            # first is acknowledged, which kernels delay by 40 ms. A ping carries the
            # acknowledgement earlier.
            options.append(("grpc.keepalive_time_ms", settings.keepalive_ms))
        with silence_grpc():
            return fl.FlightClient(self._address, generic_options=options, **self._tls)


class silence_grpc:  # noqa: N801  (used like a function)
    """Keep gRPC from logging failed handshakes to standard error.

    gRPC reads the environment variable once, when it is first used.
    """

    def __enter__(self) -> None:
        self._unset = "GRPC_VERBOSITY" not in os.environ
        if self._unset:
            os.environ["GRPC_VERBOSITY"] = "NONE"

    def __exit__(self, *exc: object) -> None:
        if self._unset:
            del os.environ["GRPC_VERBOSITY"]


# gRPC rejects or reserves other names; some of them make pyarrow abort the process.
_NAME = re.compile(r"(?!grpc-)[0-9a-z_.-]+(?<!-bin)")
_RESERVED = ("te", "content-type", "user-agent", "host", "connection", "transfer-encoding")
_VALUE = re.compile(r"[\x20-\x7e]*")


def _header(name: str, value: str) -> _Header:
    lower = name.lower() if isinstance(name, str) else ""
    if not _NAME.fullmatch(lower) or lower in _RESERVED:
        raise ProgrammingError(
            f"the header {name!r} cannot be sent over gRPC; accepted: letters, digits, '-', '_' "
            "and '.', not beginning with grpc-, not ending with -bin, none of "
            + ", ".join(_RESERVED)
        )
    if not isinstance(value, str) or not _VALUE.fullmatch(value):  # not shown: it may be a secret
        raise ProgrammingError(
            f"the value of the header {name!r} cannot be sent over gRPC; accepted: printable ASCII "
            "characters"
        )
    return lower.encode(), value.encode()


def _tls(settings: FlightSettings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if settings.verify is False:
        found["disable_server_verification"] = True
    else:
        found["tls_root_certs"] = _read("verify", _root_certificates(settings.verify))
    if settings.cert is not None:
        pair = (settings.cert,) * 2 if isinstance(settings.cert, str) else settings.cert
        found["cert_chain"], found["private_key"] = (_read("cert", path) for path in pair)
    if settings.server_name is not None:
        found["override_hostname"] = settings.server_name
    return found


def _root_certificates(verify: bool | str) -> str:
    """Return the path of the trusted certificates, as requests finds it."""
    if isinstance(verify, str):
        return verify
    named = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    found = next(filter(None, named), None)
    if found is None:
        from requests.utils import DEFAULT_CA_BUNDLE_PATH as found  # noqa: N811
    return str(found)


def _read(option: str, path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ProgrammingError(f"{option}={path!r} cannot be read: {error}") from error
