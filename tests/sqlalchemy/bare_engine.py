"""A DataFusion of any release behind a pipe, with nothing in it."""

import pyarrow as pa
from datafusion import SessionContext

from tests.engines.answering import answer_all


def answer(sql: str) -> pa.Table:
    # As a service does: nothing of another statement is there.
    frame = SessionContext().sql(sql)
    batches = frame.collect()
    # Batches of a union differ in what may be null.
    fields = batches[0].schema if batches else frame.schema()
    schema = pa.schema([field.with_nullable(True) for field in fields])
    arrays = [pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in batches]
    return pa.Table.from_batches(arrays, schema)


if __name__ == "__main__":
    answer_all(answer)
