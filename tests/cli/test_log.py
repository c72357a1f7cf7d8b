"""Test ``log`` as text; test_commands tests its rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from micromegas_dbapi.cli import main
from micromegas_dbapi.cli.render.log_levels import level_label, level_number
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.service.catalog import SCHEMAS
from tests.cli.terminal import bare, on_terminal

PROCESS = "5e289910-c90d-44d6-8cb2-570a36fc332c"
SECOND = 1_000_000_000

ENTRIES = [
    # (time in ns, target, level, msg), and the lines that each becomes, in a pipe and at 60 columns
    (2 * SECOND, "net", 3, "slow", ["1970-01-01T00:00:02.000000000Z  WARN net: slow"], None),
    (1, "", 1, "first", ["1970-01-01T00:00:00.000000001Z FATAL first"], None),
    (3 * SECOND, "net", 4, "", ["1970-01-01T00:00:03.000000000Z  INFO net: "], None),
    (
        4 * SECOND,
        "net",
        2,
        "one\n  two\r\nthree\x1b[31m",
        [
            "1970-01-01T00:00:04.000000000Z ERROR net: one",
            "      two\\r",
            "    three\\x1b[31m",
        ],
        None,
    ),
    (
        5 * SECOND,
        "net",
        9,
        "a message that has no room in a line of this terminal",
        [
            "1970-01-01T00:00:05.000000000Z     9 net: a message that has no room in a line of "
            "this terminal"
        ],
        [
            "1970-01-01T00:00:05.000000000Z     9 net: a message that has ",
            "    no room in a line of this terminal",
        ],
    ),
    (
        6 * SECOND,
        "net",
        6,
        "x" * 70,
        ["1970-01-01T00:00:06.000000000Z TRACE net: " + "x" * 70],
        ["1970-01-01T00:00:06.000000000Z TRACE net: ", "    " + "x" * 56, "    " + "x" * 14],
    ),
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, wire: Callable[[str], Path]) -> str:
    """A lake with the entries above, of a process of the recorded service."""
    folder = tmp_path_factory.mktemp("log")
    data = wire("http-0.2.3") / "data"
    (folder / "processes.parquet").write_bytes((data / "processes.parquet").read_bytes())
    same = dict.fromkeys(("exe", "username", "computer"), "a")
    same |= {"process_id": PROCESS, "properties": []}
    rows = [
        {**same, "time": time, "target": target, "level": level, "msg": msg}
        for time, target, level, msg, _, _ in ENTRIES
    ]
    table = pa.Table.from_pylist(rows, SCHEMAS["log_entries"])
    pq.write_table(table, folder / "log_entries.parquet")
    return f"lake:{folder}"


def expected(at: int, worst: int = 9) -> list[str]:
    found = sorted(entry for entry in ENTRIES if entry[2] <= worst)
    return [line for entry in found for line in (entry[at] or entry[4])]


@pytest.mark.parametrize(
    ("level", "worst"),
    [([], 9), (["--level", "trace"], 6), (["--level", "warn"], 3), (["--level", "error"], 2)],
)
def test_pipe(lake: str, level: list[str], worst: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", PROCESS, *level, "--url", lake]) == 0
    assert capsys.readouterr().out.split("\n")[:-1] == expected(4, worst)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_terminal(lake: str) -> None:
    code, shown = on_terminal("log", PROCESS, "--url", lake, width=60)
    assert code == 0
    lines = [line.rstrip() for line in bare(shown).splitlines()]
    assert lines == [*(line.rstrip() for line in expected(5)), "(6 entries)"]
    assert "\x1b[33m WARN\x1b[0m" in shown
    assert "\x1b[31m" not in shown.replace("\x1b[1;31mERROR", "")  # the message's own colour


@pytest.mark.parametrize(
    ("process", "code", "words"),
    [
        ("00000000-0000-4000-8000-000000000000", 1, "there is no process 00000000-0000-4000"),
        ("no-uuid", 2, "invalid PROCESS_ID 'no-uuid': expected a UUID; `micromegas-sql processes`"),
    ],
)
def test_unknown_process(
    lake: str, process: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["log", process, "--url", lake]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err


def test_any_spelling_of_the_id(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", PROCESS.upper().replace("-", ""), "--url", lake]) == 0
    assert capsys.readouterr().out.split("\n")[:-1] == expected(4)


def test_a_process_without_entries_is_no_error(
    lake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["log", "17c4a5e7-4842-403a-902f-3693cdc7e800", "--url", lake]) == 0
    assert capsys.readouterr() == ("", "")


def test_levels() -> None:
    assert [level_number(name) for name in ("fatal", "Error", "WARN", "trace")] == [1, 2, 3, 6]
    assert [level_label(level) for level in (1, 3, 7)] == ["FATAL", " WARN", "    7"]
    with pytest.raises(ProgrammingError, match="unknown level 'loud'; accepted: fatal, error"):
        level_number("loud")
