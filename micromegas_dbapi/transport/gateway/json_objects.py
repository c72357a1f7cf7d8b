"""Parser of the JSON that arrow-json writes.

An object is a tuple of its pairs, in order, because the result of a join may have two columns with
the same name. A number with a decimal point or an exponent stays a string, because it may be a
decimal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn, TypeAlias

__all__ = ["AmbiguousFieldError", "MismatchError", "Number", "Pairs", "align", "parse"]

#: The pairs of a JSON object.
Pairs: TypeAlias = tuple[tuple[str, Any], ...]


class Number(str):
    """The string of a number that has a decimal point or an exponent."""

    __slots__ = ()


class MismatchError(ValueError):
    """A value does not have the expected type, or an object not the expected fields."""


class AmbiguousFieldError(MismatchError):
    """A value may belong to any of several fields with the same name."""


def parse(text: str) -> Any:
    """Parse JSON.

    Parameters
    ----------
    text : str
        A complete JSON text.

    Returns
    -------
    object
        Objects are `Pairs`, numbers int or `Number`, arrays lists.

    Raises
    ------
    ValueError
        If the text is not JSON.
    RecursionError
        If it is nested too deeply.
    """
    return json.loads(
        text, object_pairs_hook=tuple, parse_float=Number, parse_constant=_reject_constant
    )


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def align(pairs: Pairs, names: Sequence[str]) -> list[Any]:
    """Return the values of an object in the order of its fields.

    Parameters
    ----------
    pairs : Pairs
        The object, in the order of its fields. Null fields may be missing.
    names : sequence of str
        The names of the fields.

    Returns
    -------
    list
        One value for each name; None for missing fields.

    Raises
    ------
    MismatchError
        If the object has other fields.
    AmbiguousFieldError
        If one of several fields with the same name is missing and could be any of them.
    """
    if len(pairs) == len(names):
        values = [value for (key, value), name in zip(pairs, names, strict=True) if key == name]
        if len(values) == len(names):
            return values
    found = dict(pairs)
    if len(found) == len(pairs) and len(set(names)) == len(names):
        values = [found.pop(name, None) for name in names]
        if found:
            raise MismatchError(f"there is an unexpected field {next(iter(found))!r}")
        return values
    first, last = _places(pairs, names), _places(pairs[::-1], names[::-1])
    if first != [len(names) - 1 - place for place in reversed(last)]:
        raise AmbiguousFieldError("one of several fields with the same name is missing")
    values = [None] * len(names)
    for place, (_, value) in zip(first, pairs, strict=True):
        values[place] = value
    return values


def _places(pairs: Pairs, names: Sequence[str]) -> list[int]:
    """Return the first possible place of each pair among the names."""
    places: list[int] = []
    for key, _ in pairs:
        try:
            places.append(names.index(key, places[-1] + 1 if places else 0))
        except ValueError:
            raise MismatchError(f"there is an unexpected field {key!r}") from None
    return places
