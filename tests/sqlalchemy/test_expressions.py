"""Random statements give the same with parameters and literals, with the reported types."""

from __future__ import annotations

from typing import Any

from tests.sqlalchemy.answers import told_otherwise
from tests.sqlalchemy.expressions import Statements, answer

SEEDS = range(150)


def test_bound_and_literal_values_mean_the_same(demo_lake: Any) -> None:
    answered = 0
    with demo_lake.connect() as connection:
        for seed in SEEDS:
            statement = Statements(seed).statement()
            bound = answer(connection, statement)
            assert answer(connection, statement, literal_binds=True) == bound, seed
            if isinstance(bound, list):
                assert told_otherwise(statement) == [], seed
                answered += 1
    assert answered > 0.95 * len(SEEDS)
