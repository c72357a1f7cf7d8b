"""Conversion of JSON rows to Arrow, with a known or an inferred schema.

The types that are inferred from values:

=====================  =============================================================
values of a column     type
=====================  =============================================================
none                   null
``true``, ``false``    bool
integers               int64, else uint64, else a decimal that holds all of them
other numbers          float64 if all values are exact, else a decimal
strings                string, also for times, binary values and intervals
arrays                 list of the type that their items have
objects                struct of the types that their fields have, also for maps
=====================  =============================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, TypeAlias

import pyarrow as pa

from micromegas_dbapi.transport.gateway.json_objects import MismatchError, Number, Pairs, align
from micromegas_dbapi.transport.gateway.json_values import to_array

__all__ = [
    "Columns",
    "has_evident_types",
    "infer_batches",
    "infer_type",
    "to_batches",
    "transpose",
]

#: The values of each column.
Columns: TypeAlias = list[Sequence[Any]]

_BATCH_ROWS = 65_536


def transpose(rows: Sequence[Pairs], names: Sequence[str]) -> Columns:
    """Convert rows to columns.

    Parameters
    ----------
    rows : sequence of Pairs
        Null values may be missing.
    names : sequence of str
        The names of the columns.

    Returns
    -------
    list of sequences
        The values of each column.

    Raises
    ------
    MismatchError
        If a row has other columns.
    AmbiguousFieldError
        If a row has only one of several columns with the same name.
    """
    if not names and not any(rows):
        return []
    aligned = [align(row, names) for row in rows]
    return list(zip(*aligned, strict=True)) if aligned else [()] * len(names)


def to_batches(fields: Sequence[pa.Field], columns: Columns, count: int) -> list[pa.RecordBatch]:
    """Convert columns to record batches.

    Parameters
    ----------
    fields : sequence of pyarrow.Field
        One for each column. A field becomes nullable if a value is null.
    columns : list of sequences
        The values of each column.
    count : int
        The number of rows, which matters if there are no columns.

    Returns
    -------
    list of pyarrow.RecordBatch
        At least one.

    Raises
    ------
    MismatchError
        Names the column.
    """
    if not fields:
        empty = pa.array([()] * count, pa.struct([]))
        return [pa.RecordBatch.from_struct_array(empty)]
    arrays = []
    for field, column in zip(fields, columns, strict=True):
        try:
            arrays.append(to_array(column, field.type))
        except MismatchError as error:
            raise MismatchError(f"column {field.name!r}: {error}") from error
    schema = pa.schema(
        [
            field.with_nullable(field.nullable or array.null_count > 0)
            for field, array in zip(fields, arrays, strict=True)
        ]
    )
    table = pa.Table.from_arrays(arrays, schema=schema)
    return table.to_batches(_BATCH_ROWS) or [pa.RecordBatch.from_pylist([], schema)]


def has_evident_types(rows: Sequence[Pairs]) -> bool:
    """Return whether rows determine the types of all columns, and no column is missing.

    Only booleans do: strings may be times, integers may be decimals, and an empty array or a null
    may have any type.

    Parameters
    ----------
    rows : sequence of Pairs
        All rows of a result.

    Returns
    -------
    bool
        False if there are no rows.
    """
    if not rows or not rows[0]:
        return False
    names = [name for name, _ in rows[0]]
    return all(
        [name for name, _ in row] == names and all(type(value) is bool for _, value in row)
        for row in rows
    )


def infer_batches(rows: Sequence[Pairs]) -> list[pa.RecordBatch]:
    """Convert rows to record batches with inferred types.

    Parameters
    ----------
    rows : sequence of Pairs
        All rows of a result.

    Returns
    -------
    list of pyarrow.RecordBatch
        At least one.

    Raises
    ------
    MismatchError
        If a column has values of several types.
    """
    names = _infer_names(rows)
    columns = transpose(rows, names)
    fields = [
        pa.field(name, infer_type(column)) for name, column in zip(names, columns, strict=True)
    ]
    return to_batches(fields, columns, len(rows))


def _infer_names(rows: Iterable[Pairs]) -> list[str]:
    """Merge the names of all rows, keeping the order of each row.

    Rows lack their null columns. A column that is missing in all rows before is inserted before
    the next known column of its row, or at the end.
    """
    merged: list[tuple[str, int]] = []
    for keys in dict.fromkeys(tuple(key for key, _ in row) for row in rows):
        counts: dict[str, int] = {}
        labels = []  # a name and the number of times it occurs before in the row
        for key in keys:
            labels.append((key, counts.get(key, 0)))
            counts[key] = counts.get(key, 0) + 1
        place = len(merged)
        for label in reversed(labels):
            if label in merged:
                place = merged.index(label)
            else:
                merged.insert(place, label)
    return [name for name, _ in merged]


def infer_type(values: Iterable[Any]) -> pa.DataType:
    """Infer the type of values.

    Parameters
    ----------
    values : iterable
        As returned by the parser; None is null.

    Returns
    -------
    pyarrow.DataType
        Null if all values are null.

    Raises
    ------
    MismatchError
        If the values have several types.
    """
    present = [value for value in values if value is not None]
    kinds = set(map(type, present))
    if not kinds:
        return pa.null()
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {str}:
        return pa.string()
    if kinds == {int}:
        return _integer(present)
    if kinds <= {int, Number}:
        return pa.float64() if all(map(_is_exact_double, present)) else _decimal(present)
    if kinds == {list}:
        return pa.list_(infer_type(chain.from_iterable(present)))
    if kinds == {tuple}:
        names = _infer_names(present)
        parts = transpose(present, names)
        return pa.struct(
            [pa.field(name, infer_type(part)) for name, part in zip(names, parts, strict=True)]
        )
    found = ", ".join(sorted(_TYPE_NAMES.get(kind, kind.__name__) for kind in kinds))
    raise MismatchError(f"it has values of several types: {found}")


_TYPE_NAMES = {bool: "booleans", str: "strings", list: "arrays", tuple: "objects"}
_TYPE_NAMES |= {int: "integers", Number: "numbers"}


def _integer(values: Sequence[int]) -> pa.DataType:
    low, high = min(values), max(values)
    if low >= -(2**63) and high < 2**63:
        return pa.int64()
    if low >= 0 and high < 2**64:
        return pa.uint64()
    return _decimal(values)


def _is_exact_double(value: int | Number) -> bool:
    """Return whether a double represents this number exactly."""
    if isinstance(value, int):
        return abs(value) <= 2**53
    # Up to 15 digits always round-trip.
    short = len(value) <= 16 and "e" not in value.lower()
    return short or Decimal(repr(float(value))) == Decimal(value)


def _decimal(values: Sequence[int | Number]) -> pa.DataType:
    whole = scale = 0
    for number in map(Decimal, values):
        _, digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)  # not an infinity, which JSON does not have
        scale = max(scale, -exponent)
        whole = max(whole, len(digits) + exponent)
    if whole + scale <= 38:
        return pa.decimal128(max(whole + scale, 1), scale)
    if whole + scale <= 76:
        return pa.decimal256(whole + scale, scale)
    raise MismatchError(f"it has numbers of {whole + scale} digits")
