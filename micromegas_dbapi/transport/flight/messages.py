"""The FlightSQL messages that Micromegas services use, as protobuf classes.

Names, fields and numbers are those of Arrow's FlightSql.proto. The classes are built when this
module is imported, in a descriptor pool of their own. Code that protoc generates registers messages
in the default pool of the process: importing another client's FlightSql messages would then fail.
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

# The fields of each message: label, type, name, number. An optional field is sent even if it is
# empty: an empty pattern differs from none.
_MESSAGES: dict[str, list[tuple[str, int, str, int]]] = {
    "TicketStatementQuery": [("optional", _Field.TYPE_BYTES, "statement_handle", 1)],
    "CommandStatementQuery": [("", _Field.TYPE_STRING, "query", 1)],
    "CommandGetSqlInfo": [("repeated", _Field.TYPE_UINT32, "info", 1)],
    "CommandGetTables": [
        ("optional", _Field.TYPE_STRING, "catalog", 1),
        ("optional", _Field.TYPE_STRING, "db_schema_filter_pattern", 2),
        ("optional", _Field.TYPE_STRING, "table_name_filter_pattern", 3),
        ("repeated", _Field.TYPE_STRING, "table_types", 4),
        ("", _Field.TYPE_BOOL, "include_schema", 5),
    ],
    "ActionCreatePreparedStatementRequest": [("optional", _Field.TYPE_STRING, "query", 1)],
    "ActionCreatePreparedStatementResult": [
        ("", _Field.TYPE_BYTES, "prepared_statement_handle", 1),
        ("", _Field.TYPE_BYTES, "dataset_schema", 2),
    ],
    "ActionClosePreparedStatementRequest": [
        ("", _Field.TYPE_BYTES, "prepared_statement_handle", 1)
    ],
}


def _build_classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="micromegas_dbapi/flightsql.proto", package=_PACKAGE, syntax="proto3"
    )
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for label, kind, name, number in fields:
            field = message.field.add(name=name, number=number, type=kind)
            repeated = label == "repeated"
            field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            if label == "optional":  # as protoc does: a oneof for each such field
                field.proto3_optional = True
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _build_classes()
TicketStatementQuery: Any = _CLASSES["TicketStatementQuery"]
CommandStatementQuery: Any = _CLASSES["CommandStatementQuery"]
CommandGetSqlInfo: Any = _CLASSES["CommandGetSqlInfo"]
CommandGetTables: Any = _CLASSES["CommandGetTables"]
ActionCreatePreparedStatementRequest: Any = _CLASSES["ActionCreatePreparedStatementRequest"]
ActionCreatePreparedStatementResult: Any = _CLASSES["ActionCreatePreparedStatementResult"]
ActionClosePreparedStatementRequest: Any = _CLASSES["ActionClosePreparedStatementRequest"]


def pack(message: Message) -> bytes:
    """Serialize a message in an Any, as FlightSQL does with commands and actions.

    Parameters
    ----------
    message : Message
        One of the messages above.

    Returns
    -------
    bytes
        The serialized Any.
    """
    wrapper = any_pb2.Any()
    wrapper.Pack(message)
    return wrapper.SerializeToString()


def unpack(data: bytes) -> tuple[str, Any] | None:
    """Parse a message in an Any.

    Parameters
    ----------
    data : bytes
        A serialized Any.

    Returns
    -------
    (str, Message or None) or None
        The message's name without its package, and the message, which is None if this module does
        not define it. None if the bytes are not an Any of FlightSQL.
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
