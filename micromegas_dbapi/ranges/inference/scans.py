"""Collect the scans of views in a statement, with the bounds of the rows that affect the result.

The service filters each scan separately, also in subqueries and in the branches of a UNION. So the
bounds of each scan must be proven separately. A construct that is not understood raises
`UnprovableError`, and the statement gets no range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from micromegas_dbapi.ranges.inference.instants import Clock
from micromegas_dbapi.ranges.inference.joins import FromClause, read_from_clause
from micromegas_dbapi.ranges.inference.name_resolution import (
    HAS,
    HAS_NOT,
    UNKNOWN,
    Source,
    resolver,
)
from micromegas_dbapi.ranges.inference.outputs import (
    has_plain_star,
    is_group_key,
    output_column,
    outputs,
)
from micromegas_dbapi.ranges.inference.predicates import (
    Facts,
    Interval,
    Resolve,
    facts,
    intersection,
)
from micromegas_dbapi.ranges.inference.pushdown import allows_pushdown, group_keys
from micromegas_dbapi.ranges.inference.set_operations import (
    intervals_by_name,
    intervals_by_position,
    unions_same_star,
)
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    UnprovableError,
    expect_only,
    name_of,
    subqueries,
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
        The name of the view in a FROM clause.
    bounds : mapping of str to Interval
        The intervals of columns, by name. Rows outside of them do not affect the result.
    """

    view: str
    relation: str
    bounds: Mapping[str, Interval]


class Scans:
    """Collector of the scans of a statement.

    Parameters
    ----------
    known : mapping of str to TimeColumns or None
        The time columns of views, by name.
    clock : Clock
        A lower bound of ``now()``.

    Attributes
    ----------
    found : list of Scan
        The scans of views.
    unfiltered : list of str
        The names of other sources, which no time range filters.
    """

    def __init__(self, known: Mapping[str, TimeColumns | None], clock: Clock) -> None:
        self._known = known
        self._clock = clock
        self.found: list[Scan] = []
        self.unfiltered: list[str] = []

    def query(
        self,
        query: Node,
        ctes: Mapping[str, Source],
        outer: Mapping[str, Interval],
        *,
        inner: bool = False,
    ) -> None:
        """Collect the scans of a query.

        Parameters
        ----------
        query : Node
            The query, with its WITH, ORDER BY and LIMIT clauses.
        ctes : mapping of str to Source
            The CTEs that it sees.
        outer : mapping of str to Interval
            The intervals of its output columns. Output rows outside of them do not affect the
            result of the statement.
        inner : bool, default False
            Whether it is a subquery in an expression, which also sees the columns of the outer
            query.

        Raises
        ------
        UnprovableError
            If the query has parts that are not understood.
        """
        expect_only("a query", query, *_QUERY)
        ctes = self._with(query, ctes, inner)
        if query["limit_clause"] is not None or query["fetch"] is not None:
            outer = {}
        self._body(query["body"], ctes, outer, inner)
        self._subqueries([query[part] for part in ("order_by", "limit_clause", "fetch")], ctes)

    def _with(self, query: Node, ctes: Mapping[str, Source], inner: bool) -> Mapping[str, Source]:
        clause = query["with"]
        if clause is None:
            return ctes
        if clause["recursive"]:
            raise UnprovableError("a recursive WITH is not understood")
        expect_only("WITH", clause, "cte_tables")
        own: dict[str, Source] = {}
        for cte in clause["cte_tables"]:
            expect_only("a part of WITH", cte, *_CTE)
            name, names = _alias(cte["alias"])
            if name in own:
                raise UnprovableError(f"{name} is defined twice in WITH")
            visible = {**ctes, **own}
            own[name] = Source(query=cte["query"], ctes=visible, inner=inner, names=names)
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
            expect_only("a set operation", value, "op", "set_quantifier", "left", "right")
            passed = intervals_by_position(body, outer)
            all_names = outer if outer and unions_same_star(body) else {}
            for branch in (value["left"], value["right"]):
                named = {**all_names, **intervals_by_name(branch, passed)}
                self._body(branch, ctes, named, inner)
        elif kind == "Values":
            self._subqueries(value["rows"], ctes)
        else:
            raise UnprovableError(f"{kind.upper()} is not understood")

    def _select(
        self,
        select: Node,
        ctes: Mapping[str, Source],
        outer: Mapping[str, Interval],
        inner: bool,
    ) -> None:
        expect_only("SELECT", select, *_SELECT)
        clause = read_from_clause(select["from"], ctes, inner, self.unfiltered)
        resolve = self._resolver(clause, clause.sources, inner)
        known: Facts = {}
        for on in clause.conditions:
            visible = {name: clause.sources[name] for name in on.visible}
            implied = facts(on.condition, self._resolver(clause, visible, inner), self._clock)
            known = intersection(
                known, {c: interval for c, interval in implied.items() if c[0] in on.bound}
            )
        if select["selection"] is not None:  # no comparison keeps the NULLs of unmatched rows
            known = intersection(known, facts(select["selection"], resolve, self._clock))
        known = intersection(known, self._pushed_down(select, clause, outer, resolve))
        for name, source in clause.sources.items():
            self._scan(name, source, known)
        inside = [value for part, value in select.items() if part != "from"]
        self._subqueries([*inside, *(on.condition for on in clause.conditions)], ctes)
        self._subqueries(clause.expressions, ctes)

    def _pushed_down(
        self, select: Node, clause: FromClause, outer: Mapping[str, Interval], resolve: Resolve
    ) -> Facts:
        """Convert the intervals of output columns to facts about the columns of the sources."""
        keys = None if allows_pushdown(select) else group_keys(select)
        if not outer or (keys is None and not allows_pushdown(select)):
            return {}
        only_source = next(iter(clause.sources)) if len(clause.sources) == 1 else None
        known: Facts = {}
        for name, interval in outer.items():
            passed = output_column(select, name, only_source, resolve)
            if passed is None:
                continue
            if keys is None or is_group_key(select, name, keys, passed, resolve):
                known = intersection(known, {passed.column: passed.unrounded(*interval)})
        return known

    def _scan(self, name: str, source: Source, known: Facts) -> None:
        bounds = {column: interval for (owner, column), interval in known.items() if owner == name}
        if source.names is not None:  # an alias renames the columns
            bounds = {}
        if source.view is not None and self._known.get(source.view) == UNFILTERED:
            self.unfiltered.append(source.view)
        elif source.view is not None:
            self.found.append(Scan(source.view, source.relation, bounds))
        elif source.query is not None:
            self.query(source.query, source.ctes, bounds, inner=source.inner)

    def _resolver(self, clause: FromClause, visible: Mapping[str, Source], inner: bool) -> Resolve:
        return resolver(visible, self._has_column, inner=inner, merged=clause.merged)

    def _has_column(self, source: Source, name: str) -> str:
        """Return whether a source has a column."""
        if source.names is not None:
            return HAS if name in source.names else UNKNOWN  # an alias may name only the first
        if source.view is not None:
            columns = self._known.get(source.view)
            known = columns is not None and name in (columns.upto, columns.since)
            return HAS if known else UNKNOWN
        return UNKNOWN if source.query is None else self._outputs(source.query, source.ctes, name)

    def _outputs(self, query: Node, ctes: Mapping[str, Source], name: str) -> str:
        """Return whether a query has an output column."""
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
            names = [output.name for output in listed]
            if names.count(name) == 1:
                return HAS
            return UNKNOWN if name in names or "" in names else HAS_NOT
        if kind != "Select" or query["with"] is not None or not has_plain_star(value):
            return UNKNOWN
        sources = read_from_clause(value["from"], ctes, False, []).sources
        if len(value["projection"]) != 1 or len(sources) != 1:
            return UNKNOWN
        return self._has_column(next(iter(sources.values())), name)

    def _subqueries(self, nodes: Node, ctes: Mapping[str, Source]) -> None:
        """Collect the scans of subqueries inside expressions. Outer conditions do not apply."""
        for query in subqueries(nodes):
            self.query(query, ctes, {}, inner=True)


def _alias(alias: Node) -> tuple[str, tuple[str, ...] | None]:
    expect_only("an alias", alias, "name", "columns", "explicit")
    names = tuple(name_of(column["name"]) for column in alias["columns"])
    return name_of(alias["name"]), names or None
