"""Convert results to what harlequin shows and exports: numbers, booleans and exact text.

Harlequin converts values to Python objects, which have no nanoseconds and no dictionaries. So
everything that would be lost or hard to read becomes text here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from micromegas_dbapi.arrow import jsonb, rows

__all__ = ["shown_rows"]


def shown_rows(
    result: pa.RecordBatchReader, limit: int | None = None, *, timestamps: str = "datetime"
) -> pa.Table:
    """Read a result, or its first rows, and convert it.

    Parameters
    ----------
    result : pyarrow.RecordBatchReader
        No batch is read after the one that reaches the limit.
    limit : int, optional
        The maximum number of rows; all of them by default.
    timestamps : {"datetime", "ns"}
        Text of RFC 3339 with nanoseconds, or integer nanoseconds since the epoch.

    Returns
    -------
    pyarrow.Table
        With the columns of the result. Numbers, booleans and strings are unchanged. Lists, structs
        and properties are JSON. Binary is hexadecimal.

    Raises
    ------
    DatabaseError
        If reading the result fails.
    """
    schema = pa.schema(
        [pa.field(field.name, _shown_type(field.type, timestamps)) for field in result.schema]
    )
    batches: list[pa.RecordBatch] = []
    left = limit
    while left is None or left > 0:
        batch = next(iter(result), None)
        if batch is None:
            break
        if left is not None:
            batch = batch.slice(0, left)
            left -= batch.num_rows
        columns = [
            _shown(column, field.type) for column, field in zip(batch.columns, schema, strict=True)
        ]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _shown_type(kind: pa.DataType, timestamps: str) -> pa.DataType:
    types = pa.types
    while isinstance(kind, pa.BaseExtensionType) or types.is_dictionary(kind):
        kind = kind.value_type if types.is_dictionary(kind) else kind.storage_type
    if types.is_timestamp(kind) and timestamps == "ns":
        return pa.int64()
    exact = types.is_integer(kind) or kind in (pa.float32(), pa.float64(), pa.bool_())
    return kind if exact else pa.string()


def _shown(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if pa.types.is_dictionary(column.type):
        # Each value of the dictionary is converted once.
        return _shown(column.dictionary, kind).take(column.indices)
    if isinstance(column.type, pa.BaseExtensionType):
        return _shown(column.storage, kind)
    if kind == pa.int64():  # timestamps
        return column.cast(pa.timestamp("ns", column.type.tz)).cast(kind)
    return pa.array(map(_text, _values(column)), kind)


def _values(column: pa.Array) -> Iterable[Any]:
    if _is_binary(column.type):
        return map(_decoded, column.to_pylist())
    if _is_properties(column.type):
        return map(_object, rows.column(column, "json"))
    return rows.column(column, "json")


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    variable = types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)
    return bool(variable or types.is_fixed_size_binary(kind))


def _is_properties(kind: pa.DataType) -> bool:
    if not pa.types.is_list(kind) or not pa.types.is_struct(kind.value_type):
        return False
    return [field.name for field in kind.value_type] == ["key", "value"]


def _decoded(data: bytes | None) -> Any:
    """Return the value of JSONB, which begins with one of three headers, or hexadecimal text."""
    if data is None:
        return None
    if len(data) >= 8 and data[0] in (0x20, 0x40, 0x80):
        try:
            return json.loads(json.dumps(jsonb.decode(data), default=str))
        except ValueError:  # other bytes that begin alike
            pass
    return data.hex()


def _object(pairs: list[dict[str, Any]] | None) -> Any:
    """Return properties as an object; a list of pairs if a key repeats."""
    if pairs is None:
        return None
    as_object = {pair["key"]: pair["value"] for pair in pairs}
    return as_object if len(as_object) == len(pairs) else pairs


def _text(value: Any) -> str | None:
    return (
        value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    )
