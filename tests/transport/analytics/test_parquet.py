"""Types that Parquet does not have are restored, as written by the services' writer."""

from __future__ import annotations

import io
from datetime import date, datetime, time
from pathlib import Path

import datafusion
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.transport.analytics.parquet import decode
from micromegas_dbapi.transport.protocol import Request

LOST = {
    "timestamp": pa.array([datetime(2024, 2, 29, 12), None], pa.timestamp("s")),
    "timestamp with a zone": pa.array([datetime(1900, 1, 1), None], pa.timestamp("s", "+00:00")),
    "time": pa.array([time(23, 59, 59), None], pa.time32("s")),
    "date": pa.array([date(2024, 2, 29), None], pa.date64()),
}


def nested(values: pa.Array) -> dict[str, pa.Array]:
    """Wrap two values in every nested type."""
    two = pa.array([0, 2], pa.int32())
    return {
        "plain": values,
        "list": pa.ListArray.from_arrays(two, values),
        "large_list": pa.LargeListArray.from_arrays(pa.array([0, 2], pa.int64()), values),
        "fixed_size_list": pa.FixedSizeListArray.from_arrays(values, 2),
        "struct": pa.StructArray.from_arrays([values, pa.array([1, 2])], ["lost", "kept"]),
        "map": pa.MapArray.from_arrays(two, pa.array(["a", "b"]), values),
        "list of structs": pa.ListArray.from_arrays(
            two, pa.StructArray.from_arrays([values], ["lost"])
        ),
    }


@pytest.mark.parametrize("holder", list(nested(LOST["time"])))
@pytest.mark.parametrize("kind", list(LOST))
def test_lost_type(tmp_path: Path, kind: str, holder: str) -> None:
    table = pa.table({"before": pa.array([1] * 2), "after": pa.array(["x"] * 2)})
    column = nested(LOST[kind])[holder]
    table = table.slice(0, len(column)).add_column(1, "v", column)
    datafusion.SessionContext().from_arrow(table).write_parquet(str(tmp_path))
    (file,) = tmp_path.glob("*.parquet")
    found = decode(file.read_bytes(), Request("", None, "")).read_all()
    assert found.schema.field("v").type == column.type
    assert found.column("v").combine_chunks().equals(column)
    assert found.column_names == ["before", "v", "after"]


def test_dictionary_of_a_lost_type_is_that_type(tmp_path: Path) -> None:
    """pyarrow does not read dictionaries of numbers; their values are restored."""
    column = LOST["timestamp"].dictionary_encode()
    table = pa.table({"v": column})
    datafusion.SessionContext().from_arrow(table).write_parquet(str(tmp_path))
    (file,) = tmp_path.glob("*.parquet")
    found = decode(file.read_bytes(), Request("", None, "")).read_all().column("v")
    assert found.type == pa.timestamp("s")
    assert found.to_pylist() == LOST["timestamp"].to_pylist()


def varint(number: int) -> bytes:
    """Encode an integer as Parquet's metadata has it."""
    rest, found = number << 1, b""
    while rest > 127:
        found, rest = found + bytes([rest & 127 | 128]), rest >> 7
    return found + bytes([rest])


def footer_with(table: pa.Table, old: bytes, new: bytes, last: bool) -> bytes:
    """Write a file, and replace bytes of its metadata where they occur first or last."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="none", use_dictionary=False, write_statistics=False)
    body = sink.getvalue()
    size = int.from_bytes(body[-8:-4], "little")
    data, footer = body[: -8 - size], body[-8 - size : -8]
    at = footer.rindex(old) if last else footer.index(old)
    footer = footer[:at] + new + footer[at + len(old) :]
    return data + footer + len(footer).to_bytes(4, "little") + b"PAR1"


ROWS = 5555
NUMBERS = pa.table({"v": pa.array(range(ROWS), pa.int32())})
WIDE = pa.table({"v": pa.array([b"x" * ROWS] * 2, pa.binary(ROWS))})
COUNT = varint(ROWS)


@pytest.mark.parametrize("wrong", [0, 1, ROWS - 1, ROWS + 1, 10**6, 10**12, 2**62])
@pytest.mark.parametrize("last", [False, True], ids=["file", "row group"])
def test_declared_rows(wrong: int, last: bool) -> None:
    """A file that declares other numbers of rows than it has is not read silently."""
    body = footer_with(NUMBERS, COUNT, varint(wrong), last)
    with pytest.raises(mm.OperationalError, match="the response is a damaged Parquet file: "):
        decode(body, Request("", None, "")).read_all()


def test_declared_width() -> None:
    """pyarrow would allocate the width for each row before it reads any."""
    assert decode(footer_with(WIDE, COUNT, COUNT, False), Request("", None, "")).read_all() == WIDE
    body = footer_with(WIDE, COUNT, varint(2**31 - 1), False)
    before = pa.total_allocated_bytes()
    with pytest.raises(mm.OperationalError, match="values of 2147483647 bytes in a file of"):
        decode(body, Request("", None, ""))
    assert pa.total_allocated_bytes() - before < 2**20
