"""Every scan of a view in a statement, and what each row of it that counts must satisfy.

The service drops rows of each scan on its own, also of those in subqueries and the branches of a
UNION. So each must prove for itself which rows cannot matter; what is not understood raises
`UnprovableError`, and the statement gets no range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from micromegas_dbapi.catalog import TimeColumns
from micromegas_dbapi.inference.instants import Clock
from micromegas_dbapi.inference.outputs import (
    by_name,
    by_position,
    identifier,
    keeps_rows_apart,
    output_names,
    passed_through,
)
from micromegas_dbapi.inference.predicates import (
    Column,
    Facts,
    Interval,
    Resolve,
    facts,
    intersection,
)
from micromegas_dbapi.literals import literal

__all__ = ["NEUTRAL", "Scan", "Scans", "UnprovableError"]

#: What can be read without a view: schemas and table functions.
NEUTRAL = (
    *("information_schema", "generate_series", "list_view_sets"),
    *("list_partitions", "materialize_partitions", "retire_partitions", "regenerate_partitions"),
)

_JOIN_SIDES = ("", "LEFT", "RIGHT", "FULL")
_JOIN_KINDS = ("", "INNER", "CROSS", "OUTER")
_SELECT = (
    *("expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset"),
    *("distinct", "windows", "qualify", "with_"),
)


class UnprovableError(Exception):
    """The statement holds something whose rows are not followed; the text says what."""


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


@dataclass(frozen=True)
class _Source:
    """What one item of a FROM clause is: a view, a query, or, with neither, nothing of a view."""

    view: str | None = None
    relation: str = ""
    query: exp.Expr | None = None
    ctes: Mapping[str, _Source] = field(default_factory=dict)  # what `query` sees
    renamed: bool = False  # AS alias(a, b)


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
        Those of `NEUTRAL` that are read.
    """

    def __init__(self, known: Mapping[str, TimeColumns | None], clock: Clock) -> None:
        self._known = known
        self._clock = clock
        self.found: list[Scan] = []
        self.neutral: list[str] = []

    def query(
        self, query: exp.Expr, ctes: Mapping[str, _Source], outer: Mapping[str, Interval]
    ) -> None:
        """Collect the scans of a query of which only rows within `outer` count."""
        ctes = self._with(query, ctes)
        if isinstance(query, exp.Select):
            self._select(query, ctes, outer)
            return
        limited = query.args.get("limit") or query.args.get("offset")
        if isinstance(query, exp.Subquery):
            _only(query, "this", "alias", "with_", "order", "limit", "offset")
            self.query(query.this, ctes, {} if limited else outer)
        elif isinstance(query, exp.SetOperation):
            _only(query, "this", "expression", "distinct", "with_", "order", "limit", "offset")
            passed = {} if limited else by_position(query, outer)
            for branch in (query.this, query.expression):
                self.query(branch, ctes, by_name(branch, passed))
        elif isinstance(query, exp.Values):
            _only(query, "expressions", "alias")
            self._nested(query.expressions, ctes)
        else:
            raise UnprovableError(f"{_sql_name(query)} is not understood")
        self._nested([query.args.get(part) for part in ("order", "limit", "offset")], ctes)

    def _with(self, query: exp.Expr, ctes: Mapping[str, _Source]) -> Mapping[str, _Source]:
        clause = query.args.get("with_")
        if clause is None:
            return ctes
        if clause.args.get("recursive"):
            raise UnprovableError("a recursive WITH is not understood")
        for cte in clause.expressions:
            alias = cte.args["alias"]
            if not isinstance(cte.this, (exp.Query, exp.Values)):
                raise UnprovableError(f"{_sql_name(cte.this)} inside WITH is not understood")
            source = _Source(query=cte.this, ctes=ctes, renamed=bool(alias.columns))
            ctes = {**ctes, identifier(alias.this): source}
        return ctes

    def _select(
        self, select: exp.Select, ctes: Mapping[str, _Source], outer: Mapping[str, Interval]
    ) -> None:
        _only(select, *_SELECT)
        sources: dict[str, _Source] = {}
        conditions: list[tuple[exp.Expr, set[str]]] = []
        joins: list[exp.Join] = select.args.get("joins") or []
        if select.args.get("from_"):
            name, source = self._source(select.args["from_"].this, ctes)
            sources[name] = source
        for join in joins:
            side = _join_side(join)
            name, source = self._source(join.this, ctes)
            if name in sources:
                raise UnprovableError(f"two tables are called {name}")
            if join.args.get("on"):
                # A row without a partner is kept on the other side, whatever the condition says.
                restricted = {
                    "": {*sources, name},
                    "LEFT": {name},
                    "RIGHT": set(sources),
                    "FULL": set(),
                }
                conditions.append((join.args["on"], restricted[side]))
            sources[name] = source
        if select.args.get("where"):  # NULLs of unmatched rows are never kept by a comparison
            conditions.append((select.args["where"].this, set(sources)))
        merged = any(join.args.get("using") or join.method for join in joins)
        resolve = self._resolver(sources, merged)
        known: Facts = {}
        for condition, restricted_names in conditions:
            found = facts(condition, resolve, self._clock)
            known = intersection(
                known,
                {column: lies for column, lies in found.items() if column[0] in restricted_names},
            )
        if outer and keeps_rows_apart(select):
            for name, lies in outer.items():
                passed = passed_through(select, name, sources, resolve)
                if passed is not None:
                    known = intersection(known, {passed.column: passed.before(*lies)})
        for name, source in sources.items():
            self._scan(name, source, known)
        inside = [
            value for part, value in select.args.items() if part not in ("from_", "joins", "with_")
        ]
        self._nested([*inside, *(join.args.get("on") for join in joins)], ctes)

    def _scan(self, name: str, source: _Source, known: Facts) -> None:
        bounds = {column: lies for (owner, column), lies in known.items() if owner == name}
        if source.renamed:  # the columns have other names inside
            bounds = {}
        if source.view is not None:
            self.found.append(Scan(source.view, source.relation, bounds))
        elif source.query is not None:
            self.query(source.query, source.ctes, bounds)

    def _resolver(self, sources: Mapping[str, _Source], merged: bool) -> Resolve:
        def resolve(column: exp.Column) -> Column | None:
            if not isinstance(column.this, exp.Identifier):
                return None
            table, name = identifier(column.args.get("table")), identifier(column.this)
            if column.args.get("db"):  # public.log_entries.time: of the view, not of an alias
                own = _in_public(column) and table in sources and sources[table].view == table
                return (table, name) if own else None
            if not table and not merged:  # were it in two of them, the engine would refuse
                owners = (
                    list(sources)
                    if len(sources) == 1
                    else [owner for owner, source in sources.items() if self._has(source, name)]
                )
                table = owners[0] if len(owners) == 1 else ""
            return (table, name) if table in sources else None

        return resolve

    def _has(self, source: _Source, name: str) -> bool:
        """Tell whether a source is known to have a column."""
        if source.renamed:
            return False
        if source.view is not None:
            columns = self._known.get(source.view)
            return columns is not None and name in (columns.upto, columns.since)
        return source.query is not None and name in output_names(source.query)

    def _source(self, item: exp.Expr, ctes: Mapping[str, _Source]) -> tuple[str, _Source]:
        alias = item.args.get("alias")
        name = identifier(alias.this) if alias else ""
        renamed = bool(alias and alias.columns)
        unnamed = name or f"#{id(item)}"
        if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Query):
            return unnamed, _Source(query=item, ctes=ctes, renamed=renamed)
        if isinstance(item, exp.Values):
            return unnamed, _Source(query=item, ctes=ctes, renamed=renamed)
        if not isinstance(item, exp.Table):
            raise UnprovableError(f"{_sql_name(item)} in FROM is not understood")
        _only(item, "this", "alias", "db", "catalog")
        if not isinstance(item.this, exp.Identifier):
            return unnamed, replace(self._function(item), renamed=renamed)
        table, schema = identifier(item.this), identifier(item.args.get("db"))
        if not schema and table in ctes:
            return name or table, replace(ctes[table], renamed=renamed or ctes[table].renamed)
        if schema in NEUTRAL:
            self.neutral.append(schema)
            return name or table, _Source()
        if not _in_public(item):
            raise UnprovableError(
                f"the table {item.sql('postgres')} is of another schema than public"
            )
        quoted = '"' + table.replace('"', '""') + '"'
        relation = quoted if item.this.args.get("quoted") else table
        return name or table, _Source(table, relation, renamed=renamed)

    def _function(self, item: exp.Table) -> _Source:
        call = item.this
        name = call.name.lower() if isinstance(call, exp.Anonymous) else call.sql_name().lower()
        if isinstance(call, exp.ExplodingGenerateSeries):
            name = "generate_series"
        if item.args.get("db"):
            raise UnprovableError(f"the table function {name} of a schema is not understood")
        if name == "view_instance":
            texts = [part.name for part in call.expressions if part.is_string]
            if len(texts) != 2 or len(call.expressions) != 2:
                raise UnprovableError("view_instance() is understood with two texts")
            view_set, instance = texts
            return _Source(view_set, f"view_instance({literal(view_set)}, {literal(instance)})")
        if name in NEUTRAL and not item.find(exp.Query):
            self.neutral.append(name)
            return _Source()
        raise UnprovableError(f"what the table function {name}() reads is not known")

    def _nested(self, nodes: Iterable[object], ctes: Mapping[str, _Source]) -> None:
        """Collect the scans of subqueries inside expressions: their conditions are their own."""
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if isinstance(node, exp.Query):
                self.query(node, ctes, {})
            elif isinstance(node, exp.Expr):
                stack.extend(node.args.values())
            elif isinstance(node, list):
                stack.extend(node)


def _in_public(node: exp.Expr) -> bool:
    """Tell whether a table, or a column's, is of the schema that the views are in."""
    schema, catalog = identifier(node.args.get("db")), identifier(node.args.get("catalog"))
    return schema in ("", "public") and catalog in ("", "datafusion")


def _sql_name(node: exp.Expr) -> str:
    return str(node.key).upper()


def _only(node: exp.Expr, *parts: str) -> None:
    """Refuse what has parts that are not understood."""
    strange = [name for name, value in node.args.items() if value and name not in parts]
    if strange:
        words = ", ".join(sorted(name.strip("_").upper() for name in strange))
        raise UnprovableError(f"{_sql_name(node)} with {words} is not understood")


def _join_side(join: exp.Join) -> str:
    _only(join, "this", "side", "kind", "method", "on", "using")
    known = join.side in _JOIN_SIDES and join.kind in _JOIN_KINDS
    if not known or join.method not in ("", "NATURAL") or (join.side and join.kind == "CROSS"):
        words = " ".join(filter(None, (join.method, join.side, join.kind, "JOIN")))
        raise UnprovableError(f"{words} is not understood")
    return str(join.side)
