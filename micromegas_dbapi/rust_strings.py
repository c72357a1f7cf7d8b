"""Strings as Rust's ``Debug`` format writes them, which services use in messages and type names."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["escaped", "unescaped"]

_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|(.))", re.DOTALL)
_CHARACTERS = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_ESCAPES = {"\\": "\\\\", '"': '\\"', **{char: f"\\{name}" for name, char in _CHARACTERS.items()}}
# What Rust escapes by number: characters that show nothing by themselves.
_INVISIBLE = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs", "Me", "Mn")


def escaped(text: str) -> str:
    r"""Escape a string.

    Parameters
    ----------
    text : str

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
