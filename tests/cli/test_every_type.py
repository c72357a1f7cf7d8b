"""Every Arrow type, nested in every container, in every output format."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.nested import values_type
from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.cli.render.formats import WRITERS
from micromegas_dbapi.cli.render.table import print_table
from tests.arrow.nesting import LEAVES, NESTED

ALL = LEAVES | NESTED
# What pyarrow cannot write as Parquet, by version.
NOT_IN_PARQUET = ("null encoded in dictionary", "interval", "run_end_encoded", "view", "halffloat")


def table(array: pa.Array) -> pa.Table:
    return pa.table({"v": pa.chunked_array([array])})


def written(array: pa.Array, name: str) -> bytes:
    sink = io.BytesIO()
    WRITERS[name](table(array).to_reader(), sink)
    return sink.getvalue()


def printed(array: pa.Array) -> list[str]:
    file = io.StringIO()
    print_table(
        table(array).to_reader(),
        Console(file=file, highlight=False, soft_wrap=True, width=1_000_000, color_system=None),
    )
    return [line.strip() for line in file.getvalue().splitlines()[3:-1]]


def is_nested(array: pa.Array) -> bool:
    return bool(pa.types.is_nested(values_type(array.type)))


def mismatches(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {name: (found[name], expected[name]) for name in found if found[name] != expected[name]}


def test_json() -> None:
    values = {name: [{"v": value} for value in column(a, "json")] for name, a in ALL.items()}
    assert not mismatches({n: json.loads(written(a, "json")) for n, a in ALL.items()}, values)
    lines = {n: written(a, "ndjson").decode().splitlines() for n, a in ALL.items()}
    assert not mismatches({n: list(map(json.loads, each)) for n, each in lines.items()}, values)


def test_csv() -> None:
    found, expected = {}, {}
    for name, array in NESTED.items():
        if not is_nested(array):
            continue  # an encoding is written as its values
        rows = list(csv.reader(io.StringIO(written(array, "csv").decode())))
        found[name] = [json.loads(row[0]) if row else None for row in rows[1:]]
        expected[name] = column(array, "json")
    assert len(found) > 350
    assert not mismatches(found, expected)
    for array in ALL.values():
        assert len(written(array, "csv").splitlines()) == 1 + len(array)


def test_tables() -> None:
    found, expected = {}, {}
    for name, array in ALL.items():
        lines = printed(array)
        assert len(lines) == len(array), name
        if is_nested(array):
            found[name] = [None if line == "NULL" else json.loads(line) for line in lines]
            expected[name] = column(array, "json")
    assert len(found) > 350
    assert not mismatches(found, expected)


def test_tables_do_not_round() -> None:
    durations = pa.array([1, 2**63 - 1], pa.int64())
    assert printed(durations.view(pa.duration("ns"))) == [
        "0:00:00.000000001",
        "106751 days, 23:47:16.854775807",
    ]
    assert printed(durations.view(pa.duration("s")))[1] == f"{(2**63 - 1) * 10**9} ns"
    assert printed(pa.array([1], pa.time64("ns"))) == ["00:00:00.000000001"]


def test_arrow() -> None:
    for name, array in ALL.items():
        read = pa.ipc.open_stream(written(array, "arrow")).read_all()
        assert read.schema.types == [array.type], name
        assert column(read.column(0).chunk(0)) == column(array), name


def test_parquet() -> None:
    unwritten: dict[str, str] = {}
    for name, array in ALL.items():
        try:
            body = written(array, "parquet")
        except mm.DataError as error:
            unwritten[name] = str(error)
            continue
        read = pq.read_table(io.BytesIO(body)).column(0).combine_chunks()
        if "map" in name and "duration" in name and read.type != array.type:
            array = array.cast(read.type)  # older pyarrow reads integers here
        assert column(read, "ns") == column(array, "ns"), name
    assert len(unwritten) < len(ALL) / 2
    for message in unwritten.values():
        assert message.startswith("cannot write the result as Parquet: ")
        assert any(each in message for each in NOT_IN_PARQUET), message


UNION = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])], ["a"])


@pytest.mark.parametrize("name", ["csv", "json", "ndjson", "table"])
@pytest.mark.parametrize(
    "array", [UNION, pa.ListArray.from_arrays([0, 1], UNION)], ids=["union", "list of union"]
)
def test_an_unknown_type_is_one_clear_error(name: str, array: pa.Array) -> None:
    with pytest.raises(mm.NotSupportedError) as caught:
        printed(array) if name == "table" else written(array, name)
    assert str(caught.value).startswith(
        f"column 'v': values of the Arrow type {UNION.type} cannot be converted to Python values; "
    )
