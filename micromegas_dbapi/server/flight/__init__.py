"""FlightSQL over a lake, as the newest services speak it.

On gRPC itself, not on pyarrow's Flight server, which writes ``Detail: ..`` behind the text of every
error, a traceback as a rule, has no RESOURCE_EXHAUSTED, and (16) sends only the first dictionary of
a column, whatever the keys of the batches that follow mean.
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
from micromegas_dbapi.server.flight.metadata import (
    ACTIONS,
    SQL_INFO,
    sql_info,
    tables,
    tables_schema,
)
from micromegas_dbapi.server.flight.wire_format import action_type, flight_data, flight_info
from micromegas_dbapi.server.ipc_messages import Encoder
from micromegas_dbapi.server.request_bodies import rfc3339, within
from micromegas_dbapi.server.statement_steps import FailedError, Statement, described
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.flight.messages import (
    ActionCreatePreparedStatementResult,
    TicketStatementQuery,
    pack,
    unpack,
)

__all__ = ["FlightService"]

_SERVICE = "/arrow.flight.protocol.FlightService/"
_GONE = "the client went away"
# Commands of FlightSQL that services know, and don't implement.
_UNIMPLEMENTED = (
    *("CommandGetCatalogs", "CommandGetDbSchemas", "CommandGetTableTypes"),
    *("CommandGetPrimaryKeys", "CommandGetExportedKeys", "CommandGetImportedKeys"),
    *("CommandGetCrossReference", "CommandGetXdbcTypeInfo", "CommandPreparedStatementQuery"),
    "CommandStatementSubstraitPlan",
)
# Headers of gRPC may have 8 KiB together; a longer text would not arrive at all.
_TEXT_BYTES = 6000


class FlightService(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers the calls of Arrow Flight.

    Parameters
    ----------
    lake : LakeTransport
    """

    def __init__(self, lake: LakeTransport) -> None:
        self._lake = lake
        one, many = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        both = grpc.stream_stream_rpc_method_handler
        self._methods = {
            "DoGet": many(_guarded_stream(self._do_get)),
            "DoAction": many(_guarded_stream(self._do_action)),
            "ListActions": many(_guarded_stream(_list_actions)),
            "GetFlightInfo": one(_guarded(self._get_flight_info)),
            "GetSchema": one(_guarded(_not_yet)),
            "PollFlightInfo": one(_guarded(_not_yet)),
            "ListFlights": many(_guarded_stream(_not_yet)),
            "Handshake": both(_guarded_stream(_not_yet)),
            "DoPut": both(_guarded_stream(_not_yet)),
            "DoExchange": both(_guarded_stream(_not_yet)),
        }

    def service(self, handler_call_details: Any) -> Any:
        """Find what handles a call; None where there is no such method."""
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
            raise FailedError("UNIMPLEMENTED", f"not implemented: {name}")
        if name != "TicketStatementQuery":
            # Anything else is taken for the plain message: the oldest form of a ticket.
            command = _decoded(TicketStatementQuery.FromString, ticket)
        return self._rows(_text(command.statement_handle), context)

    def _rows(self, sql: str, context: Any) -> Iterator[bytes]:
        headers = dict(context.invocation_metadata())
        bounds, limit = _bounds(headers), _limit(headers.get("limit"))
        cancellation = Cancellation()
        if not context.add_callback(lambda: cancellation.cancel(_GONE)):
            return  # it is gone already
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
        if action.type == "ClosePreparedStatement":  # nothing was kept of it
            return
        if action.type not in ACTIONS:
            said = f'do_action: The defined request is invalid: "{action.type}"'
            raise FailedError("INVALID_ARGUMENT", said)
        if action.type != "CreatePreparedStatement":
            raise FailedError("UNIMPLEMENTED", f"not implemented: {action.type}")
        name, message = _unpacked(action.body.to_pybytes())
        if name != "ActionCreatePreparedStatementRequest":
            raise FailedError(
                "INVALID_ARGUMENT", "Unable to unpack ActionCreatePreparedStatementRequest"
            )
        sql = message.query
        sink = pa.BufferOutputStream()
        pa.ipc.new_stream(sink, described(self._lake, sql)).close()
        prepared = ActionCreatePreparedStatementResult(
            prepared_statement_handle=sql.encode(), dataset_schema=sink.getvalue().to_pybytes()
        )
        yield fl.Result(pack(prepared)).serialize()

    def _get_flight_info(self, request: bytes, context: Any) -> bytes:
        descriptor = _decoded(fl.FlightDescriptor.deserialize, request)
        if descriptor.descriptor_type != fl.DescriptorType.CMD:
            _not_yet(request, context)
        name, command = _unpacked(descriptor.command)
        if name == "CommandStatementQuery":
            # Its columns are told with the rows only; nor is it told what this is about.
            handle = TicketStatementQuery(statement_handle=command.query.encode())
            return flight_info(pa.schema([]), b"", handle.SerializeToString())
        if name == "CommandGetTables":
            return flight_info(tables_schema(command), request, pack(command))
        if name == "CommandGetSqlInfo":
            return flight_info(SQL_INFO, request, pack(command))
        raise FailedError("UNIMPLEMENTED", f"not implemented: {name}")


def _table(batch: pa.RecordBatch) -> Iterator[bytes]:
    encoder = Encoder(batch.schema)
    yield from flight_data(encoder.schema)
    for messages, _ in encoder.pieces(batch):
        yield from flight_data(messages)


def _list_actions(request: bytes, context: Any) -> Iterator[bytes]:
    return (action_type(*action) for action in ACTIONS.items())


def _not_yet(request: object, context: Any) -> NoReturn:
    raise FailedError("UNIMPLEMENTED", "Not yet implemented")


# -- requests --------------------------------------------------------------------------------


def _decoded(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(data)
    except (DecodeError, pa.ArrowException) as error:
        said = "DecodeError { description: InvalidVarint, stack: [] }"
        raise FailedError("INVALID_ARGUMENT", said) from error


def _unpacked(data: bytes) -> tuple[str, Any]:
    return unpack(data) or ("", None)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FailedError("INVALID_ARGUMENT", f"the statement is no UTF-8: {error}") from error


def _bounds(headers: dict[str, Any]) -> tuple[int, int] | None:
    """Read the range; one bound alone is none, in silence, and so are empty ones."""
    names = "query_range_begin", "query_range_end"
    texts = [headers.get(name) for name in names]
    if not all(texts):
        return None
    found = []
    for name, text in zip(names, texts, strict=True):
        try:
            found.append(rfc3339(str(text)))
        except ValueError as error:
            said = f"Unable to parse {name} as a rfc3339 datetime: {error}"
            raise FailedError("INVALID_ARGUMENT", said) from error
    return within(*found)


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    digits = text.removeprefix("+")
    if digits.isascii() and digits.isdigit() and int(digits) < 2**64:
        return int(digits)
    said = "invalid digit found in string"
    if not text:
        said = "cannot parse integer from empty string"
    elif digits.isascii() and digits.isdigit():
        said = "number too large to fit in target type"
    raise FailedError("INVALID_ARGUMENT", f"error parsing limit: {said}")


# -- errors ----------------------------------------------------------------------------------


def _guarded(answer: Callable[[Any, Any], bytes]) -> Callable[[Any, Any], bytes]:
    def guarded(request: Any, context: Any) -> bytes:
        try:
            return answer(request, context)
        except (FailedError, Error, pa.ArrowException) as error:
            _abort(context, error)

    return guarded


def _guarded_stream(
    answer: Callable[[Any, Any], Iterator[bytes]],
) -> Callable[[Any, Any], Iterator[bytes]]:
    def guarded(request: Any, context: Any) -> Iterator[bytes]:
        try:
            yield from answer(request, context)
        except (FailedError, Error, pa.ArrowException) as error:
            _abort(context, error)

    return guarded


def _abort(context: Any, error: Exception) -> NoReturn:
    failed = error if isinstance(error, FailedError) else FailedError("INTERNAL", str(error))
    context.abort(grpc.StatusCode[failed.code], _shortened(failed.text))
    raise AssertionError("abort() raises")


def _shortened(text: str) -> str:
    # What is not plain ASCII takes three bytes on the way for each of its own.
    sizes = (1 if " " <= sign <= "~" and sign != "%" else 3 * len(sign.encode()) for sign in text)
    left = _TEXT_BYTES
    for at, size in enumerate(sizes):
        left -= size
        if left < 0:
            return f"{text[:at]}.. ({len(text) - at} more characters)"
    return text
