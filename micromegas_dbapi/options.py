"""Small value objects that say how to reach a service."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from micromegas_dbapi.auth import MASK, Auth, Secretive
from micromegas_dbapi.errors import ProgrammingError

__all__ = ["FlightSettings", "HttpSettings", "Progress", "Settings", "Timeout", "refuse_insecure"]


@dataclass(frozen=True)
class Timeout:
    """How long to wait, in seconds.

    Attributes
    ----------
    connect : float
        For a connection to be made.
    read : float
        For the first byte of an answer, and for each wait on more of it. An HTTP service builds
        the whole result before the first byte and gives up after five minutes itself, so the
        default lies a little above.
    total : float or None
        From the request to the last byte of its answer; over FlightSQL the service is told of it.
        None sets no limit.
    """

    connect: float = 10.0
    read: float = 310.0
    total: float | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            good = isinstance(value, (int, float)) and 0 < value < float("inf")
            if not good and not (item.name == "total" and value is None):
                raise ProgrammingError(
                    f"Timeout({item.name}={value!r}); accepted: a positive number of seconds"
                )


#: Told of the bytes of an answer as they arrive: how many so far, and of how many, if that is
#: known.
Progress: TypeAlias = Callable[[int, int | None], object]


@dataclass(frozen=True)
class Settings(Secretive):
    """How to speak to a service. Neither repr nor pickle shows values of headers and proxies.

    Attributes
    ----------
    auth : BearerAuth, BasicAuth or ProviderAuth, optional
    headers : mapping of str to str
        Sent with every request.
    timeout : Timeout
    verify : bool or str
        Whether to verify TLS certificates, or the path of a CA bundle.
    cert : str or (str, str), optional
        Path of a client certificate, or of certificate and key.
    allow_insecure_auth : bool
        Whether credentials may go in the clear to a host that is not loopback.
    """

    auth: Auth | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: Timeout = field(default_factory=Timeout)
    verify: bool | str = True
    cert: str | tuple[str, str] | None = field(default=None, repr=False)
    allow_insecure_auth: bool = False

    def __post_init__(self) -> None:
        if self.verify == "":  # which requests would read as false
            raise ProgrammingError("verify is an empty text; accepted: True, False, a path")

    def __reduce__(self) -> tuple[Any, ...]:
        shown = {item.name: getattr(self, item.name) for item in fields(self)}
        for name in ("headers", "proxies"):
            if shown.get(name) is not None:
                shown[name] = dict.fromkeys(shown[name], MASK)
        return type(self), tuple(shown.values())


@dataclass(frozen=True)
class HttpSettings(Settings):
    """How to speak HTTP; see `Settings` for the rest.

    Attributes
    ----------
    proxies : mapping of str to str, optional
        As in requests; None takes them from the environment.
    spool_bytes : int
        Answers of the HTTP service larger than this go to an unlinked temporary file and are
        decoded in bounded memory; smaller ones stay in memory.
    data_source : str, optional
        The web app's data source; by default the only one it has.
    """

    proxies: Mapping[str, str] | None = field(default=None, repr=False)
    spool_bytes: int = 64 * 2**20
    data_source: str | None = None


@dataclass(frozen=True)
class FlightSettings(Settings):
    """How to speak FlightSQL; see `Settings` for the rest.

    Attributes
    ----------
    server_name : str, optional
        The name that the service's certificate must have, where it is not the host's.
    preserve_dictionary : bool
        Whether columns that the service has as dictionaries arrive so, which is cheaper; services
        of 0.2 send them plain all the same.
    keepalive_ms : int
        How long to wait, in milliseconds, before a ping that brings a small answer 40 ms earlier
        over some networks and loopback; 0 sends none.
    """

    server_name: str | None = None
    preserve_dictionary: bool = True
    keepalive_ms: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = isinstance(self.keepalive_ms, int) and not isinstance(self.keepalive_ms, bool)
        if not whole or not 0 <= self.keepalive_ms < 2**31:
            raise ProgrammingError(
                f"keepalive_ms={self.keepalive_ms!r}; accepted: a whole number, 0 for none"
            )
        if not isinstance(self.preserve_dictionary, bool):
            raise ProgrammingError(
                f"preserve_dictionary={self.preserve_dictionary!r}; accepted: True, False"
            )


_SECRET_HEADER = re.compile(r"auth|token|key|secret|cookie|password|session", re.IGNORECASE)


def refuse_insecure(address: str, settings: Settings) -> None:
    """Refuse to send credentials in the clear to another host.

    Parameters
    ----------
    address : str
        A base URL whose scheme is ``http``, ``https``, ``grpc`` or ``grpc+tls``.
    settings : Settings

    Raises
    ------
    ProgrammingError
        If credentials would go in the clear to a host that is not loopback, and
        ``allow_insecure_auth`` does not allow that.
    """
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
            f"credentials would go to {host} in the clear, over {parts.scheme}: use {safe}, or say "
            "allow_insecure_auth=True"
        )
