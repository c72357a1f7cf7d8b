"""The information_schema of a lake, which also answers SHOW TABLES, SHOW COLUMNS and SHOW ALL.

The engine can list the tables of a session itself. Then each view has to be registered, which is as
slow as a query, and each is listed as a view. Here, a second session lists empty tables with the
columns of the views, and of the kinds that services list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
from datafusion import SessionConfig, SessionContext, col, functions, lit
from datafusion.catalog import Schema

__all__ = ["is_mentioned", "register"]

_TABLES = ("tables", "views", "columns", "df_settings", "schemata", "routines", "parameters")
#: The views that services list as tables.
_BASE_TABLES = ("log_entries", "measures", "blocks")
_ENABLED = "datafusion.catalog.information_schema"
_MENTIONED = re.compile(r"information_schema|\bshow\b", re.IGNORECASE)


def is_mentioned(sql: str) -> bool:
    """Return whether a statement may read the information_schema.

    Parameters
    ----------
    sql : str
        The statement.

    Returns
    -------
    bool
        False only if it does not.
    """
    return _MENTIONED.search(sql) is not None


def register(context: SessionContext, views: Mapping[str, pa.Schema]) -> None:
    """Add an information_schema to a session.

    Parameters
    ----------
    context : SessionContext
        Its own information_schema is disabled. Its functions and settings are listed.
    views : mapping of str to pyarrow.Schema
        The views to list, with their columns.
    """
    listing = SessionContext(SessionConfig({_ENABLED: "true"}))
    for name, schema in views.items():
        empty = pa.RecordBatchReader.from_batches(schema, [])
        if name in _BASE_TABLES:
            listing.from_arrow(empty, name=name)
        else:
            listing.register_view(name, SessionContext().from_arrow(empty))
    registered = Schema.memory_schema()
    for name in _TABLES:
        frame = listing.table(f"information_schema.{name}")
        if name == "df_settings":  # read from the session that runs the query
            is_this = col("name") == lit(_ENABLED)
            true = lit(pa.scalar("true", pa.string()))
            value = functions.when(is_this, true).otherwise(col("value"))
            frame = frame.with_column("value", value)
        registered.register_table(name, frame.into_view())
    context.catalog().register_schema("information_schema", registered)
