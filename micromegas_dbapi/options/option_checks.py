"""Check which options are set, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NoReturn

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.options.option_table import OPTIONS

__all__ = ["check_arguments", "check_wire", "fields_of", "refuse_unknown"]


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
    accepted = [option.name for option in OPTIONS.values() if option.argument]
    for name in arguments:
        if name not in accepted:
            refuse_unknown(name, "connect()", accepted)
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


def refuse_unknown(name: str, where: str, accepted: Sequence[str]) -> NoReturn:
    """Raise the error for an option that is unknown, or that cannot be set at this place.

    Parameters
    ----------
    name : str
        The option.
    where : str
        The place.
    accepted : sequence of str
        The options that can be set there.

    Raises
    ------
    ProgrammingError
        Always. It names similar options, or where the option can be set.
    """
    if name in OPTIONS:
        option = OPTIONS[name]
        hint = "pass it as an argument of connect()"
        if option.in_url or not option.argument:
            hint = "in a URL use " + (option.in_url.replace("`", "") or f"?{name}=")
        message = f"the option {name!r} cannot be set in {where}; {hint}"
    else:
        message = f"unknown option {name!r} in {where}"
        import difflib  # seldom needed

        if similar := difflib.get_close_matches(name.lower(), OPTIONS):
            message += f"; did you mean {' or '.join(similar)}?"
    raise ProgrammingError(f"{message}\naccepted: {', '.join(accepted)}")


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
