"""Read the official client's configuration: the address of the service and the credentials.

The precedence is that of the official client: environment variables, then the profile, then the
default. A profile with two kinds of credentials is an error there, too. Nothing is written.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from micromegas_dbapi.auth import Auth, ProviderAuth, TokenFile
from micromegas_dbapi.errors import NotSupportedError, OperationalError, ProgrammingError

__all__ = ["Profile", "exist", "read_profile"]

_DEFAULT = "grpc://localhost:50051"
_SAFE_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")


class Profile(NamedTuple):
    """How to reach a service.

    Attributes
    ----------
    address : str
        A URL for `connect`.
    auth : ProviderAuth or None
        The credentials.
    """

    address: str
    auth: Auth | None


def read_profile(name: str | None = None) -> Profile:
    """Read a profile of the official client.

    Parameters
    ----------
    name : str, optional
        A name in ``profiles`` of ``~/.micromegas/config.json``. By default ``MICROMEGAS_PROFILE``,
        then ``default_profile`` of the file. A file without ``profiles`` is a profile itself.

    Returns
    -------
    Profile
        The address is ``MICROMEGAS_ANALYTICS_URI``, the ``uri`` of the profile, or
        ``grpc://localhost:50051``.

    Raises
    ------
    ProgrammingError
        If the profile is unknown, or the content of the file is not valid.
    OperationalError
        If the file cannot be read.
    NotSupportedError
        If the profile uses OpenID Connect, and the official client, which logs in, is not
        installed or has not logged in yet.
    """
    name, settings = _select(_read_file(), name)
    address = os.environ.get("MICROMEGAS_ANALYTICS_URI") or _string(settings, "uri") or _DEFAULT
    return Profile(_flight_url(address), _auth(name, settings))


def exist() -> bool:
    """Return whether there is a configuration of the official client.

    Returns
    -------
    bool
        True if one of its environment variables is set, or its file exists.
    """
    variables = ("MICROMEGAS_ANALYTICS_URI", "MICROMEGAS_PROFILE")
    return any(map(os.environ.get, variables)) or _file().exists()


def _file() -> Path:
    return Path.home() / ".micromegas" / "config.json"


def _read_file() -> dict[str, Any]:
    path = _file()
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OperationalError(f"the configuration {path} cannot be read: {error}") from error
    except ValueError as error:
        raise ProgrammingError(f"the configuration {path} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise ProgrammingError(f"the configuration {path} is not a JSON object")
    return found


def _select(config: dict[str, Any], profile: str | None) -> tuple[str | None, dict[str, Any]]:
    profiles = config.get("profiles")
    name = profile or os.environ.get("MICROMEGAS_PROFILE") or None
    if profiles is None:
        if name is not None:
            raise ProgrammingError(f"there is no profile {name!r}: {_file()} has no profiles")
        return None, config
    if not isinstance(profiles, dict):
        raise ProgrammingError(f"profiles in {_file()} is not a JSON object")
    name = name or config.get("default_profile")
    names = ", ".join(sorted(profiles)) or "none"
    if name is None:
        raise ProgrammingError(
            f"{_file()} has profiles but no default_profile; set profile= or MICROMEGAS_PROFILE to "
            f"one of: {names}"
        )
    if not isinstance(name, str) or name not in profiles:
        raise ProgrammingError(f"there is no profile {name!r} in {_file()}; it has: {names}")
    if not isinstance(profiles[name], dict):
        raise ProgrammingError(f"the profile {name!r} in {_file()} is not a JSON object")
    return name, profiles[name]


def _string(settings: dict[str, Any], key: str) -> str | None:
    value = settings.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ProgrammingError(f"{key} in {_file()} is {value!r}; accepted: a string that is not empty")


def _flight_url(address: str) -> str:
    """Return a URL of FlightSQL, which http and https mean to the official client, too."""
    for official, ours in (("https://", "grpc+tls://"), ("http://", "grpc://")):
        if address.lower().startswith(official):
            return ours + address[len(official) :]
    return address


def _auth(name: str | None, settings: dict[str, Any]) -> Auth | None:
    key_file = _string(settings, "api_key_file")
    issuers = settings.get("issuers") or [{}]
    if not isinstance(issuers, list) or not isinstance(issuers[0], dict):
        raise ProgrammingError(f"issuers in {_file()} is not a list of JSON objects")
    issuer = os.environ.get("MICROMEGAS_OIDC_ISSUER") or _string(issuers[0], "issuer")
    client_id = os.environ.get("MICROMEGAS_OIDC_CLIENT_ID") or _string(settings, "client_id")
    if key_file and issuer and client_id:
        raise ProgrammingError(
            "the configuration names both an api_key_file and an OpenID Connect issuer with a "
            "client_id; accepted: one of them"
        )
    if key_file:
        return ProviderAuth(TokenFile(key_file))
    return _openid(name) if issuer and client_id else None


def _openid(name: str | None) -> Auth:
    """Use the tokens that the official client stored at its login; it also refreshes them."""
    if name is not None and not _SAFE_NAME.fullmatch(name):
        raise ProgrammingError(f"the profile {name!r} is not valid in the name of a token file")
    tokens = _file().parent / (f"tokens-{name}.json" if name else "tokens.json")
    try:
        from micromegas.auth import OidcAuthProvider  # type: ignore[import-not-found]
    except ImportError as error:
        raise NotSupportedError(
            "the profile uses OpenID Connect, which needs the official client: pip install "
            "micromegas, or pass auth=, an object with get_token()"
        ) from error
    if not tokens.exists():
        raise NotSupportedError(
            f"the profile uses OpenID Connect, and {tokens} does not exist yet: log in once "
            "with the official client (micromegas-query), which opens a browser"
        )
    secret = os.environ.get("MICROMEGAS_OIDC_CLIENT_SECRET") or None
    try:
        return ProviderAuth(OidcAuthProvider.from_file(str(tokens), client_secret=secret))
    except Exception as error:
        raise OperationalError(
            f"the tokens of {tokens} cannot be used: {type(error).__name__}: {error}; log in again "
            "with the official client"
        ) from error
