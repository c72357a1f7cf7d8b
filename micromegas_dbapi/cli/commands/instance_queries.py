"""Queries of what belongs to one process or stream, which may not exist."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from itertools import chain

import pyarrow as pa

from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import DatabaseError, ProgrammingError
from micromegas_dbapi.timerange import ALL_TIME

__all__ = ["identifier", "of_process"]

_PROCESS = "SELECT process_id FROM processes WHERE process_id = ? LIMIT 1"


def identifier(text: str, name: str) -> str:
    """Read the id of a process or stream, and give it as services write it.

    Parameters
    ----------
    text : str
        A UUID in any of its spellings.
    name : str
        Of the argument, for the error.

    Raises
    ------
    ProgrammingError
        If it is no UUID.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ProgrammingError(f"{name} is a UUID, not {text!r}") from None


def of_process(
    connection: Connection, process: str, sql: str, parameters: Sequence[object]
) -> tuple[pa.RecordBatchReader, bool]:
    """Run a statement on an instance that belongs to a process.

    Parameters
    ----------
    connection : Connection
    process : str
        Its id.
    sql, parameters
        As for `Cursor.execute`.

    Returns
    -------
    result : pyarrow.RecordBatchReader
    empty : bool
        Whether it has no rows.

    Raises
    ------
    ProgrammingError
        If there is no such process.
    DatabaseError
        What else the service reports.
    """
    cursor = connection.cursor()
    try:
        reader = cursor.execute(sql, parameters).fetch_record_batch()
        begin: list[pa.RecordBatch] = []
        # Some services report only with the first rows that there is no such process.
        for batch in reader:
            begin.append(batch)
            if batch.num_rows:
                break
    except DatabaseError as error:
        # What services say of it differs, down to "Error executing plan": so they are asked.
        if _is_unknown(connection, process):
            raise ProgrammingError(
                f"no process has the id {process}; 'micromegas-sql processes' lists them",
                query_id=cursor.query_id,
            ) from error
        raise
    empty = not any(batch.num_rows for batch in begin)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from chain(begin, reader)

    return pa.RecordBatchReader.from_batches(reader.schema, batches()), empty


def _is_unknown(connection: Connection, process: str) -> bool:
    try:
        return connection.execute(_PROCESS, (process,), begin=ALL_TIME).fetchone() is None
    except DatabaseError:  # then the first error is the one to tell
        return False
