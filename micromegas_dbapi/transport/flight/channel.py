"""The gRPC channel to a FlightSQL service: TLS, keep-alive, and the headers of each call."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.flight as fl

from micromegas_dbapi.errors import NotSupportedError, ProgrammingError
from micromegas_dbapi.options import FlightSettings, refuse_insecure
from micromegas_dbapi.transport.client_headers import attribution

__all__ = ["Channel", "silent"]

Header = tuple[bytes, bytes]

# gRPC has threads and locks that a forked child has not: its calls would wait for ever there.
_first_use: int | None = None
_lock = threading.Lock()


class Channel:
    """One connection to one service, made when it is first needed.

    Parameters
    ----------
    address : str
        ``grpc://host:port`` or ``grpc+tls://host:port``.
    settings : FlightSettings

    Raises
    ------
    ProgrammingError
        If a header cannot be sent, a file of certificates cannot be read, or credentials would go
        in the clear to another host.
    """

    def __init__(self, address: str, settings: FlightSettings) -> None:
        refuse_insecure(address, settings)
        self._address = address
        self._settings = settings
        self._client: fl.FlightClient | None = None
        self._tls = _tls(settings) if urlsplit(address).scheme == "grpc+tls" else {}
        self._headers = [_header(n, v) for n, v in {**attribution(), **settings.headers}.items()]

    def client(self) -> fl.FlightClient:
        """Give the client, which is safe in several threads.

        Raises
        ------
        NotSupportedError
            In a forked child of a process that has used gRPC.
        """
        global _first_use
        with _lock:
            if _first_use not in (None, os.getpid()):
                raise NotSupportedError(
                    "this process was forked from one that has used FlightSQL, and gRPC does not "
                    "work in such a child: use multiprocessing's 'spawn' or 'forkserver', or "
                    "connect after the fork only"
                )
            if self._client is None:
                _first_use = os.getpid()
                self._client = self._made()
            return self._client

    def options(self, headers: Iterable[tuple[str, str]], *, timeout: bool) -> fl.FlightCallOptions:
        """Make the options of one call.

        Parameters
        ----------
        headers : iterable of (str, str)
        timeout : bool
            Whether the call ends with the total time allowed, which the service is told.

        Raises
        ------
        OperationalError, ProgrammingError
            If a provider gives no token.
        """
        found = self._headers + [_header(name, value) for name, value in headers]
        auth = self._settings.auth
        if auth is not None:
            found = [each for each in found if each[0] != b"authorization"]
            found.append(_header("authorization", auth.header()))
        total = self._settings.timeout.total if timeout else None
        return fl.FlightCallOptions(timeout=total, headers=found)

    def close(self) -> None:
        """Close the connection; calls under way end as they may."""
        with _lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _made(self) -> fl.FlightClient:
        settings = self._settings
        # gRPC gives up a connection attempt after this time, and no sooner.
        options = [("grpc.min_reconnect_backoff_ms", int(settings.timeout.connect * 1000))]
        if settings.keepalive_ms:
            # A small answer comes as two messages, and some services hold the second back until
            # the first is acknowledged, which kernels delay by 40 ms: a ping carries that along.
            options.append(("grpc.keepalive_time_ms", settings.keepalive_ms))
        with silent():
            return fl.FlightClient(self._address, generic_options=options, **self._tls)


class silent:  # noqa: N801  (used like a function)
    """Keep gRPC, which reads this once, from writing failed handshakes to standard error."""

    def __enter__(self) -> None:
        self._unset = "GRPC_VERBOSITY" not in os.environ
        if self._unset:
            os.environ["GRPC_VERBOSITY"] = "NONE"

    def __exit__(self, *exc: object) -> None:
        if self._unset:
            del os.environ["GRPC_VERBOSITY"]


# What gRPC itself would refuse, or take for its own; pyarrow ends the process at some of it.
_NAME = re.compile(r"(?!grpc-)[0-9a-z_.-]+(?<!-bin)")
_TAKEN = ("te", "content-type", "user-agent", "host", "connection", "transfer-encoding")
_VALUE = re.compile(r"[\x20-\x7e]*")


def _header(name: str, value: str) -> Header:
    lower = name.lower() if isinstance(name, str) else ""
    if not _NAME.fullmatch(lower) or lower in _TAKEN:
        raise ProgrammingError(
            f"the header {name!r} cannot be sent over gRPC; accepted: letters, digits, '-', '_' "
            f"and '.', neither beginning with grpc- nor ending with -bin, none of "
            + ", ".join(_TAKEN)
        )
    if not isinstance(value, str) or not _VALUE.fullmatch(value):  # it may be a secret
        raise ProgrammingError(
            f"the value of the header {name!r} is no text of printable ASCII characters, which "
            "is all that gRPC carries"
        )
    return lower.encode(), value.encode()


def _tls(settings: FlightSettings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if settings.verify is False:
        found["disable_server_verification"] = True
    else:
        found["tls_root_certs"] = _read("verify", _roots(settings.verify))
    if settings.cert is not None:
        pair = (settings.cert,) * 2 if isinstance(settings.cert, str) else settings.cert
        found["cert_chain"], found["private_key"] = (_read("cert", path) for path in pair)
    if settings.server_name is not None:
        found["override_hostname"] = settings.server_name
    return found


def _roots(verify: bool | str) -> str:
    """Find the file of the authorities that are trusted, as requests does."""
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
