"""DataFrames by way of Arrow: read_sql(), and the registration that gives pandas' own that way.

Neither pandas nor SQLAlchemy is imported before it is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from micromegas_dbapi.connection import Connection
from micromegas_dbapi.errors import NotSupportedError, ProgrammingError
from micromegas_dbapi.sql.parameters import Parameters, bind
from micromegas_dbapi.timerange import Bound

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_sql", "register_with_pandas"]


def read_sql(
    sql: Any,
    connection: Any,
    *,
    params: Parameters = None,
    begin: Bound = None,
    end: Bound = None,
) -> pd.DataFrame:
    """Run a statement and give its result as a DataFrame, without making Python rows of it.

    Parameters
    ----------
    sql : str, or a statement of SQLAlchemy
        A text has ``?`` or ``:name`` markers, as for `Cursor.execute`; a statement of SQLAlchemy
        needs an engine or a connection of SQLAlchemy.
    connection : Connection, sqlalchemy.engine.Engine or sqlalchemy.engine.Connection
        An engine lends a connection for this statement alone.
    params : sequence, mapping or None
        The values of the markers; for a statement of SQLAlchemy a mapping.
    begin, end : Bound
        The time range, both ends included; what is not given here is taken from the statement's,
        the connection's or the engine's options, as for any statement.

    Returns
    -------
    pandas.DataFrame
        As of `Cursor.fetch_df`: timestamps in nanoseconds, dictionaries as categories, duplicate
        names kept. Types are those of Arrow: what a type of SQLAlchemy would make of a value in
        rows, dicts of `Properties` for example, is not done here.

    Raises
    ------
    ProgrammingError
        If `connection` is of another kind, or statement, parameters or bounds are wrong.
    NotSupportedError
        If pandas is not installed.
    DataError
        If pandas cannot hold a value.
    sqlalchemy.exc.DBAPIError
        With SQLAlchemy: around the driver's error, as SQLAlchemy has it.
    """
    from micromegas_dbapi.arrow.pandas_frames import to_pandas  # without pandas, nothing is sent

    if isinstance(connection, Connection):
        with connection.cursor() as cursor:
            return cursor.execute(sql, params, begin=begin, end=end).fetch_df()
    engine = sys.modules.get("sqlalchemy.engine")
    if engine is not None and isinstance(connection, engine.Engine):
        _of_micromegas(connection)
        with connection.connect() as lent:
            return read_sql(sql, lent, params=params, begin=begin, end=end)
    if engine is None or not isinstance(connection, engine.Connection):
        raise ProgrammingError(
            f"the connection is of type {type(connection).__name__}; accepted: a connection of "
            "micromegas_dbapi, an engine or a connection of SQLAlchemy"
        )
    _of_micromegas(connection)
    from sqlalchemy_micromegas.arrow_results import fetch_arrow_table

    given = {"micromegas_begin": begin, "micromegas_end": end}
    options = {name: bound for name, bound in given.items() if bound is not None}
    if isinstance(sql, str):
        result = connection.exec_driver_sql(bind(sql, params), execution_options=options)
    elif params is None or isinstance(params, Mapping):
        result = connection.execute(sql.execution_options(**options), dict(params or {}))
    else:
        raise ProgrammingError(
            f"params is of type {type(params).__name__}; accepted with a statement of SQLAlchemy: "
            "a mapping"
        )
    try:
        return to_pandas(fetch_arrow_table(result))
    finally:
        result.close()


def _of_micromegas(connection: Any) -> None:
    if connection.dialect.name != "micromegas":
        raise ProgrammingError(
            f"the connection is one of {connection.dialect.name}; accepted: micromegas"
        )


def register_with_pandas() -> None:
    """Let ``pandas.read_sql(sql, connection)`` itself take the way of `read_sql`.

    pandas takes the results of ADBC's connections as Arrow; this enters the driver's connections
    among them, for the whole process. Engines and connections of SQLAlchemy stay as they were.

    Notes
    -----
    On this way pandas has neither ``params`` nor ``chunksize`` (it raises NotImplementedError),
    which is why it is not done unasked: give the values to `read_sql`, or to a cursor.

    Raises
    ------
    NotSupportedError
        If pandas is older than 2.2, which knows no ADBC, or adbc-driver-manager is missing.
    """
    try:
        import pandas as pd

        version = tuple(int(part) for part in pd.__version__.split(".")[:2])
        if version < (2, 2):
            raise NotSupportedError(
                f"pandas {pd.__version__} does not take Arrow from a connection; accepted: 2.2 "
                "and newer, or micromegas_dbapi.read_sql() with any"
            )
        from adbc_driver_manager import dbapi
    except ImportError as error:
        raise NotSupportedError(
            "register_with_pandas() needs pandas and adbc-driver-manager: "
            f"pip install 'micromegas-dbapi[pandas-arrow]' ({error})"
        ) from error
    dbapi.Connection.register(Connection)
