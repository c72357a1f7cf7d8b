"""Infer how the engine stores an expression from SQLAlchemy's types."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.sql import elements, functions, operators, selectable

from sqlalchemy_micromegas.compiler.type_kinds import (
    NULL,
    Kind,
    arrow_type_of,
    cast_result_type,
    common_kind,
    common_type,
    has_variants,
    unique_kind,
)
from sqlalchemy_micromegas.functions import nanoseconds_of
from sqlalchemy_micromegas.sqlalchemy_version import SQLALCHEMY_2

__all__ = ["is_union", "kind_of", "kinds_of"]

_BOOLEAN = Kind(pa.bool_())
_INT64, _UINT64, _FLOAT64 = Kind(pa.int64()), Kind(pa.uint64()), Kind(pa.float64())
# Literals equal each other, but not a column or a CAST, which newer engines store as views.
_LITERAL_STRING = Kind(pa.string(), "literal")


def kind_of(expression: Any) -> Kind | None:
    """Return the kind of an expression.

    Parameters
    ----------
    expression : sqlalchemy.sql.expression.ClauseElement
        An expression of SQL with a value.

    Returns
    -------
    Kind or None
        None if it is unknown.
    """
    for classes, infer in _EXPRESSIONS:
        if isinstance(expression, classes):
            return infer(expression)
    return None


def _is_decimal(type_: Any) -> bool:
    return isinstance(type_, sqltypes.Numeric) and not isinstance(type_, sqltypes.Float)


def _bound(parameter: Any) -> Kind | None:
    return _literal(parameter.type, object())


def _literal(type_: Any, storage: Hashable) -> Kind | None:
    """Return the kind of a literal, which the driver renders by its value more than its type."""
    arrow = arrow_type_of(type_)
    if _is_decimal(type_):
        return Kind(arrow or pa.decimal128(38, 15), storage)
    if arrow is None:
        return None
    if pa.types.is_string(arrow):
        return _LITERAL_STRING
    if pa.types.is_timestamp(arrow):
        return Kind(pa.timestamp("ns"), storage)  # of microseconds if out of range
    if pa.types.is_unsigned_integer(arrow) or pa.types.is_list(arrow):
        return Kind(arrow, storage)
    if isinstance(type_, sqltypes.BigInteger):
        return Kind(arrow, storage)  # unsigned from 2**63 on
    if pa.types.is_integer(arrow):
        return _INT64
    return _FLOAT64 if pa.types.is_floating(arrow) else Kind(arrow)


# The kinds of columns of subqueries, which are looked up many times.
_subquery_kinds: WeakKeyDictionary[Any, Kind | None] = WeakKeyDictionary()


def _subquery_column(column: Any, proxies: list[Any]) -> Kind | None:
    if column not in _subquery_kinds:
        kinds = [kind_of(each) for each in proxies]
        kind = kinds[0] if len(kinds) == 1 else common_kind(kinds, null_has_type=False)[0]
        if len(kinds) > 1 and kind is not None:  # of a union
            kind = unique_kind(kind.arrow)
        _subquery_kinds[column] = kind
    return _subquery_kinds[column]


def _column(column: Any) -> Kind | None:
    proxies = list(getattr(column, "_proxies", ()))
    if proxies:
        return _subquery_column(column, proxies)
    arrow = arrow_type_of(column.type)
    if arrow is None:
        return None
    if column.is_literal:
        return unique_kind(arrow)
    if isinstance(column.table, selectable.Values):
        return _literal(column.type, hash(column))
    return Kind(arrow, hash(column) if has_variants(arrow) else None)


def _cast(cast: Any) -> Kind | None:
    type_ = cast.type
    if _is_decimal(type_) and type_.precision is None:
        return Kind(pa.decimal128(38, 10))  # as the type compiler writes it
    arrow = arrow_type_of(type_)
    return None if arrow is None else Kind(cast_result_type(arrow))


def _case(case: Any) -> Kind | None:
    results = [result for _, result in case.whens]
    if case.else_ is not None:
        results.append(case.else_)
    return _common(results)


def _common(expressions: Iterable[Any]) -> Kind | None:
    return common_kind([kind_of(each) for each in expressions], null_has_type=False)[0]


def _binary(binary: Any) -> Kind | None:
    if isinstance(binary.type, sqltypes.Boolean):
        return _BOOLEAN
    operator = binary.operator
    if operator in (operators.concat_op, operators.regexp_replace_op):
        return unique_kind(pa.string())
    if operator is operators.getitem:
        return unique_kind(arrow_type_of(binary.type))
    left, right = kind_of(binary.left), kind_of(binary.right)
    if left is None or right is None:
        return None
    times = [pa.types.is_timestamp(each.arrow) for each in (left, right)]
    if operator is operators.sub and all(times):
        return unique_kind(pa.month_day_nano_interval())  # a duration
    if operator in (operators.add, operators.sub) and any(times):
        return left if times[0] else right
    if operator is operators.truediv and pa.types.is_integer(right.arrow):
        right = _FLOAT64  # the compiler writes a CAST to it
    return _arithmetic(left, right) if operator in _ARITHMETIC else None


_ARITHMETIC = {
    *(operators.add, operators.sub, operators.mul, operators.truediv, operators.mod),
    *(getattr(operators, name, None) for name in ("floordiv", "bitwise_and_op", "bitwise_or_op")),
} - {None}


def _arithmetic(left: Kind, right: Kind) -> Kind | None:
    operands = (left.arrow, right.arrow)
    if not all(pa.types.is_integer(each) or pa.types.is_floating(each) for each in operands):
        return None  # the precision of decimals grows
    if left == right:
        return left
    arrow = common_type(*operands)
    if arrow == pa.decimal128(20, 0):
        arrow = pa.decimal128(21, 0)
    return _FLOAT64 if arrow == pa.float64() else unique_kind(arrow)


def _unary(unary: Any) -> Kind | None:
    if isinstance(unary.type, sqltypes.Boolean):
        return _BOOLEAN
    return kind_of(unary.element) if unary.operator in _TYPE_PRESERVING else None


_TYPE_PRESERVING = {None, operators.neg, operators.distinct_op}


def _chain(listed: Any) -> Kind | None:
    """Return the kind of ``a + b + c``, which is one expression in SQLAlchemy 2."""
    if isinstance(listed.type, sqltypes.Boolean):
        return _BOOLEAN
    if listed.operator is operators.concat_op:
        return unique_kind(pa.string())
    if listed.operator not in _ARITHMETIC:
        return None
    result: Kind | None = kind_of(listed.clauses[0])
    for each in listed.clauses[1:]:
        kind = kind_of(each)
        result = None if result is None or kind is None else _arithmetic(result, kind)
    return result


def _extract(extract: Any) -> Kind | None:
    return unique_kind(pa.float64()) if extract.field.lower() == "epoch" else _INT64


# -- queries -----------------------------------------------------------------------------------


def is_union(compound: Any) -> bool:
    """Return whether a compound query is a UNION.

    The rows of EXCEPT and INTERSECT are those of the first query.

    Parameters
    ----------
    compound : sqlalchemy.sql.expression.CompoundSelect
        The query.

    Returns
    -------
    bool
        True for UNION and UNION ALL.
    """
    return "UNION" in str(compound.keyword)


def kinds_of(query: Any, *, is_first: bool = False) -> list[Kind | None]:
    """Return the kinds of a query's columns.

    Parameters
    ----------
    query : Select, CompoundSelect or another
        Those of text() are unknown.
    is_first : bool
        Whether it is the first query of a union, where the type of a NULL parameter is unknown.

    Returns
    -------
    list of (Kind or None)
        None for a column whose kind is unknown.
    """
    if isinstance(query, selectable.SelectStatementGrouping):
        return kinds_of(query.element, is_first=is_first)
    if isinstance(query, selectable.CompoundSelect):
        if not is_union(query):
            return kinds_of(query.selects[0], is_first=is_first)
        parts = [kinds_of(part, is_first=i == 0) for i, part in enumerate(query.selects)]
        return [common_kind(kinds, null_has_type=True)[0] for kinds in zip(*parts, strict=False)]
    if not isinstance(query, selectable.Select):
        return [None for _ in query.selected_columns]
    columns = query._all_selected_columns
    return [_first_query_kind(each) if is_first else kind_of(each) for each in columns]


def _first_query_kind(column: Any) -> Kind | None:
    kind = kind_of(column)
    while isinstance(column, (elements.Label, elements.Grouping)):
        column = column.element
    if kind is None or kind == NULL or not isinstance(column, elements.BindParameter):
        return kind
    return unique_kind(kind.arrow)


def _scalar(query: Any) -> Kind | None:
    kinds = kinds_of(query.element)
    return kinds[0] if len(kinds) == 1 else None


# -- functions ---------------------------------------------------------------------------------


def _function(function: Any) -> Kind | None:
    arguments = list(function.clauses)
    infer = _FUNCTIONS.get(function.name.lower())
    kind = infer(arguments) if infer is not None else None
    # SQLAlchemy's type of the function can be just that of an argument.
    is_guess = infer is not None and any(each.type is function.type for each in arguments)
    return unique_kind(arrow_type_of(function.type)) if kind is None and not is_guess else kind


def _like_first(arguments: list[Any]) -> Kind | None:
    kind = kind_of(arguments[0]) if arguments else None
    return unique_kind(kind.arrow) if kind is not None and has_variants(kind.arrow) else kind


def _coerced(arguments: list[Any]) -> Kind | None:
    kind = _common(arguments)
    if kind in (None, NULL):
        return kind
    same = {kind_of(each) for each in arguments} <= {kind, NULL}
    return kind if same and not has_variants(kind.arrow) else unique_kind(kind.arrow)


def _sum(arguments: list[Any]) -> Kind | None:
    kind = kind_of(arguments[0]) if arguments else None
    if kind is None:
        return None
    if pa.types.is_integer(kind.arrow):
        return _INT64 if pa.types.is_signed_integer(kind.arrow) else _UINT64
    if pa.types.is_decimal(kind.arrow):
        return unique_kind(pa.decimal128(min(kind.arrow.precision + 10, 38), kind.arrow.scale))
    return _FLOAT64 if pa.types.is_floating(kind.arrow) else None


def _average(arguments: list[Any]) -> Kind | None:
    kind = kind_of(arguments[0]) if arguments else None
    decimal = kind is None or pa.types.is_decimal(kind.arrow)
    return None if decimal else _FLOAT64


def _rounded(arguments: list[Any]) -> Kind | None:
    kind = kind_of(arguments[0]) if arguments else None
    return kind if kind is not None and pa.types.is_floating(kind.arrow) else None


def _real(arguments: list[Any]) -> Kind | None:
    kind = kind_of(arguments[0]) if arguments else None
    return kind if kind is None or kind.arrow == pa.float32() else _FLOAT64


def _string(arguments: list[Any]) -> Kind | None:
    return unique_kind(pa.string())


_STRING_FUNCTIONS = {
    *("btrim", "chr", "concat", "concat_ws", "initcap", "left", "lower", "lpad", "ltrim", "md5"),
    *("regexp_replace", "repeat", "replace", "reverse", "right", "rpad", "rtrim", "split_part"),
    *("string_agg", "substr", "substring", "to_char", "translate", "trim", "upper"),
}

_Infer = Callable[[list[Any]], Kind | None]

#: Functions whose type SQLAlchemy does not know, or assumes to be that of the first argument.
_FUNCTIONS: dict[str, _Infer] = {
    "count": lambda _: _INT64,
    "sum": _sum,
    "avg": _average,
    "now": lambda _: unique_kind(pa.timestamp("ns")),
    "coalesce": _coerced,
    "nullif": _coerced,
    "greatest": _common,
    "least": _common,
    **dict.fromkeys(("row_number", "rank", "dense_rank", "ntile"), lambda _: _UINT64),
    **dict.fromkeys(("percent_rank", "cume_dist"), lambda _: _FLOAT64),
    **dict.fromkeys(("sqrt", "exp", "ln"), _real),
    **dict.fromkeys(("ceil", "floor", "round", "trunc"), _rounded),
    **dict.fromkeys(_STRING_FUNCTIONS, _string),
    **dict.fromkeys(
        ("abs", "min", "max", "first_value", "last_value", "nth_value", "lag", "lead"),
        _like_first,
    ),
}

_EXPRESSIONS: list[tuple[Any, Callable[[Any], Kind | None]]] = [
    (elements.Null, lambda _: NULL),
    ((elements.True_, elements.False_, elements.BooleanClauseList), lambda _: _BOOLEAN),
    ((selectable.Exists, elements.AsBoolean), lambda _: _BOOLEAN),
    (elements.BindParameter, _bound),
    (selectable.ScalarSelect, _scalar),  # before Grouping, its base in 1.4
    ((elements.Label, elements.Grouping, elements.Over), lambda each: kind_of(each.element)),
    (elements.FunctionFilter, lambda each: kind_of(each.func)),
    (elements.TypeCoerce, lambda each: kind_of(each.typed_expression)),
    (elements.Cast, _cast),
    (elements.Case, _case),
    (elements.Extract, _extract),
    (nanoseconds_of, lambda _: _INT64),
    (functions.FunctionElement, _function),
    (elements.BinaryExpression, _binary),
    (elements.UnaryExpression, _unary),
    (elements.ColumnClause, _column),
]
if SQLALCHEMY_2:
    _EXPRESSIONS += [(elements.TryCast, _cast), (elements.ExpressionClauseList, _chain)]
