"""One client of `flight.py`, in its own environment: told what to do a line at a time.

``python flight_peers.py CLIENT PORT`` reads ``arrow``, ``frame``, ``rows`` or ``ten`` from standard
input, does that, and prints how many seconds it took, and how many rows came.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parent]

import pyarrow as pa  # noqa: E402

MILLION, TEN = "SELECT * FROM million", "SELECT * FROM ten"
Task = Callable[[], Any]


def ours(port: int, **options: Any) -> dict[str, Task]:
    """Ask as a user of micromegas_dbapi does."""
    import micromegas_dbapi as mm

    cursor = mm.connect(f"grpc://127.0.0.1:{port}", **options).cursor()
    return {
        "arrow": lambda: cursor.execute(MILLION).fetch_arrow_table(),
        "frame": lambda: cursor.execute(MILLION).fetch_df(),
        "rows": lambda: cursor.execute(MILLION).fetchall(),
        "ten": lambda: cursor.execute(TEN).fetchall(),
    }


def adbc(port: int) -> dict[str, Task]:
    """Ask as a user of adbc_driver_flightsql does."""
    from adbc_driver_flightsql import dbapi

    cursor = dbapi.connect(f"grpc://127.0.0.1:{port}", autocommit=True).cursor()

    def fetched(sql: str, how: str) -> Any:
        cursor.execute(sql)
        return getattr(cursor, how)()

    return {
        "arrow": lambda: fetched(MILLION, "fetch_arrow_table"),
        "frame": lambda: fetched(MILLION, "fetch_df"),
        "rows": lambda: fetched(MILLION, "fetchall"),
        "ten": lambda: fetched(TEN, "fetchall"),
    }


def flightsql(port: int) -> dict[str, Task]:
    """Ask as a user of flightsql-dbapi does."""
    from flightsql import FlightSQLClient, connect  # type: ignore[import-not-found]

    client = FlightSQLClient(host="127.0.0.1", port=port, insecure=True)
    connection = connect(client)

    def table() -> Any:
        info = client.execute(MILLION)
        return client.do_get(info.endpoints[0].ticket).read_all()

    def rows(sql: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall()

    return {
        "arrow": table,
        "frame": lambda: table().to_pandas(),
        "rows": lambda: rows(MILLION),
        "ten": lambda: rows(TEN),
    }


def official(port: int) -> dict[str, Task]:
    """Ask as a user of the official client does."""
    import micromegas  # type: ignore[import-not-found]

    client = micromegas.connect(f"grpc://127.0.0.1:{port}")

    def rows(sql: str) -> Any:
        return list(client.query(sql).itertuples(index=False, name=None))

    return {
        "arrow": lambda: pa.Table.from_batches(list(client.query_stream(MILLION))),
        "frame": lambda: client.query(MILLION),
        "rows": lambda: rows(MILLION),
        "ten": lambda: rows(TEN),
    }


def main(client: str, port: int) -> None:
    """Do what standard input says."""
    made = {
        "ours": ours,
        "ours, plain": lambda port: ours(port, preserve_dictionary=False),
        "adbc": adbc,
        "flightsql-dbapi": flightsql,
        "official": official,
    }[client](port)
    repeats = {"ten": 100}
    for task in made.values():  # whatever is made once is made
        if task is made["ten"]:
            task()
    print("ready", flush=True)
    for line in sys.stdin:
        name = line.strip()
        task, times = made[name], []
        for _ in range(repeats.get(name, 1)):
            gc.collect() if name != "ten" else None
            start = time.perf_counter()
            result = task()
            times.append(time.perf_counter() - start)
            count = len(result)
            del result
        print(sorted(times)[len(times) // 2], count, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
