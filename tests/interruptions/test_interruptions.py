"""A part of the run, in the suite: the long run is ``python -m tests.interruptions``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import micromegas_dbapi as mm
from micromegas_dbapi import result
from tests.interruptions import rounds
from tests.interruptions.instructions import interrupt, strike_at
from tests.interruptions.processes import WIRES
from tests.interruptions.statements import SMALL, Statement

ROOT = Path(__file__).parents[2]
COMMAND = "python -m tests.interruptions"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc, which Linux has")


def test_documented_command() -> None:
    assert f"`.venv/bin/{COMMAND}`" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    arguments = ["--count", "12", "--opcodes", "307"]
    done = subprocess.run(
        [sys.executable, *COMMAND.split()[1:], *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^(\w+): (\d+) rounds .* hangs 0, wrong 0, ", done.stdout, re.MULTILINE)
    assert [wire for wire, _ in found] == list(WIRES)
    assert all(int(count) > 12 for _, count in found)
    for outcome in ("right", "KeyboardInterrupt", "OperationalError"):
        assert outcome in done.stdout


@pytest.mark.parametrize(
    ("expected", "wrong"),
    [(SMALL.rows, 0), ([*SMALL.rows, (11, 33)], 4), (SMALL.rows[:-1], 4), (SMALL.rows[::-1], 4)],
    ids=["right", "short", "long", "other"],
)
def test_wrong_rows_are_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected: list[tuple[int, int]], wrong: int
) -> None:
    statement = Statement("small", SMALL.sql, expected)
    monkeypatch.setattr(rounds, "statements", lambda _: [statement])
    monkeypatch.setattr(rounds, "WAYS", {"all": rounds.WAYS["all"]})
    monkeypatch.setattr(rounds, "EVENTS", {"none": rounds.EVENTS["none"]})
    report = rounds.run("lake", f"lake:{tmp_path}", 3, 1, 0)
    assert len(report.wrong) == wrong, report.wrong


def test_an_interrupt_loses_no_batch(tmp_path: Path) -> None:
    """At each moment while the iterator that the caller has moves on to the next rows."""
    ends: set[str] = set()
    with mm.connect(f"lake:{tmp_path}") as connection:
        for number in range(1, 1000):
            rows, read = iter(connection.execute(SMALL.sql)), []
            try:
                with strike_at(number, interrupt, result.__file__) as moments:
                    for row in rows:
                        read.append(row)
            except KeyboardInterrupt:
                try:
                    read += list(rows)
                except mm.OperationalError as error:
                    ends.add(str(error).partition(",")[0])
                    continue
            assert read == SMALL.rows, number
            if moments[0] < number:
                break
    assert ends == {"an earlier fetch of this result was interrupted"}
    assert number > 10


def test_a_hang_ends_with_tracebacks() -> None:
    code = (
        "import time; from tests.interruptions import rounds; rounds._HANG = 2; "
        "rounds.Watchdog('lake').begin('round 7'); time.sleep(100)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "HANG on lake, round 7" in done.stderr
    assert "most recent call first" in done.stderr


def test_what_grows_is_seen() -> None:
    report = rounds.Report("lake", samples=[rounds.Sample(4, 9, 100), rounds.Sample(40, 90, 200)])
    assert report.grown == ["threads: 4 -> 40", "files: 9 -> 90", "memory: 100 -> 200 MB"]
    report.samples.append(report.samples[0])
    assert report.grown == []
