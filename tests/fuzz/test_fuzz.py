"""A part of the fuzz, in the suite: the long run is ``python -m tests.fuzz``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from micromegas_dbapi.ranges.inference import Inferred, Reason, infer
from tests.fuzz import corpus, differential, readings
from tests.fuzz.broken import MUTATIONS
from tests.fuzz.chance import Chance
from tests.fuzz.data import World, world
from tests.fuzz.decorations import pieces
from tests.fuzz.literals import Literals
from tests.fuzz.mutations import MODULES
from tests.fuzz.shrink import shrunk
from tests.fuzz.statements import Statement, Statements

SEED, STATEMENTS = 5, 240


@pytest.fixture(scope="module")
def here() -> World:
    return world("0.13", SEED)


@pytest.mark.parametrize("generation", differential.GENERATIONS)
def test_a_range_changes_no_result(generation: str) -> None:
    tally = differential.run(generation, SEED, STATEMENTS)
    assert [str(mismatch) for mismatch in tally.mismatches] == []
    assert tally.counts["removed"] > STATEMENTS / 6, tally
    assert tally.counts["not empty"] > STATEMENTS / 12, tally
    assert tally.counts["strange"] > tally.counts["removed"] * 0.3, tally


def test_a_wrong_range_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each range is cut to its first half."""

    def wrong(*args: Any, **kwargs: Any) -> Any:
        found = infer(*args, **kwargs)
        if not isinstance(found, Inferred):
            return found
        return Inferred(found.begin, (found.begin + found.end) // 2)

    monkeypatch.setattr(differential, "infer", wrong)
    tally = differential.run("0.13", SEED, STATEMENTS // 2)
    assert tally.mismatches, tally


def test_a_range_changes_no_result_of_public_shapes(here: World) -> None:
    tally = differential.Tally()
    for number, text in enumerate(corpus.statements()):
        sql = corpus.filled(text, Literals(Chance(f"{number}"), 0))
        differential.check(here, f"corpus {number}", Statement(sql, "", frozenset()), tally)
    assert [str(mismatch) for mismatch in tally.mismatches] == []
    assert len(corpus.statements()) >= 150
    assert tally.counts["removed"] > 100, tally


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT 1", False),
        ("SELECT * FROM calendar", False),
        ("SELECT 1 FROM log_entries", True),
        ("SELECT 1 WHERE 1 IN (SELECT id FROM log_entries)", True),
        ('WITH "information_schema.x" AS (SELECT * FROM measures) '
         "SELECT count(*) FROM information_schema.x", True),
        ("SELECT nonsense", False),
    ],
)  # fmt: skip
def test_what_reads_a_view_is_seen(here: World, sql: str, reads: bool) -> None:
    assert differential.reads_view(here, sql) is reads


def test_a_default_range_that_is_dropped_wrongly_is_seen(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differential, "infer", lambda *_, **__: Reason("none", reads_views=False))
    tally = differential.Tally()
    differential.check(here, "", Statement("SELECT 1 FROM measures", "", frozenset()), tally)
    differential.check(here, "", Statement("SELECT 1", "", frozenset()), tally)
    assert [mismatch.statement.sql for mismatch in tally.mismatches] == ["SELECT 1 FROM measures"]


def test_the_same_seed_makes_the_same_statements(here: World) -> None:
    made = [[Statements(here, f"{n}").statement().sql for n in range(20)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) == 20


@pytest.mark.parametrize(
    ("sql", "reading"),
    [
        ("SELECT a FROM b WHERE c >= '1' AND d < now()", "read alike"),
        ("SELECT a FROM b WHERE c NOT IN (1) AND d IS NOT NULL", "read alike"),
        ("SELECT a FROM b -- was:\rWHERE c = 1", "read differently"),
        ("SELECT a FROM b WHERE c = 1 /*! OR TRUE */", "read differently"),
        ("SELECT a FROM b LIMIT 1 |> WHERE a = 1", "read differently"),
        ("SELECT a FROM b WHERE c IS DISTINCT FROM d AND e", "read differently"),
        ("SELECT a FROM b WHERE {# c #} d", "read by sqlglot only"),
        ("SELECT a FROM b WHERE c = {d '2024-01-01'}", "read by the engine's parser only"),
    ],
)
def test_readings_are_told_apart(sql: str, reading: str) -> None:
    assert readings.compared(sql) == reading


def test_statements_are_made_that_parsers_read_differently(here: World) -> None:
    made = (Statements(here, f"{n}").statement().sql for n in range(STATEMENTS // 2))
    found = Counter(map(readings.compared, made))
    assert found["read differently"] > STATEMENTS / 80, found
    assert found["read alike"] > STATEMENTS / 4, found


def test_a_statement_is_made_small() -> None:
    sql = "SELECT a, b FROM (SELECT * FROM t WHERE x IN (1, 2)) AS d WHERE y = 'z' ORDER BY 1"
    assert shrunk(sql, lambda text: "FROM t" in text and "y" in pieces(text)) == "FROM t y"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.breaks)
def test_mutations_fit_the_source(mutation: Any) -> None:
    assert (MODULES / f"{mutation.module}.py").read_text("utf-8").count(mutation.old) == 1
