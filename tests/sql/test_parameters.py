"""Binding of parameters: which placeholders a statement has, and the text that is sent."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.sql.lexer import readings, tokens
from micromegas_dbapi.sql.parameters import bind
from micromegas_dbapi.sql.statement import Statement
from tests.sql.engine import SQLISH, context, planned

# A placeholder in each of these is a part of something else. `{}` stands for ? or :name.
SURROUNDINGS = [
    "'{}'",
    "'a''{}'",
    "'a\\{}'",
    "'\\'||'{}'",
    "E'a\\'{}'",
    "E'a''{}'",
    "E'\\\\'||'{}'",
    "e'\\'{}\\''",
    "$${}$$",
    "$$'{}'$$",
    "$t$ $$ {} $u$ $t$",
    "$1$ {} $1$",
    '1 AS "{}"',
    '1 AS "a""{}"',
    "1 AS `{}`",
    "1 AS `a``{}`",
    '1 AS "\'{}"',
    "1 -- {}",
    "1 -- '\r{}",
    "1 --{}\n",
    "1 /* {} */",
    "1 /* ' {} */",
    "1 /* /* */ {} */",
    "1 /* -- */ /* {} */",
    "1 /* \" /* ' */ ` {} */",
]


@pytest.mark.parametrize("surrounding", SURROUNDINGS)
@pytest.mark.parametrize(("placeholder", "parameters"), [("?", (7,)), (":n", {"n": 7})])
def test_no_placeholder_is_seen_inside(surrounding: str, placeholder: str, parameters: Any) -> None:
    """The same text stands before and behind the only placeholder, and the engine agrees."""
    inside = surrounding.replace("{}", placeholder)
    sql = f"SELECT {placeholder},\n{inside}\n"
    assert bind(Statement(sql), parameters).text == f"SELECT 7,\n{inside}\n"
    assert planned(bind(Statement(sql), parameters).text) == "query"
    with pytest.raises(mm.ProgrammingError):
        bind(Statement(f"SELECT {inside}\n"), parameters)
    sql = f"SELECT {inside}\n, {placeholder} AS seen"
    assert bind(Statement(sql), parameters).text == f"SELECT {inside}\n, 7 AS seen"
    assert context().sql(bind(Statement(sql), parameters).text).to_pydict()["seen"] == [7]


@pytest.mark.parametrize(
    ("sql", "parameters", "expected"),
    [
        # The text around it is unchanged.
        ("?", (1,), "1"),
        (" ?\t", (1,), " 1\t"),
        ("f(?,?)", (1, "a"), "f(1,'a')"),
        ("SELECT :a, :b_2, :a", {"a": 1, "b_2": 2}, "SELECT 1, 2, 1"),
        ("SELECT :é", {"é": 1}, "SELECT 1"),
        ("SELECT :A, :a", {"a": 1, "A": 2}, "SELECT 2, 1"),
        # A literal never runs into its neighbours.
        ("SELECT 1-?", (-1,), "SELECT 1- (-1)"),
        ("SELECT E?", ("\\'",), "SELECT E '\\'''"),
        ("SELECT X?", ("00",), "SELECT X '00'"),
        ("LIMIT?", (1,), "LIMIT 1"),
        ("SELECT'a'?", ("b",), "SELECT'a' 'b'"),
        ("SELECT ?'a'", ("b",), "SELECT 'b' 'a'"),
        ("SELECT ?FROM t", (1,), "SELECT 1 FROM t"),
        ("SELECT ?e5", (1,), "SELECT 1 e5"),
        ("SELECT 1?", (2,), "SELECT 1 2"),
        ("SELECT ??", (1, 2), "SELECT 1  2"),
        ("SELECT \u0917\u093e?\u093e", (1,), "SELECT \u0917\u093e 1 \u093e"),
        ("a[\u0917\u093e:x], :x", {"x": 1}, "a[\u0917\u093e:x], 1"),
        ("SELECT $?$", (1,), "SELECT $ 1 $"),
        ('SELECT ?"a"', (1,), 'SELECT 1 "a"'),
        ("SELECT ?--c", (1,), "SELECT 1 --c"),
        ("SELECT ?.x", (1,), "SELECT 1 .x"),
        # Casts, slices, struct literals.
        ("?::int", ("1",), "'1'::int"),
        (":a::int", {"a": 1}, "1::int"),
        ("'x'::date, ?", (1,), "'x'::date, 1"),
        ("a::int, :b", {"b": 1}, "a::int, 1"),
        ("a[1:2], ?", (1,), "a[1:2], 1"),
        ("a[1:x], :x", {"x": 1}, "a[1:x], 1"),
        ("a[?:?]", (1, 2), "a[1 : 2]"),
        ("a[:x]", {"x": 1}, "a[1]"),
        ("a[b:c], a['k']:c, f():c, \"q\":c, :c", {"c": 1}, "a[b:c], a['k']:c, f():c, \"q\":c, 1"),
        ("{'a':b, a:b, 'c': ?}", (1,), "{'a':b, a:b, 'c': 1}"),
        ("{'a':b}, :b", {"b": 1}, "{'a':b}, 1"),
        ("a$b, a@b, @b, #b, ?", (1,), "a$b, a@b, @b, #b, 1"),
        ("$1, ?", (1,), "$1, 1"),
        ("a:::b, :b", {"b": 1}, "a:::b, 1"),
        # IN, with exactly one pair of brackets.
        ("a IN ?", ([1, 2],), "a IN (1, 2)"),
        ("a IN (?)", ([1, 2],), "a IN (1, 2)"),
        ("a in /* ? */ ( -- ?\n ? )", ((1, 2),), "a in /* ? */ ( -- ?\n 1, 2 )"),
        ("a IN (:x)", {"x": {3}}, "a IN (3)"),
        ("a IN (?)", (3,), "a IN (3)"),
        ("a IN (?, ?)", (3, 4), "a IN (3, 4)"),
        ("a IN(?)AND b IN ?AND c", ([1], [2]), "a IN(1)AND b IN (2) AND c"),
        ("a IN (?)", (-3,), "a IN ((-3))"),
        ("a IN ?", ([],), "a IN (NULL) IS TRUE"),
        ("a IN(?)AND b", ([],), "a IN(NULL) IS TRUE AND b"),
        ("a not in ( ? /* ? */ )", ((),), "a not in ( NULL /* ? */ ) IS NOT FALSE"),
        ("a NOT IN ?AND b", (set(),), "a NOT IN (NULL) IS NOT FALSE AND b"),
        ("(a, b) = ?", ((1, 2),), "(a, b) = (1, 2)"),
        ("(a, b) = (?)", ((1, 2),), "(a, b) = ((1, 2))"),
        # Empty parameters.
        ("SELECT '?', 1", (), "SELECT '?', 1"),
        ("SELECT a:b, 1", {}, "SELECT a:b, 1"),
        ("SELECT ?", [1], "SELECT 1"),
    ],
)
def test_bound_text(sql: str, parameters: Any, expected: str) -> None:
    assert bind(Statement(sql), parameters).text == expected


@settings(deadline=None)
@given(sql=SQLISH)
def test_without_parameters_the_text_is_sent_byte_for_byte(sql: str) -> None:
    assert bind(Statement(sql)).text is sql


@settings(deadline=None)
@given(sql=SQLISH, value=st.sampled_from([1, -1, "a'b", "--", "", None, "\\", "$$"]))
def test_binding_changes_nothing_but_the_placeholders(sql: str, value: Any) -> None:
    """Whitespace apart, each placeholder is replaced, and all other tokens stay."""
    parts = list(tokens(sql))
    marks = [part for part in parts if part.kind == "mark"]
    ends = [reading[-1].kind == "open" for reading in readings(sql) if reading]
    seen = [[p for p in reading if p.kind in ("mark", "name")] for reading in readings(sql)]
    if any(ends) or seen[0] != seen[-1]:
        said = "without an end" if any(ends[:1]) else "which placeholders it has depends on"
        with pytest.raises(mm.ProgrammingError, match=said):
            bind(Statement(sql), [value] * len(marks))
        return
    bound = bind(Statement(sql), [value] * len(marks)).text
    alone = bind(Statement("?"), [value]).text
    inserted = Counter([alone[p.start : p.end] for p in tokens(alone)] * len(marks))
    for reading, read in zip(readings(sql), readings(bound), strict=True):
        kept = Counter(sql[p.start : p.end] for p in reading if p.kind not in ("mark", "blank"))
        found = Counter(bound[p.start : p.end] for p in read if p.kind != "blank")
        assert found == kept + inserted


@pytest.mark.parametrize(
    ("sql", "parameters", "words"),
    [
        ("SELECT ?", (), "has 1 ? placeholder, but 0 parameters were given"),
        ("SELECT ?, ?", (1,), "has 2 ? placeholders, but 1 parameter was given"),
        ("SELECT '?'", (1,), "has 0 ? placeholders, but 1 parameter was given"),
        ("SELECT :a", (1,), "but 1 parameter was given; pass a mapping for :name placeholders"),
        ("SELECT ?", {"a": 1}, "has ? placeholders, but the parameters are a mapping"),
        ("SELECT ?, :a", {"a": 1}, "has ? placeholders, but the parameters are a mapping"),
        ("SELECT :a, :b, :c", {"b": 1}, "no value was given for :a, :c; given: b."),
        ("SELECT :a", {}, "no value was given for :a; given: none."),
        ("SELECT a[ :b]", {}, "If a colon does not begin a placeholder, put a space behind it"),
        ("SELECT :a", {"a": 1, "x": 2, "y": 3}, "no placeholder for x, y; it has: a"),
        ("SELECT 1", {"a": 1}, "no placeholder for a; it has: none"),
        ("SELECT ':a'", {"a": 1}, "no placeholder for a"),
        ("SELECT ?", "x", "parameters are of type str; accepted: a sequence for ? placeholders"),
        ("SELECT ?", b"x", "parameters are of type bytes"),
        ("SELECT ?", 5, "parameters are of type int"),
        ("SELECT ?", {1}, "parameters are of type set"),
        ("SELECT ?", iter([1]), "parameters are of type list_iterator"),
        ("SELECT ?, 'it''s", (1,), "has a string, identifier or comment without an end"),
        ("SELECT ?, 'it''s", (1,), "begins at character 11"),
        ("SELECT ?, E'it\\'s", (1,), "begins at character 11"),
        ('SELECT ? AS "x', (1,), "begins at character 13"),
        ("SELECT ? /* /* */", (1,), "begins at character 10"),
        ("SELECT $a$ ?", (1,), "begins at character 8"),
        ("SELECT ?, ?", (1, object()), "parameter 2 is of type object; accepted: None, bool"),
        ("SELECT :a", {"a": object()}, "parameter :a is of type object"),
        ("a = ?", ([],), "parameter 1 is an empty list, which has a meaning only directly behind"),
        ("a IN (?, ?)", (1, []), "parameter 2 is an empty list"),
        ("a IN (?, ?)", (1, [[2]]), "parameter 2 is a list of lists"),
    ],
)
def test_what_cannot_be_bound(sql: str, parameters: Any, words: str) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        bind(Statement(sql), parameters)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "parameters", "hint"),
    [
        ("SELECT a FROM t WHERE b = %s", (1,), "%s"),
        ("SELECT ?, %s", (1, 2), "%s"),
        ("SELECT %(n)s", {"n": 1}, "%(n)s"),
        # No hint for what only looks like one.
        ("SELECT '%s', \"%s\" -- %s", (1,), None),
        ("SELECT a %something", (1,), None),
        ("SELECT a % s", (1,), None),
    ],
)
def test_other_paramstyles_are_pointed_out(sql: str, parameters: Any, hint: str | None) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        bind(Statement(sql), parameters)
    if hint is None:
        assert "is not a placeholder" not in str(caught.value)
    else:
        said = f". {hint} is not a placeholder: the paramstyle is qmark (?) or named (:name)"
        assert str(caught.value).endswith(said)


def test_a_modulo_is_not_mistaken_for_a_placeholder() -> None:
    assert bind(Statement("SELECT a%s, ?"), (1,)).text == "SELECT a%s, 1"
