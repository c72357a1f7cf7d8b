"""A slow conversion of Arrow values, one at a time, to compare the fast one with."""

from __future__ import annotations

import base64
import bisect
import json
import math
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa

UNITS = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}


def exact(value: Any) -> Any:
    """Values in a form that is equal only for equal types, zones, digits, signs and NaNs."""
    if type(value) is list or type(value) is tuple:
        return [exact(item) for item in value]
    if type(value) is dict:
        return {"dict": [(exact(key), exact(item)) for key, item in value.items()]}
    return type(value), repr(value)


def slowly(array: pa.Array, form: str) -> list[Any]:
    """Convert one element at a time, with Python's own integers and times."""
    kind = array.type

    def at(child: pa.Array, index: int) -> Any:
        return slowly(child.slice(index, 1), form)[0]

    if pa.types.is_run_end_encoded(kind):
        ends = array.run_ends.to_pylist()
        runs = [bisect.bisect_right(ends, array.offset + i) for i in range(len(array))]
        return [at(array.values, run) for run in runs]
    if pa.types.is_dictionary(kind):
        indices = array.indices.to_pylist()
        return [None if index is None else at(array.dictionary, index) for index in indices]
    if pa.types.is_struct(kind):
        fields = [(kind.field(j).name, array.field(j)) for j in range(kind.num_fields)]
        return [
            {name: at(field, i) for name, field in fields} if array[i].is_valid else None
            for i in range(len(array))
        ]
    return [one(scalar, form) for scalar in array]


def one(scalar: pa.Scalar, form: str) -> Any:
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if form == "json" and not pa.types.is_nested(kind):
        return in_json(scalar)
    if pa.types.is_timestamp(kind):
        nanoseconds = scalar.value * UNITS[kind.unit]
        if form == "ns":
            return nanoseconds
        epoch = datetime(1970, 1, 1, tzinfo=timezone.utc if kind.tz else None)
        return epoch + timedelta(microseconds=nanoseconds // 1000)
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        nanoseconds = scalar.value * UNITS[kind.unit]
        delta = timedelta(microseconds=nanoseconds // 1000)
        return delta if pa.types.is_duration(kind) else (datetime.min + delta).time()
    if pa.types.is_date(kind):
        days = scalar.value if kind == pa.date32() else scalar.value // 86_400_000
        return date(1970, 1, 1) + timedelta(days)
    if pa.types.is_interval(kind):
        months, days, nanoseconds = scalar.as_py()
        return scalar.as_py() if months else timedelta(days) + timedelta(0, 0, nanoseconds // 1000)
    if pa.types.is_map(kind):
        pairs = scalar.values
        keys, items = pairs.field(0), pairs.field(1)
        names = slowly(keys, form)
        if form == "json":
            names = [name if isinstance(name, str) else json.dumps(name) for name in names]
        return dict(zip(names, slowly(items, form), strict=True))
    if hasattr(scalar, "values"):
        return slowly(scalar.values, form)
    return float(scalar.as_py()) if pa.types.is_floating(kind) else scalar.as_py()


def in_json(scalar: pa.Scalar) -> Any:
    """A value that is not nested, as JSON."""
    kind = scalar.type
    if pa.types.is_floating(kind):
        value = float(scalar.as_py())
        shown = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, value)
        return "NaN" if shown != shown else shown
    if pa.types.is_decimal(kind):
        return f"{scalar.as_py():f}"
    if "binary" in str(kind):
        return base64.b64encode(scalar.as_py()).decode()
    if pa.types.is_duration(kind):
        return scalar.value * UNITS[kind.unit]
    if pa.types.is_timestamp(kind):
        moment, fraction = one(scalar, "datetime"), scalar.value * UNITS[kind.unit] % 10**9
        text = moment.replace(tzinfo=None, microsecond=0).isoformat()
        return text + (f".{fraction:09d}" if fraction else "") + ("Z" if kind.tz else "")
    if pa.types.is_time(kind) and kind.unit == "ns":
        text, fraction = one(scalar, "datetime").replace(microsecond=0), scalar.value % 10**9
        return text.isoformat() + (f".{fraction:09d}" if fraction else "")
    if pa.types.is_time(kind) or pa.types.is_date(kind):
        return one(scalar, "datetime").isoformat()
    if pa.types.is_interval(kind):
        return dict(zip(("months", "days", "nanoseconds"), scalar.as_py(), strict=True))
    return scalar.as_py()
