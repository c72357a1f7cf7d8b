"""Measure how deep the syntax tree of a statement is, before a parser builds it.

Parsers and planners call themselves for each level of the tree, and end the process when their
stack overflows. They limit the nesting of brackets themselves, but not what the text has in a row:
``1 + 1 + 1`` is a tree as deep as it has operators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from micromegas_dbapi.sql.statement import Statement

__all__ = ["SHALLOW", "Nesting", "nesting"]

#: A statement of up to this many characters is not deep.
SHALLOW = 1000

_LOGICAL = frozenset({"AND", "OR"})
_OPERATORS = frozenset({"NOT", "IS", "LIKE", "ILIKE", "SIMILAR", "BETWEEN", "IN", "COLLATE", "AT"})
_QUERIES = frozenset({"SELECT", "JOIN", "OVER", "UNION", "EXCEPT", "INTERSECT", "UNNEST"})
_CLAUSES = frozenset(
    {"SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "QUALIFY", "LIMIT", "OFFSET", "VALUES"}
    | {"ON", "WHEN", "THEN", "ELSE", "UNION", "EXCEPT", "INTERSECT", "JOIN", "AS", "WINDOW"}
)
_SYMBOLS = frozenset("+-*/%|&^=<>!~#@?")


class Nesting(NamedTuple):
    """How deep a statement is.

    Attributes
    ----------
    operators : int
        At least the depth of its deepest expression.
    queries : int
        At least the depth of its plan: the number of queries, joins, windows and the like.
    """

    operators: int
    queries: int


@dataclass
class _Level:
    """The text within a pair of brackets, up to the current token."""

    logical: int = 0  # operators that combine conditions, in the current expression
    others: int = 0  # other operators since the last of these
    most: int = 0  # others, in one condition
    inner: int = 0  # the depth of brackets in it
    deepest: int = 0  # the depth of the expressions before
    lists_tables: bool = False

    @property
    def depth(self) -> int:
        current = self.logical + max(self.most, self.others) + self.inner
        return max(self.deepest, current)

    def separate(self) -> None:
        self.deepest = self.depth
        self.logical = self.others = self.most = self.inner = 0

    def combine(self) -> None:
        self.logical += 1
        self.most = max(self.most, self.others)
        self.others = 0


def nesting(statement: Statement) -> Nesting:
    """Measure a statement.

    Parameters
    ----------
    statement : Statement
        One or several statements. Its tokens are used if it is longer than `SHALLOW`.

    Returns
    -------
    Nesting
        Zeros for a short statement.

    Examples
    --------
    >>> nesting(Statement("SELECT " + "1+" * 1000 + "1"))
    Nesting(operators=1000, queries=1)
    """
    if len(statement.text) <= SHALLOW:
        return Nesting(0, 0)
    levels, queries = [_Level()], 0
    symbol_end = -1  # where an operator ends that a second symbol may belong to
    for token in statement.code:
        word, level = statement.text_of(token), levels[-1]
        if token.kind == "word":
            word = word.upper()
            queries += word in _QUERIES
            if word in _LOGICAL:
                level.combine()
            elif word in _CLAUSES:
                level.separate()
                level.lists_tables = word == "FROM" or (level.lists_tables and word in ("ON", "AS"))
            level.others += word in _OPERATORS
        elif word in ("(", "["):
            level.others += word == "["
            levels.append(_Level())
        elif word in (")", "]"):
            if len(levels) > 1:
                inner = levels.pop().depth
                levels[-1].inner = max(levels[-1].inner, inner)
        elif word == ",":
            level.separate()
            queries += level.lists_tables
        elif token.kind == "cast" or word[:1] in _SYMBOLS:
            second = token.start == symbol_end
            level.others += not second
            symbol_end = -1 if second else token.end
    depth = 0
    for level in reversed(levels):  # several, if brackets are not closed
        depth += level.depth
    return Nesting(depth, queries)
