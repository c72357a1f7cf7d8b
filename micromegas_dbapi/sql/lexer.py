r"""SQL text -> tokens, as the engines of the services read it.

These are tokenizers of sqlparser-rs, in its generic dialect: that of DataFusion 54 and 55, and the
older one of DataFusion 43. They read nearly everything alike: ``'..'`` with doubled quotes and
plain backslashes, ``E'..'`` with escapes, ``".."`` and backtick identifiers, ``$tag$..$tag$``,
``--`` to a line feed (not to a carriage return), nested ``/* */``, and names that begin with ``#``
or ``@`` and have any character at all behind it, be it a quote or a slash. The few texts that they
read in different ways have two readings here, and what asks whether a statement may do something
looks at both. ``tests/sql/test_lexer.py`` has a table of it all that runs on the engines.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

__all__ = ["IGNORED", "Token", "disputed", "readings", "tokens"]

#: The kinds of tokens that say nothing.
IGNORED = ("blank", "comment")


class Token(NamedTuple):
    """A piece of a statement: its kind and its place in the text."""

    kind: str
    start: int
    end: int


# What is no ASCII and no blank counts as a letter: of what is none, no engine makes anything.
_LETTER = r"[^\x00-@\[-^`{-\x7f\s]"
_PART = r"[^\x00-\"%-/:-?\[-^`{-\x7f\s]"
_NEXT = r"[^\x00-!%&(-/:-?\[-^`{-\x7f\s]"  # or a quote, and the word may be a prefix
_TAG = r"[^\x00-/:-@\[-^`{-\x7f\s]*"
_ESCAPED = r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'(?!')"
_HAS_ESCAPES = r"(?='(?:[^'\\]|'')*\\)"
_RAW = r"[rR](?:'''|\"\"\")"
_DELIMITED = r"""[nN]?[qQ]'(?:
    \[.*?\]' | \{.*?\}' | <.*?>' | \(.*?\)' | (?P<delimiter>[^\ \t\r\n\[{<(]).*?(?P=delimiter)'
)"""

# The most frequent first. An odd one is a word as well; block and dollar are looked into.
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


# A text with the prefix X has escapes too, though no engine takes one that has any.
_NEWER = _pattern(
    prefix=rf"[eE]' | [xX]{_HAS_ESCAPES} | {_RAW} | [nN]?[qQ]'",
    strings=rf"(?:[eE]|[xX]{_HAS_ESCAPES}){_ESCAPED} | {_DELIMITED}",
    opened="[eExX]|[nN]?[qQ]",
    behind_at="'\"`",
)
_OLDER = _pattern(
    prefix=rf"[eE]' | [nNxX]{_HAS_ESCAPES} | {_RAW}",
    strings=rf"(?:[eE]|[nNxX]{_HAS_ESCAPES}){_ESCAPED}",
    opened="[eEnNxX]",
    behind_at="",
)
_EDGE = re.compile(r"/\*|\*/")
_EDGE_OF_OLDER = re.compile(r"(?=/\*|\*/)")  # those that share a character as well
_VERSION = re.compile(r"/\*![0-9]*")


def tokens(sql: str) -> Iterator[Token]:
    """Split a statement into tokens that together cover all of it.

    It is read as the newest engines do. They run what stands in ``/*! .. */``: its tokens are
    those of code, between two that are comments, ``/*!`` with the digits behind it and ``*/``.

    Yields
    ------
    Token
        Of the kinds blank, comment, string, quoted, word, number, cast, name (``:x``), mark
        (``?``), other (one character, or an operator or placeholder of several), and ``open``: a
        string, identifier or comment that never ends, up to the end of the text.
    """
    return _split(sql, runs_comments=True)


def readings(sql: str) -> list[list[Token]]:
    """Read a statement as each of the engines does.

    Returns
    -------
    list of list of Token
        One reading, or two where they differ, the newest engines' first.
    """
    newer = list(tokens(sql))
    if _MAY_DIFFER.search(sql):
        older = list(_split(sql, older=True))
        if older != newer:
            return [newer, older]
    return [newer]


def disputed(sql: str) -> str | None:
    """Find the first piece of a statement that the engines read in different ways.

    Returns
    -------
    str or None
        What it is, for people.

    Examples
    --------
    >>> disputed("SELECT 1 /*!50000 + 1 */")
    'a comment that some engines run, /*! .. */'
    >>> disputed("SELECT 1 /* + 1 */ -- /*! + 1 */")
    """
    if sql.isascii() and not _MAY_DIFFER.search(sql):  # most statements need no lexer
        return None
    newer, *differing = readings(sql)
    for older in differing:
        at = next(a.start for a, b in zip(newer, older, strict=False) if a != b)
        return next(what for piece, what in _DISPUTED if piece.match(sql, at))
    for part in newer:
        word = sql[part.start : part.end]
        if part.kind == "word" and not word.isascii() and word.upper().isascii():
            return f"{word}, which is {word.upper()} to some engines"
    return None


# What a piece looks like that is read in different ways -> what it is.
_DISPUTED = [
    (re.compile(piece), what)
    for piece, what in (
        (r"/\*!", "a comment that some engines run, /*! .. */"),
        (r"/\*", "a comment inside a comment, which some engines end elsewhere"),
        (r"[nN]'", "a text with the prefix N and a backslash"),
        (r"[nN]?[qQ]'", "a text with the prefix Q"),
        (r"@", "a quote behind @"),
        (r"\$", "a dollar-quoted text with a dollar sign in it"),
    )
]
_MAY_DIFFER = re.compile(r"/\*|[nNqQ]'|@['\"`]|\$[^$\s]+\$")


def _split(sql: str, *, older: bool = False, runs_comments: bool = False) -> Iterator[Token]:
    pattern = _OLDER if older else _NEWER
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
    """Read what stands in a comment as code, no comments in that; give the place behind it all."""
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
    """Find the end as the older engine does: what looked like one so far is passed by."""
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
