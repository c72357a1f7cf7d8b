"""Each time grain gives the start, or the end, of the interval that Python computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

import pytest

import micromegas_dbapi as mm
from sqlalchemy_micromegas.superset.time_grains import (
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    TIME_GRAINS,
    time_literal,
)

INSTANTS = (
    "1969-12-31T23:59:59.5",
    "2024-02-29T12:34:56.789012345",
    "2026-11-21T23:59:59.999999999",  # a Saturday
    "2026-11-22T00:00:00",  # a Sunday
    "2026-11-23T00:00:00",  # a Monday
    "2026-12-31T18:07:31.25",
)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def every(**length: float) -> Callable[[datetime], datetime]:
    step = timedelta(**length)
    return lambda at: EPOCH + (at - EPOCH) // step * step


def day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def monday(at: datetime) -> datetime:
    return day(at) - timedelta(days=at.weekday())


def sunday(at: datetime) -> datetime:
    return day(at) - timedelta(days=(at.weekday() + 1) % 7)


EXPECTED: dict[str | None, Callable[[datetime], datetime]] = {
    None: lambda at: at,
    "PT1S": every(seconds=1),
    "PT5S": every(seconds=5),
    "PT30S": every(seconds=30),
    "PT1M": every(minutes=1),
    "PT5M": every(minutes=5),
    "PT10M": every(minutes=10),
    "PT15M": every(minutes=15),
    "PT30M": every(minutes=30),
    "PT1H": every(hours=1),
    "PT6H": every(hours=6),
    "P1D": day,
    "P1W": monday,
    "1969-12-28T00:00:00Z/P1W": sunday,
    "1969-12-29T00:00:00Z/P1W": monday,
    "P1W/1970-01-03T00:00:00Z": lambda at: sunday(at) + timedelta(days=6),
    "P1W/1970-01-04T00:00:00Z": lambda at: monday(at) + timedelta(days=6),
    "P1M": lambda at: day(at).replace(day=1),
    "P3M": lambda at: day(at).replace(day=1, month=(at.month - 1) // 3 * 3 + 1),
    "P1Y": lambda at: day(at).replace(day=1, month=1),
}


@pytest.fixture(scope="module")
def demo() -> Iterator[mm.Connection]:
    with mm.connect("demo:") as connection:
        yield connection


def test_every_grain_is_expected() -> None:
    assert set(TIME_GRAINS) == set(EXPECTED)


@pytest.mark.parametrize("grain", EXPECTED, ids=str)
@pytest.mark.parametrize("column_type", ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"])
def test_grain(demo: mm.Connection, grain: str | None, column_type: str) -> None:
    values = ", ".join(f"(CAST('{instant}' AS {column_type}))" for instant in INSTANTS)
    start = TIME_GRAINS[grain].format(col="t")
    rows = demo.execute(f"SELECT t, {start} AS start FROM (VALUES {values}) AS v(t)").fetchall()
    assert len(rows) == len(INSTANTS)
    for instant, found in rows:
        aware = instant.replace(tzinfo=timezone.utc)
        assert found.replace(tzinfo=timezone.utc) == EXPECTED[grain](aware), instant


@pytest.mark.parametrize(
    ("conversion", "number", "expected"),
    [
        (EPOCH_SECONDS, 1793491200, datetime(2026, 11, 1)),
        (EPOCH_MILLISECONDS, 1793491200123, datetime(2026, 11, 1, 0, 0, 0, 123000)),
    ],
)
def test_epochs(demo: mm.Connection, conversion: str, number: int, expected: datetime) -> None:
    sql = f"SELECT {conversion.format(col='n')} FROM (SELECT {number} AS n)"
    [(found,)] = demo.execute(sql).fetchall()
    assert found.replace(tzinfo=None) == expected


LITERALS = {
    (datetime(2026, 11, 1, 2, 3, 4, 5), False): "TIMESTAMP '2026-11-01T02:03:04.000005'",
    (datetime(2026, 11, 1), False): "TIMESTAMP '2026-11-01T00:00:00.000000'",
    (
        datetime(2026, 11, 1, 2, tzinfo=timezone(timedelta(hours=3))),
        False,
    ): "TIMESTAMP '2026-10-31T23:00:00.000000'",
    (datetime(2026, 11, 1, 2, 3), True): "DATE '2026-11-01'",
    (datetime(2026, 11, 1, 2, tzinfo=timezone(timedelta(hours=3))), True): "DATE '2026-10-31'",
}


@pytest.mark.parametrize(("instant", "date_only"), LITERALS)
def test_literals(demo: mm.Connection, instant: datetime, date_only: bool) -> None:
    text = time_literal(instant, date_only=date_only)
    assert text == LITERALS[instant, date_only]
    assert demo.execute(f"SELECT {text}").fetchone() is not None
