"""Print a result as a table that shows every row and fits the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from micromegas_dbapi.arrow import rows
from micromegas_dbapi.arrow.json_form import timestamp_text
from micromegas_dbapi.arrow.nested import values_type
from micromegas_dbapi.arrow.type_codes import NUMBER, describe
from micromegas_dbapi.time_units import SECOND

__all__ = ["cell_text", "cell_values", "print_table"]

# A column that is wrapped to less than this is hard to read: each row is then printed as a list.
_LEGIBLE_WIDTH = 16
_COLUMN_GAP = 3
_MAX_BYTES = 16


def print_table(result: pa.RecordBatchReader, console: Console) -> None:
    """Print all rows of a result.

    Parameters
    ----------
    result : pyarrow.RecordBatchReader
        Is read to its end and held in memory.
    console : rich.console.Console
        Where to print.

    Raises
    ------
    DatabaseError
        If reading the result fails, or a value is outside the range of its Python type.

    Notes
    -----
    On a terminal the table is wrapped to its width. If it has more columns than fit, each row is
    printed as a list. In a pipe or a file rows are not wrapped.
    """
    terminal = console.is_terminal
    columns = describe(result.schema)
    types = result.schema.types
    names = result.schema.names
    shown = [
        [cell_text(value, kind) for value, kind in zip(row, types, strict=True)]
        for batch in result
        for row in cell_values(batch)
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
    """Return the width of a table with legible columns."""
    widths = [
        max(cell_len(line) for text in column for line in text.split("\n"))
        for column in zip(names, *shown, strict=True)
    ]
    return sum(min(width, _LEGIBLE_WIDTH) + _COLUMN_GAP for width in widths)


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


# Characters that would move the cursor, ring the bell or reorder text on a terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def cell_values(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """Convert a batch to rows of values for `cell_text`.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        With at least one column.

    Returns
    -------
    iterator of tuple
        Timestamps are nanoseconds. Times, durations and nested values are as JSON represents them.

    Raises
    ------
    DataError, NotSupportedError
        If a value cannot be converted.
    """
    columns = [
        rows.column(array, "json" if _is_rounded_or_nested(array.type) else "ns", name)
        for name, array in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return zip(*columns, strict=True)


def _is_rounded_or_nested(kind: pa.DataType) -> bool:
    """Return whether rows round the values of a type, or contain dicts and lists of any values."""
    kind, types = values_type(kind), pa.types
    return bool(types.is_duration(kind) or types.is_time(kind) or types.is_nested(kind))


def cell_text(value: Any, kind: pa.DataType) -> str:
    """Format one value for people.

    Parameters
    ----------
    value : object
        As `cell_values` returns it.
    kind : pyarrow.DataType
        The type of its column.

    Returns
    -------
    str
        Null is ``NULL``. Timestamps are as `timestamp_text` returns them. Durations are days,
        hours, minutes and seconds, with nine digits for a fraction. Lists and structs are JSON.
        Binary is hexadecimal and shortened. Control characters are escaped.
    """
    if value is None:
        return "NULL"
    kind = values_type(kind)
    if pa.types.is_timestamp(kind):
        return timestamp_text(value, bool(kind.tz))
    if pa.types.is_duration(kind):
        return _duration_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        if len(value) <= _MAX_BYTES:
            return f"0x{value.hex()}"
        return f"0x{value[:_MAX_BYTES].hex()}... ({len(value)} bytes)"
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), str(value))


def _duration_text(ns: int) -> str:
    seconds, fraction = divmod(ns, SECOND)
    try:
        text = str(timedelta(seconds=seconds))
    except OverflowError:
        return f"{ns} ns"
    return f"{text}.{fraction:09d}" if fraction else text
