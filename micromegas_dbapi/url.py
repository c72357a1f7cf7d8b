"""Parse connection URLs strictly, so that a typing mistake never changes a result."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from micromegas_dbapi.auth import Auth, BasicAuth, BearerAuth
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.options.option_checks import check_wire, refuse_unknown
from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.options.option_types import FilePath
from micromegas_dbapi.timerange import resolve

__all__ = ["SCHEMES", "Target", "parse"]


@dataclass(frozen=True)
class Target:
    """The parts of a connection URL. The repr shows no credentials.

    Attributes
    ----------
    scheme : str
        One of `SCHEMES`.
    address : str
        The base URL of the service without user, query and final slash. Its scheme is the one of
        the underlying protocol (``https://host`` for ``gateway+https``). For ``lake`` the folder,
        for ``demo`` empty.
    auth : BearerAuth, BasicAuth or None
        From ``user:password@`` or, as a bearer token, from ``:token@``.
    options : dict
        The options in the query, converted to their types.
    """

    scheme: str
    address: str
    auth: Auth | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def wire(self) -> str:
        """The protocol, whose options it takes."""
        return SCHEMES[self.scheme]


# A lake's folder and an option may contain spaces.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|^[^?]*\s")
#: Each scheme and the protocol whose options it takes.
SCHEMES = {
    "http": "http",
    "https": "http",
    "grpc": "grpc",
    "grpc+tls": "grpc",
    "gateway+http": "gateway",
    "gateway+https": "gateway",
    "web+http": "web",
    "web+https": "web",
    "lake": "lake",
    "demo": "demo",
}
_LOCAL = ("lake", "demo")
# The ports of the official client; a service with TLS is usually behind a load balancer.
_PORTS = {"grpc": 50051, "grpc+tls": 443}


def parse(url: FilePath) -> Target:
    """Parse a connection URL.

    Parameters
    ----------
    url : str or path-like
        ``http://[user:password@]host[:port][/prefix][?options]``, the same with another of
        `SCHEMES`, ``lake:FOLDER[?options]`` or ``demo:[?options]``. Percent-encoding is decoded
        once. A path object is the folder of a lake.

    Returns
    -------
    Target
        With default ports filled in.

    Raises
    ------
    ProgrammingError
        If the scheme or an option is unknown, a value is wrong, or a part is missing. The message
        never contains a password.
    """
    if isinstance(url, os.PathLike) and isinstance(folder := os.fspath(url), str):
        return Target("lake", folder)
    if not isinstance(url, str):
        raise ProgrammingError(
            f"the URL is of type {type(url).__name__}; accepted: str, or a path for a lake"
        )
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in SCHEMES:
        found = f"the scheme {scheme!r}" if colon else "no scheme"
        remote = (f"{scheme}://HOST" for scheme in SCHEMES if scheme not in _LOCAL)
        raise ProgrammingError(
            f"the URL has {found}; accepted: {', '.join(remote)}, lake:FOLDER, demo:"
        )
    return _local(scheme, rest) if scheme in _LOCAL else _remote(scheme, url)


def _local(scheme: str, rest: str) -> Target:
    """Parse the URL of a lake or of the demo, without its scheme."""
    path, _, query = rest.partition("?")
    path = unquote(path)
    if path.startswith("///"):  # lake:///absolute, as in other URLs
        path = path[2:]
    if scheme == "lake" and not path:
        raise ProgrammingError("the URL has no folder; accepted: lake:FOLDER")
    if scheme == "demo" and path.strip("/"):
        raise ProgrammingError(f"demo: takes no path, but has {path!r}; accepted: demo:?size=2")
    return Target(scheme, path if scheme == "lake" else "", None, _query(scheme, query))


def _remote(scheme: str, url: str) -> Target:
    """Parse the URL of a service."""
    parts, host, port = _split(url)
    if not host:
        raise ProgrammingError(f"the URL has no host; accepted: {scheme}://HOST[:PORT][/PREFIX]")
    if parts.fragment:
        raise ProgrammingError("the URL has a fragment (#...), which is not supported")
    path = parts.path.rstrip("/")
    if scheme in _PORTS:
        if path:
            raise ProgrammingError(
                f"the URL has the path {path!r}, but FlightSQL takes none; accepted: "
                f"{scheme}://HOST[:PORT]"
            )
        port = _PORTS[scheme] if port is None else port
    protocol = scheme.removeprefix("gateway+").removeprefix("web+")
    host = f"[{host}]" if ":" in host else host
    address = f"{protocol}://{host}{'' if port is None else f':{port}'}{path}"
    auth = _auth(parts.username, parts.password)
    return Target(scheme, address, auth, _query(scheme, parts.query))


def _split(url: str) -> tuple[SplitResult, str | None, int | None]:
    """Split the URL of a service; return its parts, its host and its port."""
    if _INVISIBLE.search(url):  # urlsplit would drop some of these
        raise ProgrammingError(
            "the URL contains whitespace or a control character, or half of a surrogate pair; "
            "write a space as %20"
        )
    try:
        parts = urlsplit(url)
        after_host = f"{parts.path}?{parts.query}#{parts.fragment}"
        host, port = parts.hostname, None if "@" in after_host else parts.port
    except ValueError:  # its message may contain a password
        raise ProgrammingError(
            "the host or the port of the URL is not valid; accepted: a name, an address, or an "
            "IPv6 address in brackets, and a port up to 65535"
        ) from None
    if "@" in after_host:
        raise ProgrammingError(
            "the URL has an @ after its host: in a user name, password or token write / as %2F, "
            "? as %3F, # as %23 and @ as %40, elsewhere write @ as %40"
        )
    return parts, host, port


def _auth(user: str | None, password: str | None) -> Auth | None:
    if user is None and password is None:
        return None
    if not user:
        return BearerAuth(unquote(password or ""))
    return BasicAuth(unquote(user), unquote(password or ""))


def _query(scheme: str, query: str) -> dict[str, Any]:
    """Read the options in the query of a URL."""
    options: dict[str, Any] = {}
    wire = SCHEMES[scheme]
    accepted = [each.name for each in OPTIONS.values() if each.has_text and wire in each.wires]
    for pair in filter(None, query.split("&")):
        name, _, text = map(unquote, pair.partition("="))  # a plus is a plus, as in +02:00
        if name in OPTIONS:
            check_wire([name], wire, scheme)
        if name not in accepted:
            refuse_unknown(name, "the URL", accepted)
        if name in options:
            raise ProgrammingError(f"the option {name!r} occurs twice in the URL")
        if not text:  # verify= would be read as false
            raise ProgrammingError(f"the option {name!r} in the URL has no value")
        options[name] = OPTIONS[name].read(text)
    resolve([("url", options.get("begin"), options.get("end"))], time.time_ns())
    return options
