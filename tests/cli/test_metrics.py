"""Test ``metrics`` on a terminal, and with values that are not finite."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from micromegas_dbapi.cli import main
from micromegas_dbapi.cli.render.sparkline import buckets, format_number, sparkline
from micromegas_dbapi.service.catalog import SCHEMAS
from tests.cli.terminal import bare, on_terminal

PROCESS = "5e289910-c90d-44d6-8cb2-570a36fc332c"
NAN, INF, MAX = math.nan, math.inf, 1.7976931348623157e308
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, wire: Callable[[str], Path]) -> str:
    folder = tmp_path_factory.mktemp("metrics")
    write_metrics(folder, wire("http-0.2.3") / "data")
    return f"lake:{folder}"


def write_metrics(folder: Path, data: Path) -> None:
    """Write metrics of a process: `load` in two units, `odd` with values that are not finite."""
    (folder / "processes.parquet").write_bytes((data / "processes.parquet").read_bytes())
    values = [
        *(("load", "%", i * SECOND, float(i % 100)) for i in range(200)),
        *(("load", "W", i * SECOND, i / 4) for i in range(3)),
        *(("odd", "", i, v) for i, v in enumerate([NAN, 1.5, INF, None, -INF, 2.5, NAN])),
        ("nothing", "", 5, -NAN),  # as processors make it of 0 / 0
        ("zero", "", 5, -0.0),
    ]
    same = dict.fromkeys(("exe", "username", "computer", "target"), "a")
    same |= {"process_id": PROCESS, "properties": []}
    rows = [
        {**same, "name": name, "unit": unit, "time": time, "value": value}
        for name, unit, time, value in reversed(values)
    ]
    fields = [f.with_nullable(True) for f in SCHEMAS["measures"]]
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(fields)), folder / "measures.parquet")


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[list[str]]:
    assert main([*arguments, "--format", "csv"]) == 0
    return list(csv.reader(capsys.readouterr().out.splitlines()))


def test_list(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    head, *found = rows(capsys, "metrics", PROCESS, "--url", lake)
    assert head == ["name", "unit", "count", "nan", "min", "avg", "max", "last", "begin", "end"]
    assert [row[:8] for row in found] == [
        ["load", "%", "200", "0", "0", "49.5", "99", "99"],
        ["load", "W", "3", "0", "0", "0.25", "0.5", "0.5"],
        ["nothing", "", "1", "1", "", "", "", "nan"],
        ["odd", "", "7", "3", "-inf", "nan", "inf", "nan"],
        ["zero", "", "1", "0", "-0", "0", "-0", "-0"],
    ]
    assert found[0][8:] == ["1970-01-01T00:00:00Z", "1970-01-01T00:03:19Z"]


def test_values_are_as_they_are(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    head, *found = rows(capsys, "metrics", PROCESS, "odd", "--url", lake)
    assert head == ["time", "value", "unit"]
    assert [row[1] for row in found] == ["nan", "1.5", "inf", "", "-inf", "2.5", "nan"]
    assert found[5][0] == "1970-01-01T00:00:00.000000005Z"


LIST = [
    "load (%)",
    "    count 200  min 0  avg 49.5  max 99  last 99",
    "load (W)",
    "    count 3  min 0  avg 0.25  max 0.5  last 0.5",
    "nothing",
    "    count 1  nan 1  min NULL  avg NULL  max NULL  last nan",
    "odd",
    "    count 7  nan 3  min -inf  avg nan  max inf  last nan",
    "zero",
    "    count 1  min 0  avg 0  max 0  last 0",
]
TABLE = [
    "name      unit   count   nan    min    avg    max   last",
    "load      %        200            0   49.5     99     99",
    "load      W          3            0   0.25    0.5    0.5",
    "nothing              1     1   NULL   NULL   NULL    nan",
    "odd                  7     3   -inf    nan    inf    nan",
    "zero                 1            0      0      0      0",
]
LOAD = [
    "load (%)",
    "max   ▁▁▂▂▃▃▄▄▅▅▆▆▆▇▇███▁▂▂▃▃▃▄▄▅▅▆▆▇▇███",
    "mean  ▁▁▂▂▃▃▃▄▄▅▅▆▆▇▇██▅▁▁▂▂▃▃▄▄▅▅▆▆▆▇▇██",
    "min 0  avg 49.5  max 99  last 99",
    "200 values",
    "1970-01-01T00:00:00Z to ",
    "    1970-01-01T00:03:19Z",
    "load (W)",
    "value ▁▅█",
    "min 0  avg 0.25  max 0.5  last 0.5",
    "3 values",
    "1970-01-01T00:00:00Z to ",
    "    1970-01-01T00:00:02Z",
]
ODD = [
    "odd",
    "value  ▁   █ ",
    "min 1.5  avg 2  max 2.5  last nan",
    "7 values  2 nan  1 inf  1 NULL  1 -inf",
]
NOTHING = ["nothing", "1 value  1 nan"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
@pytest.mark.parametrize(
    ("name", "width", "expected"),
    [
        ([], 58, LIST),
        ([], 100, TABLE),
        (["load"], 41, LOAD),
        (["odd"], 60, ODD),
        (["nothing"], 60, NOTHING),
        (
            ["load", "--begin", "2026-01-01T00:00:00Z"],
            60,
            ["(no values of load in the time range)"],
        ),
    ],
)
def test_terminal(lake: str, name: list[str], width: int, expected: list[str]) -> None:
    code, shown = on_terminal("metrics", PROCESS, *name, "--url", lake, width=width)
    assert code == 0
    lines = [line.strip("\n") for line in bare(shown).splitlines()]
    lines = [line for line in lines if line.strip() and "──" not in line]
    if expected is TABLE:
        lines = [line.strip() for line in lines]
    assert lines[: len(expected)] == expected
    if not name:
        assert lines[len(expected)].startswith("(5 metrics; use --format or a pipe")


def test_unknown_name(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", PROCESS, "Load", "--url", lake]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "has no metric 'Load'; available: load, nothing, odd, zero" in shown.err


@pytest.mark.parametrize(
    ("series", "count", "expected"),
    [
        ([], 2, [[], []]),
        ([(7, 1.0)], 1, [[1.0]]),
        ([(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0)], 2, [[1.0, 2.0], [3.0, 4.0]]),
        ([(0, 1.0), (9, 2.0)], 3, [[1.0], [], [2.0]]),
        ([(0, 1.0), (0, 2.0)], 2, [[1.0, 2.0], []]),
        ([(0, None), (1, NAN), (2, INF), (3, 4.0)], 2, [[], [4.0]]),
    ],
)
def test_buckets(
    series: list[tuple[int, float | None]], count: int, expected: list[list[float]]
) -> None:
    assert buckets(series, count) == expected


@pytest.mark.parametrize(
    ("values", "low", "high", "expected"),
    [
        ([], 0, 0, ""),
        ([1.0, 1.0], 1, 1, "▁▁"),
        ([0.0, None, 8.0], 0, 8, "▁ █"),
        ([-MAX, 0.0, MAX], -MAX, MAX, "▁▅█"),
    ],
)
def test_sparkline(values: list[float | None], low: float, high: float, expected: str) -> None:
    assert sparkline(values, low, high) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (-12.0, "-12"),
        (4406721109.0, "4406721109"),
        (1e300, "1e+300"),
        (0.1234567, "0.123457"),
        (INF, "inf"),
        (NAN, "nan"),
        (None, "NULL"),
    ],
)
def test_format_number(value: float | None, expected: str) -> None:
    assert format_number(value) == expected
