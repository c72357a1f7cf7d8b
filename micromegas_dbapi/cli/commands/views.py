"""``tables`` and ``describe``: what there is to query, asked of the service itself."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import pyarrow as pa

from micromegas_dbapi.cli.output import write
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

__all__ = ["View", "describe", "tables", "views"]

_LISTED = """\
SELECT table_schema, table_name, count(*) FROM information_schema.columns
WHERE table_schema <> 'information_schema' GROUP BY table_schema, table_name"""
_VIEW_SETS = "SELECT view_set_name FROM list_view_sets()"
_COLUMNS = "SELECT * FROM {} LIMIT 0"  # of the quoted name of a view
_COLUMNS_OF_INSTANCE = "SELECT * FROM view_instance(?, ?) LIMIT 0"

_ONLY_INSTANCES = INSTANCE_IDS.keys() - {"log_entries", "measures"}
_NOBODY = "00000000-0000-0000-0000-000000000000"
# Services fill an instance's tables for the range of the query: this one costs them nothing.
_MOMENT = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class View:
    """A view, or a view set that a service makes a view of for each process or stream.

    Attributes
    ----------
    name : str
    schema : str
        The SQL schema that it is in.
    is_set : bool
        Whether it has to be asked for an instance, with ``view_instance()``.
    columns : int or None
        How many; None where the service does not tell before there is an instance.
    """

    name: str
    schema: str = "public"
    is_set: bool = False
    columns: int | None = None

    @property
    def title(self) -> str:
        """The name as it is written in SQL, but for quotes."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


def tables(connection: Connection, options: argparse.Namespace) -> None:
    """List the views of a service: the kind of each, its number of columns, and a comment.

    Parameters
    ----------
    connection : Connection
    options : argparse.Namespace
        ``format`` and ``output``.
    """
    found = views(connection.cursor(begin=ALL_TIME))
    rows = pa.table(
        {
            "view": pa.array([view.title for view in found], pa.string()),
            "kind": pa.array(["view set" if view.is_set else "view" for view in found]),
            "instance": pa.array([INSTANCE_IDS.get(view.name, "") for view in found], pa.string()),
            "columns": pa.array([view.columns for view in found], pa.int64()),
            "comment": pa.array([VIEW_COMMENTS.get(view.name, "") for view in found], pa.string()),
        }
    )
    write(rows.to_reader(), options)


def describe(connection: Connection, options: argparse.Namespace) -> None:
    """List the columns of a view, or of an instance of a view set.

    Parameters
    ----------
    connection : Connection
    options : argparse.Namespace
        ``view``, ``instance``, ``format`` and ``output``.

    Raises
    ------
    ProgrammingError
        If the service has no such view, or it is a view set whose columns are known only once an
        instance is given.
    NotSupportedError
        If the wire carries no columns without rows.
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
    write(rows.to_reader(), options)


def views(cursor: Cursor) -> list[View]:
    """List what a service has, in order of names.

    Services before 0.18 have no information_schema: they are asked for each view by its name.
    """
    try:
        found = _listed(cursor)
    except ProgrammingError as error:
        if not _says_absent(error):
            raise
        found = _probed(cursor)
    known = {view.name for view in found}
    for name in sorted(_view_sets(cursor) - known):
        exists, columns = _instance(cursor, name)
        if exists:
            found.append(View(name, is_set=True, columns=columns))
    return sorted(found, key=lambda view: (view.schema != "public", view.title))


def _schema(cursor: Cursor, name: str, instance: str | None) -> pa.Schema:
    if instance is not None:
        return _told(_instance_schema(cursor, name, instance), name, cursor)
    found = {view.title: view for view in views(cursor)}
    if name not in found:
        raise ProgrammingError(
            f"there is no view {name!r}; there are {', '.join(found)}", query_id=cursor.query_id
        )
    view = found[name]
    if not view.is_set:
        return _told(_columns(cursor, view), name, cursor)
    whose = INSTANCE_IDS.get(name, "id").upper()
    advice = f"{name} is a view set, with a view for each {whose}"
    if name not in SCHEMAS:
        raise ProgrammingError(f"{advice}: describe {name} {whose}", query_id=cursor.query_id)
    print(
        f"micromegas-sql: {advice}; these are the columns of 0.2.3, and "
        f"'describe {name} {whose}' lists those of this service",
        file=sys.stderr,
    )
    return SCHEMAS[name]


def _listed(cursor: Cursor) -> list[View]:
    rows = cursor.execute(_LISTED)
    found = {(schema, name): count for schema, name, count in rows}
    return [
        View(name, schema, columns=count)
        for (schema, name), count in found.items()
        if (schema, storage_of(name)) not in found  # not the views' own
    ]


def _probed(cursor: Cursor) -> list[View]:
    found = []
    for name in sorted(VIEW_COMMENTS.keys() - _ONLY_INSTANCES):
        try:
            schema = _columns(cursor, View(name))
        except ProgrammingError as error:
            if not _says_absent(error):
                raise
        else:
            found.append(View(name, columns=len(schema) or None))
    return found


def _view_sets(cursor: Cursor) -> set[str]:
    try:
        return {name for (name,) in cursor.execute(_VIEW_SETS)}
    except ProgrammingError as error:
        if not _says_absent(error):
            raise
        return set(_ONLY_INSTANCES)


def _instance(cursor: Cursor, view_set: str) -> tuple[bool, int | None]:
    """Tell whether there is a view set, and how many columns its views have."""
    try:
        return True, len(_instance_schema(cursor, view_set, _NOBODY)) or None
    except ProgrammingError as error:
        # That nobody has this id is no news.
        return f"view set {view_set} not found" not in str(error), None


def _instance_schema(cursor: Cursor, view_set: str, instance: str) -> pa.Schema:
    cursor.execute(_COLUMNS_OF_INSTANCE, (view_set, instance), begin=_MOMENT, end=_MOMENT)
    return cursor.fetch_record_batch().schema


def _columns(cursor: Cursor, view: View) -> pa.Schema:
    return cursor.execute(_COLUMNS.format(_quoted(view))).fetch_record_batch().schema


def _told(schema: pa.Schema, name: str, cursor: Cursor) -> pa.Schema:
    """Refuse to take a result without columns for a view without any: JSON has none of no rows."""
    if not schema:
        raise NotSupportedError(
            f"this service does not tell the columns of {name} over this wire",
            query_id=cursor.query_id,
        )
    return schema


def _says_absent(error: ProgrammingError) -> bool:
    return "not found" in str(error)


def _quoted(view: View) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (view.schema, view.name))
