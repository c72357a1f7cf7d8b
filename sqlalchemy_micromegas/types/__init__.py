"""SQLAlchemy types: what Arrow types become, and what values become on their way in and out.

Values go to the driver's renderer of literals as they are, with or without ``literal_binds``; on
the way back the driver has made Python values of them already. So a type does something only
where SQLAlchemy's meaning differs from the driver's: a UUID that is text on the wire, properties
that are a list, or JSONB.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
from sqlalchemy import __version__ as _version
from sqlalchemy import types as sqltypes
from sqlalchemy.sql import sqltypes as _internal
from sqlalchemy.sql import type_api

from micromegas_dbapi.arrow import jsonb
from micromegas_dbapi.errors import DataError
from micromegas_dbapi.sql.literals import Array as ArrayValue
from sqlalchemy_micromegas.constructs import property_get

__all__ = [
    "COLSPECS",
    "COLSPECS_WITHOUT_INTERVALS",
    "DOUBLE",
    "SQLALCHEMY_2",
    "TIMESTAMP",
    "TINYINT",
    "UBIGINT",
    "UINTEGER",
    "USMALLINT",
    "UTINYINT",
    "ExactNumeric",
    "FrameInterval",
    "Interval",
    "IntervalAsNumber",
    "Properties",
]

SQLALCHEMY_2 = int(_version.partition(".")[0]) >= 2

_Processor = Callable[[Any], Any]


def _nullable(process: _Processor) -> _Processor:
    """Let NULL pass a processor."""
    return lambda value: None if value is None else process(value)


def _arrow(coltype: object) -> pa.DataType | None:
    """Give the Arrow type of a result's column, which the driver's type codes carry."""
    return getattr(coltype, "arrow_type", None)


# -- numbers -----------------------------------------------------------------------------------


class TINYINT(sqltypes.Integer):
    """An integer of 8 bits."""

    __visit_name__ = "TINYINT"


class UTINYINT(sqltypes.Integer):
    """An integer of 8 bits without sign."""

    __visit_name__ = "UTINYINT"


class USMALLINT(sqltypes.Integer):
    """An integer of 16 bits without sign."""

    __visit_name__ = "USMALLINT"


class UINTEGER(sqltypes.Integer):
    """An integer of 32 bits without sign."""

    __visit_name__ = "UINTEGER"


class UBIGINT(sqltypes.Integer):
    """An integer of 64 bits without sign."""

    __visit_name__ = "UBIGINT"


if SQLALCHEMY_2:
    DOUBLE: Any = sqltypes.DOUBLE
else:  # 1.4 has no type of that name

    class _DOUBLE(sqltypes.Float):  # type: ignore[type-arg, unused-ignore]
        __visit_name__ = "DOUBLE"

    _DOUBLE.__name__ = _DOUBLE.__qualname__ = "DOUBLE"
    DOUBLE = _DOUBLE


def _number_processor(type_: Any, coltype: object) -> _Processor | None:
    """Make decimals of floats, or floats of decimals, where the type asks for the other."""
    arrow = _arrow(coltype)
    decimal = arrow is not None and pa.types.is_decimal(arrow)
    if not type_.asdecimal:
        return _nullable(float) if decimal else None
    if decimal:
        return None
    scale = type_._effective_decimal_return_scale
    return _nullable(lambda value: Decimal(f"{value:.{scale}f}"))


class _Integer(sqltypes.Integer):
    def result_processor(self, dialect: Any, coltype: object) -> _Processor | None:
        # Signed and unsigned 64 bits together are a decimal to the engine.
        arrow = _arrow(coltype)
        whole = arrow is not None and pa.types.is_decimal(arrow) and arrow.scale == 0
        return _nullable(int) if whole else None


class _Number:
    """What types of numbers with a fraction do with values: nothing on their way in."""

    def bind_processor(self, dialect: Any) -> _Processor | None:
        return None

    def result_processor(self, dialect: Any, coltype: object) -> _Processor | None:
        return _number_processor(self, coltype)


class _Numeric(_Number, sqltypes.Numeric):  # type: ignore[misc, type-arg, unused-ignore]
    pass


class _Float(_Number, sqltypes.Float):  # type: ignore[misc, type-arg, unused-ignore]
    def bind_processor(self, dialect: Any) -> _Processor:
        # Rendered 0, it would be an integer to the engine.
        return lambda value: float(value) if type(value) is int else value


def _places(value: Any) -> int:
    """Count the decimals of a number, but for zeros behind them."""
    if not isinstance(value, (Decimal, float)):
        return 0
    _, digits, exponent = Decimal(str(value)).as_tuple()
    if not isinstance(exponent, int):  # not a number, or infinite
        return 0
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(-exponent - zeros, 0)


class ExactNumeric(_Numeric):
    """A bound number beside others of a CASE or a union, which is cast to their digits."""

    def bind_processor(self, dialect: Any) -> _Processor:
        """Refuse what the cast would round."""
        scale = self.scale or 0

        def process(value: Any) -> Any:
            places = _places(value)
            if places > scale:
                raise DataError(
                    f"{value!r} has more than the {scale} decimals that are kept of it beside the "
                    "other values of a CASE or a union: give it as "
                    f"cast(value, Numeric(38, {places}))"
                )
            return value

        return process


# -- times -------------------------------------------------------------------------------------


class TIMESTAMP(sqltypes.TIMESTAMP):
    """A timestamp, with a time zone or without.

    Parameters
    ----------
    timezone : bool
        Whether values are aware; they are in UTC then.
    unit : {"s", "ms", "us", "ns"}
        What the engine counts. Python's datetime has microseconds: in rows the rest is cut off,
        unless ``timestamps="ns"`` asks for integers.
    """

    def __init__(self, timezone: bool = False, unit: Literal["s", "ms", "us", "ns"] = "ns") -> None:
        super().__init__(timezone=timezone)
        self.unit = unit


def _aware(value: Any) -> Any:
    naive = isinstance(value, datetime) and value.tzinfo is None
    return value.replace(tzinfo=timezone.utc) if naive else value


class _DateTime(sqltypes.DateTime):
    def result_processor(self, dialect: Any, coltype: object) -> _Processor | None:
        # A bound value, and newer engines' now(), have no zone: all of them count in UTC.
        return _aware if self.timezone and getattr(_arrow(coltype), "tz", None) is None else None


class _Date(sqltypes.Date):
    def bind_processor(self, dialect: Any) -> _Processor:
        return lambda value: value.date() if isinstance(value, datetime) else value

    def result_processor(self, dialect: Any, coltype: object) -> _Processor | None:
        arrow = _arrow(coltype)
        if arrow is None or not pa.types.is_timestamp(arrow):
            return None
        return lambda value: value.date() if isinstance(value, datetime) else value


class Interval(type_api.NativeForEmulated, _internal._AbstractInterval):
    """A difference of times: a timedelta, an INTERVAL or a duration of the engine."""

    __visit_name__ = "INTERVAL"
    native = True

    @classmethod
    def adapt_emulated_to_native(cls, impl: Any, **kw: Any) -> Interval:
        """Stand in for SQLAlchemy's own type, which would write 1970 plus the difference."""
        return cls()

    @property
    def python_type(self) -> type[timedelta]:
        """What values are."""
        return timedelta


class FrameInterval(Interval):
    """The bound of a window's RANGE: the engine takes a bare literal there, and nothing else."""


class IntervalAsNumber(Interval):
    """An interval on a wire that cannot carry one, such as Parquet: nanoseconds, cast there."""

    def column_expression(self, column: Any) -> Any:
        """Ask for the nanoseconds."""
        from sqlalchemy_micromegas.constructs import nanoseconds_of

        number: Any = nanoseconds_of(column)
        number.type = self  # its result is what this type reads
        return number

    def result_processor(self, dialect: Any, coltype: object) -> _Processor:
        """Make a timedelta of the nanoseconds."""

        def process(value: Any) -> Any:
            if isinstance(value, int):  # floored to microseconds, as all times in rows
                return timedelta(microseconds=value // 1000)
            return value

        return process


# -- the rest ----------------------------------------------------------------------------------


class _Array(sqltypes.ARRAY):  # type: ignore[type-arg, unused-ignore]
    def bind_processor(self, dialect: Any) -> _Processor:
        item = self.item_type.dialect_impl(dialect).bind_processor(dialect)

        def process(value: Any) -> Any:
            if value is None:
                return None
            return ArrayValue(
                process(each)
                if isinstance(each, (list, tuple))
                else (item(each) if item and each is not None else each)
                for each in value
            )

        return process

    def result_processor(self, dialect: Any, coltype: object) -> _Processor | None:
        item = self.item_type.dialect_impl(dialect).result_processor(dialect, None)
        if item is None:
            return None
        return _nullable(lambda values: [None if v is None else item(v) for v in values])


class Properties(sqltypes.JSON):
    """Keys and values: a dict in rows, whatever the service keeps them as.

    ``column["key"]`` is `property_get`: the value whose key equals, ignoring the case of ASCII
    letters, or NULL. A JSON type to SQLAlchemy and its tools, which copy it to other databases.

    Older services send a list of keys and values; of two equal keys the first counts, as for
    property_get. Newer ones send JSONB, whose values may be of every type of JSON.
    """

    cache_ok = True

    class Comparator(sqltypes.JSON.Comparator):  # type: ignore[type-arg, unused-ignore]
        """What can be done with a column of properties."""

        def __getitem__(self, key: Any) -> Any:
            return property_get(self.expr, key)

    comparator_factory = Comparator  # type: ignore[assignment, unused-ignore]

    @property
    def python_type(self) -> type[dict[str, Any]]:
        """What values are."""
        return dict

    def bind_processor(self, dialect: Any) -> None:
        """Leave values to the driver's renderer, which has none for dicts."""
        return None

    def result_processor(self, dialect: Any, coltype: object) -> _Processor:
        """Make dicts of lists of keys and values, and values of JSONB."""
        decoded: dict[bytes, Any] = {}

        def process(value: Any) -> Any:
            if isinstance(value, list):
                return {entry["key"]: entry["value"] for entry in reversed(value)}
            if not isinstance(value, bytes):
                return value
            known = decoded.get(value)
            if known is None:
                known = _decoded(value)
                if not isinstance(known, dict) or not all(type(v) is str for v in known.values()):
                    return known  # not to be shared between rows
                if len(decoded) >= 4096:
                    decoded.clear()
                decoded[value] = known
            return dict(known)

        return process


def _decoded(value: bytes) -> Any:
    try:
        return jsonb.decode(value)
    except ValueError as error:
        raise DataError(
            f"a value of a column of properties: {error}; type_coerce(column, LargeBinary) gives "
            "its bytes"
        ) from error


COLSPECS: dict[Any, Any] = {
    sqltypes.Integer: _Integer,
    sqltypes.Numeric: _Numeric,
    sqltypes.Float: _Float,
    sqltypes.DateTime: _DateTime,
    sqltypes.Date: _Date,
    sqltypes.Interval: Interval,
    sqltypes.ARRAY: _Array,
}

if SQLALCHEMY_2:

    class _Uuid(sqltypes.Uuid):  # type: ignore[type-arg]
        """Text with hyphens, as Micromegas keeps ids; SQLAlchemy's own would have none."""

        def bind_processor(self, dialect: Any) -> _Processor:
            return _nullable(lambda value: str(value if self.as_uuid else uuid.UUID(str(value))))

        def result_processor(self, dialect: Any, coltype: object) -> _Processor | None:
            return _nullable(_uuid) if self.as_uuid else None

    def _uuid(value: object) -> uuid.UUID:
        try:
            return uuid.UUID(str(value))
        except ValueError as error:  # such as the parent's id of a process that has none
            raise DataError(
                f"{value!r} is no UUID; declare the column as a String, as introspection does"
            ) from error

    COLSPECS[sqltypes.Uuid] = _Uuid

COLSPECS_WITHOUT_INTERVALS = {
    **COLSPECS,
    sqltypes.Interval: IntervalAsNumber,
    Interval: IntervalAsNumber,
}
