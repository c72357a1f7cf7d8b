"""Types of times: timestamps, dates and intervals."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Literal

import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.sql import sqltypes as _internal
from sqlalchemy.sql import type_api

from sqlalchemy_micromegas.functions import nanoseconds_of
from sqlalchemy_micromegas.types.named import NamedType
from sqlalchemy_micromegas.types.processors import Processor, column_arrow_type

__all__ = [
    "TIMESTAMP",
    "DateImpl",
    "DateTimeImpl",
    "FrameInterval",
    "Interval",
    "IntervalAsNumber",
]


class TIMESTAMP(NamedType, sqltypes.TIMESTAMP):
    """A timestamp, with or without a time zone.

    Parameters
    ----------
    timezone : bool
        Whether values are timezone-aware. They are in UTC then.
    unit : {"s", "ms", "us", "ns"}
        The engine's resolution. Python's datetime has microseconds: values in rows are rounded
        down to these, except with ``timestamps="ns"``, which returns integers.
    """

    def __init__(self, timezone: bool = False, unit: Literal["s", "ms", "us", "ns"] = "ns") -> None:
        super().__init__(timezone=timezone)
        self.unit = unit

    @property
    def sql_name(self) -> str:
        """The name in SQL, which does not tell the unit."""
        return "TIMESTAMP WITH TIME ZONE" if self.timezone else "TIMESTAMP"


def _aware(value: Any) -> Any:
    naive = isinstance(value, datetime) and value.tzinfo is None
    return value.replace(tzinfo=timezone.utc) if naive else value


class DateTimeImpl(sqltypes.DateTime):
    """The dialect's implementation of DateTime."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor | None:
        """Make naive values aware if the type has a time zone.

        Parameters and the now() of newer engines have no zone in the result. They are in UTC.
        """
        zoned = getattr(column_arrow_type(coltype), "tz", None) is not None
        return _aware if self.timezone and not zoned else None


def _date_of(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


class DateImpl(sqltypes.Date):
    """The dialect's implementation of Date."""

    def bind_processor(self, dialect: Any) -> Processor:
        """Convert datetimes to dates."""
        return _date_of

    def result_processor(self, dialect: Any, coltype: object) -> Processor | None:
        """Convert timestamps to dates."""
        arrow_type = column_arrow_type(coltype)
        is_timestamp = arrow_type is not None and pa.types.is_timestamp(arrow_type)
        return _date_of if is_timestamp else None


class Interval(NamedType, type_api.NativeForEmulated, _internal._AbstractInterval):
    """A timedelta: an INTERVAL or a duration of the engine."""

    __visit_name__ = sql_name = "INTERVAL"
    native = True

    @classmethod
    def adapt_emulated_to_native(cls, impl: Any, **kw: Any) -> Interval:
        """Replace SQLAlchemy's own type, which would write 1970 plus the difference."""
        return cls()

    @property
    def python_type(self) -> type[timedelta]:
        """The type of values."""
        return timedelta


class FrameInterval(Interval):
    """An interval in the RANGE of a window, where the engine accepts only a bare literal."""


class IntervalAsNumber(Interval):
    """An interval over a protocol that cannot transfer one, such as Parquet.

    It is cast to nanoseconds in the statement.
    """

    def column_expression(self, column: Any) -> Any:
        """Select the nanoseconds."""
        number: Any = nanoseconds_of(column)
        number.type = self  # so that this type's result_processor() reads them
        return number

    def result_processor(self, dialect: Any, coltype: object) -> Processor:
        """Convert nanoseconds to timedeltas."""

        def _process(value: Any) -> Any:
            if isinstance(value, int):  # rounded down to microseconds, like all times in rows
                return timedelta(microseconds=value // 1000)
            return value

        return _process
