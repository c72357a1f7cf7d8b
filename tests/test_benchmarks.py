"""Benchmarks that put a transport of their own into a connection still run; none is timed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "small", "printed"),
    [
        (
            "handover",
            {"ROWS": 300, "ROUNDS": 1, "BATCH": 70},
            ["each value twice", "share of the table"],
        ),
        ("pandas", {"ROWS": 300, "ROUNDS": 1}, ["pd.read_sql(sql, engine)", "mm.read_sql"]),
        ("rows", {"ROWS": 300, "ROUNDS": 1, "SUBSET": 100}, ["fetchall"]),
    ],
)
def test_runs(
    name: str,
    small: dict[str, int],
    printed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))  # the script changes it
    module = script(name)
    for constant, value in small.items():
        assert hasattr(module, constant)
        monkeypatch.setattr(module, constant, value)
    module.main()
    output = capsys.readouterr().out
    assert [each for each in printed if each not in output] == []
