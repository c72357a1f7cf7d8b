"""Names of types, quoting of identifiers, and the text of DDL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.schema import Column
from sqlalchemy.sql.compiler import (
    RESERVED_WORDS,
    DDLCompiler,
    GenericTypeCompiler,
    IdentifierPreparer,
)

from sqlalchemy_micromegas.compiler.unsupported import refuse
from sqlalchemy_micromegas.types import Properties

__all__ = ["MicromegasDDLCompiler", "MicromegasIdentifierPreparer", "MicromegasTypeCompiler"]


class MicromegasIdentifierPreparer(IdentifierPreparer):
    """Quotes the words that DataFusion would not read as identifiers.

    These are the words that SQLAlchemy does not quote by itself and that failed in at least one
    of 16 positions; 1100 words were tried.
    """

    reserved_words = set(RESERVED_WORDS) | {
        *("cluster", "cube", "current_catalog", "distribute", "exclude", "exists", "explain"),
        *("fetch", "fulltext", "index", "interval", "key", "lateral", "minus", "recursive"),
        *("returning", "rollup", "sort", "spatial", "struct", "top", "trim", "unnest", "values"),
        *("view", "with"),
    }


class MicromegasDDLCompiler(DDLCompiler):
    """Writes DDL as documentation, for example for a language model.

    It is never sent: the driver rejects it.
    """

    def _comment(self, comment: str | None) -> str:
        if comment is None:
            return ""
        return f" COMMENT {self.sql_compiler.render_literal_value(comment, sqltypes.String())}"

    def get_column_specification(self, column: Any, **kw: Any) -> str:
        """Write a column with its comment."""
        specification = super().get_column_specification(column, **kw)
        return f"{specification}{self._comment(column.comment)}"

    def post_create_table(self, table: Any) -> str:
        """Write the comment of a table."""
        return self._comment(table.comment)


def _named(name: str) -> Any:
    def _visit(self: Any, type_: Any, **kw: Any) -> str:
        if getattr(type_, "collation", None):
            refuse("COLLATE", "strings are compared by their bytes; use lower() to ignore case")
        return name

    return _visit


class MicromegasTypeCompiler(GenericTypeCompiler):
    """Writes types by the names that CAST accepts.

    Lengths are left out: the engine parses them, but does not enforce them.
    """

    visit_CHAR = visit_NCHAR = visit_VARCHAR = visit_NVARCHAR = _named("VARCHAR")  # noqa: N815
    visit_TEXT = visit_CLOB = visit_NCLOB = visit_UUID = _named("VARCHAR")  # noqa: N815
    visit_uuid = visit_enum = _named("VARCHAR")
    visit_BLOB = visit_BINARY = visit_VARBINARY = _named("BYTEA")  # noqa: N815
    visit_FLOAT = visit_DOUBLE = visit_DOUBLE_PRECISION = _named("DOUBLE")  # noqa: N815
    visit_TIME = _named("TIME")  # noqa: N815
    visit_INTERVAL = _named("INTERVAL")  # noqa: N815
    visit_TINYINT = _named("TINYINT")  # noqa: N815

    def visit_null(self, type_: Any, type_expression: Any = None, **kw: Any) -> str:
        """Write the type of a column of NULLs in DDL. There is no cast to it."""
        if isinstance(type_expression, Column):
            return "NULL"
        return str(super().visit_null(type_, **kw))  # type: ignore[no-untyped-call]

    def visit_nested(self, type_: Any, **kw: Any) -> str:
        """Write the name that the type has."""
        return str(type_.sql_name)

    visit_UTINYINT = visit_USMALLINT = visit_UINTEGER = visit_UBIGINT = visit_nested  # noqa: N815

    def visit_JSON(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write a string type, the engine's form of JSON. For Properties, write a display name."""
        return "JSON" if isinstance(type_, Properties) else "VARCHAR"

    def visit_NUMERIC(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write a decimal. Without a precision, it has the engine's default."""
        if type_.precision is None:
            return "DECIMAL(38, 10)"
        return f"DECIMAL({type_.precision}, {type_.scale or 0})"

    visit_DECIMAL = visit_NUMERIC  # noqa: N815

    def visit_DATETIME(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write a timestamp of nanoseconds."""
        return "TIMESTAMP WITH TIME ZONE" if type_.timezone else "TIMESTAMP"

    visit_TIMESTAMP = visit_DATETIME  # noqa: N815

    def visit_ARRAY(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write a list."""
        return self.process(type_.item_type, **kw) + "[]" * (type_.dimensions or 1)
