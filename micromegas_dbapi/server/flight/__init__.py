"""FlightSQL over a lake, like the newest services.

It uses gRPC, and not pyarrow's Flight server. That server appends ``Detail: ...`` to the text of
every error, usually with a traceback, and has no RESOURCE_EXHAUSTED. In pyarrow 16, it sends only
the first dictionary of a column, although later batches have indices into other dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import grpc
import pyarrow as pa
import pyarrow.flight as fl
from google.protobuf.message import DecodeError

from micromegas_dbapi.errors import Error
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server.disconnect_monitor import DISCONNECTED
from micromegas_dbapi.server.flight.metadata import (
    ACTIONS,
    SQL_INFO,
    sql_info,
    tables,
    tables_schema,
)
from micromegas_dbapi.server.flight.wire_format import action_type, flight_data, flight_info
from micromegas_dbapi.server.ipc_messages import Encoder
from micromegas_dbapi.server.statement_steps import Statement, StatementError, result_schema
from micromegas_dbapi.server.time_bounds import engine_bounds, parse_rfc3339
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.flight.messages import (
    ActionCreatePreparedStatementResult,
    TicketStatementQuery,
    pack,
    unpack,
)

__all__ = ["FlightService"]

_SERVICE = "/arrow.flight.protocol.FlightService/"
# Commands of FlightSQL that services recognize, but do not implement.
_UNIMPLEMENTED = (
    *("CommandGetCatalogs", "CommandGetDbSchemas", "CommandGetTableTypes"),
    *("CommandGetPrimaryKeys", "CommandGetExportedKeys", "CommandGetImportedKeys"),
    *("CommandGetCrossReference", "CommandGetXdbcTypeInfo", "CommandPreparedStatementQuery"),
    "CommandStatementSubstraitPlan",
)
# The headers of gRPC are limited to 8 KiB in total. Longer messages would be lost completely.
_MESSAGE_BYTES = 6000


class FlightService(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Handles the calls of Arrow Flight.

    Parameters
    ----------
    lake : LakeTransport
        The lake to serve.
    """

    def __init__(self, lake: LakeTransport) -> None:
        self._lake = lake
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        duplex = grpc.stream_stream_rpc_method_handler
        self._methods = {
            "DoGet": stream(_with_status_stream(self._do_get)),
            "DoAction": stream(_with_status_stream(self._do_action)),
            "ListActions": stream(_with_status_stream(_list_actions)),
            "GetFlightInfo": unary(_with_status(self._get_flight_info)),
            "GetSchema": unary(_with_status(_not_implemented)),
            "PollFlightInfo": unary(_with_status(_not_implemented)),
            "ListFlights": stream(_with_status_stream(_not_implemented)),
            "Handshake": duplex(_with_status_stream(_not_implemented)),
            "DoPut": duplex(_with_status_stream(_not_implemented)),
            "DoExchange": duplex(_with_status_stream(_not_implemented)),
        }

    def service(self, handler_call_details: Any) -> Any:
        """Find the handler of a call.

        Parameters
        ----------
        handler_call_details : grpc.HandlerCallDetails
            Has the name of the method.

        Returns
        -------
        grpc.RpcMethodHandler or None
            None if there is no such method.
        """
        service, _, name = handler_call_details.method.rpartition("/")
        return self._methods.get(name) if f"{service}/" == _SERVICE else None

    def _do_get(self, request: bytes, context: Any) -> Iterator[bytes]:
        ticket = _decoded(fl.Ticket.deserialize, request).ticket
        name, command = _unpacked(ticket)
        if name == "CommandGetTables":
            return _table(tables(self._lake, command))
        if name == "CommandGetSqlInfo":
            return _table(sql_info(command))
        if name in _UNIMPLEMENTED:
            raise StatementError("UNIMPLEMENTED", f"not implemented: {name}")
        if name != "TicketStatementQuery":
            # Any other ticket is decoded as the bare message, which is the oldest form.
            command = _decoded(TicketStatementQuery.FromString, ticket)
        return self._rows(_decode_utf8(command.statement_handle), context)

    def _rows(self, sql: str, context: Any) -> Iterator[bytes]:
        headers = dict(context.invocation_metadata())
        bounds, limit = _bounds(headers), _limit(headers.get("limit"))
        cancellation = Cancellation()
        if not context.add_callback(lambda: cancellation.cancel(DISCONNECTED)):
            return  # the client has disconnected
        statement = Statement(
            self._lake,
            sql,
            bounds,
            cancellation,
            limit=limit,
            dictionaries=headers.get("preserve_dictionary") == "true",
        )
        encoder = Encoder(statement.schema)
        yield from flight_data(encoder.schema)
        for batch in statement.batches():
            for messages, _ in encoder.pieces(batch):
                yield from flight_data(messages)

    def _do_action(self, request: bytes, context: Any) -> Iterator[bytes]:
        action = _decoded(fl.Action.deserialize, request)
        if action.type == "ClosePreparedStatement":  # the service keeps no state for it
            return
        if action.type not in ACTIONS:
            message = f'do_action: The defined request is invalid: "{action.type}"'
            raise StatementError("INVALID_ARGUMENT", message)
        if action.type != "CreatePreparedStatement":
            raise StatementError("UNIMPLEMENTED", f"not implemented: {action.type}")
        name, request_message = _unpacked(action.body.to_pybytes())
        if name != "ActionCreatePreparedStatementRequest":
            raise StatementError(
                "INVALID_ARGUMENT", "Unable to unpack ActionCreatePreparedStatementRequest"
            )
        sql = request_message.query
        sink = pa.BufferOutputStream()
        pa.ipc.new_stream(sink, result_schema(self._lake, sql)).close()
        prepared = ActionCreatePreparedStatementResult(
            prepared_statement_handle=sql.encode(), dataset_schema=sink.getvalue().to_pybytes()
        )
        yield fl.Result(pack(prepared)).serialize()

    def _get_flight_info(self, request: bytes, context: Any) -> bytes:
        descriptor = _decoded(fl.FlightDescriptor.deserialize, request)
        if descriptor.descriptor_type != fl.DescriptorType.CMD:
            _not_implemented(request, context)
        name, command = _unpacked(descriptor.command)
        if name == "CommandStatementQuery":
            # Services send the columns only with the rows, and leave out the descriptor.
            handle = TicketStatementQuery(statement_handle=command.query.encode())
            return flight_info(pa.schema([]), b"", handle.SerializeToString())
        if name == "CommandGetTables":
            return flight_info(tables_schema(command), request, pack(command))
        if name == "CommandGetSqlInfo":
            return flight_info(SQL_INFO, request, pack(command))
        raise StatementError("UNIMPLEMENTED", f"not implemented: {name}")


def _table(batch: pa.RecordBatch) -> Iterator[bytes]:
    encoder = Encoder(batch.schema)
    yield from flight_data(encoder.schema)
    for messages, _ in encoder.pieces(batch):
        yield from flight_data(messages)


def _list_actions(request: bytes, context: Any) -> Iterator[bytes]:
    return (action_type(*action) for action in ACTIONS.items())


def _not_implemented(request: object, context: Any) -> NoReturn:
    raise StatementError("UNIMPLEMENTED", "Not yet implemented")


# -- requests --------------------------------------------------------------------------------


def _decoded(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(data)
    except (DecodeError, pa.ArrowException) as error:
        message = "DecodeError { description: InvalidVarint, stack: [] }"
        raise StatementError("INVALID_ARGUMENT", message) from error


def _unpacked(data: bytes) -> tuple[str, Any]:
    return unpack(data) or ("", None)


def _decode_utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        message = f"the statement is not UTF-8: {error}"
        raise StatementError("INVALID_ARGUMENT", message) from error


def _bounds(headers: dict[str, Any]) -> tuple[int, int] | None:
    """Parse the time range. Services ignore empty bounds, and a single bound."""
    names = "query_range_begin", "query_range_end"
    texts = [headers.get(name) for name in names]
    if not all(texts):
        return None
    found = []
    for name, text in zip(names, texts, strict=True):
        try:
            found.append(parse_rfc3339(str(text)))
        except ValueError as error:
            message = f"Unable to parse {name} as a rfc3339 datetime: {error}"
            raise StatementError("INVALID_ARGUMENT", message) from error
    return engine_bounds(*found)


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    digits = text.removeprefix("+")
    if digits.isascii() and digits.isdigit() and int(digits) < 2**64:
        return int(digits)
    reason = "invalid digit found in string"
    if not text:
        reason = "cannot parse integer from empty string"
    elif digits.isascii() and digits.isdigit():
        reason = "number too large to fit in target type"
    raise StatementError("INVALID_ARGUMENT", f"error parsing limit: {reason}")


# -- errors ----------------------------------------------------------------------------------


def _with_status(handler: Callable[[Any, Any], bytes]) -> Callable[[Any, Any], bytes]:
    """Wrap a handler so that its errors become a gRPC status."""

    def call(request: Any, context: Any) -> bytes:
        try:
            return handler(request, context)
        except (StatementError, Error, pa.ArrowException) as error:
            _abort(context, error)

    return call


def _with_status_stream(
    handler: Callable[[Any, Any], Iterator[bytes]],
) -> Callable[[Any, Any], Iterator[bytes]]:
    """Wrap a handler as `_with_status` does."""

    def call(request: Any, context: Any) -> Iterator[bytes]:
        try:
            yield from handler(request, context)
        except (StatementError, Error, pa.ArrowException) as error:
            _abort(context, error)

    return call


def _abort(context: Any, error: Exception) -> NoReturn:
    failed = error if isinstance(error, StatementError) else StatementError("INTERNAL", str(error))
    context.abort(grpc.StatusCode[failed.code], _shortened(failed.text))
    raise AssertionError("abort() raises")


def _shortened(text: str) -> str:
    # gRPC writes each byte of other characters than printable ASCII as three.
    sizes = (1 if " " <= char <= "~" and char != "%" else 3 * len(char.encode()) for char in text)
    remaining = _MESSAGE_BYTES
    for at, size in enumerate(sizes):
        remaining -= size
        if remaining < 0:
            return f"{text[:at]}... ({len(text) - at} more characters)"
    return text
