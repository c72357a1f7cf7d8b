"""Small value objects that say how to reach a service."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from micromegas_dbapi.errors import ProgrammingError

__all__ = ["Auth", "BasicAuth", "BearerAuth", "HttpSettings", "Progress", "Timeout"]

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


class _Secretive:
    """Masked in pickles; a copy is the thing itself, since a masked one would be of no use."""

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self


@dataclass(frozen=True)
class BearerAuth(_Secretive):
    """A bearer token. Neither repr nor pickle shows it.

    Attributes
    ----------
    token : str
        Sent as ``Authorization: Bearer <token>``: visible ASCII characters without blanks.
    """

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        # What a header cannot carry would be refused later, with the token in the error's text.
        if not (
            self.token.isascii() and self.token.isprintable() and self.token.split() == [self.token]
        ):
            raise ProgrammingError(
                "the bearer token is empty, or has a blank, a line end or a character that is "
                "not ASCII; was it read from a file without strip()?"
            )

    def __repr__(self) -> str:
        return f"BearerAuth({_MASK!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BearerAuth, (_MASK,)

    def header(self) -> str:
        """Give the value of the Authorization header."""
        return f"Bearer {self.token}"


@dataclass(frozen=True)
class BasicAuth(_Secretive):
    """A user name and password. Neither repr nor pickle shows the password.

    Attributes
    ----------
    user, password : str
        Sent as ``Authorization: Basic <...>``, encoded in UTF-8. The name has no colon, which
        is where the password begins.
    """

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if ":" in self.user:
            raise ProgrammingError(
                "a user name with a colon cannot be sent: the password begins there"
            )

    def __repr__(self) -> str:
        return f"BasicAuth({self.user!r}, {_MASK!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BasicAuth, (self.user, _MASK)

    def header(self) -> str:
        """Give the value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


Auth: TypeAlias = BearerAuth | BasicAuth

#: Told of the bytes of an answer as they arrive: how many so far, and of how many, if that is
#: known.
Progress: TypeAlias = Callable[[int, int | None], object]


@dataclass(frozen=True)
class HttpSettings(_Secretive):
    """How to speak HTTP. Neither repr nor pickle shows values of headers and proxies.

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

    def __post_init__(self) -> None:
        if self.verify == "":  # which requests would read as false
            raise ProgrammingError("verify is an empty text; accepted: True, False, a path")

    def __reduce__(self) -> tuple[Any, ...]:
        shown = {item.name: getattr(self, item.name) for item in fields(self)}
        shown["headers"] = dict.fromkeys(self.headers, _MASK)
        shown["proxies"] = None if self.proxies is None else dict.fromkeys(self.proxies, _MASK)
        return HttpSettings, tuple(shown.values())
