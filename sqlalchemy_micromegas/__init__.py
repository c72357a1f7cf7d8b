"""SQLAlchemy dialect for the Micromegas telemetry lakehouse.

``create_engine("micromegas+http://HOST")`` needs no import, because entry points register the
dialect. Import the SQL functions and types of Micromegas from here.
"""

from __future__ import annotations

from sqlalchemy_micromegas.arrow_results import fetch_arrow_table
from sqlalchemy_micromegas.dialect import MicromegasDialect
from sqlalchemy_micromegas.functions import (
    approx_percentile_cont,
    array_has,
    date_bin,
    date_trunc,
    property_get,
)
from sqlalchemy_micromegas.types import (
    TIMESTAMP,
    TINYINT,
    UBIGINT,
    UINTEGER,
    USMALLINT,
    UTINYINT,
    Interval,
    Properties,
)
from sqlalchemy_micromegas.url import URL
from sqlalchemy_micromegas.view_instances import view_instance

__all__ = [
    "TIMESTAMP",
    "TINYINT",
    "UBIGINT",
    "UINTEGER",
    "URL",
    "USMALLINT",
    "UTINYINT",
    "Interval",
    "MicromegasDialect",
    "Properties",
    "approx_percentile_cont",
    "array_has",
    "date_bin",
    "date_trunc",
    "fetch_arrow_table",
    "property_get",
    "view_instance",
]
