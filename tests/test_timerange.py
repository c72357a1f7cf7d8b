"""Time ranges: what is accepted as a bound, exactly which nanosecond it means, and which range is
sent when bounds are given at several levels."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.timerange import (
    ALL_TIME,
    MAX_NS,
    MIN_NS,
    NoTimeRange,
    TimeRange,
    datetime64_ns,
    datetime_ns,
    format_ns,
    resolve,
    to_ns,
)

try:
    import pandas as pd
except ImportError:
    pd = None

needs_pandas = pytest.mark.skipif(pd is None, reason="pandas is not installed here")
UTC = timezone.utc
SECOND = 10**9
HOUR = 3600 * SECOND
DAY = 24 * HOUR
NOW = 1_793_491_200 * SECOND + 123_456_789  # 2026-11-01T00:00:00.123456789Z
NOVEMBER = 1_793_491_200 * SECOND
THE_LAST = "2262-04-11T23:47:16.854775807Z"
THE_FIRST = "1677-09-21T00:12:44Z"


# ---- A bound ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        # Text: RFC 3339, nine digits.
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-01T00:00:00Z", NOVEMBER),
        ("2026-11-01T00:00:00z", NOVEMBER),
        ("2026-11-01t00:00:00Z", NOVEMBER),
        ("2026-11-01 00:00:00Z", NOVEMBER),
        ("2026-11-01T02:00:00+02:00", NOVEMBER),
        ("2026-10-31T18:15:00-05:45", NOVEMBER),
        ("2026-11-01T00:00:00-00:00", NOVEMBER),
        ("2026-11-01T23:59:00+23:59", NOVEMBER),
        ("2026-11-01T00:00:00.5Z", NOVEMBER + 500_000_000),
        ("2026-11-01T00:00:00.123456789Z", NOW),
        ("2026-11-01T05:30:00.123456789+05:30", NOW),
        ("2026-11-01T00:00:00.000000001Z", NOVEMBER + 1),
        ("1969-12-31T23:59:59.999999999Z", -1),
        (THE_LAST, 2**63 - 1),
        (THE_FIRST, MIN_NS),
        ("0001-01-01T00:00:00Z", -62_135_596_800 * SECOND),
        ("0001-01-01T00:00:00+14:00", -62_135_596_800 * SECOND - 14 * HOUR),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_800 * SECOND - 1),
        # Relative to now.
        ("now", NOW),
        ("-2h", NOW - 2 * HOUR),
        ("+2h", NOW + 2 * HOUR),
        ("-1h30m", NOW - HOUR * 3 // 2),
        ("-30m1h", NOW - HOUR * 3 // 2),
        ("-1w2d3h4m5s6ms", NOW - 9 * DAY - 3 * HOUR - 245 * SECOND - 6_000_000),
        ("-90s", NOW - 90 * SECOND),
        ("-250ms", NOW - 250_000_000),
        ("-0s", NOW),
        ("-5m", NOW - 300 * SECOND),
        ("-999999w", NOW - 999_999 * 7 * DAY),
        (timedelta(hours=-2), NOW - 2 * HOUR),
        (timedelta(microseconds=-1), NOW - 1000),
        (timedelta.min, NOW - 999_999_999 * DAY),
        # Python's and numpy's own.
        (datetime(2026, 11, 1, tzinfo=UTC), NOVEMBER),
        (datetime(2026, 11, 1, 5, 30, tzinfo=timezone(timedelta(hours=5.5))), NOVEMBER),
        (datetime(2026, 11, 1, 0, 0, 0, 1, UTC), NOVEMBER + 1000),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), -1000),
        (datetime.max.replace(tzinfo=UTC), 253_402_300_800 * SECOND - 1000),
        (date(2026, 11, 1), NOVEMBER),
        (date.min, -62_135_596_800 * SECOND),
        (np.datetime64("2026-11-01"), NOVEMBER),
        (np.datetime64("2026-11"), NOVEMBER),
        (np.datetime64("1971"), 365 * DAY),
        (np.datetime64("2026-11-01T00:00:00.123456789"), NOW),
        (np.datetime64(MAX_NS, "ns"), MAX_NS),
        (np.datetime64(-1, "ms"), -1_000_000),
        (np.datetime64(3, "15m"), 45 * 60 * SECOND),
        (np.datetime64(2, "W"), 14 * DAY),
    ],
    ids=repr,
)
def test_what_a_bound_means(bound: Any, expected: int) -> None:
    assert to_ns(bound, NOW) == expected


def test_an_ambiguous_hour_is_told_apart() -> None:
    """The clocks go back at 03:00 of 2026-10-25: fold says which 02:30 is meant."""
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    assert to_ns(first.replace(fold=1), NOW) - to_ns(first, NOW) == HOUR
    assert to_ns(first, NOW) == to_ns("2026-10-25T00:30:00Z", NOW)


@needs_pandas
def test_pandas_bounds_keep_their_nanoseconds() -> None:
    text = "2026-11-01T05:30:00.123456789+05:30"
    assert to_ns(pd.Timestamp(text), NOW) == NOW
    assert to_ns(pd.Timestamp("2026-11-01", tz="UTC").as_unit("s"), NOW) == NOVEMBER
    assert to_ns(pd.Timedelta(-1, "ns"), NOW) == NOW - 1
    assert to_ns(pd.Timedelta("-2h"), NOW) == NOW - 2 * HOUR
    with pytest.raises(mm.ProgrammingError, match="has no time zone"):
        to_ns(pd.Timestamp("2026-11-01"), NOW)
    with pytest.raises(mm.ProgrammingError, match="begin is not a time: NaT"):
        to_ns(pd.NaT, NOW, "begin")
    for value in (pd.NA, pd.Series([1]), pd.Period("2026")):
        with pytest.raises(mm.ProgrammingError, match=f"is of type {type(value).__name__};"):
            to_ns(value, NOW)
        with pytest.raises(mm.ProgrammingError, match=f"is of type {type(value).__name__};"):
            resolve([("execute", value, None)], NOW)


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        # Without a zone: refused, with a way out.
        ("2026-11-01T00:00:00", "has no time zone: append Z for UTC, or an offset such as +02:00"),
        ("2026-11-01 00:00:00.5", "has no time zone: append Z"),
        (datetime(2026, 11, 1), "has no time zone: give an aware datetime, for example "),
        (datetime(2026, 11, 1), " or value.replace(tzinfo=timezone.utc)"),
        # Text of another form.
        ("", "is not a valid time; accepted: an aware datetime, a datetime.date"),
        ("Now", "is not a valid time"),
        ("yesterday", "is not a valid time"),
        ("2h", "is not a valid time"),
        ("- 2h", "is not a valid time"),
        ("-2h ", "is not a valid time"),
        ("-2", "is not a valid time"),
        ("-h", "is not a valid time"),
        ("-2y", "is not a valid time"),
        ("-1.5h", "is not a valid time"),
        ("-2H", "is not a valid time"),
        ("-2h-3m", "is not a valid time"),
        ("-\u0662h", "is not a valid time"),
        ("-" + "9" * 5000 + "s", "is not a valid time"),
        ("2026-11-01", "is not a valid time"),
        ("2026-11-01T00:00Z", "is not a valid time"),
        ("2026-11-01T00:00:00 Z", "is not a valid time"),
        ("2026-11-01T00:00:00+0200", "is not a valid time"),
        ("2026-11-01T00:00:00+02", "is not a valid time"),
        ("2026-11-01T00:00:00.Z", "is not a valid time"),
        ("2026-11-01T00:00:00,5Z", "is not a valid time"),
        ("2026-11-01T00:00:00 UTC", "is not a valid time"),
        ("20261101T000000Z", "is not a valid time"),
        ("-0001-01-01T00:00:00Z", "is not a valid time"),
        ("12026-11-01T00:00:00Z", "is not a valid time"),
        ("\uff12026-11-01T00:00:00Z", "is not a valid time"),
        ("2026-11-01T00:00:00Z\n", "is not a valid time"),
        # Of the form, but no time.
        ("2026-02-30T00:00:00Z", "is not a valid time: "),
        ("2026-13-01T00:00:00Z", "is not a valid time: "),
        ("0000-01-01T00:00:00Z", "is not a valid time: "),
        ("2026-11-01T25:00:00Z", "is not a valid time: "),
        ("2026-11-01T00:00:60Z", "is not a valid time: "),
        ("2026-11-01T00:00:00+24:00", "is not a valid time: "),
        ("2026-11-01T00:00:00+02:60", "is not a valid time: "),
        ("2026-11-01T00:00:00.1234567890Z", "is finer than a nanosecond (9 digits)"),
        # Values of other types.
        (0, "is of type int; accepted: an aware datetime"),
        (1.5, "is of type float"),
        (True, "is of type bool"),
        (time(1), "is of type time"),
        (b"now", "is of type bytes"),
        (np.array([1, 2]), "is of type ndarray"),
        (np.timedelta64(1, "h"), "is of type timedelta64"),
        (np.datetime64("NaT"), "is not a time"),
        (np.datetime64(1, "ps"), "has the unit 'ps'; accepted: Y to ns"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_bound(bound: Any, words: str) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        to_ns(bound, NOW, "end")
    assert str(caught.value).startswith("end")
    assert words in str(caught.value)
    with pytest.raises(mm.ProgrammingError, match=re.escape(words)):
        resolve([("execute", None, bound)], NOW)
    with pytest.raises(mm.ProgrammingError, match=re.escape(words)):
        mm.connect("http://localhost", begin=bound)


@settings(deadline=None)
@given(text=st.text(max_size=30) | st.from_regex(re.compile(r"[-+\dTZzwdhms:. ]*"), fullmatch=True))
def test_any_text_is_a_bound_or_an_error(text: str) -> None:
    with contextlib.suppress(mm.ProgrammingError):
        assert isinstance(to_ns(text, NOW), int)


# ---- Exact to the nanosecond --------------------------------------------------------------------

NANOSECONDS = st.integers(MIN_NS, MAX_NS) | st.sampled_from(
    [MIN_NS, MIN_NS + 1, -SECOND, -SECOND + 1, -1, 0, 1, 999, 1000, SECOND - 1, SECOND, MAX_NS]
)
OFFSETS = st.integers(-1439, 1439)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (NOW, "2026-11-01T00:00:00.123456789Z"),
        (NOVEMBER + 500_000_000, "2026-11-01T00:00:00.500000000Z"),
        (MIN_NS, THE_FIRST),
        (MAX_NS, THE_LAST),
        (-62_135_596_800 * SECOND, "0001-01-01T00:00:00Z"),
    ],
)
def test_the_text_that_is_sent(ns: int, text: str) -> None:
    assert format_ns(ns) == text
    assert TimeRange(ns, ns).begin_text == TimeRange(ns, ns).end_text == text


@given(ns=st.integers(-(2**63), 2**63 - 1) | NANOSECONDS)
def test_text_is_exact(ns: int) -> None:
    assert to_ns(format_ns(ns), NOW) == ns


@given(ns=NANOSECONDS, offset=OFFSETS)
def test_text_with_any_offset_is_exact(ns: int, offset: int) -> None:
    """The same instant, as a clock elsewhere shows it."""
    hours, minutes = divmod(abs(offset), 60)
    sign = "-" if offset < 0 else "+"
    local = format_ns(ns + offset * 60 * SECOND).removesuffix("Z")
    assert to_ns(f"{local}{sign}{hours:02}:{minutes:02}", NOW) == ns


@given(ns=NANOSECONDS)
def test_numpy_datetimes_are_exact(ns: int) -> None:
    assert to_ns(np.datetime64(ns, "ns"), NOW) == datetime64_ns(np.datetime64(ns, "ns")) == ns
    assert np.datetime_as_string(np.datetime64(ns, "ns"), unit="ns") == (
        format_ns(ns)[:19] + f".{ns % SECOND:09d}"
    )


@given(moment=st.datetimes(), offset=OFFSETS)
def test_datetimes_are_exact(moment: datetime, offset: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    naive_ns = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000
    assert datetime_ns(moment) == naive_ns
    assert to_ns(aware, NOW) == naive_ns - offset * 60 * SECOND


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 10**12), st.sampled_from(["w", "d", "h", "m", "s", "ms"])),
        min_size=1,
        max_size=6,
    )
)
def test_relative_bounds_add_up(steps: list[tuple[int, str]]) -> None:
    units = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": 60 * SECOND, "s": SECOND, "ms": 1_000_000}
    text = "".join(f"{count}{unit}" for count, unit in steps)
    total = sum(count * units[unit] for count, unit in steps)
    assert to_ns(f"-{text}", NOW) == NOW - total
    assert to_ns(f"+{text}", NOW) == NOW + total


# ---- The range that is sent ---------------------------------------------------------------------

EXECUTE, CURSOR, CONNECTION, URL = "execute", "cursor", "connection", "url"
A, B, C, D = (f"2026-11-0{day}T00:00:00Z" for day in (1, 2, 3, 4))
NS = {text: to_ns(text, 0) for text in (A, B, C, D)}


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        # Nothing is given: nothing is sent.
        ([], None),
        ([(EXECUTE, None, None), (CURSOR, None, None)], None),
        # Both bounds, in one place.
        ([(EXECUTE, A, B)], (NS[A], NS[B], "execute")),
        ([(EXECUTE, A, A)], (NS[A], NS[A], "execute")),
        # A missing bound is the safe open end: never one bound alone, never out of 64 bits.
        ([(EXECUTE, A, None)], (NS[A], MAX_NS, "execute")),
        ([(EXECUTE, None, A)], (MIN_NS, NS[A], "execute")),
        # The first level that gives a bound gives it; each bound on its own.
        ([(EXECUTE, A, B), (CURSOR, C, D)], (NS[A], NS[B], "execute")),
        ([(EXECUTE, None, None), (CURSOR, C, D)], (NS[C], NS[D], "cursor")),
        ([(EXECUTE, A, None), (CURSOR, B, D)], (NS[A], NS[D], "execute+cursor")),
        ([(EXECUTE, None, D), (CURSOR, B, C)], (NS[B], NS[D], "execute+cursor")),
        ([(EXECUTE, None, D), (CURSOR, None, None), (URL, A, None)], (NS[A], NS[D], "execute+url")),
        ([(CURSOR, A, None), (CONNECTION, B, None), (URL, C, D)], (NS[A], NS[D], "cursor+url")),
        # ALL_TIME: no range, on purpose, whatever is given further down.
        ([(EXECUTE, ALL_TIME, None), (CURSOR, A, B)], None),
        ([(EXECUTE, None, ALL_TIME), (CURSOR, A, B)], None),
        ([(EXECUTE, ALL_TIME, ALL_TIME), (CURSOR, A, B)], None),
        ([(EXECUTE, None, None), (CURSOR, ALL_TIME, None), (CONNECTION, A, B)], None),
        ([(EXECUTE, None, None), (CURSOR, None, None), (CONNECTION, ALL_TIME, None)], None),
        ([(CONNECTION, ALL_TIME, None), (URL, A, B)], None),
        # ALL_TIME beside a bound opens only its own side.
        ([(EXECUTE, ALL_TIME, B), (CURSOR, A, D)], (MIN_NS, NS[B], "execute")),
        ([(EXECUTE, A, ALL_TIME), (CURSOR, B, C)], (NS[A], MAX_NS, "execute")),
        # Something given above ALL_TIME counts.
        ([(EXECUTE, A, B), (CURSOR, ALL_TIME, None)], (NS[A], NS[B], "execute")),
        ([(EXECUTE, A, None), (CURSOR, ALL_TIME, None)], (NS[A], MAX_NS, "execute+cursor")),
        # Relative bounds count from one and the same now.
        ([(EXECUTE, "-2h", "now")], (NOW - 2 * HOUR, NOW, "execute")),
        ([(EXECUTE, "-2h", None), (CURSOR, None, "-1h")], (NOW - 2 * HOUR, NOW - HOUR, None)),
        # Out of 64 bits: clamped, since a service would answer with nothing at all.
        (
            [(EXECUTE, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")],
            (MIN_NS, MAX_NS, "execute"),
        ),
        ([(EXECUTE, date.min, date.max)], (MIN_NS, MAX_NS, "execute")),
        ([(EXECUTE, "-999999w", "+999999w")], (MIN_NS, MAX_NS, "execute")),
        ([(EXECUTE, np.datetime64(-(2**63) + 1, "ns"), None)], (MIN_NS, MAX_NS, "execute")),
        ([(EXECUTE, timedelta.min, timedelta.max)], (MIN_NS, MAX_NS, "execute")),
        ([(EXECUTE, "9999-01-01T00:00:00Z", None)], (MAX_NS, MAX_NS, "execute")),
        ([(EXECUTE, None, "0001-01-01T00:00:00Z")], (MIN_NS, MIN_NS, "execute")),
        ([(EXECUTE, "2300-01-01T00:00:00Z", "2400-01-01T00:00:00Z")], (MAX_NS, MAX_NS, None)),
    ],
)
def test_the_range_of_several_levels(levels: Any, expected: Any) -> None:
    found = resolve(levels, NOW)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.begin, found.end) == expected[:2]
        assert expected[2] in (None, found.source)


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ([(EXECUTE, B, A)], f"begin ({B}) is after end ({A}): the time range is empty"),
        ([(EXECUTE, "now", "-2h")], "begin (now) is after end (-2h): the time range is empty"),
        ([(EXECUTE, None, A), (CURSOR, B, None)], "is after end"),
        ([(EXECUTE, "2026-11-01T00:00:00.000000001Z", A)], "is after end"),
        ([(EXECUTE, "9999-01-01T00:00:00Z", "9998-01-01T00:00:00Z")], "is after end"),
        ([(EXECUTE, "0002-01-01T00:00:00Z", "0001-01-01T00:00:00Z")], "is after end"),
    ],
)
def test_a_range_that_ends_before_it_begins(levels: Any, words: str) -> None:
    with pytest.raises(mm.ProgrammingError, match=re.escape(words)):
        resolve(levels, NOW)


BOUNDS = st.none() | st.just(ALL_TIME) | st.sampled_from(["now", "-2h", A, B, date.max, date.min])


@given(levels=st.lists(st.tuples(st.sampled_from("abcd"), BOUNDS, BOUNDS), max_size=4))
def test_a_range_has_both_bounds_within_64_bits(levels: Any) -> None:
    try:
        found = resolve(levels, NOW)
    except mm.ProgrammingError as refused:
        if "is after end" in str(refused):
            return
        raise
    given_bounds = [bound for level in levels for bound in level[1:]]
    if found is None:
        assert ALL_TIME in given_bounds or set(given_bounds) <= {None}
    else:
        assert MIN_NS <= found.begin <= found.end <= MAX_NS
        assert set(found.source.split("+")) <= {name for name, *_ in levels}


def test_a_time_range_is_a_value() -> None:
    given_range = TimeRange(1, 2, "cursor")
    assert given_range == TimeRange(1, 2, "cursor")
    assert TimeRange(1, 2).source == "execute"
    with pytest.raises(dataclasses.FrozenInstanceError):
        given_range.begin = 0  # type: ignore[misc]
    with pytest.raises(mm.ProgrammingError, match=r"begins at .*002Z, after its end .*001Z"):
        TimeRange(2, 1)


def test_all_time_says_its_name() -> None:
    assert repr(ALL_TIME) == "ALL_TIME"
    assert mm.ALL_TIME is ALL_TIME


# ---- At every level of the driver ---------------------------------------------------------------


#: For all that is known here, it could read a view: what WITH RECURSIVE reads is not followed.
VIEW = "WITH RECURSIVE n AS (SELECT 1) SELECT count(*) FROM n"


def test_the_levels_of_a_connection(tmp_path: Any) -> None:
    """URL, connect, cursor, execute: each overrides the one before, and the cursor tells."""
    sent = []
    with mm.connect(f"lake:{tmp_path.as_posix()}?begin={A}&end={D}") as conn:
        cursor = conn.cursor()
        sent.append(cursor.execute(VIEW).time_range)
        sent.append(cursor.execute(VIEW, begin=B).time_range)
        sent.append(cursor.execute(VIEW, begin=mm.ALL_TIME).time_range)
    with mm.connect(f"lake:{tmp_path.as_posix()}?begin={A}", begin=B) as conn:
        sent.append(conn.execute(VIEW).time_range)
        sent.append(conn.cursor(begin=C).execute(VIEW, end=D).time_range)
        sent.append(conn.cursor(begin=mm.ALL_TIME).execute(VIEW).time_range)
    assert sent == [
        TimeRange(NS[A], NS[D], "url"),
        TimeRange(NS[B], NS[D], "execute+url"),
        NoTimeRange("ALL_TIME was given", on_purpose=True),
        TimeRange(NS[B], MAX_NS, "connection"),
        TimeRange(NS[C], NS[D], "execute+cursor"),
        NoTimeRange("ALL_TIME was given", on_purpose=True),
    ]


def test_an_offset_in_a_url_keeps_its_plus(tmp_path: Any) -> None:
    url = f"lake:{tmp_path.as_posix()}?begin=2026-11-01T02:00:00+02:00"
    with mm.connect(url) as conn:
        found = conn.execute(VIEW).time_range
    assert found
    assert found.begin == NS[A]


def test_bad_bounds_of_a_url_or_a_connection_fail_at_once() -> None:
    with pytest.raises(mm.ProgrammingError, match="begin='yesterday' is not a valid time"):
        mm.connect("http://localhost?begin=yesterday")
    with pytest.raises(mm.ProgrammingError, match="is after end"):
        mm.connect("http://localhost", begin="now", end="-1h")
