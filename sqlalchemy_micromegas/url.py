"""Create SQLAlchemy URLs and read their options."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import quote

from sqlalchemy.engine import URL as SQLAlchemyURL  # noqa: N811
from sqlalchemy.exc import ArgumentError

from micromegas_dbapi.errors import Error
from micromegas_dbapi.options.option_checks import refuse_unknown
from micromegas_dbapi.options.option_table import OPTIONS

__all__ = ["URL", "query_of"]

# SQLAlchemy has already decoded the + of a UTC offset as a space.
_OFFSET = re.compile(r"\d \d\d:\d\d$")


def query_of(url: SQLAlchemyURL) -> str:
    """Return the options of a URL as the query string of the driver's URL.

    Parameters
    ----------
    url : sqlalchemy.engine.URL
        As passed to ``create_engine``.

    Returns
    -------
    str
        Percent-encoded.

    Raises
    ------
    ArgumentError
        If an option is repeated, or if the + of a UTC offset is not percent-encoded.
    """
    pairs = []
    for name, value in url.query.items():
        if not isinstance(value, str):
            raise ArgumentError(f"the URL has the option {name!r} more than once")
        if name in ("begin", "end") and _OFFSET.search(value):
            raise ArgumentError(
                f"invalid {name}={value!r} in the URL: write the + of a UTC offset as %2B"
            )
        pairs.append(f"{quote(name, safe='')}={quote(value, safe='')}")
    return "&".join(pairs)


def URL(  # noqa: N802  (as SQLAlchemy's own)
    host: str | None = None,
    port: int | None = None,
    *,
    driver: str = "http",
    token: str | None = None,
    user: str | None = None,
    password: str | None = None,
    path: str | os.PathLike[str] | None = None,
    **options: Any,
) -> SQLAlchemyURL:
    """Create a URL for ``create_engine`` from its parts, without percent-encoding.

    Parameters
    ----------
    host : str, optional
        The host of the service.
    port : int, optional
        The port of the service.
    driver : str
        ``http``, ``https``, ``grpc``, ``grpcs``, ``gateway``, ``gateways``, ``web``, ``webs``,
        ``lake``, ``demo``.
    token : str, optional
        A bearer token. It is stored as the password, so that it is masked like one.
    user : str, optional
        For basic authentication.
    password : str, optional
        For basic authentication.
    path : str or path-like, optional
        The path prefix of the service, or the folder of the lake.
    **options : Any
        Options of the URLs of `micromegas_dbapi.connect`, with the values that `connect` accepts:
        ``begin``, ``views``, ``read_timeout`` and so on. None means that an option is not set.

    Returns
    -------
    sqlalchemy.engine.URL
        To be passed to ``create_engine``.

    Raises
    ------
    ArgumentError
        If both a token and a user or password are given, or an option is unknown or has a wrong
        value.
    """
    if token is not None and (user is not None or password is not None):
        raise ArgumentError("token cannot be combined with user and password")
    try:
        query = {name: _text(name, value) for name, value in options.items() if value is not None}
    except Error as error:
        raise ArgumentError(str(error)) from error
    return SQLAlchemyURL.create(
        f"micromegas+{driver}",
        username=user if token is None else "",  # with None, str() of the URL would drop the token
        password=password if token is None else token,
        host=host,
        port=port,
        database=None if path is None else os.fspath(path),
        query=query,
    )


def _text(name: str, value: Any) -> str:
    """Return an option's value as it is written in a URL."""
    if name not in OPTIONS or not OPTIONS[name].has_text:
        refuse_unknown(name, "a URL", [each.name for each in OPTIONS.values() if each.has_text])
    return OPTIONS[name].write(value)
