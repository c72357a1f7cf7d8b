"""A part of the fuzz, in the suite: the long run is ``python -m tests.fuzz``."""

from __future__ import annotations

from typing import Any

import pytest

from micromegas_dbapi.inference import Inferred, infer
from tests.fuzz import differential
from tests.fuzz.mutations import MODULES, MUTATIONS
from tests.fuzz.statements import Statements

SEED, STATEMENTS = 5, 150


@pytest.mark.parametrize("generation", differential.GENERATIONS)
def test_a_range_changes_no_result(generation: str) -> None:
    tally = differential.run(generation, SEED, STATEMENTS)
    assert [str(mismatch) for mismatch in tally.mismatches] == []
    assert tally.counts["removed"] > STATEMENTS / 4, tally
    assert tally.counts["not empty"] > STATEMENTS / 10, tally


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


def test_the_same_seed_makes_the_same_statements() -> None:
    here = differential.world("0.13", SEED)
    made = [[Statements(here, f"{n}").statement() for n in range(20)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) == 20


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.breaks)
def test_mutations_fit_the_source(mutation: Any) -> None:
    assert (MODULES / f"{mutation.module}.py").read_text("utf-8").count(mutation.old) == 1
