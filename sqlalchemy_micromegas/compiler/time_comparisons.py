"""Comparisons of timestamps of nanoseconds with times of microseconds.

Whether a parameter is a time of microseconds is known only when the statement is executed. So the
operator is rendered together with the value then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import case, null
from sqlalchemy import types as sqltypes
from sqlalchemy.sql import elements, operators, visitors

from sqlalchemy_micromegas.compiler.time_spans import (
    DISTINCT,
    OperatorAndValue,
    comparison,
    in_exact,
    in_floored,
    in_spans,
)

__all__ = ["TimeComparisons", "is_time"]

_MIRRORED = {
    operators.eq: operators.eq,
    operators.ne: operators.ne,
    operators.lt: operators.gt,
    operators.le: operators.ge,
    operators.gt: operators.lt,
    operators.ge: operators.le,
    operators.is_distinct_from: operators.is_distinct_from,
    operators.is_not_distinct_from: operators.is_not_distinct_from,
}


class TimeComparisons:
    """Mixin of the compiler that writes them."""

    process: Any
    dialect: Any
    function_argspec: Any
    binds: Any
    bind_names: Any

    def visit_binary(self, binary: Any, **kw: Any) -> str:
        """Write a comparison of a timestamp with a parameter."""
        left, right, operator = binary.left, binary.right, binary.operator
        if operator in (operators.between_op, operators.not_between_op):
            text = self._between(binary, kw)
        elif operator in (operators.in_op, operators.not_in_op):
            text = self._membership(left, right, operator is operators.not_in_op, kw)
        elif isinstance(right, elements.CollectionAggregate):
            text = self._any_of_array(binary, kw)
        elif operator not in _MIRRORED:
            text = None
        elif _time_parameter(left, right) is not None:
            text = self._compare_time(right, left, _MIRRORED[operator], kw)
        else:
            text = self._compare_time(left, right, operator, kw)
        return str(super().visit_binary(binary, **kw)) if text is None else text  # type: ignore[misc]

    def _compare_time(self, left: Any, value: Any, operator: Any, kw: Any) -> str | None:
        parameter = _time_parameter(value, left)
        if operator not in _MIRRORED or parameter is None:
            return None

        nested = "(" if operator in DISTINCT else ""  # which the value's text closes
        render = partial(comparison, operator)
        text = self._rendered_late(parameter, render, operator.__name__, kw)
        return f"({nested}{self.process(left, **kw)} {text})"

    def _between(self, binary: Any, kw: Any) -> str | None:
        value, (low, high) = binary.left, binary.right.clauses
        if not _pair(value, low) and not _pair(value, high):
            return None

        def _inside(low: Any, high: Any) -> str:
            bounds = ((operators.ge, low), (operators.le, high))
            parts = (
                self.process(elements.BinaryExpression(value, bound, operator), **kw)
                for operator, bound in bounds
            )
            return f"({' AND '.join(parts)})"

        text = _inside(low, high)
        if binary.modifiers.get("symmetric"):
            text = f"({text} OR {_inside(high, low)})"
        return f"(NOT {text})" if binary.operator is operators.not_between_op else text

    def _membership(self, left: Any, right: Any, negated: bool, kw: Any) -> str | None:
        while isinstance(right, elements.Grouping):
            right = right.element
        if isinstance(right, elements.BindParameter):
            if _time_parameter(right, left) is None or (
                isinstance(right.type, sqltypes.NullType) and _has_parameters(left)
            ):  # the left side may be of any type, and have no microseconds
                return None
            text = self._in_parameter_of_times(left, right, kw)
        elif isinstance(right, elements.ClauseList) and any(
            _time_parameter(each, left) is not None for each in right.clauses
        ):
            equal: list[Any] = [
                elements.BinaryExpression(left, each, operators.eq) for each in right.clauses
            ]
            text = f"({' OR '.join(self.process(each, **kw) for each in equal)})"
        else:
            return None
        return f"(NOT {text})" if negated else text

    def _in_parameter_of_times(self, left: Any, values: Any, kw: Any) -> str:
        def _late(render: Callable[[Any], str]) -> str:
            return self._rendered_late(values, render, "in", kw)

        text = self.process(left, **kw)
        if not _has_parameters(left):
            return f"({text} {_late(partial(in_spans, text))})"
        # Its text cannot be repeated for each value once their number is known.
        exact = f"{text} {_late(in_exact)}"
        floored = f"date_trunc('microsecond', {self.process(left, **kw)})"
        return f"({exact} OR {floored} {_late(in_floored)})"

    def _any_of_array(self, binary: Any, kw: Any) -> str | None:
        """Write ``= ANY(array)`` and ``!= ALL(array)`` of an array of datetimes as IN."""
        array: Any = binary.right.element
        left = binary.left
        while isinstance(array, elements.Grouping):
            array = array.element
        is_all = binary.right.operator is operators.all_op
        if (
            not isinstance(array, elements.BindParameter)
            or not isinstance(array.type, sqltypes.ARRAY)
            or not (is_time(array.type.item_type) and _is_nanoseconds(left))
            or binary.operator is not (operators.ne if is_all else operators.eq)
        ):
            return None
        array = array._clone(maintain_key=True)
        array.type = array.type.item_type
        text = self._in_parameter_of_times(left, array, kw)
        return f"(NOT {text})" if is_all else text

    def visit_nullif_func(self, fn: Any, **kw: Any) -> str:
        """Write NULLIF of a timestamp and a datetime as a CASE with a comparison."""
        value, other = fn.clauses
        if not _pair(value, other):
            return f"nullif{self.function_argspec(fn, **kw)}"
        is_equal: Any = elements.BinaryExpression(value, other, operators.eq)
        return str(self.process(case((is_equal, null()), else_=value), **kw))

    def visit_case(self, clause: Any, **kw: Any) -> str:
        """Write a CASE that compares a timestamp with datetimes as one with conditions."""
        if clause.value is not None and any(_pair(clause.value, when) for when, _ in clause.whens):
            value, clause = clause.value, clause._clone()
            clause.whens = [
                (elements.BinaryExpression(value, when, operators.eq), result)
                for when, result in clause.whens
            ]
            clause.value = None
        return str(super().visit_case(clause, **kw))  # type: ignore[misc]

    # One parameter of the user can be compared several times, and also be used elsewhere: each
    # comparison needs a name of its own, while the value is found by the parameter's key.

    def _truncate_bindparam(self, bindparam: Any) -> str:
        known = bindparam in self.bind_names
        name = str(super()._truncate_bindparam(bindparam))  # type: ignore[misc]
        if not known and isinstance(bindparam.type, OperatorAndValue):
            name += f"_{bindparam.type.name}_{len(self.bind_names)}"
            self.bind_names[bindparam] = name
        return name

    def visit_bindparam(self, bindparam: Any, **kw: Any) -> str:
        """Write a parameter."""
        by_key = self.binds.get(bindparam.key)
        text = str(super().visit_bindparam(bindparam, **kw))  # type: ignore[misc]
        if isinstance(bindparam.type, OperatorAndValue):
            self.binds.pop(bindparam.key, None)
            if by_key is not None:
                self.binds[bindparam.key] = by_key
        return text

    def render_literal_bindparam(self, bindparam: Any, **kw: Any) -> str:
        """Write a parameter as a literal. SQLAlchemy would write None without the operator."""
        if isinstance(bindparam.type, OperatorAndValue) and "render_literal_value" not in kw:
            return bindparam.type.text(bindparam.effective_value, self.dialect)
        return str(super().render_literal_bindparam(bindparam, **kw))  # type: ignore[misc]

    def _rendered_late(
        self, parameter: Any, render: Callable[[Any], str], name: str, kw: Any
    ) -> str:
        parameter = parameter._clone(maintain_key=True)  # a cached statement finds it by its key
        parameter.type = OperatorAndValue(parameter.type, render, name)
        parameter.expanding, parameter.literal_execute = False, True
        return str(self.process(parameter, **kw))


def _is_nanoseconds(expression: Any) -> bool:
    """Return whether an expression is, or may be, a timestamp of nanoseconds."""
    if isinstance(expression, elements.BindParameter):
        return False
    type_ = getattr(expression, "type", None)
    if isinstance(type_, sqltypes.NullType):  # of a function that SQLAlchemy does not know
        return True
    return type_ is not None and is_time(type_) and getattr(type_, "unit", "ns") == "ns"


def _has_parameters(expression: Any) -> bool:
    return any(isinstance(each, elements.BindParameter) for each in visitors.iterate(expression))


def _time_parameter(value: Any, compared: Any) -> Any:
    """Return the parameter that may be a time compared with nanoseconds, or None."""
    if not _is_nanoseconds(compared) or _parameter(compared) is not None:
        return None
    parameter = _parameter(value)
    if parameter is None:
        return None
    kind = parameter.type
    if is_time(kind) or isinstance(kind, sqltypes.NullType):
        return parameter
    return parameter if is_time(compared.type) and isinstance(kind, sqltypes.Integer) else None


def _parameter(expression: Any) -> Any:
    """Return the parameter that an expression consists of, beside its type, or None."""
    while not isinstance(expression, elements.BindParameter):
        if isinstance(expression, (elements.Grouping, elements.Label)):
            expression = expression.element
        elif isinstance(expression, elements.TypeCoerce):
            expression = expression.typed_expression
        elif isinstance(expression, elements.Cast) and is_time(expression.type):
            expression = expression.clause
        else:
            return None
    return expression


def is_time(type_: Any) -> bool:
    """Return whether a type is one of timestamps.

    Parameters
    ----------
    type_ : TypeEngine
        The type.

    Returns
    -------
    bool
        Also for decorated types.
    """
    return type_._type_affinity is sqltypes.DateTime  # that of a decorated type, too


def _pair(one: Any, other: Any) -> bool:
    return _time_parameter(one, other) is not None or _time_parameter(other, one) is not None
