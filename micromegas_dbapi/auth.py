"""Credentials for the Authorization header, which no repr, log or pickle shows."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias

from micromegas_dbapi.errors import OperationalError, ProgrammingError
from micromegas_dbapi.redaction import redact

__all__ = [
    "MASK",
    "Auth",
    "BasicAuth",
    "BearerAuth",
    "ProviderAuth",
    "SecretMixin",
    "TokenFile",
    "TokenProvider",
]

MASK = "***"


def _check_type(what: str, value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        accepted = " or ".join(kind.__name__ for kind in kinds)
        given = type(value).__name__
        del value  # a traceback may show the local variables
        raise ProgrammingError(f"{what} is of type {given}; accepted: {accepted}")


class SecretMixin:
    """Mixin that masks the secret when pickled. `copy` and `deepcopy` return the object itself."""

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self


@dataclass(frozen=True, init=False)
class BearerAuth(SecretMixin):
    """A bearer token. Neither repr nor pickle shows it.

    Parameters
    ----------
    token : str
        Sent as ``Authorization: Bearer <token>``; visible ASCII characters only.

    Attributes
    ----------
    token : str
        As given.
    refreshes : bool
        False: the same token is sent with every request.

    Raises
    ------
    ProgrammingError
        If the token is not a string, is empty, or contains other characters.
    """

    token: str = field(repr=False)
    refreshes: ClassVar[bool] = False

    def __init__(self, token: str) -> None:
        object.__setattr__(self, "token", token)
        del token  # a traceback may show the local variables
        _check_type("the bearer token", self.token, str)
        # requests would reject such a header later, with the token in the text of the error.
        if not (
            self.token.isascii() and self.token.isprintable() and self.token.split() == [self.token]
        ):
            raise ProgrammingError(
                "invalid bearer token: it is empty or contains whitespace or non-ASCII characters "
                "(strip() the file's content?)"
            )

    def __repr__(self) -> str:
        return f"BearerAuth({MASK!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BearerAuth, (MASK,)

    def header(self) -> str:
        """Return the value of the Authorization header.

        Returns
        -------
        str
            The scheme and the encoded credentials.
        """
        return f"Bearer {self.token}"


@dataclass(frozen=True, init=False)
class BasicAuth(SecretMixin):
    """A user name and password. Neither repr nor pickle shows the password.

    Parameters
    ----------
    user, password : str
        Sent as ``Authorization: Basic <...>``, encoded in UTF-8. The user name cannot contain a
        colon, because a colon separates it from the password.

    Attributes
    ----------
    user, password : str
        As given.
    refreshes : bool
        False: the same credentials are sent with every request.

    Raises
    ------
    ProgrammingError
        If one of them is not a string, or the user name contains a colon.
    """

    user: str
    password: str = field(repr=False)
    refreshes: ClassVar[bool] = False

    def __init__(self, user: str, password: str) -> None:
        object.__setattr__(self, "user", user)
        object.__setattr__(self, "password", password)
        del password  # a traceback may show the local variables
        _check_type("the user name", self.user, str)
        _check_type("the password", self.password, str)
        if ":" in self.user:
            raise ProgrammingError(
                "a user name with a colon cannot be sent: a colon separates it from the password"
            )

    def __repr__(self) -> str:
        return f"BasicAuth({self.user!r}, {MASK!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BasicAuth, (self.user, MASK)

    def header(self) -> str:
        """Return the value of the Authorization header.

        Returns
        -------
        str
            The scheme and the encoded credentials.
        """
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class TokenProvider(Protocol):
    """An object that returns bearer tokens, such as the providers of the official client."""

    def get_token(self) -> str:
        """Return the token for the next request.

        Returns
        -------
        str
            Without "Bearer".
        """
        ...


@dataclass(frozen=True)
class TokenFile:
    """A file that contains a bearer token. It is read before every request, so it can be replaced.

    Attributes
    ----------
    path : str or PathLike
        ``~`` is the home directory. Whitespace around the token is ignored.

    Raises
    ------
    ProgrammingError
        If the path has another type.
    """

    path: os.PathLike[str] | str

    def __post_init__(self) -> None:
        _check_type("the path of the token file", self.path, str, os.PathLike)

    def get_token(self) -> str:
        """Read the token.

        Returns
        -------
        str
            The content of the file, without whitespace around it.

        Raises
        ------
        OperationalError
            If the file cannot be read.
        """
        path = os.path.expanduser(self.path)
        try:
            with open(path, encoding="utf-8") as file:
                return file.read().strip()
        except OSError as error:
            raise OperationalError(f"the token file {path} cannot be read: {error}") from error
        except ValueError as error:  # if it is of the codec, it contains the content of the file
            reason = "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise OperationalError(f"the token file {path} cannot be read: {reason}")


class ProviderAuth(SecretMixin):
    """Bearer tokens of a provider, which is called before every request and can refresh them.

    If the service rejects a token, the provider is called once more and the request sent again.

    Parameters
    ----------
    provider : TokenProvider
        Must be safe to use from the threads that share the connection.

    Attributes
    ----------
    refreshes : bool
        True: a rejected request is worth a second attempt.

    Raises
    ------
    ProgrammingError
        If the provider has no ``get_token()``.
    """

    refreshes: ClassVar[bool] = True

    def __init__(self, provider: TokenProvider) -> None:
        if isinstance(provider, type) or not callable(getattr(provider, "get_token", None)):
            raise ProgrammingError(
                f"the token provider is of type {type(provider).__name__}; accepted: an object "
                "with get_token()"
            )
        self._provider = provider

    def __repr__(self) -> str:
        return f"ProviderAuth(<{type(self._provider).__name__}>)"

    def __reduce__(self) -> tuple[Any, ...]:
        return BearerAuth, (MASK,)

    def header(self) -> str:
        """Return the value of the Authorization header, for one request.

        Returns
        -------
        str
            With the current token.

        Raises
        ------
        OperationalError
            If the provider fails.
        ProgrammingError
            If it does not return a valid token.
        """
        try:
            return BearerAuth(self._token()).header()
        except BaseException as error:
            redact(error)
            raise

    def _token(self) -> str:
        """Return the token of the provider, which may be malformed."""
        kind = type(self._provider).__name__
        try:
            token: object = self._provider.get_token()
        except OperationalError:
            raise
        except Exception as error:
            raise OperationalError(
                f"the token provider {kind} failed: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(token, str):
            raise ProgrammingError(
                f"get_token() of {kind} returned {type(token).__name__}; accepted: str"
            )
        return token


Auth: TypeAlias = BearerAuth | BasicAuth | ProviderAuth
