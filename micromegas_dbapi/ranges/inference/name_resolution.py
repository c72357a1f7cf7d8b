"""Resolve column names to their sources, as the engine does.

The engine searches the sources of the query that contains a name. If none of them has the column,
or if several have it, it continues with those of the outer query. The columns of a source are not
always known, so a source has a column, has it not, or this is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from micromegas_dbapi.ranges.inference.predicates import Column, Resolve
from micromegas_dbapi.ranges.inference.syntax_tree import Node, name_of, variant

__all__ = ["HAS", "HAS_NOT", "UNKNOWN", "ColumnLookup", "Source", "resolver"]

HAS, HAS_NOT, UNKNOWN = "has", "has not", "unknown"


@dataclass(frozen=True)
class Source:
    """An item of a FROM clause: a view, a query, or, with neither, a relation without a view.

    Attributes
    ----------
    view : str or None
        The view, or the view set of an instance.
    relation : str
        The name of the view in a FROM clause.
    path : tuple of str
        The parts of the table's name, which may qualify a column if there is no alias.
    query : Node or None
        A derived table, or the query of a CTE.
    ctes : mapping of str to Source
        The CTEs that `query` sees.
    inner : bool
        Whether `query` also sees the columns of an outer query.
    names : tuple of str or None
        The names of its columns, if an alias defines them: ``AS alias(a, b)``.
    """

    view: str | None = None
    relation: str = ""
    path: tuple[str, ...] = ()
    query: Node | None = None
    ctes: Mapping[str, Source] = field(default_factory=dict)
    inner: bool = False
    names: tuple[str, ...] | None = None


#: Returns `HAS`, `HAS_NOT` or `UNKNOWN` for a source and the name of a column.
ColumnLookup = Callable[[Source, str], str]


def resolver(
    sources: Mapping[str, Source], lookup: ColumnLookup, *, inner: bool, merged: bool
) -> Resolve:
    """Create a function that finds the source of a column.

    Parameters
    ----------
    sources : mapping of str to Source
        The visible sources, by their names.
    lookup : ColumnLookup
        Returns whether a source has a column.
    inner : bool
        Whether a name may also refer to a column of an outer query.
    merged : bool
        Whether USING or NATURAL merges columns of several sources.

    Returns
    -------
    Resolve
        A function of an identifier.
    """

    def _resolve(node: Node) -> Column | None:
        kind, value = variant(node)
        parts = [name_of(part) for part in (value if kind == "CompoundIdentifier" else [value])]
        *qualifier, name = parts
        owner = _qualified(qualifier) if qualifier else _unqualified(name)
        if owner is None or (inner and lookup(sources[owner], name) != HAS):
            return None
        return owner, name

    def _qualified(qualifier: list[str]) -> str | None:
        *schema, table = qualifier
        if table not in sources:
            return None
        # public.log_entries.time belongs to the view, not to an alias or a query of that name.
        if schema and tuple(qualifier) not in _paths(sources[table]):
            return None
        return table

    def _unqualified(name: str) -> str | None:
        if merged:
            return None
        states = {owner: lookup(source, name) for owner, source in sources.items()}
        owners = [owner for owner, state in states.items() if state == HAS]
        doubtful = [owner for owner, state in states.items() if state == UNKNOWN]
        if len(owners) == 1:
            # If two have it, it is ambiguous: an error, or, in a subquery, the outer query's.
            return None if inner and doubtful else owners[0]
        # If only one source may have the column, it has: otherwise the engine fails.
        return doubtful[0] if not owners and len(doubtful) == 1 and not inner else None

    return _resolve


def _paths(source: Source) -> list[tuple[str, ...]]:
    """Return the qualified names of a table without an alias."""
    if source.view is None or not source.path:
        return []
    table = source.path[-1]
    return [("public", table), ("datafusion", "public", table)]
