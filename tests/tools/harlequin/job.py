"""Use the app: its catalog, results, errors, cancellation and time range."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from tests.harlequin.app_session import ENDLESS, LOG, used
from tests.tools.source import Source

LIMIT = "its catalog has no place for comments, so they are in the menu of an item"


def check_app(source: Source) -> None:
    """`tests/harlequin/` has more of the app; here its values are those of the driver."""
    seen = asyncio.run(used(source.url, "-2h"))
    views = sorted(sa.inspect(source.engine).get_table_names())
    assert seen["views"] == [*(f"{view} v" for view in views), "thread_spans vs"]
    columns = sa.inspect(source.engine).get_columns("log_entries")
    shown = {column.split()[0] for column in seen["columns"]} - {"(processes)"}
    assert shown == {column["name"] for column in columns}
    assert seen["instances"] == source.value("SELECT count(*) FROM processes")
    newest = source.rows(f"{LOG} LIMIT 1", begin="-2h")[0]
    assert seen["newest"][1:] == list(newest[1:])
    assert seen["newest"][0].startswith(newest[0].strftime("%Y-%m-%dT%H:%M:%S.%f"))
    assert seen["refused"][1].startswith("DELETE is rejected")
    assert seen["cancelled"][1] == "the query was cancelled", ENDLESS
    assert seen["seconds"] < 5
