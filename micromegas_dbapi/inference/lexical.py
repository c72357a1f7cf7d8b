"""What the parser used here and the engine would not read alike, found before parsing."""

from __future__ import annotations

import re

from micromegas_dbapi.statement import tokens

__all__ = ["difference"]

# A count, or steps such as '1 day 2 hours'.
_INTERVAL = re.compile(r"'\s*(?:[+-]?\d+\s*|(?:[+-]?\d+\s+[a-zA-Z]+\s*)+)'", re.ASCII)

# The parser takes some twenty calls for each level, and Python has a thousand; what the end of a
# stack does to finalizers that happen to run there is nobody's to handle. The engine reads fifty.
_DEEPEST = 32


def difference(sql: str) -> str | None:
    """Find the first piece of a statement that is read in another way, or only in part.

    Returns
    -------
    str or None
        What it is, for people.
    """
    before, apart = "", True  # the last word, and whether something lies between
    earlier = ""
    depth = 0
    for part in tokens(sql):
        if part.kind == "blank":
            apart = True
            continue
        text = sql[part.start : part.end]
        if part.kind == "comment":
            if "/*" in text[2:]:
                return "a comment inside a comment"
            apart = True
            continue
        if part.kind == "open":
            return "a text, identifier or comment that never ends"
        if part.kind == "other":
            depth += (text in "([") - (text in ")]")
            if depth > _DEEPEST:
                return f"more than {_DEEPEST} levels of parentheses"
        if part.kind == "quoted" and text[0] == "`":
            return "an identifier in backticks"
        if part.kind == "string":
            if text[0] == "$":
                return "a dollar-quoted text"
            if text[0] != "'" or (before not in ("", "X") and not apart):
                return "a text with a prefix"
            # The parser drops what stands behind the first step of '1 day 02:00:00'.
            if before == "INTERVAL" and not _INTERVAL.fullmatch(text):
                return "an interval of another form than '1 day 2 hours'"
        word = text.upper() if part.kind == "word" else ""
        if word == "FROM" and before == "DISTINCT" and earlier in ("IS", "NOT"):
            # To the engine, AND and OR behind it belong to its right side.
            return "IS DISTINCT FROM"
        earlier, before, apart = before, word, False
    return None
