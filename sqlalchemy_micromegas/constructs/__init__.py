"""What Micromegas adds to SQL, as SQLAlchemy constructs: functions, and instances of views."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import column, func, literal
from sqlalchemy import types as sqltypes
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql.functions import FunctionElement, GenericFunction

from micromegas_dbapi.service.catalog import INSTANCE_IDS, INSTANCE_SCHEMAS

__all__ = [
    "approx_percentile_cont",
    "array_has",
    "date_bin",
    "date_trunc",
    "nanoseconds_of",
    "property_get",
    "view_instance",
]

# GenericFunction enters each class into `func`, where the other dialects of a process would meet
# it; in a package of its own it is func.micromegas.property_get.
_PACKAGE = "micromegas"


class _Function(GenericFunction):  # type: ignore[type-arg, unused-ignore]
    """A function that is written without the package it is registered in."""

    _register = False
    inherit_cache = True
    packagenames = ()


class property_get(_Function):  # noqa: N801  (it is written as SQL writes it)
    """``property_get(properties, key)``: one value out of a column of properties.

    Parameters
    ----------
    properties : column
        Of any service; ``Properties`` is its type.
    key : str
        Compared ignoring the case of ASCII letters.

    Notes
    -----
    A string, or NULL where there is no such key. ``column["key"]`` is the same.
    """

    package = _PACKAGE
    name = "property_get"
    inherit_cache = True
    type = sqltypes.String()

    def __init__(self, properties: Any, key: Any, **kw: Any) -> None:
        super().__init__(properties, _typed(key, sqltypes.String()), **kw)


class date_bin(_Function):  # noqa: N801
    """``date_bin(stride, source[, origin])``: the beginning of the bin that a time lies in.

    Parameters
    ----------
    stride : timedelta, or an interval as an expression
        The width of the bins.
    source : column
        The time; the result is of its type.
    origin : datetime, optional
        Where a bin begins; 1970-01-01 in UTC by default.
    """

    package = _PACKAGE
    name = "date_bin"
    inherit_cache = True

    def __init__(self, stride: Any, source: Any, origin: Any = None, **kw: Any) -> None:
        if isinstance(stride, timedelta):
            stride = literal(stride, sqltypes.Interval())
        given = [stride, source] if origin is None else [stride, source, origin]
        kw.setdefault("type_", getattr(source, "type", None))
        super().__init__(*given, **kw)


class date_trunc(_Function):  # noqa: N801
    """``date_trunc(precision, source)``: a time cut to the hour, the day and so on.

    Parameters
    ----------
    precision : str
        ``microsecond``, ``millisecond``, ``second``, ``minute``, ``hour``, ``day``, ``week``
        (from Monday), ``month``, ``quarter`` or ``year``.
    source : column
        The time; the result is of its type.
    """

    package = _PACKAGE
    name = "date_trunc"
    inherit_cache = True

    def __init__(self, precision: Any, source: Any, **kw: Any) -> None:
        kw.setdefault("type_", getattr(source, "type", None))
        super().__init__(_typed(precision, sqltypes.String()), source, **kw)


class approx_percentile_cont(_Function):  # noqa: N801
    """``approx_percentile_cont(x, p)``: about the value that the share `p` of values lies below.

    Parameters
    ----------
    x : column
        Numbers.
    p : float
        From 0 to 1; the service takes a literal only.

    Notes
    -----
    The result is of the type of `x` on services older than DataFusion 50, a float on newer ones.
    """

    package = _PACKAGE
    name = "approx_percentile_cont"
    inherit_cache = True
    type = sqltypes.Float()

    def __init__(self, x: Any, p: Any, **kw: Any) -> None:
        super().__init__(x, _typed(p, sqltypes.Float()), **kw)


class array_has(_Function):  # noqa: N801
    """``array_has(array, item)``: whether a list, such as a stream's ``tags``, has an item."""

    package = _PACKAGE
    name = "array_has"
    inherit_cache = True
    type = sqltypes.Boolean()

    def __init__(self, array: Any, item: Any, **kw: Any) -> None:
        super().__init__(array, item, **kw)


class nanoseconds_of(FunctionElement):  # type: ignore[type-arg, unused-ignore]  # noqa: N801
    """The nanoseconds of an interval or a duration, as an integer."""

    __visit_name__ = "nanoseconds_of"
    name = "nanoseconds_of"
    inherit_cache = True
    type = sqltypes.BigInteger()


def _typed(value: Any, type_: Any) -> Any:
    return literal(value, type_) if isinstance(value, (str, int, float)) else value


def view_instance(
    view_set: str,
    instance_id: str | uuid.UUID,
    *,
    name: str | None = None,
    autoload_with: Any = None,
) -> Any:
    """Select from one instance of a view: ``view_instance('thread_spans', '<stream id>')``.

    Parameters
    ----------
    view_set : str
        ``log_entries``, ``measures`` (of one process), ``thread_spans`` (of one stream), and on
        newer services ``async_events``, ``net_spans``, ``otel_spans``, ``images``; or one that
        the service defines itself, with `autoload_with`.
    instance_id : str or UUID
        The process's or the stream's id, or ``"global"``.
    name : str, optional
        Its alias in the statement; one that is unique by default.
    autoload_with : Engine or Connection, optional
        Ask the service for the columns. Without it they are those that every service has.

    Returns
    -------
    sqlalchemy.sql.expression.TableValuedAlias
        With the columns as ``.c``.

    Notes
    -----
    A service wants a time range for ``thread_spans``: conditions on ``begin`` and ``end`` give it,
    as do the execution options of the same names.

    Raises
    ------
    ArgumentError
        If the view set is not known and there is nobody to ask, or the id is no text.
    """
    if not isinstance(instance_id, (str, uuid.UUID)):
        raise ArgumentError(
            f"the instance's id is of type {type(instance_id).__name__}; accepted: str, UUID"
        )
    function = func.view_instance(
        literal(view_set, sqltypes.String()), literal(str(instance_id), sqltypes.String())
    )
    if autoload_with is not None:
        from sqlalchemy_micromegas.reflection import columns_of

        columns = columns_of(autoload_with, function)
    elif view_set in INSTANCE_SCHEMAS:
        from sqlalchemy_micromegas.types.from_arrow import from_arrow

        columns = [
            column(field.name, from_arrow(field.type, field.name))
            for field in INSTANCE_SCHEMAS[view_set]
        ]
    else:
        raise ArgumentError(
            f"the view set {view_set!r} is not known; accepted: {', '.join(INSTANCE_IDS)}, or any "
            "with autoload_with=engine, which asks the service for its columns"
        )
    return function.table_valued(*columns, name=name)
