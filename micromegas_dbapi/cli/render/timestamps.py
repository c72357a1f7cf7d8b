"""Format timestamps of any year."""

from __future__ import annotations

from micromegas_dbapi.timerange import format_ns

__all__ = ["timestamp_text"]


def timestamp_text(ns: int, has_zone: bool) -> str:
    """Format a timestamp in UTC as RFC 3339, or without ``Z`` if its column has no time zone.

    Parameters
    ----------
    ns : int
        Nanoseconds since 1970-01-01 UTC.
    has_zone : bool
        Whether the type of the column has a time zone.

    Returns
    -------
    str
        With nine digits unless it is a whole second; a number of nanoseconds if the year is not
        in 1 to 9999.

    Examples
    --------
    >>> timestamp_text(1, True), timestamp_text(0, False), timestamp_text(2**70, True)
    ('1970-01-01T00:00:00.000000001Z', '1970-01-01T00:00:00', '1180591620717411303424 ns')
    """
    try:
        text = format_ns(ns)
    except OverflowError:
        return f"{ns} ns"
    return text if has_zone else text.removesuffix("Z")
