"""The official client's calls as SQL, for services that have no endpoints for them.

A service of 0.2 is asked for what the endpoints of its HTTP wire answer, one of 0.13 and newer for
what the official client of its age asks: all columns of the views, in a range of the service's.
Both in an order, which only the endpoints promise. What reads views was tried on DataFusion 43,
54 and 55.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from micromegas_dbapi.errors import DatabaseError, NotSupportedError, ProgrammingError, from_service
from micromegas_dbapi.service.catalog import LOOKUPS
from micromegas_dbapi.sql.column_queries import query_alone
from micromegas_dbapi.sql.lexer import IGNORED, disputed, tokens
from micromegas_dbapi.sql.literals import literal
from micromegas_dbapi.sql.parameters import bind
from micromegas_dbapi.timerange import ALL_TIME, Bound

__all__ = ["Asked", "asked", "failure", "refusal"]

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
# Both columns, in this order: older services heed no other choice.
_MATERIALIZE = "SELECT time, msg FROM materialize_partitions(?, ?, ?, ?)"
_RETIRE = "SELECT time, msg FROM retire_partitions(?, ?, ?, ?)"
# The statement stands in brackets, where it may have a WITH of its own, and keeps its order.
_VIEW = "WITH {name} AS (SELECT * FROM view_instance({view}, {instance})) ({query})"
# Where there is no parent, the endpoint answers with nothing, the view with an empty text.
_WRITTEN = {"parent_process_id": "nullif(parent_process_id, '') AS parent_process_id"}
_EXPLAINING = ("EXPLAIN", "DESCRIBE", "DESC", "ANALYZE", "VERBOSE")


class Asked(NamedTuple):
    """A statement and its time range, by default none, on purpose: never one that is inferred."""

    sql: str
    begin: Bound = ALL_TIME
    end: Bound = ALL_TIME


def asked(call: str, given: Mapping[str, Any], *, recent: bool) -> Asked:
    """Write a call as a statement.

    Parameters
    ----------
    call : str
        Its name, as the HTTP service has it.
    given : mapping
        Its arguments by the service's names; times as RFC 3339 text.
    recent : bool
        Whether the service is of 0.13 or newer.

    Raises
    ------
    ProgrammingError
        If an argument is missing that the HTTP service would miss.
    NotSupportedError
        If no service can do that by SQL.
    """
    return _CALLS[call](given, recent)


def _find_process(given: Mapping[str, Any], recent: bool) -> Asked:
    sql = _FIND_PROCESS.format(columns=_columns("find_process", recent))
    return Asked(bind(sql, [given["process_id"]]))


def _find_stream(given: Mapping[str, Any], recent: bool) -> Asked:
    sql = _FIND_STREAM.format(columns=_columns("find_stream", recent))
    return Asked(bind(sql, [given["stream_id"]]))


def _query_streams(given: Mapping[str, Any], recent: bool) -> Asked:
    begin, end = given["begin"], given["end"]
    if given["process_id"] is None and (begin is None or end is None):
        raise ProgrammingError(
            "Time range or process_id have to be provided: give both begin and end, or process_id"
        )
    wanted = {_OF_PROCESS: given["process_id"], _TAGGED: given["tag_filter"]}
    if not recent:  # newer services take the range for the streams' whole lives
        wanted |= {_SINCE: begin, _BEFORE: end}
    conditions = {text: value for text, value in wanted.items() if value is not None}
    sql = _STREAMS.format(
        columns=_columns("query_streams", recent),
        conditions=" WHERE " + " AND ".join(conditions) if conditions else "",
    )
    return _within(given, bind(sql, [*conditions.values(), given["limit"]]))


def _query_blocks(given: Mapping[str, Any], recent: bool) -> Asked:
    columns, stream = _columns("query_blocks", recent), given["stream_id"]
    if not recent:  # the endpoint looks at nothing but the stream
        return Asked(bind(_BLOCKS.format(columns=columns), [stream]))
    sql = bind(_SOME_BLOCKS.format(columns=columns), [stream, given["limit"]])
    return _within(given, sql)


def _query_partitions(given: Mapping[str, Any], recent: bool) -> Asked:
    return Asked(_PARTITIONS)


def _materialize_partitions(given: Mapping[str, Any], recent: bool) -> Asked:
    if given["view_instance_id"] != "global":
        raise NotSupportedError(
            f"view_instance_id={given['view_instance_id']!r}: only the HTTP service materializes "
            "it; newer ones do that for 'global', and make other instances when they are queried",
            retryable=False,
        )
    names = "view_set_name", "begin", "end", "partition_delta_seconds"
    return Asked(bind(_MATERIALIZE, [given[name] for name in names]))


def _retire_partitions(given: Mapping[str, Any], recent: bool) -> Asked:
    names = "view_set_name", "view_instance_id", "begin", "end"
    return Asked(bind(_RETIRE, [given[name] for name in names]))


def _query_view(given: Mapping[str, Any], recent: bool) -> Asked:
    sql, view = given["sql"], given["view_set_name"]
    at = _behind_explain(sql)
    query = query_alone(sql[at:])
    if query is None:  # DESCRIBE of a view, SHOW
        return _within(given, sql)
    if differing := disputed(sql):  # what one of them reads may stand outside of the instance
        raise ProgrammingError(
            f"the statement has {differing}: what it reads depends on the engine", sql=sql
        )
    if _reaches_around(query, view):
        raise ProgrammingError(
            f"public.{view} would be all of the view, not the instance: write {view}", sql=sql
        )
    seen = _VIEW.format(
        name='"' + view.replace('"', '""') + '"',
        view=literal(view, "view_set_name"),
        instance=literal(given["view_instance_id"], "view_instance_id"),
        query=query,
    )
    return _within(given, sql[:at] + seen)


_CALLS: dict[str, Callable[[Mapping[str, Any], bool], Asked]] = {
    "find_process": _find_process,
    "find_stream": _find_stream,
    "query_streams": _query_streams,
    "query_blocks": _query_blocks,
    "query_partitions": _query_partitions,
    "query_view": _query_view,
    "materialize_partitions": _materialize_partitions,
    "retire_partitions": _retire_partitions,
}


def _columns(call: str, recent: bool) -> str:
    if recent:
        return "*"
    return ", ".join(_WRITTEN.get(name, name) for name in LOOKUPS[call].names)


def _within(given: Mapping[str, Any], sql: str) -> Asked:
    return Asked(sql, given["begin"] or ALL_TIME, given["end"] or ALL_TIME)


def _behind_explain(sql: str) -> int:
    """Tell where a statement begins that may stand behind EXPLAIN or DESCRIBE."""
    before = ""
    for part in tokens(sql):
        if part.kind in IGNORED:
            continue
        word = sql[part.start : part.end].upper()
        if before != "FORMAT" and word not in (*_EXPLAINING, "FORMAT"):
            return part.start
        before = word
    return len(sql)


def _reaches_around(sql: str, view: str) -> bool:
    """Tell whether a view is named by its schema, which WITH does not stand in for."""
    parts = [part for part in tokens(sql) if part.kind not in IGNORED]
    names = [sql[p.start : p.end] for p in parts]
    names = [
        n.lower() if p.kind == "word" else n.strip('"`') for p, n in zip(parts, names, strict=True)
    ]
    return any(names[at : at + 3] == ["public", ".", view] for at in range(len(names)))


# -- what a service makes of it ------------------------------------------------------------------


def failure(call: str, line: str) -> DatabaseError | None:
    """Give the error that a line of progress tells of: a service fails with its last line."""
    return from_service(line) if line.startswith(f"{call}_impl\n\nCaused by:\n") else None


def refusal(call: str, error: DatabaseError) -> NotSupportedError | None:
    """Say what to use instead, where a service does not have a call; None of other errors."""
    function = "list_partitions" if call == "query_partitions" else call
    if f"table function '{function}' not found" in str(error):
        admins = "" if call == "query_partitions" else ", newer ones for administrators"
        instead = (
            f"this service has no {function}() for this user: services have it since 0.3{admins}; "
            f"one of 0.2 has {call} at its HTTP address (http://host:8082/)"
        )
    elif isinstance(error, NotSupportedError) and f"'{function}' is not allowed" in str(error):
        instead = (
            f"the web app does not allow {function}(): connect to the service by FlightSQL "
            "(grpc://host:50051)"
        )
    else:
        return None
    refused = NotSupportedError(instead, retryable=False)
    refused.sql, refused.query_id, refused.status = error.sql, error.query_id, error.status
    return refused
