"""Run ``micromegas-sql tables`` and ``describe``: list views and their columns."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import pyarrow as pa

from micromegas_dbapi.cli.output import write_result
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.errors import NotSupportedError, ProgrammingError
from micromegas_dbapi.service.catalog import (
    COLUMN_COMMENTS,
    INSTANCE_IDS,
    SCHEMAS,
    VIEW_COMMENTS,
    storage_of,
)
from micromegas_dbapi.timerange import ALL_TIME

__all__ = ["View", "describe", "instance_schema", "list_views", "tables", "view_schema"]

_LISTED = """\
SELECT table_schema, table_name, count(*) FROM information_schema.columns
WHERE table_schema <> 'information_schema' GROUP BY table_schema, table_name"""
_VIEW_SETS = "SELECT view_set_name FROM list_view_sets()"
_COLUMNS = "SELECT * FROM {} LIMIT 0"  # formatted with the quoted name of a view
_COLUMNS_OF_INSTANCE = "SELECT * FROM view_instance(?, ?) LIMIT 0"

_ONLY_INSTANCES = INSTANCE_IDS.keys() - {"log_entries", "measures"}
_NIL_UUID = "00000000-0000-0000-0000-000000000000"
# Services materialize an instance for the range of the query. This range costs them nothing.
_EMPTY_RANGE = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class View:
    """A view, or a view set: a service creates a view of it for each process or stream.

    Attributes
    ----------
    name : str
        Without its schema.
    schema : str
        The SQL schema that contains it.
    is_set : bool
        Whether it is a view set, which is queried with ``view_instance()`` only.
    columns : int or None
        Number of columns; None if the service does not report them without an instance.
    """

    name: str
    schema: str = "public"
    is_set: bool = False
    columns: int | None = None

    @property
    def title(self) -> str:
        """The name as SQL has it, without quotes; the default schema is left out."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


def tables(connection: Connection, options: argparse.Namespace) -> None:
    """List the views of a service: the kind of each, its number of columns, and a comment.

    Parameters
    ----------
    connection : Connection
        To the service.
    options : argparse.Namespace
        With ``format`` and ``output``.

    Raises
    ------
    DatabaseError
        If a query or the output fails.
    """
    found = list_views(connection.cursor(begin=ALL_TIME))
    rows = pa.table(
        {
            "view": pa.array([view.title for view in found], pa.string()),
            "kind": pa.array(["view set" if view.is_set else "view" for view in found]),
            "instance": pa.array([INSTANCE_IDS.get(view.name, "") for view in found], pa.string()),
            "columns": pa.array([view.columns for view in found], pa.int64()),
            "comment": pa.array([VIEW_COMMENTS.get(view.name, "") for view in found], pa.string()),
        }
    )
    write_result(rows.to_reader(), options)


def describe(connection: Connection, options: argparse.Namespace) -> None:
    """List the columns of a view, or of an instance of a view set.

    Parameters
    ----------
    connection : Connection
        To the service.
    options : argparse.Namespace
        With ``view``, ``instance``, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If there is no such view, or it is a view set whose columns are not known without an
        instance.
    NotSupportedError
        If the protocol does not return the columns of an empty result.
    DatabaseError
        If a query or the output fails.
    """
    schema = _schema(connection.cursor(begin=ALL_TIME), options.view, options.instance)
    comments = COLUMN_COMMENTS.get(options.view, {})
    rows = pa.table(
        {
            "column": pa.array(schema.names, pa.string()),
            "type": pa.array([str(field.type) for field in schema], pa.string()),
            "nullable": pa.array([field.nullable for field in schema], pa.bool_()),
            "comment": pa.array([comments.get(name, "") for name in schema.names], pa.string()),
        }
    )
    write_result(rows.to_reader(), options)


def list_views(cursor: Cursor) -> list[View]:
    """List the views of a service.

    Parameters
    ----------
    cursor : Cursor
        Runs the queries.

    Returns
    -------
    list of View
        Ordered by name; those in the default schema come first.

    Raises
    ------
    DatabaseError
        If a query fails.

    Notes
    -----
    Services before 0.18 have no information_schema, so each known view is queried by its name.
    """
    try:
        found = _listed(cursor)
    except ProgrammingError as error:
        if not _is_not_found(error):
            raise
        found = _probed(cursor)
    known = {view.name for view in found}
    for name in sorted(_view_sets(cursor) - known):
        exists, columns = _view_set(cursor, name)
        if exists:
            found.append(View(name, is_set=True, columns=columns))
    return sorted(found, key=lambda view: (view.schema != "public", view.title))


def _schema(cursor: Cursor, name: str, instance: str | None) -> pa.Schema:
    if instance is not None:
        return _require_columns(instance_schema(cursor, name, instance), name, cursor)
    found = {view.title: view for view in list_views(cursor)}
    if name not in found:
        raise ProgrammingError(
            f"unknown view {name!r}; available: {', '.join(found)}", query_id=cursor.query_id
        )
    view = found[name]
    if not view.is_set:
        return _require_columns(view_schema(cursor, view), name, cursor)
    return _schema_of_set(cursor, name)


def _schema_of_set(cursor: Cursor, name: str) -> pa.Schema:
    """Return the columns that the views of a set have in 0.2.3, and print a note that says so."""
    instance = INSTANCE_IDS.get(name, "id").upper()
    if name not in SCHEMAS:
        raise ProgrammingError(
            f"{name} is a view set: describe {name} {instance}", query_id=cursor.query_id
        )
    print(
        f"micromegas-sql: {name} needs a {instance}; showing the columns of service 0.2.3. "
        f"For this service: describe {name} {instance}",
        file=sys.stderr,
    )
    return SCHEMAS[name]


def _listed(cursor: Cursor) -> list[View]:
    rows = cursor.execute(_LISTED)
    found = {(schema, name): count for schema, name, count in rows}
    return [
        View(name, schema, columns=count)
        for (schema, name), count in found.items()
        if (schema, storage_of(name)) not in found  # else it stores the rows of that view
    ]


def _probed(cursor: Cursor) -> list[View]:
    found = []
    for name in sorted(VIEW_COMMENTS.keys() - _ONLY_INSTANCES):
        try:
            schema = view_schema(cursor, View(name))
        except ProgrammingError as error:
            if not _is_not_found(error):
                raise
        else:
            found.append(View(name, columns=len(schema) or None))
    return found


def _view_sets(cursor: Cursor) -> set[str]:
    try:
        return {name for (name,) in cursor.execute(_VIEW_SETS)}
    except ProgrammingError as error:
        if not _is_not_found(error):
            raise
        return set(_ONLY_INSTANCES)


def _view_set(cursor: Cursor, view_set: str) -> tuple[bool, int | None]:
    """Return whether there is a view set, and how many columns its views have."""
    try:
        return True, len(instance_schema(cursor, view_set, _NIL_UUID)) or None
    except ProgrammingError as error:
        # The error that no process or stream has this id is expected.
        return f"view set {view_set} not found" not in str(error), None


def instance_schema(cursor: Cursor, view_set: str, instance: str) -> pa.Schema:
    """Fetch the columns of an instance of a view set, without its rows.

    Parameters
    ----------
    cursor : Cursor
        Runs the query.
    view_set : str
        The name of the view set.
    instance : str
        The id of the instance.

    Returns
    -------
    pyarrow.Schema
        Empty if the protocol does not return the columns of an empty result.

    Raises
    ------
    DatabaseError
        If the query fails, for example because there is no such instance.
    """
    cursor.execute(_COLUMNS_OF_INSTANCE, (view_set, instance), begin=_EMPTY_RANGE, end=_EMPTY_RANGE)
    return cursor.fetch_record_batch().schema


def view_schema(cursor: Cursor, view: View) -> pa.Schema:
    """Fetch the columns of a view, without its rows.

    Parameters
    ----------
    cursor : Cursor
        Runs the query.
    view : View
        Not a view set.

    Returns
    -------
    pyarrow.Schema
        Empty if the protocol does not return the columns of an empty result.

    Raises
    ------
    DatabaseError
        If the query fails.
    """
    return cursor.execute(_COLUMNS.format(_quoted(view))).fetch_record_batch().schema


def _require_columns(schema: pa.Schema, name: str, cursor: Cursor) -> pa.Schema:
    """Raise an error if there are no columns: an empty result has none in JSON."""
    if not schema:
        raise NotSupportedError(
            f"the service does not report the columns of {name} over this protocol",
            query_id=cursor.query_id,
        )
    return schema


def _is_not_found(error: ProgrammingError) -> bool:
    return "not found" in str(error)


def _quoted(view: View) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (view.schema, view.name))
