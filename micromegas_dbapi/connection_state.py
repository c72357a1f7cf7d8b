"""State that a connection shares with its cursors, with the queries that are running."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from micromegas_dbapi.arrow.readers import reading_error
from micromegas_dbapi.arrow.rows import Timestamps
from micromegas_dbapi.errors import Error, InterfaceError
from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.query import Query
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.row_factories import RowFactory
from micromegas_dbapi.sql.mixed_types import Reaction
from micromegas_dbapi.transport.protocol import Limits, Transport

__all__ = ["ConnectionState", "check_row_factory", "check_timestamps", "refuse_copy"]


class ConnectionState:
    """The transport of a connection, the settings of its statements, and its running queries.

    Parameters
    ----------
    transport : Transport
        Belongs to this object, which closes it.
    ranges : Ranges
        Chooses the time range of each statement.
    timestamps : {"datetime", "ns"}
        What timestamps become in rows.
    on_mixed_types : {"ignore", "warn", "error"}
        What to do about a statement that mixes types.
    limits : Limits
        Of the size of each result.
    row_factory : {"tuple", "namedtuple", "dict"}
        What a row is.

    Attributes
    ----------
    closed : bool
        Whether the connection is closed.

    Raises
    ------
    ProgrammingError
        If `timestamps` or `row_factory` has another value.
    """

    __slots__ = (
        "_lock",
        "_queries",
        "_transport",
        "closed",
        "limits",
        "on_mixed_types",
        "ranges",
        "row_factory",
        "timestamps",
    )

    def __init__(
        self,
        transport: Transport,
        ranges: Ranges,
        timestamps: Timestamps,
        on_mixed_types: Reaction,
        limits: Limits,
        row_factory: RowFactory | type = "tuple",
    ) -> None:
        self._transport = transport
        self.closed = False
        self.ranges = ranges
        self.timestamps = check_timestamps(timestamps)
        self.row_factory = check_row_factory(row_factory)
        self.on_mixed_types = on_mixed_types
        self.limits = limits
        # Weak: whoever forgets a cursor does not keep its result.
        self._queries: weakref.WeakSet[Query] = weakref.WeakSet()
        # Reentrant: a signal handler may run a statement, too. No finalizer takes it.
        self._lock = threading.RLock()

    @property
    def transport(self) -> Transport:
        """The open transport.

        Raises
        ------
        InterfaceError
            If the connection is closed.
        """
        self.check_open()
        return self._transport

    def check_open(self) -> None:
        """Check that the connection is open.

        Raises
        ------
        InterfaceError
            If it is closed.
        """
        if self.closed:
            raise InterfaceError("the connection is closed")

    @contextmanager
    def running(self, query: Query) -> Iterator[Query]:
        """Run a query in the block, and end it with the block's error.

        Parameters
        ----------
        query : Query
            Becomes known to the connection, whose `close` closes it.

        Yields
        ------
        Query
            The same.

        Raises
        ------
        Error
            The error of the block with the statement and the query id; or that of `Query.close`
            or `Query.cancel`, which another thread has called.
        InterfaceError
            If the connection is closed.
        """
        try:
            with self._lock:
                self.check_open()
                self._queries.add(query)
            yield query
        except Error as error:
            self.ranges.doubt()  # the statement may contradict what is known of the service
            raise query.fail(error)  # noqa: B904  (the same one, or that of another thread)
        except BaseException as error:
            failure = reading_error(error)
            if failure is not None:
                raise query.fail(failure)  # noqa: B904  (as above)
            query.fail(error)  # such as KeyboardInterrupt
            raise

    def close(self) -> None:
        """Close all queries and the transport. Calling it again has no effect."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            queries = list(self._queries)
        for query in queries:
            query.close("the connection was closed")
        self._transport.close()


def check_timestamps(value: Timestamps) -> Timestamps:
    """Check the option ``timestamps`` and return it.

    Parameters
    ----------
    value : {"datetime", "ns"}
        Any other value is an error.

    Returns
    -------
    str
        The value.

    Raises
    ------
    ProgrammingError
        If the value is not one of the two.
    """
    checked: Timestamps = OPTIONS["timestamps"].convert(value)
    return checked


def check_row_factory(value: RowFactory | type) -> RowFactory:
    """Check the option ``row_factory`` and return it.

    Parameters
    ----------
    value : {"tuple", "namedtuple", "dict"}
        Or the type itself. Any other value is an error.

    Returns
    -------
    str
        The value.

    Raises
    ------
    ProgrammingError
        If the value is not one of these.
    """
    checked: RowFactory = OPTIONS["row_factory"].convert(value)
    return checked


def refuse_copy(what: str, instead: str) -> NoReturn:
    """Raise the error for `copy` and `pickle` of something that belongs to its process.

    Parameters
    ----------
    what : str
        The object.
    instead : str
        What to copy instead.

    Raises
    ------
    InterfaceError
        Always.
    """
    raise InterfaceError(
        f"{what} cannot be copied or pickled, because it holds open connections: pass on {instead}",
        retryable=False,
    )
