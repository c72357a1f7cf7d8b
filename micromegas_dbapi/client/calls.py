"""The official client's calls, on a connection of any kind.

A service that has endpoints for them is asked there, as is a lake of its age, any other by SQL.
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

__all__ = ["answer", "progress"]


def answer(connection: Connection, name: str, payload: dict[str, Any]) -> pa.Table:
    """Make a call that answers with a table.

    Parameters
    ----------
    connection : Connection
    name : str
        As the HTTP service has it.
    payload : dict
        The arguments by the service's names; times as RFC 3339 text.

    Returns
    -------
    pyarrow.Table
        Of nothing with its columns too, which an endpoint leaves out.

    Raises
    ------
    NotSupportedError
        If the service cannot do that; it says what to use instead.
    DatabaseError
    """
    endpoints = _endpoints(connection)
    if endpoints is None:
        table = _ask(connection, name, payload).fetch_arrow_table()
        return _plain(table) if name in LOOKUPS else table
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


def progress(connection: Connection, name: str, payload: dict[str, Any]) -> Iterator[str]:
    """Make a call that works for a while, and give each line of progress as it comes.

    Parameters
    ----------
    connection, name, payload
        As for `answer`.

    Raises
    ------
    DatabaseError
        Also where it fails on the way, after lines of progress.
    """
    endpoints = _endpoints(connection)
    if endpoints is not None:
        yield from endpoints.progress(name, payload, query_id=str(uuid.uuid4()))
        return
    with _ask(connection, name, payload) as cursor:
        for _, line in cursor:
            if (error := call_sql.failure(name, line)) is not None:
                error.query_id = cursor.query_id
                raise error
            yield line


def _endpoints(connection: Connection) -> Endpoints | None:
    """Give what has the calls themselves; None where they are made by SQL.

    A lake with the views of newer services answers as these do.
    """
    old = connection.service.generation == HTTP
    transport = connection._transport_in_use()
    return transport if old and isinstance(transport, Endpoints) else None


def _ask(connection: Connection, name: str, payload: dict[str, Any]) -> Cursor:
    recent = connection.service.generation == RECENT
    sql, begin, end = call_sql.asked(name, payload, recent=recent)
    try:
        return connection.execute(sql, begin=begin, end=end)
    except DatabaseError as error:
        if (refusal := call_sql.refusal(name, error)) is not None:
            raise refusal from error
        raise


def _plain(table: pa.Table) -> pa.Table:
    """Give what is looked up as endpoints do: without dictionaries, and any value may be null."""
    schema = pa.schema([field.with_nullable(True) for field in decoded_schema(table.schema)])
    return pa.Table.from_batches([decode_batch(b, schema) for b in table.to_batches()], schema)
