"""Statements of a session: time range, limit, exact values, cancellation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.harlequin.session import Session
from micromegas_dbapi.harlequin.session_range import (
    RANGES,
    SessionRange,
    range_at_start,
    range_since,
)
from micromegas_dbapi.harlequin.shown_values import shown_rows
from micromegas_dbapi.timerange import Bound
from tests.integration.serving import WIRES, served
from tests.server.work import SLOW, needs_proc, rests, works
from tests.waiting import once


@pytest.fixture
def session() -> Iterator[Session]:
    with mm.connect("demo:", begin="-10m") as connection:
        yield Session(connection, "demo:", range_at_start("-10m", None), "datetime")


def value(session: Session, sql: str) -> object:
    (row,) = session.execute(sql).read().to_pylist()
    (found,) = row.values()
    return found


def test_the_range_of_the_session_applies_to_the_next_statements(session: Session) -> None:
    oldest = "SELECT max(now() - time) AS age FROM log_entries"
    count = "SELECT count(*) FROM log_entries"
    counts = {}
    for chosen in (session.range_at_start, *RANGES):
        session.time_range = chosen
        counts[chosen.title] = value(session, count)
        assert value(session, oldest)
    assert counts["from -10m"] < counts["last 15 minutes"] < counts["last hour"]
    assert counts["last hour"] <= counts["last day"] == counts["last 7 days"] == counts["all time"]


@pytest.mark.parametrize(
    ("begin", "end", "title"),
    [
        (None, None, "from each statement"),
        ("-2h", None, "from -2h"),
        ("-2h", "now", "from -2h until now"),
        (None, "2026-11-01T00:00:00Z", "until 2026-11-01T00:00:00Z"),
        (mm.ALL_TIME, None, "all time"),
        (mm.ALL_TIME, "now", "until now"),
    ],
)
def test_titles_of_the_first_range(begin: Bound, end: Bound, title: str) -> None:
    assert range_at_start(begin, end) == SessionRange(title)


def test_a_range_since_an_instant_keeps_its_nanoseconds(session: Session) -> None:
    chosen = range_since(1_700_000_000_000_000_001)
    assert chosen.title == "2023-11-14T22:13:20.000000001Z to now"
    sent = session.connection.explicit_range(**chosen.bounds)
    assert sent is not None
    assert sent.begin == 1_700_000_000_000_000_001


@pytest.mark.parametrize("limit", [0, 1, 7, 8192, 20_000])
def test_a_limit_returns_the_first_rows(session: Session, limit: int) -> None:
    sql = "SELECT value FROM generate_series(1, 20000)"
    result = session.execute(sql)
    result.limit = limit
    rows = result.read()
    assert rows.column_names == ["value"]
    assert rows["value"].to_pylist() == list(range(1, limit + 1))


def test_a_limit_stops_the_query() -> None:
    """No batch is read after the one that has the last row."""
    read: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(10):
            read.append(number)
            yield pa.record_batch({"n": [number] * 100})

    schema = pa.schema([("n", pa.int64())])
    rows = shown_rows(pa.RecordBatchReader.from_batches(schema, batches()), 150)
    assert rows.num_rows == 150
    assert read == [0, 1]


PROPERTY = pa.struct([("key", pa.string()), ("value", pa.string())])


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pa.array([2**63 - 1, None]), [2**63 - 1, None]),
        (pa.array([1], pa.timestamp("ns", "UTC")), ["1970-01-01T00:00:00.000000001Z"]),
        (pa.array([0], pa.timestamp("ns")), ["1970-01-01T00:00:00"]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.array([b"\x00\xff"]), ["00ff"]),
        (pa.array([b"@\x00\x00\x00 but not JSONB"]), [b"@\x00\x00\x00 but not JSONB".hex()]),
        (
            # {"a": "b"} in JSONB
            pa.array([bytes.fromhex("40000001100000011000000161") + b"b"]).dictionary_encode(),
            ['{"a": "b"}'],
        ),
        (
            pa.array([[{"key": "a", "value": "b"}], [], None], pa.list_(PROPERTY)),
            ['{"a": "b"}', "{}", None],
        ),
        (
            pa.array([[{"key": "a", "value": "b"}] * 2], pa.list_(PROPERTY)),
            ['[{"key": "a", "value": "b"}, {"key": "a", "value": "b"}]'],
        ),
        (pa.array([["log", "é"]]), ['["log", "é"]']),
        (pa.array([1.5]), [1.5]),
        (pa.array(["1.50"]).cast(pa.decimal128(5, 2)), ["1.50"]),
        (pa.array([90], pa.duration("ns")), ["90"]),
    ],
    ids=lambda each: str(each.type) if isinstance(each, pa.Array) else "",
)
def test_values_are_exact(column: pa.Array, shown: list[object]) -> None:
    table = pa.table({"c": column})
    rows = shown_rows(table.to_reader())
    assert rows["c"].to_pylist() == shown
    assert not pa.types.is_dictionary(rows.schema.field("c").type)


def test_timestamps_as_integers() -> None:
    table = pa.table({"t": pa.array([1, None], pa.timestamp("ns", "UTC"))})
    assert shown_rows(table.to_reader(), timestamps="ns")["t"].to_pylist() == [1, None]


def test_columns_of_an_empty_result(session: Session) -> None:
    result = session.execute("SELECT time, properties FROM log_entries LIMIT 0")
    assert result.columns == [("time", "ts"), ("properties", "[]")]
    assert result.read().num_rows == 0


@pytest.fixture(scope="module")
def urls(wire: Callable[[str], Path]) -> Iterator[dict[str, str]]:
    with served(wire("http-0.2.3") / "data") as found:
        yield found


@needs_proc
@pytest.mark.parametrize("where", WIRES)
def test_cancel_stops_a_running_statement(where: str, urls: dict[str, str]) -> None:
    with mm.connect(urls[where]) as connection:
        session = Session(connection, "", range_at_start(None, None), "datetime")
        ended: list[tuple[float, Exception]] = []
        cancelled: list[float] = []

        def cancel() -> None:
            cancelled.append(time.monotonic())
            session.cancel()

        with once(works, cancel):
            try:
                session.execute(SLOW["filter"]).read()
            except mm.Error as error:
                ended.append((time.monotonic(), error))
        ((at, error),) = ended
        assert isinstance(error, mm.OperationalError)
        assert "cancelled" in str(error)
        assert at - cancelled[0] < 1
        assert rests()
        assert value(session, "SELECT 1") == 1
