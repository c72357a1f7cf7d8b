"""Refuse statements that change something, before they are sent.

Where query engines read a text in different ways (`Statement.disputed`), it is refused if any of
them would change something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from micromegas_dbapi.errors import NotSupportedError
from micromegas_dbapi.sql.lexer import IGNORED, Token
from micromegas_dbapi.sql.statement import Statement

__all__ = ["refuse_changes"]

# The words that begin a change. A 0.2.3 service reports success for one but stores nothing, and
# CREATE EXTERNAL TABLE reads the server's own disk.
_WRITES = frozenset({"DELETE", "INSERT", "MERGE", "UPDATE"})
_CHANGES = _WRITES | {
    *("ALTER", "BEGIN", "CALL", "COMMENT", "COMMIT", "COPY", "CREATE", "DEALLOCATE", "DROP", "END"),
    *("EXECUTE", "GRANT", "LOAD", "PREPARE", "RELEASE", "REPLACE", "RESET", "REVOKE"),
    *("ROLLBACK", "SAVEPOINT", "SET", "START", "TRUNCATE", "UNLOAD", "USE"),
}
_EXPLAIN = ("EXPLAIN", "DESCRIBE", "DESC")
_QUERIES = [[word] for word in ("(", "SELECT", "WITH", "VALUES", "FROM", *sorted(_CHANGES))]
# Compared with the text in Unicode upper case: DataFusion 43 takes \u017fet for SET.
_SUSPECT = re.compile("INTO|" + "|".join(sorted(_CHANGES)))
# An operand must follow these, so that INTO is a name there.
_BEFORE_OPERAND = frozenset("([{.+-/%=<|&^")
_NAMES = ("<string>", "<quoted>", "<mark>", "<name>")


def refuse_changes(statement: Statement) -> None:
    """Raise an error if a text has DDL, DML, COPY, SET, transactions or the like.

    Parameters
    ----------
    statement : Statement
        One or several statements.

    Raises
    ------
    NotSupportedError
        If one of the statements is a change, also behind comments, EXPLAIN or a WITH clause, or a
        ``SELECT .. INTO``. (If a table or column is named ``into``, put it in double quotes.)
    """
    if not _SUSPECT.search(statement.text.upper()):  # most statements need no tokens
        return
    for reading in statement.readings:
        for words in _statements(statement, reading):
            if changing := _changing_word(words):
                raise NotSupportedError(
                    f"{changing} is rejected, and nothing was sent: a Micromegas service is "
                    "read-only and ignores DDL, DML, COPY, SET and transactions; accepted: "
                    "SELECT, WITH, VALUES, DESCRIBE, SHOW, EXPLAIN",
                    sql=statement.text,
                    retryable=False,
                )


def _statements(statement: Statement, reading: tuple[Token, ...]) -> Iterator[list[str]]:
    """Split a text at its semicolons into words in upper case and the kinds of other tokens."""
    words: list[str] = []
    for part in reading:
        if part.kind in IGNORED:
            continue
        text = statement.text_of(part)
        if text == ";":
            yield words
            words = []
        else:
            keeps_text = part.kind in ("word", "other")
            words.append(text.upper() if keeps_text else f"<{part.kind}>")
    yield words


def _changing_word(words: list[str]) -> str | None:
    """Return the word that makes a statement a change, or None."""
    at, describe = 0, False
    while at < len(words) and words[at] in _EXPLAIN:
        describe = words[at] != "EXPLAIN"
        at = _skip_explain_options(words, at + 1)
    if describe and words[at + 1 : at + 2] in ([], ["."]):  # DESCRIBE copy: a table's name
        return None
    while at < len(words) and words[at] == "(":
        at += 1
    if at < len(words) and words[at] in _CHANGES:
        return words[at]
    if at < len(words) and words[at] == "WITH" and (writing := _write_in_with(words[at:])):
        return writing
    for i, word in enumerate(words):
        if word == "INTO" and _names_a_target(words, i):
            return "INTO"
    return None


def _write_in_with(words: list[str]) -> str | None:
    """Return the word of a write inside a WITH clause or behind it, or None."""
    depth = 0
    for i, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        before = words[max(i - 2, 0) : i]
        if depth == 0 and word in ("SELECT", "VALUES", "FROM"):
            return None
        if word in _WRITES and (
            (depth == 0 and before[1:] == [")"]) or (depth == 1 and before == ["AS", "("])
        ):
            return word
    return None


def _names_a_target(words: list[str], i: int) -> bool:
    """Return whether INTO begins a target as in SELECT .. INTO, and is not a name itself."""
    target = words[i + 1] if i + 1 < len(words) else ""
    if not (target in _NAMES or target[:1].isalpha() or target[:1] in ("_", "@", "#")):
        return False
    before, earlier = ["", "", *words][i + 1], ["", "", *words][i]
    if before == "AS":  # INTO is an alias, unless that AS is a name itself
        return earlier in ("AS", ".", ",", "SELECT")
    if before in ("DISTINCT", "ALL"):
        return earlier != "SELECT"
    if before == "SELECT":
        return earlier in ("AS", ".")
    return before not in _BEFORE_OPERAND


def _skip_explain_options(words: list[str], at: int) -> int:
    """Return the index behind an EXPLAIN's options: ANALYZE, VERBOSE, FORMAT x, or brackets."""
    while at < len(words):
        if words[at] in ("ANALYZE", "VERBOSE"):
            at += 1
        elif words[at] == "FORMAT":
            at += 2
        elif words[at] == "(" and words[at + 1 : at + 2] not in _QUERIES:
            depth = 1
            while depth and (at := at + 1) < len(words):
                depth += (words[at] == "(") - (words[at] == ")")
            at += 1
        else:
            return at
    return at
