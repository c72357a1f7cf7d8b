"""Names of types and identifiers, and the refusal of DDL."""

from __future__ import annotations

from typing import Any

from sqlalchemy.sql.compiler import (
    RESERVED_WORDS,
    DDLCompiler,
    GenericTypeCompiler,
    IdentifierPreparer,
)

from sqlalchemy_micromegas.compiler.refusal import refuse
from sqlalchemy_micromegas.types import Properties

__all__ = ["MicromegasDDLCompiler", "MicromegasIdentifierPreparer", "MicromegasTypeCompiler"]


class MicromegasIdentifierPreparer(IdentifierPreparer):
    """Quotes what DataFusion would read otherwise.

    The words are those of 1100 tried in 16 places that failed in one, and that SQLAlchemy does
    not quote by itself.
    """

    reserved_words = set(RESERVED_WORDS) | {
        *("cluster", "cube", "current_catalog", "distribute", "exclude", "exists", "explain"),
        *("fetch", "fulltext", "index", "interval", "key", "lateral", "minus", "recursive"),
        *("returning", "rollup", "sort", "spatial", "struct", "top", "trim", "unnest", "values"),
        *("view", "with"),
    }


class MicromegasDDLCompiler(DDLCompiler):
    """Refuses all DDL: a service would answer as if it had done it, and forget it."""

    def process(self, obj: Any, **kw: Any) -> str:
        """Refuse."""
        refuse("DDL", "they are read-only, and nothing was sent")


def _is(name: str) -> Any:
    def visit(self: Any, type_: Any, **kw: Any) -> str:
        if getattr(type_, "collation", None):
            refuse("COLLATE", "text is compared by its bytes; use lower() to ignore the case")
        return name

    return visit


class MicromegasTypeCompiler(GenericTypeCompiler):
    """Writes types in the names that CAST knows.

    Lengths are left out: the engine reads them and does not keep to them.
    """

    visit_CHAR = visit_NCHAR = visit_VARCHAR = visit_NVARCHAR = _is("VARCHAR")  # noqa: N815
    visit_TEXT = visit_CLOB = visit_NCLOB = visit_UUID = _is("VARCHAR")  # noqa: N815
    visit_uuid = visit_enum = _is("VARCHAR")
    visit_BLOB = visit_BINARY = visit_VARBINARY = _is("BYTEA")  # noqa: N815
    visit_FLOAT = visit_DOUBLE = visit_DOUBLE_PRECISION = _is("DOUBLE")  # noqa: N815
    visit_TIME = _is("TIME")  # noqa: N815
    visit_INTERVAL = _is("INTERVAL")  # noqa: N815
    visit_TINYINT = _is("TINYINT")  # noqa: N815
    visit_UTINYINT = _is("TINYINT UNSIGNED")  # noqa: N815
    visit_USMALLINT = _is("SMALLINT UNSIGNED")  # noqa: N815
    visit_UINTEGER = _is("INTEGER UNSIGNED")  # noqa: N815
    visit_UBIGINT = _is("BIGINT UNSIGNED")  # noqa: N815

    def visit_JSON(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write text, which JSON is to the engine; of properties it is a name to be shown only."""
        return "JSON" if isinstance(type_, Properties) else "VARCHAR"

    def visit_NUMERIC(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write a decimal; without a precision the engine's own, spelt out."""
        if type_.precision is None:
            return "DECIMAL(38, 10)"
        return f"DECIMAL({type_.precision}, {type_.scale or 0})"

    visit_DECIMAL = visit_NUMERIC  # noqa: N815

    def visit_DATETIME(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write a timestamp, of nanoseconds."""
        return "TIMESTAMP WITH TIME ZONE" if type_.timezone else "TIMESTAMP"

    visit_TIMESTAMP = visit_DATETIME  # noqa: N815

    def visit_ARRAY(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write a list."""
        return self.process(type_.item_type, **kw) + "[]" * (type_.dimensions or 1)
