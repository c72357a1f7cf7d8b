"""Every option once: its name and type, its default, where it can be set, and what it means.

`connect()`, URLs, the dialect, the command line and docs/options.md all read this table.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NoReturn

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.option_types import (
    BOUND,
    CERTIFICATE,
    CLOCK_SKEW,
    COUNT,
    CREDENTIALS,
    FLAG,
    HEADERS,
    MILLISECONDS,
    MODE,
    NAME,
    PROGRESS,
    PROXIES,
    SECONDS,
    SIZE,
    TOKEN,
    TOKEN_FILE,
    VERIFY,
    VIEWS,
    OptionType,
    choice,
)
from micromegas_dbapi.settings import Timeout

__all__ = [
    "OPTIONS",
    "Option",
    "check_arguments",
    "check_wire",
    "fields_of",
    "refuse_unknown",
]

# Protocols that take the same options.
_OVER_HTTP = ("http", "gateway", "web")
_SERVICES = ("grpc", *_OVER_HTTP)
_ALL = (*_SERVICES, "lake", "demo")

_REACTION = choice("Reaction", "ignore", "warn", "error")


def _timeout(value: Any) -> Any:
    return value if isinstance(value, Timeout) else SECONDS.check(value)


_TIMEOUT = OptionType(
    "Timeout | float",
    "Timeout or float",
    f"a Timeout, or {SECONDS.accepted}",
    _timeout,
)


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes
    ----------
    name : str
        In URLs and Python.
    type : OptionType
        Which values are accepted.
    meaning : str
        One or more sentences for the documentation.
    default : Any
        The value if it is not set.
    default_text : str
        The default as the documentation shows it, unless that is the value.
    wires : tuple of str
        The protocols that take it.
    argument : bool
        Whether `connect()` has an argument of this name. Otherwise it can only be set in a URL.
    per_statement : bool
        Whether it can also be set for a statement, as an execution option of SQLAlchemy.
    in_url : str
        What sets it in a URL, if its own name cannot be in the query.
    """

    name: str
    type: OptionType
    meaning: str
    default: Any = None
    default_text: str = ""
    wires: tuple[str, ...] = _ALL
    argument: bool = True
    per_statement: bool = False
    in_url: str = ""

    @property
    def has_text(self) -> bool:
        """Whether it can be set in the query of a URL."""
        return bool(self.type.text)

    def convert(self, value: Any) -> Any:
        """Check a value and convert it to the form that the driver uses.

        Parameters
        ----------
        value : Any
            As the user passed it; not None.

        Returns
        -------
        Any
            The converted value.

        Raises
        ------
        ProgrammingError
            If the value is not accepted.
        """
        return self.type.convert(value, self.name)

    def read(self, text: str) -> Any:
        """Convert the text in a URL to a value.

        Parameters
        ----------
        text : str
            Decoded.

        Returns
        -------
        Any
            The converted value.

        Raises
        ------
        ProgrammingError
            If the text is not accepted.
        """
        return self.type.convert_text(text, self.name)

    def write(self, value: Any) -> str:
        """Convert a value to the text in a URL.

        Parameters
        ----------
        value : Any
            As the user passed it; not None.

        Returns
        -------
        str
            Not percent-encoded.

        Raises
        ------
        ProgrammingError
            If the value is not accepted, or has no text.
        """
        checked = self.convert(value)
        try:
            return self.type.write(checked)
        except ValueError as error:
            raise ProgrammingError(
                f"{self.name}={value!r} cannot be written in a URL: {error}"
            ) from None


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
        BOUND,
        "The begin of the default time range of all statements, inclusive: an aware datetime, an "
        'RFC 3339 string, ``"now"``, ``"-2h"`` or a timedelta. Relative bounds are re-evaluated at '
        "every execute.",
        default_text="no bound",
        per_statement=True,
    ),
    Option(
        "end",
        BOUND,
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
        "data_source",
        NAME,
        "The data source. Only needed if there are several.",
        default_text="the only one",
        wires=("web",),
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


def check_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Check the arguments of `connect()`.

    Parameters
    ----------
    arguments : mapping
        By name. None means that an option is not set.

    Returns
    -------
    dict
        The converted values of the options that are set.

    Raises
    ------
    ProgrammingError
        If a name is unknown, or a value is not accepted.
    """
    for name in arguments:
        if name not in OPTIONS or not OPTIONS[name].argument:
            refuse_unknown(name, "connect()", [each.name for each in _TABLE if each.argument])
    return {
        name: OPTIONS[name].convert(value) for name, value in arguments.items() if value is not None
    }


def check_wire(names: Iterable[str], wire: str, scheme: str) -> None:
    """Check that a protocol takes the options.

    Parameters
    ----------
    names : iterable of str
        The options that are set.
    wire : str
        The protocol.
    scheme : str
        Of the URL, for the error.

    Raises
    ------
    ProgrammingError
        If an option belongs to other protocols.
    """
    if rejected := [name for name in names if wire not in OPTIONS[name].wires]:
        others = "; ".join(f"{name} is for {', '.join(OPTIONS[name].wires)}" for name in rejected)
        raise ProgrammingError(
            f"`{scheme}:` does not accept the options: {', '.join(rejected)} ({others})"
        )


def refuse_unknown(name: str, where: str, accepted: Iterable[str]) -> NoReturn:
    """Raise the error for an option that is unknown, or that cannot be set at this place.

    Parameters
    ----------
    name : str
        The option.
    where : str
        The place.
    accepted : iterable of str
        The options that can be set there.

    Raises
    ------
    ProgrammingError
        Always. It names similar options, or where the option can be set.
    """
    names = list(accepted)
    if name in OPTIONS:
        option = OPTIONS[name]
        hint = "pass it as an argument of connect()"
        if option.in_url or not option.argument:
            hint = "in a URL use " + (option.in_url.replace("`", "") or f"?{name}=")
        message = f"the option {name!r} cannot be set in {where}; {hint}"
    else:
        message = f"unknown option {name!r} in {where}"
        if similar := difflib.get_close_matches(name.lower(), OPTIONS):
            message += f"; did you mean {' or '.join(similar)}?"
    raise ProgrammingError(f"{message}\naccepted: {', '.join(names)}")


def fields_of(kind: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Select the values that a class takes.

    Parameters
    ----------
    kind : type
        A dataclass whose fields have the names of options.
    values : mapping
        By the names of options.

    Returns
    -------
    dict
        The arguments of the class.
    """
    return {item.name: values[item.name] for item in fields(kind)}
