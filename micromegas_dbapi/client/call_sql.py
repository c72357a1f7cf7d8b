"""Translate the official client's calls to SQL, for services that have no endpoints for them.

For services of 0.2, the statements return what the endpoints of the HTTP service return. For
services of 0.13 and newer, they are those of the official client of that age: all columns of the
views, within the time range that is sent along. Both are sorted, which only the endpoints promise.
The statements that read views were tested with DataFusion 43, 54 and 55.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from micromegas_dbapi.errors import DatabaseError, NotSupportedError, ProgrammingError, from_service
from micromegas_dbapi.service.catalog import LOOKUPS
from micromegas_dbapi.sql.column_queries import query_alone
from micromegas_dbapi.sql.literals import literal
from micromegas_dbapi.sql.parameters import Parameters, bind
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import ALL_TIME, Bound

__all__ = ["CallStatement", "call_statement", "progress_error", "unavailable_call"]

_FIND_PROCESS = "SELECT {columns} FROM processes WHERE process_id = ?"
_FIND_STREAM = "SELECT {columns} FROM streams WHERE stream_id = ?"
_STREAMS = "SELECT {columns} FROM streams{conditions} ORDER BY insert_time, stream_id LIMIT ?"
_SINCE = "insert_time >= CAST(? AS TIMESTAMP)"
_BEFORE = "insert_time < CAST(? AS TIMESTAMP)"
_OF_PROCESS, _TAGGED = "process_id = ?", "array_has(tags, ?)"
_BLOCKS = "SELECT {columns} FROM blocks WHERE stream_id = ? ORDER BY begin_time, block_id"
_SOME_BLOCKS = f"{_BLOCKS} LIMIT ?"
_PARTITIONS = (
    "SELECT * FROM list_partitions() "
    "ORDER BY view_set_name, view_instance_id, begin_insert_time, file_path"
)
# Both columns, in this order: older services ignore any other selection.
_MATERIALIZE = "SELECT time, msg FROM materialize_partitions(?, ?, ?, ?)"
_RETIRE = "SELECT time, msg FROM retire_partitions(?, ?, ?, ?)"
# In parentheses, the statement may have a WITH of its own, and it keeps its order.
_VIEW = "WITH {name} AS (SELECT * FROM view_instance({view}, {instance})) ({query})"
# Without a parent process, the endpoint returns null, the view an empty string.
_EXPRESSIONS = {"parent_process_id": "nullif(parent_process_id, '') AS parent_process_id"}
_EXPLAINING = ("EXPLAIN", "DESCRIBE", "DESC", "ANALYZE", "VERBOSE")


class CallStatement(NamedTuple):
    """A statement and its time range, which is never inferred.

    Attributes
    ----------
    sql : str
        The statement, with its parameters.
    begin, end : Bound
        `ALL_TIME` by default.
    """

    sql: str
    begin: Bound = ALL_TIME
    end: Bound = ALL_TIME


def call_statement(call: str, arguments: Mapping[str, Any], *, recent: bool) -> CallStatement:
    """Return the statement for a call.

    Parameters
    ----------
    call : str
        The name of the endpoint of the HTTP service.
    arguments : mapping
        By the names of that endpoint; times as RFC 3339 strings.
    recent : bool
        Whether the version of the service is 0.13 or newer.

    Returns
    -------
    CallStatement
        With the time range of the call.

    Raises
    ------
    ProgrammingError
        If an argument is missing that the HTTP service requires.
    NotSupportedError
        If no service can do that by SQL.
    """
    return _CALLS[call](arguments, recent)


def _find_process(arguments: Mapping[str, Any], recent: bool) -> CallStatement:
    sql = _FIND_PROCESS.format(columns=_columns("find_process", recent))
    return CallStatement(_bound(sql, [arguments["process_id"]]))


def _find_stream(arguments: Mapping[str, Any], recent: bool) -> CallStatement:
    sql = _FIND_STREAM.format(columns=_columns("find_stream", recent))
    return CallStatement(_bound(sql, [arguments["stream_id"]]))


def _query_streams(arguments: Mapping[str, Any], recent: bool) -> CallStatement:
    begin, end = arguments["begin"], arguments["end"]
    if arguments["process_id"] is None and (begin is None or end is None):
        raise ProgrammingError(
            "Time range or process_id have to be provided: pass both begin and end, or process_id"
        )
    filters = {_OF_PROCESS: arguments["process_id"], _TAGGED: arguments["tag_filter"]}
    if not recent:  # newer services filter by the lifetime of the streams
        filters |= {_SINCE: begin, _BEFORE: end}
    conditions = {text: value for text, value in filters.items() if value is not None}
    sql = _STREAMS.format(
        columns=_columns("query_streams", recent),
        conditions=" WHERE " + " AND ".join(conditions) if conditions else "",
    )
    return _within(arguments, _bound(sql, [*conditions.values(), arguments["limit"]]))


def _query_blocks(arguments: Mapping[str, Any], recent: bool) -> CallStatement:
    columns, stream = _columns("query_blocks", recent), arguments["stream_id"]
    if not recent:  # the endpoint ignores the other arguments
        return CallStatement(_bound(_BLOCKS.format(columns=columns), [stream]))
    sql = _bound(_SOME_BLOCKS.format(columns=columns), [stream, arguments["limit"]])
    return _within(arguments, sql)


def _query_partitions(arguments: Mapping[str, Any], recent: bool) -> CallStatement:
    return CallStatement(_PARTITIONS)


def _materialize_partitions(arguments: Mapping[str, Any], recent: bool) -> CallStatement:
    if arguments["view_instance_id"] != "global":
        raise NotSupportedError(
            f"view_instance_id={arguments['view_instance_id']!r}: only the HTTP service "
            "materializes it; other services accept 'global' and create other instances when they "
            "are queried",
            retryable=False,
        )
    names = "view_set_name", "begin", "end", "partition_delta_seconds"
    return CallStatement(_bound(_MATERIALIZE, [arguments[name] for name in names]))


def _retire_partitions(arguments: Mapping[str, Any], recent: bool) -> CallStatement:
    names = "view_set_name", "view_instance_id", "begin", "end"
    return CallStatement(_bound(_RETIRE, [arguments[name] for name in names]))


def _query_view(arguments: Mapping[str, Any], recent: bool) -> CallStatement:
    sql, view = arguments["sql"], arguments["view_set_name"]
    statement = Statement(sql)
    start = _start_after_explain(statement)
    query = query_alone(Statement(sql[start:]))
    if query is None:  # DESCRIBE of a view, SHOW
        return _within(arguments, sql)
    if differing := statement.disputed:  # one query engine may read outside of the instance
        raise ProgrammingError(
            f"the statement has {differing}: what it reads depends on the query engine", sql=sql
        )
    if _names_schema(Statement(query), view):
        raise ProgrammingError(
            f"public.{view} would be all of the view, not the instance: write {view}", sql=sql
        )
    restricted = _VIEW.format(
        name='"' + view.replace('"', '""') + '"',
        view=literal(view, "view_set_name"),
        instance=literal(arguments["view_instance_id"], "view_instance_id"),
        query=query,
    )
    return _within(arguments, sql[:start] + restricted)


_CALLS: dict[str, Callable[[Mapping[str, Any], bool], CallStatement]] = {
    "find_process": _find_process,
    "find_stream": _find_stream,
    "query_streams": _query_streams,
    "query_blocks": _query_blocks,
    "query_partitions": _query_partitions,
    "query_view": _query_view,
    "materialize_partitions": _materialize_partitions,
    "retire_partitions": _retire_partitions,
}


def _bound(sql: str, parameters: Parameters) -> str:
    return bind(Statement(sql), parameters).text


def _columns(call: str, recent: bool) -> str:
    if recent:
        return "*"
    return ", ".join(_EXPRESSIONS.get(name, name) for name in LOOKUPS[call].names)


def _within(arguments: Mapping[str, Any], sql: str) -> CallStatement:
    return CallStatement(sql, arguments["begin"] or ALL_TIME, arguments["end"] or ALL_TIME)


def _start_after_explain(statement: Statement) -> int:
    """Return the offset of a statement that may follow EXPLAIN or DESCRIBE."""
    before = ""
    for part in statement.code:
        word = statement.text_of(part).upper()
        if before != "FORMAT" and word not in (*_EXPLAINING, "FORMAT"):
            return part.start
        before = word
    return len(statement.text)


def _names_schema(statement: Statement, view: str) -> bool:
    """Return whether a view is named with its schema, which a WITH of its name cannot replace."""
    parts = statement.code
    names = [statement.text_of(p) for p in parts]
    names = [
        n.lower() if p.kind == "word" else n.strip('"`') for p, n in zip(parts, names, strict=True)
    ]
    return any(names[at : at + 3] == ["public", ".", view] for at in range(len(names)))


# -- responses -----------------------------------------------------------------------------------


def progress_error(call: str, line: str) -> DatabaseError | None:
    """Return the error in a line of progress: a service reports a failure as its last line.

    Parameters
    ----------
    call : str
        As for `call_statement`.
    line : str
        A line of progress.

    Returns
    -------
    DatabaseError or None
        None for a line that reports progress.
    """
    return from_service(line) if line.startswith(f"{call}_impl\n\nCaused by:\n") else None


def unavailable_call(call: str, error: DatabaseError) -> NotSupportedError | None:
    """Return an error that says what to use instead, if a service does not have a call.

    Parameters
    ----------
    call : str
        As for `call_statement`.
    error : DatabaseError
        Raised for the statement of the call.

    Returns
    -------
    NotSupportedError or None
        None if the call failed for another reason.
    """
    function = "list_partitions" if call == "query_partitions" else call
    if f"table function '{function}' not found" in str(error):
        admins = "" if call == "query_partitions" else ", recent ones for administrators only"
        message = (
            f"this service has no {function}() for this user: services have it since 0.3{admins}; "
            f"a service of 0.2 has {call} at its HTTP address (http://host:8082/)"
        )
    elif isinstance(error, NotSupportedError) and f"'{function}' is not allowed" in str(error):
        message = (
            f"the web app does not allow {function}(): connect to the service by FlightSQL "
            "(grpc://host:50051)"
        )
    else:
        return None
    return NotSupportedError(
        message, sql=error.sql, query_id=error.query_id, status=error.status, retryable=False
    )
