"""Types whose text is their SQL name, also without a dialect."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import types as sqltypes

__all__ = ["BYTEA", "NamedType", "Nested"]


class NamedType:
    """Mixin of a type that has its SQL name in `sql_name`.

    Tools display ``str(type)``, which SQLAlchemy compiles without a dialect. Its own compiler does
    not know these types.
    """

    sql_name: Any

    def compile(self, dialect: Any = None) -> str:
        """Return the type's name in a dialect.

        Parameters
        ----------
        dialect : Dialect, optional
            The default is the name in the query engine.

        Returns
        -------
        str
            SQL text.
        """
        return str(self.sql_name if dialect is None else super().compile(dialect))  # type: ignore[misc]


class BYTEA(NamedType, sqltypes.LargeBinary):
    """Bytes."""

    sql_name = "BYTEA"


class Nested(NamedType, sqltypes.TypeEngine):  # type: ignore[type-arg, unused-ignore]
    """A type that SQLAlchemy has no class for: a struct, a map or a union.

    Values are not converted. Operators are those of an unknown type.

    Parameters
    ----------
    sql_name : str
        Such as ``"STRUCT(key VARCHAR, value BIGINT)"``.
    """

    __visit_name__ = "nested"
    hashable = False
    comparator_factory = sqltypes.NullType.Comparator  # type: ignore[assignment, unused-ignore]
    operator_classes: ClassVar[Any] = getattr(
        sqltypes.NullType, "operator_classes", None
    )  # SQLAlchemy 2.1

    def __init__(self, sql_name: str) -> None:
        self.sql_name = sql_name
