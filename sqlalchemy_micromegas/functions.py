"""SQL functions of Micromegas and DataFusion as SQLAlchemy constructs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import literal
from sqlalchemy import types as sqltypes
from sqlalchemy.sql.functions import FunctionElement, GenericFunction

__all__ = [
    "approx_percentile_cont",
    "array_has",
    "date_bin",
    "date_trunc",
    "nanoseconds_of",
    "property_get",
]

# GenericFunction adds each class to `func`, which all dialects of a process share. In a package
# of its own the function is func.micromegas.property_get.
_PACKAGE = "micromegas"


class _Function(GenericFunction):  # type: ignore[type-arg, unused-ignore]
    """A function that is compiled without the package it is registered in."""

    _register = False
    inherit_cache = True
    packagenames = ()


class property_get(_Function):  # noqa: N801  (named as in SQL)
    """``property_get(properties, key)``: the value of one key in a column of properties.

    The result is a string, or NULL if there is no such key. ``column["key"]`` is the same.

    Parameters
    ----------
    properties : column
        A column of the type `Properties`.
    key : str
        Compared case-insensitively for ASCII letters.
    **kw : Any
        Passed to SQLAlchemy's `Function`.
    """

    package = _PACKAGE
    name = "property_get"
    inherit_cache = True
    type = sqltypes.String()

    def __init__(self, properties: Any, key: Any, **kw: Any) -> None:
        super().__init__(properties, _typed(key, sqltypes.String()), **kw)


class date_bin(_Function):  # noqa: N801
    """``date_bin(stride, source[, origin])``: the start of the time bin that contains a time.

    Parameters
    ----------
    stride : timedelta or interval expression
        The width of the bins.
    source : column
        The time. The result has its type.
    origin : datetime, optional
        The start of any bin. The default is 1970-01-01 UTC.
    **kw : Any
        Passed to SQLAlchemy's `Function`.
    """

    package = _PACKAGE
    name = "date_bin"
    inherit_cache = True

    def __init__(self, stride: Any, source: Any, origin: Any = None, **kw: Any) -> None:
        if isinstance(stride, timedelta):
            stride = literal(stride, sqltypes.Interval())
        arguments = [stride, source] if origin is None else [stride, source, origin]
        kw.setdefault("type_", getattr(source, "type", None))
        super().__init__(*arguments, **kw)


class date_trunc(_Function):  # noqa: N801
    """``date_trunc(precision, source)``: a time truncated to the hour, the day and so on.

    Parameters
    ----------
    precision : str
        ``microsecond``, ``millisecond``, ``second``, ``minute``, ``hour``, ``day``, ``week``
        (starting on Monday), ``month``, ``quarter`` or ``year``.
    source : column
        The time. The result has its type.
    **kw : Any
        Passed to SQLAlchemy's `Function`.
    """

    package = _PACKAGE
    name = "date_trunc"
    inherit_cache = True

    def __init__(self, precision: Any, source: Any, **kw: Any) -> None:
        kw.setdefault("type_", getattr(source, "type", None))
        super().__init__(_typed(precision, sqltypes.String()), source, **kw)


class approx_percentile_cont(_Function):  # noqa: N801
    """``approx_percentile_cont(x, p)``: an approximate percentile.

    The result has the type of `x` on services older than DataFusion 50, and is a float on newer
    ones.

    Parameters
    ----------
    x : column
        Numbers.
    p : float
        From 0 to 1. Services accept only a literal.
    **kw : Any
        Passed to SQLAlchemy's `Function`.
    """

    package = _PACKAGE
    name = "approx_percentile_cont"
    inherit_cache = True
    type = sqltypes.Float()

    def __init__(self, x: Any, p: Any, **kw: Any) -> None:
        super().__init__(x, _typed(p, sqltypes.Float()), **kw)


class array_has(_Function):  # noqa: N801
    """``array_has(array, item)``: whether a list contains an item.

    Parameters
    ----------
    array : column
        A list, such as the ``tags`` of a stream.
    item : Any
        A value of the list's item type.
    **kw : Any
        Passed to SQLAlchemy's `Function`.
    """

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
