"""What the engines of services do not all read alike, found before parsing."""

from __future__ import annotations

import re

from micromegas_dbapi.sql.lexer import tokens

__all__ = ["difference"]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIGNS = re.compile(r"[{}#@$\\]")


def difference(sql: str) -> str | None:
    """Find the first piece of a statement that is read in another way by another engine.

    Returns
    -------
    str or None
        What it is, for people.
    """
    before, apart = "", True  # the last word, and whether something lies between
    for part in tokens(sql):
        if part.kind == "blank":
            apart = True
            continue
        text = sql[part.start : part.end]
        if part.kind == "comment":
            if text.startswith(("/*!", "/*+")):
                return "a comment that may be run"
            if "/*" in text[2:]:
                return "a comment inside a comment"
            if text.startswith("--") and "\r" in text[:-1]:
                return "a comment with a carriage return inside"
            apart = True
            continue
        if part.kind == "open":
            return "a text, identifier or comment that never ends"
        if part.kind == "quoted" and text[0] == "`":
            return "an identifier in backticks"
        if part.kind == "string":
            if text[0] == "$":
                return "a dollar-quoted text"
            if text[0] != "'" or (before not in ("", "X") and not apart):
                return "a text with a prefix"
        if part.kind == "other" and _SIGNS.search(text):
            return f"the sign {text}"
        if part.kind in ("word", "other") and not text.isascii():
            return f"{text[:20]}, which is not ASCII"
        if part.kind == "word" and not _WORD.fullmatch(text):
            return f"the name {text[:20]}"
        before, apart = (text.upper() if part.kind == "word" else ""), False
    return None
