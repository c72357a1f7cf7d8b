"""Rounds: in each one an event strikes while a statement runs, and everything must be right."""

from __future__ import annotations

import faulthandler
import gc
import math
import os
import random
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import micromegas_dbapi as mm
from tests.interruptions.events import EVENTS, FORCED, Event, Striker
from tests.interruptions.statements import (
    AGAIN,
    AGAIN_ROWS,
    SMALL,
    WAYS,
    Rows,
    Statement,
    Way,
    statements,
)

_HANG = 10.0  # seconds
_LATEST = 1.3  # of the usual duration of a statement
_SAMPLES = 10
# What libraries may keep for a while: gRPC its threads and sockets, allocators their memory.
_SPARE_THREADS, _SPARE_FILES, _SPARE_MEGABYTES = 8, 8, 24


@dataclass(frozen=True)
class Sample:
    """The resources of this process while no connection is open."""

    threads: int
    files: int
    megabytes: float

    @classmethod
    def taken(cls) -> Sample:
        """Read them from /proc (Linux)."""
        lines = Path("/proc/self/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        files = len(os.listdir("/proc/self/fd"))
        return cls(int(status["Threads"]), files, int(status["VmRSS"].split()[0]) / 1024)


@dataclass
class Report:
    """What the rounds of one wire have found."""

    wire: str
    seconds: float = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    slowest: float = 0  # seconds until the next statement was answered

    @property
    def grown(self) -> list[str]:
        """What has grown since the first quarter of the rounds, in which everything warms up."""
        first, last = self.samples[len(self.samples) // 4], self.samples[-1]
        found = []
        if last.threads > first.threads + _SPARE_THREADS:
            found.append(f"threads: {first.threads} -> {last.threads}")
        if last.files > first.files + _SPARE_FILES:
            found.append(f"files: {first.files} -> {last.files}")
        if last.megabytes > first.megabytes + _SPARE_MEGABYTES:
            found.append(f"memory: {first.megabytes:.0f} -> {last.megabytes:.0f} MB")
        return found


class Watchdog:
    """Ends the process with status 2 and the tracebacks of all threads if a round hangs."""

    def __init__(self, wire: str) -> None:
        self._wire = wire
        self._round = ""
        self._began = math.inf
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="watchdog")
        self._thread.start()

    def begin(self, label: str) -> None:
        """Watch the next round."""
        self._round = label
        self._began = time.monotonic()

    def _watch(self) -> None:
        while True:
            # For a round that hangs with the interpreter's lock, which this thread needs, too.
            faulthandler.dump_traceback_later(2 * _HANG, exit=True)
            if self._ended.wait(_HANG / 10):
                return
            if time.monotonic() - self._began > _HANG:
                print(f"HANG on {self._wire}, {self._round}", file=sys.stderr, flush=True)
                faulthandler.dump_traceback(all_threads=True)
                os._exit(2)

    def stop(self) -> None:
        """End the watch."""
        self._ended.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()


class Rounds:
    """The rounds of one wire.

    Parameters
    ----------
    wire : str
        Its name.
    url : str
        For `micromegas_dbapi.connect`.
    seed : int
        Chooses events, statements and delays.
    """

    def __init__(self, wire: str, url: str, seed: int) -> None:
        self.report = Report(wire)
        self._url = url
        self._others = {*threading.enumerate()}  # of other tests in this process
        self._chance = random.Random(f"{wire} {seed}")
        self._strikers = Striker(), Striker()
        self._watchdog = Watchdog(wire)
        self._struck = False
        self._connection = mm.connect(url)
        self._cursor = self._connection.cursor()
        self._statements = statements(self._connection)
        self._usual: dict[tuple[str, str], float] = {}  # seconds
        for way in WAYS.values():  # some import modules
            way.read(self._cursor, SMALL.sql, [])

    def run(self, count: int, step: int) -> None:
        """Run so many rounds, and then those at every n-th moment of a statement."""
        with self._watched():
            for name in (1 + count // 1000) * list(EVENTS):
                self._random_round("warm-up", name)
            self.report.outcomes.clear()
            self._sample()
            for number in range(1, count + 1):
                self._random_round(f"round {number}", self._chance.choice(list(EVENTS)))
                if number % -(-count // _SAMPLES) == 0:
                    self._sample()
            if step:
                self._run_forced(step)
                self._sample()

    def _run_forced(self, step: int) -> None:
        for name, way in product(FORCED, ("all", "loop", "table")):
            for number in range(1 + self._chance.randrange(step), sys.maxsize, step):
                self._round(f"moment {number}", name, FORCED[name], number, SMALL, way)
                if not self._struck:
                    break

    def _random_round(self, label: str, name: str) -> None:
        statement = self._chance.choice(self._statements)
        way = self._chance.choice(list(WAYS))
        usual = self._usual.get((statement.name, way), 0.01)
        delay = self._chance.random() * _LATEST * usual
        self._round(label, name, EVENTS[name], delay, statement, way)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        began = time.monotonic()
        sys.unraisablehook, hook = self._report_unraisable, sys.unraisablehook
        try:
            yield
            for striker in self._strikers:
                striker.stop()
            self._connection.close()
        finally:
            sys.unraisablehook = hook
            self._watchdog.stop()
        self.report.seconds = time.monotonic() - began

    def _report_unraisable(self, found: Any) -> None:
        """Report an error in a finalizer, but no interrupt, which Python cannot raise there."""
        if not isinstance(found.exc_value, KeyboardInterrupt):
            self.report.wrong.append(f"in a finalizer: {found.exc_value!r} in {found.object!r}")

    def _round(
        self, moment: str, name: str, event: Event, delay: float, statement: Statement, way: str
    ) -> None:
        label = f"{moment}, {name!r} on {statement.name!r} read by {way!r}"
        self._watchdog.begin(label)
        began = time.perf_counter()
        try:
            outcome = self._play(event, delay, statement, way)
        except AssertionError as error:
            self.report.wrong.append(f"{label}: {error}")
            outcome = "wrong"
            self._connection.close()
            self._connection = mm.connect(self._url)
            self._cursor = self._connection.cursor()
        self.report.outcomes[name, outcome] += 1
        self.report.slowest = max(self.report.slowest, time.perf_counter() - began)

    def _play(self, event: Event, delay: float, statement: Statement, way_name: str) -> str:
        way = WAYS[way_name]
        rows: Rows = []
        before = self._cursor.query_id
        error: BaseException | None = None
        took: float | None = None
        moments: list[int] | None = None
        try:
            with event.start(
                delay, self._url, self._connection, self._cursor, *self._strikers
            ) as moments:
                began = time.perf_counter()
                way.read(self._cursor, statement.sql, rows)
                took = time.perf_counter() - began
        except event.allowed as allowed:
            error = allowed
        except AssertionError:
            raise
        except BaseException as other:
            raise AssertionError(f"{type(other).__name__}: {other}") from other
        self._struck = moments is None or moments[0] >= delay
        if error is None:
            assert took is not None
            usual = self._usual.get((statement.name, way_name), took)
            self._usual[statement.name, way_name] = usual + (took - usual) / 4
            expected = way.expected(statement)
            assert rows == expected, f"{len(rows)} rows instead of {len(expected)}, or others"
        else:
            begun = self._cursor.query_id != before
            if not begun and event.closes:
                assert rows == []
            else:
                interrupted = isinstance(error, KeyboardInterrupt)
                self._check_rest(way, statement, rows, interrupted, begun)
        self._check_again(event.closes)
        return "right" if error is None else type(error).__name__

    def _check_rest(
        self, way: Way, statement: Statement, rows: Rows, interrupted: bool, begun: bool
    ) -> None:
        """Check that what was read is right, and that what is left is right or an error."""
        assert rows == statement.rows[: len(rows)], "wrong rows before the error"
        if not begun:
            assert interrupted, "the statement was not begun"
            assert rows == []
            return
        try:
            rest = self._cursor.fetchall()
        except mm.Error:
            return
        assert interrupted, f"after its error, the cursor returns {len(rest)} more rows"
        assert rest in list(way.remainders(statement, rows)), (
            f"{len(rows)} rows, then after an interrupt {len(rest)} of {len(statement.rows)}"
        )

    def _check_again(self, closed: str) -> None:
        """Check that what is closed is closed, and that what is open answers another statement."""
        if closed:
            try:
                rows = self._cursor.fetchall()
            except mm.Error:
                pass
            else:
                raise AssertionError(f"{len(rows)} rows are fetched from a closed cursor")
        if closed == "connection":
            try:
                self._connection.cursor()
            except mm.InterfaceError:
                self._connection = mm.connect(self._url)
            else:
                raise AssertionError("the closed connection creates cursors")
        if closed:
            self._cursor = self._connection.cursor()
        try:
            rows = self._cursor.execute(AGAIN).fetchall()
        except mm.Error as error:
            raise AssertionError(f"the next statement fails: {error!r}") from error
        assert rows == AGAIN_ROWS, f"the next statement returns {rows}"

    def _threads(self) -> list[str]:
        new = {*threading.enumerate()} - self._others
        return [each.name for each in new if each.name.startswith("micromegas")]

    def _sample(self) -> None:
        """Close everything, and count what is left."""
        self._connection.close()
        del self._connection, self._cursor
        gc.collect()
        end = time.monotonic() + 1
        while left := self._threads():
            if time.monotonic() > end:
                self.report.wrong.append(f"threads left: {left}")
                break
            time.sleep(0.01)
        sample = Sample.taken()
        while self.report.samples and time.monotonic() < end:  # other threads may end later
            first = self.report.samples[0]
            if sample.threads <= first.threads and sample.files <= first.files:
                break
            time.sleep(0.01)
            sample = Sample.taken()
        self.report.samples.append(sample)
        done = self.report.outcomes.total()
        wrong = len(self.report.wrong)
        print(f"{self.report.wire}: {done} rounds, {wrong} wrong, {sample}", file=sys.stderr)
        self._connection = mm.connect(self._url)
        self._cursor = self._connection.cursor()


def run(wire: str, url: str, count: int, seed: int, step: int) -> Report:
    """Run the rounds of one wire in the main thread of this process.

    Parameters
    ----------
    wire, url : str
        As for `Rounds`.
    count : int
        The number of rounds.
    seed : int
        As for `Rounds`.
    step : int
        Strike at every n-th moment of a statement, too; 0 does not.

    Returns
    -------
    Report
        Of all rounds.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of what is forgotten on purpose
        rounds = Rounds(wire, url, seed)
        rounds.run(count, step)
    return rounds.report
