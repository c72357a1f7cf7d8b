"""A session: its connection, its time range, and the statements that can be cancelled."""

from __future__ import annotations

from threading import Lock
from weakref import WeakSet

import pyarrow as pa

from micromegas_dbapi.arrow.rows import Timestamps
from micromegas_dbapi.connection import Connection
from micromegas_dbapi.cursor import Cursor
from micromegas_dbapi.harlequin.session_range import SessionRange
from micromegas_dbapi.harlequin.shown_values import shown_rows
from micromegas_dbapi.harlequin.type_labels import type_label

__all__ = ["Session", "SessionResult"]


class SessionResult:
    """The result of one statement. It can be read once.

    Parameters
    ----------
    cursor : Cursor
        After ``execute``.
    timestamps : {"datetime", "ns"}
        Show timestamps as text or as integer nanoseconds.

    Attributes
    ----------
    columns : list of (str, str)
        The name and the label of the type of each column.
    limit : int or None
        The maximum number of rows to read.
    """

    def __init__(self, cursor: Cursor, timestamps: Timestamps) -> None:
        described = cursor.description or ()
        self.columns = [(each.name, type_label(each.type_code.arrow_type)) for each in described]
        self.limit: int | None = None
        self._cursor = cursor
        self._timestamps = timestamps

    def read(self) -> pa.Table:
        """Read the rows. If there are more than the limit, the query is stopped.

        Returns
        -------
        pyarrow.Table
            As `shown_rows` converts it.

        Raises
        ------
        DatabaseError
            If the query fails or is cancelled.
        """
        with self._cursor as cursor:
            return shown_rows(cursor.fetch_record_batch(), self.limit, timestamps=self._timestamps)


class Session:
    """A connection with a time range that can be changed.

    Parameters
    ----------
    connection : Connection
        Threads share it: statements run in one thread, and the catalog is read in others.
    name : str
        A name for the service, without credentials.
    range_at_start : SessionRange
        The first range of the session.
    timestamps : {"datetime", "ns"}
        Show timestamps as text or as integer nanoseconds.

    Attributes
    ----------
    connection : Connection
        Runs the statements.
    name : str
        The name of the service.
    range_at_start : SessionRange
        The first range of the session.
    time_range : SessionRange
        The range of the statements from now on.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        range_at_start: SessionRange,
        timestamps: Timestamps,
    ) -> None:
        self.connection = connection
        self.name = name
        self.range_at_start = self.time_range = range_at_start
        self._timestamps = timestamps
        self._cursors: WeakSet[Cursor] = WeakSet()
        self._lock = Lock()

    def execute(self, sql: str) -> SessionResult:
        """Run a statement with the time range of the session.

        Parameters
        ----------
        sql : str
            One statement.

        Returns
        -------
        SessionResult
            Not read yet.

        Raises
        ------
        DatabaseError
            If the statement is wrong or fails, or is cancelled.
        """
        cursor = self.connection.cursor(**self.time_range.bounds)
        with self._lock:
            self._cursors.add(cursor)
        return SessionResult(cursor.execute(sql), self._timestamps)

    def cancel(self) -> None:
        """Cancel all statements that are running or being read; from any thread.

        The threads that wait for them get an OperationalError. The catalog is not affected.
        """
        with self._lock:
            cursors = list(self._cursors)
        for cursor in cursors:
            cursor.cancel()
