"""Row values and ANY, in forms that every service understands.

DataFusion 43 does not know ``(a, b) IN ((1, 2), (3, 4))``, ``(a, b) < (1, 2)`` and
``x = ANY(array)``. They are written with AND, OR and array_has.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import CompileError
from sqlalchemy.sql import elements, operators, selectable, visitors

from sqlalchemy_micromegas.compiler.time_comparisons import is_time
from sqlalchemy_micromegas.compiler.time_spans import time_equals
from sqlalchemy_micromegas.compiler.unsupported import refuse

__all__ = ["RowValues"]

_STRICT = {
    operators.lt: operators.lt,
    operators.le: operators.lt,
    operators.gt: operators.gt,
    operators.ge: operators.gt,
}


class RowValues:
    """Mixin of the compiler that writes them."""

    process: Any
    bindtemplate: Any
    render_literal_value: Any

    def visit_binary(self, binary: Any, **kw: Any) -> str:
        """Rewrite comparisons of row values, and comparisons with ANY or ALL."""
        if isinstance(binary.right, elements.CollectionAggregate):
            return self._any(binary, kw)
        if isinstance(binary.left, elements.Tuple):
            return self._compare(binary, kw)
        return str(super().visit_binary(binary, **kw))  # type: ignore[misc]

    def _any(self, binary: Any, kw: Any) -> str:
        array = _ungrouped(binary.right.element)
        if isinstance(array, (selectable.SelectBase, selectable.ScalarSelect)):
            refuse(
                "ANY and ALL of a subquery",
                "use in_() or not_in(), or compare with the subquery's min() or max()",
            )
        contains = f"array_has({self.process(array, **kw)}, {self.process(binary.left, **kw)})"
        is_all = binary.right.operator is operators.all_op
        if binary.operator is operators.eq and not is_all:
            return contains
        if binary.operator is operators.ne and is_all:
            return f"NOT {contains}"
        refuse(
            "ANY and ALL except in = ANY(array) and != ALL(array)",
            "use array_min() and array_max(), or unnest() in a subquery",
        )

    def _compare(self, binary: Any, kw: Any) -> str:
        left, right, operator = list(binary.left.clauses), _ungrouped(binary.right), binary.operator
        if isinstance(right, elements.Tuple):
            others = list(right.clauses)
            if len(others) != len(left):
                raise CompileError(
                    f"cannot compare row values of {len(left)} and {len(others)} elements"
                )
            return self._compare_rows(left, operator, others, kw)
        if operator not in (operators.in_op, operators.not_in_op):
            refuse(
                "this comparison of a row value",
                "compare with another row value, or use in_() with a list of them",
            )
        if isinstance(right, elements.BindParameter):
            text = self._in_parameter(left, right, kw)
        elif isinstance(right, elements.ClauseList):
            rows = [
                self._compare_rows(left, operators.eq, list(row.clauses), kw)
                for row in right.clauses
            ]
            text = f"({' OR '.join(rows)})"
        else:
            refuse("IN of row values with a subquery", "use exists()")
        return f"(NOT {text})" if operator is operators.not_in_op else text

    def _compare_rows(self, left: list[Any], operator: Any, right: list[Any], kw: Any) -> str:
        def _pair(i: int, operator: Any) -> str:
            pair: Any = elements.BinaryExpression(left[i], right[i], operator)
            return str(self.process(pair, **kw))

        last = len(left) - 1
        if operator is operators.eq:
            return "(" + " AND ".join(_pair(i, operator) for i in range(last + 1)) + ")"
        if operator is operators.ne:
            return "(" + " OR ".join(_pair(i, operator) for i in range(last + 1)) + ")"
        if operator not in _STRICT:
            refuse(
                "this comparison of row values",
                "use =, !=, <, <=, >, >= or IN",
            )
        strict = _STRICT[operator]
        cases = []  # one for each element that can be the first that differs
        for i in range(last + 1):
            conditions = [_pair(j, operators.eq) for j in range(i)]
            conditions.append(_pair(i, operator if i == last else strict))
            cases.append(" AND ".join(conditions))
        return "(" + " OR ".join(f"({case})" for case in cases) + ")"

    # SQLAlchemy expands a parameter that is a list of row values when the statement is executed
    # and their number is known. The left side is stored until then.

    def _in_parameter(self, left: list[Any], parameter: Any, kw: Any) -> str:
        has_parameters = any(
            isinstance(each, elements.BindParameter)
            for element in left
            for each in visitors.iterate(element)
        )
        if has_parameters and not kw.get("literal_binds"):
            refuse(
                "IN of row values with parameters on the left side",
                "compute them in a subquery, and compare its columns",
            )
        columns = self.__dict__.setdefault("_row_columns", {})
        columns[parameter.key] = [self.process(element, **kw) for element in left]
        if any(map(is_time, parameter.type.types)):  # rendered with the values
            parameter = parameter._clone(maintain_key=True)
            parameter.literal_execute = True
        return str(self.process(parameter, **kw))

    def _expand_rows(self, parameter: Any, comparisons: list[str]) -> str | None:
        """Write the comparisons of the elements, in which each has an operator and a value."""
        columns = self.__dict__.get("_row_columns", {}).get(parameter.key)
        if columns is None:
            return None
        if not comparisons:
            return "1 != 1"
        width = len(columns)
        rows = [comparisons[at : at + width] for at in range(0, len(comparisons), width)]
        return " OR ".join(
            "(" + " AND ".join(f"{c} {v}" for c, v in zip(columns, row, strict=True)) + ")"
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
        placeholders = ["= " + self.bindtemplate % {"name": key} for key, _ in update]
        rewritten = self._expand_rows(parameter, placeholders)
        return update, text if rewritten is None else rewritten

    def _literal_execute_expanding_parameter_literal_binds(
        self, parameter: Any, values: Any, **kw: Any
    ) -> Any:
        if parameter.key in self.__dict__.get("_row_columns", {}):
            types = parameter.type.types
            comparisons = [
                self._equals(value, type_)
                for row in values
                for value, type_ in zip(row, types, strict=False)
            ]
            return (), self._expand_rows(parameter, comparisons)
        return super()._literal_execute_expanding_parameter_literal_binds(  # type: ignore[misc]
            parameter, values, **kw
        )

    def _equals(self, value: Any, type_: Any) -> str:
        if is_time(type_):
            return str(self.render_literal_value(value, time_equals(type_)))
        return f"= {self.render_literal_value(value, type_)}"


def _ungrouped(expression: Any) -> Any:
    while isinstance(expression, elements.Grouping):
        expression = expression.element
    return expression
