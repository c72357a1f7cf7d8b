"""Which column a name means, found as the engine finds it.

The engine looks among the sources of the query that a name stands in; where none has the column,
and also where several have it, it goes on among those of the query outside. Of what a source has,
not all is known: each tells of a name that it has it, that it has not, or that this is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from micromegas_dbapi.ranges.inference.predicates import Column, Resolve
from micromegas_dbapi.ranges.inference.syntax_tree import Node, name_of, variant

__all__ = ["HAS", "HAS_NOT", "UNKNOWN", "Source", "resolver"]

HAS, HAS_NOT, UNKNOWN = "has", "has not", "unknown"


@dataclass(frozen=True)
class Source:
    """What one item of a FROM clause is: a view, a query, or, with neither, nothing of a view.

    Attributes
    ----------
    view : str or None
        The view, or the view set of an instance.
    relation : str
        How a FROM clause names it.
    path : tuple of str
        The parts of a table's name, by which a column may be qualified where there is no alias.
    query : Node or None
    ctes : mapping of str to Source
        What `query` sees.
    inner : bool
        Whether `query` sees the columns of a query outside as well.
    names : tuple of str or None
        The names of its columns, where an alias gives them: ``AS alias(a, b)``.
    """

    view: str | None = None
    relation: str = ""
    path: tuple[str, ...] = ()
    query: Node | None = None
    ctes: Mapping[str, Source] = field(default_factory=dict)
    inner: bool = False
    names: tuple[str, ...] | None = None


#: Tells of a source and a name whether it has that column.
Having = Callable[[Source, str], str]


def resolver(
    sources: Mapping[str, Source], having: Having, *, inner: bool, merged: bool
) -> Resolve:
    """Make what finds the source of a column.

    Parameters
    ----------
    sources : mapping of str to Source
        Those that the name can see, by their names.
    having : callable
    inner : bool
        Whether there is a query outside, whose columns a name may mean as well.
    merged : bool
        Whether USING or NATURAL make one column of several.
    """

    def resolve(node: Node) -> Column | None:
        kind, value = variant(node)
        parts = [name_of(part) for part in (value if kind == "CompoundIdentifier" else [value])]
        *qualifier, name = parts
        owner = _qualified(qualifier) if qualifier else _alone(name)
        if owner is None or (inner and having(sources[owner], name) != HAS):
            return None
        return owner, name

    def _qualified(qualifier: list[str]) -> str | None:
        *schema, table = qualifier
        if table not in sources:
            return None
        # public.log_entries.time: of the view, not of an alias or a query of that name.
        if schema and tuple(qualifier) not in _paths(sources[table]):
            return None
        return table

    def _alone(name: str) -> str | None:
        if merged:
            return None
        states = {owner: having(source, name) for owner, source in sources.items()}
        owners = [owner for owner, state in states.items() if state == HAS]
        doubtful = [owner for owner, state in states.items() if state == UNKNOWN]
        if len(owners) == 1:
            # In two of them it would be ambiguous: an error, or, inside, the outer query's.
            return None if inner and doubtful else owners[0]
        # Of one that may have it and no other, it is; were it not there, the engine would refuse.
        return doubtful[0] if not owners and len(doubtful) == 1 and not inner else None

    return resolve


def _paths(source: Source) -> list[tuple[str, ...]]:
    """List the ways in which a table without an alias is named in full."""
    if source.view is None or not source.path:
        return []
    table = source.path[-1]
    return [("public", table), ("datafusion", "public", table)]
