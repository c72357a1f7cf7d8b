"""Test the commands other than ``query`` in a pipe, on the recorded data of a service."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from micromegas_dbapi.cli import main
from micromegas_dbapi.cli.render.flame_graph import format_duration
from micromegas_dbapi.service.catalog import COLUMN_COMMENTS, SCHEMAS, VIEW_COMMENTS
from tests.cli.terminal import bare, on_terminal

PROCESS = "5e289910-c90d-44d6-8cb2-570a36fc332c"
STREAM = "87af451a-bbbb-4460-8629-0ed687891ded"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=["http-0.2.3", "flight-0.30"])
def lake(request: pytest.FixtureRequest, wire: Callable[[str], Path]) -> str:
    return f"lake:{wire(request.param) / 'data'}"


@pytest.fixture
def old(wire: Callable[[str], Path]) -> str:
    return f"lake:{wire('http-0.2.3') / 'data'}"


def objects(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main([*arguments, "--format", "ndjson"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_tables(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = {row["view"]: row for row in objects(capsys, "tables", "--url", lake)}
    assert set(SCHEMAS) <= set(found)
    assert all(row["comment"] == VIEW_COMMENTS[str(view)] for view, row in found.items())
    assert ("log_stats" in found) == ("0.30" in lake)
    assert found["thread_spans"]["columns"] == len(SCHEMAS["thread_spans"])


@pytest.mark.parametrize("view", SCHEMAS)
def test_describe(lake: str, view: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = objects(capsys, "describe", view, "--url", lake)
    names = [str(row["column"]) for row in found]
    assert [row["comment"] for row in found] == [COLUMN_COMMENTS[view][n] for n in names]
    if "0.2.3" in lake:
        assert names == SCHEMAS[view].names
        assert [row["type"] for row in found] == [str(t) for t in SCHEMAS[view].types]


def test_describe_of_instances(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    for view, instance in (("log_entries", PROCESS), ("thread_spans", STREAM)):
        found = objects(capsys, "describe", view, instance, "--url", old)
        assert [row["column"] for row in found] == SCHEMAS[view].names


@pytest.mark.parametrize(
    ("since", "count"),
    [
        ([], 3),
        (["--since", "2026-11-23T20:39:36Z"], 2),
        (["--since", "2026-11-23T20:39:36.327696001Z"], 1),
        (["--since", "2100-01-01T00:00:00Z"], 0),
        (["--since", "36500d"], 3),
    ],
)
def test_processes(
    old: str, since: list[str], count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = objects(capsys, "processes", *since, "--url", old)
    assert len(found) == count
    starts = [str(row["start_time"]) for row in found]
    assert starts == sorted(starts, reverse=True)


@pytest.mark.parametrize(
    ("level", "worst"), [([], 6), (["--level", "warn"], 3), (["--level", "fatal"], 1)]
)
def test_log(lake: str, level: list[str], worst: int, capsys: pytest.CaptureFixture[str]) -> None:
    sql = f"SELECT process_id FROM log_entries WHERE level <= {worst} LIMIT 1"
    process = str(objects(capsys, sql, "--url", lake)[0]["process_id"])
    found = objects(capsys, "log", process, *level, "--url", lake)
    count = f"SELECT count(*) AS n FROM log_entries WHERE process_id = '{process}'"
    assert [{"n": len(found)}] == objects(capsys, f"{count} AND level <= {worst}", "--url", lake)
    times = [str(row["time"]) for row in found]
    assert times == sorted(times)
    # As text, an entry is a line, or more if its message has several.
    assert main(["log", process, *level, "--url", lake]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == sum(1 + str(row["msg"]).count("\n") for row in found)


def test_metrics(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = [row["name"] for row in objects(capsys, "metrics", PROCESS, "--url", old)]
    assert "cpu_usage" in names
    found = objects(capsys, "metrics", PROCESS, "cpu_usage", "--url", old)
    assert len(found) == 1200
    assert {row["unit"] for row in found} == {"%"}
    times = [str(row["time"]) for row in found]
    assert times == sorted(times)


def test_spans(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = objects(capsys, "spans", STREAM, "--url", old)
    assert len(found) == 1501
    assert main(["spans", STREAM, "--url", old, "--top", "2"]) == 0
    shown = capsys.readouterr().out
    slowest = sorted((int(str(r["duration"])) for r in found if r["depth"] == 1), reverse=True)
    assert shown.count("100%") == 2
    for took in slowest[:2]:
        assert f"{format_duration(took)} 100%" in " ".join(shown.split())
    assert "physics" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["describe", "nope"], "nope"),
        (["log", NOBODY], NOBODY),
        (["metrics", NOBODY], NOBODY),
        (["metrics", PROCESS, "nope"], "nope"),
        (["spans", NOBODY], NOBODY),
        (["log", "nope"], "nope"),
        (["spans", "nope"], "nope"),
        (["processes", "--since", "yesterday"], "yesterday"),
        (["spans", STREAM, "--top", "0"], "--top"),
    ],
)
def test_what_is_not_there(
    old: str, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--url", old]) in (1, 2)
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("micromegas-sql: ")
    assert words in line


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
@pytest.mark.parametrize("width", [60, 100])
@pytest.mark.parametrize(
    "arguments",
    [
        ["processes"],
        ["log", PROCESS, "--level", "warn"],
        ["metrics", PROCESS],
        ["metrics", PROCESS, "cpu_usage"],
        ["spans", STREAM],
        ["tables"],
        ["describe", "log_entries"],
    ],
    ids=" ".join,
)
def test_fits_the_terminal(old: str, arguments: list[str], width: int) -> None:
    code, shown = on_terminal(*arguments, "--url", old, width=width)
    assert code == 0
    lines = bare(shown).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= width


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_metric_is_drawn_on_a_terminal(old: str) -> None:
    _, shown = on_terminal("metrics", PROCESS, "cpu_usage", "--url", old)
    assert set("▁▂▃▄▅▆▇█") & set(shown)
    assert "1200 values" in bare(shown)
