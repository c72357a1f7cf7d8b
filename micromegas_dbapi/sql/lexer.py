r"""Split SQL text into tokens as the query engines of the services do.

The rules are those of two tokenizers of sqlparser-rs, in its generic dialect: the one of DataFusion
54 and 55, and the older one of DataFusion 43. Both read ``'..'`` with doubled quotes and plain
backslashes, ``E'..'`` with escapes, ``".."`` and backtick identifiers, ``$tag$..$tag$``, ``--`` to
a line feed (not to a carriage return), nested ``/* */``, and names that begin with ``#`` or ``@``
followed by any character, even a quote or a slash. They differ on a few texts: `readings` returns
both token lists then, and a safety check must hold for both. ``tests/sql/test_lexer.py`` compares
all of this with the engines.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from functools import cache, partial
from typing import NamedTuple

__all__ = ["IGNORED", "MAY_DIFFER", "Token", "readings", "tokens"]

#: The kinds of tokens without a meaning.
IGNORED = ("blank", "comment")
#: Matches in every text that the engines split in different ways.
MAY_DIFFER = re.compile(r"/\*|[nNqQ]'|@['\"`]|\$[^$\s]+\$")


class Token(NamedTuple):
    """A token of a statement.

    Attributes
    ----------
    kind : str
        See `tokens`.
    start, end : int
        Its position in the text; `end` is exclusive.
    """

    kind: str
    start: int
    end: int


# A character that is neither ASCII nor whitespace counts as a letter. No engine accepts one that
# is not.
_LETTER = r"[^\x00-@\[-^`{-\x7f\s]"
_PART = r"[^\x00-\"%-/:-?\[-^`{-\x7f\s]"
_NEXT = r"[^\x00-!%&(-/:-?\[-^`{-\x7f\s]"  # or a quote: the word may be a string prefix
_TAG = r"[^\x00-/:-@\[-^`{-\x7f\s]*"
_ESCAPED = r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'(?!')"
_HAS_ESCAPES = r"(?='(?:[^'\\]|'')*\\)"
_RAW = r"[rR](?:'''|\"\"\")"
_DELIMITED = r"""[nN]?[qQ]'(?:
    \[.*?\]' | \{.*?\}' | <.*?>' | \(.*?\)' | (?P<delimiter>[^\ \t\r\n\[{<(]).*?(?P=delimiter)'
)"""

# The most frequent kinds come first. An "odd" one is a word too; `_split` finds the ends of "block"
# and "dollar".
_TEMPLATE = r"""
      (?P<word>    __LETTER__ __PART__* (?!__NEXT__) )
    | (?P<blank>   [^\S\x1c-\x1f]+ )
    | (?P<odd>     (?!__PREFIX__) __LETTER__ __PART__*
                   | \#[^->\ ] __PART__* | @(?:@[^\ ] | [^@>?\ __AT__]) __PART__* )
    | (?P<string>  '[^']*(?:''[^']*)*'(?!') | __STRINGS__ | [rR](?:'{3}.*?'{3} | "{3}.*?"{3}) )
    | (?P<comment> --[^\n]* )
    | (?P<block>   /\* )
    | (?P<quoted>  "[^"]*(?:""[^"]*)*"(?!") | `[^`]*(?:``[^`]*)*`(?!`) )
    | (?P<dollar>  \$(?P<tag>__TAG__)\$ .*? \$(?P=tag)\$ )
    | (?P<open>    (?:__OPEN__)?'.* | ["`].* | [rR](?:'{3} | "{3}).* | \$__TAG__\$.* )
    | (?P<number>  [0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)? )
    | (?P<cast>    :: )
    | (?P<name>    (?<![\w"'`)\]:$@\#])(?<![^\x00-\x7f\s]) : [^\W\d]\w* )
    | (?P<mark>    \? )
    | (?P<other>   \#- | @\? | \|\|?/ | // | \$__TAG__ | . )
"""


@cache  # compiled when it is first used: the import would take 2 ms more
def _pattern(prefix: str, strings: str, opened: str, behind_at: str) -> re.Pattern[str]:
    parts = {
        "__PREFIX__": prefix,
        "__STRINGS__": strings,
        "__OPEN__": opened,
        "__AT__": behind_at,
        "__LETTER__": _LETTER,
        "__PART__": _PART,
        "__NEXT__": _NEXT,
        "__TAG__": _TAG,
    }
    text = _TEMPLATE
    for name, part in parts.items():
        text = text.replace(name, part)
    return re.compile(text, re.VERBOSE | re.DOTALL)


# A string with the prefix X may have escapes too, though no engine accepts one with an escape.
_NEWER = partial(
    _pattern,
    prefix=rf"[eE]' | [xX]{_HAS_ESCAPES} | {_RAW} | [nN]?[qQ]'",
    strings=rf"(?:[eE]|[xX]{_HAS_ESCAPES}){_ESCAPED} | {_DELIMITED}",
    opened="[eExX]|[nN]?[qQ]",
    behind_at="'\"`",
)
_OLDER = partial(
    _pattern,
    prefix=rf"[eE]' | [nNxX]{_HAS_ESCAPES} | {_RAW}",
    strings=rf"(?:[eE]|[nNxX]{_HAS_ESCAPES}){_ESCAPED}",
    opened="[eEnNxX]",
    behind_at="",
)
_EDGE = re.compile(r"/\*|\*/")
_EDGE_OF_OLDER = re.compile(r"(?=/\*|\*/)")  # also edges that share a character
_VERSION = re.compile(r"/\*![0-9]*")


def tokens(sql: str) -> Iterator[Token]:
    """Split a statement into tokens that together cover the whole text.

    The rules are those of the newest engines. These run the content of ``/*! .. */``: its tokens
    are code, between two comment tokens, ``/*!`` with the digits behind it and ``*/``.

    Parameters
    ----------
    sql : str
        One or several statements.

    Returns
    -------
    iterator of Token
        Of the kinds blank (whitespace), comment, string, quoted (an identifier), word, number,
        cast (``::``), name (``:x``), mark (``?``), other (one character, or an operator or
        placeholder of several), and open: a string, identifier or comment without an end, up to
        the end of the text.
    """
    return _split(sql, runs_comments=True)


def readings(sql: str) -> list[list[Token]]:
    """Split a statement into tokens as each of the engines does.

    Parameters
    ----------
    sql : str
        One or several statements.

    Returns
    -------
    list of list of Token
        One reading, or two if the engines differ: the newest engines' first.
    """
    newer = list(tokens(sql))
    if MAY_DIFFER.search(sql):
        older = list(_split(sql, older=True))
        if older != newer:
            return [newer, older]
    return [newer]


def _split(sql: str, *, older: bool = False, runs_comments: bool = False) -> Iterator[Token]:
    pattern = _OLDER() if older else _NEWER()
    at = 0
    while at < len(sql):
        for match in pattern.finditer(sql, at):
            kind, end = match.lastgroup, match.end()
            if kind == "odd":
                kind = "word"
            elif kind == "dollar":
                kind = "string"
                if older and match["tag"]:
                    kind, end = _dollar_of_older(sql, match.end("tag") + 1, match["tag"])
            elif kind == "block":
                kind, end = _block_comment(sql, at, older)
                if runs_comments and kind == "comment" and sql[at + 2] == "!":
                    at = yield from _run_comment(sql, at, end)
                    break
            yield Token(kind, at, end)  # type: ignore[arg-type]
            at = end
            if end != match.end():
                break


def _block_comment(sql: str, at: int, older: bool) -> tuple[str, int]:
    depth = 1
    for edge in (_EDGE_OF_OLDER if older else _EDGE).finditer(sql, at + 2):
        depth += 1 if sql[edge.start()] == "/" else -1
        if depth == 0:
            return "comment", edge.start() + 2
    return "open", len(sql)


def _run_comment(sql: str, start: int, end: int) -> Generator[Token, None, int]:
    """Yield the content of a comment as code without such comments; return the index behind."""
    version = _VERSION.match(sql, start)
    assert version is not None
    inner = version.end()
    yield Token("comment", start, inner)
    for part in _split(sql[inner : end - 2]):
        if part.kind == "open":
            yield Token("open", inner + part.start, len(sql))
            return len(sql)
        yield Token(part.kind, inner + part.start, inner + part.end)
    yield Token("comment", end - 2, end)
    return end


def _dollar_of_older(sql: str, at: int, tag: str) -> tuple[str, int]:
    """Find the closing tag as the older engine does, which skips a partial match of the tag."""
    while (at := sql.find("$", at)) >= 0:
        at += 1
        for wanted in tag:
            at += 1
            if sql[at - 1 : at] != wanted:
                break
        else:
            if sql[at : at + 1] == "$":
                return "string", at + 1
    return "open", len(sql)
