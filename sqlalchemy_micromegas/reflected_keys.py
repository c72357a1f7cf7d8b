"""Reflect keys and comments, which come from the catalog, and what no table has.

Nothing enforces the keys. Their names are those that PostgreSQL would choose.
"""

from __future__ import annotations

from typing import Any

from micromegas_dbapi.service.catalog import FOREIGN_KEYS, PRIMARY_KEYS, VIEW_COMMENTS

__all__ = ["ReflectedKeys"]


class ReflectedKeys:
    """Mixin of the dialect that implements this part of SQLAlchemy's inspector."""

    default_schema_name: Any
    _columns: Any

    def _catalogued(
        self, connection: Any, table: str, schema: str | None, kw: Any
    ) -> list[str] | None:
        """Return the columns of a table, or None if it is not in the catalog."""
        columns = self._columns(connection, table, schema, kw)
        if schema not in (None, "", self.default_schema_name) or table not in VIEW_COMMENTS:
            return None
        return [each["name"] for each in columns]

    def get_pk_constraint(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return the columns that identify a row."""
        names = self._catalogued(connection, table_name, schema, kw)
        columns = PRIMARY_KEYS.get(table_name, []) if names else []
        name = f"{table_name}_pkey" if columns else None
        return {"constrained_columns": list(columns), "name": name}

    def get_foreign_keys(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return the references of columns to other tables."""
        names = self._catalogued(connection, table_name, schema, kw) or []
        return [
            {
                "name": f"{table_name}_{own}_fkey",
                "constrained_columns": [own],
                "referred_schema": schema,
                "referred_table": table,
                "referred_columns": [other],
                "options": {},
            }
            for own, table, other in FOREIGN_KEYS.get(table_name, [])
            if own in names
        ]

    def get_table_comment(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return the comment of a table, which says what its rows are."""
        known = self._catalogued(connection, table_name, schema, kw)
        return {"text": VIEW_COMMENTS.get(table_name) if known else None}

    def get_table_options(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return an empty dict: tables have no options."""
        self._columns(connection, table_name, schema, kw)
        return {}

    def get_indexes(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return an empty list: there are no indexes."""
        self._columns(connection, table_name, schema, kw)
        return []

    def get_unique_constraints(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return an empty list: there are no constraints."""
        self._columns(connection, table_name, schema, kw)
        return []

    def get_check_constraints(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return an empty list: there are no constraints."""
        self._columns(connection, table_name, schema, kw)
        return []
