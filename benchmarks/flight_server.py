"""A FlightSQL server for the clients that `flight.py` compares: fixed tables, and a long stream.

It knows enough of FlightSQL for each of them: tickets in both forms, GetFlightInfo with the true
schema (flightsql-dbapi, ADBC), prepared statements (ADBC), ``preserve_dictionary``. Prints its
port.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parent]

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.flight as fl  # noqa: E402
from google.protobuf import any_pb2  # noqa: E402

from micromegas_dbapi.transport.flight.messages import (  # noqa: E402
    ActionCreatePreparedStatementResult,
    TicketStatementQuery,
    pack,
)

MILLION = 1_000_000
STREAMED = 5_000_000
BATCH = 8192  # as services send them
PAUSE = 0.01  # for a batch of the slow stream, which takes six seconds so


def log_rows(count: int) -> pa.Table:
    """Make rows like those of log_entries: six columns, three of them dictionaries."""
    draw = np.random.default_rng(7)

    def names(kind: str, distinct: int) -> pa.Array:
        codes = pa.array(draw.integers(0, distinct, count), pa.int16())
        return pa.DictionaryArray.from_arrays(codes, [f"{kind}_{i}" for i in range(distinct)])

    moments = 1_700_000_000 * 10**9 + np.cumsum(draw.integers(1, 10**6, count))
    return pa.table(
        {
            "process_id": names("process", 40),
            "exe": names("exe", 12),
            "time": pa.array(moments, pa.timestamp("ns", "+00:00")),
            "target": names("target", 200),
            "level": pa.array(draw.integers(1, 7, count), pa.int32()),
            "msg": pa.array([f"message number {i}" for i in draw.integers(0, 10**6, count)]),
        }
    )


def decode_batch(table: pa.Table) -> pa.Table:
    """Give plain columns in place of dictionaries."""
    plain = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(plain, names=table.column_names)


class Asked(fl.ServerMiddlewareFactory):  # type: ignore[misc]
    """Remembers whether dictionaries are asked for."""

    def start_call(self, info: Any, headers: Any) -> Any:
        """Read the header of a call."""
        middleware = _Middleware()
        middleware.dictionaries = headers.get("preserve_dictionary") == ["true"]
        return middleware


class _Middleware(fl.ServerMiddleware):  # type: ignore[misc]
    dictionaries = False


class Server(fl.FlightServerBase):  # type: ignore[misc]
    """Serves ``million``, ``ten``, ``stream`` and ``slow``, by the last word of a statement."""

    def __init__(self) -> None:
        super().__init__("grpc://127.0.0.1:0", middleware={"asked": Asked()})
        tables = {"million": log_rows(MILLION), "ten": log_rows(10)}
        self._tables = {
            (name, dictionaries): (each.schema, each.to_batches(max_chunksize=BATCH))
            for name, table in tables.items()
            for dictionaries, each in ((False, decode_batch(table)), (True, table))
        }
        self._template = decode_batch(log_rows(BATCH)).to_batches()[0]
        self._made = self._running = 0

    def do_get(self, context: Any, ticket: fl.Ticket) -> Any:
        """Send a table in batches, or make the rows of a stream as they are read."""
        word = _word(_sql(ticket.ticket))
        if word in ("stream", "slow"):
            made = self._stream(PAUSE if word == "slow" else 0)
            return fl.GeneratorStream(self._template.schema, made)
        found = self._tables[word, context.get_middleware("asked").dictionaries]
        return fl.RecordBatchStream(pa.RecordBatchReader.from_batches(*found))

    def get_flight_info(self, context: Any, descriptor: fl.FlightDescriptor) -> fl.FlightInfo:
        """Tell the schema and the ticket of a statement, prepared or not."""
        command = any_pb2.Any.FromString(descriptor.command)
        if "StatementQuery" not in command.type_url:
            raise NotImplementedError(command.type_url)
        sql = _handle(command.value)
        ticket = fl.Ticket(TicketStatementQuery(statement_handle=sql).SerializeToString())
        schema, _ = self._tables[_word(sql.decode()), False]
        return fl.FlightInfo(schema, descriptor, [fl.FlightEndpoint(ticket, [])], -1, -1)

    def do_action(self, context: Any, action: fl.Action) -> Iterator[bytes]:
        """Prepare a statement; tell how many rows were made, and how many streams are at work."""
        if action.type == "made":
            yield f"{self._made} {self._running}".encode()
        elif action.type == "CreatePreparedStatement":
            sql = _handle(any_pb2.Any.FromString(action.body.to_pybytes()).value)
            sink = pa.BufferOutputStream()
            pa.ipc.new_stream(sink, self._tables[_word(sql.decode()), False][0]).close()
            yield pack(
                ActionCreatePreparedStatementResult(
                    prepared_statement_handle=sql, dataset_schema=sink.getvalue().to_pybytes()
                )
            )

    def _stream(self, pause: float) -> Iterator[pa.RecordBatch]:
        self._made = 0
        self._running += 1
        try:
            while self._made < STREAMED:
                time.sleep(pause)
                batch = self._template.slice(0, STREAMED - self._made)
                self._made += len(batch)
                yield batch
        finally:
            self._running -= 1


def _word(sql: str) -> str:
    return sql.rpartition(" ")[2]


def _handle(message: bytes) -> bytes:
    """Read the first field of a message, which all that is asked here has its statement in."""
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
