"""A result as a table for people: it fits the terminal by wrapping, and shows every row."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.arrow.type_codes import NUMBER, describe
from micromegas_dbapi.timerange import format_ns

__all__ = ["cell", "print_table"]

# A column wrapped to less than this is hard to read: then each row is written as a list.
_LEGIBLE = 16
_GAP = 3
_UNLIMITED = 1_000_000
_SHOWN_BYTES = 16


def print_table(result: pa.RecordBatchReader, console: Console) -> None:
    """Print all rows of a result.

    Parameters
    ----------
    result : pyarrow.RecordBatchReader
    console : rich.console.Console

    Notes
    -----
    On a terminal the table is wrapped to its width, or, with more columns than fit, each row is
    written as a list; a pipe or file gets each row whole in one line.
    """
    terminal = console.is_terminal
    columns = describe(result.schema)
    types = result.schema.types
    names = result.schema.names
    shown = [
        [cell(value, kind) for value, kind in zip(row, types, strict=True)]
        for batch in result
        for row in zip(*rows.columns(batch, "ns"), strict=True)
    ]
    if terminal and _least_width(names, shown) > console.width:
        table = _records(names, shown)
    else:
        numeric = [column.type_code == NUMBER for column in columns]
        table = _grid(names, numeric, shown)
    console.print(table, crop=False, no_wrap=not terminal)
    if terminal:
        console.print(f"({len(shown)} {'row' if len(shown) == 1 else 'rows'})", style="dim")


def _least_width(names: list[str], shown: list[list[str]]) -> int:
    """Tell how wide a table of columns that are legible has to be."""
    widths = [
        max(cell_len(line) for text in column for line in text.split("\n"))
        for column in zip(names, *shown, strict=True)
    ]
    return sum(min(width, _LEGIBLE) + _GAP for width in widths)


def _grid(names: list[str], numeric: list[bool], shown: list[list[str]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, right in zip(names, numeric, strict=True):
        table.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in shown:
        table.add_row(*map(Text, row))
    return table


def _records(names: list[str], shown: list[list[str]]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", overflow="fold")
    table.add_column(overflow="fold")
    for number, row in enumerate(shown, 1):
        table.add_row(Text(f"row {number}", style="dim"), "")
        for name, value in zip(names, row, strict=True):
            table.add_row(Text(name), Text(value))
    return table


# What would move the cursor, ring, or reorder text, if a log message held it.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def cell(value: Any, kind: pa.DataType) -> str:
    """Write one value.

    Parameters
    ----------
    value : object
        As `Cursor.fetchone` gives it, timestamps as nanoseconds.
    kind : pyarrow.DataType
        The type of its column.

    Returns
    -------
    str
        Null as ``NULL``; timestamps in RFC 3339, with ``Z`` where the column has a zone; lists
        and structs as JSON; binary as hexadecimal digits, shortened; control characters escaped.
    """
    if value is None:
        return "NULL"
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        text = _instant(value)
        return text if kind.tz else text.removesuffix("Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        if len(value) <= _SHOWN_BYTES:
            return f"0x{value.hex()}"
        return f"0x{value[:_SHOWN_BYTES].hex()}... ({len(value)} bytes)"
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), str(value))


def _instant(ns: int) -> str:
    try:
        return format_ns(ns)
    except OverflowError:  # a year that no calendar here has
        return f"{ns} ns"
