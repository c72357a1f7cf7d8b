"""FlightSQL over gRPC, the protocol of every Micromegas service since 0.2.

A query is one DoGet call. Its ticket is a plain message, not wrapped in an Any, which services of
all versions accept. The time range is sent as headers.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.flight as fl

from micromegas_dbapi.arrow.dictionary_decoding import decoded_schema
from micromegas_dbapi.errors import DatabaseError, Error, OperationalError
from micromegas_dbapi.options.settings import FlightSettings
from micromegas_dbapi.service import FLIGHT, Service
from micromegas_dbapi.service.knowledge import Fact
from micromegas_dbapi.sql.column_queries import NEVER, with_one_row_of_nulls
from micromegas_dbapi.sql.planned_types import doubt
from micromegas_dbapi.timerange import TimeRange
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.flight.call_stream import (
    CallCanceller,
    CallResults,
    read_messages,
    read_results,
)
from micromegas_dbapi.transport.flight.channel import Channel
from micromegas_dbapi.transport.flight.flight_errors import NoMessageError, from_flight
from micromegas_dbapi.transport.flight.messages import (
    ActionCreatePreparedStatementRequest,
    CommandGetTables,
    TicketStatementQuery,
    pack,
    unpack,
)
from micromegas_dbapi.transport.flight.prefetch import DaemonThreads, Prefetcher
from micromegas_dbapi.transport.layout import LayoutChecker
from micromegas_dbapi.transport.protocol import NoRows, Request
from micromegas_dbapi.transport.status import retry_with_fresh_token
from micromegas_dbapi.transport.streams import stream

__all__ = ["FlightTransport"]

_LOG = logging.getLogger("micromegas_dbapi")
_T = TypeVar("_T")


class FlightTransport:
    """Transport to one FlightSQL service.

    Parameters
    ----------
    address : str
        ``grpc://host:port`` or ``grpc+tls://host:port``.
    settings : FlightSettings
        Timeouts, credentials and headers.

    Attributes
    ----------
    host : str
        Host and port, for errors.

    Raises
    ------
    ProgrammingError
        If a header cannot be sent, a certificate file cannot be read, or credentials would be sent
        unencrypted to another host.
    """

    def __init__(self, address: str, settings: FlightSettings) -> None:
        self.host = urlsplit(address).netloc
        self._settings = settings
        self._channel = Channel(address, settings)
        self._threads = DaemonThreads()
        self._refuses_to_prepare: Fact[bool] = Fact()

    def run(self, request: Request) -> pa.RecordBatchReader | NoRows:
        """Run a query; see `Transport`. The service computes at most a few batches in advance.

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
        ticket = TicketStatementQuery(statement_handle=request.sql.encode()).SerializeToString()
        headers = _range_headers(request.time_range)
        if self._preserves_dictionaries(request):
            headers.append(("preserve_dictionary", "true"))
        return self._get(ticket, headers, request)

    def schema(self, request: Request) -> pa.Schema:
        """Return the schema of a query's result; see `Transport`.

        Services of 0.2 do not prepare statements. They compute one row of nulls instead, whose
        schema has neither the nullability of the columns nor duplicate names.

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
        if self._refuses_to_prepare.current() is None:
            try:
                schema = self._prepare(request)
                return schema if self._preserves_dictionaries(request) else decoded_schema(schema)
            except DatabaseError as error:
                # This message of the engine means that it cannot run the statement; the call works.
                if error.status != "UNIMPLEMENTED" or "This feature is not" in str(error):
                    raise
                self._refuses_to_prepare.store(True)
        sql = with_one_row_of_nulls(request.statement)
        return self.run(replace(request, sql=sql, time_range=NEVER)).schema

    def stamp(self) -> None:
        """Return None: nothing local tells whether the service has changed."""

    def presumed(self) -> Service:
        """Return the kind of the service, without its version.

        Returns
        -------
        Service
            Its kind.
        """
        return Service("grpc", FLIGHT)

    def service(self, cancellation: Cancellation | None = None) -> Service:
        """Query the list of views, which depends on the version of the service.

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
        request = Request("", None, "", cancellation or Cancellation())
        result = self._get(pack(CommandGetTables(include_schema=True)), [], request)
        if isinstance(result, NoRows):
            return Service.of("grpc", (), {})
        table = result.read_all()
        try:
            columns = table.select(["table_name", "table_schema"]).to_pydict()
            views = {
                name: pa.ipc.read_schema(pa.py_buffer(schema)).remove_metadata()
                for name, schema in zip(*columns.values(), strict=True)
            }
        except (pa.ArrowException, KeyError, OSError) as error:
            raise OperationalError(
                f"cannot decode the list of views of {self.host}: {error}"
            ) from error
        return Service.of("grpc", views, views)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()
        self._threads.close()

    # -- calls -------------------------------------------------------------------------------

    def _get(
        self, ticket: bytes, headers: list[tuple[str, str]], request: Request
    ) -> pa.RecordBatchReader | NoRows:
        """Make a DoGet call and wait for its schema."""

        def call() -> tuple[CallResults[Any], pa.Schema] | None:
            canceller = CallCanceller()
            messages = read_messages(
                self._channel.call(headers), fl.Ticket(ticket), canceller, request
            )
            results = self._results(Prefetcher(self._threads, messages, canceller.cancel), request)
            try:
                return results, next(results)
            except NoMessageError:
                return None

        found = retry_with_fresh_token(self._settings.auth, call)
        if found is None:
            return NoRows(lambda: self._schema_of_no_rows(request))
        results, schema = found
        # Here, because the thread that prefetches reads the next batch meanwhile.
        layout = LayoutChecker(request, self._settings.validate)
        return stream(schema, layout.checked(results), request)

    def _schema_of_no_rows(self, request: Request) -> pa.Schema:
        """Return the schema of an empty result that the service sent without one."""
        try:
            return self.schema(Request(request.sql, None, request.query_id))
        except Error as error:
            error.args = (f"the result is empty, and the query for its schema failed: {error}",)
            raise

    def _prepare(self, request: Request) -> pa.Schema:
        """Prepare a statement and return the schema of its result."""
        message = ActionCreatePreparedStatementRequest(query=request.sql)
        action = fl.Action("CreatePreparedStatement", pack(message))

        def call() -> bytes:
            results = read_results(self._channel.call(), action)
            return next(self._results(Prefetcher(self._threads, results), request))

        found = unpack(retry_with_fresh_token(self._settings.auth, call))
        if found is None or found[1] is None:
            raise OperationalError(
                f"{self.host} returned an unexpected result of CreatePreparedStatement",
                **request.context,
            )
        try:
            return pa.ipc.read_schema(pa.py_buffer(found[1].dataset_schema))
        except (pa.ArrowException, OSError) as error:
            connect = self._settings.timeout.connect
            raise from_flight(error, request, self.host, connect)  # noqa: B904  (it has its cause)

    def _results(self, prefetcher: Prefetcher[_T], request: Request) -> CallResults[_T]:
        return CallResults(prefetcher, request, self.host, self._settings.timeout)

    def _preserves_dictionaries(self, request: Request) -> bool:
        """Return whether to request dictionaries, for which services do not check row types."""
        if not self._settings.preserve_dictionary:
            return False
        if (reason := doubt(request.statement)) is None:
            return True
        _LOG.debug("query %s: dictionaries are not requested: %s", request.query_id, reason)
        return False


def _range_headers(time_range: TimeRange | None) -> list[tuple[str, str]]:
    if time_range is None:  # services silently ignore a single bound, and an empty one
        return []
    return [
        ("query_range_begin", time_range.begin_text),
        ("query_range_end", time_range.end_text),
    ]
