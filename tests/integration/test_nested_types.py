"""Every type of the engine in every container, in process and over every protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.rows import column
from tests.integration.serving import WIRES, served, warm

Wire = Callable[[str], Path]

NUMBERS = [
    *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
    *("Float16", "Float32", "Float64", "Boolean"),
    *("Decimal128(20, 3)", "Decimal256(50, 3)"),
]
if hasattr(pa, "decimal32"):  # older pyarrow has none of these widths
    NUMBERS += ["Decimal32(9, 3)", "Decimal64(18, 3)"]
STRINGS = ["Utf8", "LargeUtf8", "Utf8View"]
BINARIES = ["Binary", "LargeBinary", "BinaryView"]
TIMES = [
    *("Time64(Microsecond)", "Time64(Nanosecond)"),
    *(f"Timestamp({unit}, None)" for unit in ("Second", "Millisecond", "Microsecond")),
    "Timestamp(Nanosecond, None)",
    'Timestamp(Nanosecond, Some("+00:00"))',
    'Timestamp(Microsecond, Some("+02:00"))',
]
DURATIONS = [f"Duration({u})" for u in ("Second", "Millisecond", "Microsecond", "Nanosecond")]
INTERVAL = "Interval(MonthDayNano)"

# By type, an expression of n that can be cast to it.
LEAVES = {
    **dict.fromkeys([*NUMBERS, *TIMES, *DURATIONS], "n"),
    **dict.fromkeys([*STRINGS, *BINARIES], "CAST(n AS VARCHAR)"),
    **dict.fromkeys(["Date32", "Date64"], "CAST(n AS INT)"),
    "Time32(Second)": "arrow_cast(n, 'Time64(Nanosecond)')",
    "Time32(Millisecond)": "arrow_cast(n, 'Time64(Nanosecond)')",
    "FixedSizeBinary(1)": "arrow_cast('a', 'Binary')",
    "Null": "NULL",
    INTERVAL: "CASE n WHEN 0 THEN interval '3 hours' WHEN 1 THEN interval '1 month' END",
}
CONTAINERS = {
    "none": "{x}",
    "list": "make_array({x})",
    "large list": "arrow_cast(make_array({x}), 'LargeList({t})')",
    "list of fixed size": "arrow_cast(make_array({x}, {x}), 'FixedSizeList(2, {t})')",
    "list view": "arrow_cast(make_array({x}), 'ListView({t})')",
    "struct": "named_struct('a', {x}, 'b', 1)",
    "map of": "map(make_array('k'), make_array({x}))",
    "map by": "CASE n WHEN 1 THEN map(make_array({x}), make_array(1)) END",
    "dictionary": "arrow_cast({x}, 'Dictionary(Int8, {t})')",
    "list of struct": "make_array(named_struct('a', {x}))",
    "struct of map": "named_struct('m', map(make_array('k'), make_array({x})))",
}
# pyarrow 16 writes views only where they are not nested.
OLD_PARQUET = int(pa.__version__.partition(".")[0]) < 20
# What the engine cannot make.
UNMADE = {
    ("dictionary", leaf) for leaf in ("Boolean", "Null", INTERVAL, *DURATIONS)
} | {("map by", "Null")}  # fmt: skip


def unwritten(where: str, container: str, leaf: str) -> type[mm.Error] | None:
    """The error of what the format of a protocol cannot represent."""
    if where == "gateway" and container == "map by" and leaf not in STRINGS:
        return mm.NotSupportedError  # the keys of JSON's objects are strings
    if where == "http" and (leaf in DURATIONS or leaf == INTERVAL):
        return mm.NotSupportedError  # Parquet has neither
    if where == "http" and OLD_PARQUET and container == "list view":
        return mm.DatabaseError
    in_parquet = {"none"} if OLD_PARQUET else CONTAINERS.keys() - {"dictionary", "list of struct"}
    if where == "http" and "View" in leaf and container not in in_parquet:
        return mm.DatabaseError  # pyarrow cannot write these as Parquet
    return None


def without_null_items(value: Any) -> Any:
    """The gateway leaves out the entries of maps whose item is null."""
    if isinstance(value, dict) and "a" not in value:
        return {key: without_null_items(item) for key, item in value.items() if item is not None}
    return value


def rows(table: pa.Table, index: int) -> list[Any]:
    batches = table.to_batches()
    return [value for batch in batches for value in column(batch.column(index), "ns")]


@pytest.fixture(scope="module")
def connections(wire: Wire) -> Iterator[dict[str, mm.Connection]]:
    with served(wire("flight-0.30") / "data") as urls:
        found = {where: mm.connect(urls[where]) for where in WIRES}
        for connection in found.values():
            warm(connection)
        yield found
        for connection in found.values():
            connection.close()


def statement(container: str, leaves: list[str]) -> str:
    shape = CONTAINERS[container]
    values = [shape.format(x=f"arrow_cast({LEAVES[t]}, '{t}')", t=t) for t in leaves]
    columns = ", ".join(f"{value} AS v{index}" for index, value in enumerate(values))
    return f"SELECT {columns} FROM (VALUES (0), (1), (NULL), (7)) AS t(n) ORDER BY n"


@pytest.mark.parametrize("where", WIRES[1:])
@pytest.mark.parametrize("container", CONTAINERS)
def test_values(connections: dict[str, mm.Connection], container: str, where: str) -> None:
    leaves = [t for t in LEAVES if (container, t) not in UNMADE]
    if (where, container) == ("http", "map by") and OLD_PARQUET:
        leaves.remove("Date64")  # pyarrow 16 aborts when it casts these keys
    carried = [t for t in leaves if unwritten(where, container, t) is None]
    sql = statement(container, carried) if carried else "SELECT 1 FROM (VALUES (0), (1), (2), (3))"
    expected = connections["lake"].execute(sql).fetch_arrow_table()
    found = connections[where].execute(sql).fetch_arrow_table()
    assert found.num_rows == 4
    for index, leaf in enumerate(carried):
        theirs = rows(expected, index)
        if where == "gateway" and container in ("map of", "struct of map"):
            theirs = list(map(without_null_items, theirs))
        assert repr(rows(found, index)) == repr(theirs), leaf
    for leaf in set(leaves) - set(carried):
        error = unwritten(where, container, leaf)
        assert error is not None
        with pytest.raises(error) as caught:
            connections[where].execute(statement(container, [leaf])).fetchall()
        assert type(caught.value) is error, leaf


def test_the_gateway_says_what_json_cannot_represent(
    connections: dict[str, mm.Connection],
) -> None:
    with pytest.raises(
        mm.NotSupportedError,
        match=r"^the gateway responds in JSON, which cannot represent the result: Json error: Only "
        "UTF8 keys supported by JSON MapArray Writer",
    ):
        connections["gateway"].execute("SELECT map(make_array(1), make_array(2)) AS m").fetchall()
