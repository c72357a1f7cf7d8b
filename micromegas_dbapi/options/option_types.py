"""The types of options: which values each accepts, and their text in URLs."""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np

from micromegas_dbapi.options.option import OptionType
from micromegas_dbapi.timerange import ACCEPTED, ALL_TIME, format_ns, to_ns

__all__ = [
    "CLOCK_SKEW",
    "COUNT",
    "FLAG",
    "MILLISECONDS",
    "MODE",
    "NAME",
    "PROGRESS",
    "ROW_FACTORY",
    "SECONDS",
    "SIZE",
    "VIEWS",
    "FilePath",
    "bound",
    "choice",
    "python_value",
    "read_flag_or_text",
    "write_flag",
]

FilePath: TypeAlias = str | os.PathLike[str]


def python_value(value: Any) -> Any:
    """Convert a scalar of numpy.

    Parameters
    ----------
    value : Any
        Others stay as they are.

    Returns
    -------
    Any
        The Python value.
    """
    return value.item() if isinstance(value, np.generic) else value


def _flag(value: Any) -> bool:
    value = python_value(value)
    if not isinstance(value, bool):
        raise ValueError
    return value


def _read_flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError
    return text.lower() in ("true", "1")


def write_flag(value: Any) -> str:
    """Write a bool, or a string, as it is written in a URL.

    Parameters
    ----------
    value : bool or str
        A checked value.

    Returns
    -------
    str
        ``true`` or ``false`` for a bool.
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


FLAG = OptionType("bool", "bool", "True, False", _flag, "true, false, 1, 0", _read_flag, write_flag)


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
        value = python_value(value)
        if not isinstance(value, str) or value not in values:
            raise ValueError
        return value

    quoted = ", ".join(f'"{value}"' for value in values)
    accepted = ", ".join(map(repr, values))
    return OptionType(annotation, f"{{{quoted}}}", accepted, check, ", ".join(values))


def _row_factory(value: Any) -> str:
    names = {tuple: "tuple", namedtuple: "namedtuple", dict: "dict"}
    name = names.get(value, value) if callable(value) else value
    if not isinstance(name, str) or name not in names.values():
        raise ValueError
    return name


ROW_FACTORY = OptionType(
    "RowFactory | type",
    '{"tuple", "namedtuple", "dict"}',
    "'tuple', 'namedtuple', 'dict'",
    _row_factory,
)


def _mode(value: Any) -> str:
    value = python_value(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if not isinstance(value, str) or value not in ("on", "off", "require"):
        raise ValueError
    return value


def read_flag_or_text(text: str) -> bool | str:
    """Read a bool in a URL, or return the text.

    Parameters
    ----------
    text : str
        The text in the URL.

    Returns
    -------
    bool or str
        True for ``true`` and ``1``, False for ``false`` and ``0``.
    """
    try:
        return _read_flag(text)
    except ValueError:
        return text


MODE = OptionType(
    "bool | Literal['on', 'off', 'require']",
    '{"on", "off", "require"} or bool',
    "'on', 'off', 'require', True, False",
    _mode,
    "on, off, require, true, false, 1, 0",
    read_flag_or_text,
)


def _number(value: Any) -> int | float:
    number: Any = python_value(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise ValueError
    return number


# The longest wait of a socket, 2**31 milliseconds.
_LONGEST = 2_147_483


def _seconds(value: Any) -> int | float:
    seconds = _number(value)
    if not 0 < seconds <= _LONGEST:
        raise ValueError
    return seconds


_ACCEPTED_SECONDS = f"a positive number of seconds, up to {_LONGEST} (24 days)"
SECONDS = OptionType("float", "float", _ACCEPTED_SECONDS, _seconds, _ACCEPTED_SECONDS, float)


def _clock_skew(value: Any) -> int | float:
    seconds = _number(value)
    if not 0 <= seconds <= 86_400:
        raise ValueError
    return seconds


_ACCEPTED_SKEW = "0 to 86400 seconds"
CLOCK_SKEW = OptionType("float", "float", _ACCEPTED_SKEW, _clock_skew, _ACCEPTED_SKEW, float)


def _read_integer(text: str) -> int:
    if not (text.isascii() and text.isdigit()):  # int() reads more
        raise ValueError
    return int(text)


def _integer(least: int, most: int, accepted: str) -> OptionType:
    def check(value: Any) -> int:
        value = python_value(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return OptionType("int", "int", accepted, check, accepted, _read_integer)


COUNT = _integer(0, 2**63 - 1, "an integer, 0 or more")
SIZE = _integer(1, 64, "an integer, 1 to 64")
MILLISECONDS = _integer(0, 2**31 - 1, "an integer from 0 to 2147483647")


def _name(value: Any) -> str:
    value = python_value(value)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError
    return value


NAME = OptionType("str", "str", "a name of printable characters", _name, "a name")


# The text of `ALL_TIME` in URLs.
_ALL_TIME = "ALL_TIME"


def bound(name: str) -> OptionType:
    """Create the type of a bound of a time range.

    Parameters
    ----------
    name : str
        The name of the option, for errors.

    Returns
    -------
    OptionType
        Values stay as they are: relative bounds are evaluated at every execute.
    """

    def check(value: Any) -> Any:
        if value is not ALL_TIME:
            to_ns(value, 0, name)
        return value

    def write(value: Any) -> str:
        if isinstance(value, str):
            return value
        if value is ALL_TIME:
            return _ALL_TIME
        if isinstance(value, timedelta):
            milliseconds, rest = divmod(value, timedelta(milliseconds=1))
            if rest or int(getattr(value, "nanoseconds", 0)):
                raise ValueError("it is finer than a millisecond")
            return f"{milliseconds:+d}ms"
        return format_ns(to_ns(value, 0, name))

    return OptionType(
        *("Bound", "Bound", ACCEPTED, check),
        text="RFC 3339 with a time zone (2026-11-01T00:00:00Z), now, or relative to now (-2h, "
        "-1h30m, -7d)",
        read=lambda text: ALL_TIME if text == _ALL_TIME else text,
        write=write,
    )


_View: TypeAlias = str | tuple[str, str] | None


def _views(value: Any) -> dict[str, _View]:
    if not isinstance(value, Mapping):
        raise ValueError
    views: dict[str, _View] = {}
    for view, at in value.items():
        if isinstance(at, (tuple, list)):
            of_end, of_begin = map(_name, at)
            views[_name(view)] = of_end, of_begin
        else:
            views[_name(view)] = None if at is None else _name(at)
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
    if not views:
        raise ValueError("it is empty")
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
