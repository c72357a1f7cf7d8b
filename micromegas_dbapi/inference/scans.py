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
from micromegas_dbapi.inference.predicates import (
    Column,
    Facts,
    Interval,
    Resolve,
    Rounded,
    facts,
    intersection,
    rounded,
)
from micromegas_dbapi.literals import literal

__all__ = ["NEUTRAL", "Scan", "Scans", "UnprovableError"]

#: What can be read without a view: schemas and table functions.
NEUTRAL = ("information_schema", "list_partitions", "list_view_sets", "generate_series")

_JOIN_SIDES = ("", "LEFT", "RIGHT", "FULL")
_JOIN_KINDS = ("", "INNER", "CROSS", "OUTER")
_SELECT = (
    *("expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset"),
    *("distinct", "windows", "qualify", "with_"),
)
# A row that the outer query drops by one of its columns may have counted before in these.
_COUNTING = ("group", "having", "limit", "offset", "windows", "qualify")


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
            branches = list(_branches(query))
            passed = {} if limited else _by_position(query, branches, outer)
            for branch in (query.this, query.expression):
                self.query(branch, ctes, _by_name(branch, passed))
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
            ctes = {**ctes, _name(alias.this): source}
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
        if outer and _keeps_rows_apart(select):
            for name, lies in outer.items():
                passed = _passed_through(select, name, sources, resolve)
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
            table, name = _name(column.args.get("table")), _name(column.this)
            if column.args.get(
                "db"
            ):  # public.log_entries.time: of the view itself, not of an alias
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
        return source.query is not None and name in _output_names(source.query)

    def _source(self, item: exp.Expr, ctes: Mapping[str, _Source]) -> tuple[str, _Source]:
        alias = item.args.get("alias")
        name = _name(alias.this) if alias else ""
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
        table, schema = _name(item.this), _name(item.args.get("db"))
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


def _name(node: exp.Expr | None) -> str:
    """Give an identifier's name as the engine sees it: in lower case unless quoted."""
    if node is None:
        return ""
    return node.name if node.args.get("quoted") else node.name.lower()


def _in_public(node: exp.Expr) -> bool:
    """Tell whether a table, or a column's, is of the schema that the views are in."""
    schema, catalog = _name(node.args.get("db")), _name(node.args.get("catalog"))
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


def _branches(query: exp.Expr) -> Iterable[exp.Expr]:
    """List the SELECTs that a set operation puts together."""
    while isinstance(query, exp.Subquery) and not query.args.get("with_"):
        query = query.this
    if isinstance(query, exp.SetOperation):
        yield from _branches(query.this)
        yield from _branches(query.expression)
    else:
        yield query


def _output(query: exp.Expr) -> list[tuple[str, exp.Expr]] | None:
    """List the names and expressions of a SELECT, or None where some are not spelt out."""
    if not isinstance(query, exp.Select) or any(item.is_star for item in query.expressions):
        return None
    return [
        (_name(item.args.get("alias") if isinstance(item, exp.Alias) else item.this), item)
        if isinstance(item, (exp.Alias, exp.Column))
        else ("", item)
        for item in query.expressions
    ]


def _output_names(query: exp.Expr) -> list[str]:
    """List the names that the columns of a query are known to have."""
    first = next(iter(_branches(query)))
    if not isinstance(first, exp.Select):
        return []
    return [
        _name(item.args.get("alias") if isinstance(item, exp.Alias) else item.this)
        for item in first.expressions
        if isinstance(item, (exp.Alias, exp.Column)) and not item.is_star
    ]


def _by_position(
    query: exp.SetOperation, branches: list[exp.Expr], outer: Mapping[str, Interval]
) -> dict[int, Interval]:
    """Turn what is asked of columns by name into positions, which is how branches meet.

    Only of positions where every branch has a plain column: another expression could be of a type
    that the engine rounds the others to.
    """
    if not outer or not isinstance(query, exp.Union):
        return {}
    outputs = [_output(branch) for branch in branches]
    first = outputs[0]
    if first is None or any(output is None or len(output) != len(first) for output in outputs):
        return {}
    found: dict[int, Interval] = {}
    for name, lies in outer.items():
        places = [at for at, (spelt, _) in enumerate(first) if spelt == name]
        if len(places) == 1 and all(
            isinstance(output[places[0]][1].unalias().unnest(), exp.Column)
            for output in outputs
            if output is not None
        ):
            found[places[0]] = lies
    return found


def _by_name(branch: exp.Expr, passed: Mapping[int, Interval]) -> dict[str, Interval]:
    """Turn positions into the names that they have in a branch."""
    if not passed:
        return {}
    output = _output(next(iter(_branches(branch))))
    assert output is not None  # or nothing would have been passed
    return {output[at][0]: lies for at, lies in passed.items()}


def _keeps_rows_apart(select: exp.Select) -> bool:
    """Tell whether rows could as well be dropped before the SELECT as behind it."""
    distinct = select.args.get("distinct")
    if any(select.args.get(part) for part in _COUNTING) or (distinct and distinct.args.get("on")):
        return False
    return not any(item.find(exp.Window, exp.AggFunc) for item in select.expressions)


def _passed_through(
    select: exp.Select, name: str, sources: Mapping[str, _Source], resolve: Resolve
) -> Rounded | None:
    """Find the column that a SELECT gives out under a name, unchanged or rounded down."""
    output = _output(select)
    if output is not None:
        named = [item.unalias() for spelt, item in output if spelt == name]
        passed = rounded(named[0], resolve) if len(named) == 1 else None
        return None if passed is None or passed.to_date else passed
    star, *more = [item for item in select.expressions if item.is_star]
    plain = not more and not any(star.find(exp.Star).args.values())
    if not plain or len(sources) != 1 or name in _output_names(select):
        return None
    return Rounded((next(iter(sources)), name), 0, False)
