"""Escape and unescape strings like Rust's ``Debug`` format, which services use in messages."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["escaped", "unescaped"]

_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|(.))", re.DOTALL)
_CHARACTERS = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_ESCAPES = {"\\": "\\\\", '"': '\\"', **{char: f"\\{name}" for name, char in _CHARACTERS.items()}}
# Rust escapes invisible characters by number.
_INVISIBLE = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs", "Me", "Mn")


def escaped(text: str) -> str:
    r"""Escape a string.

    Parameters
    ----------
    text : str
        Any string.

    Returns
    -------
    str
        Without quotation marks around it.

    Examples
    --------
    >>> print(escaped('said "no"'))
    said \"no\"
    """
    return "".join(map(_escaped, text))


def unescaped(text: str) -> str:
    r"""Undo the escapes of a string.

    Parameters
    ----------
    text : str
        Without quotation marks around it.

    Returns
    -------
    str
        The original string.

    Examples
    --------
    >>> unescaped(r"caf\u{e9}\n")
    'café\n'
    """
    return _ESCAPE.sub(_unescaped, text)


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char != " " and unicodedata.category(char) in _INVISIBLE:
        return f"\\u{{{ord(char):x}}}"
    return char


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _CHARACTERS.get(match[2], match[2])
