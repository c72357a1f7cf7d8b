"""Small value objects that say how to reach a service."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Auth", "BasicAuth", "BearerAuth", "HttpSettings", "Timeout"]

_MASK = "***"


@dataclass(frozen=True)
class Timeout:
    """How long to wait, in seconds.

    Attributes
    ----------
    connect : float
        For a connection to be made.
    read : float
        For each wait on the answer's bytes. An HTTP service builds the whole result before the
        first byte and gives up after five minutes itself, so the default lies a little above.
    """

    connect: float = 10.0
    read: float = 310.0


@dataclass(frozen=True)
class BearerAuth:
    """A bearer token. Neither repr nor pickle shows it.

    Attributes
    ----------
    token : str
        Sent as ``Authorization: Bearer <token>``.
    """

    token: str = field(repr=False)

    def __repr__(self) -> str:
        return f"BearerAuth({_MASK!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BearerAuth, (_MASK,)

    def header(self) -> str:
        """Give the value of the Authorization header."""
        return f"Bearer {self.token}"


@dataclass(frozen=True)
class BasicAuth:
    """A user name and password. Neither repr nor pickle shows the password.

    Attributes
    ----------
    user, password : str
        Sent as ``Authorization: Basic <...>``, encoded in UTF-8.
    """

    user: str
    password: str = field(repr=False)

    def __repr__(self) -> str:
        return f"BasicAuth({self.user!r}, {_MASK!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BasicAuth, (self.user, _MASK)

    def header(self) -> str:
        """Give the value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


Auth: TypeAlias = BearerAuth | BasicAuth


@dataclass(frozen=True)
class HttpSettings:
    """How to speak HTTP. Repr shows names of headers only.

    Attributes
    ----------
    auth : BearerAuth or BasicAuth, optional
    headers : mapping of str to str
        Sent with every request.
    timeout : Timeout
    verify : bool or str
        Whether to verify TLS certificates, or the path of a CA bundle, as in requests.
    cert : str or (str, str), optional
        Path of a client certificate, or of certificate and key, as in requests.
    proxies : mapping of str to str, optional
        As in requests; None takes them from the environment.
    allow_insecure_auth : bool
        Whether credentials may go over plain HTTP to a host that is not loopback.
    spool_bytes : int
        Answers larger than this go to an unlinked temporary file and are decoded in bounded
        memory; smaller ones stay in memory.
    """

    auth: Auth | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: Timeout = field(default_factory=Timeout)
    verify: bool | str = True
    cert: str | tuple[str, str] | None = field(default=None, repr=False)
    proxies: Mapping[str, str] | None = field(default=None, repr=False)
    allow_insecure_auth: bool = False
    spool_bytes: int = 64 * 2**20
