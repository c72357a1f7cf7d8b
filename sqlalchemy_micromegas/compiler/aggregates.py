"""Aggregates, in forms that every service understands.

FILTER, WITHIN GROUP, ``greatest()`` and ``least()`` are not known to DataFusion 43: they become
CASE, sorted arrays, and comparisons.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, distinct, null
from sqlalchemy import types as sqltypes
from sqlalchemy.sql import elements, functions, operators

from sqlalchemy_micromegas.compiler.refusal import refuse

__all__ = ["Aggregates"]

_ORDERED_SETS = ("percentile_cont", "percentile_disc", "approx_percentile_cont")

# To these a NULL is a value: CASE cannot keep rows from them.
_KEEP_NULLS = {"array_agg", "first_value", "last_value", "nth_value"}


class Aggregates:
    """The part of the compiler that rewrites them."""

    process: Any
    _alike: Any

    def visit_greatest_func(self, fn: Any, **kw: Any) -> str:
        """Write greatest(), which ignores NULL."""
        return self._extreme(fn, ">=", kw)

    def visit_least_func(self, fn: Any, **kw: Any) -> str:
        """Write least(), which ignores NULL."""
        return self._extreme(fn, "<=", kw)

    # An operand that stands in several places is processed anew for each, in their order: on
    # SQLAlchemy 1.4 that is the order in which its parameters are passed.

    def _extreme(self, fn: Any, beats: str, kw: Any) -> str:
        given = self._alike(list(fn.clauses))

        def text(i: int) -> Any:
            return self.process(given[i].self_group(against=operators.ge), **kw)

        whens = ""
        for i in range(len(given) - 1):
            whens += f" WHEN {text(i)} IS NOT NULL"
            for j in range(i + 1, len(given)):
                whens += f" AND ({text(j)} IS NULL OR {text(i)} {beats} {text(j)})"
            whens += f" THEN {text(i)}"
        last = text(len(given) - 1)
        return f"CASE{whens} ELSE {last} END" if whens else str(last)

    def visit_aggregate_order_by(self, element: Any, **kw: Any) -> str:
        """Write ORDER BY inside an aggregate as before 2.1, an extension named after PostgreSQL."""
        return (
            f"{self.process(element.target, **kw)} ORDER BY {self.process(element.order_by, **kw)}"
        )

    def visit_aggregateorderby(self, element: Any, **kw: Any) -> str:
        """Write ORDER BY inside an aggregate; with DISTINCT it is an internal error of 43."""
        order = list(element.order_by)
        given = list(element.element.clauses)
        if element.element.name.lower() == "array_agg" and len(order) == len(given) == 1:
            column, descending = _ordered(order[0])
            if _is_distinct(given[0]) and given[0].element.compare(column):
                direction = "DESC" if descending else "ASC"
                nulls = "FIRST" if _nulls_first(order[0], descending) else "LAST"
                array = self.process(element.element, **kw)
                return f"array_sort({array}, '{direction}', 'NULLS {nulls}')"
        return str(super().visit_aggregateorderby(element, **kw))  # type: ignore[misc]

    def visit_funcfilter(self, funcfilter: Any, **kw: Any) -> str:
        """Write an aggregate over some of the rows; FILTER is a syntax error on DataFusion 43."""
        return str(self.process(_filtered(funcfilter.func, funcfilter.criterion), **kw))

    def visit_withingroup(self, withingroup: Any, **kw: Any) -> str:
        """Write an ordered-set aggregate; WITHIN GROUP is not known to DataFusion 43."""
        name = withingroup.element.name.lower()
        given, order = list(withingroup.element.clauses), list(withingroup.order_by)
        if len(order) != 1 or len(given) < 1 or name not in _ORDERED_SETS:
            refuse(
                f"{name}() WITHIN GROUP",
                f"accepted, each with one column to order by: {', '.join(_ORDERED_SETS)}",
            )
        column, descending = _ordered(order[0])

        def x() -> Any:
            return self.process(column, **kw)

        def p() -> Any:
            return self.process(given[0], **kw)

        if name == "approx_percentile_cont":
            text = f"approx_percentile_cont({x()}, {'1 - ' * descending}{p()}"
            return text + "".join(f", {self.process(each, **kw)}" for each in given[1:]) + ")"

        # Sorted values, NULLs behind; their count without NULLs.
        direction = "DESC" if descending else "ASC"

        def values() -> str:
            return f"array_sort(array_agg({x()}), '{direction}', 'NULLS LAST')"

        # Of no values there is no array, which DataFusion 43 fails to sort.
        some = f"CASE (count({x()}) > 0) WHEN true THEN "
        if name == "percentile_disc":

            def rank() -> str:
                return f"CAST(ceil({p()} * count({x()})) AS BIGINT)"

            return f"{some}{values()}[CASE WHEN {rank()} < 1 THEN 1 ELSE {rank()} END] END"

        def place() -> str:
            return f"({p()} * (count({x()}) - 1))"

        def end(rounded: str) -> str:
            return f"CAST({values()}[CAST({rounded}({place()}) AS BIGINT) + 1] AS DOUBLE)"

        share = f"({place()} - floor({place()}))"
        return f"{some}{share} * ({end('ceil')} - {end('floor')}) + {end('floor')} END"


def _ordered(order: Any) -> tuple[Any, bool]:
    """Take ASC, DESC and the place of NULLs off what is ordered by."""
    descending = False
    while isinstance(order, elements.UnaryExpression) and order.modifier is not None:
        descending = descending or order.modifier is operators.desc_op
        order = order.element
    return order, descending


def _nulls_first(order: Any, descending: bool) -> bool:
    while isinstance(order, elements.UnaryExpression) and order.modifier is not None:
        if order.modifier in (operators.nulls_first_op, operators.nulls_last_op):
            return bool(order.modifier is operators.nulls_first_op)
        order = order.element
    return descending  # as the engine has it


def _is_distinct(argument: Any) -> bool:
    return (
        isinstance(argument, elements.UnaryExpression)
        and argument.operator is operators.distinct_op
    )


def _filtered(aggregate: Any, criterion: Any) -> Any:
    """Give an aggregate that sees a NULL instead of each row that a filter drops."""
    if isinstance(aggregate, elements.WithinGroup):
        column, descending = _ordered(next(iter(aggregate.order_by)))
        kept = case((criterion, column))
        return aggregate.element.within_group(kept.desc() if descending else kept)
    if not isinstance(aggregate, functions.FunctionElement):  # with an ORDER BY inside, 2.1
        changed: Any = aggregate._clone()
        changed.element = _filtered(aggregate.element, criterion)
        return changed
    if aggregate.name.lower() in _KEEP_NULLS:
        refuse(
            f"FILTER with {aggregate.name}(), to which NULL is a value",
            "filter the rows in a subquery",
        )
    given = list(aggregate.clauses)
    if not given:
        refuse(f"FILTER with {aggregate.name}() of nothing", "filter the rows in a subquery")
    changed = aggregate._clone()
    inner: Any = aggregate.clause_expr
    changed.clause_expr = inner._clone()
    changed.clause_expr.element = inner.element._clone()
    changed.clause_expr.element.clauses = [_kept(given[0], criterion), *given[1:]]
    return changed


def _kept(argument: Any, criterion: Any) -> Any:
    if _is_distinct(argument):
        return distinct(_kept(argument.element, criterion))
    if (
        isinstance(argument, elements.ColumnClause)
        and argument.is_literal
        and (argument.name == "*")
    ):
        argument = elements.literal_column("1", sqltypes.Integer())
    return case((criterion, argument), else_=null()).self_group()
