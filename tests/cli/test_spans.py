"""Test ``spans``: the flame graphs, what they leave out, and the default time range."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from micromegas_dbapi.cli import main
from micromegas_dbapi.cli.render.call_tree import Call, build_tree
from micromegas_dbapi.cli.render.flame_graph import flame_lines, format_duration
from micromegas_dbapi.service.catalog import SCHEMAS
from tests.cli.terminal import bare, on_terminal

THREAD = "87af451a-bbbb-4460-8629-0ed687891ded"
GAME = "5e289910-c90d-44d6-8cb2-570a36fc332c"
LOG = "d2d5dd90-1bff-425b-a431-f3f7e1ee906c"
US = 1000
#: Within the blocks' times, rounded to seconds.
BEGIN = 1_795_466_370 * 10**9

# (id, parent, depth, begin and end in us, name)
SPANS = [
    (-1, 0, 0, 0, 100_000, "render"),
    (0, -1, 1, 0, 1000, "frame"),
    (1, 0, 2, 0, 500, "physics"),
    (2, 1, 3, 0, 250, "broad phase"),
    (4, 1, 3, 250, 255, "tiny"),
    (6, 0, 2, 500, 600, "draw"),
    (8, 0, 2, 600, 700, "draw"),
    (10, 8, 3, 650, 700, "upload"),
    (12, 0, 2, 700, 800, "wait"),
    (14, 0, 2, 800, 900, "draw"),
    (16, 0, 2, 900, 903, "tick"),
    (18, 16, 3, 900, 902, "tock"),
    (20, 0, 2, 903, 905, "trim"),
    (30, -1, 1, 5000, 5900, "frame"),
    (40, -1, 1, 6000, 6001, "frame"),
    (42, 99, 2, 5100, 5200, "lost"),
]

DRAWN = """\
the slowest 2 of 3 calls

2026-11-23T20:39:30Z
 1.00 ms 100% {b0} frame  t f.rs:1
  500 us  50% {b1}   physics  t f.rs:1
  250 us  25% {b2}     broad phase  t f.rs:1
 5.00 us   0% {no}     … 1 shorter span
  200 us  20% {b3}   draw x 2  t f.rs:1
 50.0 us   5% {b4}     upload  t f.rs:1
  100 us  10% {b5}   wait  t f.rs:1
  100 us  10% {b6}   draw  t f.rs:1
 5.00 us   0% {no}   … 2 shorter spans, 1 inside

2026-11-23T20:39:30.005000000Z
  900 us 100% {b0} frame  t f.rs:1
(1 span of this time not shown: the caller is missing)
""".format(
    **{
        f"b{at}": (" " * begin + "█" * (end - begin)).ljust(60)
        for at, (begin, end) in enumerate(
            [(0, 60), (0, 30), (0, 15), (30, 42), (39, 42), (42, 48), (48, 54)]
        )
    },
    no=" " * 60,
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, wire: Callable[[str], Path]) -> str:
    folder = tmp_path_factory.mktemp("spans")
    data = wire("http-0.2.3") / "data"
    for view in ("processes", "streams", "blocks"):
        (folder / f"{view}.parquet").write_bytes((data / f"{view}.parquet").read_bytes())
    same = {"hash": 1, "target": "t", "filename": "f.rs", "line": 1}
    rows = [
        {
            **same,
            "id": id_,
            "parent": parent,
            "depth": depth,
            "begin": BEGIN + begin * US,
            "end": BEGIN + end * US,
            "duration": (end - begin) * US,
            "name": name,
        }
        for id_, parent, depth, begin, end, name in SPANS
    ]
    (folder / "thread_spans").mkdir()
    table = pa.Table.from_pylist(rows, SCHEMAS["thread_spans"])
    pq.write_table(table, folder / "thread_spans" / f"{THREAD}.parquet")
    return f"lake:{folder}"


def test_pipe(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spans", THREAD, "--top", "2", "--url", lake]) == 0
    assert capsys.readouterr().out == DRAWN


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
@pytest.mark.parametrize(("width", "hidden"), [(50, 1), (60, 0)])
def test_terminal(lake: str, width: int, hidden: int) -> None:
    """Hidden source locations are counted; names and numbers are shown at any width."""
    code, shown = on_terminal("spans", THREAD, "--top", "1", "--url", lake, width=width)
    assert code == 0
    found = bare(shown).splitlines()
    assert max(map(len, found)) <= width
    for line in DRAWN.splitlines()[3:12]:
        took, name = line[:13], line[74:].partition("  t f.rs")[0].strip()
        name = name.partition(",")[0]  # the end of a long line is in the next one
        assert any(row.startswith(took) and name in row for row in found), line
    places = sum("f.rs:1" in row for row in found)
    assert places == 7 - hidden
    told = f"({hidden} source location" + ("s" if hidden > 1 else "") + " hidden"
    assert any(row.startswith(told) for row in found) == (hidden > 0)


def test_rows(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spans", THREAD, "--top", "1", "--url", lake, "--format", "csv"]) == 0
    head, *rows = csv.reader(capsys.readouterr().out.splitlines())
    assert head[:7] == ["id", "parent", "depth", "begin", "end", "duration", "name"]
    assert head[7:] == ["target", "filename", "line"]
    expected = sorted(SPANS, key=lambda span: (span[3], span[2], span[0]))
    assert [(int(r[0]), r[6]) for r in rows] == [(span[0], span[5]) for span in expected]
    assert rows[-1][3:6] == [
        "2026-11-23T20:39:30.006000000Z",
        "2026-11-23T20:39:30.006001000Z",
        "1000",
    ]


@pytest.mark.parametrize(
    ("range_", "ids"),
    [
        ([], [span[0] for span in SPANS]),
        (["--begin", "2026-11-23T20:39:30.005950Z"], [-1, 40]),
        (["--end", "2026-11-23T20:39:29Z"], []),
    ],
)
def test_range(
    lake: str, range_: list[str], ids: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["spans", THREAD, *range_, "--url", lake, "--format", "csv"]) == 0
    rows = csv.reader(capsys.readouterr().out.splitlines()[1:])
    assert sorted(int(row[0]) for row in rows) == sorted(ids)


def test_range_of_the_url_counts(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"{lake}?begin=2026-11-23T20:39:30.005950Z"
    assert main(["spans", THREAD, "--url", url, "--format", "csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 2


def test_all_of_a_recorded_thread(
    wire: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The range of the blocks keeps every span of every thread, in both versions."""
    for generation in ("http-0.2.3", "flight-0.30"):
        data = wire(generation) / "data"
        for file in (data / "thread_spans").iterdir():
            arguments = ["spans", file.stem, "--url", f"lake:{data}", "--format", "csv"]
            assert main(arguments) == 0
            rows = len(capsys.readouterr().out.splitlines()) - 1
            assert rows == pq.ParquetFile(file).metadata.num_rows > 0


def test_a_lake_of_spans_alone(
    lake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thread_spans").mkdir()
    source = Path(lake.removeprefix("lake:")) / "thread_spans" / f"{THREAD}.parquet"
    (tmp_path / "thread_spans" / source.name).write_bytes(source.read_bytes())
    assert main(["spans", THREAD, "--top", "2", "--url", f"lake:{tmp_path}"]) == 0
    assert capsys.readouterr().out == DRAWN


@pytest.mark.parametrize(
    ("stream", "code", "words"),
    [
        ("00000000-0000-4000-8000-000000000000", 1, "there is no stream 00000000-0000-4000"),
        (GAME, 1, "is a process id, not a stream id. Its threads: "),
        ("no-uuid", 2, "invalid STREAM_ID 'no-uuid': expected a UUID"),
    ],
)
@pytest.mark.parametrize("begin", [[], ["--begin", "-1h"]])
def test_unknown_stream(
    wire: Callable[[str], Path],
    stream: str,
    code: int,
    words: str,
    begin: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"lake:{wire('http-0.2.3') / 'data'}"
    assert main(["spans", stream, *begin, "--url", url]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert (THREAD in shown.err) == (stream == GAME)


def test_a_stream_without_spans_says_so(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spans", LOG, "--url", lake]) == 0
    assert capsys.readouterr().out == f"(stream {LOG} has no spans in the time range)\n"


def test_deeper_than_python_nests() -> None:
    calls = [(i, i - 1, i, 10_000 - i, 10_000, f"f{i}", "") for i in range(5000)]
    root, astray = build_tree(0, calls)
    assert root is not None
    assert astray == 0
    assert [line.depth for line in flame_lines(root, 10)] == list(range(5000))


def test_spans_that_are_cut_twice_and_take_no_time() -> None:
    """A span that a service cut in two has its id twice: the later part is a child as well."""
    root, astray = build_tree(
        0, [(0, -1, 5, 5, 0, "r", ""), (1, 0, 5, 5, 0, "a", ""), (1, 0, 5, 5, 0, "a", "")]
    )
    assert root is not None
    assert astray == 0
    assert [(line.name, line.bar) for line in flame_lines(root, 3)] == [
        ("r", "█  "),
        ("a x 2", "█  "),
    ]
    assert build_tree(7, []) == (None, 0)


def test_every_span_is_drawn_or_counted() -> None:
    children = [Call(f"c{i % 7}", "", [(i, i + 1)], 1) for i in range(1000)]
    root = Call("root", "", [(0, 1000)], 1000, children)
    drawn = list(flame_lines(root, 10))
    assert [line.name for line in drawn] == ["root", "… 1000 shorter spans"]
    assert drawn[1].duration == format_duration(1000)


@pytest.mark.parametrize(
    ("ns", "expected"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1000, "1.00 us"),
        (9_994, "9.99 us"),
        (9_996, "10.0 us"),
        (99_960, "100 us"),
        (725_422, "725 us"),
        (1_000_000, "1.00 ms"),
        (61_500_000_000, "61.5 s"),
        (3_449_712_853_418, "3450 s"),
    ],
)
def test_duration(ns: int, expected: str) -> None:
    assert format_duration(ns) == expected
