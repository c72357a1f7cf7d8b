"""A statement that sqlglot reads and writes keeps its meaning, and the range that it gets.

In the suite with the sqlglot that is installed; `pytest -m sqlglot` with the versions in
environments of their own, see CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot.optimizer.pushdown_predicates import pushdown_predicates

import micromegas_dbapi as mm
import sqlalchemy_micromegas
from tests.ranges.inference.ranges import found
from tests.ranges.inference.test_bi import GRAFANA, METABASE, SUPERSET
from tests.sqlalchemy import sqlglot_rewriting

FOLDER = Path(__file__).parent
DIALECT = Path(sqlalchemy_micromegas.__file__).parent / "sqlglot_dialect.py"
ENVIRONMENTS = sorted(FOLDER.parents[1].glob(".venv-sqlglot-*/bin/python"))

#: Statements for the demo's lake, a blank line between two.
STATEMENTS = (FOLDER / "sqlglot_statements.sql").read_text("utf-8").strip().split("\n\n")
#: The ranges of BI tools' statements.
RANGES = {**SUPERSET, **METABASE, **GRAFANA}
#: What sqlglot cannot read before version 30, with its error's beginning.
ERRORS_BEFORE_30 = {
    "select sum(value) over (order by time groups between 1 preceding and 1 following) a from "
    "measures order by 1 limit 1": "ParseError: Expecting )",
}
ERRORS_BEFORE_28 = {
    **ERRORS_BEFORE_30,
    "select count(*) from log_entries where (level > 2) is unknown": "ParseError: Invalid",
    "select '2020-01-01'::timestamp + '1 day'::interval x": "SELECT\n  CAST('2020-01-01' AS",
}

# What is refused, with the error.
REFUSED = {
    "SELECT 1 FROM log_entries |> WHERE level > 2": "the pipe |> is not supported here; write a "
    "subquery",
    "SELECT 5 # 3": "Invalid expression",
}


@cache
def rewritten(python: Path | None, statements: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Return the version of sqlglot, and what it makes of each statement."""
    if python is None:
        from sqlalchemy_micromegas.sqlglot_dialect import Micromegas

        texts = [sqlglot_rewriting.rewritten(sql, Micromegas) for sql in statements]
        return sqlglot.__version__, dict(zip(statements, texts, strict=True))
    done = subprocess.run(
        [python, sqlglot_rewriting.__file__, DIALECT],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    return answer["version"], dict(zip(statements, answer["statements"], strict=True))


def exceptions(version: str) -> dict[str, str]:
    major = int(version.split(".")[0])
    return ERRORS_BEFORE_28 if major < 28 else ERRORS_BEFORE_30 if major < 30 else {}


@pytest.fixture(scope="module")
def demo() -> Iterator[mm.Connection]:
    with mm.connect("demo:") as connection:
        yield connection


@pytest.fixture(scope="module")
def names(demo: mm.Connection) -> dict[str, str]:
    of_stream = "SELECT stream_id, process_id FROM streams WHERE array_has(tags, 'cpu') ORDER BY 1"
    row = demo.execute(of_stream).fetchone()
    assert row is not None
    return {"{stream}": row[0], "{process}": row[1]}


def answer(demo: mm.Connection, sql: str, names: dict[str, str]) -> Any:
    """Return names, types and values of a result."""
    for place, name in names.items():
        sql = sql.replace(place, name)
    table = demo.execute(sql).fetch_arrow_table()
    return table.schema.names, [str(field.type) for field in table.schema], table.to_pylist()


def check_meaning(python: Path | None, sql: str, demo: mm.Connection, names: Any) -> None:
    version, texts = rewritten(python, tuple(STATEMENTS))
    if sql in (known := exceptions(version)):
        assert texts[sql].startswith(known[sql])
    else:
        assert answer(demo, texts[sql], names) == answer(demo, sql, names), texts[sql]


def check_range(python: Path | None, sql: str) -> None:
    _, texts = rewritten(python, tuple(RANGES))
    result = found(texts[sql])
    assert (result if isinstance(result, tuple) else None) == RANGES[sql], texts[sql]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_statements_keep_their_meaning(sql: str, demo: mm.Connection, names: Any) -> None:
    check_meaning(None, sql, demo, names)


@pytest.mark.parametrize("sql", RANGES)
def test_statements_keep_their_range(sql: str) -> None:
    check_range(None, sql)


@pytest.mark.sqlglot
def test_there_are_environments() -> None:
    versions = [rewritten(python, ())[0] for python in ENVIRONMENTS]
    print("sqlglot", *versions)
    assert {version.split(".")[0] for version in versions} == {"26", "28", "30"}


@pytest.mark.sqlglot
@pytest.mark.parametrize("python", ENVIRONMENTS, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize("sql", STATEMENTS)
def test_other_versions(python: Path, sql: str, demo: mm.Connection, names: Any) -> None:
    check_meaning(python, sql, demo, names)


@pytest.mark.sqlglot
@pytest.mark.parametrize("python", ENVIRONMENTS, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize("sql", RANGES)
def test_ranges_of_other_versions(python: Path, sql: str) -> None:
    check_range(python, sql)


@pytest.mark.parametrize("sql", REFUSED)
def test_refused(sql: str) -> None:
    with pytest.raises(sqlglot.ParseError, match=REFUSED[sql].replace("|", r"\|")):
        sqlglot.parse_one(sql, dialect="micromegas")


def test_sqlglot_knows_the_name() -> None:
    """By an entry point, without an import of this project."""
    code = "import sqlglot; print(sqlglot.transpile('SELECT 1', read='duckdb', write='micromegas'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "['SELECT 1']\n", done.stderr


def test_nothing_is_changed_without_need() -> None:
    sql = "SELECT date_trunc('hour', time) FROM log_entries WHERE msg ~ 'x' ORDER BY 1 NULLS FIRST"
    assert sqlglot.transpile(sql, read="micromegas", write="micromegas") == [sql]


def test_conditions_on_aggregates_stay_outside() -> None:
    """Superset's OPTIMIZE_SQL moves conditions into subqueries."""
    sql = "SELECT * FROM (SELECT level, SUM(x) AS n FROM t GROUP BY level) AS q WHERE n > 5"
    moved = pushdown_predicates(sqlglot.parse_one(sql, dialect="micromegas"), dialect="micromegas")
    text = moved.sql("micromegas")
    assert "WHERE sum(x) > 5" not in text
    assert "HAVING sum(x) > 5" in text or "WHERE n > 5" in text
