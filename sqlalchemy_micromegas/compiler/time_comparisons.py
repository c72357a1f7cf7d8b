"""Comparisons of timestamps of nanoseconds with Python's datetimes, by whole microseconds.

A datetime has microseconds, and rows show timestamps rounded down to these. So whoever reads the
newest time and asks for ``time <= newest`` means the whole microsecond. Here a datetime is compared
as the span of time that it names. A pandas Timestamp, which has nanoseconds, an integer and a
string are exact.

Which of them a parameter is, is known only when the statement is executed. So the operator is
rendered together with the value then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import types as sqltypes
from sqlalchemy.exc import CompileError
from sqlalchemy.sql import elements, operators, visitors

from micromegas_dbapi.errors import Error
from micromegas_dbapi.sql.literals import literal
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, datetime_ns

__all__ = ["OperatorAndValue", "TimeComparisons", "is_time", "time_equals"]

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
#: The operator and the value, for an exact value.
_EXACT = {
    operators.eq: "= {}",
    operators.ne: "!= {}",
    operators.lt: "< {}",
    operators.le: "<= {}",
    operators.gt: "> {}",
    operators.ge: ">= {}",
    operators.is_distinct_from: ") IS DISTINCT FROM {}",
    operators.is_not_distinct_from: ") IS NOT DISTINCT FROM {}",
}
#: The same for a datetime: its first nanosecond, its last one, and the one behind that.
_SPAN = {
    operators.eq: "BETWEEN {first} AND {last}",
    operators.ne: "NOT BETWEEN {first} AND {last}",
    operators.lt: "< {first}",
    operators.le: "< {next}",
    operators.gt: ">= {next}",
    operators.ge: ">= {first}",
    operators.is_distinct_from: "BETWEEN {first} AND {last}) IS NOT TRUE",
    operators.is_not_distinct_from: "BETWEEN {first} AND {last}) IS TRUE",
}
_DISTINCT = (operators.is_distinct_from, operators.is_not_distinct_from)


def _span(value: Any) -> dict[str, str] | None:
    """Return the literals of a datetime's span, or None for an exact value.

    The engine fails on a datetime that nanoseconds cannot express. It becomes an empty span at the
    end of what they can express.
    """
    if not isinstance(value, datetime) or hasattr(value, "nanosecond"):  # of pandas
        return None
    first = datetime_ns(value)
    if first > MAX_NS - 1000:
        bounds = {"first": MAX_NS, "last": MIN_NS, "next": MAX_NS}
    elif first < MIN_NS:
        bounds = {"first": MIN_NS + 1000, "last": MIN_NS, "next": MIN_NS + 1000}
    else:
        bounds = {"first": first, "last": first + 999, "next": first + 1000}
    return {name: literal(np.datetime64(ns, "ns")) for name, ns in bounds.items()}


def _comparison(operator: Any, value: Any) -> str:
    span = _span(value)
    text = _EXACT[operator].format(literal(value)) if span is None else _SPAN[operator]
    return text if span is None else text.format(**span)


class OperatorAndValue(sqltypes.TypeEngine):  # type: ignore[type-arg, unused-ignore]
    """The type of a parameter that is rendered with the operator before it.

    Parameters
    ----------
    type_ : TypeEngine
        The parameter's own type, which converts its value.
    render : callable
        Creates the text from a function that renders a value, and the value.
    """

    def __init__(self, type_: Any, render: Callable[[Any], str]) -> None:
        self.type_ = type_  # by the names of the parameters: SQLAlchemy copies types so
        self.render = render

    def text(self, value: Any, dialect: Any) -> str:
        """Render the operator and the value.

        Parameters
        ----------
        value : object
            As it was passed to SQLAlchemy; a list for IN.
        dialect : Dialect
            For the type's bind processor.

        Returns
        -------
        str
            SQL text.

        Raises
        ------
        CompileError
            If the value cannot be rendered.
        """
        process = self.type_._cached_bind_processor(dialect) or (lambda each: each)
        many = isinstance(value, (list, tuple))
        try:
            return self.render([process(v) for v in value] if many else process(value))
        except Error as error:
            raise CompileError(
                f"cannot render a literal of type {self.type_!r}: {error}"
            ) from error


class TimeComparisons:
    """Mixin of the compiler that writes them."""

    process: Any
    visit_empty_set_expr: Any
    binds: Any
    bind_names: Any

    def visit_binary(self, binary: Any, **kw: Any) -> str:
        """Write a comparison of a timestamp with a parameter."""
        left, right, operator = binary.left, binary.right, binary.operator
        if operator in (operators.between_op, operators.not_between_op):
            text = self._between(binary, kw)
        elif operator in (operators.in_op, operators.not_in_op):
            text = self._membership(left, right, operator is operators.not_in_op, kw)
        elif operator not in _MIRRORED:
            text = None
        elif _is_datetime(left) and _is_nanoseconds(right):
            text = self._compare_time(right, left, _MIRRORED[operator], kw)
        else:
            text = self._compare_time(left, right, operator, kw)
        return str(super().visit_binary(binary, **kw)) if text is None else text  # type: ignore[misc]

    def _compare_time(self, left: Any, value: Any, operator: Any, kw: Any) -> str | None:
        if operator not in _SPAN or not _is_nanoseconds(left) or not _is_datetime(value):
            return None

        nested = "(" if operator in _DISTINCT else ""  # which the value's text closes
        text = self._rendered_late(value, partial(_comparison, operator), kw)
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
        if not _is_nanoseconds(left):
            return None
        while isinstance(right, elements.Grouping):
            right = right.element
        if isinstance(right, elements.BindParameter) and _is_datetime(right):
            text = self._in_parameter_of_times(left, right, kw)
        elif isinstance(right, elements.ClauseList) and any(map(_is_datetime, right.clauses)):
            equal = [elements.BinaryExpression(left, each, operators.eq) for each in right.clauses]
            text = f"({' OR '.join(self.process(each, **kw) for each in equal)})"
        else:
            return None
        return f"(NOT {text})" if negated else text

    def _in_parameter_of_times(self, left: Any, values: Any, kw: Any) -> str:
        has_parameters = any(
            isinstance(each, elements.BindParameter) for each in visitors.iterate(left)
        )
        text = self.process(left, **kw)
        if has_parameters:  # its text cannot be repeated once the number of values is known
            text = f"date_trunc('microsecond', {text})"

        def _render(values: Any) -> str:
            exact = [literal(value) for value in values if has_parameters or _span(value) is None]
            spans = [span for value in values if (span := _span(value)) and not has_parameters]
            parts = [f"IN ({', '.join(exact)})"] * bool(exact)
            parts += [f"BETWEEN {span['first']} AND {span['last']}" for span in spans]
            parts = parts or [f"IN ({self.visit_empty_set_expr([left.type])})"]
            return f" OR {text} ".join(parts) + ")"

        return f"({text} {self._rendered_late(values, _render, kw)}"

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
            name = self.bind_names[bindparam] = f"{name}_compared_{len(self.bind_names)}"
        return name

    def visit_bindparam(self, bindparam: Any, **kw: Any) -> str:
        """Write a parameter."""
        by_key = self.binds.get(bindparam.key)
        text = str(super().visit_bindparam(bindparam, **kw))  # type: ignore[misc]
        if isinstance(bindparam.type, OperatorAndValue) and by_key is not None:
            self.binds[bindparam.key] = by_key
        return text

    def _rendered_late(self, parameter: Any, render: Callable[[Any], str], kw: Any) -> str:
        parameter = parameter._clone(maintain_key=True)  # a cached statement finds it by its key
        parameter.type = OperatorAndValue(parameter.type, render)
        parameter.expanding, parameter.literal_execute = False, True
        return str(self.process(parameter, **kw))


def _is_nanoseconds(expression: Any) -> bool:
    """Return whether an expression is, or may be, a timestamp of nanoseconds."""
    if isinstance(expression, elements.BindParameter):
        return False
    if isinstance(expression.type, sqltypes.NullType):  # of a function that SQLAlchemy knows not
        return True
    return is_time(expression.type) and getattr(expression.type, "unit", "ns") == "ns"


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


def time_equals(type_: Any) -> OperatorAndValue:
    """Return a type whose literals are an operator and a value: equal to a time.

    Parameters
    ----------
    type_ : TypeEngine
        The type of the value.

    Returns
    -------
    OperatorAndValue
        The type.
    """
    return OperatorAndValue(type_, partial(_comparison, operators.eq))


def _is_datetime(expression: Any) -> bool:
    return isinstance(expression, elements.BindParameter) and is_time(expression.type)


def _pair(one: Any, other: Any) -> bool:
    return (_is_nanoseconds(one) and _is_datetime(other)) or (
        _is_datetime(one) and _is_nanoseconds(other)
    )
