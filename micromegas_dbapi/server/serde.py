"""JSON, and descriptions of values, as Rust's serde writes them."""

from __future__ import annotations

import json

__all__ = ["compact_json", "describe"]


def compact_json(value: object) -> str:
    """Encode a value as JSON.

    Parameters
    ----------
    value : object
        With members that JSON can represent.

    Returns
    -------
    str
        Without whitespace between tokens; not limited to ASCII.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def describe(value: object) -> str:
    """Describe a value in a request, as errors do if another type is expected.

    Parameters
    ----------
    value : object
        Decoded from JSON or CBOR.

    Returns
    -------
    str
        Its type, and a scalar's value.

    Examples
    --------
    >>> describe(True)
    'boolean `true`'
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {json.dumps(value, ensure_ascii=False)}"
    kinds: dict[type, str] = {bytes: "byte array", list: "sequence", dict: "map"}
    return kinds.get(type(value), type(value).__name__)
