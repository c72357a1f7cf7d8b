"""SQLAlchemy types for the types of the query engine.

A type converts values only where SQLAlchemy's meaning differs from the driver's, for example for
UUIDs, which services send as strings, and for properties, which they send as lists or JSONB.
Parameters go unchanged to the driver's renderer of literals, with or without ``literal_binds``,
and the driver returns results as Python values already.
"""

from __future__ import annotations

from sqlalchemy_micromegas.types.arrays import ARRAY
from sqlalchemy_micromegas.types.colspecs import COLSPECS, COLSPECS_WITHOUT_INTERVALS
from sqlalchemy_micromegas.types.named import BYTEA, Nested
from sqlalchemy_micromegas.types.numeric import (
    DOUBLE,
    TINYINT,
    UBIGINT,
    UINTEGER,
    USMALLINT,
    UTINYINT,
    ExactNumeric,
)
from sqlalchemy_micromegas.types.properties import Properties
from sqlalchemy_micromegas.types.property_value import PropertyValue
from sqlalchemy_micromegas.types.temporal import (
    TIMESTAMP,
    FrameInterval,
    Interval,
    IntervalAsNumber,
)

__all__ = [
    "ARRAY",
    "BYTEA",
    "COLSPECS",
    "COLSPECS_WITHOUT_INTERVALS",
    "DOUBLE",
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
    "Nested",
    "Properties",
    "PropertyValue",
]
