"""The official client's configuration, read and never written: which service, and which token.

Its order is kept: environment variables, then the profile, then the default; so is its refusal of
a profile that names two kinds of credentials.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from micromegas_dbapi.auth import Auth, ProviderAuth, TokenFile
from micromegas_dbapi.errors import NotSupportedError, OperationalError, ProgrammingError

__all__ = ["Configured", "configured", "exist"]

_DEFAULT = "grpc://localhost:50051"
_SAFE_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")


class Configured(NamedTuple):
    """What the configuration says: a URL for `connect`, and credentials."""

    address: str
    auth: Auth | None


def configured(profile: str | None = None) -> Configured:
    """Read the official client's configuration.

    Parameters
    ----------
    profile : str, optional
        A name in ``profiles`` of ``~/.micromegas/config.json``; by default ``MICROMEGAS_PROFILE``,
        then its ``default_profile``, then the whole file is one profile.

    Returns
    -------
    Configured
        The address is ``MICROMEGAS_ANALYTICS_URI``, the profile's ``uri`` or
        ``grpc://localhost:50051``.

    Raises
    ------
    ProgrammingError
        If the profile is unknown, or what the file says makes no sense.
    OperationalError
        If the file cannot be read.
    NotSupportedError
        If the profile logs in by OpenID Connect, and the official client, which does that, is not
        installed or has not logged in yet.
    """
    name, chosen = _chosen(_read(), profile)
    address = os.environ.get("MICROMEGAS_ANALYTICS_URI") or _text(chosen, "uri") or _DEFAULT
    return Configured(_flight(address), _auth(name, chosen))


def exist() -> bool:
    """Tell whether the official client is configured at all."""
    named = ("MICROMEGAS_ANALYTICS_URI", "MICROMEGAS_PROFILE")
    return any(map(os.environ.get, named)) or _file().exists()


def _file() -> Path:
    return Path.home() / ".micromegas" / "config.json"


def _read() -> dict[str, Any]:
    path = _file()
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OperationalError(f"the configuration {path} cannot be read: {error}") from error
    except ValueError as error:
        raise ProgrammingError(f"the configuration {path} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ProgrammingError(f"the configuration {path} is no JSON object")
    return found


def _chosen(config: dict[str, Any], profile: str | None) -> tuple[str | None, dict[str, Any]]:
    profiles = config.get("profiles")
    name = profile or os.environ.get("MICROMEGAS_PROFILE") or None
    if profiles is None:
        if name is not None:
            raise ProgrammingError(f"there is no profile {name!r}: {_file()} has no profiles")
        return None, config
    if not isinstance(profiles, dict):
        raise ProgrammingError(f"profiles in {_file()} is no JSON object")
    name = name or config.get("default_profile")
    there = ", ".join(sorted(profiles)) or "none"
    if name is None:
        raise ProgrammingError(
            f"{_file()} has profiles and no default_profile; give profile=, or set "
            f"MICROMEGAS_PROFILE, to one of: {there}"
        )
    if not isinstance(name, str) or name not in profiles:
        raise ProgrammingError(f"there is no profile {name!r} in {_file()}; it has: {there}")
    if not isinstance(profiles[name], dict):
        raise ProgrammingError(f"the profile {name!r} in {_file()} is no JSON object")
    return name, profiles[name]


def _text(chosen: dict[str, Any], key: str) -> str | None:
    value = chosen.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ProgrammingError(f"{key} in {_file()} is {value!r}; accepted: text that is not empty")


def _flight(address: str) -> str:
    """Write an address as the official client reads it: to it, http means FlightSQL too."""
    for official, ours in (("https://", "grpc+tls://"), ("http://", "grpc://")):
        if address.lower().startswith(official):
            return ours + address[len(official) :]
    return address


def _auth(name: str | None, chosen: dict[str, Any]) -> Auth | None:
    key_file = _text(chosen, "api_key_file")
    issuers = chosen.get("issuers") or [{}]
    if not isinstance(issuers, list) or not isinstance(issuers[0], dict):
        raise ProgrammingError(f"issuers in {_file()} is no list of JSON objects")
    issuer = os.environ.get("MICROMEGAS_OIDC_ISSUER") or _text(issuers[0], "issuer")
    client_id = os.environ.get("MICROMEGAS_OIDC_CLIENT_ID") or _text(chosen, "client_id")
    if key_file and issuer and client_id:
        raise ProgrammingError(
            "the configuration names both an api_key_file and an OpenID Connect issuer with a "
            "client_id; accepted: one of them"
        )
    if key_file:
        return ProviderAuth(TokenFile(key_file))
    return _openid(name) if issuer and client_id else None


def _openid(name: str | None) -> Auth:
    """Take the tokens that the official client got when it logged in; it refreshes them."""
    if name is not None and not _SAFE_NAME.fullmatch(name):
        raise ProgrammingError(f"the profile {name!r} cannot name a file of tokens")
    tokens = _file().parent / (f"tokens-{name}.json" if name else "tokens.json")
    try:
        from micromegas.auth import OidcAuthProvider  # type: ignore[import-not-found]
    except ImportError as error:
        raise NotSupportedError(
            "the profile logs in by OpenID Connect, which is the official client's work: pip "
            "install micromegas, or give auth=, an object with get_token()"
        ) from error
    if not tokens.exists():
        raise NotSupportedError(
            f"the profile logs in by OpenID Connect, and {tokens} is not there yet: log in once "
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
