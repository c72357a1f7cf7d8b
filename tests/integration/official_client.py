"""Both clients, call by call; run by test_official_client.py in the official client's environment.

    python official_client.py URL

Prints one line of JSON a call: what was asked, and how ours differs, or null.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import sys
from collections.abc import Callable
from typing import Any

import micromegas  # type: ignore[import-not-found]
import pandas as pd

from micromegas_dbapi.client import Client

UTC = datetime.timezone.utc
BEGIN = datetime.datetime(2026, 11, 23, 20, 39, 30, tzinfo=UTC)
END = pd.Timestamp("2026-11-23T20:39:50Z")
PROCESS = "5e289910-c90d-44d6-8cb2-570a36fc332c"
STREAM = "87af451a-bbbb-4460-8629-0ed687891ded"
BLOCKS = "d2d5dd90-1bff-425b-a431-f3f7e1ee906c"
NOBODY = "00000000-0000-4000-8000-000000000000"
VIEWS = ("log_entries", "measures", "processes", "streams", "blocks")
INSTANCE = f"view_instance('thread_spans', '{STREAM}')"

# (method, arguments, what is said of the difference, if there is to be one)
CALLS: list[tuple[str, tuple[Any, ...], str]] = [
    *(("query", (f"SELECT * FROM {view}",), "") for view in VIEWS),
    *(("query", (f"SELECT * FROM {view}", BEGIN, END), "") for view in VIEWS),
    ("query", (f"SELECT * FROM {INSTANCE} ORDER BY id", "2026-11-23T20:39:30+00:00", END), ""),
    ("query", ("SELECT level, count(*) AS n FROM log_entries GROUP BY level ORDER BY level",), ""),
    ("query", ("SELECT time, msg FROM log_entries WHERE false",), ""),
    ("query", ("SELECT 1 AS one, 'text' AS two, NULL AS three, 0.5 AS four, true AS five",), ""),
    ("query", ("SELECT arrow_cast(time, 'Timestamp(Second, None)') AS t FROM measures",), "types"),
    ("query", ("SELECT nope FROM log_entries",), "error"),
    ("query", ("SELECT 1", BEGIN, None), "open end"),
    ("find_process", (PROCESS,), ""),
    ("find_process", (NOBODY,), "columns"),
    ("find_process", ("not-a-uuid",), "error"),
    ("find_stream", (STREAM,), ""),
    ("find_stream", (NOBODY,), "columns"),
    ("query_streams", (BEGIN, END, 1024), ""),
    ("query_streams", (BEGIN, END, 2), ""),
    ("query_streams", (BEGIN, END, 1024, PROCESS, "log"), ""),
    ("query_streams", (None, None, 1024, PROCESS), ""),
    ("query_streams", (None, None, 1024), "error"),
    ("query_blocks", (BEGIN, END, 10, BLOCKS), ""),
    ("query_blocks", (BEGIN, END, 10, NOBODY), "columns"),
    ("query_partitions", (), ""),
    ("query_view", ("log_entries", PROCESS, BEGIN, END, "SELECT * FROM log_entries"), ""),
    ("query_view", ("thread_spans", STREAM, BEGIN, END, "SELECT * FROM thread_spans"), ""),
    ("query_view", ("measures", "global", None, None, "SELECT count(*) FROM measures"), ""),
    ("materialize_partitions", ("log_entries", "global", BEGIN, END, 10), ""),
    ("materialize_partitions", ("nope", "global", BEGIN, END, 10), "error"),
    ("retire_partitions", ("measures", "nobody", BEGIN, END), ""),
]


def outcome(call: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, str]:
    """Give what a call returns, or the error that it raises, and what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            result = call(*arguments)
        except Exception as error:
            result = error
    return result, printed.getvalue()


def difference(theirs: tuple[Any, str], ours: tuple[Any, str]) -> str | None:
    """Tell the kind of difference, and nothing of what is equal: dtypes, order, index included."""
    (expected, said), (found, told) = theirs, ours
    if isinstance(expected, Exception):
        if isinstance(found, Exception):
            return "error"
        return "open end" if "Either specify both begin & end" in str(expected) else repr(found)
    if isinstance(found, Exception):
        # The official client prints a failure, and goes on as if nothing had happened.
        return "error" if "\n\nCaused by:\n" in said else repr(found)
    if said != told:
        return f"printed {told!r} for {said!r}"
    if expected is None or found is None:
        return None if expected is found else f"{found!r} for {expected!r}"
    if not len(expected.columns) and not len(found) and len(found.columns):
        return "columns"
    if list(expected.dtypes) != list(found.dtypes):
        return "types" if expected.astype(found.dtypes).equals(found) else "types and values"
    try:
        pd.testing.assert_frame_equal(expected, found, check_exact=True, check_freq=True)
    except AssertionError as error:
        return str(error)
    return None


def main(url: str) -> None:
    theirs, ours = micromegas.client.Client(f"{url}/"), Client(f"{url}/")
    for method, arguments, expected in CALLS:
        seen = difference(
            outcome(getattr(theirs, method), arguments), outcome(getattr(ours, method), arguments)
        )
        call = f"{method}({', '.join(map(str, arguments))})"
        print(json.dumps([call, expected, seen or ""]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
