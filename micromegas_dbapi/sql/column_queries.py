"""Write cheap queries that have the columns of a given query."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from micromegas_dbapi.sql.lexer import IGNORED
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import MIN_NS, TimeRange

__all__ = [
    "NEVER",
    "count_of_rows",
    "query_alone",
    "types_of_rows",
    "with_one_row_of_nulls",
    "without_rows",
]

#: A range without events. Nothing is scanned, and views that require a range have one.
NEVER = TimeRange(MIN_NS, MIN_NS)

_QUERIES = ("SELECT", "WITH", "VALUES", "FROM", "(")


def without_rows(statement: Statement) -> str:
    r"""Return a query that has the columns of another one and no rows.

    Parameters
    ----------
    statement : Statement
        A statement of any kind.

    Returns
    -------
    str
        The text itself if it is DESCRIBE, SHOW or EXPLAIN, which cannot be subqueries.

    Examples
    --------
    >>> without_rows(Statement("SELECT level FROM log_entries; -- all"))
    'SELECT * FROM (\nSELECT level FROM log_entries\n) AS q LIMIT 0'
    """
    inner = query_alone(statement)
    return statement.text if inner is None else f"SELECT * FROM (\n{inner}\n) AS q LIMIT 0"


def with_one_row_of_nulls(statement: Statement) -> str:
    """Return a query that has the columns of another one and one row of nulls.

    A FlightSQL service of 0.2 sends no columns if a result has no rows. This form keeps the names
    and types of the statement, but not its nullability (tried on 0.2.3 and 0.30: ``schema_by_join``
    of the recordings).

    Parameters
    ----------
    statement : Statement
        A statement of any kind.

    Returns
    -------
    str
        The text itself if it is not a query.
    """
    inner = query_alone(statement)
    if inner is None:
        return statement.text
    return f"SELECT q.* FROM (VALUES (1)) AS one(x) LEFT JOIN (\n{inner}\n) AS q ON false"


def types_of_rows(statement: Statement, names: Sequence[str]) -> str | None:
    """Return a query for the types of another one's rows, which may differ from those in its plan.

    Its one row has the name of a type, as DataFusion writes it, for each column. Nothing is
    computed. Tried on DataFusion 43, 54 and 55. (The form of `with_one_row_of_nulls`, ``ON false``,
    would return several rows for a UNION of aggregates.)

    Parameters
    ----------
    statement : Statement
        A statement of any kind.
    names : sequence of str
        The names of its columns.

    Returns
    -------
    str or None
        None if the statement is not a query, or if several columns have the same name.
    """
    inner = query_alone(statement)
    if inner is None or len(set(names)) < len(names):
        return None
    quoted = ('"' + name.replace('"', '""') + '"' for name in names)
    types = ", ".join(f"arrow_typeof(q.{name}) AS c{at}" for at, name in enumerate(quoted))
    no_rows = f"SELECT * FROM (\n{inner}\n) AS i LIMIT 0"
    return f"SELECT {types} FROM (VALUES (1)) AS one(x) LEFT JOIN ({no_rows}) AS q ON true"


def count_of_rows(statement: Statement) -> str | None:
    r"""Return a query for the number of rows of another one that may have no columns.

    Parameters
    ----------
    statement : Statement
        A statement of any kind.

    Returns
    -------
    str or None
        None if the statement is not a query, or has no ``SELECT`` without columns.

    Examples
    --------
    >>> count_of_rows(Statement("SELECT FROM log_entries"))
    'SELECT count(*) AS rows FROM (\nSELECT FROM log_entries\n) AS q'
    """
    inner = query_alone(statement)
    words = [statement.text_of(p).upper() for p in statement.tokens if p.kind not in IGNORED]
    if inner is None or ("SELECT", "FROM") not in pairwise(words):
        return None
    return f"SELECT count(*) AS rows FROM (\n{inner}\n) AS q"


def query_alone(statement: Statement) -> str | None:
    """Strip whitespace, comments and semicolons around a query, so that it can be a subquery.

    Parameters
    ----------
    statement : Statement
        A statement of any kind.

    Returns
    -------
    str or None
        None if the statement is not a query.
    """
    parts = [(part, statement.text_of(part)) for part in statement.tokens]
    # Both tokens around the part of a comment that some engines run must be kept.
    parts = [
        (part, text)
        for part, text in parts
        if part.kind != "blank"
        and (part.kind != "comment" or text == "*/" or text.startswith("/*!"))
    ]
    while parts and parts[-1][1] == ";":
        parts.pop()
    words = (text.upper() for part, text in parts if part.kind != "comment")
    if next(words, None) not in _QUERIES:
        return None
    return statement.text[parts[0][0].start : parts[-1][0].end]
