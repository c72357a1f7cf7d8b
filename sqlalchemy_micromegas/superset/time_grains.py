"""Expressions for Superset's time grains and time literals."""

from __future__ import annotations

from datetime import datetime, timezone

__all__ = ["EPOCH_MILLISECONDS", "EPOCH_SECONDS", "TIME_GRAINS", "time_literal"]

_SUNDAY = "date_trunc('week', {col} + INTERVAL '1 day')"

#: An expression for each of Superset's time grains, which are ISO 8601 durations.
TIME_GRAINS: dict[str | None, str] = {
    None: "{col}",
    "PT1S": "date_trunc('second', {col})",
    "PT5S": "date_bin(INTERVAL '5 seconds', {col})",
    "PT30S": "date_bin(INTERVAL '30 seconds', {col})",
    "PT1M": "date_trunc('minute', {col})",
    "PT5M": "date_bin(INTERVAL '5 minutes', {col})",
    "PT10M": "date_bin(INTERVAL '10 minutes', {col})",
    "PT15M": "date_bin(INTERVAL '15 minutes', {col})",
    "PT30M": "date_bin(INTERVAL '30 minutes', {col})",
    "PT1H": "date_trunc('hour', {col})",
    "PT6H": "date_bin(INTERVAL '6 hours', {col})",
    "P1D": "date_trunc('day', {col})",
    "P1W": "date_trunc('week', {col})",
    "1969-12-28T00:00:00Z/P1W": f"{_SUNDAY} - INTERVAL '1 day'",  # begins on Sunday
    "1969-12-29T00:00:00Z/P1W": "date_trunc('week', {col})",  # begins on Monday
    "P1W/1970-01-03T00:00:00Z": f"{_SUNDAY} + INTERVAL '5 days'",  # the Saturday that ends it
    "P1W/1970-01-04T00:00:00Z": "date_trunc('week', {col}) + INTERVAL '6 days'",  # the Sunday
    "P1M": "date_trunc('month', {col})",
    "P3M": "date_trunc('quarter', {col})",
    "P1Y": "date_trunc('year', {col})",
}

#: Expressions for columns of seconds and of milliseconds since the epoch.
EPOCH_SECONDS = "to_timestamp_seconds({col})"
EPOCH_MILLISECONDS = "to_timestamp_millis({col})"


def time_literal(instant: datetime, *, date_only: bool) -> str:
    """Return an instant as a literal of the type that a column has.

    Parameters
    ----------
    instant : datetime
        Superset passes naive ones, which are UTC.
    date_only : bool
        Whether the column is of the type DATE.

    Returns
    -------
    str
        SQL from which inference derives the time range.
    """
    if instant.tzinfo is not None:
        instant = instant.astimezone(timezone.utc).replace(tzinfo=None)
    if date_only:
        return f"DATE '{instant.date().isoformat()}'"
    return f"TIMESTAMP '{instant.isoformat(timespec='microseconds')}'"
