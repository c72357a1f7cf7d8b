"""A statement is analysed once, also if its range moves with the clock."""

from __future__ import annotations

import random
from typing import Any

import pytest

from micromegas_dbapi.ranges import inference
from micromegas_dbapi.ranges.inference import Inferred, Reason, infer
from micromegas_dbapi.ranges.inference.instants import Clock
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.time_units import DAY, HOUR, SECOND
from micromegas_dbapi.timerange import MAX_NS, MIN_NS
from tests.fuzz.data import world
from tests.fuzz.statements import Statements
from tests.ranges.inference.ranges import NOW, RECENT

LOG = "SELECT level FROM log_entries WHERE "
MIDNIGHT = NOW // DAY * DAY

# How often a condition is analysed while two days go by, from midnight on.
ANALYSES = {
    "time >= '2026-11-01'": 1,
    "time >= '2026-11-01' AND now() - time < level": 1,
    "time >= now()": 1,
    "time >= NOW ( ) - INTERVAL '1 hour'": 1,
    "time BETWEEN current_timestamp - INTERVAL '1 month' AND now()": 1,
    "time > '2020-01-01' AND time > now() - INTERVAL '1 day'": 1,
    "time < '2020-01-01' OR time > now()": 1,
    "time >= date_trunc('day', now() - INTERVAL '1 day')": 1,
    "date_bin(INTERVAL '5 minutes', time) >= now()": 1,
    "time > now() + INTERVAL '300 years'": 1,  # no range
    # An instant that is rounded down to a day stays while the day lasts.
    "time >= current_date": 2,
    "time >= today() - INTERVAL '36 hours'": 2,
    "time >= CAST(now() AS DATE)": 2,
    "time >= CAST(now() + INTERVAL '1 hour' AS DATE)": 3,
    "CAST(time AS DATE) >= now() - INTERVAL '12 hours'": 3,
    # One of two instants is the later one.
    "time > now() AND time > '2026-11-22T18:00:00Z'": 2,
    "time > now() OR time > '2026-11-22T18:00:00Z'": 2,
}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the statements that are parsed."""
    texts: list[str] = []
    parse = inference.parse

    def recorded(statement: Statement) -> Any:
        texts.append(statement.text)
        return parse(statement)

    monkeypatch.setattr(inference, "parse", recorded)
    inference._kept.cache_clear()
    return texts


@pytest.mark.parametrize("condition", ANALYSES)
def test_a_statement_is_analysed_again_only_if_its_form_changes(
    condition: str, parsed: list[str]
) -> None:
    sql = LOG + condition
    for hour in range(48):
        infer(Statement(sql), RECENT, now=MIDNIGHT + hour * HOUR, skew=0)
    assert parsed == [sql] * ANALYSES[condition]


def test_a_range_moves_with_the_clock_and_its_skew(parsed: list[str]) -> None:
    statement = Statement(LOG + "time >= now() - INTERVAL '1 hour'")
    ranges = {
        (now, skew): infer(statement, RECENT, now=now, skew=skew, pad=0)
        for now in (NOW, NOW + 1, NOW - DAY)
        for skew in (0, SECOND)
    }
    assert ranges == {(now, skew): Inferred(now - skew - HOUR, MAX_NS) for now, skew in ranges}
    assert len(parsed) == 1


def test_statements_are_kept_up_to_a_length(parsed: list[str]) -> None:
    for repeats, analyses in ((1, 1), (2000, 2)):
        sql = LOG + "time >= now()" + " AND level = 1234567" * repeats
        parsed.clear()
        first, second = (infer(Statement(sql), RECENT, now=NOW) for _ in range(2))
        assert isinstance(first, Inferred)
        assert first == second
        assert len(parsed) == analyses


def anew(statement: Statement, now: int, monkeypatch: pytest.MonkeyPatch) -> Inferred | Reason:
    """Infer a range on a clock that is a plain number."""
    derive = inference._derive

    def on_a_number(statement: Statement, generation: str, known: Any, clock: Clock) -> Any:
        return derive(statement, generation, known, lambda: now)

    with monkeypatch.context() as patched:
        patched.setattr(inference, "_derive", on_a_number)
        patched.setattr(inference, "_kept", inference._kept.__wrapped__)
        return infer(statement, RECENT, now=now, skew=0, pad=0)


def clocks(chance: random.Random) -> list[int]:
    """Clocks around edges of days and of all time, and any others."""
    days = [chance.randrange(MIN_NS // DAY, MAX_NS // DAY) * DAY for _ in range(2)]
    near = [NOW + chance.randrange(-3 * DAY, 3 * DAY) for _ in range(4)]
    edges = [*days, MIDNIGHT, MIDNIGHT + DAY, 0, HOUR, DAY, MIN_NS, MAX_NS]
    around = [edge + by for edge in edges for by in (-1, 0, 1)]
    return chance.sample([*near, *around], k=6)


def test_a_kept_analysis_has_the_range_of_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    here, chance = world("0.13", 1), random.Random(1)
    pairs = [(a, op, b) for a in ANALYSES for b in ANALYSES for op in ("AND", "OR")]
    mixed = [f"{LOG}({a}) {op} ({b})" for a, op, b in chance.sample(pairs, k=100)]
    made = (Statements(here, f"clock {number}").statement().sql for number in range(400))
    reading = [sql for sql in made if "now" in sql.lower() or "current_" in sql.lower()]
    moving = 0
    for sql in (*mixed, *reading):
        found = []
        for now in clocks(chance):
            kept = infer(Statement(sql), RECENT, now=now, skew=0, pad=0)
            assert kept == anew(Statement(sql), now, monkeypatch), (sql, now)
            found.append(kept)
        moving += len(set(map(str, found))) > 3
    assert len(reading) > 100
    assert moving > 50
