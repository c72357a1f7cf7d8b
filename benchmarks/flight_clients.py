"""Run one of the clients that flight.py compares, in the environment that has it.

``python flight_clients.py CLIENT PORT`` prints ``ready`` and versions, or which module is missing.
It then reads the names of tasks from standard input, a line each: ``arrow``, ``frame`` and ``rows``
of the large table, ``ten`` and ``tenframe`` of ten rows. For each it prints the seconds taken and
the number of rows.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from measurement import scaled

# Our client requests dictionaries for views it knows. The server looks at the last word only.
LARGE, TEN = "SELECT * FROM log_entries AS large", "SELECT * FROM log_entries AS ten"
Task = Callable[[], Any]
# Short tasks are repeated, and the median is printed.
REPEATS = {"arrow": scaled(5), "frame": scaled(3), "ten": scaled(200), "tenframe": scaled(200)}


def ours(port: int, **options: Any) -> dict[str, Task]:
    """Return the tasks as a user of micromegas_dbapi writes them."""
    import micromegas_dbapi as mm

    cursor = mm.connect(f"grpc://127.0.0.1:{port}", **options).cursor()
    return {
        "arrow": lambda: cursor.execute(LARGE).fetch_arrow_table(),
        "frame": lambda: cursor.execute(LARGE).fetch_df(),
        "rows": lambda: cursor.execute(LARGE).fetchall(),
        "ten": lambda: cursor.execute(TEN).fetchall(),
        "tenframe": lambda: cursor.execute(TEN).fetch_df(),
    }


def unchecked(port: int) -> dict[str, Task]:
    """Return the same tasks without the check of the layout of results."""
    from micromegas_dbapi.transport import layout

    layout.LayoutChecker.check = lambda *_: None  # type: ignore[method-assign]
    return ours(port)


def adbc(port: int) -> dict[str, Task]:
    """Return the tasks as a user of adbc_driver_flightsql writes them."""
    from adbc_driver_flightsql import dbapi

    cursor = dbapi.connect(f"grpc://127.0.0.1:{port}", autocommit=True).cursor()

    def fetched(sql: str, method: str) -> Any:
        cursor.execute(sql)
        return getattr(cursor, method)()

    return {
        "arrow": lambda: fetched(LARGE, "fetch_arrow_table"),
        "frame": lambda: fetched(LARGE, "fetch_df"),
        "rows": lambda: fetched(LARGE, "fetchall"),
        "ten": lambda: fetched(TEN, "fetchall"),
        "tenframe": lambda: fetched(TEN, "fetch_df"),
    }


def flightsql(port: int) -> dict[str, Task]:
    """Return the tasks as a user of flightsql-dbapi writes them."""
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
        "arrow": lambda: table(LARGE),
        "frame": lambda: table(LARGE).to_pandas(),
        "rows": lambda: rows(LARGE),
        "ten": lambda: rows(TEN),
        "tenframe": lambda: table(TEN).to_pandas(),
    }


def official(port: int) -> dict[str, Task]:
    """Return the tasks as a user of the official client writes them."""
    import micromegas  # type: ignore[import-not-found]

    client = micromegas.connect(f"grpc://127.0.0.1:{port}")

    def rows(sql: str) -> Any:
        return list(client.query(sql).itertuples(index=False, name=None))

    return {
        "arrow": lambda: client.query_arrow(LARGE),
        "frame": lambda: client.query(LARGE),
        "rows": lambda: rows(LARGE),
        "ten": lambda: rows(TEN),
        "tenframe": lambda: client.query(TEN),
    }


# Distribution to print the version of, and tasks.
CLIENTS: dict[str, tuple[list[str], Callable[[int], dict[str, Task]]]] = {
    "ours": ([], ours),
    "ours, plain": ([], lambda port: ours(port, preserve_dictionary=False)),
    "ours, unchecked": ([], unchecked),
    "adbc": (["adbc-driver-flightsql"], adbc),
    "flightsql-dbapi": (["flightsql-dbapi"], flightsql),
    "official": (["micromegas"], official),
}


def main(client: str, port: int) -> None:
    """Run the tasks that standard input names."""
    package, connect = CLIENTS[client]
    try:
        tasks = connect(port)
    except ImportError as error:
        print(error, flush=True)
        return
    tasks["ten"]()  # connections and caches are set up before anything is measured
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
