"""Find pieces of a statement that query engines read in different ways, before it is parsed."""

from __future__ import annotations

import re

from micromegas_dbapi.sql.statement import Statement

__all__ = ["difference"]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SYMBOLS = re.compile(r"[{}#@$\\]")


def difference(statement: Statement) -> str | None:
    """Find the first piece of a statement that some engine or parser reads differently.

    Parameters
    ----------
    statement : Statement
        One or several statements.

    Returns
    -------
    str or None
        A description of it for error messages; None if there is no such piece.
    """
    before, apart = "", True  # the last word, and whether it ends before this token
    for part in statement.tokens:
        if part.kind == "blank":
            apart = True
            continue
        text = statement.text_of(part)
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
            return "a string, identifier or comment without an end"
        if part.kind == "quoted" and text[0] == "`":
            return "an identifier in backticks"
        if part.kind == "string":
            if text[0] == "$":
                return "a dollar-quoted string"
            if text[0] != "'" or (before not in ("", "X") and not apart):
                return "a string with a prefix"
        if part.kind == "other" and _SYMBOLS.search(text):
            return f"the symbol {text}"
        if part.kind in ("word", "other") and not text.isascii():
            return f"{text[:20]}, which is not ASCII"
        if part.kind == "word" and not _WORD.fullmatch(text):
            return f"the name {text[:20]}"
        before, apart = (text.upper() if part.kind == "word" else ""), False
    return None
