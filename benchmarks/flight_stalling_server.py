"""Serve ten rows over gRPC in two small writes, as real services do.

The kernel holds back the second write until the first is acknowledged: services leave Nagle's
algorithm on. The client's kernel delays that acknowledgement by 40 ms, unless the client sends
something itself before. The server uses sockets, not gRPC, to control the writes. It prints its
port.
"""

from __future__ import annotations

import socket
import threading
import time

import pyarrow as pa

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return an HTTP/2 frame."""
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    )


def header(name: bytes, value: bytes) -> bytes:
    """Return a header in HPACK, without indexing."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def messages() -> list[bytes]:
    """Return the gRPC messages of FlightData for ten rows: the schema and a batch."""
    sink = pa.BufferOutputStream()
    table = pa.table({"number": range(10)})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    found = []
    for one in pa.ipc.MessageReader.open_stream(sink.getvalue()):
        data = field(2, one.metadata.to_pybytes())
        data += field(1000, one.body.to_pybytes()) if one.body else b""
        found.append(b"\0" + len(data).to_bytes(4, "big") + data)
    return found


def field(number: int, value: bytes) -> bytes:
    """Return a protobuf field."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """Return a protobuf varint."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def serve(connection: socket.socket) -> None:
    """Respond to all calls of one connection."""
    schema, batch = messages()
    begin = b"\x88" + header(b"content-type", b"application/grpc")
    end = header(b"grpc-status", b"0")
    file = connection.makefile("rb")
    assert file.read(len(PREFACE)) == PREFACE
    connection.sendall(frame(SETTINGS, 0, 0))
    while head := file.read(9):
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream, payload = int.from_bytes(head[5:], "big"), file.read(size)
        if kind == SETTINGS and not flags & ACK:
            connection.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            connection.sendall(frame(PING, ACK, 0, payload))
        elif kind == DATA and flags & END_STREAM:
            connection.sendall(
                frame(HEADERS, END_HEADERS, stream, begin) + frame(DATA, 0, stream, schema)
            )
            time.sleep(0.001)  # as if the rows were computed
            connection.sendall(
                frame(DATA, 0, stream, batch)
                + frame(HEADERS, END_HEADERS | END_STREAM, stream, end)
            )


def main() -> None:
    """Print the port, and serve each connection in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
