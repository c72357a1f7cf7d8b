"""Check the arguments of a call and convert them to what services expect."""

from __future__ import annotations

import operator
import time
import uuid

import numpy as np

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, Bound, format_ns, to_ns

__all__ = ["integer", "string", "time_string", "uuid_string"]

_GREATEST = 2**63 - 1


def string(value: object, name: str) -> str:
    """Return a string as it is.

    Parameters
    ----------
    value : str
        Any other type is an error.
    name : str
        Name of the argument, for the error.

    Returns
    -------
    str
        The value.

    Raises
    ------
    ProgrammingError
        If the value is not a string, or has a lone surrogate.
    """
    if not isinstance(value, str):
        raise ProgrammingError(f"{name}={value!r} is of type {type(value).__name__}; accepted: str")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ProgrammingError(
            f"{name}={value!r} has a lone surrogate at character {error.start + 1}, which UTF-8 "
            "cannot encode"
        ) from None
    return value


def uuid_string(value: str | uuid.UUID, name: str) -> str:
    """Return a UUID in the form in which views contain it: lower case, with hyphens.

    Parameters
    ----------
    value : str or uuid.UUID
        A string may have any form that `uuid.UUID` accepts.
    name : str
        Name of the argument, for the error.

    Returns
    -------
    str
        Such as ``"0008447c-0a72-4e2c-a7b1-2f4f5a1d7f20"``.

    Raises
    ------
    ProgrammingError
        If the value is not a UUID.
    """
    if isinstance(value, uuid.UUID):
        return str(value)
    try:
        return str(uuid.UUID(string(value, name)))
    except ValueError as error:
        raise ProgrammingError(f"invalid {name} {value!r}: expected a UUID") from error


def integer(value: object, name: str, *, least: int) -> int:
    """Return an integer as a Python int.

    Parameters
    ----------
    value : int
        Or an integer of another type, such as numpy's; not a bool.
    name : str
        Name of the argument, for the error.
    least : int
        The least value that is accepted.

    Returns
    -------
    int
        The value.

    Raises
    ------
    ProgrammingError
        If the value is not an integer, or less than `least`, or beyond 64 bits.
    """
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None:
        kind = type(value).__name__
        raise ProgrammingError(f"{name}={value!r} is of type {kind}; accepted: int")
    if not least <= number <= _GREATEST:
        bits = number.bit_length()  # Python refuses to write out very long integers
        shown = f"{name}={number}" if bits <= 128 else f"{name} has {bits} bits"
        raise ProgrammingError(f"{shown}; accepted: {least} to {_GREATEST}")
    return number


def time_string(bound: Bound, name: str, *, optional: bool = False) -> str | None:
    """Return an instant as an RFC 3339 string, clamped to the range that services accept.

    Parameters
    ----------
    bound : Bound
        Relative bounds are relative to the current time.
    name : str
        Name of the argument, for the error.
    optional : bool
        Whether None is accepted.

    Returns
    -------
    str or None
        None only if `bound` is None and optional.

    Raises
    ------
    ProgrammingError
        If the bound is not one of the accepted forms.
    """
    if bound is None and optional:
        return None
    return format_ns(min(max(to_ns(bound, time.time_ns(), name), MIN_NS), MAX_NS))
