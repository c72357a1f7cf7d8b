"""Find the large views that a statement reads completely if it has no time range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from micromegas_dbapi.sql.lexer import Token
from micromegas_dbapi.sql.statement import Statement

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


def full_scans(statement: Statement) -> list[str]:
    """List the large views, log_entries and measures, that a statement reads by name.

    Instances and the names of CTEs do not count. If query engines read the statement in different
    ways, the result has the views of each reading.

    Parameters
    ----------
    statement : Statement
        One or several statements.

    Returns
    -------
    list of str
        Each view once.

    Examples
    --------
    >>> full_scans(Statement("SELECT level, count(*) FROM log_entries GROUP BY level"))
    ['log_entries']
    >>> full_scans(Statement("SELECT * FROM view_instance('log_entries', 'a-process')"))
    []
    """
    words = (list(_words(statement, parts)) for parts in statement.readings)
    found = (name for reading in words for name in _large_views(reading))
    return list(dict.fromkeys(found))


@dataclass
class _Query:
    """What stands between two parentheses, or the whole statement.

    Attributes
    ----------
    in_from : bool
        Whether a name here can be a table.
    in_with : bool
        Whether a name here can be that of a CTE.
    recursive : bool
        Whether the CTEs are.
    ctes : set of str
        The large views whose names CTEs have, from here on.
    cte : str or None
        The CTE whose body comes next.
    body_of : str or None
        The CTE whose body this is.
    """

    in_from: bool = False
    in_with: bool = False
    recursive: bool = False
    ctes: set[str] = field(default_factory=set)
    cte: str | None = None
    body_of: str | None = None


def _large_views(words: list[str]) -> list[str]:
    if words and words[0] in _NOT_RUN and words[1:2] != ["ANALYZE"]:
        return []
    found: dict[str, None] = {}
    stack = [_Query()]
    before = ""
    for word in words:
        query = stack[-1]
        if word == "(":
            stack.append(_opened(query, before))
        elif word == ")":
            stack = stack[:-1] or [_Query()]
            if query.body_of is not None:  # its name hides the view from here on
                stack[-1].ctes.add(query.body_of)
        elif word == ";":
            stack = [_Query()]
        elif word in ("FROM", "JOIN"):
            query.in_from = True
        elif word in _ELSEWHERE:
            query.in_from = query.in_from and word == "AS"
            query.in_with = word == "WITH" or (query.in_with and word == "AS")
        elif word == "RECURSIVE" and before == "WITH":
            query.recursive = True
        elif query.in_with and before in ("WITH", "RECURSIVE", ","):
            query.cte = _name(word)
        elif (name := _name(word)) in _LARGE and query.in_from:
            is_cte = before != "." and any(name in each.ctes for each in stack)
            if before in ("FROM", "JOIN", ",", "(", ".") and not is_cte:
                found[name] = None
        before = word
    return list(found)


def _opened(query: _Query, before: str) -> _Query:
    """Return what an opening parenthesis begins."""
    if query.cte is None or before not in ("AS", "MATERIALIZED"):
        return _Query(in_from=query.in_from and before in ("FROM", "JOIN", ",", "("))
    name, query.cte = query.cte, None
    if name not in _LARGE:
        return _Query()
    # Only a recursive CTE means itself by its name. Another one reads the view.
    return _Query(ctes={name} if query.recursive else set(), body_of=name)


def _words(statement: Statement, parts: tuple[Token, ...]) -> Iterator[str]:
    """Yield words in upper case and quoted identifiers unchanged, but no strings."""
    for part in parts:
        text = statement.text_of(part)
        if part.kind in ("word", "other"):
            yield text.upper()
        elif part.kind == "quoted":
            yield text


def _name(word: str) -> str:
    return word[1:-1] if word[0] in '"`' else word.lower()
