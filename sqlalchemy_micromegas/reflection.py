"""Introspection: what a service holds, from the Arrow schemas it answers with and the catalog.

Which tables there are says information_schema; older services have none, and then they are those
that FlightSQL lists, or over HTTP those of the catalog that the service answers for. Columns always
come from Arrow schemas, whose types are the same on every service, where the texts of
information_schema are not.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import column, exc, select, text

from micromegas_dbapi import ALL_TIME
from micromegas_dbapi.arrow.type_codes import describe
from micromegas_dbapi.errors import InterfaceError, OperationalError, ProgrammingError
from micromegas_dbapi.service.catalog import (
    COLUMN_COMMENTS,
    FOREIGN_KEYS,
    PRIMARY_KEYS,
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
_MOMENT = "1970-01-01T00:00:00Z"  # without a range some instances are refused
_STORAGE = "STORAGE"  # there, and not listed
# What a service without an information_schema may have.
_GLOBAL = [name for name in SCHEMAS if name != "thread_spans"]


def _cache(kw: dict[str, Any], what: str) -> dict[Any, Any]:
    """Give the part of an inspector's cache that is ours."""
    cache = kw.get("info_cache")
    found: dict[Any, Any] = {} if cache is None else cache.setdefault(("micromegas", what), {})
    return found


def _run(connection: Any, sql: str) -> Any:
    """Run a statement over all time: what there is does not depend on when."""
    return connection.execute(text(sql.replace(":", r"\:")).execution_options(begin=ALL_TIME))


def _description(connection: Any, sql: str) -> list[Any]:
    result = _run(connection, sql)
    try:
        return list(result.cursor.description)
    finally:
        result.close()


def _column(described: Any, view: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": described.name,
        "type": from_arrow(described.type_code.arrow_type, described.name),
        "nullable": bool(described.null_ok),
        "default": None,
    }
    comment = COLUMN_COMMENTS.get(view or "", {}).get(described.name)
    if comment is not None:
        found["comment"] = comment
    return found


def columns_of(bind: Any, function: Any) -> list[Any]:
    """Ask a service for the columns of a table function."""
    statement = select(text("*")).select_from(function.alias("t")).limit(0)
    with bind.connect() if hasattr(bind, "dispose") else _Borrowed(bind) as connection:
        result = connection.execute(statement.execution_options(begin=_MOMENT, end=_MOMENT))
        described = list(result.cursor.description)
        result.close()
    types = [from_arrow(each.type_code.arrow_type, each.name) for each in described]
    return [column(each.name, type_) for each, type_ in zip(described, types, strict=True)]


def _listed(connection: Any) -> dict[tuple[str, str], list[Any]]:
    """Describe the views that FlightSQL lists in one call; nothing where there is no such call."""
    service = connection.connection.dbapi_connection.service
    if service.wire != "grpc":
        return {}
    return {(_DEFAULT, name): list(describe(schema)) for name, schema in service.views.items()}


def _absent(described: list[Any] | exc.DBAPIError) -> bool:
    """Tell whether a table could not be described since there is none, as far as errors tell."""
    error = None if isinstance(described, list) else described.orig
    return isinstance(error, ProgrammingError)


def _kind(key: tuple[str, str], kinds: dict[tuple[str, str], str]) -> str:
    """Tell tables from views as a service's own list of FlightSQL does, where all are tables.

    To its engine some are views, over tables in which it keeps their rows.
    """
    schema, name = key
    if storage_of(name) is not None and (schema, storage_of(name)) in kinds:
        return _STORAGE
    kept = (schema, f"__{name}__partitions") in kinds
    return "BASE TABLE" if kept or (schema == _DEFAULT and name in VIEW_COMMENTS) else kinds[key]


class _Borrowed:
    """A connection that is somebody else's to close."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> Any:
        return self._connection

    def __exit__(self, *exc_info: object) -> None:
        return None


class Reflection:
    """The part of the dialect that introspects."""

    identifier_preparer: Any

    # -- tables ------------------------------------------------------------------------------

    def _tables(self, connection: Any, **kw: Any) -> dict[tuple[str, str], str]:
        """Map the (schema, name) of all tables to what they are; asked once by an inspector."""
        cache = _cache(kw, "tables")
        if not cache:
            cache.update(self._asked_tables(connection, **kw))
        return cache

    def _asked_tables(self, connection: Any, **kw: Any) -> dict[tuple[str, str], str]:
        try:
            rows = _run(connection, _TABLES).mappings().all()
        except exc.ProgrammingError:
            names = list(_listed(connection)) or [(_DEFAULT, n) for n in _GLOBAL]
            described = self._described(connection, names, **kw)
            return {key: "BASE TABLE" for key, each in described.items() if not _absent(each)}
        kinds = {(r["table_schema"], r["table_name"]): r["table_type"] for r in rows}
        return {key: _kind(key, kinds) for key in sorted(kinds)}

    def get_schema_names(self, connection: Any, **kw: Any) -> list[str]:
        """List the schemas."""
        try:
            rows = _run(connection, _SCHEMAS)
        except exc.ProgrammingError:
            return [_DEFAULT]
        return sorted({str(row[0]) for row in rows} | {_DEFAULT})

    def _names(self, connection: Any, schema: str | None, kinds: Collection[str], kw: Any) -> Any:
        wanted = schema or _DEFAULT
        tables = self._tables(connection, **kw)
        return [name for (where, name), kind in tables.items() if where == wanted and kind in kinds]

    def get_table_names(self, connection: Any, schema: str | None = None, **kw: Any) -> Any:
        """List the tables of a schema."""
        return self._names(connection, schema, ("BASE TABLE",), kw)

    def get_view_names(self, connection: Any, schema: str | None = None, **kw: Any) -> Any:
        """List the views of a schema."""
        return self._names(connection, schema, ("VIEW",), kw)

    def get_temp_table_names(self, connection: Any, **kw: Any) -> Any:
        """List nothing: there are no temporary tables."""
        return []

    def get_temp_view_names(self, connection: Any, **kw: Any) -> Any:
        """List nothing: there are no temporary views."""
        return []

    def get_view_definition(
        self, connection: Any, view_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Give the statement that made a view, if the service tells."""
        wanted = schema or _DEFAULT, view_name
        if self._tables(connection, **kw).get(wanted) != "VIEW":
            raise exc.NoSuchTableError(f"{schema}.{view_name}" if schema else view_name)
        try:
            rows = _run(connection, _DEFINITIONS).fetchall()
        except exc.ProgrammingError:
            return None
        return next((row[2] for row in rows if (row[0], row[1]) == wanted), None)

    def has_table(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Tell whether there is a table; a name with blanks is a statement that pandas tries."""
        if re.search(r"\s", table_name):
            return False
        if table_name not in _GLOBAL or (schema or _DEFAULT) != _DEFAULT:
            return (schema or _DEFAULT, table_name) in self._tables(connection, **kw)
        key = _DEFAULT, table_name
        return not _absent(self._described(connection, [key], **kw)[key])

    def has_schema(self, connection: Any, schema_name: str, **kw: Any) -> bool:
        """Tell whether there is a schema."""
        return schema_name in self.get_schema_names(connection, **kw)

    # -- columns -----------------------------------------------------------------------------

    def _described(
        self, connection: Any, tables: list[tuple[str, str]], **kw: Any
    ) -> dict[tuple[str, str], list[Any] | exc.DBAPIError]:
        """Describe tables in one query; give the error for those that cannot be."""
        known = _cache(kw, "columns")
        if not known:
            known.update(_listed(connection))
        missing = [table for table in tables if table not in known]
        if len(missing) > 1:
            with contextlib.suppress(exc.DBAPIError):  # one is at fault: find out which, below
                known.update(self._described_together(connection, missing))
        for table in missing:
            if table not in known:
                sql = _COLUMNS.format("*", self._quoted(table))
                try:
                    known[table] = _description(connection, sql)
                except exc.DBAPIError as error:
                    if isinstance(error.orig, (OperationalError, InterfaceError)):
                        raise  # the service's fault, or the network's: not the table's
                    known[table] = error
        return {table: known[table] for table in tables}

    def _described_together(self, connection: Any, tables: list[tuple[str, str]]) -> Any:
        """Describe tables by a join of no rows, with a column of ours before those of each."""
        marks = [f"#{i}" for i in range(len(tables))]
        chosen = ", ".join(f'{i} AS "{mark}", t{i}.*' for i, mark in enumerate(marks))
        joined = " CROSS JOIN ".join(f"{self._quoted(t)} AS t{i}" for i, t in enumerate(tables))
        found: dict[tuple[str, str], list[Any]] = {}
        upcoming = iter(zip(marks, tables, strict=True))
        mark, table = next(upcoming)
        columns: list[Any] = []
        for described in _description(connection, _COLUMNS.format(chosen, joined)):
            if described.name == mark:
                columns = found[table] = []
                mark, table = next(upcoming, ("", table))
            else:
                columns.append(described)
        return found

    def _quoted(self, table: tuple[str, str]) -> str:
        quote = self.identifier_preparer.quote
        return quote(table[1]) if table[0] == _DEFAULT else f"{quote(table[0])}.{quote(table[1])}"

    def _required(self, connection: Any, table: str, schema: str | None, kw: Any) -> Any:
        key = schema or _DEFAULT, table
        described = self._described(connection, [key], **kw)[key]
        if isinstance(described, list):
            view = table if key[0] == _DEFAULT else None
            return [_column(each, view) for each in described]
        name = f"{schema}.{table}" if schema else table
        if not _absent(described) or key in self._tables(connection, **kw):
            raise exc.UnreflectableTableError(f"{name}: {described.orig}") from described
        raise exc.NoSuchTableError(name)

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Describe the columns of a table."""
        return self._required(connection, table_name, schema, kw)

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
        """Describe the columns of many tables in one round trip."""
        unreflectable = kw.pop("unreflectable", {})
        names = self._chosen(connection, schema, filter_names, scope, kind, kw)
        where = schema or _DEFAULT
        self._described(connection, [(where, name) for name in names], **kw)
        for name in names:
            try:
                yield (schema, name), self._required(connection, name, schema, kw)
            except exc.NoSuchTableError:
                continue
            except exc.UnreflectableTableError as error:  # SQLAlchemy warns of it, and goes on
                unreflectable[schema, name] = error

    def _chosen(
        self, connection: Any, schema: Any, filter_names: Any, scope: Any, kind: Any, kw: Any
    ) -> list[str]:
        from sqlalchemy.engine.reflection import ObjectKind, ObjectScope

        if scope is ObjectScope.TEMPORARY:
            return []
        if filter_names and scope is ObjectScope.ANY and kind is ObjectKind.ANY:
            return list(filter_names)  # of Table(.., autoload_with=..): no need to list all
        names: list[str] = []
        if ObjectKind.TABLE in kind:
            names += self._names(connection, schema, ("BASE TABLE",), kw)
        if ObjectKind.VIEW in kind:
            names += self._names(connection, schema, ("VIEW",), kw)
        return [name for name in names if filter_names is None or name in filter_names]

    # -- keys and comments: logical, from the catalog ------------------------------------------

    def _known(self, connection: Any, table: str, schema: str | None, kw: Any) -> list[str] | None:
        """Give the columns of a table that the catalog speaks of; fail if it is not there."""
        columns = self._required(connection, table, schema, kw)
        if (schema or _DEFAULT) != _DEFAULT or table not in VIEW_COMMENTS:
            return None
        return [each["name"] for each in columns]

    def get_pk_constraint(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """Give the columns that tell rows apart."""
        names = self._known(connection, table_name, schema, kw)
        columns = PRIMARY_KEYS.get(table_name, []) if names else []
        return {"constrained_columns": list(columns), "name": None}

    def get_foreign_keys(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """List what columns refer to."""
        names = self._known(connection, table_name, schema, kw) or []
        return [
            {
                "name": None,
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
        """Say what the rows of a table are."""
        known = self._known(connection, table_name, schema, kw)
        return {"text": VIEW_COMMENTS.get(table_name) if known else None}

    def get_indexes(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """List nothing: there are no indexes."""
        self._required(connection, table_name, schema, kw)
        return []

    def get_unique_constraints(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """List nothing: nothing is enforced."""
        self._required(connection, table_name, schema, kw)
        return []

    def get_check_constraints(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        """List nothing: nothing is enforced."""
        self._required(connection, table_name, schema, kw)
        return []
