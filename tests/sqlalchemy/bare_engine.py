"""A DataFusion of any release behind a pipe: run by another interpreter, with no more than pyarrow.

A statement comes as JSON, one a line; the answer is a line with the kind and the length of what
follows: the text of an error, or a stream of Arrow. What types the engine told before it made them
agree, as services tell them, is in the metadata of the schema where the rows have others.
"""

import json
import sys

import pyarrow as pa
from datafusion import SessionContext


def answer(sql: str) -> tuple[str, bytes]:
    try:
        # As a service does: nothing of another statement is there.
        frame = SessionContext().sql(sql)
        told = frame.schema()
        batches = frame.collect()
        # Batches of a union differ in what may be null.
        fields = batches[0].schema if batches else told
        otherwise = {
            field.name: f"told {field.type}, came {came.type}"
            for batch in batches
            for field, came in zip(told, batch.schema, strict=True)
            if field.type != came.type
        }
        schema = pa.schema([field.with_nullable(True) for field in fields], otherwise or None)
        arrays = [pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in batches]
        table = pa.Table.from_batches(arrays, schema)
    except BaseException as error:  # a panic of the engine is one
        return "error", str(error).encode()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return "table", sink.getvalue().to_pybytes()


def main() -> None:
    for line in sys.stdin:
        kind, body = answer(json.loads(line))
        sys.stdout.buffer.write(f"{kind} {len(body)}\n".encode() + body)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
