"""Arrow tables of SQLAlchemy results."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from sqlalchemy_micromegas.types import IntervalAsNumber

__all__ = ["fetch_arrow_table"]


def fetch_arrow_table(result: Any) -> pa.Table:
    """Fetch the whole result of a statement as a table, without creating rows.

    Parameters
    ----------
    result : sqlalchemy.engine.CursorResult
        The result of ``connection.execute()`` or ``exec_driver_sql()``, not fetched from yet.

    Returns
    -------
    pyarrow.Table
        With the types that the service sent, including dictionaries, nanoseconds and time zones.
        Intervals are durations if the protocol cannot transfer intervals.

    Raises
    ------
    InterfaceError
        If part of the result was already fetched.
    DatabaseError
        If the result is incomplete or cannot be read.
    """
    table = result.cursor.fetch_arrow_table()
    compiled = result.context.compiled
    if compiled is None:
        return table
    types = [column[3] for column in compiled._result_columns]
    if len(types) != table.num_columns:  # text() that declares fewer columns than it has
        return table
    for i, type_ in enumerate(types):
        as_number = isinstance(type_.dialect_impl(result.dialect), IntervalAsNumber)
        if as_number and pa.types.is_int64(table.schema.types[i]):
            durations = table.column(i).cast(pa.duration("ns"))
            table = table.set_column(i, table.schema.names[i], durations)
    return table
