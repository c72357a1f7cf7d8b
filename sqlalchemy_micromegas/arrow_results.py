"""Results of SQLAlchemy as Arrow."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from sqlalchemy_micromegas.types import IntervalAsNumber

__all__ = ["fetch_arrow_table"]


def fetch_arrow_table(result: Any) -> pa.Table:
    """Give the whole result of a statement as a table, without making rows of it.

    Parameters
    ----------
    result : sqlalchemy.engine.CursorResult
        Of ``connection.execute()`` or ``exec_driver_sql()``, nothing of it fetched yet.

    Returns
    -------
    pyarrow.Table
        With the types of the wire: dictionaries, nanoseconds and zones kept. Intervals that the
        dialect sent as numbers, since the wire has no intervals, are durations again.

    Raises
    ------
    InterfaceError
        If part of the result was fetched already.
    DatabaseError
        If the result broke off.
    """
    table = result.cursor.fetch_arrow_table()
    compiled = result.context.compiled
    if compiled is None:
        return table
    types = [column[3] for column in compiled._result_columns]
    if len(types) != table.num_columns:  # a text, that told of fewer columns than it has
        return table
    for i, type_ in enumerate(types):
        as_number = isinstance(type_.dialect_impl(result.dialect), IntervalAsNumber)
        if as_number and pa.types.is_int64(table.schema.types[i]):
            durations = table.column(i).cast(pa.duration("ns"))
            table = table.set_column(i, table.schema.names[i], durations)
    return table
