"""Connection URLs -> what to open; strict, so that a typing mistake never changes a result."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from micromegas_dbapi.auth import Auth, BasicAuth, BearerAuth
from micromegas_dbapi.errors import ProgrammingError

__all__ = ["SCHEMES", "Target", "parse"]


@dataclass(frozen=True)
class Target:
    """What a connection URL names. Repr shows no credentials.

    Attributes
    ----------
    scheme : str
        One of `SCHEMES`.
    address : str
        The service's base URL without user, query and final slash, by the scheme of its wire
        (``https://host`` for ``gateway+https``); the lake's folder; for ``demo`` empty.
    auth : BearerAuth, BasicAuth or None
        From ``user:password@`` or, as a bearer token, ``:token@``.
    options : dict
        The query's values, typed.
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
        raise ValueError("a whole number")
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
                "VIEW:COLUMN, VIEW:COLUMN:COLUMN or TABLE: (which no range filters), several "
                "joined by commas"
            )
        views[view] = (columns[0] or None) if len(columns) == 1 else (columns[0], columns[1])
    return views


def _skew(text: str) -> float:
    return 0.0 if text == "0" else _seconds(text)


_UNSEEN = re.compile(r"[\x00-\x1f\x7f]|^[^?]*\s")
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
# What the official client connects to; a TLS service stands behind a load balancer as a rule.
_PORTS = {"grpc": 50051, "grpc+tls": 443}


def parse(url: str) -> Target:
    """Read a connection URL.

    Parameters
    ----------
    url : str
        ``http://[user:password@]host[:port][/prefix][?options]``, the same with another of
        `SCHEMES`, ``lake:FOLDER[?options]`` or ``demo:[?options]``. Percent signs are decoded
        once.

    Returns
    -------
    Target

    Raises
    ------
    ProgrammingError
        If the scheme or an option is unknown, a value is bad, or a part is missing. The text
        never shows a password.
    """
    if not isinstance(url, str):
        raise ProgrammingError(f"the URL is of type {type(url).__name__}; accepted: str")
    scheme, colon, _ = url.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in _OPTIONS:
        named = f"the scheme {scheme!r}" if colon else "no scheme"
        raise ProgrammingError(
            f"the URL has {named}; accepted: "
            + ", ".join(f"{s}://HOST" for s in SCHEMES if s not in ("lake", "demo"))
            + ", lake:FOLDER, demo:"
        )
    if scheme in ("lake", "demo"):
        return _local(scheme, url)
    if _UNSEEN.search(url):  # urlsplit would drop some of these
        raise ProgrammingError("the URL has a blank or a control character; write a blank as %20")
    try:
        parts = urlsplit(url)
        behind = f"{parts.path}?{parts.query}#{parts.fragment}"
        host, port = parts.hostname, None if "@" in behind else parts.port
    except ValueError:  # its text may show a password
        raise ProgrammingError(
            "the host or the port of the URL cannot be read; accepted: a name, an address, or an "
            "IPv6 address in brackets, and a port up to 65535"
        ) from None
    if "@" in behind:
        raise ProgrammingError(
            "the URL has an @ behind its host: in a user name, password or token write / as %2F, "
            "? as %3F, # as %23 and @ as %40, elsewhere write @ as %40"
        )
    if not host:
        raise ProgrammingError(f"the URL names no host; accepted: {scheme}://HOST[:PORT][/PREFIX]")
    if parts.fragment:
        raise ProgrammingError("the URL has a fragment (#...), which means nothing here")
    place = f"[{host}]" if ":" in host else host
    path = parts.path.rstrip("/")
    if scheme in _PORTS:
        if path:
            raise ProgrammingError(
                f"the URL has the path {path!r}, and FlightSQL knows none; accepted: "
                f"{scheme}://HOST[:PORT]"
            )
        port = _PORTS[scheme] if port is None else port
    wire = scheme.removeprefix("gateway+").removeprefix("web+")
    address = f"{wire}://{place}{'' if port is None else f':{port}'}{path}"
    return Target(
        scheme, address, _auth(parts.username, parts.password), _query(scheme, parts.query)
    )


def _auth(user: str | None, password: str | None) -> Auth | None:
    if user is None and password is None:
        return None
    if not user:
        return BearerAuth(unquote(password or ""))
    return BasicAuth(unquote(user), unquote(password or ""))


def _local(scheme: str, url: str) -> Target:
    path, _, query = url[len(scheme) + 1 :].partition("?")
    path = unquote(path)
    if path.startswith("///"):  # lake:///abs/olute, as in other URLs
        path = path[2:]
    if scheme == "lake" and not path:
        raise ProgrammingError("the URL names no folder; accepted: lake:FOLDER")
    if scheme == "demo" and path.strip("/"):
        raise ProgrammingError(f"demo: takes no path, {path!r} was given; accepted: demo:?size=2")
    return Target(scheme, path if scheme == "lake" else "", None, _query(scheme, query))


def _query(scheme: str, query: str) -> dict[str, Any]:
    readers = _OPTIONS[scheme]
    options: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        name, _, text = map(unquote, pair.partition("="))  # a plus is a plus, as in +02:00
        if name not in readers:
            raise ProgrammingError(
                f"the URL has the option {name!r}; accepted by {scheme}: {', '.join(readers)}"
            )
        if name in options:
            raise ProgrammingError(f"the URL has the option {name!r} twice")
        if not text:  # verify= would read as false
            raise ProgrammingError(f"the URL has the option {name!r} without a value")
        try:
            options[name] = readers[name](text)
        except ValueError as error:
            raise ProgrammingError(f"{name}={text!r} in the URL; accepted: {error}") from None
    return options
