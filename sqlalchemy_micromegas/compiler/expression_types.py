"""What the engine keeps an expression as, as far as SQLAlchemy's types tell."""

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
    arrow_of,
    as_cast,
    common,
    made_alike,
    unsure,
    varied,
)
from sqlalchemy_micromegas.constructs import nanoseconds_of
from sqlalchemy_micromegas.types import SQLALCHEMY_2

__all__ = ["is_union", "kind_of", "kinds_of"]

_BOOLEAN = Kind(pa.bool_())
_INT64, _UINT64, _FLOAT64 = Kind(pa.int64()), Kind(pa.uint64()), Kind(pa.float64())
# Equal to each other, though not to a column or a CAST, which newer engines make views of.
_LITERAL_TEXT = Kind(pa.string(), "literal")


def kind_of(expression: Any) -> Kind | None:
    """Tell what the engine keeps an expression as; None where that is not known."""
    for classes, tell in _EXPRESSIONS:
        if isinstance(expression, classes):
            return tell(expression)
    return None


def _is_decimal(type_: Any) -> bool:
    return isinstance(type_, sqltypes.Numeric) and not isinstance(type_, sqltypes.Float)


def _bound(parameter: Any) -> Kind | None:
    return _literal(parameter.type, object())


def _literal(type_: Any, storage: Hashable) -> Kind | None:
    """Tell the kind of a literal, which the driver renders by its value more than its type."""
    arrow = arrow_of(type_)
    if _is_decimal(type_):
        return Kind(arrow or pa.decimal128(38, 15), storage)
    if arrow is None:
        return None
    if pa.types.is_string(arrow):
        return _LITERAL_TEXT
    if pa.types.is_timestamp(arrow):
        return Kind(pa.timestamp("ns"), storage)  # of microseconds where it is far away
    if pa.types.is_unsigned_integer(arrow) or pa.types.is_list(arrow):
        return Kind(arrow, storage)
    if isinstance(type_, sqltypes.BigInteger):
        return Kind(arrow, storage)  # without sign from 2**63 on
    if pa.types.is_integer(arrow):
        return _INT64
    return _FLOAT64 if pa.types.is_floating(arrow) else Kind(arrow)


# What columns of subqueries are: each is asked for its columns time and again.
_known: WeakKeyDictionary[Any, Kind | None] = WeakKeyDictionary()


def _selected(column: Any, proxies: list[Any]) -> Kind | None:
    if column not in _known:
        kinds = [kind_of(each) for each in proxies]
        kind = kinds[0] if len(kinds) == 1 else made_alike(kinds, null_counts=False)[0]
        of_union = len(kinds) > 1 and kind is not None
        _known[column] = unsure(kind.arrow) if of_union else kind  # type: ignore[union-attr]
    return _known[column]


def _column(column: Any) -> Kind | None:
    proxies = list(getattr(column, "_proxies", ()))
    if proxies:
        return _selected(column, proxies)
    arrow = arrow_of(column.type)
    if arrow is None:
        return None
    if column.is_literal:
        return unsure(arrow)
    if isinstance(column.table, selectable.Values):
        return _literal(column.type, hash(column))
    return Kind(arrow, hash(column) if varied(arrow) else None)


def _cast(cast: Any) -> Kind | None:
    type_ = cast.type
    if _is_decimal(type_) and type_.precision is None:
        return Kind(pa.decimal128(38, 10))  # as the type is written
    arrow = arrow_of(type_)
    return None if arrow is None else Kind(as_cast(arrow))


def _case(case: Any) -> Kind | None:
    results = [result for _, result in case.whens]
    if case.else_ is not None:
        results.append(case.else_)
    return _together(results)


def _together(expressions: Iterable[Any]) -> Kind | None:
    return made_alike([kind_of(each) for each in expressions], null_counts=False)[0]


def _binary(binary: Any) -> Kind | None:
    if isinstance(binary.type, sqltypes.Boolean):
        return _BOOLEAN
    operator = binary.operator
    if operator in (operators.concat_op, operators.regexp_replace_op):
        return unsure(pa.string())
    if operator is operators.getitem:
        return unsure(arrow_of(binary.type))
    left, right = kind_of(binary.left), kind_of(binary.right)
    if left is None or right is None:
        return None
    times = [pa.types.is_timestamp(each.arrow) for each in (left, right)]
    if operator is operators.sub and all(times):
        return unsure(pa.month_day_nano_interval())  # a duration
    if operator in (operators.add, operators.sub) and any(times):
        return left if times[0] else right
    if operator is operators.truediv and pa.types.is_integer(right.arrow):
        right = _FLOAT64  # as the compiler writes it
    return _computed(left, right) if operator in _ARITHMETIC else None


_ARITHMETIC = {
    *(operators.add, operators.sub, operators.mul, operators.truediv, operators.mod),
    *(getattr(operators, name, None) for name in ("floordiv", "bitwise_and_op", "bitwise_or_op")),
} - {None}


def _computed(left: Kind, right: Kind) -> Kind | None:
    given = (left.arrow, right.arrow)
    if not all(pa.types.is_integer(each) or pa.types.is_floating(each) for each in given):
        return None  # decimals grow
    if left == right:
        return left
    arrow = common(*given)
    if arrow == pa.decimal128(20, 0):
        arrow = pa.decimal128(21, 0)
    return _FLOAT64 if arrow == pa.float64() else unsure(arrow)


def _unary(unary: Any) -> Kind | None:
    if isinstance(unary.type, sqltypes.Boolean):
        return _BOOLEAN
    return kind_of(unary.element) if unary.operator in _KEEPING else None


_KEEPING = {None, operators.neg, operators.distinct_op}


def _chain(listed: Any) -> Kind | None:
    """Tell the kind of ``a + b + c``, which is one expression to SQLAlchemy 2."""
    if isinstance(listed.type, sqltypes.Boolean):
        return _BOOLEAN
    if listed.operator is operators.concat_op:
        return unsure(pa.string())
    if listed.operator not in _ARITHMETIC:
        return None
    found: Kind | None = kind_of(listed.clauses[0])
    for each in listed.clauses[1:]:
        kind = kind_of(each)
        found = None if found is None or kind is None else _computed(found, kind)
    return found


def _extract(extract: Any) -> Kind | None:
    return unsure(pa.float64()) if extract.field.lower() == "epoch" else _INT64


# -- queries -----------------------------------------------------------------------------------


def is_union(compound: Any) -> bool:
    """Tell a UNION from EXCEPT and INTERSECT, whose rows are those of the first query."""
    return "UNION" in str(compound.keyword)


def kinds_of(query: Any, *, leads: bool = False) -> list[Kind | None]:
    """Tell the kinds of a query's columns.

    Parameters
    ----------
    query : Select, CompoundSelect or another
        Of those of text alone nothing is known.
    leads : bool
        Whether it is the first of a union: of a bound NULL nobody knows the type then.
    """
    if isinstance(query, selectable.SelectStatementGrouping):
        return kinds_of(query.element, leads=leads)
    if isinstance(query, selectable.CompoundSelect):
        if not is_union(query):
            return kinds_of(query.selects[0], leads=leads)
        parts = [kinds_of(part, leads=i == 0) for i, part in enumerate(query.selects)]
        return [made_alike(kinds, null_counts=True)[0] for kinds in zip(*parts, strict=False)]
    if not isinstance(query, selectable.Select):
        return [None for _ in query.selected_columns]
    columns = query._all_selected_columns
    return [_leading(each) if leads else kind_of(each) for each in columns]


def _leading(column: Any) -> Kind | None:
    kind = kind_of(column)
    while isinstance(column, (elements.Label, elements.Grouping)):
        column = column.element
    if kind is None or kind == NULL or not isinstance(column, elements.BindParameter):
        return kind
    return unsure(kind.arrow)


def _scalar(query: Any) -> Kind | None:
    kinds = kinds_of(query.element)
    return kinds[0] if len(kinds) == 1 else None


# -- functions ---------------------------------------------------------------------------------


def _function(function: Any) -> Kind | None:
    given = list(function.clauses)
    tell = _FUNCTIONS.get(function.name.lower())
    found = tell(given) if tell is not None else None
    guessed = tell is not None and any(each.type is function.type for each in given)
    return unsure(arrow_of(function.type)) if found is None and not guessed else found


def _like_first(given: list[Any]) -> Kind | None:
    kind = kind_of(given[0]) if given else None
    return unsure(kind.arrow) if kind is not None and varied(kind.arrow) else kind


def _coerced(given: list[Any]) -> Kind | None:
    kind = _together(given)
    if kind in (None, NULL):
        return kind
    same = {kind_of(each) for each in given} <= {kind, NULL}
    return kind if same and not varied(kind.arrow) else unsure(kind.arrow)


def _sum(given: list[Any]) -> Kind | None:
    kind = kind_of(given[0]) if given else None
    if kind is None:
        return None
    if pa.types.is_integer(kind.arrow):
        return _INT64 if pa.types.is_signed_integer(kind.arrow) else _UINT64
    if pa.types.is_decimal(kind.arrow):
        return unsure(pa.decimal128(min(kind.arrow.precision + 10, 38), kind.arrow.scale))
    return _FLOAT64 if pa.types.is_floating(kind.arrow) else None


def _average(given: list[Any]) -> Kind | None:
    kind = kind_of(given[0]) if given else None
    decimal = kind is None or pa.types.is_decimal(kind.arrow)
    return None if decimal else _FLOAT64


def _rounded(given: list[Any]) -> Kind | None:
    kind = kind_of(given[0]) if given else None
    return kind if kind is not None and pa.types.is_floating(kind.arrow) else None


def _real(given: list[Any]) -> Kind | None:
    kind = kind_of(given[0]) if given else None
    return kind if kind is None or kind.arrow == pa.float32() else _FLOAT64


def _text(given: list[Any]) -> Kind | None:
    return unsure(pa.string())


_TEXTS = {
    *("btrim", "chr", "concat", "concat_ws", "initcap", "left", "lower", "lpad", "ltrim", "md5"),
    *("regexp_replace", "repeat", "replace", "reverse", "right", "rpad", "rtrim", "split_part"),
    *("string_agg", "substr", "substring", "to_char", "translate", "trim", "upper"),
}

_Tell = Callable[[list[Any]], Kind | None]

#: What SQLAlchemy does not know, or takes for the type of the first argument.
_FUNCTIONS: dict[str, _Tell] = {
    "count": lambda _: _INT64,
    "sum": _sum,
    "avg": _average,
    "now": lambda _: unsure(pa.timestamp("ns")),
    "coalesce": _coerced,
    "nullif": _coerced,
    "greatest": _together,
    "least": _together,
    **dict.fromkeys(("row_number", "rank", "dense_rank", "ntile"), lambda _: _UINT64),
    **dict.fromkeys(("percent_rank", "cume_dist"), lambda _: _FLOAT64),
    **dict.fromkeys(("sqrt", "exp", "ln"), _real),
    **dict.fromkeys(("ceil", "floor", "round", "trunc"), _rounded),
    **dict.fromkeys(_TEXTS, _text),
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
    (selectable.ScalarSelect, _scalar),  # a grouping, in 1.4
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
