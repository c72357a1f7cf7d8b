"""Connection: defaults, cursors, close; and connect(), which opens one."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Mapping

from micromegas_dbapi import errors, profiles, url
from micromegas_dbapi.arrow.rows import Timestamps
from micromegas_dbapi.auth import Auth, TokenProvider, auth_of
from micromegas_dbapi.cursor import Cursor, prepared
from micromegas_dbapi.errors import InterfaceError, ProgrammingError
from micromegas_dbapi.open_transport import open_transport
from micromegas_dbapi.options import Progress, Timeout
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.ranges.range_options import RangeOptions, Views
from micromegas_dbapi.service import Service
from micromegas_dbapi.sql.mixed_types import Reaction, check_reaction
from micromegas_dbapi.sql.parameters import Parameters
from micromegas_dbapi.timerange import Bound, NoTimeRange, TimeRange, resolve
from micromegas_dbapi.transport.protocol import Transport

__all__ = ["Connection", "connect"]


def connect(
    address: str | None = None,
    *,
    profile: str | None = None,
    begin: Bound = None,
    end: Bound = None,
    infer_range: bool | str | None = None,
    views: Views | None = None,
    clock_skew: float | None = None,
    on_unbounded: str | None = None,
    on_mixed_types: str | None = None,
    timestamps: Timestamps | None = None,
    auth: Auth | TokenProvider | None = None,
    token: str | None = None,
    token_file: str | os.PathLike[str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: Timeout | float | None = None,
    verify: bool | str | None = None,
    cert: str | tuple[str, str] | None = None,
    server_name: str | None = None,
    proxies: Mapping[str, str] | None = None,
    allow_insecure_auth: bool | None = None,
    preserve_dictionary: bool | None = None,
    keepalive_ms: int | None = None,
    data_source: str | None = None,
    spool_bytes: int | None = None,
    progress: Progress | None = None,
) -> Connection:
    """Open a connection. Nothing is sent until a statement is run.

    Parameters
    ----------
    address : str, optional
        ``grpc://HOST[:PORT]`` or ``grpc+tls://..``: a FlightSQL service, as every Micromegas
        service since 0.2 is, at port 50051 or 443 by default;
        ``http://HOST[:PORT][/PREFIX]`` or ``https://..``: the HTTP service of 0.1 to 0.3;
        ``gateway+https://..``: the JSON gateway before a service;
        ``web+https://..``: the web app before a service;
        ``lake:FOLDER``: a folder of Parquet files, read in process; ``demo:``: a small generated
        lake (``demo:?seed=7&size=10``). Options below whose values are text may stand in the
        query of the URL as well (``?begin=-2h``); an argument counts more.
        Without an address the official client's configuration counts:
        ``MICROMEGAS_ANALYTICS_URI``, then the profile of ``~/.micromegas/config.json``, which
        gives the credentials too.
    profile : str, optional
        The name of a profile in that file, in place of an address.
    begin, end : Bound
        The time range of all statements that give none themselves, both ends included: an aware
        datetime, RFC 3339 text, ``"now"``, ``"-2h"``, timedelta. Counted anew at each execute.
    infer_range : {"on", "off", "require"} or bool
        Whether a statement that is given no range is sent with the one that its own conditions
        imply, so that the service reads no more than it must; that never changes a result. A
        default range is narrowed by it. "on" where sqloxide is installed, as with
        ``pip install 'micromegas-dbapi[infer]'``; "require" refuses statements that get none.
    views : mapping of str to str, (str, str) or None
        The time columns of views of the user's own, as in ``{"my_bins": "time_bin"}``, or the two
        columns that a range's end and begin are compared with, or None of a table that no range
        filters, as a static one; in URLs ``views=my_bins:time_bin,my_spans:begin:end,hosts:``. A
        service shows those of plain views itself.
    clock_skew : float
        By how many seconds (600) this machine's clock may be ahead of the service's, where
        ``now()`` stands in a statement.
    on_unbounded : {"ignore", "warn", "error"}
        What to do where all of log_entries or measures would be read, since there is no range.
    on_mixed_types : {"ignore", "warn", "error"}
        What to do where the branches of a CASE, or the parts of a set operation, are evidently of
        different types, so that a service may change values: it casts them to the first one's.
        "warn" gives a `MixedTypesWarning`, "ignore" a line of the log, of the level DEBUG.
    timestamps : {"datetime", "ns"}
        What timestamps become in rows.
    auth : BearerAuth, BasicAuth or an object with get_token()
        Such an object, for example a provider of the official client, is asked before each
        request; where its token is refused, once more. Also from the URL:
        ``https://user:password@host``, ``https://:token@host``.
    token, token_file : str
        A bearer token, or the path of a file that holds one, which is read before each request.
    headers : mapping
        Sent with every request: printable ASCII.
    timeout : Timeout or float
        In seconds; a number is the wait for an answer. In URLs ``connect_timeout``,
        ``read_timeout`` and ``total_timeout``.
    verify : bool or str
        Whether TLS certificates are verified, or a CA bundle's path; as in requests, as are
        `cert` and `proxies`, and the environment variables for both.
    cert : str or (str, str)
        Path of a client certificate, or of certificate and key.
    server_name : str
        FlightSQL: the name that the service's certificate must have, where it is not the host's.
    proxies : mapping
        Proxy URLs by scheme.
    allow_insecure_auth : bool
        Allow credentials in the clear to a host that is not loopback.
    preserve_dictionary : bool
        FlightSQL: whether dictionaries arrive as such (the default), which is cheaper, or as
        plain columns.
    keepalive_ms : int
        FlightSQL: after how many milliseconds (5) a ping asks a small answer to come at once; 0
        sends none, for proxies that mind.
    data_source : str
        The web app's data source; by default the only one it has.
    spool_bytes : int
        Answers of the HTTP service above this size (64 MiB) are spooled to a temporary file.
    progress : callable, optional
        Called while an answer of the HTTP service is downloaded, with the bytes so far and the
        total, or None where the service does not tell. Other wires don't call it.

    Returns
    -------
    Connection

    Raises
    ------
    ProgrammingError
        If the URL, the profile or an option is wrong, or does not fit the other.
    NotSupportedError
        If ``lake:`` or ``demo:`` is asked for and DataFusion is not installed.
    OperationalError
        If a lake's folder, or the configuration, cannot be read.
    """
    credentials = auth_of(auth, token, token_file)
    if address is None:
        address, found = profiles.configured(profile)
        credentials = credentials or found
    elif profile is not None:
        raise ProgrammingError("an address and a profile are given; accepted: one of them")
    target = url.parse(address)
    ranges = [
        ("connection", begin, end),
        ("url", target.options.pop("begin", None), target.options.pop("end", None)),
    ]
    for level in ranges:
        resolve([level], time.time_ns())
    searching = {
        "infer_range": _mode(infer_range),
        "views": views,
        "clock_skew": clock_skew,
        "on_unbounded": on_unbounded,
    }
    chosen = {name: target.options.pop(name, None) for name in searching}
    chosen |= {name: value for name, value in searching.items() if value is not None}
    range_options = RangeOptions(**{n: v for n, v in chosen.items() if v is not None})
    mixed = target.options.pop("on_mixed_types", "ignore")
    shown = timestamps or target.options.pop("timestamps", "datetime")
    target.options.pop("timestamps", None)
    if (file := target.options.pop("token_file", None)) is not None and credentials is None:
        credentials = auth_of(target.auth, None, file)
    options = {
        "auth": credentials,
        "headers": headers,
        "timeout": timeout,
        "verify": verify,
        "cert": cert,
        "server_name": server_name,
        "proxies": proxies,
        "allow_insecure_auth": allow_insecure_auth,
        "preserve_dictionary": preserve_dictionary,
        "keepalive_ms": keepalive_ms,
        "data_source": data_source,
        "spool_bytes": spool_bytes,
    }
    given = {name: value for name, value in options.items() if value is not None}
    reaction = check_reaction(mixed if on_mixed_types is None else on_mixed_types)
    transport = open_transport(target, given, progress)
    return Connection(transport, Ranges(transport, ranges, range_options), shown, reaction)


def _mode(given: bool | str | None) -> str | None:
    return {True: "on", False: "off"}[given] if isinstance(given, bool) else given


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
        self,
        transport: Transport,
        ranges: Ranges,
        timestamps: Timestamps,
        on_mixed_types: Reaction = "ignore",
    ) -> None:
        if timestamps not in ("datetime", "ns"):
            raise ProgrammingError(f"timestamps={timestamps!r}; accepted: 'datetime', 'ns'")
        self._transport: Transport | None = transport
        self._ranges = ranges
        self._timestamps = timestamps
        self._on_mixed_types = on_mixed_types
        self._cursors: weakref.WeakSet[Cursor] = weakref.WeakSet()

    @property
    def service(self) -> Service:
        """What kind of service this is: asked for once, when somebody looks.

        Raises
        ------
        DatabaseError
            If the service cannot be asked; the next look asks again.
        """
        self._transport_in_use()
        return self._ranges.service()

    def time_range(
        self, sql: str, parameters: Parameters = None, *, begin: Bound = None, end: Bound = None
    ) -> TimeRange | NoTimeRange:
        """Tell which time range a statement would be sent with; an extension of PEP 249.

        The service may be asked for the time columns of a view that is not known.

        Parameters
        ----------
        sql, parameters, begin, end
            As for `Cursor.execute`.
        """
        with self.cursor() as cursor:
            return cursor._chosen(prepared(sql, parameters), begin, end)

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
