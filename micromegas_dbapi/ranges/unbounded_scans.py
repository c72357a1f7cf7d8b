"""Find the large views that a statement reads completely if it has no time range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from micromegas_dbapi.sql.lexer import Token
from micromegas_dbapi.sql.statement import Statement

__all__ = ["full_scans"]

_LARGE = ("log_entries", "measures")
# Words behind which a comma begins no table, and before which no table stands.
_ELSEWHERE = frozenset(
    (
        *("SELECT", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "OFFSET"),
        *("UNION", "EXCEPT", "INTERSECT", "VALUES", "WITH"),
    )
)
_BEFORE_TABLE = ("FROM", "JOIN", ",", "(", ".")
_NOT_RUN = ("EXPLAIN", "DESCRIBE", "DESC", "SHOW")
_QUERY = ("SELECT", "WITH", "FROM", "VALUES")
# Functions with a FROM of their own.
_OWN_FROM = ("EXTRACT", "OVERLAY", "SUBSTR", "SUBSTRING", "TRIM")
# What AS cannot follow, unless it is a name itself.
_BEFORE_NAME = ("", ".", ",", "(", "AS", "SELECT")


def full_scans(statement: Statement) -> list[str]:
    """List the large views, log_entries and measures, that a statement reads by name.

    The global instance is the view. Other instances and the names of CTEs do not count. If query
    engines read the statement in different ways, the result has the views of each reading.

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
    found: dict[str, None] = {}
    for reading in statement.readings:
        for words in _statements(statement, reading):
            found |= dict.fromkeys(_large_views(words))
    return list(found)


def _statements(statement: Statement, reading: tuple[Token, ...]) -> Iterator[list[str]]:
    """Split a text at its semicolons into words in upper case, and names and strings in quotes."""
    words: list[str] = []
    for part in reading:
        text = statement.text_of(part)
        if text == ";":
            yield words
            words = []
        elif part.kind in ("word", "other"):
            words.append(text.upper())
        elif part.kind in ("quoted", "string"):
            words.append(text)
    yield words


@dataclass
class _Query:
    """What stands between two brackets, or the whole statement.

    Attributes
    ----------
    in_from : bool
        Whether a name here can be a table.
    lists_tables : bool
        Whether a comma begins another table, also behind the condition of a join.
    own_from : bool
        Whether FROM belongs to a function.
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
    lists_tables: bool = False
    own_from: bool = False
    in_with: bool = False
    recursive: bool = False
    ctes: set[str] = field(default_factory=set)
    cte: str | None = None
    body_of: str | None = None


def _large_views(words: list[str]) -> list[str]:
    if not _is_run(words):
        return []
    found: dict[str, None] = {}
    stack = [_Query()]
    before, earlier = "", ""
    for at, word in enumerate(words):
        query = stack[-1]
        if word in ("(", "[", "{"):
            stack.append(_opened(query, before) if word == "(" else _Query())
            if _name(before) == "view_instance" and (view := _global_view(words[at + 1 : at + 4])):
                found[view] = None
        elif word in (")", "]", "}"):
            stack = stack[:-1] or [_Query()]
            if query.body_of is not None:  # its name hides the view from here on
                stack[-1].ctes.add(query.body_of)
        elif word == ",":
            query.in_from = query.lists_tables
        elif query.in_with and before in ("WITH", "RECURSIVE", ","):
            query.cte = None if word == "RECURSIVE" else _name(word)
            query.recursive |= word == "RECURSIVE"
        elif (name := _name(word)) in _LARGE:
            is_cte = before != "." and any(name in each.ctes for each in stack)
            if query.in_from and before in _BEFORE_TABLE and not is_cte:
                found[name] = None
        elif before != "." and not (before == "AS" and earlier not in _BEFORE_NAME):
            _keyword(query, word, (earlier, before))
        before, earlier = word, before
    return list(found)


def _is_run(words: list[str]) -> bool:
    behind = takewhile(lambda word: word not in _QUERY, words)
    return words[:1] == [] or words[0] not in _NOT_RUN or "ANALYZE" in behind


def _keyword(query: _Query, word: str, before: tuple[str, str]) -> None:
    """Note where in a query a word leads to, if it is not a name."""
    if word in ("FROM", "JOIN"):
        is_distinct = before in (("IS", "DISTINCT"), ("NOT", "DISTINCT"))
        if not is_distinct and not query.own_from:
            query.in_from = query.lists_tables = True
    elif word in ("ON", "USING"):
        query.in_from = False
    elif word in _ELSEWHERE:
        query.in_from = query.lists_tables = query.own_from = False
        query.in_with = word == "WITH"


def _opened(query: _Query, before: str) -> _Query:
    """Return what an opening parenthesis begins."""
    if query.cte is None or before not in ("AS", "MATERIALIZED"):
        joined = query.in_from and before in ("FROM", "JOIN", ",", "(")
        return _Query(in_from=joined, lists_tables=joined, own_from=before in _OWN_FROM)
    name, query.cte = query.cte, None
    if name not in _LARGE:
        return _Query()
    # Only a recursive CTE means itself by its name. Another one reads the view.
    return _Query(ctes={name} if query.recursive else set(), body_of=name)


def _global_view(arguments: list[str]) -> str | None:
    """Return the large view whose global instance the arguments of view_instance() name."""
    view = arguments[0][1:-1] if arguments else ""
    is_global = view in _LARGE and arguments == [f"'{view}'", ",", "'global'"]
    return view if is_global else None


def _name(word: str) -> str:
    return word[1:-1] if word[:1] in ('"', "`", "'") else word.lower()
