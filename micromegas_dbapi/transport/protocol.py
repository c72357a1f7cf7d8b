"""What every way to an engine looks like from above: a request in, Arrow batches out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from micromegas_dbapi.service import Service
from micromegas_dbapi.timerange import TimeRange
from micromegas_dbapi.transport.cancellation import Cancellation

__all__ = [
    "Endpoints",
    "NoRows",
    "Request",
    "Transport",
]


@dataclass(frozen=True)
class Request:
    """One query.

    Attributes
    ----------
    sql : str
        The exact text to send.
    time_range : TimeRange or None
        None sends no range.
    query_id : str
        A UUID that names the attempt.
    cancellation : Cancellation
        Stops it, from any thread, while it runs and while its result is read.
    """

    sql: str
    time_range: TimeRange | None
    query_id: str
    cancellation: Cancellation = field(default_factory=Cancellation, compare=False)


class NoRows:
    """A result of no rows whose columns the service has not told: it is asked if somebody looks.

    Parameters
    ----------
    ask : callable
        Asks for the schema.
    """

    def __init__(self, ask: Callable[[], pa.Schema]) -> None:
        self._ask = ask

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns; asking for them may raise an error of our tree."""
        return self._ask()

    def reader(self) -> pa.RecordBatchReader:
        """Give it as a reader, which has a schema from the start."""
        return pa.RecordBatchReader.from_batches(self.schema, [])


class Transport(Protocol):
    """A way to an engine. Safe to use from several threads at once."""

    def run(self, request: Request) -> pa.RecordBatchReader | NoRows:
        """Run a query, as lazily as the wire allows; errors are of our tree, also mid-stream."""
        ...

    def schema(self, request: Request) -> pa.Schema:
        """Tell the columns of a query's result without computing it."""
        ...

    def service(self) -> Service:
        """Tell what kind of service it is; may ask it."""
        ...

    def presumed(self) -> Service:
        """Tell what is known of the service before it is asked."""
        ...

    def close(self) -> None:
        """Give back what is held; may be called more than once."""
        ...


@runtime_checkable
class Endpoints(Protocol):
    """The calls that the first services, and a lake, have beside statements."""

    def call(
        self, name: str, payload: dict[str, Any], *, sql: str | None = None, query_id: str
    ) -> pa.RecordBatchReader:
        """Make one of the service's calls that answer with a table.

        Parameters
        ----------
        name : str
            ``find_process``, ``find_stream``, ``query_streams``, ``query_blocks``,
            ``query_partitions`` or ``query_view``.
        payload : dict
            The call's arguments by the service's names; times as RFC 3339 text.
        sql, query_id
            For errors.
        """
        ...

    def progress(self, name: str, payload: dict[str, Any], *, query_id: str) -> Iterator[str]:
        """Make one of the calls that work for a while, a line of progress at a time.

        Parameters
        ----------
        name : str
            ``materialize_partitions`` or ``retire_partitions``.
        payload, query_id
            As for `call`.
        """
        ...
