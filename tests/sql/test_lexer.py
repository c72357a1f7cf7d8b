"""What the engines take for code, text, comment and name; and that the lexer takes it for the same.

Every statement of the tables names columns a, b, c and so on, some of them in what may be a
comment, a text or a name. Which of these the result has, the engines tell.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from datafusion import SessionContext

import micromegas_dbapi as mm
from micromegas_dbapi.ranges.inference.lexical_subset import difference
from micromegas_dbapi.sql.lexer import Token, readings, tokens
from micromegas_dbapi.sql.parameters import bind
from micromegas_dbapi.sql.planned_types import doubt
from micromegas_dbapi.sql.refusal import refuse_changes
from micromegas_dbapi.sql.statement import Statement
from tests.engines.columns_engine import READ_ONLY
from tests.engines.pipe import PYTHONS, Pipe, RefusedError

#: The columns of a statement on DataFusion 43, 54 and 55; None if all of them reject it.
ALIKE: dict[str, str | None] = {
    # Line comments: only a line feed ends one.
    "SELECT 1 a --, 2 b\n, 3 c": "ac",
    "SELECT 1 a --, 2 b\r, 3 c": "a",
    "SELECT 1 a --\r\r, 3 c\n, 4 d": "ad",
    "SELECT 1 a --, 2 b\r\n, 3 c": "ac",
    "SELECT 1 a --, 2 b": "a",
    "SELECT 1 a --": "a",
    "SELECT 1 a --\x0b, 2 b\x0c, 3 c\x85, 4 d\u2028, 5 e\x00, 6 f": "a",
    "SELECT 1 a--1, 2 b": "a",
    "SELECT 1 a -- /*\n, 2 b -- */": "ab",
    "SELECT 1 a -- '\n, 2 b -- '": "ab",
    # Block comments.
    "SELECT 1 a /*, 2 b */, 3 c": "ac",
    "SELECT 1 a /* --, 2 b */, 3 c": "ac",
    "SELECT 1 a /* ', 2 b */, 3 c --'": "ac",
    "SELECT 1 a /* /* */, 2 b */, 3 c": "ac",
    "SELECT 1 a /**/, 2 b": "ab",
    "SELECT 1 a /***/, 2 b": "ab",
    "SELECT 1 a /*/, 2 b */, 3 c": "ac",
    "SELECT 1 a /*+, 2 b */, 3 c": "ac",
    "SELECT 1 a /* !, 2 b */, 3 c": "ac",
    "SELECT 1 a /*M!, 2 b */, 3 c": "ac",
    "SELECT 1 a /*M!100100, 2 b */, 3 c": "ac",
    "SELECT 1 a /*, 2 b": None,
    "SELECT 1 a */, 2 b": None,
    "SELECT 1 a # , 2 b": None,
    "SELECT 1 a // , 2 b\n": None,
    "SELECT 1 a /*!*/, 2 b": "ab",
    "SELECT 1 a /*!50000*/, 2 b": "ab",
    "SELECT 1 a /*! -- */, 2 b": "ab",
    "SELECT 1 a /*! /* , 2 b */ */, 3 c": "ac",
    "SELECT 1 a /* /*!, 2 b */ */, 3 c": "ac",
    # Not comments, because the character before them takes a part of them.
    'SELECT #/*x a FROM (SELECT 5 AS "#/", 2 AS x) --*/': "a",
    "SELECT 1 a |/* */, 2 b": None,
    "SELECT 1 a ||/* */, 2 b": None,
    "SELECT 1 #--1\n": None,
    # Strings.
    "SELECT 'x'', 2 b' a": "a",
    "SELECT '\\' a, 2 b --'": "ab",
    "SELECT E'\\', 2 b --' a": "a",
    "SELECT e'\\\\' a, 2 b --'": "ab",
    "SELECT E'x'', 2 b' a": "a",
    "SELECT E'\\x41\\u0042\\103\\', 2 b --' a": "a",
    "SELECT E'\\u00' a": None,
    "SELECT nameE'\\' FROM (SELECT 1 AS \"namee\") --'": "",
    "SELECT 'x' 'a'": "a",
    "SELECT 'x'\n'a'": "a",
    "SELECT X'00' a": "a",
    "SELECT X'\\', 2 b --' a": None,
    "SELECT B'01' a": None,
    'SELECT B"01" a': None,
    "SELECT R'x' a": None,
    "SELECT R'''x'y''' a": None,
    "SELECT N'x' a": None,
    "SELECT U&'\\0061' a": None,
    "SELECT $$, 2 b$$ a": "a",
    "SELECT $$ $x$, 2 b $y$ ' $$ a": "a",
    "SELECT $$$, 2 b$$ a": "a",
    "SELECT $t$ $$, 2 b $u$ ' $t$ a": "a",
    "SELECT $1$, 2 b$1$ a": "a",
    "SELECT $\u24b6$, 2 b$\u24b6$ a": "a",
    "SELECT $\u00e9$, 2 b$\u00e9$ a": "a",
    "SELECT 1 x$$, 2 b --$$": "b",
    "SELECT 'x' a, 'y": None,
    "SELECT $t$ a": None,
    # Names.
    'SELECT 1 "a", 2 "x"", 3 c"': "a",
    "SELECT 1 `a`, 2 `x``, 3 c`": "a",
    'SELECT 1 "a", 2 "\\", 3 c --"': "ac",
    "SELECT 1 [a], 2 b": None,
    "SELECT 1 \u00e9, 2 \u00c9, 3 a": "a",
    "SELECT 1 a\u0345, 2 b": "b",
    "SELECT 1 \u0917\u093e\u092f, 2 b": "b",
    "SELECT 1 a\u00b2, 2 b": None,
    "SELECT 1 a\u0663, 2 b": None,
    "SELECT 1 #a, 2 b": "b",
    "SELECT 1 @a, 2 b": "b",
    "SELECT 1 x#y$z@1, 2 b": "b",
    "SELECT 1 #', 2 b --'": "b",
    'SELECT 1 #", 2 b --"': "b",
    "SELECT 1 #`, 2 b --`": "b",
    "SELECT 1 ##', 2 b --'": None,
    "SELECT 1 @@', 2 b --'": "b",
    "SELECT 1 @\n, 2 b": "b",
    "SELECT 1 #\\, 2 b": "b",
    "SELECT 1 @;, 2 b": "b",
    # Numbers, and the characters that end them.
    "SELECT 1. a": "a",
    "SELECT .5 a": "a",
    "SELECT 1e5 a": "a",
    "SELECT 1.e2a": "a",
    "SELECT 1a": "a",
    "SELECT 1e": "e",
    "SELECT 0x1F a": "a",
    "SELECT 1L a": "a",
    "SELECT 1_000, 2 b": "b",
    "SELECT 1E'a'": None,
    # Operators and placeholders.
    "SELECT '1'::int a": "a",
    "SELECT {x: 1} a": "a",
    "SELECT 1 - -1 a, 2->3 b": None,
    "SELECT 1 a, 1 ->> 2 b": None,
    # Whitespace.
    "SELECT\u00a01\u3000a": "a",
    "SELECT\x0c1\x0ba": "a",
    "SELECT\x851\u2028a": "a",
    "SELECT\u200b1 a": None,
    "\ufeffSELECT 1 a": None,
    "SELECT\u180e1 a": None,
    "SELECT\x001 a": None,
    "SELECT\x1c1 a": None,
    # Templates.
    "SELECT 1 a {# , 2 b #}": None,
    "SELECT {{ x }} a": None,
    "SELECT 1 a {% if x %}, 2 b{% endif %}": None,
}

RUN = "a comment that some engines run, /*! .. */"
NESTED = "a comment inside a comment, which some engines end elsewhere"
DOLLAR = "a dollar-quoted string with a dollar sign in it"
PREFIX_N, PREFIX_Q = "a string with the prefix N and a backslash", "a string with the prefix Q"
BEHIND_AT = "a quote behind @"
#: A statement, its columns on DataFusion 43, those on 54 and 55, and the disputed piece.
DIFFERENT: list[tuple[str, str | None, str | None, str]] = [
    ("SELECT 1 a /*!, 2 b */, 3 c", "ac", "abc", RUN),
    ("SELECT 1 a /*!50000, 2 b */, 3 c", "ac", "abc", RUN),
    ("SELECT 1 a /*!5, 2 b*/, 3 c", "ac", "abc", RUN),
    ("SELECT 1 a /*!500001234, 2 b*/, 3 c", "ac", "abc", RUN),
    ("SELECT 1 a /*!50000 , 2 b -- */, 3 c", "ac", "abc", RUN),
    ("SELECT 1 a /*!, 2 b --\n, 4 d*/, 3 c", "ac", "abdc", RUN),
    ("SELECT 1 a /*!, 2 b /*, 4 d*/ */, 3 c", "ac", "abc", RUN),
    ("SELECT 1 a /*!, 2 b /*!, 4 d*/ */, 3 c", "ac", "abc", RUN),
    ("SELECT 1 a /*!, ' /* */ x' b */, 3 c", "ac", "abc", RUN),
    ("SELECT 1 a /*!, $x$ 'y $x$ b */, 3 c", "ac", "abc", RUN),
    ("SELECT 1 a /*! 5*/, 3 c", "ac", None, RUN),
    ("SELECT 1 a /*!1.5*/, 3 c", "ac", None, RUN),
    ("SELECT 1 a /*!!*/, 3 c", "ac", None, RUN),
    ("SELECT 1 a /*! ' */, 3 c", "ac", None, RUN),
    ("SELECT 1 a /*!, '*/, 3 c --'", "ac", None, RUN),
    ("SELECT 1 /*! a */, 3 c", "c", "ac", RUN),
    ("SELECT 1 /*!1 AS*/ a, 3 c", "ac", "ac", RUN),
    ("SELECT 1 a/*! */ /* /*/ */, 3 c --*/", "ac", "a", RUN),
    ("SELECT 1 a /*/**/*/, 2 b", None, "ab", NESTED),
    ("SELECT 1 a /*/**/*/, 2 b /* /**/*/", None, "ab", NESTED),
    ("SELECT 1 a /* /*/ */, 2 b --*/", "ab", "a", NESTED),
    ("SELECT 1 a /* /*/ */ */, 3 c --*/", None, "ac", NESTED),
    ("SELECT $x$ $$x$, 2 b --$x$ a", "a", "b", DOLLAR),
    ("SELECT $xy$ $x$xy$, 2 b --$xy$ a", "a", "b", DOLLAR),
    ("SELECT $x$$$x$ a", None, "a", DOLLAR),
    ("SELECT N'\\', 2 b --'", None, None, PREFIX_N),
    ("SELECT q'x, 2 b --x' FROM (SELECT 1 q)", "", None, PREFIX_Q),
    ("SELECT q'(', 2 b --)'\nFROM (SELECT 1 q)", "b", None, PREFIX_Q),
    ("SELECT nq'[it's]' a", None, None, PREFIX_Q),
    ("SELECT 1 @', 2 b --'", "b", None, BEHIND_AT),
    ('SELECT 1 @", 2 b --"', "b", None, BEHIND_AT),
    # Upper case in Unicode, and in ASCII only.
    ("\u017fELECT 1 a", "a", None, "\u017fELECT, which is SELECT to some engines"),
    ("SELECT 1 \u0131nto FROM (SELECT 1)", None, "", "\u0131nto, which is INTO to some engines"),
]
# Changes that only DataFusion 43 would run.
CHANGES_OF_OLDER = [
    ("SELECT 1 a /* /*/ */ INTO x --*/", "INTO"),
    ("SELECT 1 @' INTO x --'", "INTO"),
    ("SELECT 1 \u0131NTO x", "INTO"),
    ("\ufb06ART TRANSACTION", "START"),
    ("\u017fET datafusion.execution.batch_size = 1", "SET"),
    ("EXPLAIN /*! SELECT 1; */ DROP TABLE x", "DROP"),
    ("SELECT $x$ $$x$, 3 $x$ INTO x --$x$", "INTO"),
]


def letters(sql: str, parts: list[Token]) -> str:
    """Return the columns that are named in the code tokens of a reading."""
    code = [sql[p.start : p.end] for p in parts if p.kind in ("word", "quoted", "string")]
    names = [text[1:-1] if text[0] in "'\"`" else text for text in code]
    return "".join(name for name in names if name in tuple("abcdefgh"))


def named(columns: list[str]) -> str:
    return "".join(name for name in columns if name in tuple("abcdefgh"))


def embedded(sql: str) -> str | None:
    """Return the columns of a statement on the engine of this process; None if it is rejected."""
    try:
        return named(SessionContext().sql_with_options(sql, READ_ONLY).schema().names)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return None


def others(python: str) -> Iterator[Callable[[str], str | None]]:
    """Like `embedded`, with the engine of another interpreter."""
    pipe = Pipe(python, Path(__file__).parents[1] / "engines" / "columns_engine.py")

    def ask(sql: str) -> str | None:
        try:
            return named(pipe.ask(sql)["name"].to_pylist())
        except RefusedError:
            return None

    yield ask
    pipe.close()


@pytest.fixture(scope="module")
def older() -> Iterator[Callable[[str], str | None]]:
    yield from others(PYTHONS[0])


@pytest.fixture(scope="module")
def newer() -> Iterator[Callable[[str], str | None]]:
    yield from others(PYTHONS[1])


# ---- The tables, on the engines -----------------------------------------------------------------


@pytest.mark.parametrize("sql", ALIKE)
def test_what_all_engines_read_alike(sql: str) -> None:
    columns = ALIKE[sql]
    assert embedded(sql) == columns
    if columns is not None:
        assert [letters(sql, parts) for parts in readings(sql)][:1] == [columns]
        assert len({letters(sql, parts) for parts in readings(sql)}) == 1


@pytest.mark.parametrize(("sql", "old", "new", "what"), DIFFERENT)
def test_what_they_read_in_different_ways(
    sql: str, old: str | None, new: str | None, what: str
) -> None:
    assert embedded(sql) == new
    assert Statement(sql).disputed == what
    assert doubt(Statement(sql)) == what
    if new is not None:
        assert letters(sql, list(tokens(sql))) == new
        assert letters(sql, readings(sql)[0]) == new
    if old is not None:
        assert letters(sql, readings(sql)[-1]) == old


def test_nothing_that_is_disputed_gets_a_time_range() -> None:
    for sql in [*(row[0] for row in DIFFERENT), *statements(20, 2000)]:
        assert difference(Statement(sql)) or not Statement(sql).disputed, sql


@pytest.mark.engines
def test_the_tables_on_the_engines_of_services(
    older: Callable[[str], str | None], newer: Callable[[str], str | None]
) -> None:
    assert {sql: older(sql) for sql in ALIKE} == ALIKE
    assert {sql: newer(sql) for sql in ALIKE} == ALIKE
    assert [(sql, older(sql), newer(sql)) for sql, *_ in DIFFERENT] == [
        row[:3] for row in DIFFERENT
    ]


@pytest.mark.parametrize(("sql", "word"), CHANGES_OF_OLDER)
def test_changes_of_older_services(sql: str, word: str) -> None:
    with pytest.raises(mm.NotSupportedError, match=f"^{word} is rejected, and nothing was sent"):
        refuse_changes(Statement(sql))


@pytest.mark.engines
def test_they_are_changes_to_them() -> None:
    pipe = Pipe(PYTHONS[0], Path(__file__).parents[1] / "engines" / "columns_engine.py")
    for sql, _ in CHANGES_OF_OLDER:
        with pytest.raises(RefusedError, match=r"(DDL|Statement) not supported: "):
            pipe.ask(sql)
    pipe.close()


# ---- Random statements --------------------------------------------------------------------------

ENDS = [
    *("'", "'", '"', "`", "\\", "*/", "/*", "/*!", "--", "\n", "\n", "\r", "$x$", "$$", "$x", "x$"),
    *("$", "#", "@", "/", "*", "!", ", 2 b", ", 3 c", " ", "5", "E'", "N'", "q'[", "]'", "]", "|"),
    *("?", "-", "\u093f", "\u00c9", ";", "(", ")"),
]
# A statement is of these, each ``~`` some of the ends of things, and ``.`` a column's name.
PIECES = [
    *(", 2 .", ", 2 .", ", 3 #~", ", 3 @~", ", 3 @@~", ", '~' .", ", E'~' .", ", $x$~$x$ ."),
    *(", $$~$$ .", ", $xy$~$x$xy$ .", "/*~*/", "/*~/*~*/~*/", "/*/~*/", "--~\n", "--~\n"),
    *("/*!~*/", "/*!5~, 4 .~*/", "/*!, '~' .*/", "/*!, 4 . --~*/", "/*! /*~*/, 4 .*/", ', 5 "~"'),
    *(", 5 `~`", ", 6 \u00e9~", ", X'00' .", ", 5. .", ", 7 '~'", ", 8 .~", "~"),
]
LAST = ["", "\n, 9 g", "\n, 9 g --", "'\n, 8 h --'\n, 9 g", "*/, 9 g", "$x$", "*/ --*/"]


def statements(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)

    def piece() -> str:
        text = chance.choice(PIECES).replace(".", chance.choice("bcdefgh"))
        before, *rest = text.split("~")
        return before + "".join(
            "".join(chance.choices(ENDS, k=chance.randint(0, 3))) + part for part in rest
        )

    return [
        "SELECT 1 a" + "".join(piece() for _ in range(chance.randint(1, 5))) + chance.choice(LAST)
        for _ in range(count)
    ]


def compare(ask: Callable[[str], str | None], count: int, which: int) -> int:
    """Run random statements; return how many succeed, each with the columns of a reading."""
    answered = 0
    for sql in statements(19, count):
        if (columns := ask(sql)) is not None:
            answered += 1
            assert letters(sql, readings(sql)[which]) == columns, sql
    return answered


def test_random_statements() -> None:
    assert compare(embedded, 3000, 0) > 500


@pytest.mark.engines
def test_random_statements_on_the_engines_of_services(
    older: Callable[[str], str | None], newer: Callable[[str], str | None]
) -> None:
    assert compare(older, 10_000, -1) > 1500
    assert compare(newer, 10_000, 0) > 1500


@pytest.mark.engines
def test_whatever_they_answer_in_different_ways_is_disputed(
    older: Callable[[str], str | None], newer: Callable[[str], str | None]
) -> None:
    differing = 0
    for sql in statements(20, 10_000):
        old, new = older(sql), newer(sql)
        if old != new and old is not None and new is not None:
            differing += 1
            assert Statement(sql).disputed, sql
    assert differing > 100


# ---- Users of the lexer -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "parameters", "expected"),
    [
        # Both see the same placeholders.
        ("SELECT ? /*! + 1 */", (1,), "SELECT 1 /*! + 1 */"),
        ("SELECT ? /*!50000 , '?' */", (1,), "SELECT 1 /*!50000 , '?' */"),
        ("SELECT /*! /* ? */ */ ?", (1,), "SELECT /*! /* ? */ */ 1"),
        # A part of a name.
        ("SELECT 1 #?, ?", (2,), "SELECT 1 #?, 2"),
        ("SELECT 1 #'?, ? --'", (2, 3), "SELECT 1 #' 2, 3 --'"),
        ("SELECT 1 --\r?\n, ?", (2,), "SELECT 1 --\r?\n, 2"),
    ],
)
def test_what_is_bound(sql: str, parameters: tuple[int, ...], expected: str) -> None:
    assert bind(Statement(sql), parameters).text == expected


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT 1 /*! + ? */", RUN),
        ("SELECT ? /*!50000 + ? */", RUN),
        ("SELECT 1 /*! + :x */", RUN),
        ("SELECT 1 /* /*/ */ + ? --*/", NESTED),
        ("SELECT $x$ $$x$, ? --$x$", DOLLAR),
        ("SELECT N'\\', ? --'", PREFIX_N),
        ("SELECT q'(', ? --)'", PREFIX_Q),
        ("SELECT 1 @', ? --'", BEHIND_AT),
        # To one of them this has no end, unless a value contains it.
        ("SELECT $x$$$x$, ?", DOLLAR),
        ("SELECT 1 /*/**/*/, ?", NESTED),
        ("SELECT ? /*/**/*/", NESTED),
    ],
)
@pytest.mark.parametrize("parameters", [(), (1,), (1, 2), {}, {"x": 1}])
def test_placeholders_that_some_engines_see(sql: str, what: str, parameters: object) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        bind(Statement(sql), parameters)  # type: ignore[arg-type]
    said = f"the statement has {what}: which placeholders it has depends on the query engine"
    assert str(caught.value) == said
