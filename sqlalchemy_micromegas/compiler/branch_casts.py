"""CASTs for the branches of a CASE and the queries of a union whose types differ.

DataFusion converts such types to a common one after it has reported the type of the result: for a
CASE that of its first branch, for a union that of its first query. Some services then convert the
rows to the reported type, for example 1.5 to 1, and others fail. Casting the branches to their
common type makes the reported type the actual one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, TypeAlias

import pyarrow as pa
from sqlalchemy import cast, type_coerce
from sqlalchemy import types as sqltypes
from sqlalchemy.sql import elements, functions, selectable
from sqlalchemy.sql.compiler import _CompileLabel

from sqlalchemy_micromegas.compiler.expression_types import is_union, kind_of, kinds_of
from sqlalchemy_micromegas.compiler.type_kinds import NULL, arrow_type_of, common_kind, family
from sqlalchemy_micromegas.types import ExactNumeric
from sqlalchemy_micromegas.types.from_arrow import from_arrow

__all__ = ["BranchCasts"]

# The target types of the columns of a query that are cast, by the index of the column.
_Casts: TypeAlias = dict[int, pa.DataType]


class BranchCasts:
    """Mixin of the compiler that writes them."""

    process: Any
    dialect: Any

    # -- CASE --------------------------------------------------------------------------------

    def visit_case(self, clause: Any, **kw: Any) -> str:
        """Write CASE. With a single condition it is written as a comparison with true.

        If only a column follows, DataFusion 43 treats a condition that is NULL as true, and fails
        if the condition is a constant.
        """
        whens, else_ = list(clause.whens), clause.else_
        results = [result for _, result in whens] + [else_] * (else_ is not None)
        results = self._with_common_type(results)
        whens = [(when, result) for (when, _), result in zip(whens, results, strict=False)]
        if else_ is not None:
            else_ = results[-1]
        if clause.value is not None or len(whens) > 1:
            clause = clause._clone()
            clause.whens, clause.else_ = whens, else_
            return str(super().visit_case(clause, **kw))  # type: ignore[misc]
        [(condition, result)] = whens
        if not isinstance(condition, elements.Grouping):
            condition = elements.Grouping(condition)
        text = f"CASE {self.process(condition, **kw)} WHEN true THEN {self.process(result, **kw)}"
        if else_ is not None:
            text += f" ELSE {self.process(else_, **kw)}"
        return f"{text} END"

    def _with_common_type(self, expressions: list[Any]) -> list[Any]:
        """Cast the expressions that do not have their common type."""
        kind, casts = common_kind([kind_of(each) for each in expressions], null_has_type=False)
        return [
            _cast(each, kind.arrow) if kind is not None and needs_cast else each
            for each, needs_cast in zip(expressions, casts, strict=True)
        ]

    # -- unions ------------------------------------------------------------------------------

    # The columns of a query are cast while they are written, by their index: before that, a query
    # can consist of ORM entities.

    def visit_compound_select(self, cs: Any, *args: Any, **kw: Any) -> str:
        """Write a compound query."""
        if cs not in self._planned:
            self._plan_casts(cs)
        self._open_queries.append(({}, count()))
        try:
            return str(super().visit_compound_select(cs, *args, **kw))  # type: ignore[misc]
        finally:
            self._open_queries.pop()

    # Created on first use, because a compiler compiles its statement within its __init__.

    @property
    def _planned(self) -> set[Any]:
        """The compound queries whose casts are in `_query_casts`."""
        planned: set[Any] = self.__dict__.setdefault("_planned_compounds", set())
        return planned

    @property
    def _query_casts(self) -> dict[Any, _Casts]:
        """The casts of the queries of unions."""
        casts: dict[Any, _Casts] = self.__dict__.setdefault("_casts", {})
        return casts

    @property
    def _open_queries(self) -> list[tuple[_Casts, Iterator[int]]]:
        """The casts of the queries being written, and the index of the next column of each."""
        queries: list[Any] = self.__dict__.setdefault("_queries_being_written", [])
        return queries

    @property
    def _current_query(self) -> tuple[_Casts, Iterator[int]]:
        return self._open_queries[-1] if self._open_queries else ({}, count())  # RETURNING

    def _plan_casts(self, compound: Any) -> None:
        self._planned.add(compound)
        queries = [_ungrouped(each) for each in compound.selects]
        for query in queries:
            if isinstance(query, selectable.CompoundSelect):
                self._plan_casts(query)
        if not is_union(compound):
            return
        listed = [kinds_of(query, is_first=i == 0) for i, query in enumerate(queries)]
        for index, kinds in enumerate(zip(*listed, strict=False)):
            kind, casts = common_kind(kinds, null_has_type=True)
            to_cast = [query for query, needed in zip(queries, casts, strict=True) if needed]
            if kind is not None and all(_can_cast(query, index, kind.arrow) for query in to_cast):
                for query in to_cast:
                    self._cast_column(query, index, kind.arrow)

    def _cast_column(self, query: Any, index: int, to: pa.DataType) -> None:
        if isinstance(query, selectable.CompoundSelect):
            for part in query.selects:
                self._cast_column(_ungrouped(part), index, to)
        else:
            self._query_casts.setdefault(query, {})[index] = to

    def visit_select(self, select_stmt: Any, *args: Any, **kw: Any) -> str:
        """Write a query."""
        self._open_queries.append((self._query_casts.get(select_stmt, {}), count()))
        try:
            return str(super().visit_select(select_stmt, *args, **kw))  # type: ignore[misc]
        finally:
            self._open_queries.pop()

    def _label_select_column(
        self, select: Any, column: Any, populate_result_map: Any, *args: Any, **kw: Any
    ) -> Any:
        casts, indexes = self._current_query
        to = casts.get(next(indexes))
        if to is not None:
            impl = column.type.dialect_impl(self.dialect)
            outer = impl if populate_result_map and impl._has_column_expression else None
            copied = object.__new__(type(column))  # _clone() of columns and NULL returns themselves
            copied.__dict__.update(column.__dict__)
            copied.type, copied._uncast = _CastType(column, to, outer), column
            column, kw["need_column_expressions"] = copied, True
        return super()._label_select_column(  # type: ignore[misc]
            select, column, populate_result_map, *args, **kw
        )

    def visit_label(self, label: Any, *args: Any, **kw: Any) -> str:
        """Write a label. Sort by the expression, not by its label, if it is cast to a string."""
        casts, _ = self._current_query
        if kw.get("render_label_as_label") is label and pa.string() in casts.values():
            kw["render_label_as_label"] = None
        return str(super().visit_label(label, *args, **kw))  # type: ignore[misc]

    # -- results -----------------------------------------------------------------------------

    def _add_to_result_map(self, keyname: Any, name: Any, objects: Any, type_: Any) -> None:
        # A result looks up the values of a column by these objects, which are the statement's.
        objects = tuple(
            each.__dict__.get("_uncast", each) if isinstance(each, elements.ClauseElement) else each
            for each in objects
        )
        for each in objects:
            if isinstance(each, (elements.ColumnElement, _CompileLabel)):
                type_ = _result_type(each, type_)
                break
        super()._add_to_result_map(keyname, name, objects, type_)  # type: ignore[misc]


class _CastType(sqltypes.UserDefinedType):  # type: ignore[type-arg, unused-ignore]
    """The type of a column of a union's query that is written with a CAST."""

    def __init__(self, column: Any, to: pa.DataType, outer: Any) -> None:
        self.column, self.to, self.outer = column, to, outer

    def column_expression(self, column: Any) -> Any:
        """Write the CAST, inside the column expression of the column's own type."""
        written = type_coerce(_cast(self.column, self.to), _python_type(self.column.type, self.to))
        return written if self.outer is None else self.outer.column_expression(written)


def _cast(expression: Any, to: pa.DataType) -> Any:
    type_ = from_arrow(to)
    if isinstance(expression, elements.BindParameter) and pa.types.is_decimal(to):
        expression = expression._clone(maintain_key=True)  # a cached statement looks it up by key
        expression.type = ExactNumeric(to.precision, to.scale)
    return cast(expression, type_)


def _ungrouped(query: Any) -> Any:
    while isinstance(query, selectable.SelectStatementGrouping):
        query = query.element
    return query


def _can_cast(query: Any, index: int, to: pa.DataType) -> bool:
    """Return whether a cast of a column keeps the rows of its query and their order.

    As strings, numbers sort differently, and 1.0 does not equal 1.
    """
    kind = kinds_of(query)[index]
    if kind is None or kind.arrow == to or family(to) != "string":
        return True
    if not isinstance(query, selectable.CompoundSelect):
        # DISTINCT is ordered by the selected columns.
        return not (query._distinct and query._order_by_clauses)
    parts = [_ungrouped(part) for part in query.selects]
    kinds = [kinds_of(part)[index] for part in parts]
    arrows = {each.arrow for each in kinds if each is not None and each != NULL}
    same = len(arrows) == 1 or all(map(pa.types.is_integer, arrows))
    return same and not query._order_by_clauses and all(_can_cast(p, index, to) for p in parts)


def _python_type(type_: Any, arrow: pa.DataType) -> Any:
    """Return a type for values of an Arrow type: the given one if it has the same family."""
    known = pa.null() if isinstance(type_, sqltypes.NullType) else arrow_type_of(type_)
    if known is None or family(known) == family(arrow):
        return type_
    return sqltypes.BIGINT() if family(arrow) == "integer" else from_arrow(arrow)


#: Functions that have the type of their first argument in SQLAlchemy.
_TYPE_OF_ARGUMENT = {"coalesce", "greatest", "least", "nullif", "min", "max"}


def _result_type(element: Any, type_: Any) -> Any:
    """Return the type of a result column, if SQLAlchemy's type is only that of one branch."""
    inner = element
    while True:
        proxies = list(getattr(inner, "_proxies", ()))
        if isinstance(inner, (_CompileLabel, elements.Label, elements.Grouping)):
            inner = inner.element
        elif isinstance(inner, elements.ColumnClause) and len(proxies) == 1:
            inner = proxies[0]
        else:
            break
    is_guess = (
        isinstance(inner, elements.Case)
        or len(proxies) > 1
        or (
            isinstance(inner, functions.FunctionElement)
            and inner.name.lower() in _TYPE_OF_ARGUMENT
            and any(inner.type in (each.type, sqltypes.NULLTYPE) for each in inner.clauses)
        )
    )
    kind = kind_of(inner) if is_guess else None
    return type_ if kind is None or kind == NULL else _python_type(type_, kind.arrow)
