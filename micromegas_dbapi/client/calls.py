"""Make the official client's calls on any connection.

Services of 0.1 and lakes of that age have endpoints for the calls; for others they become SQL.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from micromegas_dbapi.arrow.dictionary_decoding import decode_batch, decoded_schema
from micromegas_dbapi.arrow.handover import consolidated_table
from micromegas_dbapi.client import call_sql
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.errors import DatabaseError, Error
from micromegas_dbapi.service import HTTP, RECENT
from micromegas_dbapi.service.catalog import LOOKUPS
from micromegas_dbapi.transport.protocol import Endpoints

__all__ = ["fetch_table", "stream_progress"]


def fetch_table(connection: Connection, name: str, payload: dict[str, Any]) -> pa.Table:
    """Make a call that returns a table.

    Parameters
    ----------
    connection : Connection
        To a service or a lake.
    name : str
        The name of the endpoint of the HTTP service.
    payload : dict
        The arguments by the names of that endpoint; times as RFC 3339 strings.

    Returns
    -------
    pyarrow.Table
        An empty result has its columns, too, although endpoints omit them.

    Raises
    ------
    NotSupportedError
        If the service does not have the call. The message says what to use instead.
    DatabaseError
        If the call fails.
    """
    endpoints = _endpoints(connection)
    if endpoints is None:
        table = _execute(connection, name, payload).fetch_arrow_table()
        return _as_endpoint(table) if name in LOOKUPS else table
    query_id = str(uuid.uuid4())
    try:
        reader = endpoints.call(name, payload, sql=payload.get("sql"), query_id=query_id)
        table = consolidated_table(reader)
    except Error as error:
        error.query_id = error.query_id or query_id
        raise
    if not table.num_columns and name in LOOKUPS:
        return LOOKUPS[name].empty_table()
    return table


def stream_progress(connection: Connection, name: str, payload: dict[str, Any]) -> Iterator[str]:
    """Make a call that takes a while, and yield its lines of progress.

    Parameters
    ----------
    connection : Connection
        As for `fetch_table`.
    name : str
        As for `fetch_table`.
    payload : dict
        As for `fetch_table`.

    Yields
    ------
    str
        A line, when it arrives.

    Raises
    ------
    NotSupportedError
        If the service does not have the call. The message says what to use instead.
    DatabaseError
        If the call fails, possibly after lines of progress.
    """
    endpoints = _endpoints(connection)
    if endpoints is not None:
        yield from endpoints.progress(name, payload, query_id=str(uuid.uuid4()))
        return
    with _execute(connection, name, payload) as cursor:
        for _, line in cursor:
            if (error := call_sql.progress_error(name, line)) is not None:
                error.query_id = cursor.query_id
                raise error
            yield line


def _endpoints(connection: Connection) -> Endpoints | None:
    """Return the transport if it has endpoints for the calls; None if they become SQL.

    A lake with the views of newer services works like these.
    """
    old = connection.service.generation == HTTP
    transport = connection.transport
    return transport if old and isinstance(transport, Endpoints) else None


def _execute(connection: Connection, name: str, payload: dict[str, Any]) -> Cursor:
    recent = connection.service.generation == RECENT
    sql, begin, end = call_sql.call_statement(name, payload, recent=recent)
    try:
        return connection.execute(sql, begin=begin, end=end)
    except DatabaseError as error:
        if (unavailable := call_sql.unavailable_call(name, error)) is not None:
            raise unavailable from error
        raise


def _as_endpoint(table: pa.Table) -> pa.Table:
    """Return a table as endpoints do: without dictionaries, with columns that may be null."""
    schema = pa.schema([field.with_nullable(True) for field in decoded_schema(table.schema)])
    return pa.Table.from_batches([decode_batch(b, schema) for b in table.to_batches()], schema)
