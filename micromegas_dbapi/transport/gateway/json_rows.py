"""Rows as JSON objects -> Arrow tables: of a schema that is known, or of one that they show.

What the values show when nobody says more:

=====================  =============================================================
values of a column     type
=====================  =============================================================
none                   null
``true``, ``false``    bool
whole numbers          int64, else uint64, else a decimal that holds all of them
other numbers          float64 where it holds each of them exactly, else such a decimal
texts                  string: also times, binary values and intervals
arrays                 list of what their items show
objects                struct of what their fields show: also maps
=====================  =============================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, TypeAlias

import pyarrow as pa

from micromegas_dbapi.transport.gateway.json_objects import Number, Pairs, UnfitError, aligned
from micromegas_dbapi.transport.gateway.json_values import array

__all__ = ["Columns", "batches", "by_themselves", "columns", "shown_type", "shows_types"]

#: The values of each column.
Columns: TypeAlias = list[Sequence[Any]]

_ROWS = 65_536


def columns(rows: Sequence[Pairs], names: Sequence[str]) -> Columns:
    """Turn rows into columns.

    Raises
    ------
    UnfitError
        If a row has other columns.
    AmbiguousError
        If a row lacks one of several columns of one name.
    """
    if not names and not any(rows):
        return []
    lines = [aligned(row, names) for row in rows]
    return list(zip(*lines, strict=True)) if lines else [()] * len(names)


def batches(fields: Sequence[pa.Field], values: Columns, count: int) -> list[pa.RecordBatch]:
    """Make record batches of columns.

    Parameters
    ----------
    fields : sequence of pyarrow.Field
    values : list of sequences
        One for each field.
    count : int
        Of rows, which matters where there are no columns.

    Returns
    -------
    list of pyarrow.RecordBatch
        At least one. A field may be null where one of its values is, whatever was said.

    Raises
    ------
    UnfitError
        With the name of the column.
    """
    if not fields:
        empty = pa.array([()] * count, pa.struct([]))
        return [pa.RecordBatch.from_struct_array(empty)]
    arrays = []
    for field, column in zip(fields, values, strict=True):
        try:
            arrays.append(array(column, field.type))
        except UnfitError as error:
            raise UnfitError(f"column {field.name!r}: {error}") from error
    schema = pa.schema(
        [
            field.with_nullable(field.nullable or made.null_count > 0)
            for field, made in zip(fields, arrays, strict=True)
        ]
    )
    table = pa.Table.from_arrays(arrays, schema=schema)
    return table.to_batches(_ROWS) or [pa.RecordBatch.from_pylist([], schema)]


def shows_types(rows: Sequence[Pairs]) -> bool:
    """Tell whether rows show their types beyond doubt, and that no column is missing.

    Texts may be times, whole numbers decimals, and a row of an empty array or of a null anything.
    """
    if not rows or not rows[0]:
        return False
    names = [name for name, _ in rows[0]]
    return all(
        [name for name, _ in row] == names and all(type(value) is bool for _, value in row)
        for row in rows
    )


def by_themselves(rows: Sequence[Pairs]) -> list[pa.RecordBatch]:
    """Make record batches of the types that the values show.

    Raises
    ------
    UnfitError
        If the values of a column show several.
    """
    names = _shown_names(rows)
    values = columns(rows, names)
    fields = [
        pa.field(name, shown_type(column)) for name, column in zip(names, values, strict=True)
    ]
    return batches(fields, values, len(rows))


def _shown_names(rows: Iterable[Pairs]) -> list[str]:
    """Merge the names of all rows into one order, in which each row has its own.

    Rows lack the columns in which they are null. A column that no row before had stands before
    the next one of its row that is known, or at the end.
    """
    merged: list[tuple[str, int]] = []
    for keys in dict.fromkeys(tuple(key for key, _ in row) for row in rows):
        counts: dict[str, int] = {}
        labels = []  # a name and how many of its row came before it
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


def shown_type(values: Iterable[Any]) -> pa.DataType:
    """Give the type that values show.

    Raises
    ------
    UnfitError
        If they show several.
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
        return pa.float64() if all(map(_is_double, present)) else _decimal(present)
    if kinds == {list}:
        return pa.list_(shown_type(chain.from_iterable(present)))
    if kinds == {tuple}:
        names = _shown_names(present)
        parts = columns(present, names)
        return pa.struct(
            [pa.field(name, shown_type(part)) for name, part in zip(names, parts, strict=True)]
        )
    said = ", ".join(sorted(_NAMES.get(kind, kind.__name__) for kind in kinds))
    raise UnfitError(f"it has values of several kinds: {said}")


_NAMES = {bool: "true and false", str: "texts", list: "arrays", tuple: "objects"}
_NAMES |= {int: "whole numbers", Number: "numbers"}


def _integer(values: Sequence[int]) -> pa.DataType:
    low, high = min(values), max(values)
    if low >= -(2**63) and high < 2**63:
        return pa.int64()
    if low >= 0 and high < 2**64:
        return pa.uint64()
    return _decimal(values)


def _is_double(value: int | Number) -> bool:
    """Tell whether a double is this number, not only close to it."""
    if isinstance(value, int):
        return abs(value) <= 2**53
    # Up to 15 digits always come back.
    short = len(value) <= 16 and "e" not in value.lower()
    return short or Decimal(repr(float(value))) == Decimal(value)


def _decimal(values: Sequence[int | Number]) -> pa.DataType:
    whole = scale = 0
    for number in map(Decimal, values):
        _, digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)  # JSON has no infinities
        scale = max(scale, -exponent)
        whole = max(whole, len(digits) + exponent)
    if whole + scale <= 38:
        return pa.decimal128(max(whole + scale, 1), scale)
    if whole + scale <= 76:
        return pa.decimal256(whole + scale, scale)
    raise UnfitError(f"it has numbers of {whole + scale} digits")
