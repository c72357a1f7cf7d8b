"""Every option once: its name and type, its default, where it can be set, and what it means.

`connect()`, URLs, the dialect, the command line and docs/options.md all read this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from micromegas_dbapi.options.option import Option, OptionType
from micromegas_dbapi.options.option_types import (
    CLOCK_SKEW,
    COUNT,
    FLAG,
    MILLISECONDS,
    MODE,
    NAME,
    PROGRESS,
    ROW_FACTORY,
    SECONDS,
    SIZE,
    VIEWS,
    bound,
    choice,
)
from micromegas_dbapi.options.service_option_types import (
    CERTIFICATE,
    CREDENTIALS,
    HEADERS,
    PROXIES,
    TOKEN,
    TOKEN_FILE,
    VERIFY,
)
from micromegas_dbapi.options.settings import Timeout

__all__ = ["OPTIONS"]

# Protocols that take the same options.
_SERVICES = ("grpc", "http", "gateway", "web")
_OVER_HTTP = ("http", "gateway", "web")

_REACTION = choice("Reaction", "ignore", "warn", "error")


def _timeout(value: Any) -> Any:
    return value if isinstance(value, Timeout) else SECONDS.check(value)


_ACCEPTED_TIMEOUT = f"a Timeout, or {SECONDS.accepted}"
_TIMEOUT = OptionType("Timeout | float", "Timeout or float", _ACCEPTED_TIMEOUT, _timeout)


_TABLE = (
    Option(
        "profile",
        replace(NAME, text=""),
        "Use this profile of the official client's configuration (~/.micromegas/config.json) "
        "instead of a URL.",
        default_text="the one that ``MICROMEGAS_PROFILE`` or the configuration names",
    ),
    Option(
        "begin",
        bound("begin"),
        "The begin of the default time range of all statements, inclusive: an aware datetime, an "
        'RFC 3339 string, ``"now"``, ``"-2h"`` or a timedelta. Relative bounds are re-evaluated at '
        "every execute.",
        default_text="no bound",
        per_statement=True,
    ),
    Option(
        "end",
        bound("end"),
        "The end of the default time range, inclusive, in the same forms as `begin`.",
        default_text="no bound",
        per_statement=True,
    ),
    Option(
        "infer_range",
        MODE,
        "Whether to derive a time range from the conditions of a statement. The service then reads "
        "less, and the result is the same. A default range is narrowed by the derived one. "
        '"require" rejects statements that get no range. Needs sqloxide '
        "(``pip install 'micromegas-dbapi[infer]'``).",
        default_text='"on" if sqloxide is installed, otherwise "off"',
    ),
    Option(
        "views",
        VIEWS,
        'The time columns of your own views, as in ``{"my_bins": "time_bin"}``. A pair names the '
        "columns that the end and the begin of a range are compared with. None marks a table that "
        "no range filters. In a URL: ``views=my_bins:time_bin,my_spans:begin:end,hosts:``. Only "
        "needed for views whose query plan does not show the time filter.",
        default={},
        default_text="none",
    ),
    Option(
        "clock_skew",
        CLOCK_SKEW,
        "How many seconds the clock of this machine may be ahead of the service's, for statements "
        "that contain ``now()``.",
        default=600.0,
    ),
    Option(
        "on_unbounded",
        _REACTION,
        "What to do if a statement without a time range would read all of log_entries or measures.",
        default="ignore",
    ),
    Option(
        "on_mixed_types",
        _REACTION,
        "What to do if the branches of a CASE, or the parts of a set operation, clearly have "
        "different types. A service may then change values, because it casts them to the first "
        'type. "warn" issues a `MixedTypesWarning`, "ignore" logs it at level DEBUG.',
        default="ignore",
    ),
    Option(
        "timestamps",
        choice("Timestamps", "datetime", "ns"),
        "What timestamps become in rows: datetime, or int nanoseconds since the epoch.",
        default="datetime",
        per_statement=True,
    ),
    Option(
        "max_rows",
        COUNT,
        "The most rows that the result of a statement may have. Reading more is an "
        "OperationalError; the rows before can be read.",
        default_text="no limit",
    ),
    Option(
        "max_result_bytes",
        COUNT,
        "The most bytes that the result of a statement may have: the Arrow buffers of its batches, "
        "and over the HTTP service and the JSON gateway also the response that they are decoded "
        "from. Reading more is an OperationalError. Without this limit, a compressed message that "
        "inflates to more than 256 MiB and more than 100 times its size is an OperationalError.",
        default_text="no limit",
    ),
    Option(
        "row_factory",
        ROW_FACTORY,
        "What a row is. In a named tuple, a name that is not a Python identifier, or repeats, is "
        "replaced by an underscore and the index of the column. The attribute `row_factory` of a "
        "connection or a cursor changes it for later statements.",
        default="tuple",
    ),
    Option(
        "progress",
        PROGRESS,
        "Called during the download of a response of the HTTP service with the number of bytes so "
        "far and the total number, or None if that is not known. Other protocols do not call it.",
        default_text="none",
    ),
    Option(
        "auth",
        CREDENTIALS,
        "Credentials. ``get_token()`` is called before every request, and once more if the service "
        "rejects the token; the providers of the official client have this method.",
        default_text="none",
        in_url="``https://user:password@host`` or ``https://:token@host``",
        wires=_SERVICES,
    ),
    Option(
        "token",
        TOKEN,
        "A bearer token.",
        default_text="none",
        in_url="``https://:token@host``",
        wires=_SERVICES,
    ),
    Option(
        "token_file",
        TOKEN_FILE,
        "The path of a file that contains a bearer token. It is read before every request.",
        default_text="none",
        wires=_SERVICES,
    ),
    Option(
        "allow_insecure_auth",
        FLAG,
        "Whether credentials may be sent unencrypted to a host that is not loopback.",
        default=False,
        wires=_SERVICES,
    ),
    Option(
        "headers",
        HEADERS,
        "Sent with every request; printable ASCII only.",
        default={},
        default_text="none",
        wires=_SERVICES,
    ),
    Option(
        "timeout",
        _TIMEOUT,
        "In seconds; a number is the time to wait for the response.",
        default_text="``Timeout()``: connect 10, read 310, no total limit",
        in_url="``connect_timeout``, ``read_timeout``, ``total_timeout``",
        wires=_SERVICES,
    ),
    Option(
        "connect_timeout",
        SECONDS,
        "How many seconds establishing a connection may take: ``Timeout(connect=)``.",
        default_text="10",
        wires=_SERVICES,
        argument=False,
    ),
    Option(
        "read_timeout",
        SECONDS,
        "How many seconds to wait for the first part of a response, and for each further part: "
        "``Timeout(read=)``.",
        default_text="310",
        wires=_SERVICES,
        argument=False,
    ),
    Option(
        "total_timeout",
        SECONDS,
        "How many seconds a query may take: ``Timeout(total=)``. FlightSQL also sends it to the "
        "service.",
        default_text="no limit",
        wires=_SERVICES,
        argument=False,
    ),
    Option(
        "verify",
        VERIFY,
        "Whether to verify TLS certificates, or the path of a CA bundle, as in requests.",
        default=True,
        default_text="True, or what ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE`` names",
        wires=_SERVICES,
    ),
    Option(
        "cert",
        CERTIFICATE,
        "The path of a client certificate, or of a certificate and its key.",
        default_text="none",
        wires=_SERVICES,
    ),
    Option(
        "proxies",
        PROXIES,
        "Proxy URLs by scheme, as in requests.",
        default_text="what the environment sets",
        wires=_OVER_HTTP,
    ),
    Option(
        "spool_bytes",
        COUNT,
        "Responses of more bytes than this are written to a temporary file.",
        default=64 * 2**20,
        default_text="64 MiB",
        wires=("http",),
    ),
    Option(
        "server_name",
        NAME,
        "The name that the certificate of the service must have.",
        default_text="the host",
        wires=("grpc",),
    ),
    Option(
        "preserve_dictionary",
        FLAG,
        "Whether dictionary columns are transferred as such, which needs less bandwidth, or as "
        "plain columns.",
        default=True,
        wires=("grpc",),
    ),
    Option(
        "keepalive_ms",
        MILLISECONDS,
        "Ping after this many milliseconds without a response; 0 disables pings, for proxies that "
        "limit them.",
        default=5,
        wires=("grpc",),
    ),
    Option(
        "validate",
        choice("Validation", "layout", "full"),
        "How to check record batches, which may be damaged or have other types than declared. "
        '"layout" checks lengths, offsets and dictionary keys, so that nothing outside of the '
        'batch is read. "full" also checks every value with pyarrow\'s validation, such as UTF-8, '
        "which takes another 10 to 30 % of the time of a download on a local network.",
        default="layout",
        wires=("grpc", "web"),
    ),
    Option(
        "data_source",
        NAME,
        "The data source. Only needed if there are several.",
        default_text="the only one",
        wires=("web",),
    ),
    Option(
        "follow_links",
        FLAG,
        "Whether symbolic links in the folder may lead out of it. Otherwise, statements on a view "
        "with such a link fail.",
        default=False,
        wires=("lake",),
        argument=False,
    ),
    Option(
        "seed",
        COUNT,
        "Seed of the demo data: the same seed generates the same data.",
        default=0,
        wires=("demo",),
        argument=False,
    ),
    Option(
        "size",
        SIZE,
        "Multiply the amount of demo data by this factor, 1 to 64.",
        default=1,
        wires=("demo",),
        argument=False,
    ),
)

#: Every option by its name.
OPTIONS: Mapping[str, Option] = {option.name: option for option in _TABLE}
