"""Every Arrow type inside of every container: rows, JSON and names."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from micromegas_dbapi.arrow.rows import Form, column
from micromegas_dbapi.arrow.types import all_types, find_type
from tests.arrow.nesting import CONTAINERS, LEAVES, NESTED
from tests.arrow.oracle import exact, slowly

FORMS: list[Form] = ["datetime", "ns", "json"]


@pytest.mark.parametrize("form", FORMS)
def test_values(form: Form) -> None:
    wrong = {}
    for name, array in (LEAVES | NESTED).items():
        for part in (array, array.slice(1), array.slice(0, 1), array.slice(1, 1)):
            found, expected = exact(column(part, form)), exact(slowly(part, form))
            if found != expected:
                wrong[name] = (found, expected)
    assert wrong == {}


def test_values_as_pyarrow_has_them() -> None:
    """Types for which our values differ from those of pyarrow, by intention, are not in it."""
    different = ("timestamp", "date64", "time", "duration", "interval", "map")
    same = {
        name: array
        for name, array in (LEAVES | NESTED).items()
        if not any(word in str(array.type) for word in different)
    }
    assert len(same) > 200
    assert {name: exact(column(array)) for name, array in same.items()} == {
        name: exact(plain(array.to_pylist())) for name, array in same.items()
    }


def plain(value: Any) -> Any:
    """numpy's float16 as float."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return float(value) if type(value).__name__ == "float16" else value


def test_json_represents_all_of_them() -> None:
    for array in (LEAVES | NESTED).values():
        values = column(array, "json")
        assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_every_type_of_the_registry_is_tested() -> None:
    tested = {array.type.id for array in (LEAVES | NESTED).values()}
    assert tested == set(all_types())


def test_every_type_of_pyarrow_is_in_the_registry() -> None:
    unknown = {
        name.removeprefix("Type_")
        for name in dir(pa.lib)
        if name.startswith("Type_") and getattr(pa.lib, name) not in all_types()
    }
    # pyarrow has no arrays of the other intervals.
    assert unknown <= {
        "DENSE_UNION", "SPARSE_UNION", "EXTENSION", "INTERVAL_MONTHS", "INTERVAL_DAY_TIME",
    }  # fmt: skip


def test_unions_are_unknown() -> None:
    assert find_type(pa.dense_union([pa.field("a", pa.int8())])) is None
    assert len(CONTAINERS) == 10
