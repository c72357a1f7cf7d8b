"""Today's official client, call by call; run by test_official_flight.py in its environment.

    python official_flight_client.py URL FOLDER < CALLS

CALLS is a list in JSON: name, SQL, begin, end, whether dictionaries are kept, whether the answer is
the same each time. What each is answered
with goes to FOLDER, as files of Arrow IPC, and one line of JSON a call to standard output: null, or
the kind and text of the error raised.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import micromegas  # type: ignore[import-not-found]
import pandas as pd
import pyarrow as pa


def answered(call: Callable[..., Any], *arguments: Any) -> tuple[Any, list[str] | None]:
    try:
        result = call(*arguments)
        return (list(result) if isinstance(result, Iterator) else result), None
    except Exception as error:
        return None, [type(error).__name__, str(error)]


def write(path: Path, schema: pa.Schema, batches: list[pa.RecordBatch]) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for batch in batches:
            stream.write_batch(batch)


def main(url: str, folder: Path) -> None:
    clients = {keep: micromegas.connect(url, preserve_dictionary=keep) for keep in (False, True)}
    for name, sql, begin, end, keep, same in json.load(sys.stdin):
        client = clients[keep]
        table, failed = answered(client.query_arrow, sql, begin, end)
        batches, streamed = answered(client.query_stream, sql, begin, end)
        frame, framed = answered(client.query, sql, begin, end)
        statement, unprepared = answered(client.prepare_statement, sql)
        if table is not None:
            write(folder / f"{name}.query_arrow", table.schema, table.to_batches())
            write(folder / f"{name}.query_stream", table.schema, batches)
            if frame is not None and same and not keep:
                pd.testing.assert_frame_equal(frame, table.to_pandas(), check_exact=True)
        if statement is not None:
            assert statement.query == sql
            write(folder / f"{name}.prepare", statement.dataset_schema, [])
        print(json.dumps([name, failed, streamed, framed, unprepared]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
