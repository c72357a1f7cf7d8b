"""A statement's text is split into tokens once, and only if something needs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.ranges import inference
from micromegas_dbapi.sql import statement as module
from micromegas_dbapi.sql.lexer import readings
from micromegas_dbapi.sql.statement import Statement

# Each word and each option here makes something ask for the tokens: the word SET in a name what is
# refused, CASE and UNION what is mixed, the views what is inferred and what is unbounded.
DEMANDING = (
    "SELECT CASE WHEN level = {value} THEN 1 ELSE 2 END AS settled FROM log_entries WHERE msg <> "
    "'' UNION ALL SELECT 3 FROM measures LIMIT 1"
)
SIMPLE = "SELECT level FROM log_entries WHERE time >= '2026-11-01' LIMIT 1"


@pytest.fixture
def split(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are split."""
    texts: list[str] = []

    def recorded(sql: str) -> Any:
        texts.append(sql)
        return readings(sql)

    monkeypatch.setattr(module, "readings", recorded)
    inference._kept.cache_clear()
    return texts


@pytest.fixture(scope="module")
def connection() -> Iterator[mm.Connection]:
    with mm.connect("demo:", on_unbounded="warn", on_mixed_types="warn") as opened:
        yield opened


@pytest.mark.filterwarnings("ignore::micromegas_dbapi.UnboundedScanWarning")
def test_a_statement_is_split_once(connection: mm.Connection, split: list[str]) -> None:
    template, bound = DEMANDING.format(value="?"), DEMANDING.format(value="4")
    prepared = [(bound, None, [bound]), (template, (4,), [template, bound])]
    for sql, parameters, texts in prepared:
        split.clear()
        inference._kept.cache_clear()
        connection.execute(sql, parameters).fetchall()
        assert split == texts


def test_a_statement_whose_range_is_known_is_not_split(
    connection: mm.Connection, split: list[str]
) -> None:
    for texts in ([SIMPLE], []):
        split.clear()
        connection.execute(SIMPLE).fetchall()
        assert split == texts
    split.clear()
    connection.execute("SELECT level FROM log_entries LIMIT 1", begin="-1h").fetchall()
    assert split == []


def test_parameters_of_many_are_bound_to_one_statement(
    connection: mm.Connection, split: list[str]
) -> None:
    connection.cursor().executemany("SELECT ?", [(1,), (2,), (3,)], begin=mm.ALL_TIME)
    assert split == ["SELECT ?"]


def test_statements_are_equal_by_their_texts(split: list[str]) -> None:
    one, other = Statement("SELECT 1"), Statement("SELECT 1")
    assert one.tokens is one.tokens
    assert one == other
    assert len({one, other, Statement("SELECT 2")}) == 2
    assert split == ["SELECT 1"]


WRONG = {
    b"SELECT 1": "the statement is of type bytes; accepted: str",
    None: "the statement is of type NoneType; accepted: str",
    "SELECT '\ud800'": "the statement has a lone surrogate at character 9",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_texts(text: Any) -> None:
    with pytest.raises(mm.ProgrammingError, match=WRONG[text]):
        Statement(text)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("", []),
        (" -- only a comment", []),
        ("SELECT 1/*x*/;", ["SELECT", "1", ";"]),
        ("/*! SELECT */ 'a -- b'", ["SELECT", "'a -- b'"]),
    ],
)
def test_code(sql: str, code: list[str]) -> None:
    statement = Statement(sql)
    assert [statement.text_of(token) for token in statement.code] == code
    assert "".join(map(statement.text_of, statement.tokens)) == sql
