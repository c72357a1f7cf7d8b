"""Read results into pandas DataFrames by way of Arrow, without creating Python rows.

pandas is imported when it is needed, not before.
"""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import NotSupportedError, ProgrammingError
from micromegas_dbapi.sql.parameters import Parameters
from micromegas_dbapi.timerange import Bound

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_arrow", "read_sql", "register_with_pandas"]


def read_sql(
    sql: Any,
    connection: Any,
    *,
    params: Parameters = None,
    begin: Bound = None,
    end: Bound = None,
) -> pd.DataFrame:
    """Run a statement and return its result as a DataFrame.

    Parameters
    ----------
    sql : str or SQLAlchemy statement
        A string has ``?`` or ``:name`` placeholders, as for `Cursor.execute`. A SQLAlchemy
        statement needs a SQLAlchemy engine or connection.
    connection : Connection, sqlalchemy.engine.Engine or sqlalchemy.engine.Connection
        From an engine, a connection is taken for this statement only.
    params : sequence, mapping or None
        The values of the placeholders; for a SQLAlchemy statement a mapping.
    begin, end : Bound
        The time range, both bounds inclusive. A bound that is not set here is taken from the
        options of the statement, the connection or the engine, as for any statement.

    Returns
    -------
    pandas.DataFrame
        As of `Cursor.fetch_df`: timestamps in nanoseconds, dictionaries as categories, duplicate
        names kept. Types are those of Arrow; SQLAlchemy types do not convert the values, so
        `Properties`, for example, does not become dicts.

    Raises
    ------
    ProgrammingError
        If `connection` has another type, or if the statement, `params` or the bounds are wrong.
    NotSupportedError
        If pandas is not installed. Nothing is sent then.
    DataError
        If pandas cannot represent a value.
    sqlalchemy.exc.DBAPIError
        With SQLAlchemy: wraps the error of the driver.
    """
    from micromegas_dbapi.arrow.pandas_frames import to_pandas  # raises before anything is sent

    return to_pandas(read_arrow(connection, sql, params, begin, end))


@singledispatch
def read_arrow(connection: Any, sql: Any, params: Parameters, begin: Bound, end: Bound) -> pa.Table:
    """Run a statement and return its result as an Arrow table.

    A package whose connections can do that registers a function of these parameters for the type
    of its connections (``@read_arrow.register(Type)``); `read_sql` then accepts them.

    Parameters
    ----------
    connection : object
        Of a registered type.
    sql : str or object
        As for `read_sql`.
    params : sequence, mapping or None
        As for `read_sql`.
    begin, end : Bound
        As for `read_sql`.

    Returns
    -------
    pyarrow.Table
        The complete result.

    Raises
    ------
    ProgrammingError
        If no function is registered for the type of the connection.
    """
    raise ProgrammingError(
        f"the connection is of type {type(connection).__name__}; accepted: a connection of "
        "micromegas_dbapi, or an engine or connection of SQLAlchemy's micromegas dialect"
    )


@read_arrow.register(Connection)
def _of_driver(
    connection: Connection, sql: Any, params: Parameters, begin: Bound, end: Bound
) -> pa.Table:
    with connection.cursor() as cursor:
        return cursor.execute(sql, params, begin=begin, end=end).fetch_arrow_table()


def register_with_pandas() -> None:
    """Make ``pandas.read_sql(sql, connection)`` read Arrow, as `read_sql` does.

    pandas reads the results of ADBC connections as Arrow. This registers the connections of the
    driver as such, for the whole process. SQLAlchemy engines and connections are not affected.

    Notes
    -----
    It is opt-in because pandas rejects ``params`` and ``chunksize`` on this path (with
    NotImplementedError). Pass parameters to `read_sql` or to a cursor instead.

    Raises
    ------
    NotSupportedError
        If pandas is older than 2.2, which does not support ADBC, or if adbc-driver-manager is not
        installed.
    """
    try:
        import pandas as pd

        version = tuple(int(part) for part in pd.__version__.split(".")[:2])
        if version < (2, 2):
            raise NotSupportedError(
                f"pandas {pd.__version__} cannot read Arrow from a connection; accepted: 2.2 "
                "and newer, or micromegas_dbapi.read_sql() with any version"
            )
        from adbc_driver_manager import dbapi
    except ImportError as error:
        raise NotSupportedError(
            "register_with_pandas() needs pandas and adbc-driver-manager: "
            f"pip install 'micromegas-dbapi[pandas-arrow]' ({error})"
        ) from error
    dbapi.Connection.register(Connection)
