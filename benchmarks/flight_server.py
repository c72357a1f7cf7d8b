"""Serve fixed tables and long streams over FlightSQL, for the clients that flight.py compares.

It implements what these clients use: both forms of tickets, GetFlightInfo with the exact schema
(flightsql-dbapi, ADBC), prepared statements (ADBC) and ``preserve_dictionary``. It prints its port.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl
from google.protobuf import any_pb2
from in_memory import BATCH, in_batches, log_entries
from measurement import scaled

from micromegas_dbapi.transport.flight.messages import (
    ActionCreatePreparedStatementResult,
    TicketStatementQuery,
    pack,
)

LARGE = scaled(1_000_000)
STREAMED = scaled(5_000_000)
# The slow stream takes six seconds at scale 1, and at least one.
SLOW_BATCHES = max(100, scaled(600))
PAUSE = 0.01  # seconds per batch


def decoded(table: pa.Table) -> pa.Table:
    """Replace dictionary columns by plain ones."""
    plain = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(plain, names=table.column_names)


class DictionaryHeader(fl.ServerMiddlewareFactory):  # type: ignore[misc]
    """Record for each call whether the client wants dictionaries."""

    def start_call(self, info: Any, headers: Any) -> Any:
        """Read the header of a call."""
        middleware = _Middleware()
        middleware.dictionaries = headers.get("preserve_dictionary") == ["true"]
        return middleware


class _Middleware(fl.ServerMiddleware):  # type: ignore[misc]
    dictionaries = False


class Server(fl.FlightServerBase):  # type: ignore[misc]
    """Return the result that the last word of a statement names: large, ten, stream or slow."""

    def __init__(self) -> None:
        super().__init__("grpc://127.0.0.1:0", middleware={"dictionaries": DictionaryHeader()})
        tables = {"large": log_entries(LARGE), "ten": log_entries(10)}
        self._tables = {
            (name, dictionaries): (each.schema, in_batches(each))
            for name, table in tables.items()
            for dictionaries, each in ((False, decoded(table)), (True, table))
        }
        self._template = decoded(log_entries(BATCH)).to_batches()[0]
        self._produced = self._running = 0

    def do_get(self, context: Any, ticket: fl.Ticket) -> Any:
        """Return a table in batches, or a stream whose rows are produced while it is read."""
        word = _word(_sql(ticket.ticket))
        if word in ("stream", "slow"):
            batches = self._stream(slow=word == "slow")
            return fl.GeneratorStream(self._template.schema, batches)
        table = self._tables[word, context.get_middleware("dictionaries").dictionaries]
        return fl.RecordBatchStream(pa.RecordBatchReader.from_batches(*table))

    def get_flight_info(self, context: Any, descriptor: fl.FlightDescriptor) -> fl.FlightInfo:
        """Return the schema and the ticket of a statement, prepared or not."""
        command = any_pb2.Any.FromString(descriptor.command)
        if "StatementQuery" not in command.type_url:
            raise NotImplementedError(command.type_url)
        sql = _handle(command.value)
        ticket = fl.Ticket(TicketStatementQuery(statement_handle=sql).SerializeToString())
        schema, _ = self._tables[_word(sql.decode()), False]
        return fl.FlightInfo(schema, descriptor, [fl.FlightEndpoint(ticket, [])], -1, -1)

    def do_action(self, context: Any, action: fl.Action) -> Iterator[bytes]:
        """Prepare a statement, or return the number of rows produced and of streams in progress."""
        if action.type == "progress":
            yield f"{self._produced} {self._running}".encode()
        elif action.type == "CreatePreparedStatement":
            sql = _handle(any_pb2.Any.FromString(action.body.to_pybytes()).value)
            sink = pa.BufferOutputStream()
            pa.ipc.new_stream(sink, self._tables[_word(sql.decode()), False][0]).close()
            yield pack(
                ActionCreatePreparedStatementResult(
                    prepared_statement_handle=sql, dataset_schema=sink.getvalue().to_pybytes()
                )
            )

    def _stream(self, slow: bool) -> Iterator[pa.RecordBatch]:
        size = max(1, STREAMED // SLOW_BATCHES) if slow else BATCH
        self._produced = 0
        self._running += 1
        try:
            while self._produced < STREAMED:
                time.sleep(PAUSE if slow else 0)
                batch = self._template.slice(0, min(size, STREAMED - self._produced))
                self._produced += len(batch)
                yield batch
        finally:
            self._running -= 1


def _word(sql: str) -> str:
    return sql.rpartition(" ")[2]


def _handle(message: bytes) -> bytes:
    """Return the first field of a message: the statement, in all messages used here."""
    found: bytes = TicketStatementQuery.FromString(message).statement_handle
    return found


def _sql(ticket: bytes) -> str:
    wrapper = any_pb2.Any()
    try:
        wrapper.ParseFromString(ticket)
        wrapped = wrapper.type_url.startswith("type.googleapis.com/")
    except Exception:
        wrapped = False
    return _handle(wrapper.value if wrapped else ticket).decode()


if __name__ == "__main__":
    server = Server()
    print(server.port, flush=True)
    server.serve()
