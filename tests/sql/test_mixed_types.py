"""Statements whose branches evidently have different types, and the messages about them."""

from __future__ import annotations

import logging
import warnings

import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.sql.mixed_types import mixed
from micromegas_dbapi.sql.statement import Statement

#: The mixed types of each statement: the operation, the first value and the later one.
MIXED = {
    "SELECT CASE WHEN level = 4 THEN 1 ELSE 0.5 END FROM log_entries": [("CASE", "1", "0.5")],
    "select sum(case when level = 4 then 1 else 0.5 end) from log_entries": [("CASE", "1", "0.5")],
    "SELECT CASE WHEN true THEN 1 /*! ELSE 0.5 */ END": [("CASE", "1", "0.5")],
    "SELECT CASE WHEN true THEN 1 /* /*/ */ ELSE 0.5 END --*/ END": [("CASE", "1", "0.5")],
    "SELECT CASE level WHEN 4 THEN level WHEN 3 THEN msg END FROM log_entries": [
        ("CASE", "level", "msg")
    ],
    "SELECT CASE WHEN true THEN l.level ELSE l.time END FROM log_entries l": [
        ("CASE", "l . level", "l . time")
    ],
    "SELECT CASE WHEN true THEN 1 WHEN false THEN 'x' ELSE -2.5 END": [
        ("CASE", "1", "'x'"),
        ("CASE", "1", "- 2.5"),
    ],
    "SELECT CASE WHEN true THEN NULL ELSE level END, CASE WHEN true THEN true ELSE 'x' END": [
        ("CASE", "true", "'x'")
    ],
    "SELECT CASE WHEN true THEN CASE WHEN true THEN 1 ELSE 2.5 END ELSE 'x' END": [
        ("CASE", "1", "2.5")
    ],
    "SELECT CASE WHEN true THEN level ELSE 70000000000 END FROM log_entries": [
        ("CASE", "level", "70000000000")
    ],
    "SELECT CASE WHEN true THEN DATE '2026-01-01' ELSE time END FROM log_entries": [
        ("CASE", "DATE '2026-01-01'", "time")
    ],
    "SELECT level FROM log_entries UNION ALL SELECT 1.5": [("UNION", "level", "1.5")],
    "SELECT level FROM log_entries EXCEPT SELECT 1.5": [("EXCEPT", "level", "1.5")],
    "SELECT 'a', level AS x FROM log_entries INTERSECT SELECT 'b', 1.5 y": [
        ("INTERSECT", "level", "1.5")
    ],
    "(SELECT 1 AS a) UNION (SELECT 2.5 AS a)": [("UNION", "1", "2.5")],
    "(SELECT 1 AS a) UNION ALL (SELECT 2.5 AS a) ORDER BY a LIMIT 3": [("UNION", "1", "2.5")],
    "WITH u AS (SELECT 1 UNION ALL SELECT 2.5) SELECT * FROM u": [("UNION", "1", "2.5")],
    "SELECT level FROM log_entries WHERE level IN (SELECT 1 UNION SELECT 'x')": [
        ("UNION", "1", "'x'")
    ],
    'SELECT "level" FROM log_entries UNION SELECT (1.5)': [("UNION", '"level"', "(..)")],
}
EVEN = [
    "SELECT level FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN 1 ELSE 0 END FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN 0.5 ELSE 1 END FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN level ELSE 9 END FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN 70000000000 ELSE 1 END FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN CAST(1 AS DOUBLE) ELSE 0.5 END FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN 'x' ELSE level END FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN msg ELSE target END FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN NULL ELSE level END FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN 1 END FROM log_entries",
    "SELECT CASE WHEN level = 4 THEN value ELSE 0 END FROM measures",
    "SELECT CASE WHEN level > 1.5 THEN 1 ELSE 2 END FROM log_entries",
    "SELECT CASE WHEN true THEN 1 + 1 ELSE 0.5 END",  # expressions are not checked
    "SELECT CASE WHEN true THEN unknown ELSE 0.5 END",
    "SELECT * FROM log_entries UNION ALL SELECT 1.5",
    "SELECT level FROM log_entries UNION ALL SELECT 9",
    "SELECT level, 1 FROM log_entries UNION ALL SELECT 9",
    "SELECT 'CASE WHEN true THEN 1 ELSE 0.5 END UNION SELECT 1'",
    "SELECT 1 -- CASE WHEN true THEN 1 ELSE 0.5 END",
    "SELECT 1; SELECT CASE",
    "SELECT ) CASE WHEN ( THEN",
]


@pytest.mark.parametrize(("sql", "found"), MIXED.items())
def test_mixed(sql: str, found: list[tuple[str, str, str]]) -> None:
    told = mixed(Statement(sql))
    assert len(told) == len(found)
    for sentence, (where, first, behind) in zip(told, found, strict=True):
        assert f"{where} has {first}, a" in sentence
        assert f"and {behind}, a" in sentence


@pytest.mark.parametrize("sql", EVEN)
def test_even(sql: str) -> None:
    assert mixed(Statement(sql)) == []


SQL = "SELECT CASE WHEN level = 4 THEN 1 ELSE 0.5 END AS c FROM log_entries LIMIT 1"
WORDS = "a CASE has 1, an integer, first, and 0.5, a floating-point number, later"


def test_ignored_by_default_but_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with mm.connect("demo:") as connection, warnings.catch_warnings():
        warnings.simplefilter("error")
        connection.execute(SQL).fetchall()
        caplog.set_level(logging.DEBUG, "micromegas_dbapi")
        cursor = connection.execute(SQL)
    assert f"query {cursor.query_id}: {WORDS}" in caplog.text


@pytest.mark.parametrize("how", ["argument", "url", "sqlalchemy"])
def test_warn(how: str) -> None:
    if how == "sqlalchemy":
        import sqlalchemy as sa

        engine = sa.create_engine("micromegas+demo://?on_mixed_types=warn")
        with engine.connect() as lent, pytest.warns(mm.MixedTypesWarning, match=WORDS):
            lent.exec_driver_sql(SQL).all()
        engine.dispose()
        return
    options = {"on_mixed_types": "warn"} if how == "argument" else {}
    url = "demo:" if how == "argument" else "demo:?on_mixed_types=warn"
    with mm.connect(url, **options) as connection:  # type: ignore[arg-type]
        with pytest.warns(mm.MixedTypesWarning, match=WORDS) as caught:
            assert connection.execute(SQL).fetchall()
        assert caught[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            connection.execute(SQL.replace("THEN 1", "THEN CAST(1 AS DOUBLE)")).fetchall()


def test_error() -> None:
    with mm.connect("demo:", on_mixed_types="error") as connection:
        cursor = connection.cursor()
        with pytest.raises(mm.DataError, match=WORDS) as raised:
            cursor.execute(SQL)
    assert "CAST" in str(raised.value)
    assert (raised.value.sql, raised.value.query_id) == (SQL, cursor.query_id)


@pytest.mark.parametrize("given", ["no", True, 1])
def test_other_values_are_refused(given: object) -> None:
    with pytest.raises(mm.ProgrammingError, match="accepted: 'ignore', 'warn', 'error'"):
        mm.connect("demo:", on_mixed_types=given)  # type: ignore[arg-type]
    with pytest.raises(mm.ProgrammingError, match="accepted: ignore, warn, error"):
        mm.connect(f"demo:?on_mixed_types={given}")
