"""Connection: defaults, cursors, close; and connect(), which opens one."""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from micromegas_dbapi import errors, url
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.errors import InterfaceError, NotSupportedError, ProgrammingError
from micromegas_dbapi.rows import Timestamps
from micromegas_dbapi.settings import Auth, HttpSettings, Progress, Timeout
from micromegas_dbapi.statement import Parameters
from micromegas_dbapi.timerange import Bound, resolve
from micromegas_dbapi.transport import Transport

__all__ = ["Connection", "connect"]


def connect(
    address: str,
    *,
    begin: Bound = None,
    end: Bound = None,
    timestamps: Timestamps | None = None,
    auth: Auth | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: Timeout | float | None = None,
    verify: bool | str | None = None,
    cert: str | tuple[str, str] | None = None,
    proxies: Mapping[str, str] | None = None,
    allow_insecure_auth: bool | None = None,
    spool_bytes: int | None = None,
    progress: Progress | None = None,
) -> Connection:
    """Open a connection. Nothing is sent until a statement is run.

    Parameters
    ----------
    address : str
        ``http://HOST[:PORT][/PREFIX]`` or ``https://..``: a Micromegas HTTP service;
        ``lake:FOLDER``: a folder of Parquet files, read in process; ``demo:``: a small generated
        lake (``demo:?seed=7&size=10``). Options below whose values are text may stand in the
        query of the URL as well (``?begin=-2h``); an argument counts more.
    begin, end : Bound
        The time range of all statements that give none themselves, both ends included: an aware
        datetime, RFC 3339 text, ``"now"``, ``"-2h"``, timedelta. Counted anew at each execute.
    timestamps : {"datetime", "ns"}
        What timestamps become in rows.
    auth : BearerAuth or BasicAuth
        Also from the URL: ``https://user:password@host``, ``https://:token@host``.
    headers : mapping
        Sent with every request.
    timeout : Timeout or float
        In seconds; a number is the wait for an answer. In URLs ``connect_timeout`` and
        ``read_timeout``.
    verify : bool or str
        Whether TLS certificates are verified, or a CA bundle's path; as in requests, as are
        `cert` and `proxies`, and the environment variables for both.
    cert : str or (str, str)
        Path of a client certificate, or of certificate and key.
    proxies : mapping
        Proxy URLs by scheme.
    allow_insecure_auth : bool
        Allow credentials over plain HTTP to a host that is not loopback.
    spool_bytes : int
        Answers above this size (64 MiB) are spooled to a temporary file.
    progress : callable, optional
        Called while an answer is downloaded, with the bytes so far and the total, or None where
        the service does not tell. In process nothing is downloaded, and it is not called.

    Returns
    -------
    Connection

    Raises
    ------
    ProgrammingError
        If the URL or an option is wrong, or does not fit the other.
    NotSupportedError
        If ``lake:`` or ``demo:`` is asked for and DataFusion is not installed.
    OperationalError
        If a lake's folder cannot be read.
    """
    target = url.parse(address)
    options = dict(target.options)
    ranges = [
        ("connection", begin, end),
        ("url", options.pop("begin", None), options.pop("end", None)),
    ]
    for level in ranges:
        resolve([level], time.time_ns())
    shown = timestamps or options.pop("timestamps", "datetime")
    options.pop("timestamps", None)
    http = {
        "auth": auth,
        "headers": headers,
        "timeout": timeout,
        "verify": verify,
        "cert": cert,
        "proxies": proxies,
        "allow_insecure_auth": allow_insecure_auth,
        "spool_bytes": spool_bytes,
    }
    given = {name: value for name, value in http.items() if value is not None}
    if target.scheme in ("http", "https"):
        transport: Transport = _http(target, {**options, **given}, progress)
    elif given:
        raise ProgrammingError(f"{target.scheme}: has no use for {', '.join(given)}")
    else:
        transport = _lake(target, options)
    return Connection(transport, ranges, shown)


def _http(target: url.Target, options: dict[str, Any], progress: Progress | None) -> Transport:
    from micromegas_dbapi.transport.http import HttpTransport

    timeout = options.pop("timeout", Timeout())
    if isinstance(timeout, (int, float)):
        timeout = Timeout(read=timeout)
    for name in ("connect", "read"):
        if f"{name}_timeout" in options:
            timeout = replace(timeout, **{name: options.pop(f"{name}_timeout")})
    options.setdefault("auth", target.auth)
    return HttpTransport(target.address, HttpSettings(timeout=timeout, **options), progress)


def _lake(target: url.Target, options: dict[str, Any]) -> Transport:
    try:
        from micromegas_dbapi.transport.lake import LakeTransport
    except ImportError as error:
        raise NotSupportedError(
            f"{target.scheme}: needs DataFusion: pip install 'micromegas-dbapi[lake]' ({error})"
        ) from error
    if target.scheme == "demo":
        return LakeTransport.demo(**options)
    return LakeTransport(Path(target.address))


class Connection:
    """A connection; safe to share between threads, each with a cursor of its own.

    Made by `connect`. The exceptions of PEP 249 are its attributes. Leaving a ``with`` block
    closes it.
    """

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(
        self, transport: Transport, ranges: list[tuple[str, Bound, Bound]], timestamps: Timestamps
    ) -> None:
        if timestamps not in ("datetime", "ns"):
            raise ProgrammingError(f"timestamps={timestamps!r}; accepted: 'datetime', 'ns'")
        self._transport: Transport | None = transport
        self._ranges = ranges
        self._timestamps = timestamps
        self._cursors: weakref.WeakSet[Cursor] = weakref.WeakSet()

    def cursor(
        self, *, begin: Bound = None, end: Bound = None, timestamps: Timestamps | None = None
    ) -> Cursor:
        """Make a cursor.

        Parameters
        ----------
        begin, end : Bound
            The time range of its statements; what is not given is taken from the connection.
        timestamps : {"datetime", "ns"}, optional
            What timestamps become in rows; the connection's choice by default.
        """
        self._transport_in_use()
        if timestamps not in (None, "datetime", "ns"):
            raise ProgrammingError(f"timestamps={timestamps!r}; accepted: 'datetime', 'ns'")
        cursor = Cursor(self, begin, end, timestamps or self._timestamps)
        self._cursors.add(cursor)
        return cursor

    def execute(
        self, sql: str, parameters: Parameters = None, *, begin: Bound = None, end: Bound = None
    ) -> Cursor:
        """Run a statement on a new cursor, and give that cursor; an extension of PEP 249."""
        return self.cursor().execute(sql, parameters, begin=begin, end=end)

    def commit(self) -> None:
        """Do nothing: a read-only service has no transactions."""
        self._transport_in_use()

    def rollback(self) -> None:
        """Do nothing: a read-only service has no transactions."""
        self._transport_in_use()

    def close(self) -> None:
        """Close the connection and its cursors. May be called again."""
        for cursor in list(self._cursors):
            cursor.close()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _transport_in_use(self) -> Transport:
        if self._transport is None:
            raise InterfaceError("the connection is closed")
        return self._transport

    def __enter__(self) -> Connection:
        self._transport_in_use()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
