"""PEP 249 driver for the Micromegas telemetry lakehouse.

>>> import micromegas_dbapi as mm
>>> with mm.connect("demo:", begin="-10m") as connection:
...     cursor = connection.execute("SELECT level, msg FROM log_entries WHERE level <= ?", (2,))
...     rows = cursor.fetchall()
"""

from __future__ import annotations

from datetime import date as Date  # noqa: N812  (PEP 249 names these)
from datetime import datetime as Timestamp  # noqa: N812
from datetime import time as Time  # noqa: N812
from datetime import timezone as _timezone

from micromegas_dbapi.arrow.type_codes import BINARY, DATETIME, NUMBER, ROWID, STRING
from micromegas_dbapi.auth import BasicAuth, BearerAuth, ProviderAuth, TokenFile
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    MixedTypesWarning,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    UnboundedScanWarning,
    Warning,
)
from micromegas_dbapi.open_connection import connect
from micromegas_dbapi.options.settings import Timeout
from micromegas_dbapi.pandas import read_sql, register_with_pandas
from micromegas_dbapi.service import Service
from micromegas_dbapi.timerange import ALL_TIME, NoTimeRange, TimeRange

#: The version of the DB-API.
apilevel = "2.0"
#: Threads may share the module and connections, but not cursors.
threadsafety = 2
#: ``WHERE level <= ?`` for a sequence of parameters; ``:name`` for a mapping.
paramstyle = "qmark"

Binary = bytes


def DateFromTicks(ticks: float) -> Date:  # noqa: N802
    """Return the date in UTC.

    Parameters
    ----------
    ticks : float
        Seconds since the epoch.

    Returns
    -------
    datetime.date
        As PEP 249 requires.
    """
    return TimestampFromTicks(ticks).date()


def TimeFromTicks(ticks: float) -> Time:  # noqa: N802
    """Return the time of day in UTC.

    Parameters
    ----------
    ticks : float
        Seconds since the epoch.

    Returns
    -------
    datetime.time
        Without time zone.
    """
    return TimestampFromTicks(ticks).time()


def TimestampFromTicks(ticks: float) -> Timestamp:  # noqa: N802
    """Return the aware datetime in UTC.

    Parameters
    ----------
    ticks : float
        Seconds since the epoch.

    Returns
    -------
    datetime.datetime
        With the time zone UTC.
    """
    return Timestamp.fromtimestamp(ticks, _timezone.utc)


__all__ = [
    "ALL_TIME",
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "BasicAuth",
    "BearerAuth",
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "MixedTypesWarning",
    "NoTimeRange",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "ProviderAuth",
    "Service",
    "Time",
    "TimeFromTicks",
    "TimeRange",
    "Timeout",
    "Timestamp",
    "TimestampFromTicks",
    "TokenFile",
    "UnboundedScanWarning",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "read_sql",
    "register_with_pandas",
    "threadsafety",
]
