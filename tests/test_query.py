"""A running query: its states, walked with random events on a fake wire."""

from __future__ import annotations

import gc
import re
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

import micromegas_dbapi as mm
from micromegas_dbapi.query import TRANSITIONS, Query, State
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.service import HTTP, Service
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.streams import stream

ROOT = Path(__file__).parents[1]
ENDS = {state for state, following in TRANSITIONS.items() if not following}
SCHEMA = pa.schema([("n", pa.int64())])


# -- the table of states ---------------------------------------------------------------------------


def test_the_first_end_stays() -> None:
    assert {State.FINISHED, State.FAILED, State.CANCELLED, State.CLOSED} == ENDS


def test_no_state_without_a_way_out() -> None:
    for state in set(State) - ENDS:
        assert ENDS & set(TRANSITIONS[state]), state


def test_the_diagram_shows_each_transition() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    shown = set(re.findall(r"^    (\w+) --> (\w+)", text, re.MULTILINE))
    assert shown == {(a.name, b.name) for a, following in TRANSITIONS.items() for b in following}


OPEN: dict[str, Callable[[Query], object]] = {
    "RUNNING": lambda query: None,
    "ANSWERED": lambda query: query.answer(reader(1, 2)),
    "READING": lambda query: (query.answer(reader(1, 2)), query.claim(), query.read()),
    "HANDED_OVER": lambda query: (query.answer(reader(1, 2)), query.hand_over()),
}
EVENTS: dict[str, Callable[[Query], object]] = {
    "finish": lambda query: query.finish(),
    "fail": lambda query: query.fail(mm.DataError("broken")),
    "interrupt": lambda query: query.fail(KeyboardInterrupt()),
    "cancel": lambda query: query.cancel(),
    "close": lambda query: query.close("it was closed"),
}


def reader(*numbers: int) -> pa.RecordBatchReader:
    batches = [pa.record_batch([[number]], schema=SCHEMA) for number in numbers]
    return pa.RecordBatchReader.from_batches(SCHEMA, batches)


@pytest.mark.parametrize(
    ("event", "state", "error"),
    [
        ("finish", State.FINISHED, None),
        ("fail", State.FAILED, mm.DataError),
        ("interrupt", State.FAILED, mm.OperationalError),
        ("cancel", State.CANCELLED, mm.OperationalError),
        ("close", State.CLOSED, mm.InterfaceError),
    ],
)
@pytest.mark.parametrize("before", OPEN)
def test_each_end(before: str, event: str, state: State, error: type[mm.Error] | None) -> None:
    query = Query(Statement("SELECT 1"))
    OPEN[before](query)
    assert query.state.name == before
    EVENTS[event](query)
    if (before, event) == ("HANDED_OVER", "close"):  # it belongs to the caller
        assert query.state is State.HANDED_OVER
        return
    assert query.state is state
    assert type(query.error) is (error or type(None))
    if error is not None:
        assert query.cancellation.why is not None  # the transport stops
        with pytest.raises(error) as caught:
            query.check()
        assert (caught.value.sql, caught.value.query_id) == ("SELECT 1", query.query_id)
    for later in EVENTS.values():
        first = query.error
        later(query)
        assert (query.state, query.error) == (state, first)


@pytest.mark.parametrize("event", ["cancel", "close"])
def test_a_result_that_comes_after_the_end_is_dropped(event: str) -> None:
    query, late = Query(Statement("SELECT 1")), reader(1)
    EVENTS[event](query)
    gone = weakref.ref(late)
    with pytest.raises(mm.Error):
        query.answer(late)
    del late
    assert gone() is None
    assert query.state in (State.CANCELLED, State.CLOSED)


@pytest.mark.parametrize("event", ["finish", "fail", "cancel", "close"])
def test_an_end_releases_what_the_query_holds(event: str) -> None:
    query, result = Query(Statement("SELECT 1")), reader(1, 2)
    query.answer(result)
    query.claim()
    gone = weakref.ref(result)
    del result
    query.read()
    EVENTS[event](query)
    assert gone() is None


@pytest.mark.parametrize("event", ["cancel", "close", "fail"])
def test_a_batch_that_comes_after_the_end_is_dropped(event: str) -> None:
    """Another thread ends the query while this one waits for a batch."""
    query = Query(Statement("SELECT 1"))

    def batches() -> Iterator[pa.RecordBatch]:
        EVENTS[event](query)
        yield pa.record_batch([[1]], schema=SCHEMA)

    query.answer(pa.RecordBatchReader.from_batches(SCHEMA, batches()))
    query.claim()
    with pytest.raises(mm.Error) as caught:
        query.read()
    assert caught.value is query.error


def test_one_thread_only_gets_the_result() -> None:
    for _ in range(200):
        query, got = Query(Statement("SELECT 1")), []
        query.answer(reader(1))
        ways: list[Callable[[], object]] = [query.claim, query.hand_over, query.claim]
        barrier = threading.Barrier(len(ways))

        def race(
            way: Callable[[], object], barrier: threading.Barrier = barrier, got: list[Any] = got
        ) -> None:
            barrier.wait(60)
            got.append(way())

        threads = [threading.Thread(target=race, args=(way,)) for way in ways]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len([each for each in got if each]) == 1


# -- random events on a fake wire ------------------------------------------------------------------


class FakeWire:
    """A transport whose results come in steps, at each of which something can happen."""

    def __init__(self) -> None:
        self.script: list[object] = []  # batches (numbers of rows), errors and functions to call
        self.leased: set[object] = set()

    def run(self, request: Request) -> pa.RecordBatchReader:
        lease = object()
        self.leased.add(lease)
        request.cancellation.on_cancel(lambda: self.leased.discard(lease))
        steps = self._steps(request, lease)
        next(steps)
        return stream(SCHEMA, steps, request)

    def _steps(self, request: Request, lease: object) -> Iterator[Any]:
        script, first = list(self.script), 0
        try:
            while script and callable(script[0]):  # while the statement runs
                script.pop(0)()  # type: ignore[operator]
            yield None
            for step in script:
                if isinstance(step, BaseException):
                    raise step
                if callable(step):
                    step()
                else:
                    yield pa.record_batch([list(range(first, first + step))], schema=SCHEMA)  # type: ignore[operator]
                    first += step  # type: ignore[operator]
            request.cancellation.settled()
        finally:
            self.leased.discard(lease)

    def presumed(self) -> Service:
        return Service("lake", HTTP, {}, {})

    service = presumed

    def stamp(self) -> None:
        return None

    def schema(self, request: Request) -> pa.Schema:
        return SCHEMA

    def close(self) -> None:
        self.leased.clear()


STRIKES = ["cancel", "close", "close connection", "cancel twice", "collect", "interrupt", "error"]


class Walk(RuleBasedStateMachine):
    """Each call returns right rows or raises; an end stays; nothing stays leased behind an end."""

    readers = Bundle("readers")

    @initialize()
    def connect(self) -> None:
        self.wire = FakeWire()
        self.connection = mm.Connection(self.wire, Ranges(self.wire), "datetime")  # type: ignore[arg-type]
        self.cursor = self.connection.cursor()
        self.query: Query | None = None
        self.seen: State | None = None
        self.expected, self.fetched = 0, 0
        self.lost = False  # an interrupt has lost rows
        self.held: Iterator[Any] | None = None

    # -- events

    def strike(self, name: str, elsewhere: bool) -> Callable[[], None]:
        """Return a function that lets an event happen in this or another thread."""

        def cancel() -> None:
            self.cursor.cancel()

        def event() -> None:
            if name.startswith("cancel"):
                cancel()
            if name == "cancel twice":
                cancel()
            if name == "close":
                self.cursor.close()
            if name == "close connection":
                self.connection.close()
            if name == "collect":
                gc.collect(0)

        def happens() -> None:
            if name == "interrupt":
                raise KeyboardInterrupt
            if name == "error":
                raise mm.OperationalError("struck")
            if elsewhere:
                thread = threading.Thread(target=event)
                thread.start()
                thread.join(60)
            else:
                event()

        return happens

    @precondition(lambda self: self.query is None or self.query.state in ENDS or self.fetched > 2)
    @rule(
        batches=st.lists(st.integers(0, 3), max_size=4),
        strikes=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(STRIKES), st.booleans())),
    )
    def execute(self, batches: list[int], strikes: list[tuple[int, str, bool]]) -> None:
        script: list[object] = list(batches)
        for at, name, elsewhere in strikes:
            script.insert(at, self.strike(name, elsewhere))
        self.wire.script = script
        self.reopen()
        before = self.query
        self.expected, self.fetched, self.lost = sum(batches), 0, False
        self.held = None
        try:
            self.cursor.execute("SELECT 1")
        except (mm.Error, KeyboardInterrupt):
            pass
        else:
            self.held = iter(self.cursor)
        if self.cursor._query is not before:
            self.query, self.seen = self.cursor._query, State.RUNNING
            if before is not None:
                assert before.state in ENDS or before.state is State.HANDED_OVER

    @rule()
    def cancel(self) -> None:
        self.cursor.cancel()

    @rule(which=st.sampled_from(["cursor", "cursor", "connection"]))
    def close(self, which: str) -> None:
        (self.connection if which == "connection" else self.cursor).close()
        for use in (self.cursor.fetchone, self.cursor.fetchall, self.cursor.fetch_arrow_table):
            with pytest.raises(mm.InterfaceError, match="closed"):
                use()

    # -- fetches

    def reopen(self) -> None:
        """Replace what an event has closed."""
        if self.connection._state.closed:
            self.connection = mm.Connection(self.wire, Ranges(self.wire), "datetime")  # type: ignore[arg-type]
            self.cursor = self.connection.cursor()
        elif self.cursor._closed:
            self.cursor = self.connection.cursor()

    def check(self, fetch: Callable[[], list[Any] | None]) -> None:
        """None means that there are no more rows."""
        assert self.query is not None
        rows: list[Any] | None = []
        raised: BaseException | None = None
        try:
            rows = fetch()
        except (mm.Error, KeyboardInterrupt) as error:
            raised = error
        self.lost = self.lost or isinstance(raised, KeyboardInterrupt)
        closed = self.cursor._closed or self.connection._state.closed
        if isinstance(raised, mm.Error) and self.query.state is State.FAILED and not closed:
            other = self.cursor._query is not self.query
            assert raised is self.query.error or other or "as Arrow" in str(raised)
        if rows is None:
            assert self.fetched == self.expected
            assert not self.lost
            return
        assert rows == list(range(self.fetched, self.fetched + len(rows)))
        self.fetched += len(rows)

    @precondition(lambda self: self.held is not None)
    @rule(way=st.sampled_from(["one", "many", "all", "held", "next"]))
    def rows(self, way: str) -> None:
        def fetch() -> list[Any] | None:
            if way == "one":
                row = self.cursor.fetchone()
                return None if row is None else [row[0]]
            if way in ("held", "next"):
                row = next(self.held if way == "held" else self.cursor, None)  # type: ignore[arg-type]
                return None if row is None else [row[0]]
            if way == "many":
                return [row[0] for row in self.cursor.fetchmany(2)]
            rows = [row[0] for row in self.cursor.fetchall()]
            assert self.fetched + len(rows) == self.expected
            return rows

        self.check(fetch)

    @precondition(lambda self: self.query is not None and self.query.state is State.ANSWERED)
    @rule()
    def table(self) -> None:
        def fetch() -> list[Any]:
            column = self.cursor.fetch_arrow_table()["n"].to_pylist()
            assert len(column) == self.expected
            return column

        self.check(fetch)

    @precondition(lambda self: self.query is not None and self.query.state is State.ANSWERED)
    @rule(target=readers)
    def reader(self) -> Any:
        try:
            return self.cursor.fetch_record_batch(), self.expected
        except mm.Error:
            return multiple()

    @rule(reader=consumes(readers))
    def read_to_end(self, reader: tuple[pa.RecordBatchReader, int]) -> None:
        """Also after its cursor was closed or has run another statement."""
        batches, expected = reader
        with suppress(mm.Error, pa.ArrowException, KeyboardInterrupt):
            assert batches.read_all()["n"].to_pylist() == list(range(expected))

    @rule()
    def describe(self) -> None:
        self.reopen()
        assert [column.name for column in self.cursor.describe("SELECT 1")] == ["n"]

    # -- what always holds

    @invariant()
    def moves_along_the_table(self) -> None:
        if self.query is None:
            return
        reachable, new = {self.seen}, {self.seen}
        while new:
            new = {after for state in new for after in TRANSITIONS[state]} - reachable  # type: ignore[index]
            reachable |= new
        assert self.query.state in reachable
        self.seen = self.query.state

    @invariant()
    def an_end_holds_nothing(self) -> None:
        if self.query is not None and self.query.state in ENDS:
            assert not self.query._held

    @invariant()
    def a_statement_can_be_run(self) -> None:
        assert not self.cursor._running

    def teardown(self) -> None:
        """Whatever state it is in, closing is a way out."""
        self.cursor.close()
        self.connection.close()
        assert not self.wire.leased
        if self.query is not None:
            assert self.query.state in ENDS or self.query.state is State.HANDED_OVER


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
