"""FlightSQL messages in a process with those of another client."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Registers a message as the module does that protoc generates from FlightSql.proto.
OTHERS = """
from google.protobuf import descriptor_pb2, descriptor_pool
file = descriptor_pb2.FileDescriptorProto(name="FlightSql.proto", syntax="proto3")
file.package = "arrow.flight.protocol.sql"
field = file.message_type.add(name="TicketStatementQuery").field.add(name="statement_handle")
field.number, field.type, field.label = 1, field.TYPE_BYTES, field.LABEL_OPTIONAL
descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
"""
OURS = """
from micromegas_dbapi.transport.flight import messages
packed = messages.pack(messages.TicketStatementQuery(statement_handle=b"SELECT 1"))
name, message = messages.unpack(packed)
print(name, message.statement_handle)
"""


@pytest.mark.parametrize("program", [OURS + OTHERS, OTHERS + OURS], ids=["before", "after"])
def test_another_client_in_the_same_process(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "TicketStatementQuery b'SELECT 1'\n"
