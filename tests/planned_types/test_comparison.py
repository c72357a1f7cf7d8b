"""The proof of the rule: planned and real types of random statements, and of every function.

Here a part of it, on the embedded engine; on the newest services' own (DataFusion 54) all of it,
where it is asked for: see CONTRIBUTING.md. That is also ``python -m tests.planned_types``.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from micromegas_dbapi.arrow.type_names import arrow_type
from micromegas_dbapi.sql.column_queries import types_of_rows
from micromegas_dbapi.sql.statement import Statement
from tests.planned_types import comparison
from tests.planned_types.data import engine
from tests.planned_types.functions import check
from tests.planned_types.statements import Statements

ROOT = Path(__file__).parents[2]
#: The interpreter that has the engine of the newest services.
NEWEST = os.environ.get("MICROMEGAS_ENGINES", ".venv-54.1.0/bin/python").split(":")[-1]


def test_what_is_told_wrong_is_unsure() -> None:
    tally = comparison.run(seed=7, count=700)
    assert tally.missed == []
    assert tally.counts["sure"] > 250, tally
    assert tally.counts["differ"] > 3, tally


def test_a_rule_that_is_too_kind_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "doubt", lambda sql: None)
    assert comparison.run(seed=7, count=300, mixing=0.2).missed


def test_the_same_seed_makes_the_same_statements() -> None:
    made = [[Statements(f"{n}").statement() for n in range(20)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) == 20


def test_functions() -> None:
    found = check(most=6)
    assert [sql for one in found.values() for sql in one.wrong] == []
    assert sum(one.ran > 0 for one in found.values()) > 0.8 * len(found)


def test_the_types_of_rows_can_be_asked_for() -> None:
    """The query for the types of rows returns the types of the rows."""
    context, asked = engine(), 0
    for number in range(400):
        sql = Statements(f"9/{number}", mixing=0.2).statement()
        try:
            frame = context.sql(sql)
            batches = [batch.to_pyarrow() for batch in frame.execute_stream()]
        except Exception:  # a statement that does not run
            continue
        question = types_of_rows(Statement(sql), frame.schema().names)
        if not batches or question is None:
            continue
        [answer] = context.sql(question).to_pylist()  # one row
        told = [arrow_type(text, encoded=True) for text in answer.values()]
        came = batches[0].schema.types
        assert all(map(comparison.same, told, came)), f"{sql}: {told}, {came}"
        asked += 1
    assert asked > 100


@pytest.mark.engines
@pytest.mark.timeout(1200)
def test_on_the_engine_of_the_newest_services() -> None:
    run = subprocess.run(
        [ROOT / NEWEST, "-m", "tests.planned_types", "--statements", "50000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr[-2000:]


@pytest.mark.engines
@pytest.mark.timeout(600)
def test_functions_on_the_engine_of_the_newest_services() -> None:
    script = (
        "import dataclasses, json; from tests.planned_types.functions import check; "
        "print(json.dumps({n: dataclasses.asdict(f) for n, f in check().items()}))"
    )
    run = subprocess.run(
        [ROOT / NEWEST, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(run.stdout)
    assert {name: one["wrong"] for name, one in found.items() if one["wrong"]} == {}
    assert [name for name, one in found.items() if not one["ran"]] == []
