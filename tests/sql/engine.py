"""A DataFusion engine that shows the meaning of a text, and pieces of text to try on it."""

from __future__ import annotations

import pyarrow as pa
from datafusion import SessionConfig, SessionContext, SQLOptions
from hypothesis import strategies as st

__all__ = ["FRAGMENTS", "READ_ONLY", "SQLISH", "context", "planned"]

READ_ONLY = SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
CHANGES = ("DDL not supported", "DML not supported", "Statement not supported")
TABLES = ("t", "copy", "insert", "set", "update", "drop", "into")


def context() -> SessionContext:
    """Create an engine with a few tables, most of them named like keywords."""
    made = SessionContext(SessionConfig({"datafusion.catalog.information_schema": "true"}))
    rows = pa.table({"a": [1, 2], "b": ["x", "y"], "set": [1, 2], "insert": [3, 4]})
    for name in TABLES:
        made.register_record_batches(name, [rows.to_batches()])
    return made


def planned(sql: str) -> str:
    """Return how the engine plans a statement: ``query``, ``change``, or its error."""
    try:
        context().sql_with_options(sql, READ_ONLY)
    except Exception as error:
        return "change" if any(sign in str(error) for sign in CHANGES) else f"error: {error}"
    except BaseException as panic:
        if type(panic).__name__ != "PanicException":
            raise
        return f"error: {panic}"
    return "query"


# Pieces with a meaning to the lexer or to the engine, combined in any order.
FRAGMENTS = [
    *("'", "''", '"', '""', "`", "``", "\\", "\\'", "E'", "e'", "X'", "N'", "nameE'", "1E'"),
    *("$", "$$", "$a$", "$b$", "$1", "a$", "--", "- -", "/*", "*/", "/", "*", "\n", "\r", " "),
    *(":", "::", ":a", ":é", ": a", "?", "??", "(", ")", "[", "]", "{", "}", ",", ";", ".", "@"),
    *("#", "@a", "#a", "a", "é", "_", "1", "1.5", "1e", "1e5", "IN", "SELECT", "\x00", "\u3000"),
    *("/*!", "/*/", "q'[", "]'", "$a$$"),
]
SQLISH = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join) | st.text(max_size=60)
