"""The interface between cursors and transports: a request in, Arrow batches out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypedDict, runtime_checkable

import pyarrow as pa

from micromegas_dbapi.service import Service
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import TimeRange
from micromegas_dbapi.transport.cancellation import Cancellation

__all__ = [
    "NO_LIMITS",
    "Endpoints",
    "ErrorContext",
    "Limits",
    "NoRows",
    "Request",
    "Transport",
]


class ErrorContext(TypedDict):
    """The attributes that every error of a request has."""

    sql: str | None
    query_id: str | None


@dataclass(frozen=True)
class Limits:
    """Limits of the size of a result; see `micromegas_dbapi.transport.limits`.

    Attributes
    ----------
    max_rows : int, optional
        The most rows. None sets no limit.
    max_result_bytes : int, optional
        The most bytes. None sets no limit.
    """

    max_rows: int | None = None
    max_result_bytes: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Request:
    """One query.

    Parameters
    ----------
    sql : str
        The exact statement to send; empty for a call without one.
    time_range : TimeRange or None
        None sends no range.
    query_id : str
        A UUID that identifies the attempt.
    cancellation : Cancellation
        Stops the query from any thread, while it runs and while its result is read.
    lexed : Statement, optional
        The statement, if its tokens are known already.
    limits : Limits
        Of the size of the result.
    """

    sql: str
    time_range: TimeRange | None
    query_id: str
    cancellation: Cancellation = field(default_factory=Cancellation, compare=False)
    lexed: Statement | None = field(default=None, compare=False, repr=False)
    limits: Limits = NO_LIMITS

    @cached_property
    def statement(self) -> Statement:
        """The statement with its tokens, which are found once."""
        known = self.lexed
        return known if known is not None and known.text == self.sql else Statement(self.sql)

    @property
    def context(self) -> ErrorContext:
        """Keyword arguments for errors: ``raise OperationalError(message, **request.context)``."""
        return {"sql": self.sql or None, "query_id": self.query_id or None}


class NoRows:
    """An empty result whose schema the service did not send. It is fetched on first access.

    Parameters
    ----------
    fetch_schema : callable
        Queries the service for the schema.
    """

    def __init__(self, fetch_schema: Callable[[], pa.Schema]) -> None:
        self._fetch_schema = fetch_schema

    @cached_property
    def schema(self) -> pa.Schema:
        """The schema. The first access may raise a `micromegas_dbapi.Error`."""
        return self._fetch_schema()

    def reader(self) -> pa.RecordBatchReader:
        """Return the result as a reader, which needs the schema.

        Returns
        -------
        pyarrow.RecordBatchReader
            Has no batches.
        """
        return pa.RecordBatchReader.from_batches(self.schema, [])


class Transport(Protocol):
    """Runs queries on an engine. Thread-safe."""

    def run(self, request: Request) -> pa.RecordBatchReader | NoRows:
        """Run a query.

        Batches are read as lazily as the protocol allows.

        Parameters
        ----------
        request : Request
            The query.

        Returns
        -------
        pyarrow.RecordBatchReader or NoRows
            The rows. `NoRows` if the service sent no schema.

        Raises
        ------
        DatabaseError
            Also while the reader is read.
        """
        ...

    def schema(self, request: Request) -> pa.Schema:
        """Return the schema of a query's result without computing the result.

        Parameters
        ----------
        request : Request
            The query.

        Returns
        -------
        pyarrow.Schema
            The columns of the result.

        Raises
        ------
        DatabaseError
        """
        ...

    def service(self, cancellation: Cancellation | None = None) -> Service:
        """Return the kind and version of the service. May query the service.

        Parameters
        ----------
        cancellation : Cancellation, optional
            Cancels the query.

        Returns
        -------
        Service
            Its kind and version.

        Raises
        ------
        DatabaseError
        """
        ...

    def presumed(self) -> Service:
        """Return what is known of the service without querying it.

        Returns
        -------
        Service
            Its kind, and its version if that is known.
        """
        ...

    def stamp(self) -> object:
        """Return a value that changes whenever what is known of the service is outdated.

        Returns
        -------
        object
            Compared for equality; None if nothing local tells.

        Raises
        ------
        DatabaseError
        """
        ...

    def close(self) -> None:
        """Close connections. Calling it again has no effect."""
        ...


@runtime_checkable
class Endpoints(Protocol):
    """Calls other than statements, which the first services and a lake offer."""

    def call(
        self, name: str, payload: dict[str, Any], *, sql: str | None = None, query_id: str
    ) -> pa.RecordBatchReader:
        """Make a call that returns a table.

        Parameters
        ----------
        name : str
            ``find_process``, ``find_stream``, ``query_streams``, ``query_blocks``,
            ``query_partitions`` or ``query_view``.
        payload : dict
            The call's arguments by the service's names; times as RFC 3339 strings.
        sql : str, optional
            For errors.
        query_id : str
            For errors.

        Returns
        -------
        pyarrow.RecordBatchReader
            The rows.

        Raises
        ------
        DatabaseError
        """
        ...

    def progress(self, name: str, payload: dict[str, Any], *, query_id: str) -> Iterator[str]:
        """Make a long-running call that reports its progress.

        Parameters
        ----------
        name : str
            ``materialize_partitions`` or ``retire_partitions``.
        payload : dict
            As for `call`.
        query_id : str
            For errors.

        Yields
        ------
        str
            A line of progress.

        Raises
        ------
        DatabaseError
        """
        ...
