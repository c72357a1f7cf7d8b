"""Query view instances of a process or stream, and report ids that do not exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import pyarrow as pa

from micromegas_dbapi.client.call_arguments import uuid_string
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import DatabaseError, ProgrammingError
from micromegas_dbapi.timerange import ALL_TIME

__all__ = ["THREADS_HINT", "parse_process_id", "parse_stream_id", "query_process"]

_PROCESS = "SELECT process_id FROM processes WHERE process_id = ? LIMIT 1"

_PROCESSES_HINT = "`micromegas-sql processes` lists them"
#: How to find the streams that are threads.
THREADS_HINT = (
    "`micromegas-sql \"SELECT stream_id FROM streams WHERE array_has(tags, 'cpu')\"` lists the "
    "threads"
)


def parse_process_id(text: str) -> str:
    """Parse the argument PROCESS_ID.

    Parameters
    ----------
    text : str
        A UUID in any notation.

    Returns
    -------
    str
        The UUID as services write it.

    Raises
    ------
    ProgrammingError
        If it is not a UUID.
    """
    return _parse_id(text, "PROCESS_ID", _PROCESSES_HINT)


def parse_stream_id(text: str) -> str:
    """Parse the argument STREAM_ID.

    Parameters
    ----------
    text : str
        A UUID in any notation.

    Returns
    -------
    str
        The UUID as services write it.

    Raises
    ------
    ProgrammingError
        If it is not a UUID.
    """
    return _parse_id(text, "STREAM_ID", THREADS_HINT)


def _parse_id(text: str, name: str, hint: str) -> str:
    try:
        return uuid_string(text, name)
    except ProgrammingError as error:
        raise ProgrammingError(f"invalid {name} {text!r}: expected a UUID; {hint}") from error


def query_process(
    connection: Connection, process_id: str, sql: str, parameters: Sequence[object]
) -> tuple[pa.RecordBatchReader, bool]:
    """Run a statement on a view instance of a process.

    Parameters
    ----------
    connection : Connection
        To the service.
    process_id : str
        The process that the instance belongs to.
    sql : str
        The statement, with a ``?`` for each parameter.
    parameters : sequence of object
        The values of the parameters.

    Returns
    -------
    result : pyarrow.RecordBatchReader
        The rows.
    empty : bool
        Whether there are no rows.

    Raises
    ------
    ProgrammingError
        If there is no such process.
    DatabaseError
        If the service reports another error.
    """
    cursor = connection.cursor()
    try:
        reader = cursor.execute(sql, parameters).fetch_record_batch()
        first: list[pa.RecordBatch] = []
        # Some services report only with the first rows that there is no such process.
        for batch in reader:
            first.append(batch)
            if batch.num_rows:
                break
    except DatabaseError as error:
        # Services report it in many ways, down to "Error executing plan", so this asks for it.
        if _is_unknown(connection, process_id):
            raise ProgrammingError(
                f"there is no process {process_id}; {_PROCESSES_HINT}", query_id=cursor.query_id
            ) from error
        raise
    empty = not any(batch.num_rows for batch in first)

    def _batches() -> Iterator[pa.RecordBatch]:
        yield from chain(first, reader)

    return pa.RecordBatchReader.from_batches(reader.schema, _batches()), empty


def _is_unknown(connection: Connection, process_id: str) -> bool:
    try:
        return connection.execute(_PROCESS, (process_id,), begin=ALL_TIME).fetchone() is None
    except DatabaseError:  # the first error is the one to report
        return False
