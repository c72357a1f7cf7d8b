"""Parse the time ranges of requests, with the error messages of Rust's ``chrono`` crate."""

from __future__ import annotations

import re

from micromegas_dbapi.timerange import MAX_NS, MIN_NS, to_ns

__all__ = ["engine_bounds", "parse_datetime", "parse_rfc3339"]

_INVALID = "input contains invalid characters"
_TOO_SHORT = "premature end of input"
_OUT_OF_RANGE = "input is out of range"

_PARTIAL = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?)?|")
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?")
_RFC3339 = re.compile(_NAIVE.pattern + r"([Zz]|[+-]\d\d:\d\d)")
_MIN_INT64 = -(2**63)


def parse_datetime(text: str) -> int:
    """Parse a date with time and offset, in one of the forms that ``str::parse`` accepts.

    Parameters
    ----------
    text : str
        For example in RFC 3339.

    Returns
    -------
    int
        Nanoseconds since the epoch, not limited to 64 bits.

    Raises
    ------
    ValueError
        With chrono's message.
    """
    if re.match(r"[+-]|now$", text):  # accepted by the driver, but not by services
        raise ValueError(_INVALID)
    try:
        return to_ns(text, 0)
    except Exception as error:
        message = _INVALID
        if _PARTIAL.fullmatch(text):
            message = _TOO_SHORT
        elif isinstance(error.__cause__, ValueError):  # of the right form, but February 30th
            message = _OUT_OF_RANGE
        raise ValueError(message) from error


def parse_rfc3339(text: str) -> int:
    """Parse a date with time and offset, strictly in RFC 3339.

    The newer services use ``parse_from_rfc3339`` for headers, which is stricter than the parser
    of `parse_datetime`.

    Parameters
    ----------
    text : str
        In RFC 3339.

    Returns
    -------
    int
        Nanoseconds since the epoch, not limited to 64 bits.

    Raises
    ------
    ValueError
        With chrono's message.
    """
    if len(text) < 19 or _NAIVE.fullmatch(text):
        raise ValueError(_TOO_SHORT)
    if not _RFC3339.fullmatch(text):
        raise ValueError(_INVALID)
    try:
        return to_ns(text, 0)
    except Exception as error:
        raise ValueError(_OUT_OF_RANGE) from error


def engine_bounds(begin: int, end: int) -> tuple[int, int]:
    """Convert the bounds of a time range to those for the engine.

    A service converts a bound that exceeds 64 bits to null, so that no row matches.

    Parameters
    ----------
    begin, end : int
        In nanoseconds since the epoch.

    Returns
    -------
    (int, int)
        Within 64 bits; begin is after end if no row can match.
    """
    if _MIN_INT64 <= begin <= MAX_NS and _MIN_INT64 <= end <= MAX_NS:
        return begin, end
    return MAX_NS, MIN_NS
