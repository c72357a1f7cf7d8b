"""Arrow types as DataFusion spells them, and the answer to DESCRIBE as the gateway gives it."""

from __future__ import annotations

import json

import pyarrow as pa

_NAMES = {
    pa.null(): "Null",
    pa.bool_(): "Boolean",
    pa.float16(): "Float16",
    pa.float32(): "Float32",
    pa.float64(): "Float64",
    pa.string(): "Utf8",
    pa.large_string(): "LargeUtf8",
    pa.string_view(): "Utf8View",
    pa.binary(): "Binary",
    pa.large_binary(): "LargeBinary",
    pa.binary_view(): "BinaryView",
    pa.date32(): "Date32",
    pa.date64(): "Date64",
    pa.month_day_nano_interval(): "Interval(MonthDayNano)",
}


def spelled(kind: pa.DataType) -> str:
    """Spell a type; `tests/arrow/test_type_names.py` holds it against the engine itself."""
    types = pa.types
    unit = getattr(kind, "unit", "").replace("us", "µs")
    if kind in _NAMES:
        return _NAMES[kind]
    if types.is_integer(kind):
        return str(kind).replace("int", "Int").replace("uI", "UI")
    if types.is_timestamp(kind):
        return f"Timestamp({unit})" if kind.tz is None else f'Timestamp({unit}, "{kind.tz}")'
    if types.is_time(kind):
        return f"Time{kind.bit_width}({unit})"
    if types.is_duration(kind):
        return f"Duration({unit})"
    if types.is_decimal(kind):
        return f"Decimal{kind.bit_width}({kind.precision}, {kind.scale})"
    if types.is_dictionary(kind):
        return f"Dictionary({spelled(kind.index_type)}, {spelled(kind.value_type)})"
    if types.is_map(kind):
        entries = f"{_field(kind.key_field)}, {_field(kind.item_field)}"
        return f'Map("entries": non-null Struct({entries}), unsorted)'
    if types.is_struct(kind):
        fields = ", ".join(_field(kind.field(place)) for place in range(kind.num_fields))
        return f"Struct({fields})"
    if types.is_fixed_size_list(kind):
        return f"FixedSizeList({kind.list_size} x {_item(kind.value_field)})"
    if types.is_fixed_size_binary(kind):
        return f"FixedSizeBinary({kind.byte_width})"
    name = {"list": "List", "large_list": "LargeList"}.get(str(kind).partition("<")[0])
    name = name or {"list_view": "ListView"}.get(str(kind).partition("<")[0], "LargeListView")
    return f"{name}({_item(kind.value_field)})"


def _nullable(field: pa.Field) -> str:
    return ("" if field.nullable else "non-null ") + spelled(field.type)


def _field(field: pa.Field) -> str:
    return f"{json.dumps(field.name, ensure_ascii=False)}: {_nullable(field)}"


def _item(field: pa.Field) -> str:
    return _nullable(field) + ("" if field.name == "item" else f", field: '{field.name}'")


def answer(schema: pa.Schema) -> bytes:
    """Answer ``DESCRIBE <query>``, as the gateway does."""
    rows = [
        {
            "column_name": field.name,
            "data_type": spelled(field.type),
            "is_nullable": "YES" if field.nullable else "NO",
        }
        for field in schema
    ]
    return json.dumps(rows, ensure_ascii=False).encode()
