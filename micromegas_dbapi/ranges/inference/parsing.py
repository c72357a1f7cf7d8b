"""Parse a statement into the syntax tree of its query, or refuse it."""

from __future__ import annotations

import re
from functools import cache, partial

import sqloxide

from micromegas_dbapi.large_stack import run_with_large_stack
from micromegas_dbapi.ranges.inference.lexical_subset import difference
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    UnprovableError,
    expect_only,
    variant,
    without_spans,
)
from micromegas_dbapi.sql.nesting import nesting
from micromegas_dbapi.sql.statement import Statement

__all__ = ["NoQueryError", "parse"]

_LONGEST = 200_000
# The parser calls itself for each level. 1,000 need less than half a MiB of stack, which threads
# have on macOS; more levels get a large stack.
_SHALLOW = 1000
_DEEPEST = 5000


class NoQueryError(UnprovableError):
    """Raised for a statement that provably reads no view."""


_WHITESPACE = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*(?:(?!\*/|/\*).)*\*/)*", re.DOTALL)
_QUERY = re.compile(r"\(|(?:select|with|values|from|explain)\b", re.IGNORECASE)
# The parser takes END for the end of a block, and ignores the rest of the text. So a statement is
# appended: if the parser does not return it, it has not read the whole text.
_SENTINEL = "\n;SELECT 1"
_POSITION = re.compile(r"at Line: (\d+), Column: (\d+)")
# DESCRIBE of a query reads views: on DataFusion 43 it is EXPLAIN, and plans the scans.
_NO_VIEW = re.compile(
    r"(?:show|set|reset)\b|(?:describe|desc)\s+(?!(?:select|from|with)\b)[\w.\"]+\s*;?\s*\Z",
    re.IGNORECASE,
)


def parse(query: Statement) -> Node:
    """Parse a query, or the query behind EXPLAIN.

    Parameters
    ----------
    query : Statement
        A statement of any kind.

    Returns
    -------
    Node
        The query.

    Raises
    ------
    NoQueryError
        If the statement is one that reads no view, such as SHOW.
    UnprovableError
        If the statement is not a single query, or if query engines read its text in different ways.
    """
    sql = query.text
    if len(sql) > _LONGEST:
        raise UnprovableError(f"the statement is longer than {_LONGEST:,} characters")
    depth = max(nesting(query))
    if depth > _DEEPEST:
        raise UnprovableError(f"the statement is deeper than {_DEEPEST:,} operators or queries")
    if (found := difference(query)) is not None:
        raise UnprovableError(f"the statement has {found}")
    at = _end(_WHITESPACE, sql, 0)
    if not _QUERY.match(sql, at):
        word = (sql[at:].split(maxsplit=1) or ["nothing"])[0][:20]
        refusal = NoQueryError if _NO_VIEW.match(sql, at) else UnprovableError
        raise refusal(f"a statement that begins with {word} gets no range")
    try:
        read = partial(sqloxide.parse_sql, sql + _SENTINEL, "generic")
        *statements, last = read() if depth <= _SHALLOW else run_with_large_stack(read)
    except ValueError as error:
        position = _POSITION.search(str(error))
        where = f" at line {position[1]}, column {position[2]}" if position else ""
        raise UnprovableError(f"the statement cannot be parsed{where}") from error
    if len(statements) != 1 or without_spans(last) != _sentinel():
        count = len(statements) or "parts of two"
        raise UnprovableError(f"the text has {count} statements")
    kind, statement = variant(statements[0])
    if kind == "Explain":  # so that it shows the plan of the query with its range
        expect_only("EXPLAIN", statement, "describe_alias", "analyze", "verbose", "statement")
        kind, statement = variant(statement["statement"])
    if kind != "Query":
        raise UnprovableError(f"{kind.upper()} is not understood")
    return statement


@cache
def _sentinel() -> Node:
    return without_spans(sqloxide.parse_sql(_SENTINEL, "generic")[0])


def _end(pattern: re.Pattern[str], sql: str, at: int) -> int:
    match = pattern.match(sql, at)
    return at if match is None else match.end()
