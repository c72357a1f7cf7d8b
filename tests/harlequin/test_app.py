"""Harlequin itself with the adapter: its catalog, results, errors, cancellation, time range.

It needs an environment of its own, and runs where it is asked for: see CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.serving import served

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / os.environ.get("MICROMEGAS_HARLEQUIN_PYTHON", ".venv-harlequin/bin/python")


def run(url: str, begin: str, home: Path) -> dict[str, Any]:
    folders = {f"XDG_{name}_HOME": str(home / name) for name in ("CACHE", "CONFIG", "DATA")}
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name("app_session.py"), url, begin],
        env={**os.environ, **folders, "PYTHONPATH": str(ROOT)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.harlequin
def test_the_app(tmp_path: Path) -> None:
    seen = run("demo:", "-2h", tmp_path)
    assert seen["service"] == "demo: (from -2h) db"
    assert seen["views"] == [
        *("blocks v", "log_entries v", "measures v", "processes v", "streams v"),
        "thread_spans vs",
    ]
    assert sorted(seen["columns"]) == [
        *("(processes) ...", "computer s", "exe s", "level #", "msg s", "process_id s"),
        *("properties []", "target s", "time ts", "username s"),
    ]
    assert seen["instances"] == 9
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}Z", seen["newest"][0])
    assert seen["exact"] == ["2026-11-01T00:00:00.000000001", 2**63 - 1]
    assert seen["refused"][0] == "Not supported:"
    assert seen["refused"][1].startswith("DELETE is rejected, and nothing was sent")
    assert seen["wrong"][0] == "The statement has an error:"
    title = "The service did not complete the query:"
    assert seen["cancelled"] == [title, "the query was cancelled"]
    assert seen["seconds"] < 1
    assert seen["range"] == "demo: (last hour) db"
    assert seen["count"] == [0]
    assert seen["limit"] == {"value": [1, 2, 3]}


@pytest.mark.harlequin
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_the_app_with_a_service(protocol: str, wire: Callable[[str], Path], tmp_path: Path) -> None:
    begin = "2026-11-01T00:00:00Z"
    with served(wire("http-0.2.3") / "data") as urls:
        seen = run(urls[protocol], begin, tmp_path)
    assert seen["service"] == f"{urls[protocol]} (from {begin}) db"
    assert seen["cancelled"][1] == "the query was cancelled"
    assert seen["seconds"] < 1
    assert seen["exact"] == ["2026-11-01T00:00:00.000000001", 2**63 - 1]
