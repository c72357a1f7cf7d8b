"""JSON as arrow-json writes it: a text, its objects, and where in a row their values belong.

An object is a tuple of its pairs, in their order, since a join may give two of one name; a number
with a point or an exponent stays the text that it is, since it may be a decimal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn, TypeAlias

__all__ = ["AmbiguousError", "Number", "Pairs", "UnfitError", "aligned", "parse"]

#: An object.
Pairs: TypeAlias = tuple[tuple[str, Any], ...]


class Number(str):
    """The text of a number that has a point or an exponent."""

    __slots__ = ()


class UnfitError(ValueError):
    """A value is not of the type that it should have."""


class AmbiguousError(UnfitError):
    """Which of several fields of one name a value belongs to, cannot be told."""


def parse(text: str) -> Any:
    """Parse a JSON text.

    Raises
    ------
    ValueError, RecursionError
        If it is none.
    """
    return json.loads(
        text, object_pairs_hook=tuple, parse_float=Number, parse_constant=_no_constant
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def aligned(pairs: Pairs, names: Sequence[str]) -> list[Any]:
    """Give the values of an object by the names of its fields; what is missing is null.

    Raises
    ------
    UnfitError
        If it has other fields.
    AmbiguousError
        If one of several fields of a name is missing, and it could be one or the other.
    """
    if len(pairs) == len(names):
        values = [value for (key, value), name in zip(pairs, names, strict=True) if key == name]
        if len(values) == len(names):
            return values
    found = dict(pairs)
    if len(found) == len(pairs) and len(set(names)) == len(names):
        values = [found.pop(name, None) for name in names]
        if found:
            raise UnfitError(f"there is a field {next(iter(found))!r} too many")
        return values
    first, last = _places(pairs, names), _places(pairs[::-1], names[::-1])
    if first != [len(names) - 1 - place for place in reversed(last)]:
        raise AmbiguousError("one of several fields of one name is missing")
    values = [None] * len(names)
    for place, (_, value) in zip(first, pairs, strict=True):
        values[place] = value
    return values


def _places(pairs: Pairs, names: Sequence[str]) -> list[int]:
    """Find a place for each of the pairs, the first that it may have."""
    places: list[int] = []
    for key, _ in pairs:
        try:
            places.append(names.index(key, places[-1] + 1 if places else 0))
        except ValueError:
            raise UnfitError(f"there is a field {key!r} too many") from None
    return places
