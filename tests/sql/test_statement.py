"""The lexer, the binding of parameters, and the refusal of what would change something.

What a text means is decided by the real engine wherever it can be asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from datafusion import SessionConfig, SessionContext, SQLOptions
from hypothesis import example, given, settings
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.sql.lexer import disputed, readings, tokens
from micromegas_dbapi.sql.statement import bind, refuse_changes

READ_ONLY = SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
CHANGES = ("DDL not supported", "DML not supported", "Statement not supported")
TABLES = ("t", "copy", "insert", "set", "update", "drop", "into")


def context() -> SessionContext:
    """An engine with a few tables, most of them with an ill-chosen name."""
    made = SessionContext(SessionConfig({"datafusion.catalog.information_schema": "true"}))
    rows = pa.table({"a": [1, 2], "b": ["x", "y"], "set": [1, 2], "insert": [3, 4]})
    for name in TABLES:
        made.register_record_batches(name, [rows.to_batches()])
    return made


def planned(sql: str) -> str:
    """What the engine takes a statement for: ``query``, ``change``, or its error."""
    try:
        context().sql_with_options(sql, READ_ONLY)
    except Exception as error:
        return "change" if any(sign in str(error) for sign in CHANGES) else f"error: {error}"
    except BaseException as panic:
        if type(panic).__name__ != "PanicException":
            raise
        return f"error: {panic}"
    return "query"


def refused(sql: str) -> str | None:
    """The word that a statement is refused for."""
    try:
        refuse_changes(sql)
    except mm.NotSupportedError as error:
        return str(error).partition(" is refused")[0]
    return None


# Pieces that have a meaning to the lexer, or to the engine's, in any order.
FRAGMENTS = [
    *("'", "''", '"', '""', "`", "``", "\\", "\\'", "E'", "e'", "X'", "N'", "nameE'", "1E'"),
    *("$", "$$", "$a$", "$b$", "$1", "a$", "--", "- -", "/*", "*/", "/", "*", "\n", "\r", " "),
    *(":", "::", ":a", ":é", ": a", "?", "??", "(", ")", "[", "]", "{", "}", ",", ";", ".", "@"),
    *("#", "@a", "#a", "a", "é", "_", "1", "1.5", "1e", "1e5", "IN", "SELECT", "\x00", "\u3000"),
    *("/*!", "/*/", "q'[", "]'", "$a$$"),
]
SQLISH = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join) | st.text(max_size=60)


# ---- Tokens -------------------------------------------------------------------------------------


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
    """Nothing backtracks over the rest of the text again and again."""
    pieces = ["'a''", "E'\\'", '"a""', "$a$ ", "$a$b", "/*", "/**/", "a ", "?,", "--\n", "1."]
    pieces += ["a", "N''", "x'\\", "q'(", "q'a", "R'''", "/*!", "/*!a*/", "#'", "@@", "$x$$", "/*/"]
    for piece in pieces:
        assert readings(piece * 20_000)


# ---- Binding ------------------------------------------------------------------------------------

# A marker in each of these is a part of something else. `{}` stands for ? or :name.
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
@pytest.mark.parametrize(("marker", "parameters"), [("?", (7,)), (":n", {"n": 7})])
def test_no_marker_is_seen_inside(surrounding: str, marker: str, parameters: Any) -> None:
    """The same text stands before and behind the only marker that is one, and the engine agrees."""
    inside = surrounding.replace("{}", marker)
    sql = f"SELECT {marker},\n{inside}\n"
    assert bind(sql, parameters) == f"SELECT 7,\n{inside}\n"
    assert planned(bind(sql, parameters)) == "query"
    with pytest.raises(mm.ProgrammingError):
        bind(f"SELECT {inside}\n", parameters)
    sql = f"SELECT {inside}\n, {marker} AS seen"
    assert bind(sql, parameters) == f"SELECT {inside}\n, 7 AS seen"
    assert context().sql(bind(sql, parameters)).to_pydict()["seen"] == [7]


@pytest.mark.parametrize(
    ("sql", "parameters", "expected"),
    [
        # Nothing around it is touched.
        ("?", (1,), "1"),
        (" ?\t", (1,), " 1\t"),
        ("f(?,?)", (1, "a"), "f(1,'a')"),
        ("SELECT :a, :b_2, :a", {"a": 1, "b_2": 2}, "SELECT 1, 2, 1"),
        ("SELECT :é", {"é": 1}, "SELECT 1"),
        ("SELECT :A, :a", {"a": 1, "A": 2}, "SELECT 2, 1"),
        # A literal never runs into what stands beside it.
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
        # IN, with the brackets that the engine wants, once.
        ("a IN ?", ([1, 2],), "a IN (1, 2)"),
        ("a IN (?)", ([1, 2],), "a IN (1, 2)"),
        ("a in /* ? */ ( -- ?\n ? )", ((1, 2),), "a in /* ? */ ( -- ?\n 1, 2 )"),
        ("a IN (:x)", {"x": {3}}, "a IN (3)"),
        ("a IN (?)", (3,), "a IN (3)"),
        ("a IN (?, ?)", (3, 4), "a IN (3, 4)"),
        ("a IN(?)AND b IN ?AND c", ([1], [2]), "a IN(1)AND b IN (2) AND c"),
        ("(a, b) = ?", ((1, 2),), "(a, b) = (1, 2)"),
        ("(a, b) = (?)", ((1, 2),), "(a, b) = ((1, 2))"),
        # No parameters at all, given as such.
        ("SELECT '?', 1", (), "SELECT '?', 1"),
        ("SELECT a:b, 1", {}, "SELECT a:b, 1"),
        ("SELECT ?", [1], "SELECT 1"),
    ],
)
def test_bound_text(sql: str, parameters: Any, expected: str) -> None:
    assert bind(sql, parameters) == expected


@settings(deadline=None)
@given(sql=SQLISH)
def test_without_parameters_the_text_is_sent_byte_for_byte(sql: str) -> None:
    assert bind(sql) is sql


@settings(deadline=None)
@given(sql=SQLISH, value=st.sampled_from([1, -1, "a'b", "--", "", None, "\\", "$$"]))
def test_binding_changes_nothing_but_the_markers(sql: str, value: Any) -> None:
    """Blanks apart, what is sent is the text with each marker replaced; and all lex as before."""
    parts = list(tokens(sql))
    marks = [part for part in parts if part.kind == "mark"]
    ends = [reading[-1].kind == "open" for reading in readings(sql) if reading]
    seen = [[p for p in reading if p.kind in ("mark", "name")] for reading in readings(sql)]
    if any(ends) or seen[0] != seen[-1]:
        said = "never ends" if any(ends[:1]) else "which markers it has depends on the engine"
        with pytest.raises(mm.ProgrammingError, match=said):
            bind(sql, [value] * len(marks))
        return
    bound = bind(sql, [value] * len(marks))
    alone = bind("?", [value])
    inserted = Counter([alone[p.start : p.end] for p in tokens(alone)] * len(marks))
    for reading, read in zip(readings(sql), readings(bound), strict=True):
        kept = Counter(sql[p.start : p.end] for p in reading if p.kind not in ("mark", "blank"))
        found = Counter(bound[p.start : p.end] for p in read if p.kind != "blank")
        assert found == kept + inserted


@pytest.mark.parametrize(
    ("sql", "parameters", "words"),
    [
        ("SELECT ?", (), "has 1 ? markers but 0 parameters were given"),
        ("SELECT ?, ?", (1,), "has 2 ? markers but 1 parameters were given"),
        ("SELECT '?'", (1,), "has 0 ? markers but 1 parameters were given"),
        ("SELECT :a", (1,), "0 ? markers but 1 parameters were given; for :name markers give a m"),
        ("SELECT ?", {"a": 1}, "has ? markers but the parameters are a mapping"),
        ("SELECT ?, :a", {"a": 1}, "has ? markers but the parameters are a mapping"),
        ("SELECT :a, :b, :c", {"b": 1}, "no value was given for :a, :c; given: b."),
        ("SELECT :a", {}, "no value was given for :a; given: none."),
        ("SELECT a[ :b]", {}, "needs a blank behind it"),
        ("SELECT :a", {"a": 1, "x": 2, "y": 3}, "no marker for x, y; it has: a"),
        ("SELECT 1", {"a": 1}, "no marker for a; it has: none"),
        ("SELECT ':a'", {"a": 1}, "no marker for a"),
        ("SELECT ?", "x", "parameters are of type str; accepted: a sequence for ? markers"),
        ("SELECT ?", b"x", "parameters are of type bytes"),
        ("SELECT ?", 5, "parameters are of type int"),
        ("SELECT ?", {1}, "parameters are of type set"),
        ("SELECT ?", iter([1]), "parameters are of type list_iterator"),
        ("SELECT ?, 'it''s", (1,), "string, identifier or comment that never ends, from charact"),
        ("SELECT ?, 'it''s", (1,), "from character 11 on"),
        ("SELECT ?, E'it\\'s", (1,), "from character 11 on"),
        ('SELECT ? AS "x', (1,), "from character 13 on"),
        ("SELECT ? /* /* */", (1,), "from character 10 on"),
        ("SELECT $a$ ?", (1,), "from character 8 on"),
        ("SELECT ?, ?", (1, object()), "parameter 2 is of type object; accepted: None, bool"),
        ("SELECT :a", {"a": object()}, "parameter :a is of type object"),
        ("a IN ?", ([],), "parameter 1 is an empty list"),
        ("a IN (?, ?)", (1, [[2]]), "parameter 2 is a list of lists"),
    ],
)
def test_what_cannot_be_bound(sql: str, parameters: Any, words: str) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        bind(sql, parameters)
    assert words in str(caught.value)


# ---- Changes ------------------------------------------------------------------------------------

# The engine plans each of these as DDL, DML or a statement.
REFUSED = [
    ("CREATE TABLE x (a INT)", "CREATE"),
    ("CREATE TABLE x AS SELECT 1", "CREATE"),
    ("CREATE OR REPLACE VIEW v AS SELECT 1", "CREATE"),
    ("CREATE EXTERNAL TABLE v STORED AS CSV LOCATION '/etc/passwd'", "CREATE"),
    ("CREATE UNBOUNDED EXTERNAL TABLE v STORED AS CSV LOCATION 'x'", "CREATE"),
    ("CREATE FUNCTION f(DOUBLE) RETURNS DOUBLE RETURN $1", "CREATE"),
    ("CREATE SCHEMA s", "CREATE"),
    ("CREATE DATABASE s", "CREATE"),
    ("CREATE INDEX i ON t(a)", "CREATE"),
    ("DROP TABLE t", "DROP"),
    ("DROP VIEW IF EXISTS v", "DROP"),
    ("DROP FUNCTION f", "DROP"),
    ("DROP SCHEMA s", "DROP"),
    ("drop table t", "DROP"),
    ("DrOp\nTABLE t", "DROP"),
    ("INSERT INTO t VALUES (1, 'a', 1, 1)", "INSERT"),
    ("INSERT t VALUES (1, 'a', 1, 1)", "INSERT"),
    ("INSERT OVERWRITE t VALUES (1, 'a', 1, 1)", "INSERT"),
    ("INSERT INTO t SELECT * FROM t", "INSERT"),
    ("REPLACE INTO t VALUES (1, 'a', 1, 1)", "REPLACE"),
    ("UPDATE t SET a = 1", "UPDATE"),
    ("DELETE FROM t", "DELETE"),
    ("TRUNCATE TABLE t", "TRUNCATE"),
    ("TRUNCATE t", "TRUNCATE"),
    ("MERGE INTO t USING t AS u ON t.a = u.a WHEN MATCHED THEN DELETE", "MERGE"),
    ("COPY t TO 'x.csv'", "COPY"),
    ("COPY (SELECT 1) TO 'x.csv'", "COPY"),
    ("SET datafusion.execution.batch_size = 1", "SET"),
    ("SET x TO 1", "SET"),
    ("RESET datafusion.execution.batch_size", "RESET"),
    ("RESET ALL", "RESET"),
    ("START TRANSACTION", "START"),
    ("COMMIT", "COMMIT"),
    ("ROLLBACK", "ROLLBACK"),
    ("PREPARE p AS SELECT 1", "PREPARE"),
    ("EXECUTE p(1)", "EXECUTE"),
    ("DEALLOCATE p", "DEALLOCATE"),
    # Behind blanks, comments, empty statements.
    (" \t\r\nDROP TABLE t", "DROP"),
    ("\u3000\u00a0DROP TABLE t", "DROP"),
    (";DROP TABLE t", "DROP"),
    ("-- harmless\nDROP TABLE t", "DROP"),
    ("/* harmless /* ' */ */DROP/**/TABLE/**/t", "DROP"),
    ("DROP TABLE t;", "DROP"),
    ("DROP TABLE t -- SELECT 1", "DROP"),
    ("-- harmless\r\nDROP TABLE t", "DROP"),
    # In what the engine runs of comments, and behind what only looks like one.
    ("/*! DROP TABLE t */", "DROP"),
    ("/*!50000DROP TABLE t */", "DROP"),
    ("/*! CREATE EXTERNAL TABLE v STORED AS CSV LOCATION '/etc/passwd' */", "CREATE"),
    ("/*!50000 CREATE */ EXTERNAL TABLE v STORED AS CSV LOCATION '/etc/passwd'", "CREATE"),
    ("/* x */ /*! -- x\n CREATE TABLE x AS */ SELECT 1", "CREATE"),
    ("EXPLAIN /*! DROP TABLE t */", "DROP"),
    ("/*! EXPLAIN */ DROP TABLE t", "DROP"),
    ("EXPLAIN /*! ANALYZE */ COPY t TO 'x.csv'", "COPY"),
    ("SELECT 1 /*! INTO x */", "INTO"),
    ("SELECT 1 /*! INTO */ x", "INTO"),
    ("SELECT 1 #' INTO x --'", "INTO"),
    ("SELECT 1 @@' INTO x --'", "INTO"),
    ('SELECT #/*a INTO x FROM (SELECT 1 AS "#/", 2 AS a) --*/', "INTO"),
    ("SELECT $a$ x $$a$ INTO x --$a$", "INTO"),
    # Behind EXPLAIN; EXPLAIN ANALYZE would even run it.
    ("EXPLAIN DROP TABLE t", "DROP"),
    ("EXPLAIN /* x */ ANALYZE -- x\n COPY t TO 'x.csv'", "COPY"),
    ("EXPLAIN ANALYZE VERBOSE INSERT INTO t VALUES (1, 'a', 1, 1)", "INSERT"),
    ("EXPLAIN FORMAT INDENT INSERT INTO t VALUES (1, 'a', 1, 1)", "INSERT"),
    ("EXPLAIN FORMAT 'tree' INSERT INTO t VALUES (1, 'a', 1, 1)", "INSERT"),
    ("EXPLAIN (ANALYZE) DELETE FROM t", "DELETE"),
    ("EXPLAIN (ANALYZE true, VERBOSE false) DROP TABLE t", "DROP"),
    ("EXPLAIN (FORMAT TREE) SET x = 1", "SET"),
    ("EXPLAIN (ANALYZE) EXPLAIN ANALYZE DROP TABLE t", "DROP"),
    ("EXPLAIN COMMIT", "COMMIT"),
    ("EXPLAIN ANALYZE ROLLBACK", "ROLLBACK"),
    ("EXPLAIN (FORMAT TREE) ROLLBACK", "ROLLBACK"),
    # SELECT .. INTO makes a table.
    ("SELECT * INTO x FROM t", "INTO"),
    ("SELECT 1 INTO x", "INTO"),
    ("SELECT 1INTO x", "INTO"),
    ("SELECT 1.5INTO x", "INTO"),
    ("SELECT 'a'INTO'x'", "INTO"),
    ('SELECT a INTO "x" FROM t', "INTO"),
    ("SELECT a INTO @x FROM t", "INTO"),
    ("SELECT a INTO -- c\n x FROM t", "INTO"),
    ("SELECT a, INTO x FROM t", "INTO"),
    ("SELECT t.* INTO x FROM t", "INTO"),
    ("SELECT DISTINCT a INTO x FROM t", "INTO"),
    ("SELECT DISTINCT ON (a) a INTO x FROM t", "INTO"),
    ("SELECT count(*) INTO TEMPORARY x FROM t", "INTO"),
    ("SELECT [1]::ARRAY<INT> INTO x", "INTO"),
    ("SELECT a IS DISTINCT FROM a INTO x FROM t", "INTO"),
    ("SELECT 1 AS into INTO x", "INTO"),
    ("SELECT 1 AS as INTO x", "INTO"),
    ("SELECT 1 AS select INTO x", "INTO"),
    ("SELECT 1 distinct INTO x", "INTO"),
    ('SELECT as INTO x FROM (SELECT 1 AS "as")', "INTO"),
    ("FROM t SELECT a INTO x", "INTO"),
    ("SELECT * FROM (SELECT 1 INTO x) y", "INTO"),
    ("SELECT (SELECT 1 INTO x)", "INTO"),
    ("WITH y AS (SELECT 1 INTO x) SELECT * FROM y", "INTO"),
    ("EXPLAIN SELECT 1 INTO x", "INTO"),
]


@pytest.mark.parametrize(("sql", "word"), REFUSED)
def test_what_the_engine_would_plan_as_a_change_is_refused(sql: str, word: str) -> None:
    assert planned(sql) == "change"
    assert refused(sql) == word


# The engine does not run these either, for another reason: many at once, or none of its business.
# Some other engine of a service may.
REFUSED_TOO = [
    ("SELECT 1; DROP TABLE t", "DROP"),
    ("SELECT 1;\n/* x */ -- y\n SET a = 1;", "SET"),
    ("SELECT 1 /*!; DROP TABLE t */", "DROP"),
    ("SELECT 1 /*!;*/ DROP TABLE t", "DROP"),
    ("SELECT 1; -- x\r\nDROP TABLE t", "DROP"),
    ("BEGIN", "BEGIN"),
    ("END", "END"),
    ("SAVEPOINT s", "SAVEPOINT"),
    ("USE s", "USE"),
    ("CALL f()", "CALL"),
    ("GRANT SELECT ON t TO u", "GRANT"),
    ("REVOKE SELECT ON t FROM u", "REVOKE"),
    ("ALTER TABLE t ADD COLUMN x INT", "ALTER"),
    ("LOAD DATA INPATH 'x' INTO TABLE t", "LOAD"),
    ("UNLOAD ('SELECT 1') TO 'x'", "UNLOAD"),
    ("SET TIME ZONE 'UTC'", "SET"),
    ("COMMIT AND CHAIN; SELECT 1", "COMMIT"),
    ("DESCRIBE DROP TABLE t", "DROP"),
    ("EXPLAIN EXPLAIN DROP TABLE t", "DROP"),
    ("EXPLAIN (DELETE FROM t)", "DELETE"),
    ("(DELETE FROM t)", "DELETE"),
    ("((UPDATE t SET a = 1))", "UPDATE"),
    ("WITH x AS (SELECT 1) INSERT INTO t SELECT 1, 'a', 1, 1", "INSERT"),
    ("WITH x(a) AS (SELECT 1), y AS (SELECT 2) DELETE FROM t", "DELETE"),
    ("WITH x AS (DELETE FROM t) SELECT * FROM x", "DELETE"),
    ("WITH x AS (SELECT 1), y AS (UPDATE t SET a = 1) SELECT * FROM x", "UPDATE"),
    ("EXPLAIN WITH x AS (SELECT 1) MERGE INTO t USING t ON true", "MERGE"),
    ("SELECT 1 INTO ?", "INTO"),
    ("SELECT 1 INTO :name", "INTO"),
]


@pytest.mark.parametrize(("sql", "word"), REFUSED_TOO)
def test_what_only_another_engine_would_run_is_refused(sql: str, word: str) -> None:
    assert planned(sql).startswith("error: ")
    assert refused(sql) == word


ACCEPTED = [
    "SELECT 1",
    "(SELECT 1)",
    "VALUES (1)",
    "FROM t",
    "FROM t SELECT a",
    "SELECT 1;;",
    "; SELECT 1",
    "SHOW TABLES",
    "SHOW COLUMNS FROM insert",
    "SHOW CREATE TABLE insert",
    "SHOW ALL",
    # Columns, aliases and tables with such names.
    'SELECT "insert", "set" FROM t',
    "SELECT insert, set FROM t",
    "SELECT t.set, t.insert FROM t",
    "SELECT a AS set, b drop FROM t AS update",
    "SELECT (a) insert FROM t",
    "SELECT a FROM t ORDER BY set",
    "SELECT * FROM insert, set, update, drop, copy",
    "SELECT * FROM t WHERE a IN (SELECT set FROM update)",
    "WITH set AS (SELECT 1 n), drop AS (SELECT 2 n) SELECT * FROM set, drop",
    "WITH x AS (SELECT 1 n), insert AS (SELECT 2 n) SELECT * FROM insert",
    "WITH x(insert) AS (SELECT 1) SELECT insert FROM x",
    "WITH x AS (SELECT 1 n) SELECT (n) update, count(n) delete FROM x GROUP BY n",
    "WITH x AS (SELECT 1 n) SELECT n FROM x UNION (SELECT a FROM t) ORDER BY n",
    "SELECT replace('a', 'b', 'c')",
    "SELECT CASE WHEN true THEN 1 END",
    "SELECT begin FROM (SELECT 1 AS begin)",
    "DESCRIBE copy",
    "DESCRIBE insert;",
    "DESC set",
    'DESCRIBE "set"',
    "DESCRIBE public.insert",
    "DESCRIBE SELECT set FROM t",
    "EXPLAIN SELECT set FROM insert",
    "EXPLAIN ANALYZE VERBOSE SELECT set FROM t",
    "EXPLAIN FORMAT TREE SELECT set FROM t",
    "EXPLAIN (ANALYZE) SELECT set FROM t",
    "EXPLAIN (SELECT 1)",
    "EXPLAIN (((SELECT 1)))",
    "EXPLAIN (SELECT 1) UNION SELECT a set FROM t",
    # INTO as a name.
    'SELECT "into" FROM (SELECT 1 AS "into")',
    'SELECT into FROM (SELECT 1 AS "into")',
    'SELECT into x FROM (SELECT 1 AS "into")',
    'SELECT DISTINCT into FROM (SELECT 1 AS "into")',
    'SELECT (into) + into, -into FROM (SELECT 1 AS "into")',
    'SELECT x.into FROM (SELECT 1 AS "into") x',
    "SELECT 1 AS into",
    "SELECT 1 AS into FROM t AS into JOIN t ON true",
    'SELECT * FROM (SELECT 1 AS "into") AS x WHERE into = 1',
    "SELECT * FROM into",
    # Words in texts and comments.
    "SELECT 'DROP TABLE t'",
    "SELECT 1 -- DROP TABLE t",
    "SELECT 1 --\r; DROP TABLE t",
    "SELECT 1 /*+ ; DROP TABLE t */",
    "SELECT 1 /*! + 1 /* ; DROP TABLE t */ */",
    "SELECT '/*! ' || '; DROP TABLE t */'",
    "SELECT 1 /* ; DROP TABLE t */",
    "-- DROP TABLE t\nSELECT 1",
    "/* /* */ DROP */ SELECT 1",
    "SELECT E'\\'; DROP TABLE t --'",
    "SELECT '\\' || '; DROP TABLE t --'",
    "SELECT $$; DROP TABLE t$$",
    "SELECT $a$ ; $b$ ; DROP TABLE t; $a$",
    'SELECT 1 AS "a""; DROP TABLE t"',
    "SELECT 1 AS `a``; DROP TABLE t`",
]


@pytest.mark.parametrize("sql", ACCEPTED)
def test_what_the_engine_would_plan_as_a_query_is_sent(sql: str) -> None:
    assert planned(sql) == "query"
    assert refused(sql) is None


def test_a_schema_may_have_such_a_name_too() -> None:
    engine = context()
    engine.sql('CREATE SCHEMA "set"')
    engine.sql('CREATE TABLE "set".copy AS SELECT 1 AS a')
    assert engine.sql_with_options("DESCRIBE set.copy", READ_ONLY).count() == 1
    assert refused("DESCRIBE set.copy") is None


@pytest.mark.parametrize(
    ("sql", "instead"),
    [
        # The engine ignores INTO here; whoever writes it wants a table.
        ("SELECT 1 UNION SELECT 2 INTO x", None),
        ("SELECT 1 INTO x UNION SELECT 2", None),
        ("DESCRIBE SELECT 1 INTO x", None),
        # Quotes help.
        ("SELECT * FROM t into JOIN t ON true", 'SELECT * FROM t "into" JOIN t ON true'),
        ('SELECT 2 * into n FROM (SELECT 1 AS "into")', 'SELECT 2 * "into" FROM (SELECT 1 "into")'),
    ],
)
def test_the_queries_that_are_refused_all_the_same(sql: str, instead: str | None) -> None:
    """A bare INTO between two names is always taken for that of SELECT .. INTO."""
    assert planned(sql) == "query"
    assert refused(sql) == "INTO"
    if instead:
        assert planned(instead) == "query"
        assert refused(instead) is None


def test_the_error_says_what_is_accepted() -> None:
    with pytest.raises(mm.NotSupportedError) as caught:
        mm.connect("http://localhost:1").execute("DROP TABLE t")
    assert str(caught.value).startswith("DROP is refused, and nothing was sent: ")
    assert "accepted: SELECT, WITH, VALUES, DESCRIBE, SHOW, EXPLAIN" in str(caught.value)
    assert (caught.value.sql, caught.value.retryable) == ("DROP TABLE t", False)


# Statements in pieces, so that changes of all kinds come about, and what only looks like one.
WORDS = [
    *("SELECT", "SELECT 1", "SELECT *", "SELECT a", "a", "1", "*", "'x'", '"x"', "x", ",", "."),
    *("INTO", "INTO x", "FROM t", "FROM", "AS", "DISTINCT", "ALL", "UNION", "(", ")", "(SELECT 1)"),
    *("WITH x AS (SELECT 1)", "WITH", "EXPLAIN", "EXPLAIN ANALYZE", "EXPLAIN (ANALYZE)", "VERBOSE"),
    *("FORMAT TREE", "DESCRIBE", "DESC", ";", "-- c\n", "/* c */", "'", '"', "/*", "$$", "E'\\''"),
    *("DROP TABLE t", "DELETE FROM t", "UPDATE t SET a = 1", "INSERT INTO t SELECT * FROM t"),
    *("COPY t TO 'x.csv'", "SET x = 1", "RESET x", "COMMIT", "ROLLBACK", "START TRANSACTION"),
    *("CREATE TABLE y AS SELECT 1", "CREATE VIEW v AS", "TRUNCATE t", "PREPARE p AS", "EXECUTE p"),
    *("DEALLOCATE p", "REPLACE INTO t", "VALUES (1)", "insert", "set", "drop", "WHERE true"),
    *("MERGE INTO t USING t AS u ON t.a = u.a WHEN MATCHED THEN DELETE", "SHOW TABLES", "1INTO"),
]
STATEMENTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).flatmap(
    lambda words: st.lists(
        st.sampled_from([" ", " ", " ", ""]), min_size=len(words), max_size=len(words)
    ).map(lambda gaps: "".join(word + gap for word, gap in zip(words, gaps, strict=True)))
)


@settings(max_examples=400, deadline=None)
@example("EXPLAIN ROLLBACK")
@example("EXPLAIN (ANALYZE) EXPLAIN ANALYZE DROP TABLE t")
@example("SELECT 1INTO x")
@given(sql=STATEMENTS)
def test_nothing_that_the_engine_plans_as_a_change_gets_through(sql: str) -> None:
    if refused(sql) is None:
        assert planned(sql) != "change"


@settings(max_examples=400, deadline=None)
@given(sql=STATEMENTS)
def test_nothing_that_the_engine_plans_as_a_query_is_refused(sql: str) -> None:
    word = refused(sql)
    if word not in (None, "INTO"):  # INTO: see the known difference above
        assert planned(sql) != "query"


# ---- The engine's lexer and ours ----------------------------------------------------------------

LITERALS = st.lists(st.sampled_from([f for f in FRAGMENTS if f != "\x00"]), max_size=6).map("".join)


def in_quotes(text: str) -> Iterator[tuple[str, str]]:
    """The ways to write a text down, each with the kind of token it is."""
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
        if disputed(written):  # a dollar sign before $tag$
            with pytest.raises(mm.ProgrammingError, match="depends on the engine"):
                bind(sql, (7,))
            continue
        assert context().sql(bind(sql, (7,))).to_pydict()["seen"] == [7]
