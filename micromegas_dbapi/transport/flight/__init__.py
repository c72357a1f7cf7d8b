"""FlightSQL: what every Micromegas service since 0.2 speaks, over gRPC.

A query is one DoGet. Its ticket is the plain message, which services of every age accept; the time
range travels as headers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.flight as fl

from micromegas_dbapi.arrow.dictionary_decoding import hydrated_schema
from micromegas_dbapi.errors import DatabaseError, Error, OperationalError
from micromegas_dbapi.options import FlightSettings
from micromegas_dbapi.service import FLIGHT, Service
from micromegas_dbapi.sql.column_queries import NEVER, with_one_row_of_nulls
from micromegas_dbapi.sql.planned_types import doubt
from micromegas_dbapi.timerange import TimeRange
from micromegas_dbapi.transport.flight.channel import Channel
from micromegas_dbapi.transport.flight.flight_errors import NothingSentError, from_flight
from micromegas_dbapi.transport.flight.messages import (
    ActionCreatePreparedStatementRequest,
    CommandGetTables,
    TicketStatementQuery,
    pack,
    unpack,
)
from micromegas_dbapi.transport.flight.prefetch import Ahead, Workers
from micromegas_dbapi.transport.layout import Layout, undecodable
from micromegas_dbapi.transport.protocol import NoRows, Request
from micromegas_dbapi.transport.status import asked_once_more
from micromegas_dbapi.transport.streams import check_cancelled, stream

__all__ = ["FlightTransport"]

_LOG = logging.getLogger("micromegas_dbapi")
_T = TypeVar("_T")


class FlightTransport:
    """One FlightSQL service.

    Parameters
    ----------
    address : str
        ``grpc://host:port`` or ``grpc+tls://host:port``.
    settings : FlightSettings

    Raises
    ------
    ProgrammingError
        As `Channel`.
    """

    def __init__(self, address: str, settings: FlightSettings) -> None:
        self._host = urlsplit(address).netloc
        self._settings = settings
        self._channel = Channel(address, settings)
        self._workers = Workers()
        self._prepares = True

    def run(self, request: Request) -> pa.RecordBatchReader | NoRows:
        """Run a query; see `Transport`. The service computes a few batches ahead at the most."""
        ticket = TicketStatementQuery(statement_handle=request.sql.encode()).SerializeToString()
        headers = _range_headers(request.time_range)
        if self._dictionaries(request):
            headers.append(("preserve_dictionary", "true"))
        return self._get(ticket, headers, request)

    def schema(self, request: Request) -> pa.Schema:
        """Tell the columns of a query's result; see `Transport`.

        A service of 0.2, which prepares no statements, computes a row of nulls instead; it tells
        neither which columns may be null nor the names of columns that have one name.
        """
        if self._prepares:
            try:
                prepared = self._prepared(request)
                return prepared if self._dictionaries(request) else hydrated_schema(prepared)
            except DatabaseError as error:
                # The engine's words mean that it does not know the statement, not the call.
                if error.status != "UNIMPLEMENTED" or "This feature is not" in str(error):
                    raise
                self._prepares = False
        described = Request(
            with_one_row_of_nulls(request.sql), NEVER, request.query_id, request.cancellation
        )
        return self.run(described).schema

    def presumed(self) -> Service:
        """Tell what is known of it unasked: nothing of its age."""
        return Service("grpc", FLIGHT)

    def service(self) -> Service:
        """Ask for the views, which tell its age."""
        request = Request("", None, "")
        listed = self._get(pack(CommandGetTables(include_schema=True)), [], request)
        if isinstance(listed, NoRows):
            return Service.of("grpc", (), {})
        table = listed.read_all()
        try:
            columns = table.select(["table_name", "table_schema"]).to_pydict()
            views = {
                name: pa.ipc.read_schema(pa.py_buffer(schema)).remove_metadata()
                for name, schema in zip(*columns.values(), strict=True)
            }
        except (pa.ArrowException, KeyError, OSError) as error:
            raise OperationalError(
                f"{self._host} lists its views in a form that is not understood: {error}"
            ) from error
        return Service.of("grpc", views, views)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()
        self._workers.close()

    # -- calls -------------------------------------------------------------------------------

    def _get(
        self, ticket: bytes, headers: list[tuple[str, str]], request: Request
    ) -> pa.RecordBatchReader | NoRows:
        """Make a DoGet call, and wait for its schema."""

        def ask() -> tuple[_Items[Any], pa.Schema] | None:
            call = _Call()
            options = self._channel.options(headers, timeout=True)
            messages = _messages(self._channel.client(), fl.Ticket(ticket), options, call, request)
            items = _Items(self, Ahead(self._workers, messages, call.stop), request)
            try:
                return items, next(items)
            except NothingSentError:
                return None

        answer = asked_once_more(self._settings.auth, ask)
        if answer is None:
            return NoRows(lambda: self._schema_of_nothing(request))
        items, schema = answer
        return stream(schema, items, request)

    def _schema_of_nothing(self, request: Request) -> pa.Schema:
        """Ask for the columns of a result that had no rows, and not a word about these."""
        try:
            return self.schema(Request(request.sql, None, request.query_id))
        except Error as error:
            error.args = (f"the result has no rows, and asking for its columns failed: {error}",)
            raise

    def _prepared(self, request: Request) -> pa.Schema:
        message = ActionCreatePreparedStatementRequest(query=request.sql)
        action = fl.Action("CreatePreparedStatement", pack(message))

        def ask() -> Any:
            options = self._channel.options([], timeout=True)
            results = _results(self._channel.client(), action, options)
            return next(_Items(self, Ahead(self._workers, results), request))

        found = unpack(asked_once_more(self._settings.auth, ask))
        if found is None or found[1] is None:
            raise OperationalError(
                f"{self._host} answered CreatePreparedStatement with something else",
                sql=request.sql,
                query_id=request.query_id,
            )
        try:
            return pa.ipc.read_schema(pa.py_buffer(found[1].dataset_schema))
        except (pa.ArrowException, OSError) as error:
            raise self.failure(error, request)  # noqa: B904  (it has its cause)

    def _dictionaries(self, request: Request) -> bool:
        """Tell whether to ask for dictionaries, and rows that are sent without a look at types."""
        if not self._settings.preserve_dictionary:
            return False
        if (reason := doubt(request.sql)) is None:
            return True
        _LOG.debug("query %s: no dictionaries are asked for: %s", request.query_id, reason)
        return False

    def failure(self, error: BaseException, request: Request) -> DatabaseError:
        """Make the error of ours of one that pyarrow raised."""
        return from_flight(error, request, self._host, self._settings.timeout.connect)

    @property
    def patience(self) -> float:
        """How long to wait for a message, in seconds."""
        return self._settings.timeout.read

    @property
    def host(self) -> str:
        """Host and port, for errors."""
        return self._host


class _Call:
    """A call's stream, which may be cancelled before it is there, by any thread or a finalizer.

    Each side writes before it reads, so that one of them sees the other without a lock.
    """

    def __init__(self) -> None:
        self._reader: fl.FlightStreamReader | None = None
        self._stopped = False

    def started(self, reader: fl.FlightStreamReader) -> None:
        self._reader = reader
        if self._stopped:
            reader.cancel()

    def stop(self) -> None:
        self._stopped = True
        if self._reader is not None:
            self._reader.cancel()


def _messages(
    client: fl.FlightClient,
    ticket: fl.Ticket,
    options: fl.FlightCallOptions,
    call: _Call,
    request: Request,
) -> Iterator[Any]:
    """Give the schema of a stream, then its batches, which have the types that it tells."""
    reader = client.do_get(ticket, options)
    call.started(reader)
    schema, layout = reader.schema, Layout(request)
    yield schema
    while True:
        try:
            chunk = reader.read_chunk()
        except StopIteration:
            return
        except (pa.ArrowException, OSError) as error:
            if (unfit := undecodable(error, schema, request)) is not None:
                raise unfit from error
            raise
        if chunk.data is not None:
            layout.check(chunk.data)
            yield chunk.data


def _results(
    client: fl.FlightClient, action: fl.Action, options: fl.FlightCallOptions
) -> Iterator[bytes]:
    for result in client.do_action(action, options):
        yield result.body.to_pybytes()


class _Items(Iterator[_T]):
    """What a call gives, waited for no longer than is allowed, with its errors as ours."""

    def __init__(self, transport: FlightTransport, ahead: Ahead[_T], request: Request) -> None:
        self._transport = transport
        self._ahead = ahead
        self._request = request
        request.cancellation.on_cancel(ahead.leave)

    def __next__(self) -> _T:
        request = self._request
        try:
            return self._ahead.take(self._transport.patience)
        except StopIteration:
            check_cancelled(request)
            request.cancellation.settled()
            raise
        except TimeoutError as error:
            self._ahead.leave()
            raise OperationalError(
                f"nothing came from {self._transport.host} for {self._transport.patience:g} s; the "
                "query was given up (timeout=Timeout(read=...) waits longer)",
                sql=request.sql,
                query_id=request.query_id,
                retryable=False,
            ) from error
        except (pa.ArrowException, OSError) as error:
            check_cancelled(request, error)
            request.cancellation.settled()
            raise self._transport.failure(error, request)  # noqa: B904  (it has its cause)
        except BaseException:  # Ctrl-C, while it waits
            self._ahead.leave()
            raise


def _range_headers(time_range: TimeRange | None) -> list[tuple[str, str]]:
    if time_range is None:  # one bound alone, or an empty one, would be no range in silence
        return []
    return [
        ("query_range_begin", time_range.begin_text),
        ("query_range_end", time_range.end_text),
    ]
