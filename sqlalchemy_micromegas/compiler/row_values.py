"""Row values and ANY, in forms that every service understands.

``(a, b) IN ((1, 2), ..)``, ``(a, b) < (1, 2)`` and ``x = ANY(array)`` are not known to DataFusion
43: they become AND, OR and array_has.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import CompileError
from sqlalchemy.sql import elements, operators, selectable, visitors

__all__ = ["RowValues"]

_LESS = {operators.lt: " < ", operators.le: " < ", operators.gt: " > ", operators.ge: " > "}


class RowValues:
    """The part of the compiler that rewrites them."""

    process: Any
    bindtemplate: Any

    def visit_binary(self, binary: Any, **kw: Any) -> str:
        """Rewrite what has a row value on its left, or ANY or ALL on its right."""
        if isinstance(binary.right, elements.CollectionAggregate):
            return self._any(binary, kw)
        if isinstance(binary.left, elements.Tuple):
            return self._compared(binary, kw)
        return str(super().visit_binary(binary, **kw))  # type: ignore[misc]

    def _any(self, binary: Any, kw: Any) -> str:
        inner = binary.right.element
        while isinstance(inner, elements.Grouping):
            inner = inner.element
        if isinstance(inner, (selectable.SelectBase, selectable.ScalarSelect)):
            raise CompileError(
                "Micromegas services do not support ANY and ALL of a subquery: use in_() or "
                "not_in(), or compare with the subquery's min() or max()"
            )
        has = f"array_has({self.process(inner, **kw)}, {self.process(binary.left, **kw)})"
        every = binary.right.operator is operators.all_op
        if binary.operator is operators.eq and not every:
            return has
        if binary.operator is operators.ne and every:
            return f"NOT {has}"
        raise CompileError(
            "Micromegas services support = ANY(array) and != ALL(array) alone: for others use "
            "array_min() and array_max(), or unnest() in a subquery"
        )

    def _compared(self, binary: Any, kw: Any) -> str:
        left = list(binary.left.clauses)
        right = binary.right
        while isinstance(right, elements.Grouping):
            right = right.element
        operator = binary.operator
        if isinstance(right, elements.Tuple):
            others = list(right.clauses)
            if len(others) != len(left):
                raise CompileError(
                    f"a row value of {len(left)} parts is compared with one of {len(others)}"
                )
            return self._row(left, operator, others, kw)
        if operator not in (operators.in_op, operators.not_in_op):
            raise CompileError(
                "Micromegas services do not support this comparison of a row value: compare with "
                "another row value, or use in_() with a list of them"
            )
        if isinstance(right, elements.BindParameter):
            text = self._listed(left, right, kw)
        elif isinstance(right, elements.ClauseList):
            rows = [self._row(left, operators.eq, list(row.clauses), kw) for row in right.clauses]
            text = f"({' OR '.join(rows)})"
        else:
            raise CompileError(
                "Micromegas services do not support IN of row values with a subquery: use exists()"
            )
        return f"(NOT {text})" if operator is operators.not_in_op else text

    def _row(self, left: list[Any], operator: Any, right: list[Any], kw: Any) -> str:
        def pair(i: int, between: str) -> str:
            one, other = self.process(left[i], **kw), self.process(right[i], **kw)
            return f"{one}{between}{other}"

        last = len(left) - 1
        if operator is operators.eq:
            return "(" + " AND ".join(pair(i, " = ") for i in range(last + 1)) + ")"
        if operator is operators.ne:
            return "(" + " OR ".join(pair(i, " != ") for i in range(last + 1)) + ")"
        if operator not in _LESS:
            raise CompileError(
                "Micromegas services compare row values with =, !=, <, <=, >, >= and IN alone"
            )
        final = {operators.le: " <= ", operators.ge: " >= "}.get(operator, _LESS[operator])
        ways = []  # the first that differs decides
        for i in range(last + 1):
            parts = [pair(j, " = ") for j in range(i)]
            parts.append(pair(i, final if i == last else _LESS[operator]))
            ways.append(" AND ".join(parts))
        return "(" + " OR ".join(f"({way})" for way in ways) + ")"

    # A list of row values is a parameter that SQLAlchemy expands when the statement is run, once
    # it knows how many there are: what they are compared with is kept until then.

    def _listed(self, left: list[Any], right: Any, kw: Any) -> str:
        bound = any(
            isinstance(each, elements.BindParameter)
            for part in left
            for each in visitors.iterate(part)
        )
        if bound and not kw.get("literal_binds"):
            raise CompileError(
                "Micromegas services do not support IN of row values that have bound values on "
                "the left: compute them in a subquery, and compare its columns"
            )
        columns = self.__dict__.setdefault("_rows_of", {})
        columns[right.key] = [self.process(part, **kw) for part in left]
        return str(self.process(right, **kw))

    def _one_of(self, parameter: Any, values: list[str]) -> str | None:
        columns = self.__dict__.get("_rows_of", {}).get(parameter.key)
        if columns is None:
            return None
        if not values:
            return "1 != 1"
        width = len(columns)
        rows = [values[at : at + width] for at in range(0, len(values), width)]
        return " OR ".join(
            "(" + " AND ".join(f"{c} = {v}" for c, v in zip(columns, row, strict=True)) + ")"
            for row in rows
        )

    def _literal_execute_expanding_parameter(
        self, name: str, parameter: Any, values: Any, **kw: Any
    ) -> Any:
        update, text = super()._literal_execute_expanding_parameter(  # type: ignore[misc]
            name, parameter, values, **kw
        )
        if parameter.literal_execute:
            return update, text
        marks = [self.bindtemplate % {"name": key} for key, _ in update]
        rewritten = self._one_of(parameter, marks)
        return update, text if rewritten is None else rewritten

    def _literal_execute_expanding_parameter_literal_binds(
        self, parameter: Any, values: Any, **kw: Any
    ) -> Any:
        if parameter.key in self.__dict__.get("_rows_of", {}):
            types = parameter.type.types
            texts = [
                self.render_literal_value(value, type_)  # type: ignore[attr-defined]
                for row in values
                for value, type_ in zip(row, types, strict=False)
            ]
            return (), self._one_of(parameter, texts)
        return super()._literal_execute_expanding_parameter_literal_binds(  # type: ignore[misc]
            parameter, values, **kw
        )
