"""Find the large views that a statement reads completely if it has no time range."""

from __future__ import annotations

from collections.abc import Iterator

from micromegas_dbapi.sql.lexer import Token, readings

__all__ = ["full_scans"]

_LARGE = ("log_entries", "measures")
# Words that end a FROM clause, or stand where a table cannot.
_ELSEWHERE = frozenset(
    (
        *("SELECT", "WHERE", "ON", "USING", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER"),
        *("LIMIT", "OFFSET", "UNION", "EXCEPT", "INTERSECT", "VALUES", "WITH", "AS"),
    )
)
_NOT_RUN = ("EXPLAIN", "DESCRIBE", "DESC", "SHOW")


def full_scans(sql: str) -> list[str]:
    """List the large views, log_entries and measures, that a statement reads by name.

    Instances and the names of CTEs do not count. If query engines read the statement in different
    ways, the result has the views of each reading.

    Parameters
    ----------
    sql : str
        One or several statements.

    Returns
    -------
    list of str
        Each view once.

    Examples
    --------
    >>> full_scans("SELECT level, count(*) FROM log_entries GROUP BY level")
    ['log_entries']
    >>> full_scans("SELECT * FROM view_instance('log_entries', 'a-process')")
    []
    """
    found = (name for parts in readings(sql) for name in _large_views(list(_words(sql, parts))))
    return list(dict.fromkeys(found))


def _large_views(words: list[str]) -> list[str]:
    if words and words[0] in _NOT_RUN and words[1:2] != ["ANALYZE"]:
        return []
    found: dict[str, None] = {}
    ctes: set[str] = set()
    in_from = [False]
    before = ""
    for at, word in enumerate(words):
        if word == "(":
            in_from.append(in_from[-1] and before in ("FROM", "JOIN", ",", "("))
        elif word == ")":
            in_from = in_from[:-1] or [False]
        elif word in ("FROM", "JOIN"):
            in_from[-1] = True
        elif word in _ELSEWHERE:
            in_from[-1] = in_from[-1] and word == "AS"
        elif (name := _name(word)) in _LARGE:
            if words[at + 1 : at + 3] == ["AS", "("] and before in ("WITH", ",", "RECURSIVE"):
                ctes.add(name)
            elif in_from[-1] and before in ("FROM", "JOIN", ",", "(", "."):
                found[name] = None
        before = word
    return [name for name in found if name not in ctes]


def _words(sql: str, parts: list[Token]) -> Iterator[str]:
    """Yield words in upper case and quoted identifiers unchanged, but no strings."""
    for part in parts:
        text = sql[part.start : part.end]
        if part.kind in ("word", "other"):
            yield text.upper()
        elif part.kind == "quoted":
            yield text


def _name(word: str) -> str:
    return word[1:-1] if word[0] in '"`' else word.lower()
