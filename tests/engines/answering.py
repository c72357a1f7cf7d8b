"""The end of a pipe in another interpreter: what is asked comes as JSON, one a line.

The answer is a line with the kind and the length of what follows: the text of an error, or a stream
of Arrow. It needs no more than pyarrow.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import pyarrow as pa


def answer_all(answer: Callable[[Any], pa.Table]) -> None:
    """Answer until nothing more is asked."""
    for line in sys.stdin:
        try:
            kind, body = "table", _stream(answer(json.loads(line)))
        except BaseException as error:  # a panic of the engine is one
            kind, body = "error", str(error).encode()
        sys.stdout.buffer.write(f"{kind} {len(body)}\n".encode() + body)
        sys.stdout.buffer.flush()


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found
