"""The types of options: which values each accepts, and their text in URLs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np

from micromegas_dbapi.auth import Auth, BasicAuth, BearerAuth, ProviderAuth, TokenFile
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.timerange import ACCEPTED, ALL_TIME, format_ns, to_ns

__all__ = [
    "BOUND",
    "CERTIFICATE",
    "CLOCK_SKEW",
    "COUNT",
    "CREDENTIALS",
    "FLAG",
    "HEADERS",
    "MILLISECONDS",
    "MODE",
    "NAME",
    "PROGRESS",
    "PROXIES",
    "SECONDS",
    "SIZE",
    "TOKEN",
    "TOKEN_FILE",
    "VERIFY",
    "VIEWS",
    "FilePath",
    "OptionType",
    "choice",
]

# The length up to which errors show a value.
_SHOWN = 200

FilePath: TypeAlias = str | os.PathLike[str]


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class OptionType:
    """A type of options.

    Attributes
    ----------
    annotation : str
        The annotation in Python.
    documented : str
        The type as docstrings name it.
    accepted : str
        What errors and the documentation say of accepted values.
    check : callable
        Returns an accepted value in the form that the driver uses. Raises ValueError for all
        others, with what is wrong unless the value itself shows it.
    text : str
        The accepted texts in a URL. Empty if it cannot be set there.
    read : callable
        Converts the text in a URL to the value to check, or raises ValueError.
    write : callable
        Converts a checked value to the text in a URL.
    secret : bool
        Whether values can contain a secret, so that errors must not show them.
    """

    annotation: str
    documented: str
    accepted: str
    check: Callable[[Any], Any]
    text: str = ""
    read: Callable[[str], Any] = _unchanged
    write: Callable[[Any], str] = str
    secret: bool = False

    def convert(self, value: Any, name: str, where: str = "") -> Any:
        """Check a value and convert it to the form that the driver uses.

        Parameters
        ----------
        value : Any
            As the user passed it.
        name : str
            What the error calls it.
        where : str
            Follows the value in the error.

        Returns
        -------
        Any
            What `check` returns.

        Raises
        ------
        ProgrammingError
            If the value is not accepted.
        """
        try:
            return self.check(value)
        except (ValueError, TypeError, OverflowError) as error:
            problem = str(error) if type(error) is ValueError else ""
            raise self._refusal(value, name, where, problem, self.accepted) from None

    def convert_text(self, text: str, name: str) -> Any:
        """Convert the text in a URL to a value, and check it.

        Parameters
        ----------
        text : str
            Decoded.
        name : str
            The name of the option.

        Returns
        -------
        Any
            What `check` returns.

        Raises
        ------
        ProgrammingError
            If the text is not accepted.
        """
        try:
            return self.check(self.read(text))
        except ValueError:
            raise self._refusal(text, name, " in the URL", "", self.text) from None

    def _refusal(
        self, value: Any, name: str, where: str, problem: str, accepted: str
    ) -> ProgrammingError:
        if self.secret:
            problem = problem or f"a value of type {type(value).__name__}"
            given = f"{name}{where}: {problem}"
        else:
            text = repr(value)
            given = f"{name}={text if len(text) <= _SHOWN else text[:_SHOWN] + '...'}{where}"
        return ProgrammingError(f"{given}; accepted: {accepted}")


def _python(value: Any) -> Any:
    """Return a scalar of numpy as the Python value."""
    return value.item() if isinstance(value, np.generic) else value


def _flag(value: Any) -> bool:
    value = _python(value)
    if not isinstance(value, bool):
        raise ValueError
    return value


def _read_flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError
    return text.lower() in ("true", "1")


def _write_flag(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


FLAG = OptionType(
    "bool", "bool", "True, False", _flag, "true, false, 1, 0", _read_flag, _write_flag
)


def choice(annotation: str, *values: str) -> OptionType:
    """Create the type of options that accept one of some strings.

    Parameters
    ----------
    annotation : str
        The annotation in Python.
    *values : str
        The accepted values.

    Returns
    -------
    OptionType
        The text in a URL is the value.
    """

    def check(value: Any) -> str:
        value = _python(value)
        if not isinstance(value, str) or value not in values:
            raise ValueError
        return value

    quoted = ", ".join(f'"{value}"' for value in values)
    accepted = ", ".join(map(repr, values))
    return OptionType(annotation, f"{{{quoted}}}", accepted, check, ", ".join(values))


def _mode(value: Any) -> str:
    value = _python(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if not isinstance(value, str) or value not in ("on", "off", "require"):
        raise ValueError
    return value


def _read_flag_or_text(text: str) -> bool | str:
    try:
        return _read_flag(text)
    except ValueError:
        return text


MODE = OptionType(
    'bool | Literal["on", "off", "require"]',
    '{"on", "off", "require"} or bool',
    "'on', 'off', 'require', True, False",
    _mode,
    "on, off, require, true, false, 1, 0",
    _read_flag_or_text,
)


def _number(value: Any) -> int | float:
    value = _python(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError
    return value


# The longest wait of a socket, 2**31 milliseconds.
_LONGEST = 2_147_483


def _seconds(value: Any) -> int | float:
    value = _number(value)
    if not 0 < value <= _LONGEST:
        raise ValueError
    return value


_ACCEPTED_SECONDS = f"a positive number of seconds, up to {_LONGEST} (24 days)"
SECONDS = OptionType("float", "float", _ACCEPTED_SECONDS, _seconds, _ACCEPTED_SECONDS, float)


def _clock_skew(value: Any) -> float:
    value = _number(value)
    if not 0 <= value <= 86_400:
        raise ValueError
    return float(value)


_ACCEPTED_SKEW = "0 to 86400 seconds"
CLOCK_SKEW = OptionType("float", "float", _ACCEPTED_SKEW, _clock_skew, _ACCEPTED_SKEW, float)


def _read_integer(text: str) -> int:
    if not (text.isascii() and text.isdigit()):  # int() reads more
        raise ValueError
    return int(text)


def _integer(least: int, most: int, accepted: str) -> OptionType:
    def check(value: Any) -> int:
        value = _python(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return OptionType("int", "int", accepted, check, accepted, _read_integer)


COUNT = _integer(0, 2**63 - 1, "an integer, 0 or more")
SIZE = _integer(1, 64, "an integer, 1 to 64")
MILLISECONDS = _integer(0, 2**31 - 1, "an integer from 0 to 2147483647")


def _name(value: Any) -> str:
    value = _python(value)
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


NAME = OptionType("str", "str", "a name, as str", _name, "a name")


def _path(value: Any) -> str:
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError
    return path


def _verify(value: Any) -> bool | str:
    value = _python(value)
    return value if isinstance(value, bool) else _path(value)


VERIFY = OptionType(
    "bool | FilePath",
    "bool, str or path-like",
    "True, False, a path",
    _verify,
    "true, false, 1, 0, a path",
    _read_flag_or_text,
    _write_flag,
)


def _certificate(value: Any) -> str | tuple[str, str]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        certificate, key = map(_path, value)
        return certificate, key
    return _path(value)


CERTIFICATE = OptionType(
    "FilePath | tuple[FilePath, FilePath]",
    "str, path-like or (path, path)",
    "the path of a certificate, or a tuple of the paths of a certificate and its key",
    _certificate,
)


def _write_bound(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is ALL_TIME:
        return ALL_TIME.name
    if isinstance(value, timedelta) and value == value:  # not NaT
        milliseconds, rest = divmod(value, timedelta(milliseconds=1))
        if rest or getattr(value, "nanoseconds", 0):
            raise ValueError("it is finer than a millisecond")
        return f"{milliseconds:+d}ms"
    return format_ns(to_ns(value, 0))


#: `resolve()` checks bounds, because both belong together.
BOUND = OptionType(
    "Bound",
    "Bound",
    ACCEPTED,
    _unchanged,
    "RFC 3339 with a time zone (2026-11-01T00:00:00Z), now, or relative to now (-2h, -1h30m, -7d)",
    lambda text: ALL_TIME if text == ALL_TIME.name else text,
    _write_bound,
)

_View: TypeAlias = str | tuple[str, str] | None


def _views(value: Any) -> dict[str, _View]:
    if not isinstance(value, Mapping):
        raise ValueError
    views: dict[str, _View] = {}
    for view, at in value.items():
        if isinstance(at, list):
            at = tuple(at)
        columns = at if isinstance(at, tuple) else () if at is None else (at,)
        if isinstance(at, tuple) and len(at) != 2:
            raise ValueError
        if not all(isinstance(name, str) and name for name in (view, *columns)):
            raise ValueError
        views[view] = at
    return views


def _read_views(text: str) -> dict[str, _View]:
    views: dict[str, _View] = {}
    for item in text.split(","):
        view, *columns = item.split(":")
        if len(columns) not in (1, 2) or view in views:
            raise ValueError
        views[view] = (columns[0] or None) if len(columns) == 1 else (columns[0], columns[1])
    return views


def _write_views(views: Mapping[str, _View]) -> str:
    items = [(view, *(at if isinstance(at, tuple) else (at or "",))) for view, at in views.items()]
    if any(":" in name or "," in name for names in items for name in names):
        raise ValueError("a name contains a colon or a comma")
    return ",".join(map(":".join, items))


VIEWS = OptionType(
    "Views",
    "mapping of str to str, (str, str) or None",
    "a mapping of view names to a time column, to the two columns that the end and the begin of a "
    "range are compared with, or to None if no range filters the view: "
    "{'my_bins': 'time_bin', 'my_spans': ('begin', 'end'), 'hosts': None}",
    _views,
    "VIEW:COLUMN, VIEW:COLUMN:COLUMN or, for a table that no range filters, VIEW:; separate "
    "several by commas",
    _read_views,
    _write_views,
)


def _callable(value: Any) -> Callable[..., object]:
    if not callable(value):
        raise ValueError
    return value  # type: ignore[no-any-return]


PROGRESS = OptionType("Progress", "callable", "a callable with two arguments", _callable)

# The errors of the following name types only: values may be secrets, and so may misplaced names.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?")


def _strings(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError
    for name, text in value.items():
        if not isinstance(name, str):
            raise ValueError(f"a name is of type {type(name).__name__}")
        if not isinstance(text, str):
            raise ValueError(f"the value of {name!r} is of type {type(text).__name__}")
    return dict(value)


def _headers(value: Any) -> dict[str, str]:
    headers = _strings(value)
    for name, text in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("a name is empty or has other characters")
        if not _HEADER_VALUE.fullmatch(text):
            raise ValueError(f"the value of {name!r} has other characters")
    return headers


HEADERS = OptionType(
    "Mapping[str, str]",
    "mapping of str to str",
    "a mapping of str to str; names of letters, digits and -; values of printable ASCII "
    "characters, without spaces around them",
    _headers,
    secret=True,
)
PROXIES = OptionType(
    "Mapping[str, str]",
    "mapping of str to str",
    "a mapping of str to str: schemes and the URLs of proxies",
    _strings,
    secret=True,
)


def _credentials(value: Any) -> Auth:
    if isinstance(value, (BearerAuth, BasicAuth, ProviderAuth)):
        return value
    if isinstance(value, type) or not callable(getattr(value, "get_token", None)):
        raise ValueError
    return ProviderAuth(value)


CREDENTIALS = OptionType(
    "Auth | TokenProvider",
    "BearerAuth, BasicAuth or object with get_token()",
    "BearerAuth, BasicAuth, an object with get_token()",
    _credentials,
    secret=True,
)
TOKEN = OptionType("str", "str", "str", BearerAuth, secret=True)
TOKEN_FILE = OptionType(
    "FilePath",
    "str or path-like",
    "the path of a file",
    lambda value: ProviderAuth(TokenFile(_path(value))),
    "a path",
    secret=True,
)
