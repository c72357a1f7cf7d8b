"""Open a connection from a URL, the official client's configuration and options."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from micromegas_dbapi.arrow.rows import Timestamps
from micromegas_dbapi.auth import Auth, ProviderAuth, TokenFile, TokenProvider
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.options.option_checks import check_arguments, check_wire, fields_of
from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.options.option_types import FilePath
from micromegas_dbapi.options.settings import Progress, Timeout, Validation
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.ranges.range_options import RangeOptions, Views
from micromegas_dbapi.redaction import redact
from micromegas_dbapi.row_factories import RowFactory
from micromegas_dbapi.sql.mixed_types import Reaction
from micromegas_dbapi.timerange import Bound, resolve
from micromegas_dbapi.transport.protocol import Limits

if TYPE_CHECKING:
    from micromegas_dbapi.url import Target

__all__ = ["connect"]


def connect(
    address: FilePath | None = None,
    *,
    profile: str | None = None,
    begin: Bound | None = None,
    end: Bound | None = None,
    infer_range: bool | Literal["on", "off", "require"] | None = None,
    views: Views | None = None,
    clock_skew: float | None = None,
    on_unbounded: Reaction | None = None,
    on_mixed_types: Reaction | None = None,
    timestamps: Timestamps | None = None,
    max_rows: int | None = None,
    max_result_bytes: int | None = None,
    row_factory: RowFactory | type | None = None,
    progress: Progress | None = None,
    auth: Auth | TokenProvider | None = None,
    token: str | None = None,
    token_file: FilePath | None = None,
    allow_insecure_auth: bool | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: Timeout | float | None = None,
    verify: bool | FilePath | None = None,
    cert: FilePath | tuple[FilePath, FilePath] | None = None,
    proxies: Mapping[str, str] | None = None,
    spool_bytes: int | None = None,
    server_name: str | None = None,
    preserve_dictionary: bool | None = None,
    keepalive_ms: int | None = None,
    validate: Validation | None = None,
    data_source: str | None = None,
    **others: NoReturn,
) -> Connection:
    """Open a connection. Nothing is sent until a statement is executed.

    Options with a simple value can also be set in the query of the URL (``?begin=-2h``). An
    argument takes precedence over the URL. None means that an option is not set.

    Parameters
    ----------
    address : str or path-like, optional
        The URL of a service or a lake:

        * ``grpc://HOST[:PORT]``, ``grpc+tls://HOST[:PORT]``: FlightSQL, the protocol of every
          Micromegas service since 0.2. The default port is 50051, with TLS 443.
        * ``http://HOST[:PORT][/PREFIX]``, ``https://..``: the HTTP service of 0.1 to 0.3.
        * ``gateway+http://..``, ``gateway+https://..``: the JSON gateway in front of a service.
        * ``web+http://..``, ``web+https://..``: the web app in front of a service.
        * ``lake:FOLDER``, or a path object: a folder of Parquet files, read in-process.
        * ``demo:``: a small generated lake; ``demo:?seed=7&size=10`` sets its seed and size.

        Without an address, the configuration of the official client is used: the environment
        variable ``MICROMEGAS_ANALYTICS_URI``, then the profile in ``~/.micromegas/config.json``,
        then ``grpc://localhost:50051``. It also provides the credentials.
    profile : str, optional
        Use this profile of the official client's configuration (~/.micromegas/config.json) instead
        of a URL. The default is the one that ``MICROMEGAS_PROFILE`` or the configuration names.
    begin : Bound, optional
        The begin of the default time range of all statements, inclusive: an aware datetime, an RFC
        3339 string, ``"now"``, ``"-2h"`` or a timedelta. Relative bounds are re-evaluated at every
        execute. The default is no bound.
    end : Bound, optional
        The end of the default time range, inclusive, in the same forms as `begin`. The default is
        no bound.
    infer_range : {"on", "off", "require"} or bool, optional
        Whether to derive a time range from the conditions of a statement. The service then reads
        less, and the result is the same. A default range is narrowed by the derived one. "require"
        rejects statements that get no range. Needs sqloxide (``pip install
        'micromegas-dbapi[infer]'``). The default is "on" if sqloxide is installed, otherwise "off".
    views : mapping of str to str, (str, str) or None, optional
        The time columns of your own views, as in ``{"my_bins": "time_bin"}``. A pair names the
        columns that the end and the begin of a range are compared with. None marks a table that no
        range filters. In a URL: ``views=my_bins:time_bin,my_spans:begin:end,hosts:``. Only needed
        for views whose query plan does not show the time filter. The default is none.
    clock_skew : float, optional
        How many seconds the clock of this machine may be ahead of the service's, for statements
        that contain ``now()``. The default is 600.0.
    on_unbounded : {"ignore", "warn", "error"}, optional
        What to do if a statement without a time range would read all of log_entries or measures.
        The default is "ignore".
    on_mixed_types : {"ignore", "warn", "error"}, optional
        What to do if the branches of a CASE, or the parts of a set operation, clearly have
        different types. A service may then change values, because it casts them to the first type.
        "warn" issues a `MixedTypesWarning`, "ignore" logs it at level DEBUG. The default is
        "ignore".
    timestamps : {"datetime", "ns"}, optional
        What timestamps become in rows: datetime, or int nanoseconds since the epoch. The default is
        "datetime".
    max_rows : int, optional
        The most rows that the result of a statement may have. Reading more is an OperationalError;
        the rows before can be read. The default is no limit.
    max_result_bytes : int, optional
        The most bytes that the result of a statement may have: the Arrow buffers of its batches,
        and over the HTTP service and the JSON gateway also the response that they are decoded from.
        Reading more is an OperationalError. Without this limit, a compressed message that inflates
        to more than 256 MiB and more than 100 times its size is an OperationalError. The default is
        no limit.
    row_factory : {"tuple", "namedtuple", "dict"}, optional
        What a row is. In a named tuple, a name that is not a Python identifier, or repeats, is
        replaced by an underscore and the index of the column. The attribute `row_factory` of a
        connection or a cursor changes it for later statements. The default is "tuple".
    progress : callable, optional
        Called during the download of a response of the HTTP service with the number of bytes so far
        and the total number, or None if that is not known. Other protocols do not call it. The
        default is none.
    auth : BearerAuth, BasicAuth or object with get_token(), optional
        Credentials. ``get_token()`` is called before every request, and once more if the service
        rejects the token; the providers of the official client have this method. In a URL:
        ``https://user:password@host`` or ``https://:token@host``. The default is none.
    token : str, optional
        A bearer token. In a URL: ``https://:token@host``. The default is none.
    token_file : str or path-like, optional
        The path of a file that contains a bearer token. It is read before every request. The
        default is none.
    allow_insecure_auth : bool, optional
        Whether credentials may be sent unencrypted to a host that is not loopback. The default is
        False.
    headers : mapping of str to str, optional
        Sent with every request; printable ASCII only. The default is none.
    timeout : Timeout or float, optional
        In seconds; a number is the time to wait for the response. In a URL: ``connect_timeout``,
        ``read_timeout``, ``total_timeout``. The default is ``Timeout()``: connect 10, read 310, no
        total limit.
    verify : bool, str or path-like, optional
        Whether to verify TLS certificates, or the path of a CA bundle, as in requests. The default
        is True, or what ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE`` names.
    cert : str, path-like or (path, path), optional
        The path of a client certificate, or of a certificate and its key. The default is none.
    proxies : mapping of str to str, optional
        HTTP protocols: proxy URLs by scheme, as in requests. The default is what the environment
        sets.
    spool_bytes : int, optional
        HTTP service: responses of more bytes than this are written to a temporary file. The default
        is 64 MiB.
    server_name : str, optional
        FlightSQL: the name that the certificate of the service must have. The default is the host.
    preserve_dictionary : bool, optional
        FlightSQL: whether dictionary columns are transferred as such, which needs less bandwidth,
        or as plain columns. The default is True.
    keepalive_ms : int, optional
        FlightSQL: ping after this many milliseconds without a response; 0 disables pings, for
        proxies that limit them. The default is 5.
    validate : {"layout", "full"}, optional
        Arrow streams: how to check record batches, which may be damaged or have other types than
        declared. "layout" checks lengths, offsets and dictionary keys, so that nothing outside of
        the batch is read. "full" also checks every value with pyarrow's validation, such as UTF-8,
        which takes another 10 to 30 % of the time of a download on a local network. The default is
        "layout".
    data_source : str, optional
        Web app: the data source. Only needed if there are several. The default is the only one.
    **others : NoReturn
        Other names are an error, which names similar options.

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
    options = {**locals()}  # all arguments, by name
    options.update(options.pop("others"))
    # A traceback may show the local variables.
    address = auth = token = headers = proxies = None
    others = {}
    try:
        return _connect(options.pop("address"), options)
    except BaseException as error:
        redact(error)
        raise
    finally:
        options.clear()


def _connect(address: FilePath | None, options: dict[str, Any]) -> Connection:
    """Open a connection with the arguments of `connect`, by name."""
    from micromegas_dbapi.open_transport import open_transport  # not at the top, as in `_locate`

    begin, end = options["begin"], options["end"]
    arguments = check_arguments(options)
    target, of_profile = _locate(address, arguments.pop("profile", None))
    check_wire(arguments, target.wire, target.scheme)
    in_url = target.options
    levels = [("connection", begin, end), ("url", in_url.get("begin"), in_url.get("end"))]
    resolve(levels[:1], time.time_ns())  # report bad bounds here, not later
    values = {name: option.default for name, option in OPTIONS.items()}
    values |= in_url | arguments
    credentials = arguments, {"auth": of_profile}, {**in_url, "auth": target.auth}
    values["auth"] = _credentials(*credentials)
    ranges = RangeOptions(**fields_of(RangeOptions, values))
    transport = open_transport(target, values)
    return Connection(
        transport,
        Ranges(transport, levels, ranges),
        values["timestamps"],
        values["on_mixed_types"],
        Limits(**fields_of(Limits, values)),
        values["row_factory"],
    )


def _locate(address: FilePath | None, profile: str | None) -> tuple[Target, Auth | None]:
    """Return what to open, and the credentials of the profile if that says what to open."""
    # Not at the top: their imports take a tenth of the time of pyarrow.
    from micromegas_dbapi import profiles, url

    if address is None:
        found = profiles.read_profile(profile)
        return url.parse(found.address), found.auth
    if profile is not None:
        raise ProgrammingError("an address and a profile are given; accepted: one of them")
    return url.parse(address), None


def _credentials(*levels: Mapping[str, Any]) -> Auth | None:
    """Return the credentials of the first level that has some."""
    for level in levels:
        names = [name for name in ("auth", "token", "token_file") if level.get(name) is not None]
        if len(names) > 1:
            raise ProgrammingError(f"{' and '.join(names)} are given; accepted: one of them")
        for name in names:
            found: Auth = level[name]
            return ProviderAuth(TokenFile(level[name])) if name == "token_file" else found
    return None
