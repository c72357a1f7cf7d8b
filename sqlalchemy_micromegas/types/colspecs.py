"""The dialect's implementations of SQLAlchemy's types."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sqltypes

from sqlalchemy_micromegas.sqlalchemy_version import SQLALCHEMY_2
from sqlalchemy_micromegas.types.arrays import ArrayImpl
from sqlalchemy_micromegas.types.numeric import FloatImpl, IntegerImpl, NumericImpl
from sqlalchemy_micromegas.types.temporal import (
    DateImpl,
    DateTimeImpl,
    Interval,
    IntervalAsNumber,
)

__all__ = ["COLSPECS", "COLSPECS_WITHOUT_INTERVALS"]

COLSPECS: dict[Any, Any] = {
    sqltypes.Integer: IntegerImpl,
    sqltypes.Numeric: NumericImpl,
    sqltypes.Float: FloatImpl,
    sqltypes.DateTime: DateTimeImpl,
    sqltypes.Date: DateImpl,
    sqltypes.Interval: Interval,
    sqltypes.ARRAY: ArrayImpl,
}
if SQLALCHEMY_2:
    from sqlalchemy_micromegas.types.uuid_type import UuidImpl

    COLSPECS[sqltypes.Uuid] = UuidImpl

#: For protocols that cannot transfer intervals.
COLSPECS_WITHOUT_INTERVALS = {
    **COLSPECS,
    sqltypes.Interval: IntervalAsNumber,
    Interval: IntervalAsNumber,
}
