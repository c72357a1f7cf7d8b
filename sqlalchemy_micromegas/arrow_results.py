"""Return results of SQLAlchemy as Arrow tables, also for `micromegas_dbapi.read_sql`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from sqlalchemy.engine import Connection, Engine

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.pandas import read_arrow
from micromegas_dbapi.sql.parameters import Parameters, bind
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import Bound
from sqlalchemy_micromegas.types import IntervalAsNumber

__all__ = ["fetch_arrow_table"]


def fetch_arrow_table(result: Any) -> pa.Table:
    """Return the complete result of a statement as a table, without creating rows.

    Parameters
    ----------
    result : sqlalchemy.engine.CursorResult
        Of ``connection.execute()`` or ``exec_driver_sql()``; nothing of it was fetched yet.

    Returns
    -------
    pyarrow.Table
        With the types that the service sent: dictionaries, nanoseconds and time zones are kept.
        Intervals that the dialect sent as numbers, because the protocol has no intervals, are
        durations again.

    Raises
    ------
    InterfaceError
        If part of the result was already fetched.
    DatabaseError
        If the result ends early.
    """
    table = result.cursor.fetch_arrow_table()
    compiled = result.context.compiled
    if compiled is None:
        return table
    types = [column[3] for column in compiled._result_columns]
    if len(types) != table.num_columns:  # a text() that declares fewer columns than it returns
        return table
    for i, type_ in enumerate(types):
        as_number = isinstance(type_.dialect_impl(result.dialect), IntervalAsNumber)
        if as_number and pa.types.is_int64(table.schema.types[i]):
            durations = table.column(i).cast(pa.duration("ns"))
            table = table.set_column(i, table.schema.names[i], durations)
    return table


# The driver does not import SQLAlchemy, so the dialect registers what can be read from.


@read_arrow.register(Engine)
def _of_engine(engine: Engine, sql: Any, params: Parameters, begin: Bound, end: Bound) -> pa.Table:
    _check_dialect(engine)
    with engine.connect() as connection:
        return _of_connection(connection, sql, params, begin, end)


@read_arrow.register(Connection)
def _of_connection(
    connection: Connection, sql: Any, params: Parameters, begin: Bound, end: Bound
) -> pa.Table:
    _check_dialect(connection)
    bounds = {"micromegas_begin": begin, "micromegas_end": end}
    options = {name: bound for name, bound in bounds.items() if bound is not None}
    if isinstance(sql, str):
        result = connection.exec_driver_sql(
            bind(Statement(sql), params).text, execution_options=options
        )
    elif params is None or isinstance(params, Mapping):
        result = connection.execute(sql.execution_options(**options), dict(params or {}))
    else:
        raise ProgrammingError(
            f"params is of type {type(params).__name__}; accepted with a statement of SQLAlchemy: "
            "a mapping"
        )
    try:
        return fetch_arrow_table(result)
    finally:
        result.close()


def _check_dialect(source: Engine | Connection) -> None:
    if source.dialect.name != "micromegas":
        raise ProgrammingError(
            f"the connection uses the dialect {source.dialect.name}; accepted: micromegas"
        )
