"""Parse connection URLs strictly, so that a typing mistake never changes a result."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from micromegas_dbapi.auth import Auth, BasicAuth, BearerAuth
from micromegas_dbapi.errors import ProgrammingError

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


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError("true or false")
    return text.lower() in ("true", "1")


def _verify(text: str) -> bool | str:
    try:
        return _boolean(text)
    except ValueError:
        return text


def _timestamps(text: str) -> str:
    if text not in ("datetime", "ns"):
        raise ValueError("datetime or ns")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError("a positive number of seconds")
    return seconds


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("an integer, 0 or more")
    return int(text)


def _mode(text: str) -> str:
    if text == "require":
        return text
    try:
        return text if text in ("on", "off") else "on" if _boolean(text) else "off"
    except ValueError:
        raise ValueError("on, off or require") from None


def _reaction(text: str) -> str:
    if text not in ("ignore", "warn", "error"):
        raise ValueError("ignore, warn or error")
    return text


def _views(text: str) -> dict[str, str | tuple[str, str] | None]:
    views: dict[str, str | tuple[str, str] | None] = {}
    for item in text.split(","):
        view, *columns = item.split(":")
        named = columns == [""] or all(columns)
        if not view or len(columns) not in (1, 2) or not named or view in views:
            raise ValueError(
                "VIEW:COLUMN, VIEW:COLUMN:COLUMN or, for a table that no range filters, TABLE:; "
                "separate several by commas"
            )
        views[view] = (columns[0] or None) if len(columns) == 1 else (columns[0], columns[1])
    return views


def _skew(text: str) -> float:
    return 0.0 if text == "0" else _seconds(text)


# A lake's folder and an option may contain spaces.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f]|^[^?]*\s")
_Reader = Callable[[str], Any]
_EVERYWHERE: dict[str, _Reader] = {
    "begin": str,
    "end": str,
    "infer_range": _mode,
    "views": _views,
    "clock_skew": _skew,
    "on_unbounded": _reaction,
    "on_mixed_types": _reaction,
    "timestamps": _timestamps,
}
_REMOTE: dict[str, _Reader] = {
    **_EVERYWHERE,
    "connect_timeout": _seconds,
    "read_timeout": _seconds,
    "total_timeout": _seconds,
    "verify": _verify,
    "allow_insecure_auth": _boolean,
    "token_file": str,
}
_HTTP: dict[str, _Reader] = {**_REMOTE, "spool_bytes": _count}
_FLIGHT: dict[str, _Reader] = {
    **_REMOTE,
    "server_name": str,
    "preserve_dictionary": _boolean,
    "keepalive_ms": _count,
}
_WEB: dict[str, _Reader] = {**_REMOTE, "data_source": str}
_OPTIONS: dict[str, dict[str, _Reader]] = {
    "http": _HTTP,
    "https": _HTTP,
    "grpc": _FLIGHT,
    "grpc+tls": _FLIGHT,
    "gateway+http": _REMOTE,
    "gateway+https": _REMOTE,
    "web+http": _WEB,
    "web+https": _WEB,
    "lake": _EVERYWHERE,
    "demo": {**_EVERYWHERE, "seed": _count, "size": _count},
}
SCHEMES = tuple(_OPTIONS)
_LOCAL = ("lake", "demo")
# The ports of the official client; a service with TLS is usually behind a load balancer.
_PORTS = {"grpc": 50051, "grpc+tls": 443}


def parse(url: str) -> Target:
    """Parse a connection URL.

    Parameters
    ----------
    url : str
        ``http://[user:password@]host[:port][/prefix][?options]``, the same with another of
        `SCHEMES`, ``lake:FOLDER[?options]`` or ``demo:[?options]``. Percent-encoding is decoded
        once.

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
    if not isinstance(url, str):
        raise ProgrammingError(f"the URL is of type {type(url).__name__}; accepted: str")
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in _OPTIONS:
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
            "the URL contains whitespace or a control character; write a space as %20"
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
    readers = _OPTIONS[scheme]
    options: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        name, _, text = map(unquote, pair.partition("="))  # a plus is a plus, as in +02:00
        if name not in readers:
            raise _unknown(scheme, name)
        if name in options:
            raise ProgrammingError(f"the option {name!r} occurs twice in the URL")
        if not text:  # verify= would be read as false
            raise ProgrammingError(f"the option {name!r} in the URL has no value")
        try:
            options[name] = readers[name](text)
        except ValueError as error:
            raise ProgrammingError(f"{name}={text!r} in the URL; accepted: {error}") from None
    return options


def _unknown(scheme: str, name: str) -> ProgrammingError:
    """Return the error for an unknown option, with similar ones first."""
    accepted = _OPTIONS[scheme]
    message = f"unknown option {name!r} in the URL"
    names = accepted if scheme in _LOCAL else [*accepted, "token"]
    similar = difflib.get_close_matches(name.lower(), names)
    if "token" in similar:  # an argument of connect(), but not an option of URLs
        message += f"; use token_file, or put a token in the URL as {scheme}://:TOKEN@HOST"
    elif similar:
        message += f"; did you mean {' or '.join(similar)}?"
    return ProgrammingError(f"{message}\naccepted by {scheme}: {', '.join(accepted)}")
