"""Read FROM clauses: the sources of their items, and the conditions of their joins.

Each item between commas is a chain of joins. An ON sees only the sources of its own chain, up to
the join that it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from micromegas_dbapi.ranges.inference.name_resolution import Source
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    UnprovableError,
    argument_list,
    expect_only,
    name_of,
    names_of,
    string_literal,
    subqueries,
    variant,
)
from micromegas_dbapi.sql.literals import literal

__all__ = ["FromClause", "JoinCondition", "read_from_clause"]

# Schemas and table functions that no time range filters.
_UNFILTERED_SOURCES = (
    *("information_schema", "generate_series", "range", "unnest", "list_view_sets"),
    *("list_partitions", "materialize_partitions", "retire_partitions", "regenerate_partitions"),
)

_TABLE = ("name", "alias", "args")
_DERIVED = ("subquery", "alias")
_INNER = ("Join", "Inner", "CrossJoin")
_SIDES = {
    **dict.fromkeys(_INNER, ""),
    **dict.fromkeys(("Left", "LeftOuter"), "left"),
    **dict.fromkeys(("Right", "RightOuter"), "right"),
    "FullOuter": "full",
}


@dataclass(frozen=True)
class JoinCondition:
    """The condition of a join.

    Attributes
    ----------
    condition : Node
        The expression behind ON.
    visible : frozenset of str
        The sources whose columns it sees.
    bound : frozenset of str
        The sources whose rows do not affect the result unless they satisfy it.
    """

    condition: Node
    visible: frozenset[str]
    bound: frozenset[str]


@dataclass
class FromClause:
    """A FROM clause.

    Attributes
    ----------
    sources : dict of str to Source
        By alias, or by the name of the table.
    conditions : list of JoinCondition
        The conditions of all joins.
    merged : bool
        Whether USING or NATURAL merges columns of several sources.
    expressions : list of Node
        Arguments of UNNEST, which may contain queries.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    conditions: list[JoinCondition] = field(default_factory=list)
    merged: bool = False
    expressions: list[Node] = field(default_factory=list)


def read_from_clause(
    items: list[Node], ctes: Mapping[str, Source], inner: bool, unfiltered: list[str]
) -> FromClause:
    """Read a FROM clause.

    Parameters
    ----------
    items : list of Node
        The items between the commas.
    ctes : mapping of str to Source
        The CTEs that the clause sees.
    inner : bool
        Whether its queries see the columns of an outer query.
    unfiltered : list of str
        Receives the names of sources that no time range filters.

    Returns
    -------
    FromClause
        All items together.

    Raises
    ------
    UnprovableError
        If the clause has parts that are not understood.
    """
    clause = FromClause()
    reader = _Reader(clause, ctes, inner, unfiltered)
    for item in items:
        reader.chain(item)
    return clause


class _Reader:
    def __init__(
        self, clause: FromClause, ctes: Mapping[str, Source], inner: bool, unfiltered: list[str]
    ) -> None:
        self._clause = clause
        self._ctes = ctes
        self._inner = inner
        self._unfiltered = unfiltered

    def chain(self, item: Node) -> frozenset[str]:
        """Read a chain of joins, and return the names of its sources."""
        expect_only("FROM", item, "relation", "joins")
        names = self._relation(item["relation"])
        for join in item["joins"]:
            expect_only("JOIN", join, "relation", "join_operator")
            right = self._relation(join["relation"])
            self._join(join["join_operator"], names, right)
            names |= right
        return names

    def _join(self, operator: Node, left: frozenset[str], right: frozenset[str]) -> None:
        kind, constraint = variant(operator)
        if kind not in _SIDES:
            raise UnprovableError(f"{_sql_name(kind)} JOIN is not understood")
        how, value = variant(constraint)
        if how in ("Using", "Natural"):
            self._clause.merged = True
        elif how == "On":
            # An outer join keeps the rows of a side even if they do not satisfy the condition.
            bound = {"": left | right, "left": right, "right": left, "full": frozenset[str]()}
            self._clause.conditions.append(JoinCondition(value, left | right, bound[_SIDES[kind]]))
        elif how != "None":
            raise UnprovableError(f"JOIN with {how.upper()} is not understood")

    def _relation(self, relation: Node) -> frozenset[str]:
        kind, node = variant(relation)
        if kind == "NestedJoin":
            expect_only("a join in parentheses", node, "table_with_joins")
            return self.chain(node["table_with_joins"])
        if kind == "Derived":
            expect_only("a query in FROM", node, *_DERIVED)
            source = Source(query=node["subquery"], ctes=self._ctes, inner=self._inner)
        elif kind == "Table":
            expect_only("a table", node, *_TABLE)
            source = self._table(node)
        elif kind == "UNNEST":
            expect_only("UNNEST", node, "array_exprs", "alias")
            self._clause.expressions.append(node["array_exprs"])
            self._unfiltered.append("unnest")
            source = Source()
        else:
            raise UnprovableError(f"{kind.upper()} in FROM is not understood")
        return self._add(node["alias"], source)

    def _add(self, alias: Node, source: Source) -> frozenset[str]:
        name, names = source.path[-1] if source.path else "", source.names
        if alias is not None:
            expect_only("an alias", alias, "name", "columns", "explicit")
            name = name_of(alias["name"])
            renamed = tuple(name_of(column["name"]) for column in alias["columns"])
            names = renamed or names
            source = replace(source, path=(), names=names)
        if not name:
            name = f"#{len(self._clause.sources)}"
        if name in self._clause.sources:
            raise UnprovableError(f"two tables are named {name}")
        self._clause.sources[name] = source
        return frozenset((name,))

    def _table(self, node: Node) -> Source:
        path = names_of(node["name"])
        if node["args"] is not None:
            return self._function(path, node["args"])
        # The engine also looks up a name with dots among the CTEs, as a single name.
        cte = self._ctes.get(".".join(path))
        if cte is not None:
            return replace(cte, path=tuple(path[-1:]))
        *schema, table = path
        if schema and schema[-1] in _UNFILTERED_SOURCES and schema[:-1] in ([], ["datafusion"]):
            self._unfiltered.append(schema[-1])
            return Source(path=(table,))
        if schema not in ([], ["public"], ["datafusion", "public"]):
            shown = ".".join(path)
            raise UnprovableError(f"the table {shown} is not in the schema public")
        quoted = '"' + table.replace('"', '""') + '"'
        is_quoted = variant(node["name"][-1])[1]["quote_style"] is not None
        return Source(table, quoted if is_quoted else table, (table,))

    def _function(self, path: list[str], arguments: Node) -> Source:
        expect_only("a table function", arguments, "args")
        name = ".".join(path)
        plain_arguments = argument_list({"List": {"args": arguments["args"]}})
        if name == "view_instance":
            strings = [string_literal(each) for each in plain_arguments or []]
            if len(strings) != 2 or strings[0] is None or strings[1] is None:
                raise UnprovableError("view_instance() is understood only with two string literals")
            view, instance = strings
            return Source(view, f"view_instance({literal(view)}, {literal(instance)})")
        if name in _UNFILTERED_SOURCES and not any(subqueries(arguments)):
            self._unfiltered.append(name)
            return Source()
        raise UnprovableError(f"the table function {name}() is not known")


def _sql_name(kind: str) -> str:
    """Convert the name of a variant to SQL: LeftSemi to LEFT SEMI."""
    words = "".join(f" {char}" if char.isupper() else char for char in kind).split()
    return "ASOF" if kind == "AsOf" else " ".join(words).upper()
