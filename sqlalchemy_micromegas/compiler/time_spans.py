"""Comparison operators with times as text: the operator and the literals behind it.

A datetime has microseconds, and rows show timestamps of nanoseconds rounded down to these. So
whoever reads the newest time and asks for ``time <= newest`` means the whole microsecond. Here a
datetime is the span of time that it names, and so is a Timestamp of pandas or a datetime64 of numpy
whose unit is coarser than nanoseconds. Those of nanoseconds, integers (nanoseconds since 1970) and
strings are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import types as sqltypes
from sqlalchemy.exc import CompileError
from sqlalchemy.sql import operators

from micromegas_dbapi.errors import Error
from micromegas_dbapi.sql.literals import is_null, literal
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, datetime64_ns, datetime_ns

__all__ = [
    "DISTINCT",
    "OperatorAndValue",
    "comparison",
    "in_exact",
    "in_floored",
    "in_spans",
    "time_equals",
]

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
_NEVER = "IS NULL AND FALSE"
DISTINCT = (operators.is_distinct_from, operators.is_not_distinct_from)


def _span(value: Any) -> dict[str, str] | None:
    """Return the literals of a datetime's span, or None for an exact value.

    The engine fails on a datetime that nanoseconds cannot express. It becomes an empty span at the
    end of what they can express.
    """
    if is_null(value):
        return None
    if isinstance(value, datetime):
        # A Timestamp of pandas tells the unit of its value.
        unit, first = getattr(value, "unit", "us"), datetime_ns(value)
    elif isinstance(value, np.datetime64):
        unit, first = np.datetime_data(value)[0], datetime64_ns(value)
    else:
        return None
    if unit == "ns":
        return None
    if first > MAX_NS - 1000:
        bounds = {"first": MAX_NS, "last": MIN_NS, "next": MAX_NS}
    elif first < MIN_NS:
        bounds = {"first": MIN_NS + 1000, "last": MIN_NS, "next": MIN_NS + 1000}
    else:
        bounds = {"first": first, "last": first + 999, "next": first + 1000}
    return {name: literal(np.datetime64(ns, "ns")) for name, ns in bounds.items()}


def comparison(operator: Any, value: Any) -> str:
    """Return the text of an operator and a value.

    Parameters
    ----------
    operator : callable
        SQLAlchemy's.
    value : object
        Any value that has a literal.

    Returns
    -------
    str
        SQL text.
    """
    span = _span(value)
    if span is None:
        return _EXACT[operator].format(literal(value))
    return _SPAN[operator].format(**span)


def in_spans(text: str, values: Any) -> str:
    """Return the text of IN and values, which can repeat its left side.

    Parameters
    ----------
    text : str
        The left side.
    values : sequence
        The values.

    Returns
    -------
    str
        SQL text, for within brackets.
    """
    spans = [span for value in values if (span := _span(value))]
    parts = [f"BETWEEN {span['first']} AND {span['last']}" for span in spans]
    if len(spans) < len(values):
        parts.insert(0, in_exact(values))
    return f" OR {text} ".join(parts) or _NEVER


def in_exact(values: Any) -> str:
    """Return the text of IN and those values that are exact.

    Parameters
    ----------
    values : sequence
        The values.

    Returns
    -------
    str
        SQL text.
    """
    exact = [literal(value) for value in values if _span(value) is None]
    return f"IN ({', '.join(exact)})" if exact else _NEVER


def in_floored(values: Any) -> str:
    """Return the text of IN and those values that are spans, by their first nanosecond.

    Parameters
    ----------
    values : sequence
        The values.

    Returns
    -------
    str
        SQL text. Its left side must be rounded down to microseconds.
    """
    first = [span["first"] for value in values if (span := _span(value))]
    return f"IN ({', '.join(first)})" if first else _NEVER


class OperatorAndValue(sqltypes.TypeEngine):  # type: ignore[type-arg, unused-ignore]
    """The type of a parameter that is rendered with the operator before it.

    Parameters
    ----------
    type_ : TypeEngine
        The parameter's own type, which converts its value.
    render : callable
        Creates the text from the value.
    name : str
        The operator's name in statements that are shown without values.
    """

    def __init__(self, type_: Any, render: Callable[[Any], str], name: str) -> None:
        self.type_ = type_  # by the names of the parameters: SQLAlchemy copies types so
        self.render = render
        self.name = name

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
        many = isinstance(value, (list, tuple))
        try:
            return self.render(
                [self._processed(each, dialect) for each in value]
                if many
                else self._processed(value, dialect)
            )
        except Error as error:
            raise CompileError(
                f"cannot render a literal of type {self.type_!r}: {error}"
            ) from error

    def _processed(self, value: Any, dialect: Any) -> Any:
        process = self.type_._cached_bind_processor(dialect)
        value = process(value) if process else value
        is_count = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if is_count and not isinstance(self.type_, sqltypes.NullType) and MIN_NS <= value <= MAX_NS:
            return np.datetime64(int(value), "ns")
        return value


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
    return OperatorAndValue(type_, partial(comparison, operators.eq), "eq")
