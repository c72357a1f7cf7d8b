"""Which options of the driver are options of harlequin, and the conversion of their texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.options.option import Option
from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.url import Target

__all__ = ["OFFERED", "arguments_of", "choices_of", "description_of", "service_name"]

# Harlequin has an option of this name. (Its hsql has one named timeout, which is set in the URL.)
_RENAMED = {"profile": "micromegas-profile"}
# A string or a path, which have no text in URLs for reasons that do not apply here.
_STRINGS = ("profile", "token", "token_file", "cert")
_LISTED = re.compile(r"\w+(, \w+)+")

#: The options of `connect()` that can be written as text, by their names in harlequin.
OFFERED: Mapping[str, Option] = {
    _RENAMED.get(option.name, option.name.replace("_", "-")): option
    for option in OPTIONS.values()
    if option.argument and (option.has_text or option.name in _STRINGS)
}


def description_of(option: Option) -> str:
    """Return the help of an option.

    Parameters
    ----------
    option : Option
        One of `OFFERED`.

    Returns
    -------
    str
        Its meaning and its default, without markup.
    """
    default = option.default_text or str(option.default)
    return f"{option.meaning} The default is {default}.".replace("`", "")


def choices_of(option: Option) -> list[str] | None:
    """Return the accepted texts of an option.

    Parameters
    ----------
    option : Option
        One of `OFFERED`.

    Returns
    -------
    list of str or None
        None if there are too many to list.
    """
    return option.type.text.split(", ") if _LISTED.fullmatch(option.type.text) else None


def arguments_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the options that harlequin passes to arguments of `connect()`.

    Parameters
    ----------
    given : mapping of str to Any
        By name, with ``-`` or ``_``: strings from the command line, any values from configuration
        files. Other names are ignored, because harlequin passes options of other adapters, too.

    Returns
    -------
    dict of str to Any
        Without options that are not set.

    Raises
    ------
    ProgrammingError
        If a value is not accepted.
    """
    values = {name.replace("_", "-"): value for name, value in given.items()}
    return {
        option.name: _read(option, values[name])
        for name, option in OFFERED.items()
        if values.get(name) not in (None, "")
    }


def _read(option: Option, value: Any) -> Any:
    """Return a value that `connect()` takes, after the same check."""
    if isinstance(value, str):
        value = _from_text(option, value)
    option.convert(value)
    return value


def _from_text(option: Option, text: str) -> Any:
    if not option.has_text or option.type.secret:
        return text
    try:
        return option.type.read(text)
    except ValueError:
        raise ProgrammingError(f"{option.name}={text!r}; accepted: {option.type.text}") from None


def service_name(target: Target | None, profile: str | None) -> str:
    """Return a name for the service, without credentials.

    Parameters
    ----------
    target : Target or None
        The parts of the URL.
    profile : str or None
        The profile, if there is no URL.

    Returns
    -------
    str
        The URL up to its query, or the name of the profile.
    """
    if target is None:
        return "the configured service" if profile is None else f"profile {profile}"
    if target.scheme in ("lake", "demo"):
        return f"{target.scheme}:{target.address}"
    return f"{target.scheme}://{target.address.partition('://')[2]}"
