"""Open a connection from a URL, the official client's configuration and options."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from micromegas_dbapi.arrow.rows import Timestamps
from micromegas_dbapi.auth import Auth, TokenProvider, resolve_auth
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.connection_state import check_timestamps
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.options import Progress, Timeout
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.ranges.range_options import RangeOptions, Views
from micromegas_dbapi.sql.mixed_types import check_reaction
from micromegas_dbapi.timerange import Bound, resolve

if TYPE_CHECKING:
    from micromegas_dbapi.url import Target

__all__ = ["connect"]


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
    """Open a connection. Nothing is sent until a statement is executed.

    Options with a simple value can also be set in the query of the URL (``?begin=-2h``). An
    argument takes precedence over the URL.

    Parameters
    ----------
    address : str, optional
        The URL of a service or a lake:

        * ``grpc://HOST[:PORT]``, ``grpc+tls://HOST[:PORT]``: FlightSQL, the protocol of every
          Micromegas service since 0.2. The default port is 50051, with TLS 443.
        * ``http://HOST[:PORT][/PREFIX]``, ``https://..``: the HTTP service of 0.1 to 0.3.
        * ``gateway+http://..``, ``gateway+https://..``: the JSON gateway in front of a service.
        * ``web+http://..``, ``web+https://..``: the web app in front of a service.
        * ``lake:FOLDER``: a folder of Parquet files, read in-process.
        * ``demo:``: a small generated lake; ``demo:?seed=7&size=10`` sets its seed and size.

        Without an address, the configuration of the official client is used: the environment
        variable ``MICROMEGAS_ANALYTICS_URI``, then the profile in ``~/.micromegas/config.json``,
        then ``grpc://localhost:50051``. It also provides the credentials.
    profile : str, optional
        The name of a profile in that file, instead of an address.
    begin, end : Bound, optional
        The default time range of all statements, both bounds inclusive: an aware datetime, an
        RFC 3339 string, ``"now"``, ``"-2h"`` or a timedelta. Relative bounds are re-evaluated at
        every execute. No range by default.
    infer_range : {"on", "off", "require"} or bool, optional
        Whether to derive a time range from the conditions of a statement. The service then reads
        less, and the result is the same. A default range is narrowed by the derived one.
        "require" rejects statements that get no range. The default is "on" if sqloxide is
        installed (``pip install 'micromegas-dbapi[infer]'``), otherwise "off".
    views : mapping of str to str, (str, str) or None, optional
        The time columns of your own views, as in ``{"my_bins": "time_bin"}``. A pair names the
        columns that the end and the begin of a range are compared with. None marks a table that
        no range filters. In a URL: ``views=my_bins:time_bin,my_spans:begin:end,hosts:``. Only
        needed for views whose query plan does not show the time filter. None by default.
    clock_skew : float, optional
        How many seconds the clock of this machine may be ahead of the service's, for statements
        that contain ``now()``. 600 by default.
    on_unbounded : {"ignore", "warn", "error"}, optional
        What to do if a statement without a time range would read all of log_entries or measures.
        "ignore" by default.
    on_mixed_types : {"ignore", "warn", "error"}, optional
        What to do if the branches of a CASE, or the parts of a set operation, clearly have
        different types. A service may then change values, because it casts them to the first
        type. "warn" issues a `MixedTypesWarning`, "ignore" (the default) logs it at level DEBUG.
    timestamps : {"datetime", "ns"}, optional
        What timestamps become in rows: datetime (the default), or int nanoseconds since the epoch.
    auth : BearerAuth, BasicAuth or object with get_token(), optional
        Credentials. ``get_token()`` is called before every request, and once more if the service
        rejects the token; the providers of the official client have this method. In a URL:
        ``https://user:password@host`` or ``https://:token@host``. None by default.
    token : str, optional
        A bearer token. None by default.
    token_file : str or path-like, optional
        The path of a file that contains a bearer token. It is read before every request. None by
        default.
    headers : mapping of str to str, optional
        Sent with every request; printable ASCII only. None by default.
    timeout : Timeout or float, optional
        In seconds; a number is the time to wait for the response. ``Timeout()`` by default:
        connect 10, read 310, no total limit. In a URL ``connect_timeout``, ``read_timeout`` and
        ``total_timeout``.
    verify : bool or str, optional
        Whether to verify TLS certificates, or the path of a CA bundle, as in requests. True by
        default, or what ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE`` names.
    cert : str or (str, str), optional
        The path of a client certificate, or of a certificate and its key. None by default.
    server_name : str, optional
        FlightSQL: the name that the certificate of the service must have. The host by default.
    proxies : mapping of str to str, optional
        Proxy URLs by scheme, as in requests. By default from the environment.
    allow_insecure_auth : bool, optional
        Whether credentials may be sent unencrypted to a host that is not loopback. False by
        default.
    preserve_dictionary : bool, optional
        FlightSQL: whether dictionary columns are transferred as such (True, the default), which
        needs less bandwidth, or as plain columns.
    keepalive_ms : int, optional
        FlightSQL: ping after this many milliseconds without a response (default 5); 0 disables
        pings, for proxies that limit them.
    data_source : str, optional
        The data source of the web app. Only needed if it has more than one.
    spool_bytes : int, optional
        Responses of the HTTP service that are larger than this are written to a temporary file.
        64 MiB by default.
    progress : callable, optional
        Called during the download of a response of the HTTP service with the number of bytes so
        far and the total number, or None if that is not known. Other protocols do not call it.
        None by default.

    Returns
    -------
    Connection
        Open, and not yet used.

    Raises
    ------
    ProgrammingError
        If the URL, the profile or an option is wrong, or if they do not fit together.
    NotSupportedError
        If an extra that the address or an option needs is not installed.
    OperationalError
        If the folder of a lake, or the configuration, cannot be read.
    """
    from micromegas_dbapi.open_transport import open_transport  # not at the top, as in `_locate`

    target, credentials = _locate(address, profile, resolve_auth(auth, token, token_file))
    levels = [
        ("connection", begin, end),
        ("url", target.options.pop("begin", None), target.options.pop("end", None)),
    ]
    for level in levels:
        resolve([level], time.time_ns())  # report bad bounds here, not later
    range_options = RangeOptions(
        **_take_options(
            target,
            infer_range=_mode(infer_range),
            views=views,
            clock_skew=clock_skew,
            on_unbounded=on_unbounded,
        )
    )
    row_options = _take_options(
        target, timestamps=timestamps or None, on_mixed_types=on_mixed_types
    )
    transport_options = _without_none(
        auth=credentials,
        headers=headers,
        timeout=timeout,
        verify=verify,
        cert=cert,
        server_name=server_name,
        proxies=proxies,
        allow_insecure_auth=allow_insecure_auth,
        preserve_dictionary=preserve_dictionary,
        keepalive_ms=keepalive_ms,
        data_source=data_source,
        spool_bytes=spool_bytes,
    )
    reaction = check_reaction(row_options.get("on_mixed_types", "ignore"))
    shown = check_timestamps(row_options.get("timestamps", "datetime"))
    transport = open_transport(target, transport_options, progress)
    return Connection(transport, Ranges(transport, levels, range_options), shown, reaction)


def _locate(
    address: str | None, profile: str | None, credentials: Auth | None
) -> tuple[Target, Auth | None]:
    """Return what to open, with the credentials to use unless they are in the URL itself."""
    # Not at the top: their imports take a tenth of the time of pyarrow.
    from micromegas_dbapi import profiles, url

    if address is None:
        address, from_profile = profiles.read_profile(profile)
        credentials = credentials or from_profile
    elif profile is not None:
        raise ProgrammingError("an address and a profile are given; accepted: one of them")
    target = url.parse(address)
    token_file = target.options.pop("token_file", None)
    if token_file is not None and credentials is None:
        credentials = resolve_auth(target.auth, None, token_file)
    return target, credentials


def _take_options(target: Target, **arguments: Any) -> dict[str, Any]:
    """Remove the options of these names from a URL; arguments other than None replace them."""
    in_url = {name: target.options.pop(name) for name in arguments if name in target.options}
    return in_url | _without_none(**arguments)


def _without_none(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _mode(infer_range: bool | str | None) -> str | None:
    return {True: "on", False: "off"}[infer_range] if isinstance(infer_range, bool) else infer_range
