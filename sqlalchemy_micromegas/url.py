"""SQLAlchemy's URLs: made out of their parts, and their options read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy.engine import URL as SQLAlchemyURL  # noqa: N811
from sqlalchemy.exc import ArgumentError

__all__ = ["URL", "query_of"]

# SQLAlchemy has read the + of an offset as a blank by now.
_OFFSET = re.compile(r"\d \d\d:\d\d$")


def query_of(url: SQLAlchemyURL) -> str:
    """Give the options of a URL as the query of the driver's.

    Raises
    ------
    ArgumentError
        If one is given twice, or an offset's + was not escaped.
    """
    pairs = []
    for name, value in url.query.items():
        if not isinstance(value, str):
            raise ArgumentError(f"the URL has the option {name!r} twice")
        if name in ("begin", "end") and _OFFSET.search(value):
            raise ArgumentError(f"{name}={value!r} in the URL: write the + of an offset as %2B")
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
    path: str | None = None,
    **options: Any,
) -> SQLAlchemyURL:
    """Make a URL for ``create_engine`` out of its parts, none of which needs escaping.

    Parameters
    ----------
    host, port : str, int
        Of the service.
    driver : str
        ``http``, ``https``, ``grpc``, ``grpcs``, ``gateway``, ``gateways``, ``web``, ``webs``,
        ``lake``, ``demo``.
    token : str, optional
        A bearer token; it takes the place of the password, so that it is masked like one.
    user, password : str, optional
        For basic authentication.
    path : str, optional
        The prefix that the service lives under, or the lake's folder.
    **options
        The options of `micromegas_dbapi.connect`'s URLs: ``begin``, ``end``, ``infer_range``,
        ``views`` (a mapping), ``timestamps``, ``read_timeout`` and so on.

    Returns
    -------
    sqlalchemy.engine.URL

    Raises
    ------
    ArgumentError
        If both a token and a user or password are given.
    """
    if token is not None and (user is not None or password is not None):
        raise ArgumentError("give a token, or a user and a password, not both")
    query = {name: _written(value) for name, value in options.items() if value is not None}
    return SQLAlchemyURL.create(
        f"micromegas+{driver}",
        username=user if token is None else "",  # with none, the URL's text would lose the token
        password=password if token is None else token,
        host=host,
        port=port,
        database=path,
        query=query,
    )


def _written(value: Any) -> str:
    """Write an option as a URL has it."""
    if isinstance(value, Mapping):  # views
        items = ((view, [at] if isinstance(at, str) else at) for view, at in value.items())
        return ",".join(":".join((view, *columns)) for view, columns in items)
    return str(value).lower() if isinstance(value, bool) else str(value)
