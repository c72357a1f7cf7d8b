"""A query -> another one that has its columns, and next to nothing to compute."""

from __future__ import annotations

from collections.abc import Sequence

from micromegas_dbapi.sql.lexer import tokens
from micromegas_dbapi.timerange import MIN_NS, TimeRange

__all__ = ["NEVER", "query_alone", "types_of_rows", "with_one_row_of_nulls", "without_rows"]

#: An instant at which there are no events: nothing is scanned, and what needs a range has one.
NEVER = TimeRange(MIN_NS, MIN_NS)

_QUERIES = ("SELECT", "WITH", "VALUES", "FROM", "(")


def without_rows(sql: str) -> str:
    r"""Write a query that has the columns of another, and no rows.

    Parameters
    ----------
    sql : str
        A statement of any kind.

    Returns
    -------
    str
        DESCRIBE, SHOW and EXPLAIN, which cannot stand inside of a query, as they are.

    Examples
    --------
    >>> without_rows("SELECT level FROM log_entries; -- all")
    'SELECT * FROM (\nSELECT level FROM log_entries\n) AS q LIMIT 0'
    """
    inner = query_alone(sql)
    return sql if inner is None else f"SELECT * FROM (\n{inner}\n) AS q LIMIT 0"


def with_one_row_of_nulls(sql: str) -> str:
    """Write a query that has the columns of another, and one row of nulls.

    A FlightSQL service of 0.2 sends nothing at all where there are no rows, not even columns. That
    this form has the names and types of the statement itself, though not its nullability, was
    tried on 0.2.3 and 0.30 (``schema_by_join`` of the recordings).
    """
    inner = query_alone(sql)
    if inner is None:
        return sql
    return f"SELECT q.* FROM (VALUES (1)) AS one(x) LEFT JOIN (\n{inner}\n) AS q ON false"


def types_of_rows(sql: str, names: Sequence[str]) -> str | None:
    """Write a query that tells the types of another one's rows, which its plan may tell wrong.

    Its one row has the name of a type, as DataFusion spells it, for each column; nothing is
    computed. Tried on DataFusion 43, 54 and 55. (Not ``ON false``, as below: of a UNION of
    aggregates these make several rows.)

    Parameters
    ----------
    sql : str
    names : sequence of str
        The names of its columns.

    Returns
    -------
    str or None
        None where that cannot be asked: `sql` is no query, or columns have one name.
    """
    inner = query_alone(sql)
    if inner is None or len(set(names)) < len(names):
        return None
    quoted = ('"' + name.replace('"', '""') + '"' for name in names)
    asked = ", ".join(f"arrow_typeof(q.{name}) AS c{at}" for at, name in enumerate(quoted))
    none = f"SELECT * FROM (\n{inner}\n) AS i LIMIT 0"
    return f"SELECT {asked} FROM (VALUES (1)) AS one(x) LEFT JOIN ({none}) AS q ON true"


def query_alone(sql: str) -> str | None:
    """Give a query without what ends it; None if the statement is none."""
    parts = [(part, sql[part.start : part.end]) for part in tokens(sql)]
    # What some engines run of a comment stands between two tokens, and only with both of them.
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
    return sql[parts[0][0].start : parts[-1][0].end]
