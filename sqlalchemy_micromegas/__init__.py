"""SQLAlchemy dialect for the Micromegas telemetry lakehouse.

Nothing has to be imported for ``create_engine("micromegas+http://..")``: entry points name the
dialect. From here come the constructs that Micromegas adds to SQL.
"""

from __future__ import annotations

from sqlalchemy_micromegas.arrow_results import fetch_arrow_table
from sqlalchemy_micromegas.constructs import (
    approx_percentile_cont,
    array_has,
    date_bin,
    date_trunc,
    property_get,
    view_instance,
)
from sqlalchemy_micromegas.dialect import MicromegasDialect
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
