"""Every scan of a view in a statement, and what each row of it that counts must satisfy.

The service drops rows of each scan on its own, also of those in subqueries and the branches of a
UNION. So each must prove for itself which rows cannot matter; what is not understood raises
`UnprovableError`, and the statement gets no range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from micromegas_dbapi.ranges.inference.instants import Clock
from micromegas_dbapi.ranges.inference.joins import From, sources_of
from micromegas_dbapi.ranges.inference.name_resolution import (
    HAS,
    HAS_NOT,
    UNKNOWN,
    Source,
    resolver,
)
from micromegas_dbapi.ranges.inference.outputs import (
    by_name,
    by_position,
    group_keys,
    is_key,
    keeps_rows_apart,
    outputs,
    passed_through,
    plain_star,
    same_star,
)
from micromegas_dbapi.ranges.inference.predicates import (
    Facts,
    Interval,
    Resolve,
    facts,
    intersection,
)
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    UnprovableError,
    name_of,
    only,
    queries_within,
    variant,
)
from micromegas_dbapi.service.catalog import UNFILTERED, TimeColumns

__all__ = ["Scan", "Scans"]

_QUERY = ("with", "body", "order_by", "limit_clause", "fetch")
_SELECT = (
    *("projection", "from", "selection", "group_by", "having", "distinct", "named_window"),
    *("qualify", "window_before_qualify", "flavor"),
)
_CTE = ("alias", "query", "materialized")


@dataclass(frozen=True)
class Scan:
    """One scan of a view.

    Attributes
    ----------
    view : str
        The view, or the view set of an instance.
    relation : str
        How a statement names it.
    bounds : mapping of str to Interval
        Columns, and where they lie in each row that can count.
    """

    view: str
    relation: str
    bounds: Mapping[str, Interval]


class Scans:
    """Collects the scans of a statement.

    Parameters
    ----------
    known : mapping of str to TimeColumns or None
        The views whose time columns are known.
    clock : Clock
        What ``now()`` is at or after.

    Attributes
    ----------
    found : list of Scan
    neutral : list of str
        What is read that no range means anything for.
    """

    def __init__(self, known: Mapping[str, TimeColumns | None], clock: Clock) -> None:
        self._known = known
        self._clock = clock
        self.found: list[Scan] = []
        self.neutral: list[str] = []

    def query(
        self,
        query: Node,
        ctes: Mapping[str, Source],
        outer: Mapping[str, Interval],
        *,
        inner: bool = False,
    ) -> None:
        """Collect the scans of a query of which only rows within `outer` count.

        Parameters
        ----------
        query : Node
        ctes : mapping of str to Source
            The names of WITH that it sees.
        outer : mapping of str to Interval
            Its columns.
        inner : bool
            Whether it stands in an expression of another query, whose columns it sees as well.
        """
        only("a query", query, *_QUERY)
        ctes = self._with(query, ctes, inner)
        if query["limit_clause"] is not None or query["fetch"] is not None:
            outer = {}
        self._body(query["body"], ctes, outer, inner)
        self._nested([query[part] for part in ("order_by", "limit_clause", "fetch")], ctes)

    def _with(self, query: Node, ctes: Mapping[str, Source], inner: bool) -> Mapping[str, Source]:
        clause = query["with"]
        if clause is None:
            return ctes
        if clause["recursive"]:
            raise UnprovableError("a recursive WITH is not understood")
        only("WITH", clause, "cte_tables")
        own: dict[str, Source] = {}
        for cte in clause["cte_tables"]:
            only("a part of WITH", cte, *_CTE)
            name, names = _alias(cte["alias"])
            if name in own:
                raise UnprovableError(f"{name} stands twice in WITH")
            seen = {**ctes, **own}
            own[name] = Source(query=cte["query"], ctes=seen, inner=inner, names=names)
        return {**ctes, **own}

    def _body(
        self, body: Node, ctes: Mapping[str, Source], outer: Mapping[str, Interval], inner: bool
    ) -> None:
        kind, value = variant(body)
        if kind == "Select":
            self._select(value, ctes, outer, inner)
        elif kind == "Query":
            self.query(value, ctes, outer, inner=inner)
        elif kind == "SetOperation":
            only("a set operation", value, "op", "set_quantifier", "left", "right")
            passed = by_position(body, outer)
            whole = outer if outer and same_star(body) else {}
            for branch in (value["left"], value["right"]):
                self._body(branch, ctes, {**whole, **by_name(branch, passed)}, inner)
        elif kind == "Values":
            self._nested(value["rows"], ctes)
        else:
            raise UnprovableError(f"{kind.upper()} is not understood")

    def _select(
        self,
        select: Node,
        ctes: Mapping[str, Source],
        outer: Mapping[str, Interval],
        inner: bool,
    ) -> None:
        only("SELECT", select, *_SELECT)
        found = sources_of(select["from"], ctes, inner, self.neutral)
        resolve = self._resolver(found, found.sources, inner)
        known: Facts = {}
        for on in found.conditions:
            seen = {name: found.sources[name] for name in on.visible}
            said = facts(on.condition, self._resolver(found, seen, inner), self._clock)
            known = intersection(known, {c: lies for c, lies in said.items() if c[0] in on.bound})
        if select["selection"] is not None:  # NULLs of unmatched rows are kept by no comparison
            known = intersection(known, facts(select["selection"], resolve, self._clock))
        known = intersection(known, self._asked(select, found, outer, resolve))
        for name, source in found.sources.items():
            self._scan(name, source, known)
        inside = [value for part, value in select.items() if part != "from"]
        self._nested([*inside, *(on.condition for on in found.conditions)], ctes)
        self._nested(found.expressions, ctes)

    def _asked(
        self, select: Node, found: From, outer: Mapping[str, Interval], resolve: Resolve
    ) -> Facts:
        """Tell what the outer query's conditions say of the columns inside."""
        keys = None if keeps_rows_apart(select) else group_keys(select)
        if not outer or (keys is None and not keeps_rows_apart(select)):
            return {}
        alone = next(iter(found.sources)) if len(found.sources) == 1 else None
        known: Facts = {}
        for name, lies in outer.items():
            passed = passed_through(select, name, alone, resolve)
            if passed is None:
                continue
            if keys is None or is_key(select, name, keys, passed, resolve):
                known = intersection(known, {passed.column: passed.before(*lies)})
        return known

    def _scan(self, name: str, source: Source, known: Facts) -> None:
        bounds = {column: lies for (owner, column), lies in known.items() if owner == name}
        if source.names is not None:  # the columns have other names inside
            bounds = {}
        if source.view is not None and self._known.get(source.view) == UNFILTERED:
            self.neutral.append(source.view)
        elif source.view is not None:
            self.found.append(Scan(source.view, source.relation, bounds))
        elif source.query is not None:
            self.query(source.query, source.ctes, bounds, inner=source.inner)

    def _resolver(self, found: From, seen: Mapping[str, Source], inner: bool) -> Resolve:
        return resolver(seen, self._having, inner=inner, merged=found.merged)

    def _having(self, source: Source, name: str) -> str:
        """Tell whether a source has a column."""
        if source.names is not None:
            return HAS if name in source.names else UNKNOWN  # an alias may name the first ones only
        if source.view is not None:
            columns = self._known.get(source.view)
            known = columns is not None and name in (columns.upto, columns.since)
            return HAS if known else UNKNOWN
        return UNKNOWN if source.query is None else self._given_out(source.query, source.ctes, name)

    def _given_out(self, query: Node, ctes: Mapping[str, Source], name: str) -> str:
        """Tell whether a query gives out a column."""
        body = query["body"]
        while True:
            kind, value = variant(body)
            if kind == "SetOperation":
                body = value["left"]
            elif kind == "Query" and value["with"] is None:
                body = value["body"]
            else:
                break
        listed = outputs(body)
        if listed is not None:
            spelt = [output.name for output in listed]
            if spelt.count(name) == 1:
                return HAS
            return UNKNOWN if name in spelt or "" in spelt else HAS_NOT
        if kind != "Select" or query["with"] is not None or not plain_star(value):
            return UNKNOWN
        sources = sources_of(value["from"], ctes, False, []).sources
        if len(value["projection"]) != 1 or len(sources) != 1:
            return UNKNOWN
        return self._having(next(iter(sources.values())), name)

    def _nested(self, nodes: Node, ctes: Mapping[str, Source]) -> None:
        """Collect the scans of subqueries inside expressions: their conditions are their own."""
        for query in queries_within(nodes):
            self.query(query, ctes, {}, inner=True)


def _alias(alias: Node) -> tuple[str, tuple[str, ...] | None]:
    only("an alias", alias, "name", "columns", "explicit")
    names = tuple(name_of(column["name"]) for column in alias["columns"])
    return name_of(alias["name"]), names or None
