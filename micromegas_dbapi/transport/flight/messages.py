"""The messages of FlightSQL that a Micromegas service knows, as protobuf.

Names, fields and their numbers are those of Arrow's FlightSql.proto; the classes are made when
this module is imported, which needs no generated code.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

__all__ = [
    "ActionClosePreparedStatementRequest",
    "ActionCreatePreparedStatementRequest",
    "ActionCreatePreparedStatementResult",
    "CommandGetSqlInfo",
    "CommandGetTables",
    "CommandStatementQuery",
    "TicketStatementQuery",
    "pack",
    "unpack",
]

_PACKAGE = "arrow.flight.protocol.sql"
_Field = descriptor_pb2.FieldDescriptorProto

# Message -> its fields: name, number, type.
_MESSAGES: dict[str, list[tuple[str, int, int]]] = {
    "TicketStatementQuery": [("statement_handle", 1, _Field.TYPE_BYTES)],
    "CommandStatementQuery": [("query", 1, _Field.TYPE_STRING)],
    "CommandGetSqlInfo": [("info", 1, _Field.TYPE_UINT32)],
    "CommandGetTables": [
        ("catalog", 1, _Field.TYPE_STRING),
        ("db_schema_filter_pattern", 2, _Field.TYPE_STRING),
        ("table_name_filter_pattern", 3, _Field.TYPE_STRING),
        ("table_types", 4, _Field.TYPE_STRING),
        ("include_schema", 5, _Field.TYPE_BOOL),
    ],
    "ActionCreatePreparedStatementRequest": [("query", 1, _Field.TYPE_STRING)],
    "ActionCreatePreparedStatementResult": [
        ("prepared_statement_handle", 1, _Field.TYPE_BYTES),
        ("dataset_schema", 2, _Field.TYPE_BYTES),
    ],
    "ActionClosePreparedStatementRequest": [("prepared_statement_handle", 1, _Field.TYPE_BYTES)],
}
_REPEATED = {("CommandGetTables", "table_types"), ("CommandGetSqlInfo", "info")}
# Fields that are written where they are empty, too: an empty pattern is not the same as none.
_OPTIONAL = {
    ("CommandGetTables", "catalog"),
    ("CommandGetTables", "db_schema_filter_pattern"),
    ("CommandGetTables", "table_name_filter_pattern"),
    ("TicketStatementQuery", "statement_handle"),
    ("ActionCreatePreparedStatementRequest", "query"),
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="micromegas_dbapi/flightsql.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number, type=kind)
            added.label = (
                _Field.LABEL_REPEATED if (name, field) in _REPEATED else _Field.LABEL_OPTIONAL
            )
            if (name, field) in _OPTIONAL:
                added.proto3_optional = True
                added.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field}")
    # A pool of our own: another client in this process may have the same messages in the default.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _classes()
TicketStatementQuery: Any = _CLASSES["TicketStatementQuery"]
CommandStatementQuery: Any = _CLASSES["CommandStatementQuery"]
CommandGetSqlInfo: Any = _CLASSES["CommandGetSqlInfo"]
CommandGetTables: Any = _CLASSES["CommandGetTables"]
ActionCreatePreparedStatementRequest: Any = _CLASSES["ActionCreatePreparedStatementRequest"]
ActionCreatePreparedStatementResult: Any = _CLASSES["ActionCreatePreparedStatementResult"]
ActionClosePreparedStatementRequest: Any = _CLASSES["ActionClosePreparedStatementRequest"]


def pack(message: Message) -> bytes:
    """Wrap a message in an Any, as FlightSQL does with commands and actions."""
    wrapper = any_pb2.Any()
    wrapper.Pack(message)
    return wrapper.SerializeToString()


def unpack(data: bytes) -> tuple[str, Any] | None:
    """Take a message out of its Any.

    Returns
    -------
    (str, Message) or None
        The message's name without its package, and the message; None in its place where it is none
        of the above. None where the bytes are no Any of FlightSQL at all.
    """
    wrapper = any_pb2.Any()
    try:
        wrapper.ParseFromString(data)
        package, _, name = wrapper.type_url.rpartition("/")[2].rpartition(".")
        if package != _PACKAGE:
            return None
        kind = _CLASSES.get(name)
        return name, None if kind is None else kind.FromString(wrapper.value)
    except (DecodeError, UnicodeDecodeError):
        return None
