"""Test ``processes`` on a terminal; test_commands tests its rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from micromegas_dbapi.cli import main
from tests.cli.terminal import bare, on_terminal

NEWEST = """\
c9add7a8-e237-4947-8768-8a9dd19c3e13  worker
    svc@node-02  started 2026-11-23T20:51:29.565044000Z
    last update 2026-11-23T20:51:29.670708000Z  Debian GNU/Linux 12
043d3883-8245-4f8e-ba81-0584367fd1ca  C:\\Games\\client.exe
    zoë@DESK-7  started 2026-11-23T20:51:27.063255000Z
    last update 2026-11-23T20:51:29.538550000Z  Debian GNU/Linux 12
    child of 449ad30e-1144-46df-b002-e7ffd98c2591
(2 processes)
"""


@pytest.fixture
def new(wire: Callable[[str], Path]) -> str:
    return f"lake:{wire('flight-0.30') / 'data'}"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_terminal(new: str) -> None:
    since = "2026-11-23T20:51:27.063255Z"  # included
    _, shown = on_terminal("processes", "--since", since, "--url", new, width=80)
    assert bare(shown) == NEWEST


def test_columns(new: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The newer service's last_update_time is included, columns of users are not."""
    assert main(["processes", "--url", new, "--format", "csv"]) == 0
    names = capsys.readouterr().out.splitlines()[0].replace('"', "")
    assert names == (
        "process_id,start_time,last_update_time,exe,username,computer,distro,parent_process_id"
    )


@pytest.mark.parametrize(
    ("since", "code"),
    [("1h", 0), ("-1h", 0), ("1h30m", 0), ("now", 0), ("1", 2), ("1y", 2), ("2026-11-23", 2)],
)
def test_since(new: str, since: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["processes", "--since", since, "--url", new, "--format", "csv"]) == code
    assert ("since=" in capsys.readouterr().err) == (code != 0)


def test_since_counts_from_now(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo's processes started within the last hour and a little."""
    counts = []
    for since in ("1m", "30m", "2h"):
        assert main(["processes", "--since", since, "--url", "demo:", "--format", "ndjson"]) == 0
        counts.append(len(capsys.readouterr().out.splitlines()))
    assert counts[0] == 0 < counts[1] < counts[2] == 9
