"""Reflect tables and columns.

The list of tables comes from information_schema. Older services have none: there it is the list of
FlightSQL, or over HTTP the tables of the catalog that the service accepts in a query. Columns
always come from the Arrow schemas of results, because the type names in information_schema differ
between services.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from contextlib import nullcontext, suppress
from typing import Any

from sqlalchemy import column, exc, select, text

from micromegas_dbapi import ALL_TIME
from micromegas_dbapi.arrow.type_codes import describe
from micromegas_dbapi.errors import InterfaceError, OperationalError, ProgrammingError
from micromegas_dbapi.service import may_lack_table
from micromegas_dbapi.service.catalog import (
    COLUMN_COMMENTS,
    SCHEMAS,
    VIEW_COMMENTS,
    storage_of,
)
from sqlalchemy_micromegas.types.from_arrow import from_arrow

__all__ = ["Reflection", "columns_of"]

_TABLES = "SELECT * FROM information_schema.tables"
_SCHEMAS = "SELECT schema_name FROM information_schema.schemata"
_DEFINITIONS = "SELECT table_schema, table_name, definition FROM information_schema.views"
_COLUMNS = "SELECT {} FROM {} LIMIT 0"

_DEFAULT = "public"
_INSTANT = "1970-01-01T00:00:00Z"  # some view instances require a time range
_STORAGE = "STORAGE"  # exists, but is not listed
# The tables that a service without information_schema can have.
_GLOBAL_VIEWS = [name for name in SCHEMAS if name != "thread_spans"]


def _cache(kw: dict[str, Any], topic: str) -> dict[Any, Any]:
    """Return the dialect's part of an inspector's cache."""
    cache = kw.get("info_cache")
    part: dict[Any, Any] = {} if cache is None else cache.setdefault(("micromegas", topic), {})
    return part


def _run(connection: Any, sql: str) -> Any:
    """Execute a statement without a time range, on which the schema does not depend."""
    return connection.execute(text(sql.replace(":", r"\:")).execution_options(begin=ALL_TIME))


def _description(connection: Any, sql: str) -> list[Any]:
    result = _run(connection, sql)
    try:
        return list(result.cursor.description)
    finally:
        result.close()


def _reflected_column(entry: Any, view: str | None) -> dict[str, Any]:
    """Convert an entry of ``cursor.description`` to the form of SQLAlchemy's inspector."""
    reflected: dict[str, Any] = {
        "name": entry.name,
        "type": from_arrow(entry.type_code.arrow_type, entry.name),
        "nullable": bool(entry.null_ok),
        "default": None,
    }
    comment = COLUMN_COMMENTS.get(view or "", {}).get(entry.name)
    if comment is not None:
        reflected["comment"] = comment
    return reflected


def columns_of(bind: Any, function: Any) -> list[Any]:
    """Query a service for the columns of a table function.

    Parameters
    ----------
    bind : Engine or Connection
        A connection stays open.
    function : sqlalchemy.sql.functions.FunctionElement
        The call of the table function.

    Returns
    -------
    list of sqlalchemy.sql.expression.ColumnClause
        With their types.
    """
    statement = select(text("*")).select_from(function.alias("t")).limit(0)
    with bind.connect() if hasattr(bind, "dispose") else nullcontext(bind) as connection:
        result = connection.execute(statement.execution_options(begin=_INSTANT, end=_INSTANT))
        description = list(result.cursor.description)
        result.close()
    types = [from_arrow(entry.type_code.arrow_type, entry.name) for entry in description]
    return [column(entry.name, type_) for entry, type_ in zip(description, types, strict=True)]


def _flight_descriptions(connection: Any, **kw: Any) -> dict[tuple[str, str], list[Any]]:
    """Describe the views that FlightSQL lists in one call. Other protocols have no such call.

    They are fetched for each inspector, because views may change while a connection is pooled.
    """
    if not connection.dialect.scheme.startswith("grpc"):
        return {}
    cache = _cache(kw, "flight")
    if not cache:
        views = connection.connection.dbapi_connection.fetch_service().views
        cache.update({(_DEFAULT, name): list(describe(schema)) for name, schema in views.items()})
    return cache


def _is_missing(description: list[Any] | exc.DBAPIError) -> bool:
    """Return whether the error says that a table does not exist, as far as errors say that."""
    return not isinstance(description, list) and may_lack_table(description.orig)


def _is_of_table(error: exc.DBAPIError) -> bool:
    """Return whether an error is one of the table, not of the service, the network or an option."""
    if isinstance(error.orig, ProgrammingError):
        return may_lack_table(error.orig)
    return not isinstance(error.orig, (OperationalError, InterfaceError))


def _kind(key: tuple[str, str], kinds: dict[tuple[str, str], str]) -> str:
    """Return the kind of a table, as in a service's FlightSQL list, where all views are tables.

    Its query engine reports some as views over the tables that store their rows.
    """
    schema, name = key
    if storage_of(name) is not None and (schema, storage_of(name)) in kinds:
        return _STORAGE
    has_storage = (schema, f"__{name}__partitions") in kinds
    is_known = schema == _DEFAULT and name in VIEW_COMMENTS
    return "BASE TABLE" if has_storage or is_known else kinds[key]


class Reflection:
    """Mixin of the dialect that implements SQLAlchemy's inspector."""

    identifier_preparer: Any

    # -- tables ------------------------------------------------------------------------------

    def _tables(self, connection: Any, **kw: Any) -> dict[tuple[str, str], str]:
        """Map the (schema, name) of all tables to their kinds; cached by inspectors."""
        kw.setdefault("info_cache", {})  # for this call alone: has_table() of 1.4 passes none
        cache = _cache(kw, "tables")
        if not cache:
            cache.update(self._query_tables(connection, **kw))
        return cache

    def _query_tables(self, connection: Any, **kw: Any) -> dict[tuple[str, str], str]:
        try:
            rows = _run(connection, _TABLES).mappings().all()
        except exc.ProgrammingError as error:
            if not may_lack_table(error.orig):
                raise
            names = list(_flight_descriptions(connection, **kw))
            names = names or [(_DEFAULT, name) for name in _GLOBAL_VIEWS]
            descriptions = self._descriptions(connection, names, **kw)
            return {
                key: "BASE TABLE"
                for key, description in descriptions.items()
                if not _is_missing(description)
            }
        kinds = {(r["table_schema"], r["table_name"]): r["table_type"] for r in rows}
        return {key: _kind(key, kinds) for key in sorted(kinds)}

    def get_schema_names(self, connection: Any, **kw: Any) -> list[str]:
        """Return the names of the schemas."""
        try:
            rows = _run(connection, _SCHEMAS)
        except exc.ProgrammingError as error:
            if not may_lack_table(error.orig):
                raise
            return [_DEFAULT]
        return sorted({str(row[0]) for row in rows} | {_DEFAULT})

    def _names(self, connection: Any, schema: str | None, kinds: Collection[str], kw: Any) -> Any:
        schema = schema or _DEFAULT
        tables = self._tables(connection, **kw)
        return [name for (own, name), kind in tables.items() if own == schema and kind in kinds]

    def get_table_names(self, connection: Any, schema: str | None = None, **kw: Any) -> Any:
        """Return the names of the tables of a schema."""
        return self._names(connection, schema, ("BASE TABLE",), kw)

    def get_view_names(self, connection: Any, schema: str | None = None, **kw: Any) -> Any:
        """Return the names of the views of a schema."""
        return self._names(connection, schema, ("VIEW",), kw)

    def get_temp_table_names(self, connection: Any, **kw: Any) -> Any:
        """Return an empty list: there are no temporary tables."""
        return []

    def get_temp_view_names(self, connection: Any, **kw: Any) -> Any:
        """Return an empty list: there are no temporary views."""
        return []

    def get_materialized_view_names(
        self, connection: Any, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return an empty list: materialized views are tables, as in a service's own list."""
        return []

    def get_sequence_names(self, connection: Any, schema: str | None = None, **kw: Any) -> Any:
        """Return an empty list: there are no sequences."""
        return []

    def has_sequence(
        self, connection: Any, sequence_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Return that there is no sequence."""
        return False

    def get_view_definition(
        self, connection: Any, view_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return the statement that defines a view, or None if the service does not say."""
        key = schema or _DEFAULT, view_name
        if self._tables(connection, **kw).get(key) != "VIEW":
            raise exc.NoSuchTableError(f"{schema}.{view_name}" if schema else view_name)
        try:
            rows = _run(connection, _DEFINITIONS).fetchall()
        except exc.ProgrammingError as error:
            if not may_lack_table(error.orig):
                raise
            return None
        return next((row[2] for row in rows if (row[0], row[1]) == key), None)

    def has_table(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Return whether a table exists.

        A name that contains whitespace is a statement: pandas asks for these too.
        """
        if re.search(r"\s", table_name):
            return False
        if table_name not in _GLOBAL_VIEWS or (schema or _DEFAULT) != _DEFAULT:
            return (schema or _DEFAULT, table_name) in self._tables(connection, **kw)
        key = _DEFAULT, table_name
        return not _is_missing(self._descriptions(connection, [key], **kw)[key])

    def has_schema(self, connection: Any, schema_name: str, **kw: Any) -> bool:
        """Return whether a schema exists."""
        return schema_name in self.get_schema_names(connection, **kw)

    # -- columns -----------------------------------------------------------------------------

    def _descriptions(
        self, connection: Any, tables: list[tuple[str, str]], **kw: Any
    ) -> dict[tuple[str, str], list[Any] | exc.DBAPIError]:
        """Describe the columns of tables in one query; the error for those that fail."""
        known = _cache(kw, "columns")
        if not known:
            known.update(_flight_descriptions(connection, **kw))
        failed: dict[tuple[str, str], exc.DBAPIError] = {}
        missing = [table for table in tables if table not in known]
        if len(missing) > 1:
            with suppress(exc.DBAPIError):  # one of them failed: the loop below finds out which
                known.update(self._describe_together(connection, missing))
        for table in missing:
            if table not in known:
                sql = _COLUMNS.format("*", self._quoted(table))
                try:
                    known[table] = _description(connection, sql)
                except exc.DBAPIError as error:
                    if not _is_of_table(error):
                        raise
                    (known if _is_missing(error) else failed)[table] = error  # else ask again
        return {table: known.get(table) or failed[table] for table in tables}

    def _describe_together(self, connection: Any, tables: list[tuple[str, str]]) -> Any:
        """Describe tables by a join without rows, with a marker column before those of each."""
        markers = [f"#{i}" for i in range(len(tables))]
        selected = ", ".join(f'{i} AS "{marker}", t{i}.*' for i, marker in enumerate(markers))
        joined = " CROSS JOIN ".join(f"{self._quoted(t)} AS t{i}" for i, t in enumerate(tables))
        descriptions: dict[tuple[str, str], list[Any]] = {}
        following = iter(zip(markers, tables, strict=True))
        marker, table = next(following)
        columns: list[Any] = []
        for entry in _description(connection, _COLUMNS.format(selected, joined)):
            if entry.name == marker:
                columns = descriptions[table] = []
                marker, table = next(following, ("", table))
            else:
                columns.append(entry)
        return descriptions

    def _quoted(self, table: tuple[str, str]) -> str:
        quote = self.identifier_preparer.quote
        return quote(table[1]) if table[0] == _DEFAULT else f"{quote(table[0])}.{quote(table[1])}"

    def _columns(self, connection: Any, table: str, schema: str | None, kw: Any) -> Any:
        key = schema or _DEFAULT, table
        description = self._descriptions(connection, [key], **kw)[key]
        if isinstance(description, list):
            view = table if key[0] == _DEFAULT else None
            return [_reflected_column(entry, view) for entry in description]
        name = f"{schema}.{table}" if schema else table
        if not _is_missing(description) or key in self._tables(connection, **kw):
            raise exc.UnreflectableTableError(f"{name}: {description.orig}") from description
        raise exc.NoSuchTableError(name)

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Return the columns of a table."""
        return self._columns(connection, table_name, schema, kw)

    def get_multi_columns(
        self,
        connection: Any,
        *,
        schema: str | None = None,
        filter_names: Collection[str] | None = None,
        scope: Any = None,
        kind: Any = None,
        **kw: Any,
    ) -> Iterable[Any]:
        """Yield the columns of many tables, fetched in one query."""
        unreflectable = kw.pop("unreflectable", {})
        names = self._filtered_names(connection, schema, filter_names, scope, kind, kw)
        self._descriptions(connection, [(schema or _DEFAULT, name) for name in names], **kw)
        for name in names:
            try:
                yield (schema, name), self._columns(connection, name, schema, kw)
            except exc.NoSuchTableError:
                continue
            except exc.UnreflectableTableError as error:  # SQLAlchemy warns and continues
                unreflectable[schema, name] = error

    def _filtered_names(
        self, connection: Any, schema: Any, filter_names: Any, scope: Any, kind: Any, kw: Any
    ) -> list[str]:
        from sqlalchemy.engine.reflection import ObjectKind, ObjectScope

        if scope is ObjectScope.TEMPORARY:
            return []
        if filter_names and scope is ObjectScope.ANY and kind is ObjectKind.ANY:
            return list(filter_names)  # Table(name, autoload_with=engine) needs no list
        names: list[str] = []
        if ObjectKind.TABLE in kind:
            names += self._names(connection, schema, ("BASE TABLE",), kw)
        if ObjectKind.VIEW in kind:
            names += self._names(connection, schema, ("VIEW",), kw)
        return [name for name in names if filter_names is None or name in filter_names]
