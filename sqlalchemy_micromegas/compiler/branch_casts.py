"""CASTs for the branches of a CASE and the parts of a union, where their types differ.

DataFusion makes such types agree after it has told what they are: a CASE is told to be of its
first branch's type, a union of its first query's. Some services then cut the rows to what was
told, 1.5 to 1, and others fail. With the branches cast to what they become together, what is told
is what comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pyarrow as pa
from sqlalchemy import cast, type_coerce
from sqlalchemy import types as sqltypes
from sqlalchemy.sql import elements, functions, selectable
from sqlalchemy.sql.compiler import _CompileLabel

from sqlalchemy_micromegas.compiler.expression_types import is_union, kind_of, kinds_of
from sqlalchemy_micromegas.compiler.type_kinds import NULL, arrow_of, family, made_alike
from sqlalchemy_micromegas.types import ExactNumeric
from sqlalchemy_micromegas.types.from_arrow import from_arrow

__all__ = ["MixedTypes"]


class MixedTypes:
    """The part of the compiler that writes them."""

    process: Any
    dialect: Any

    # -- CASE --------------------------------------------------------------------------------

    def visit_case(self, clause: Any, **kw: Any) -> str:
        """Write CASE; one of a single condition as a comparison with true.

        With a column behind it and nothing else, DataFusion 43 takes a condition that is NULL for
        true, and fails where it is a constant.
        """
        whens, else_ = list(clause.whens), clause.else_
        results = [result for _, result in whens] + [else_] * (else_ is not None)
        alike = self._alike(results)
        whens = [(when, result) for (when, _), result in zip(whens, alike, strict=False)]
        if else_ is not None:
            else_ = alike[-1]
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

    def _alike(self, expressions: list[Any]) -> list[Any]:
        """Cast those of several values that are not of the type of all."""
        kind, casts = made_alike([kind_of(each) for each in expressions], null_counts=False)
        return [
            _cast(each, kind.arrow) if kind is not None and to_cast else each
            for each, to_cast in zip(expressions, casts, strict=True)
        ]

    # -- unions ------------------------------------------------------------------------------

    # Parts are cast while their columns are written, by the place of each: until then a part may
    # be made of entities of the ORM.

    def visit_compound_select(self, cs: Any, *args: Any, **kw: Any) -> str:
        """Write a compound of queries."""
        if cs not in self._seen:
            self._agree(cs)
        self._places.append(({}, count()))
        try:
            return str(super().visit_compound_select(cs, *args, **kw))  # type: ignore[misc]
        finally:
            self._places.pop()

    @property
    def _seen(self) -> set[Any]:
        seen: set[Any] = self.__dict__.setdefault("_compounds", set())
        return seen

    @property
    def _parts(self) -> dict[Any, dict[int, pa.DataType]]:
        """For the queries of unions, which columns are cast, and to what."""
        parts: dict[Any, dict[int, pa.DataType]] = self.__dict__.setdefault("_casts", {})
        return parts

    @property
    def _places(self) -> list[tuple[dict[int, pa.DataType], Iterator[int]]]:
        """For the queries that are being written, the place of the next column."""
        places: list[Any] = self.__dict__.setdefault("_columns", [])
        return places

    @property
    def _place(self) -> tuple[dict[int, pa.DataType], Iterator[int]]:
        return self._places[-1] if self._places else ({}, count())  # of RETURNING

    def _agree(self, compound: Any) -> None:
        self._seen.add(compound)
        parts = [_ungrouped(each) for each in compound.selects]
        for part in parts:
            if isinstance(part, selectable.CompoundSelect):
                self._agree(part)
        if not is_union(compound):
            return
        listed = [kinds_of(part, leads=i == 0) for i, part in enumerate(parts)]
        for place, kinds in enumerate(zip(*listed, strict=False)):
            kind, casts = made_alike(kinds, null_counts=True)
            to_cast = [part for part, needed in zip(parts, casts, strict=True) if needed]
            if kind is not None and all(_can_be(part, place, kind.arrow) for part in to_cast):
                for part in to_cast:
                    self._cast_column(part, place, kind.arrow)

    def _cast_column(self, query: Any, place: int, to: pa.DataType) -> None:
        if isinstance(query, selectable.CompoundSelect):
            for part in query.selects:
                self._cast_column(_ungrouped(part), place, to)
        else:
            self._parts.setdefault(query, {})[place] = to

    def visit_select(self, select_stmt: Any, *args: Any, **kw: Any) -> str:
        """Write a query."""
        self._places.append((self._parts.get(select_stmt, {}), count()))
        try:
            return str(super().visit_select(select_stmt, *args, **kw))  # type: ignore[misc]
        finally:
            self._places.pop()

    def _label_select_column(
        self, select: Any, column: Any, populate_result_map: Any, *args: Any, **kw: Any
    ) -> Any:
        casts, places = self._place
        to = casts.get(next(places))
        if to is not None:
            impl = column.type.dialect_impl(self.dialect)
            within = impl if populate_result_map and impl._has_column_expression else None
            written = object.__new__(type(column))  # columns and NULL give themselves for copies
            written.__dict__.update(column.__dict__)
            written.type, written._part_of = _PartType(column, to, within), column
            column, kw["need_column_expressions"] = written, True
        return super()._label_select_column(  # type: ignore[misc]
            select, column, populate_result_map, *args, **kw
        )

    def visit_label(self, label: Any, *args: Any, **kw: Any) -> str:
        """Write a label; a part is ordered by what it has, not by the text that it is cast to."""
        casts, _ = self._place
        if kw.get("render_label_as_label") is label and pa.string() in casts.values():
            kw["render_label_as_label"] = None
        return str(super().visit_label(label, *args, **kw))  # type: ignore[misc]

    # -- results -----------------------------------------------------------------------------

    def _add_to_result_map(self, keyname: Any, name: Any, objects: Any, type_: Any) -> None:
        # By its objects a result finds the values of a column: by those of the statement.
        objects = tuple(
            each.__dict__.get("_part_of", each)
            if isinstance(each, elements.ClauseElement)
            else each
            for each in objects
        )
        for each in objects:
            if isinstance(each, (elements.ColumnElement, _CompileLabel)):
                type_ = _result_type(each, type_)
                break
        super()._add_to_result_map(keyname, name, objects, type_)  # type: ignore[misc]


class _PartType(sqltypes.UserDefinedType):  # type: ignore[type-arg, unused-ignore]
    """The type of a column in a part of a union: has it written with a CAST."""

    def __init__(self, column: Any, to: pa.DataType, within: Any) -> None:
        self.column, self.to, self.within = column, to, within

    def column_expression(self, column: Any) -> Any:
        """Write the CAST, within what the column's own type writes."""
        written = type_coerce(_cast(self.column, self.to), _agreeing(self.column.type, self.to))
        return written if self.within is None else self.within.column_expression(written)


def _cast(expression: Any, to: pa.DataType) -> Any:
    type_ = from_arrow(to)
    bound = expression
    if isinstance(bound, elements.BindParameter) and pa.types.is_decimal(to):
        bound = bound._clone(maintain_key=True)  # by which a cached statement finds it
        bound.type = ExactNumeric(to.precision, to.scale)
    return cast(bound, type_)


def _ungrouped(query: Any) -> Any:
    while isinstance(query, selectable.SelectStatementGrouping):
        query = query.element
    return query


def _can_be(query: Any, place: int, to: pa.DataType) -> bool:
    """Tell whether a cast within a query leaves its rows what they are.

    As text numbers come in another order, and 1.0 is not 1 any more.
    """
    kind = kinds_of(query)[place]
    if kind is None or kind.arrow == to or family(to) != "string":
        return True
    if not isinstance(query, selectable.CompoundSelect):
        return not (query._distinct and query._order_by_clauses)  # is ordered by what is selected
    parts = [_ungrouped(part) for part in query.selects]
    kinds = [kinds_of(part)[place] for part in parts]
    arrows = {each.arrow for each in kinds if each is not None and each != NULL}
    alike = len(arrows) == 1 or all(map(pa.types.is_integer, arrows))
    return alike and not query._order_by_clauses and all(_can_be(each, place, to) for each in parts)


def _agreeing(type_: Any, arrow: pa.DataType) -> Any:
    """Give the type itself if it is for such values, else one that is."""
    known = pa.null() if isinstance(type_, sqltypes.NullType) else arrow_of(type_)
    if known is None or family(known) == family(arrow):
        return type_
    return sqltypes.BIGINT() if family(arrow) == "integer" else from_arrow(arrow)


#: Functions that SQLAlchemy takes for the type of their first argument.
_OF_ARGUMENTS = {"coalesce", "greatest", "least", "nullif", "min", "max"}


def _result_type(element: Any, type_: Any) -> Any:
    """Give a column's type: SQLAlchemy takes that of one branch for the type of a CASE."""
    inner = element
    while True:
        proxies = list(getattr(inner, "_proxies", ()))
        if isinstance(inner, (_CompileLabel, elements.Label, elements.Grouping)):
            inner = inner.element
        elif isinstance(inner, elements.ColumnClause) and len(proxies) == 1:
            inner = proxies[0]
        else:
            break
    guessed = (
        isinstance(inner, elements.Case)
        or len(proxies) > 1
        or (
            isinstance(inner, functions.FunctionElement)
            and inner.name.lower() in _OF_ARGUMENTS
            and any(inner.type in (each.type, sqltypes.NULLTYPE) for each in inner.clauses)
        )
    )
    kind = kind_of(inner) if guessed else None
    return type_ if kind is None or kind == NULL else _agreeing(type_, kind.arrow)
