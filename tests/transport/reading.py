"""Run statements and return their values or errors in a form that JSON can represent."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.transport import flight, web  # noqa: F401  (loaded before it is forked)


def read(url: str, sql: str, begin: str, end: str, options: dict[str, Any]) -> list[Any]:
    """Run a statement and return its values or its error."""
    with mm.connect(url, infer_range="off", **options) as connection:
        try:
            table = connection.execute(sql, begin=begin, end=end).fetch_arrow_table()
            return ["rows", table.schema.names, values(table)]
        except mm.Error as error:
            return ["error", type(error).__name__, str(error)]


def values(table: pa.Table) -> list[str]:
    """Return the values of each column as reprs, which distinguish 1 and 1.0."""
    return [repr([v for chunk in c.chunks for v in column(chunk, "ns")]) for c in table]


def crash() -> None:
    """Read a string at an offset outside of its buffer, which crashes."""
    offsets = pa.py_buffer(b"\0\0\0\x10\xff\xff\xff\x7f")
    pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"a")]).to_pylist()
