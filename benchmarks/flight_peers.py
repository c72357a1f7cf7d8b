"""One client of `flight.py`, in its own environment: told what to do a line at a time.

``python flight_peers.py CLIENT PORT`` prints ``ready`` and the versions, or what is missing. It
reads ``arrow``, ``frame`` or ``rows`` of a million, ``ten`` or ``tenframe`` from standard input,
does that, and prints how many seconds it took, and how many rows came.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parent]

# A view that is known, whose dictionaries are asked for; the server goes by the last word.
MILLION, TEN = "SELECT * FROM log_entries AS million", "SELECT * FROM log_entries AS ten"
Task = Callable[[], Any]
# What is quick is done several times; the median counts.
REPEATS = {"arrow": 5, "frame": 3, "ten": 200, "tenframe": 200}


def ours(port: int, **options: Any) -> dict[str, Task]:
    """Ask as a user of micromegas_dbapi does."""
    import micromegas_dbapi as mm

    cursor = mm.connect(f"grpc://127.0.0.1:{port}", **options).cursor()
    return {
        "arrow": lambda: cursor.execute(MILLION).fetch_arrow_table(),
        "frame": lambda: cursor.execute(MILLION).fetch_df(),
        "rows": lambda: cursor.execute(MILLION).fetchall(),
        "ten": lambda: cursor.execute(TEN).fetchall(),
        "tenframe": lambda: cursor.execute(TEN).fetch_df(),
    }


def unchecked(port: int) -> dict[str, Task]:
    """Ask likewise, with no look at the layout of what comes."""
    from micromegas_dbapi.transport import layout

    layout.LayoutChecker.check = lambda *_: None  # type: ignore[method-assign]
    return ours(port)


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
        "tenframe": lambda: fetched(TEN, "fetch_df"),
    }


def flightsql(port: int) -> dict[str, Task]:
    """Ask as a user of flightsql-dbapi does."""
    from flightsql import FlightSQLClient, connect  # type: ignore[import-not-found]

    client = FlightSQLClient(host="127.0.0.1", port=port, insecure=True)
    connection = connect(client)

    def table(sql: str) -> Any:
        info = client.execute(sql)
        return client.do_get(info.endpoints[0].ticket).read_all()

    def rows(sql: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall()

    return {
        "arrow": lambda: table(MILLION),
        "frame": lambda: table(MILLION).to_pandas(),
        "rows": lambda: rows(MILLION),
        "ten": lambda: rows(TEN),
        "tenframe": lambda: table(TEN).to_pandas(),
    }


def official(port: int) -> dict[str, Task]:
    """Ask as a user of the official client does."""
    import micromegas  # type: ignore[import-not-found]

    client = micromegas.connect(f"grpc://127.0.0.1:{port}")

    def rows(sql: str) -> Any:
        return list(client.query(sql).itertuples(index=False, name=None))

    return {
        "arrow": lambda: client.query_arrow(MILLION),
        "frame": lambda: client.query(MILLION),
        "rows": lambda: rows(MILLION),
        "ten": lambda: rows(TEN),
        "tenframe": lambda: client.query(TEN),
    }


# Each with its package; ours is that of this folder, wherever it runs.
CLIENTS: dict[str, tuple[list[str], Callable[[int], dict[str, Task]]]] = {
    "ours": ([], ours),
    "ours, plain": ([], lambda port: ours(port, preserve_dictionary=False)),
    "ours, unchecked": ([], unchecked),
    "adbc": (["adbc-driver-flightsql"], adbc),
    "flightsql-dbapi": (["flightsql-dbapi"], flightsql),
    "official": (["micromegas"], official),
}


def main(client: str, port: int) -> None:
    """Do what standard input says."""
    package, connect = CLIENTS[client]
    try:
        tasks = connect(port)
    except ImportError as error:
        print(error, flush=True)
        return
    tasks["ten"]()  # whatever is made once is made
    packages = [*package, "pyarrow", "pandas"]
    print("ready", ", ".join(f"{name} {version(name)}" for name in packages), flush=True)
    for line in sys.stdin:
        name = line.strip()
        task, times = tasks[name], []
        gc.collect()
        for _ in range(REPEATS.get(name, 1)):
            start = time.perf_counter()
            result = task()
            times.append(time.perf_counter() - start)
            count = len(result)
            del result
        print(statistics.median(times), count, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
