"""The items of a FROM clause: their sources, and the conditions of their joins.

Each item between commas is a chain of joins of its own: what stands in an ON sees that chain alone,
and of it what stands before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from micromegas_dbapi.ranges.inference.name_resolution import Source
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    UnprovableError,
    argument_list,
    name_of,
    names_of,
    only,
    queries_within,
    text_of,
    variant,
)
from micromegas_dbapi.sql.literals import literal

__all__ = ["NEUTRAL", "From", "On", "sources_of"]

#: What can be read without a view: schemas and table functions.
NEUTRAL: Final = (
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
class On:
    """The condition of a join.

    Attributes
    ----------
    condition : Node
    visible : frozenset of str
        The sources whose columns it sees.
    bound : frozenset of str
        The sources of which only rows that satisfy it can count.
    """

    condition: Node
    visible: frozenset[str]
    bound: frozenset[str]


@dataclass
class From:
    """A FROM clause.

    Attributes
    ----------
    sources : dict of str to Source
        By alias, or by the name of the table.
    conditions : list of On
    merged : bool
        Whether USING or NATURAL make one column of several.
    expressions : list of Node
        What else may have queries inside: arguments of table functions.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    conditions: list[On] = field(default_factory=list)
    merged: bool = False
    expressions: list[Node] = field(default_factory=list)


def sources_of(
    items: list[Node], ctes: Mapping[str, Source], inner: bool, neutral: list[str]
) -> From:
    """Read a FROM clause.

    Parameters
    ----------
    items : list of Node
    ctes : mapping of str to Source
        The names of WITH that it sees.
    inner : bool
        Whether its queries see the columns of a query outside.
    neutral : list of str
        Takes the names of what is read that no range means anything for.

    Raises
    ------
    UnprovableError
    """
    found = From()
    reader = _Reader(found, ctes, inner, neutral)
    for item in items:
        reader.chain(item)
    return found


class _Reader:
    def __init__(
        self, found: From, ctes: Mapping[str, Source], inner: bool, neutral: list[str]
    ) -> None:
        self._found = found
        self._ctes = ctes
        self._inner = inner
        self._neutral = neutral

    def chain(self, item: Node) -> frozenset[str]:
        """Read joins in a row; give the names of their sources."""
        only("FROM", item, "relation", "joins")
        names = self._relation(item["relation"])
        for join in item["joins"]:
            only("JOIN", join, "relation", "join_operator")
            right = self._relation(join["relation"])
            self._join(join["join_operator"], names, right)
            names |= right
        return names

    def _join(self, operator: Node, left: frozenset[str], right: frozenset[str]) -> None:
        kind, constraint = variant(operator)
        if kind not in _SIDES:
            raise UnprovableError(f"{_spaced(kind)} JOIN is not understood")
        how, value = variant(constraint)
        if how in ("Using", "Natural"):
            self._found.merged = True
        elif how == "On":
            # A row without a partner is kept on the other side, whatever the condition says.
            bound = {"": left | right, "left": right, "right": left, "full": frozenset[str]()}
            self._found.conditions.append(On(value, left | right, bound[_SIDES[kind]]))
        elif how != "None":
            raise UnprovableError(f"JOIN with {how.upper()} is not understood")

    def _relation(self, relation: Node) -> frozenset[str]:
        kind, node = variant(relation)
        if kind == "NestedJoin":
            only("a join in parentheses", node, "table_with_joins")
            return self.chain(node["table_with_joins"])
        if kind == "Derived":
            only("a query in FROM", node, *_DERIVED)
            source = Source(query=node["subquery"], ctes=self._ctes, inner=self._inner)
        elif kind == "Table":
            only("a table", node, *_TABLE)
            source = self._table(node)
        elif kind == "UNNEST":
            only("UNNEST", node, "array_exprs", "alias")
            self._found.expressions.append(node["array_exprs"])
            self._neutral.append("unnest")
            source = Source()
        else:
            raise UnprovableError(f"{kind.upper()} in FROM is not understood")
        return self._named(node["alias"], source)

    def _named(self, alias: Node, source: Source) -> frozenset[str]:
        name, names = source.path[-1] if source.path else "", source.names
        if alias is not None:
            only("an alias", alias, "name", "columns", "explicit")
            name = name_of(alias["name"])
            renamed = tuple(name_of(column["name"]) for column in alias["columns"])
            names = renamed or names
            source = replace(source, path=(), names=names)
        if not name:
            name = f"#{len(self._found.sources)}"
        if name in self._found.sources:
            raise UnprovableError(f"two tables are called {name}")
        self._found.sources[name] = source
        return frozenset((name,))

    def _table(self, node: Node) -> Source:
        path = names_of(node["name"])
        if node["args"] is not None:
            return self._function(path, node["args"])
        # The engine looks a name with dots up among those of WITH as well, as one text.
        cte = self._ctes.get(".".join(path))
        if cte is not None:
            return replace(cte, path=tuple(path[-1:]))
        *schema, table = path
        if schema and schema[-1] in NEUTRAL and schema[:-1] in ([], ["datafusion"]):
            self._neutral.append(schema[-1])
            return Source(path=(table,))
        if schema not in ([], ["public"], ["datafusion", "public"]):
            shown = ".".join(path)
            raise UnprovableError(f"the table {shown} is of another schema than public")
        quoted = '"' + table.replace('"', '""') + '"'
        plain = variant(node["name"][-1])[1]["quote_style"] is None
        return Source(table, table if plain else quoted, (table,))

    def _function(self, path: list[str], arguments: Node) -> Source:
        only("a table function", arguments, "args")
        name = ".".join(path)
        given = argument_list({"List": {"args": arguments["args"]}})
        if name == "view_instance":
            texts = [text_of(each) for each in given or []]
            if len(texts) != 2 or texts[0] is None or texts[1] is None:
                raise UnprovableError("view_instance() is understood with two texts")
            view, instance = texts
            return Source(view, f"view_instance({literal(view)}, {literal(instance)})")
        if name in NEUTRAL and not any(queries_within(arguments)):
            self._neutral.append(name)
            return Source()
        raise UnprovableError(f"what the table function {name}() reads is not known")


def _spaced(kind: str) -> str:
    """Write the name of a variant as SQL has it: LeftSemi as LEFT SEMI."""
    words = "".join(f" {sign}" if sign.isupper() else sign for sign in kind).split()
    return "ASOF" if kind == "AsOf" else " ".join(words).upper()
