"""Credentials: what goes into the Authorization header, and never into repr, log or pickle."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias

from micromegas_dbapi.errors import OperationalError, ProgrammingError

__all__ = [
    "MASK",
    "Auth",
    "BasicAuth",
    "BearerAuth",
    "ProviderAuth",
    "Secretive",
    "TokenFile",
    "TokenProvider",
    "resolve_auth",
]

MASK = "***"


class Secretive:
    """Masked in pickles; a copy is the thing itself, since a masked one would be of no use."""

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self


@dataclass(frozen=True)
class BearerAuth(Secretive):
    """A bearer token. Neither repr nor pickle shows it.

    Attributes
    ----------
    token : str
        Sent as ``Authorization: Bearer <token>``: visible ASCII characters without blanks.
    """

    token: str = field(repr=False)
    refreshes: ClassVar[bool] = False

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
        return f"BearerAuth({MASK!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BearerAuth, (MASK,)

    def header(self) -> str:
        """Give the value of the Authorization header."""
        return f"Bearer {self.token}"


@dataclass(frozen=True)
class BasicAuth(Secretive):
    """A user name and password. Neither repr nor pickle shows the password.

    Attributes
    ----------
    user, password : str
        Sent as ``Authorization: Basic <...>``, encoded in UTF-8. The name has no colon, which
        is where the password begins.
    """

    user: str
    password: str = field(repr=False)
    refreshes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if ":" in self.user:
            raise ProgrammingError(
                "a user name with a colon cannot be sent: the password begins there"
            )

    def __repr__(self) -> str:
        return f"BasicAuth({self.user!r}, {MASK!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BasicAuth, (self.user, MASK)

    def header(self) -> str:
        """Give the value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class TokenProvider(Protocol):
    """What gives bearer tokens, such as the providers of the official client."""

    def get_token(self) -> str:
        """Give the token for the next request."""
        ...


@dataclass(frozen=True)
class TokenFile:
    """A file that holds a bearer token; read anew for each request, so that it may be replaced.

    Attributes
    ----------
    path : str or PathLike
        ``~`` is the home directory. Blanks and line ends around the token don't count.
    """

    path: os.PathLike[str] | str

    def get_token(self) -> str:
        """Read the token.

        Raises
        ------
        OperationalError
            If the file cannot be read.
        """
        path = Path(self.path).expanduser()
        try:
            return path.read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise OperationalError(f"the token file {path} cannot be read: {error}") from error


class ProviderAuth(Secretive):
    """Bearer tokens of a provider, which is asked before each request, so that it can refresh.

    Where a service refuses the token, the provider is asked once more and the request sent again.

    Parameters
    ----------
    provider : TokenProvider
        Must be safe to use from the threads that share the connection.
    """

    refreshes: ClassVar[bool] = True

    def __init__(self, provider: TokenProvider) -> None:
        self._provider = provider

    def __repr__(self) -> str:
        return f"ProviderAuth(<{type(self._provider).__name__}>)"

    def __reduce__(self) -> tuple[Any, ...]:
        return BearerAuth, (MASK,)

    def header(self) -> str:
        """Give the value of the Authorization header, for one request.

        Raises
        ------
        OperationalError
            If the provider fails.
        ProgrammingError
            If what it gives is no token.
        """
        try:
            token: object = self._provider.get_token()
        except OperationalError:
            raise
        except Exception as error:
            kind = type(self._provider).__name__
            raise OperationalError(
                f"the token provider {kind} gave no token: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(token, str):
            kind = type(self._provider).__name__
            raise ProgrammingError(
                f"get_token() of {kind} gave {type(token).__name__}; accepted: str"
            )
        return BearerAuth(token).header()


Auth: TypeAlias = BearerAuth | BasicAuth | ProviderAuth


def resolve_auth(
    auth: Auth | TokenProvider | None, token: str | None, token_file: os.PathLike[str] | str | None
) -> Auth | None:
    """Make of the options of `connect` what credentials they are.

    Raises
    ------
    ProgrammingError
        If more than one is given, or `auth` is none.
    """
    given = [
        name
        for name, value in (("auth", auth), ("token", token), ("token_file", token_file))
        if value is not None
    ]
    if len(given) > 1:
        raise ProgrammingError(f"{' and '.join(given)} are given; accepted: one of them")
    if token is not None:
        return BearerAuth(token)
    if token_file is not None:
        return ProviderAuth(TokenFile(token_file))
    if auth is None or isinstance(auth, (BearerAuth, BasicAuth, ProviderAuth)):
        return auth
    if callable(getattr(auth, "get_token", None)):
        return ProviderAuth(auth)
    raise ProgrammingError(
        f"auth is of type {type(auth).__name__}; accepted: BearerAuth, BasicAuth, an object with "
        "get_token()"
    )
