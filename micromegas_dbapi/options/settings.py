"""Settings for connecting to a service."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from micromegas_dbapi.auth import MASK, Auth, SecretMixin
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.options.option_types import SECONDS

__all__ = [
    "FlightSettings",
    "HttpSettings",
    "Progress",
    "Settings",
    "Timeout",
    "Validation",
    "refuse_insecure",
]


@dataclass(frozen=True)
class Timeout:
    """Time limits in seconds.

    Attributes
    ----------
    connect : float
        For establishing a connection. 10 by default.
    read : float
        For the first byte of the response, and for each later part of it. An HTTP service builds
        the complete result before the first byte and itself gives up after five minutes, so the
        default is slightly longer: 310.
    total : float or None
        From the request to the last byte of the response. FlightSQL also sends it to the service,
        which then stops at that time. None, the default, sets no limit.

    Raises
    ------
    ProgrammingError
        If a value is not a positive number.
    """

    connect: float = 10.0
    read: float = 310.0
    total: float | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "total" or value is not None:
                try:
                    seconds = SECONDS.check(value)
                except ValueError:
                    raise ProgrammingError(
                        f"Timeout({item.name}={value!r}); accepted: {SECONDS.accepted}"
                    ) from None
                object.__setattr__(self, item.name, seconds)


#: Called as a response arrives with the number of bytes so far and the total number, or None if
#: that is not known.
Progress: TypeAlias = Callable[[int, int | None], object]


#: How to check record batches: that nothing outside of a batch is read, or every value.
Validation: TypeAlias = Literal["layout", "full"]


@dataclass(frozen=True)
class Settings(SecretMixin):
    """Settings of every protocol. Neither repr nor pickle shows the values of headers and proxies.

    Attributes
    ----------
    auth : BearerAuth, BasicAuth or ProviderAuth, optional
        Credentials.
    headers : mapping of str to str
        Sent with every request.
    timeout : Timeout
        Time limits of a request.
    verify : bool or str
        Whether to verify TLS certificates, or the path of a CA bundle.
    cert : str or (str, str), optional
        The path of a client certificate, or of a certificate and its key.
    allow_insecure_auth : bool
        Whether credentials may be sent unencrypted to a host that is not loopback.
    """

    auth: Auth | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: Timeout = field(default_factory=Timeout)
    verify: bool | str = True
    cert: str | tuple[str, str] | None = field(default=None, repr=False)
    allow_insecure_auth: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        for name in ("headers", "proxies"):
            if values.get(name) is not None:
                values[name] = dict.fromkeys(values[name], MASK)
        return type(self), tuple(values.values())


@dataclass(frozen=True)
class HttpSettings(Settings):
    """Settings of the protocols over HTTP, in addition to those of `Settings`.

    Attributes
    ----------
    proxies : mapping of str to str, optional
        Proxy URLs by scheme, as in requests. None reads them from the environment.
    spool_bytes : int
        Responses of the HTTP service that are larger than this are written to an unlinked
        temporary file and decoded in bounded memory; smaller ones stay in memory.
    data_source : str, optional
        The data source of the web app. None uses the only one it has.
    validate : {"layout", "full"}
        How the batches of the web app are checked.
    """

    proxies: Mapping[str, str] | None = field(default=None, repr=False)
    spool_bytes: int = 64 * 2**20
    data_source: str | None = None
    validate: Validation = "layout"


@dataclass(frozen=True)
class FlightSettings(Settings):
    """Settings of FlightSQL, in addition to those of `Settings`.

    Attributes
    ----------
    server_name : str, optional
        The name that the certificate of the service must have. None expects the host.
    preserve_dictionary : bool
        Whether dictionary columns are transferred as such, which needs less bandwidth. Services
        of 0.2 always send them as plain columns.
    keepalive_ms : int
        Ping after this many milliseconds without a response; 0 disables pings. Over loopback and
        some networks, a small response arrives 40 ms earlier after a ping.
    validate : {"layout", "full"}
        How batches are checked.
    """

    server_name: str | None = None
    preserve_dictionary: bool = True
    keepalive_ms: int = 5
    validate: Validation = "layout"


_SECRET_HEADER = re.compile(r"auth|token|key|secret|cookie|password|session", re.IGNORECASE)


def refuse_insecure(address: str, settings: Settings) -> None:
    """Check that no credentials are sent unencrypted to another host.

    Parameters
    ----------
    address : str
        A base URL whose scheme is ``http``, ``https``, ``grpc`` or ``grpc+tls``.
    settings : Settings
        With the credentials; headers whose name looks like a secret count too.

    Raises
    ------
    ProgrammingError
        If the connection is not encrypted, the host is not loopback, and
        ``allow_insecure_auth`` is False.
    """
    from urllib.parse import urlsplit  # not at the top: it takes long

    parts = urlsplit(address)
    host = parts.hostname or ""
    secret = settings.auth is not None or any(map(_SECRET_HEADER.search, settings.headers))
    loopback = host in ("localhost", "::1") or host.endswith(".localhost")
    loopback = loopback or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
    if not secret or parts.scheme not in ("http", "grpc") or loopback:
        return
    if not settings.allow_insecure_auth:
        safe = {"http": "https", "grpc": "grpc+tls"}[parts.scheme]
        raise ProgrammingError(
            f"refusing to send credentials unencrypted to {host} over {parts.scheme}://; use "
            f"{safe}://, or set allow_insecure_auth=True (?allow_insecure_auth=true in a URL)"
        )
