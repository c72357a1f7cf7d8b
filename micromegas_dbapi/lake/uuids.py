"""UUIDs as Rust's ``uuid`` crate parses them, with its error messages."""

from __future__ import annotations

import re
import uuid

__all__ = ["parse_uuid"]

_PREFIX = "urn:uuid:"
_SIMPLE = re.compile(r"[0-9a-fA-F]{32}")
_HYPHENATED = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GROUP_LENGTHS = (8, 4, 4, 4, 12)


def parse_uuid(text: str) -> str:
    """Parse a UUID and return its canonical form.

    Parameters
    ----------
    text : str
        32 hexadecimal digits, or the form with hyphens: alone, in braces or after ``urn:uuid:``.

    Returns
    -------
    str
        In lower case, with hyphens.

    Raises
    ------
    ValueError
        If the text is not a UUID; with the crate's message.

    Examples
    --------
    >>> parse_uuid("{67E55044-10B1-426F-9247-BB680E5FE0C8}")
    '67e55044-10b1-426f-9247-bb680e5fe0c8'
    """
    bare, offset = _without_decoration(text)
    if _HYPHENATED.fullmatch(bare) or (offset == 0 and _SIMPLE.fullmatch(bare)):
        return str(uuid.UUID(bare))
    raise ValueError(_error(bare, offset))


def _without_decoration(text: str) -> tuple[str, int]:
    """Return the part that holds the digits, and where it begins."""
    if text.startswith("{") and text.endswith("}") and len(text) > 1:
        return text[1:-1], 1
    if text.startswith(_PREFIX):
        return text[len(_PREFIX) :], len(_PREFIX)
    return text, 0


def _error(bare: str, offset: int) -> str:
    if wrong := re.search(r"[^0-9a-fA-F-]", bare):
        place = len(bare[: wrong.start()].encode()) + offset + 1
        return (
            f"invalid character: expected an optional prefix of `{_PREFIX}` followed by "
            f"[0-9a-fA-F-], found `{wrong[0]}` at {place}"
        )
    lengths = [len(group) for group in bare.split("-")]
    if len(lengths) == 1 and offset == 0:
        return f"invalid length: expected length 32 for simple format, found {lengths[0]}"
    if len(lengths) != len(_GROUP_LENGTHS):
        return f"invalid group count: expected 5, found {len(lengths)}"
    pairs = zip(lengths, _GROUP_LENGTHS, strict=True)
    group = next(at for at, (found, expected) in enumerate(pairs) if found != expected)
    return (
        f"invalid group length in group {group}: expected {_GROUP_LENGTHS[group]}, "
        f"found {lengths[group]}"
    )
