"""Types of numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sqltypes

from micromegas_dbapi.errors import DataError
from sqlalchemy_micromegas.sqlalchemy_version import SQLALCHEMY_2
from sqlalchemy_micromegas.types.named import NamedType
from sqlalchemy_micromegas.types.processors import Processor, column_arrow_type, nullable

__all__ = [
    "DOUBLE",
    "TINYINT",
    "UBIGINT",
    "UINTEGER",
    "USMALLINT",
    "UTINYINT",
    "ExactNumeric",
    "FloatImpl",
    "IntegerImpl",
    "NumericImpl",
]


class TINYINT(NamedType, sqltypes.Integer):
    """A signed integer of 8 bits."""

    __visit_name__ = "TINYINT"
    sql_name = "TINYINT"


class UTINYINT(NamedType, sqltypes.Integer):
    """An unsigned integer of 8 bits."""

    __visit_name__ = "UTINYINT"
    sql_name = "TINYINT UNSIGNED"


class USMALLINT(NamedType, sqltypes.Integer):
    """An unsigned integer of 16 bits."""

    __visit_name__ = "USMALLINT"
    sql_name = "SMALLINT UNSIGNED"


class UINTEGER(NamedType, sqltypes.Integer):
    """An unsigned integer of 32 bits."""

    __visit_name__ = "UINTEGER"
    sql_name = "INTEGER UNSIGNED"


class UBIGINT(NamedType, sqltypes.Integer):
    """An unsigned integer of 64 bits."""

    __visit_name__ = "UBIGINT"
    sql_name = "BIGINT UNSIGNED"


if SQLALCHEMY_2:
    DOUBLE: Any = sqltypes.DOUBLE
else:  # 1.4 has no type of that name

    class _DOUBLE(NamedType, sqltypes.Float):  # type: ignore[type-arg, unused-ignore]
        """A floating-point number of 64 bits."""

        __visit_name__ = "DOUBLE"
        sql_name = "DOUBLE"

    _DOUBLE.__name__ = _DOUBLE.__qualname__ = "DOUBLE"
    DOUBLE = _DOUBLE


class IntegerImpl(sqltypes.Integer):
    """The dialect's implementation of Integer."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor | None:
        """Convert decimals, the engine's common type of signed and unsigned 64-bit integers."""
        arrow_type = column_arrow_type(coltype)
        integral = (
            arrow_type is not None and pa.types.is_decimal(arrow_type) and arrow_type.scale == 0
        )
        return nullable(int) if integral else None


def _number_processor(type_: Any, coltype: object) -> Processor | None:
    """Convert floats to decimals, or decimals to floats, if the type asks for the other."""
    arrow_type = column_arrow_type(coltype)
    decimal = arrow_type is not None and pa.types.is_decimal(arrow_type)
    if not type_.asdecimal:
        return nullable(float) if decimal else None
    if decimal:
        return None
    scale = type_._effective_decimal_return_scale
    return nullable(lambda value: Decimal(f"{value:.{scale}f}"))


class _Number:
    """Conversion of numbers with a fraction: only of results."""

    def bind_processor(self, dialect: Any) -> Processor | None:
        """Leave parameters unchanged."""
        return None

    def result_processor(self, dialect: Any, coltype: object) -> Processor | None:
        """Convert between floats and decimals."""
        return _number_processor(self, coltype)


class NumericImpl(_Number, sqltypes.Numeric):  # type: ignore[misc, type-arg, unused-ignore]
    """The dialect's implementation of Numeric."""


class FloatImpl(_Number, sqltypes.Float):  # type: ignore[misc, type-arg, unused-ignore]
    """The dialect's implementation of Float."""

    def bind_processor(self, dialect: Any) -> Processor:
        """Convert integers, because the engine would read a rendered ``0`` as an integer."""
        return lambda value: float(value) if type(value) is int else value


class ExactNumeric(NumericImpl):
    """The type of a bound number that is cast to the common type of a CASE or a union."""

    def bind_processor(self, dialect: Any) -> Processor:
        """Reject numbers that the cast would round."""
        scale = self.scale or 0

        def _process(value: Any) -> Any:
            digits = _fraction_digits(value)
            if digits > scale:
                raise DataError(
                    f"{value!r} has more than {scale} digits after the decimal point, the scale "
                    "of the common type of this CASE or union; use "
                    f"cast(value, Numeric(38, {digits}))"
                )
            return value

        return _process


def _fraction_digits(value: Any) -> int:
    """Count the digits after the decimal point, without trailing zeros."""
    if not isinstance(value, (Decimal, float)):
        return 0
    _, digits, exponent = Decimal(str(value)).as_tuple()
    if not isinstance(exponent, int):  # NaN or infinity
        return 0
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(-exponent - zeros, 0)
