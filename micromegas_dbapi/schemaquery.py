"""A query -> another one that has its columns, and next to nothing to compute."""

from __future__ import annotations

from micromegas_dbapi.statement import tokens

__all__ = ["query_alone", "with_one_row_of_nulls", "without_rows"]

_IGNORED = ("blank", "comment")
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


def query_alone(sql: str) -> str | None:
    """Give a query without what ends it; None if the statement is none."""
    parts = [part for part in tokens(sql) if part.kind not in _IGNORED]
    while parts and sql[parts[-1].start : parts[-1].end] == ";":
        parts.pop()
    if not parts or sql[parts[0].start : parts[0].end].upper() not in _QUERIES:
        return None
    return sql[parts[0].start : parts[-1].end]
