"""What can be the list of an IN condition, and what it means."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.sql.literals import literal
from micromegas_dbapi.sql.parameters import bind
from micromegas_dbapi.sql.statement import Statement
from tests.engines.pipe import PYTHONS, ROOT

NS = 1_700_000_000_123_456_789
AT = "TIMESTAMP '2023-11-14T22:13:20.123456789Z'"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (range(1, 4), "(1, 2, 3)"),
        ({1: "a"}.keys(), "(1)"),
        ({1: "a"}.values(), "('a')"),
        (np.array([1, -2], "i1"), "(1, (-2))"),
        (np.array(["a", "b"]), "('a', 'b')"),
        (np.array(["a", None], object), "('a', NULL)"),
        (np.array([NS], "M8[ns]"), f"({AT})"),
        (np.ma.masked_array([1, 2], [False, True]), "(1, NULL)"),
        (pa.array([1, None]), "(1, NULL)"),
        (pa.chunked_array([["a"], ["b"]]), "('a', 'b')"),
        (pa.array(["a", "b", None]).dictionary_encode(), "('a', 'b', NULL)"),
        (pa.array([NS], pa.timestamp("ns", "UTC")), f"({AT})"),
        (pa.array([5], pa.duration("ns")), "((INTERVAL '0 days 0 microseconds 5 nanoseconds'))"),
        (pa.array([date(2026, 1, 2)]), "(DATE '2026-01-02')"),
        (pa.array([Decimal("1.50")]), "(arrow_cast('1.50', 'Decimal128(3, 2)'))"),
        (pa.array([b"a"]), "(X'61')"),
        (pd.Series([1, 2]), "(1, 2)"),
        (pd.Series([1, None], dtype="Int64"), "(1, NULL)"),
        (pd.Series([1.5, float("nan")]), "(1.5, CAST('NaN' AS DOUBLE))"),
        (pd.Series(["a", None]), "('a', NULL)"),
        (pd.Series(["a", "b"], dtype="category"), "('a', 'b')"),
        (pd.Index(["a"]), "('a')"),
        (pd.to_datetime(pd.Series([NS])), f"({AT})"),
        (pd.array([True, None]), "(TRUE, NULL)"),
        (pl.Series([1, None]), "(1, NULL)"),
        ([pa.scalar(1), pd.NA, np.int8(3)], "(1, NULL, 3)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_text_of_a_list(value: Any, text: str) -> None:
    assert literal(value) == text
    assert bind(Statement("a IN ?"), (value,)).text == f"a IN {text}"
    assert bind(Statement("a IN (:x)"), {"x": value}).text == f"a IN {text}"


def test_the_text_of_a_pyarrow_scalar() -> None:
    for value in (1, "it's", None, True, 2.5, b"a", date(2026, 1, 2), datetime(2026, 1, 2)):
        assert literal(pa.scalar(value)) == literal(value)


def test_neither_pandas_nor_polars_is_imported() -> None:
    code = "import sys, micromegas_dbapi.sql.literals as l; print(l.literal(range(2)))\n"
    code += "assert not {'pandas', 'polars'} & set(sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("(0, 1)\n", "")


# -- the empty list --------------------------------------------------------------------------------

# Conditions, and what they are for each x: a value, and NULL.
EMPTY = {
    "x IN ?": False,
    "x IN (?)": False,
    "x NOT IN ?": True,
    "x NOT IN (?)": True,
    "NOT x IN ?": True,
    "NOT x NOT IN ?": False,
    "1 = 2 OR x IN ? OR 1 = 2": False,
    "1 = 1 AND x NOT IN ? AND 1 = 1": True,
    "CASE WHEN x IN ? THEN 1 ELSE 2 END = 2": True,
    "x IN ? = (1 = 2)": True,
    "x IN ? IS NULL": False,
}
TYPES = ["BIGINT", "DOUBLE", "VARCHAR", "BOOLEAN"]


def statements() -> Iterator[tuple[str, bool]]:
    for (condition, expected), kind in product(EMPTY.items(), TYPES):
        rows = f"(VALUES (CAST('1' AS {kind})), (CAST(NULL AS {kind}))) AS t (x)"
        empty = [()] * condition.count("?")
        for sql in (f"SELECT {condition} AS found FROM {rows}", _filtered(condition, rows)):
            yield bind(Statement(sql), empty).text, expected


def _filtered(condition: str, rows: str) -> str:
    """The same value for each row, but by a filter, which engines plan in another way."""
    return f"SELECT count(*) = 2 AS found FROM {rows} WHERE {condition}"


def test_an_empty_list_has_no_members() -> None:
    with mm.connect("demo:") as connection:
        for sql, expected in statements():
            assert set(connection.execute(sql).fetchall()) == {(expected,)}, sql


ENGINE = """
import json, sys, datafusion
context = datafusion.SessionContext()
for sql in json.load(sys.stdin):
    found = set()
    for batch in context.sql(sql).collect():
        found |= set(batch.column(0).to_pylist())
    print(json.dumps([sql, sorted(found)]))
"""


@pytest.mark.engines
@pytest.mark.parametrize("python", PYTHONS)
def test_an_empty_list_on_older_engines(python: str) -> None:
    expected = [[sql, [found]] for sql, found in statements()]
    run = subprocess.run(
        [ROOT / python, "-c", ENGINE],
        input=json.dumps([sql for sql, _ in expected]),
        capture_output=True,
        text=True,
    )
    assert [json.loads(line) for line in run.stdout.splitlines()] == expected, run.stderr
