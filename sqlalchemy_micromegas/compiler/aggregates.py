"""Aggregates, in forms that every service understands.

DataFusion 43 does not know FILTER, WITHIN GROUP, ``greatest()`` and ``least()``. They are written
with CASE, sorted arrays and comparisons.

An operand that occurs several times is processed again for each occurrence, in their order: on
SQLAlchemy 1.4 this is the order in which its parameters are passed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, distinct, null
from sqlalchemy import types as sqltypes
from sqlalchemy.sql import elements, functions, operators

from sqlalchemy_micromegas.compiler.unsupported import refuse

__all__ = ["Aggregates"]

_ORDERED_SETS = ("percentile_cont", "percentile_disc", "approx_percentile_cont")

# These include NULL in their result, so CASE cannot exclude rows from them.
_KEEP_NULLS = {"array_agg", "first_value", "last_value", "nth_value"}


class Aggregates:
    """Mixin of the compiler that writes them."""

    process: Any
    _with_common_type: Any

    def visit_greatest_func(self, fn: Any, **kw: Any) -> str:
        """Write greatest(), which ignores NULL."""
        return self._extreme(fn, ">=", kw)

    def visit_least_func(self, fn: Any, **kw: Any) -> str:
        """Write least(), which ignores NULL."""
        return self._extreme(fn, "<=", kw)

    def _extreme(self, fn: Any, comparison: str, kw: Any) -> str:
        arguments = self._with_common_type(list(fn.clauses))

        def _text(i: int) -> Any:
            return self.process(arguments[i].self_group(against=operators.ge), **kw)

        whens = ""
        for i in range(len(arguments) - 1):
            whens += f" WHEN {_text(i)} IS NOT NULL"
            for j in range(i + 1, len(arguments)):
                whens += f" AND ({_text(j)} IS NULL OR {_text(i)} {comparison} {_text(j)})"
            whens += f" THEN {_text(i)}"
        last = _text(len(arguments) - 1)
        return f"CASE{whens} ELSE {last} END" if whens else str(last)

    def visit_aggregate_order_by(self, element: Any, **kw: Any) -> str:
        """Write ORDER BY in an aggregate of SQLAlchemy before 2.1, a PostgreSQL extension."""
        return (
            f"{self.process(element.target, **kw)} ORDER BY {self.process(element.order_by, **kw)}"
        )

    def visit_aggregateorderby(self, element: Any, **kw: Any) -> str:
        """Write ORDER BY in an aggregate; with DISTINCT it is an internal error of DataFusion 43.

        array_agg(DISTINCT) is sorted by array_sort instead.
        """
        order = list(element.order_by)
        arguments = list(element.element.clauses)
        if element.element.name.lower() == "array_agg" and len(order) == len(arguments) == 1:
            column, descending = _sort_column(order[0])
            if _is_distinct(arguments[0]) and arguments[0].element.compare(column):
                direction = "DESC" if descending else "ASC"
                nulls = "FIRST" if _nulls_first(order[0], descending) else "LAST"
                array = self.process(element.element, **kw)
                return f"array_sort({array}, '{direction}', 'NULLS {nulls}')"
        return str(super().visit_aggregateorderby(element, **kw))  # type: ignore[misc]

    def visit_funcfilter(self, funcfilter: Any, **kw: Any) -> str:
        """Write an aggregate with a FILTER, which is a syntax error in DataFusion 43."""
        return str(self.process(_filtered(funcfilter.func, funcfilter.criterion), **kw))

    def visit_withingroup(self, withingroup: Any, **kw: Any) -> str:
        """Write an ordered-set aggregate; DataFusion 43 does not know WITHIN GROUP."""
        name = withingroup.element.name.lower()
        arguments, order = list(withingroup.element.clauses), list(withingroup.order_by)
        if len(order) != 1 or len(arguments) < 1 or name not in _ORDERED_SETS:
            refuse(
                f"{name}() WITHIN GROUP",
                f"accepted, each with one column to order by: {', '.join(_ORDERED_SETS)}",
            )
        aggregate = _OrderedSet(self.process, *_sort_column(order[0]), arguments, kw)
        return str(getattr(aggregate, name)())


class _OrderedSet:
    """Writes an aggregate over sorted values; each method is the SQL of one of its parts."""

    def __init__(
        self, process: Any, column: Any, descending: bool, arguments: list[Any], kw: Any
    ) -> None:
        self._process = process
        self._column_element, self._descending = column, descending
        self._arguments = arguments
        self._kw = kw

    def approx_percentile_cont(self) -> str:
        complement = "1 - " if self._descending else ""
        operands = [self._column(), f"{complement}{self._fraction()}"]
        operands += [self._process(each, **self._kw) for each in self._arguments[1:]]
        return f"approx_percentile_cont({', '.join(operands)})"

    def percentile_disc(self) -> str:
        text = f"{self._if_not_empty()} {self._sorted_values()}"
        return f"{text}[CASE WHEN {self._rank()} < 1 THEN 1 ELSE {self._rank()} END] END"

    def percentile_cont(self) -> str:
        text = f"{self._if_not_empty()} ({self._position()} - floor({self._position()}))"
        text += f" * ({self._neighbour('ceil')} - {self._neighbour('floor')})"
        return f"{text} + {self._neighbour('floor')} END"

    def _column(self) -> str:
        return str(self._process(self._column_element, **self._kw))

    def _fraction(self) -> str:
        return str(self._process(self._arguments[0], **self._kw))

    def _if_not_empty(self) -> str:
        # Without values there is no array, and DataFusion 43 fails to sort it.
        return f"CASE (count({self._column()}) > 0) WHEN true THEN"

    def _sorted_values(self) -> str:
        # count() below does not count NULLs, which are last.
        direction = "DESC" if self._descending else "ASC"
        return f"array_sort(array_agg({self._column()}), '{direction}', 'NULLS LAST')"

    def _rank(self) -> str:
        return f"CAST(ceil({self._fraction()} * count({self._column()})) AS BIGINT)"

    def _position(self) -> str:
        return f"({self._fraction()} * (count({self._column()}) - 1))"

    def _neighbour(self, rounding: str) -> str:
        """Write the value at the position, rounded up or down."""
        values = self._sorted_values()
        return f"CAST({values}[CAST({rounding}({self._position()}) AS BIGINT) + 1] AS DOUBLE)"


def _sort_column(order: Any) -> tuple[Any, bool]:
    """Return an ORDER BY expression without ASC, DESC and NULLS, and whether it is descending."""
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
    return descending  # the engine's default


def _is_distinct(argument: Any) -> bool:
    return (
        isinstance(argument, elements.UnaryExpression)
        and argument.operator is operators.distinct_op
    )


def _filtered(aggregate: Any, criterion: Any) -> Any:
    """Return an aggregate that receives NULL instead of each row that a filter excludes."""
    if isinstance(aggregate, elements.WithinGroup):
        column, descending = _sort_column(next(iter(aggregate.order_by)))
        kept = case((criterion, column))
        return aggregate.element.within_group(kept.desc() if descending else kept)
    if not isinstance(aggregate, functions.FunctionElement):  # with ORDER BY, in SQLAlchemy 2.1
        changed: Any = aggregate._clone()
        changed.element = _filtered(aggregate.element, criterion)
        return changed
    if aggregate.name.lower() in _KEEP_NULLS:
        refuse(
            f"FILTER with {aggregate.name}(), which includes NULL in its result",
            "filter the rows in a subquery",
        )
    arguments = list(aggregate.clauses)
    if not arguments:
        refuse(f"FILTER with {aggregate.name}() without arguments", "filter the rows in a subquery")
    changed = aggregate._clone()
    inner: Any = aggregate.clause_expr
    changed.clause_expr = inner._clone()
    changed.clause_expr.element = inner.element._clone()
    changed.clause_expr.element.clauses = [_null_unless(criterion, arguments[0]), *arguments[1:]]
    return changed


def _null_unless(criterion: Any, argument: Any) -> Any:
    if _is_distinct(argument):
        return distinct(_null_unless(criterion, argument.element))
    if (
        isinstance(argument, elements.ColumnClause)
        and argument.is_literal
        and (argument.name == "*")
    ):
        argument = elements.literal_column("1", sqltypes.Integer())
    return case((criterion, argument), else_=null()).self_group()
