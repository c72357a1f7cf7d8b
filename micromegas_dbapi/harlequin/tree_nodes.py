"""The catalog as a tree: views with their columns, and the instances of view sets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import pyarrow as pa

from micromegas_dbapi.cli.commands.tables import View, instance_schema, list_views, view_schema
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.errors import DatabaseError
from micromegas_dbapi.harlequin.type_labels import type_label
from micromegas_dbapi.service.catalog import INSTANCE_SCHEMAS
from micromegas_dbapi.service.descriptions import COLUMN_COMMENTS, INSTANCE_IDS, VIEW_COMMENTS
from micromegas_dbapi.sql.literals import literal
from micromegas_dbapi.timerange import ALL_TIME

__all__ = ["MAX_INSTANCES", "TreeNode", "child_nodes", "select_text", "view_nodes"]

#: How many instances of a view set are listed, those of the newest processes.
MAX_INSTANCES = 50

_PROCESSES = """\
SELECT process_id, exe, computer, start_time FROM processes
ORDER BY start_time DESC NULLS LAST, process_id LIMIT ?"""
_THREADS = """\
SELECT s.stream_id, property_get(s.properties, 'thread-name') AS thread, p.exe, p.start_time
FROM streams AS s JOIN processes AS p ON s.process_id = p.process_id
WHERE array_has(s.tags, 'cpu') ORDER BY p.start_time DESC NULLS LAST, s.stream_id LIMIT ?"""

# Words that the parser of DataFusion, or a reader, could take for something else than a name.
_WORDS = """
    all and anti any array as asc asof begin between both by case cast cluster connect cross
    current_date current_time current_timestamp default desc distinct distribute drop else end
    escape except exists explain extract fetch filter final for from full global grant group having
    if ilike in inner insert intersect interval into is join lateral left like limit match_recognize
    minus natural not null nulls offset on or order outer over overlay partition pivot position
    prewhere qualify range replace right rlike rows sample select semi set settings similar some
    sort start substring table tablesample then timestamp top trim true false try_cast union unnest
    unpivot update using values view when where window with within
"""
_RESERVED = frozenset(_WORDS.split())

Kind: TypeAlias = Literal["view", "column", "instances", "instance"]


@dataclass(frozen=True)
class TreeNode:
    """A node of the tree.

    Attributes
    ----------
    kind : {"view", "column", "instances", "instance"}
        What it is. ``instances`` is the folder of the instances of a view set.
    view : View
        The view or view set that it belongs to.
    label : str
        Its name.
    sql : str
        What is inserted into a statement.
    type_label : str
        One to three characters.
    type_name : str
        The full name of its type.
    comment : str
        One line; empty if there is none.
    since : int or None
        When the process of an instance started, in nanoseconds since the epoch.
    """

    kind: Kind
    view: View = field(repr=False)
    label: str
    sql: str
    type_label: str
    type_name: str
    comment: str = ""
    since: int | None = None

    @property
    def identifier(self) -> str:
        """What identifies it in the tree."""
        inner = f".{self.kind}.{self.sql}" if self.kind != "view" else ""
        return f"{self.view.schema}.{self.view.name}{inner}"


def view_nodes(connection: Connection) -> list[TreeNode]:
    """List the views and view sets of a service.

    Parameters
    ----------
    connection : Connection
        To the service.

    Returns
    -------
    list of TreeNode
        Ordered by name; those in the default schema come first.

    Raises
    ------
    DatabaseError
        If a query fails.
    """
    return [_view_node(view) for view in list_views(connection.cursor(begin=ALL_TIME))]


def _view_node(view: View) -> TreeNode:
    schema = "" if view.schema == "public" else f"{_quoted(view.schema)}."
    instance = INSTANCE_IDS.get(view.name, "id").upper()
    sql = f"{schema}{_quoted(view.name)}"
    if view.is_set:
        sql = _instance(view.name, instance)
    kind, label = ("view set", "vs") if view.is_set else ("view", "v")
    return TreeNode("view", view, view.title, sql, label, kind, VIEW_COMMENTS.get(view.name, ""))


def child_nodes(connection: Connection, node: TreeNode) -> list[TreeNode]:
    """List what is below a node.

    Parameters
    ----------
    connection : Connection
        To the service.
    node : TreeNode
        Of this service.

    Returns
    -------
    list of TreeNode
        The columns of a view, and the folder of its instances if it has some; the instances of
        that folder, no more than `MAX_INSTANCES`; nothing below other nodes.

    Raises
    ------
    DatabaseError
        If a query fails.
    """
    cursor = connection.cursor(begin=ALL_TIME, timestamps="ns")
    if node.kind == "instances":
        return _instances(cursor, node.view)
    return _below_view(cursor, node.view) if node.kind == "view" else []


def select_text(node: TreeNode, columns: list[TreeNode]) -> str:
    """Return a statement that selects all columns of a view by name, each with its comment.

    Parameters
    ----------
    node : TreeNode
        A view or an instance.
    columns : list of TreeNode
        The nodes of its columns; others are left out.

    Returns
    -------
    str
        Several lines. Without columns, ``*`` is selected.
    """
    listed = [each for each in columns if each.kind == "column"]
    comma = ["," if number < len(listed) else "" for number in range(1, len(listed) + 1)]
    lines = [f"-- {node.label}: {node.comment}", "SELECT"] if node.comment else ["SELECT"]
    for each, end in zip(listed, comma, strict=True):
        comment = f"  -- {each.comment}" if each.comment else ""
        lines.append(f"  {each.sql}{end}{comment}")
    lines += [] if listed else ["  *"]
    return "\n".join([*lines, f"FROM {node.sql}", "LIMIT 100"])


def _below_view(cursor: Cursor, view: View) -> list[TreeNode]:
    schema = _schema_of_set(cursor, view) if view.is_set else view_schema(cursor, view)
    comments = COLUMN_COMMENTS.get(view.name, {})
    nodes = [
        TreeNode(
            "column",
            view,
            column.name,
            _quoted(column.name),
            type_label(column.type),
            str(column.type),
            comments.get(column.name, ""),
        )
        for column in schema
    ]
    if view.name in INSTANCE_IDS:
        title = "threads" if INSTANCE_IDS[view.name] == "stream_id" else "processes"
        sql = _instance(view.name, INSTANCE_IDS[view.name].upper())
        comment = f"instances of {view.name}: the newest {MAX_INSTANCES} {title}"
        nodes.append(TreeNode("instances", view, f"({title})", sql, "...", "instances", comment))
    return nodes


def _schema_of_set(cursor: Cursor, view: View) -> pa.Schema:
    """Return the columns of an instance; of the catalog, if there are no instances."""
    if view.name in INSTANCE_IDS:
        for id_, *_ in _ids(cursor, view, 1):
            try:
                return instance_schema(cursor, view.name, id_)
            except DatabaseError:  # this process has no such data
                break
    return INSTANCE_SCHEMAS.get(view.name, pa.schema([]))


def _ids(cursor: Cursor, view: View, limit: int) -> list[tuple[str, str, str, int]]:
    of_threads = INSTANCE_IDS[view.name] == "stream_id"
    return cursor.execute(_THREADS if of_threads else _PROCESSES, (limit,)).fetchall()


def _instances(cursor: Cursor, view: View) -> list[TreeNode]:
    of_threads = INSTANCE_IDS[view.name] == "stream_id"
    nodes = []
    for id_, first, second, start in _ids(cursor, view, MAX_INSTANCES):
        # The tree is sorted by label, so what belongs together comes first.
        exe, other = (second, first) if of_threads else (first, second)
        started = "" if start is None else _minute(start)
        program = re.split(r"[\\/]", exe or "")[-1]
        label = " ".join(part for part in (program, started, other, id_[:8]) if part)
        comment = f"{INSTANCE_IDS[view.name]} {id_}"
        sql = _instance(view.name, id_)
        nodes.append(TreeNode("instance", view, label, sql, "i", "view instance", comment, start))
    return nodes


def _minute(start: int) -> str:
    return str(pa.scalar(start, pa.timestamp("ns")).cast(pa.timestamp("s"), safe=False))[5:16]


def _instance(view_set: str, id_: str) -> str:
    return f"view_instance({literal(view_set, 'view set')}, {literal(id_, 'id')})"


def _quoted(name: str) -> str:
    simple = name.isidentifier() and name.islower() and name not in _RESERVED
    return name if simple else '"' + name.replace('"', '""') + '"'
