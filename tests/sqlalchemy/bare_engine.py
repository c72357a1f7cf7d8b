"""An empty DataFusion engine of any version, behind a pipe.

What types the engine told before it made them agree, as services tell them, is in the metadata of
the answer's schema where the rows have others.
"""

import pyarrow as pa
from datafusion import SessionContext

from tests.engines.answering import answer_all


def answer(sql: str) -> pa.Table:
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
    return pa.Table.from_batches(arrays, schema)


if __name__ == "__main__":
    answer_all(answer)
