"""The lexer: tokens of a text, and agreement with the engine about where a literal ends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.sql.lexer import readings, tokens
from micromegas_dbapi.sql.parameters import bind
from micromegas_dbapi.sql.statement import Statement
from tests.sql.engine import FRAGMENTS, SQLISH, context


@settings(deadline=None)
@given(sql=SQLISH)
def test_tokens_cover_the_whole_text(sql: str) -> None:
    parts = list(tokens(sql))
    assert "".join(sql[part.start : part.end] for part in parts) == sql
    assert all(part.start < part.end for part in parts)
    assert all(before.end == after.start for before, after in pairwise(parts))
    assert all(part.end == len(sql) for part in parts if part.kind == "open")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("", []),
        ("SELECT 1", ["word:SELECT", "blank: ", "number:1"]),
        ("'a''b'", ["string:'a''b'"]),
        ("'a\\'b", ["string:'a\\'", "word:b"]),
        ("E'a\\'b'", ["string:E'a\\'b'"]),
        ("e'\\\\'b", ["string:e'\\\\'", "word:b"]),
        ("E'a''b'", ["string:E'a''b'"]),
        ("nameE'\\'", ["word:nameE", "string:'\\'"]),
        ("X'00'", ["word:X", "string:'00'"]),
        ('"a""b"', ['quoted:"a""b"']),
        ("`a``b`", ["quoted:`a``b`"]),
        ('"a\'b"', ['quoted:"a\'b"']),
        ("$$a'b$$", ["string:$$a'b$$"]),
        ("$t$ $$ $u$ $t$", ["string:$t$ $$ $u$ $t$"]),
        ("a$$b$$", ["word:a$$b$$"]),
        ("$1", ["other:$1"]),
        ("--a\nb", ["comment:--a", "blank:\n", "word:b"]),
        ("--a\rb", ["comment:--a\rb"]),
        ("/*!50 a */b", ["comment:/*!50", "blank: ", "word:a", "blank: ", "comment:*/", "word:b"]),
        ("/*!'a*/'", ["comment:/*!", "open:'a*/'"]),
        ("/*!/*!a*/ :b*/", ["comment:/*!", "comment:/*!a*/", "blank: ", "name::b", "comment:*/"]),
        ("a#/*b", ["word:a#", "open:/*b"]),
        ("#/*b", ["word:#/", "other:*", "word:b"]),
        ("#--b", ["other:#-", "other:-", "word:b"]),
        ("@?--b", ["other:@?", "comment:--b"]),
        ("a||/*b", ["word:a", "other:||/", "other:*", "word:b"]),
        ("R'''a'b'''", ["string:R'''a'b'''"]),
        ("q'[a'b]'", ["string:q'[a'b]'"]),
        ("$E'\\'", ["other:$E", "string:'\\'"]),
        ("\u24b6\u0345\u00a0b", ["word:\u24b6\u0345", "blank:\u00a0", "word:b"]),
        ("/*/**/*/b", ["comment:/*/**/*/", "word:b"]),
        ("/*--*/b", ["comment:/*--*/", "word:b"]),
        ("1.5e-3::int", ["number:1.5e-3", "cast:::", "word:int"]),
        (":a::b", ["name::a", "cast:::", "word:b"]),
        ("a:b", ["word:a", "other::", "word:b"]),
        ("??", ["mark:?", "mark:?"]),
        ("a@b#c$d", ["word:a@b#c$d"]),
        ("naïve_名前", ["word:naïve_名前"]),
        ("'a''b", ["open:'a''b"]),
        ("E'a\\'b", ["open:E'a\\'b"]),
        ('x"a', ["word:x", 'open:"a']),
        ("`a", ["open:`a"]),
        ("$t$ $u$", ["open:$t$ $u$"]),
        ("/*/**/", ["open:/*/**/"]),
    ],
)
def test_the_tokens_of_a_text(sql: str, expected: list[str]) -> None:
    assert [f"{part.kind}:{sql[part.start : part.end]}" for part in tokens(sql)] == expected


def test_long_texts_take_no_time() -> None:
    """No pattern backtracks over the rest of the text repeatedly."""
    pieces = ["'a''", "E'\\'", '"a""', "$a$ ", "$a$b", "/*", "/**/", "a ", "?,", "--\n", "1."]
    pieces += ["a", "N''", "x'\\", "q'(", "q'a", "R'''", "/*!", "/*!a*/", "#'", "@@", "$x$$", "/*/"]
    for piece in pieces:
        assert readings(piece * 20_000)


LITERALS = st.lists(st.sampled_from([f for f in FRAGMENTS if f != "\x00"]), max_size=6).map("".join)


def in_quotes(text: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to quote a text, each with its kind of token."""
    yield "'" + text.replace("'", "''") + "'", "string"
    yield "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'", "string"
    yield '1 AS "' + text.replace('"', '""') + '"', "quoted"
    yield "1 AS `" + text.replace("`", "``") + "`", "quoted"
    yield f"$tag${text}$tag$", "string"
    if "/*" not in text and "*/" not in text and not text.endswith("/"):
        yield f"1 /*{text}*/", "comment"
    if "\n" not in text:
        yield f"1 --{text}", "comment"


@settings(max_examples=60, deadline=None)
@given(text=LITERALS)
def test_engine_and_lexer_agree_where_a_text_ends(text: str) -> None:
    for written, kind in in_quotes(text):
        assert list(tokens(written))[-1].kind == kind
        sql = f"SELECT {written}\n, ? AS seen"
        if Statement(written).disputed:  # a dollar sign before $tag$
            with pytest.raises(mm.ProgrammingError, match="depends on the query engine"):
                bind(Statement(sql), (7,))
            continue
        assert context().sql(bind(Statement(sql), (7,)).text).to_pydict()["seen"] == [7]
